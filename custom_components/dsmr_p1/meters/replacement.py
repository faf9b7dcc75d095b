"""A replaced meter: another identifier where a known meter is, or a live meter beside a dead one of its kind.

Technicians replace meters, and noise garbles identifiers. What a new register shows is not what the old one would have
shown: added to the statistics, the difference would be use that never was. So from the first telegram with another
identifier the registers of its slot are held back, and once the identifier is certain the owner is asked:

- a replacement: the entities go on, and so do the statistics (`handover` tells how);
- an additional meter: it gets a device and entities of its own, and the old ones stay aside with their history;
- a mistake: the same meter as before, and nobody is asked about this identifier again for long.

Who does not answer for a day has a new meter. A meter that tells its old identifier again takes the question back.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..p1 import Meter, Reading, Role, present
from ..port.devices import device_identifier
from ..port.state import Port
from ..port.store import Change, KnownMeter
from .continuity import Moves, async_move, continued_channels, system_title
from .handover import HELD, Handover, registers_of
from .questions import Questions

CERTAIN: Final = 3
"""Telegrams in a row with the same other identifier, before it is believed: noise does not repeat itself."""
LONGEST_HOLD: Final = timedelta(days=1)
"""How long an answer is waited for."""
LONG: Final = timedelta(days=90)
"""How long nobody is asked again about what was called a mistake."""
DEAD_AFTER: Final = timedelta(days=7)
"""How much older the reading of a dead meter is than that of a live one beside it: more than a radio's bad week."""
GONE_AFTER: Final = timedelta(days=1)
"""How long a meter must be without a reading to be dead."""


class Answer(StrEnum):
    """What the owner says about another identifier."""

    REPLACEMENT = "replacement"
    ADDITIONAL = "additional"
    MISTAKE = "mistake"


class Replacements:
    """The meters of one port that may have been replaced; what is kept of them is in the record of the port."""

    def __init__(self, port: Port, seen: Callable[[str], KnownMeter | None]) -> None:
        """Continue from what was stored of the port; `seen` returns the meter in a slot as telegrams report it."""
        self._port = port
        self._seen = seen
        self._hass = port.hass
        self._entry = port.entry
        self._record = port.record.replaced
        self.handover = Handover(port)
        self.questions = Questions(port)
        self._telegrams: dict[str, int] = {}
        self._gone_since: dict[str, datetime] = {}

    @callback
    def async_start(self) -> None:
        """Ask again what is open, and continue with what is answered."""
        for slot, change in self._record.changes.items():
            if change.is_asked and not change.is_replacement:
                self.questions.async_ask_about_change(slot)
        for slot in self._record.asked:
            self.questions.async_ask_about_arrival(slot)
        self.questions.async_start()
        self.handover.async_start()

    # What telegrams tell

    def living(self, seen: Mapping[str, KnownMeter]) -> dict[str, KnownMeter]:
        """Leave out the dead meters that others have replaced: main meters go on to list them for ever."""
        return {
            slot: meter
            for slot, meter in seen.items()
            if slot not in self._record.retired or self._record.retired[slot] != meter.equipment_identifier
        }

    def compare(
        self,
        known: Mapping[str, KnownMeter],
        seen: Mapping[str, KnownMeter],
        settled: dict[str, KnownMeter],
        moves: Moves,
    ) -> None:
        """Find the meters that tell another identifier than before, and keep them as they were known."""
        came_from = {new: old for old, new in moves.slots.items()}
        # All at once, for two meters may have changed places.
        moved = {new: change for old, new in moves.slots.items() if (change := self._record.changes.pop(old, None))}
        for new, change in moved.items():
            self.questions.async_withdraw(change.slot)
            self._record.changes[new] = replace(change.moved_to(new), is_asked=change.is_replacement)
        for slot, meter in seen.items():
            before = known.get(came_from.get(slot, slot))
            if before is None or (slot in moves.slots and slot not in came_from):
                self._arrive(meter, known)
                continue
            identities = before.identities(meter)
            if identities is None or meter.role is Role.PORT:
                continue
            identifier = identities[1]
            if identifier == identities[0]:
                self._come_back(slot, identifier)
                continue
            settled[slot] = replace(
                settled[slot], equipment_identifier=before.equipment_identifier, system_title=before.system_title
            )
            if not self._is_snoozed(slot, identifier):
                self._change(slot, identifier)

    def _change(self, slot: str, identifier: str) -> None:
        change = self._record.changes.get(slot)
        if change is not None and change.identifier == identifier:
            return
        if change is not None and change.is_asked and not change.is_replacement:
            self.questions.async_withdraw(slot)
        self._telegrams.pop(slot, None)
        since, before = dt_util.utcnow(), change
        if change is not None and not change.is_replacement:
            # Noise that is another every time is noise all the same.
            since, before = change.since, change.before
        self._record.changes[slot] = Change(slot=slot, identifier=identifier, since=since, before=before)
        self._port.display.expire(slot)

    def _come_back(self, slot: str, identifier: str) -> None:
        change = self._record.changes.get(slot)
        if change is None or change.identifier == identifier:
            # Nothing is in question, or it is answered and only the recorder is waited for.
            return
        self._take_back(change)
        self.questions.async_withdraw(slot)
        if change.is_asked:
            LOGGER.info("P1 port %s: the meter in %s tells its old identifier again", self._port.name, slot)

    def _take_back(self, change: Change) -> None:
        """Forget another identifier; what was answered before it came is gone on with."""
        if change.before is None:
            del self._record.changes[change.slot]
        else:
            self._record.changes[change.slot] = change.before

    def _arrive(self, meter: KnownMeter, known: Mapping[str, KnownMeter]) -> None:
        """Note a meter that is new beside one of the same kind: that one may be dead, or die soon."""
        alike = [
            old.slot
            for old in known.values()
            if meter.role is old.role is Role.MBUS and old.kind is meter.kind and old.slot != meter.slot
        ]
        if len(alike) == 1:
            self._record.successors[meter.slot] = alike[0]

    def follow(self, reading: Reading) -> None:
        """Follow what is in question from telegram to telegram."""
        if not self._record.changes and not self._record.successors:
            return
        heard = {meter.profile.slot: meter for meter in reading.meters if meter.profile.registered}
        for slot, change in list(self._record.changes.items()):
            if slot not in heard:
                continue
            if change.is_replacement:
                self.handover.follow(self._with_registers(change, heard[slot]))
            elif change.identifier in (heard[slot].profile.equipment_identifier, system_title(heard[slot], reading)):
                self._count(self._with_registers(change, heard[slot]))
            else:
                self._telegrams.pop(slot, None)
        for slot, old in list(self._record.successors.items()):
            self._compare_siblings(slot, old, heard)

    def _with_registers(self, change: Change, meter: Meter) -> Change:
        """Note what the registers of another meter show first: not all of them in the first telegram."""
        registers = {**registers_of(present(meter)), **change.registers}
        if len(registers) > len(change.registers):
            self._record.changes[change.slot] = change = replace(change, registers=registers)
        return change

    def _count(self, change: Change) -> None:
        slot = change.slot
        self._telegrams[slot] = self._telegrams.get(slot, 0) + 1
        if self._telegrams[slot] < CERTAIN:
            return
        if dt_util.utcnow() - change.since >= LONGEST_HOLD:
            self._adopt(change)
            LOGGER.info(
                "P1 port %s: nobody was against it, so the other meter in %s has replaced the one before",
                self._port.name, slot,
            )  # fmt: skip
            self.questions.async_tell_of_adoption(slot)
        elif not change.is_asked:
            self._record.changes[slot] = replace(change, is_asked=True)
            LOGGER.info("P1 port %s: another meter is in the place of the one in %s", self._port.name, slot)
            self.questions.async_ask_about_change(slot)

    def _compare_siblings(self, slot: str, old: str, heard: Mapping[str, Meter]) -> None:
        """Ask whether a meter has replaced the one beside it, once that one is dead."""
        if slot not in heard or old not in self._port.meters:
            return
        if not self._is_dead(slot, old, heard):
            if slot in self._record.asked:
                self._record.asked.discard(slot)
                self.questions.async_withdraw(slot)
        elif slot not in self._record.asked and not self._is_snoozed(slot, None):
            self._telegrams[slot] = self._telegrams.get(slot, 0) + 1
            if self._telegrams[slot] >= CERTAIN:
                self._record.asked.add(slot)
                LOGGER.info(
                    "P1 port %s: the meter in %s may have replaced the one in %s, which is dead",
                    self._port.name, slot, old,
                )  # fmt: skip
                self.questions.async_ask_about_arrival(slot)

    def _is_dead(self, slot: str, old: str, heard: Mapping[str, Meter]) -> bool:
        now = dt_util.utcnow()
        if old not in heard:
            return now - self._gone_since.setdefault(slot, now) >= GONE_AFTER
        self._gone_since.pop(slot, None)
        newer, older = _read_at(heard[slot]), _read_at(heard[old])
        return newer is not None and older is not None and newer - older >= DEAD_AFTER

    # What the owner answers

    def is_open(self, slot: str) -> bool:
        """Whether there is a question about a slot."""
        change = self._record.changes.get(slot)
        return (change is not None and change.is_asked and not change.is_replacement) or slot in self._record.asked

    async def async_answer(self, slot: str, answer: Answer) -> None:
        """Carry out what the owner says."""
        change = self._record.changes.get(slot)
        if change is None:
            await self._answer_beside(slot, answer)
            return
        match answer:
            case Answer.REPLACEMENT:
                self._adopt(change)
            case Answer.ADDITIONAL:
                self._separate(change)
            case Answer.MISTAKE:
                self._take_back(change)
                self._record.snoozed[slot] = (change.identifier, dt_util.utcnow() + LONG)
        self.questions.async_withdraw(slot)
        self._port.display.expire(slot)
        self._port.save()
        LOGGER.info("P1 port %s: the other meter in %s was answered for: %s", self._port.name, slot, answer)

    def _adopt(self, change: Change) -> None:
        """Use the entities of the old meter for the new one."""
        self._record.changes[change.slot] = replace(
            change, is_asked=True, is_replacement=True, answered=dt_util.utcnow(), before=None
        )
        self._identify(change.slot, change.identifier)
        self.handover.resume()

    def _identify(self, slot: str, identifier: str, meter: KnownMeter | None = None) -> None:
        """Put a meter with an identifier into a slot, as the device and the entry know it too."""
        before = self._port.meters[slot]
        if before.equipment_identifier is None and before.system_title is not None:
            after = replace(meter or before, system_title=identifier)
        else:
            after = replace(meter or before, equipment_identifier=identifier)
        self._port.async_set_meters({**self._port.meters, slot: after})
        old = before.equipment_identifier or before.system_title
        is_taken = any(entry.unique_id == identifier for entry in self._hass.config_entries.async_entries(DOMAIN))
        if before.role is Role.MAIN and self._entry.unique_id == old and not is_taken:
            self._hass.config_entries.async_update_entry(self._entry, unique_id=identifier)
        self._port.save()

    def _separate(self, change: Change) -> None:
        """Return the new meter a device and entities of its own; the old ones stay aside, with their history."""
        slot, entry_id = change.slot, self._entry.entry_id
        devices = dr.async_get(self._hass)
        number = 1
        while devices.async_get_device_by_identifier(device_identifier(entry_id, f"{slot}~{number}"), entry_id):
            number += 1
        async_move(self._hass, entry_id, Moves({slot: f"{slot}~{number}"}, {}))
        del self._record.changes[slot]
        self._port.display.drop({slot})
        self._identify(slot, change.identifier, self._seen(slot))
        self._port.display.publish()

    async def _answer_beside(self, slot: str, answer: Answer) -> None:
        """Carry out what the owner says of a meter beside a dead one."""
        if answer is Answer.REPLACEMENT:
            await self._succeed(slot)
        elif answer is Answer.ADDITIONAL:
            del self._record.successors[slot]
        else:
            self._record.snoozed[slot] = ("", dt_util.utcnow() + LONG)
        self._record.asked.discard(slot)
        self.questions.async_withdraw(slot)
        self._port.save()
        LOGGER.info("P1 port %s: the new meter in %s was answered for: %s", self._port.name, slot, answer)

    async def _succeed(self, slot: str) -> None:
        """Let a meter go on as the dead one beside it: entities and device of that one move to its slot.

        The entities that it had until now are in the way; the entry is set up anew, so that none of them speaks on.
        """
        port, entry = self._port, self._entry
        old = self._record.successors.pop(slot)
        dead, meter = port.meters[old], port.meters[slot]
        continued = continued_channels(dead, meter)
        self._record.retired[old] = dead.equipment_identifier
        self._record.changes[slot] = Change(
            slot=slot,
            identifier=meter.equipment_identifier or "",
            since=dt_util.utcnow(),
            registers=registers_of(port.display.values.get(slot, {})),
            is_asked=True,
            is_replacement=True,
            answered=dt_util.utcnow(),
        )
        port.async_set_meters({other: known for other, known in port.meters.items() if other != old})
        await port.async_save_now()
        async_move(self._hass, entry.entry_id, Moves({old: slot}, {(old, one): new for one, new in continued.items()}))
        self._hass.config_entries.async_schedule_reload(entry.entry_id)

    def _is_snoozed(self, slot: str, identifier: str | None) -> bool:
        """Whether the owner has called this a mistake."""
        mistaken, until = self._record.snoozed.get(slot, ("", datetime.min.replace(tzinfo=UTC)))
        return identifier in (None, mistaken) and dt_util.utcnow() < until

    @callback
    def async_forget(self, slot: str) -> None:
        """Forget what is in question of a meter that the owner has removed."""
        for kept in (self._record.changes, self._record.snoozed, self._record.successors):
            kept.pop(slot, None)
        self._record.asked.discard(slot)
        self.questions.async_withdraw(slot)


def _read_at(meter: Meter) -> datetime | None:
    """Return when the newest reading of a meter was taken."""
    times = [shown.timestamp for shown in present(meter).values() if shown.channel.quantity in HELD and shown.timestamp]
    return max(times, default=None)
