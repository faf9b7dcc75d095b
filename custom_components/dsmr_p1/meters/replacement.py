"""Replaced meters: another identifier in the slot of a known meter, or another system title of an encrypted one.

Technicians replace meters, and noise garbles identifiers. Until the same other identifier has come in three telegrams,
the registers keep their values. Then the other meter is accepted: its registers are shown, the step between the two
meters is removed from the statistics (`handover`), and the owner is asked:

- a replacement: the entities stay the new meter's;
- an additional meter: it gets a device and entities of its own, and the old ones are kept with their history, from
  which everything is removed that the other meter has added;
- a mistake: the same meter as before; the step is added back, and the question is not asked again for long.

Without an answer for a day it counts as a replacement. If the old identifier returns, the question is deleted.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Final

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..p1 import Quantity, Reading, Role, present
from ..port.devices import device_in
from ..port.display import TOTALS, Values
from ..port.state import Port
from ..storage.replaced import Change
from ..storage.store import KnownMeter
from ..sums.corrections import Corrections
from .continuity import Moves, async_move
from .handover import Handover, merged, registers_of
from .questions import Answer, ask, notify_replaced, withdraw

CERTAIN: Final = 3
"""Telegrams in a row with the same other identifier, before it is accepted: noise does not repeat itself."""
ANSWERED_AFTER: Final = timedelta(days=1)
"""How long to wait for an answer."""
LONG: Final = timedelta(days=90)
"""How long the question is not repeated after the answer "mistake"."""


class Replacements:
    """The meters of one port that may have been replaced; their data is stored in the record of the port."""

    def __init__(self, port: Port, corrections: Corrections, seen: Mapping[str, KnownMeter]) -> None:
        """Initialize; `seen` are the meters as the last telegrams report them, and follows these."""
        self._port = port
        self._seen = seen
        self._record = port.record.replaced
        self._handover = Handover(port, corrections)
        # The identifier in a slot that is not accepted yet, and the number of telegrams in a row with it.
        self._doubted: dict[str, tuple[str, int]] = {}

    @callback
    def async_start(self) -> None:
        """Raise the repairs of open questions again."""
        for slot in self._record.changes:
            if self.is_open(slot):
                ask(self._port, slot, "meter_changed")

    # Telegrams

    def rename(self, reading: Reading) -> None:
        """Take the identifier of meters that are known by another of those that they send: once it was their model."""
        for profile, channels in reading.meters:
            known, identifier = self._port.meters.get(profile.slot), profile.equipment_identifier
            if known is None or identifier is None or known.equipment_identifier in (None, identifier):
                continue
            told = [name for name, row in profile.channel_types.items() if row.quantity is Quantity.IDENTIFIER]
            if any(channels[name].value == known.equipment_identifier for name in told):
                self._identify(profile.slot, identifier)

    def compare(
        self,
        known: Mapping[str, KnownMeter],
        seen: Mapping[str, KnownMeter],
        settled: dict[str, KnownMeter],
        moves: Moves,
    ) -> None:
        """Detect meters that report another identifier than before, and keep their known data."""
        self._move(moves)
        for slot, meter in seen.items():
            before = moves.known_in(slot, known)
            if before is None or meter.role is Role.PORT:
                continue
            identities = before.identities(meter)
            if identities is None:
                if slot in self._doubted:
                    self._doubted[slot] = "", 0
                continue
            old, identifier = identities
            if identifier != old:
                settled[slot] = replace(
                    settled[slot], equipment_identifier=before.equipment_identifier, system_title=before.system_title
                )
            change = self._record.changes.get(slot)
            shown = change.identifier if change is not None and change.is_shown else old
            if identifier == shown or self._record.is_snoozed(slot, identifier, dt_util.utcnow()):
                self._doubted.pop(slot, None)
                if change is not None and not change.is_shown and not change.is_replacement:
                    self._settle(slot)
            elif self._doubted.get(slot, ("", 0))[0] != identifier:
                self._doubted[slot] = identifier, 0

    def _move(self, moves: Moves) -> None:
        """Move open changes along with the meters, all at once, since two meters may have exchanged their slots."""
        moved = {new: change for old, new in moves.slots.items() if (change := self._record.changes.pop(old, None))}
        for new, change in moved.items():
            withdraw(self._port, change.slot)
            self._record.changes[new] = replace(change, slot=new)
            if self.is_open(new):
                ask(self._port, new, "meter_changed")

    def follow(self, reading: Reading) -> None:
        """Update open changes with each telegram, before its values are shown."""
        if not self._record.changes and not self._doubted and not self._record.unbooked:
            return
        self._port.is_unsettled = True
        self._handover.follow_costs()
        for meter in reading.meters:
            slot = meter.profile.slot
            if not meter.profile.registered:
                continue
            change = self._record.changes.get(slot)
            if slot in self._doubted:
                identifier, times = self._doubted[slot]
                self._doubted[slot] = identifier, times + 1
                if identifier and times + 1 >= CERTAIN:
                    self._believe(slot, identifier, present(meter))
                elif times + 1 >= CERTAIN:
                    # The meter sends no identifier any more: one that was odd proves nothing.
                    del self._doubted[slot]
            elif change is not None and change.is_replacement:
                if self._handover.take_over(slot, present(meter)) is not None:
                    del self._record.changes[slot]
            elif change is not None and dt_util.utcnow() - change.since >= ANSWERED_AFTER:
                self._adopt(change)
                LOGGER.info("P1 port %s: nobody objected, so the meter in %s is a new one", self._port.name, slot)
                notify_replaced(self._port, slot)
        self._handover.follow_costs()

    def shown(self, slot: str, values: Values) -> Values:
        """Return the values to show of a meter; registers of a meter in doubt keep their values."""
        change = self._record.changes.get(slot)
        if slot not in self._doubted and (change is None or not change.is_replacement):
            return values
        before = registers_of(self._port.display.values.get(slot, {}))
        return {i: shown for i, shown in values.items() if shown.channel.quantity not in TOTALS} | before

    def _believe(self, slot: str, identifier: str, values: Values) -> None:
        """Accept another meter, or the old one if it is back, and show its registers."""
        change = self._record.changes.get(slot)
        known = self._port.meters[slot]
        if change is not None and identifier in (known.equipment_identifier, known.system_title):
            self._come_back(change, values)
            return
        steps = self._handover.take_over(slot, values)
        if steps is None:
            return
        del self._doubted[slot]
        since, earlier = (dt_util.utcnow(), ()) if change is None else (change.since, change.steps)
        seen = self._seen.get(slot)
        self._record.changes[slot] = Change(
            slot=slot,
            identifier=identifier,
            since=since,
            is_asked=True,
            is_shown=True,
            is_title=seen is not None and seen.system_title == identifier,
            steps=merged([*earlier, *steps]),
        )
        LOGGER.info("P1 port %s: another meter is in the place of the one in %s", self._port.name, slot)
        ask(self._port, slot, "meter_changed")

    def _come_back(self, change: Change, values: Values) -> None:
        last = self._handover.last_of(change)
        returned = {step.statistic_id: step.before for step in reversed(change.steps)}
        steps = self._handover.take_over(change.slot, values, returned)
        if steps is None:
            return
        del self._doubted[change.slot]
        self._settle(change.slot)
        # Of a register that the other meter did not have there is nothing to take out.
        last |= {step.statistic_id: step.before for step in steps if step.statistic_id in last}
        self._handover.take_out(change, last)
        LOGGER.info("P1 port %s: the old meter in %s is back", self._port.name, change.slot)

    def _settle(self, slot: str) -> None:
        self._record.changes.pop(slot, None)
        withdraw(self._port, slot)

    # Answers of the owner

    def is_open(self, slot: str) -> bool:
        """Whether there is an open question about a slot."""
        change = self._record.changes.get(slot)
        return change is not None and not change.is_replacement

    def describe(self, slot: str) -> dict[str, str]:
        """Return the identifiers of the two meters in a slot, for the owner only."""
        return self._handover.describe(self._record.changes[slot], self._port.meters[slot])

    async def async_answer(self, slot: str, answer: Answer) -> None:
        """Apply the owner's answer."""
        self._handover.follow_costs()
        change = self._record.changes[slot]
        if answer is not Answer.REPLACEMENT:
            self._handover.forget_costs(slot)
        match answer:
            case Answer.REPLACEMENT:
                self._adopt(change)
            case Answer.ADDITIONAL:
                last = self._handover.last_of(change)
                del self._record.changes[slot]
                self._move_out(slot)
                self._identify(slot, change.identifier, self._seen.get(slot), is_title=change.is_title)
                self._port.display.publish()
                self._handover.take_out(change, last)
            case Answer.MISTAKE:
                del self._record.changes[slot]
                self._handover.put_back(change)
                self._record.snoozed[slot] = (change.identifier, dt_util.utcnow() + LONG)
        self._doubted.pop(slot, None)
        withdraw(self._port, slot)
        self._port.display.expire(slot)
        self._port.save()
        LOGGER.info("P1 port %s: the other meter in %s was answered for: %s", self._port.name, slot, answer)

    def _adopt(self, change: Change) -> None:
        """Use the entities of the old meter for the new one."""
        if change.is_shown:
            del self._record.changes[change.slot]
        else:
            self._record.changes[change.slot] = replace(change, is_replacement=True)
        self._identify(change.slot, change.identifier, is_title=change.is_title)

    def _identify(self, slot: str, identity: str, meter: KnownMeter | None = None, *, is_title: bool = False) -> None:
        """Pass the identity of the other meter in a slot to the known one, or to `meter`, which replaces it."""
        before, seen, entry = self._port.meters[slot], self._seen.get(slot), self._port.entry
        if is_title or (before.equipment_identifier is None and before.system_title is not None):
            after = replace(meter or before, system_title=identity)
        else:
            # Without a telegram of the other meter its system title is not known yet.
            title = seen.system_title if seen is not None and seen.equipment_identifier == identity else None
            after = replace(meter or before, equipment_identifier=identity, system_title=title)
        self._port.async_set_meters({**self._port.meters, slot: after})
        entries = self._port.hass.config_entries
        old, new = (one.equipment_identifier or one.system_title for one in (before, after))
        is_taken = any(other.unique_id == new for other in entries.async_entries(DOMAIN))
        if before.role is Role.MAIN and entry.unique_id == old and not is_taken:
            entries.async_update_entry(entry, unique_id=new)
        self._port.save()

    def _move_out(self, slot: str) -> None:
        """Move the device and entities out of a slot, with their history, so that another meter can use it."""
        hass, entry_id = self._port.hass, self._port.entry.entry_id
        free = next(aside for number in count(1) if device_in(hass, entry_id, aside := f"{slot}~{number}") is None)
        async_move(hass, entry_id, Moves({slot: free}, {}))
        self._port.display.drop({slot})

    @callback
    def async_forget(self, slot: str) -> None:
        """Remove the questions about a meter that the owner has removed."""
        self._doubted.pop(slot, None)
        self._record.snoozed.pop(slot, None)
        self._handover.forget_costs(slot)
        self._settle(slot)
