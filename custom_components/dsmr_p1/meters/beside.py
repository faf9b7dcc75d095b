"""A new meter beside a dead one of its kind: main meters keep listing a dead meter for ever.

The owner is asked whether the new one has replaced it; if so, it continues with the entities of the dead one.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..p1 import Meter, Reading, Role, present
from ..port.state import Port
from ..storage.replaced import Change
from ..storage.store import KnownMeter, known_channel
from .continuity import Moves, async_move, continued_channels
from .handover import registers_of
from .questions import Answer, ask, withdraw
from .replacement import CERTAIN, LONG

DEAD_AFTER: Final = timedelta(days=7)
"""How much older the reading of a dead meter is than that of a live one beside it: more than a week of bad radio."""
GONE_AFTER: Final = timedelta(days=1)
"""How long a meter must be without a reading to count as dead."""


class Siblings:
    """The meters of one port that were added beside others of their kind."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._record = port.record.replaced
        self._telegrams: dict[str, int] = {}
        self._gone_since: dict[str, datetime] = {}

    @callback
    def async_start(self) -> None:
        """Raise the repairs of open questions again, and finish what Home Assistant ended in the middle of."""
        for slot in self._record.asked:
            ask(self._port, slot, "meter_beside_dead")
        meters = self._port.meters
        for slot, old in self._record.successors.items():
            if old in self._record.retired and old not in meters and slot in meters:
                self._move(slot, old)

    def without_retired(self, seen: Mapping[str, KnownMeter]) -> dict[str, KnownMeter]:
        """Return the meters without the dead ones that others have replaced."""
        retired = self._record.retired
        return {
            slot: meter
            for slot, meter in seen.items()
            if slot not in retired or retired[slot] != meter.equipment_identifier
        }

    def compare(self, known: Mapping[str, KnownMeter], seen: Mapping[str, KnownMeter], moves: Moves) -> None:
        """Record new meters beside one of the same kind, which may be dead or die soon."""
        for slot, meter in seen.items():
            if moves.known_in(slot, known) is not None:
                continue
            alike = [
                old.slot
                for old in known.values()
                if meter.role is old.role is Role.MBUS and old.kind is meter.kind and old.slot != slot
            ]
            if len(alike) == 1:
                self._record.successors[slot] = alike[0]

    def follow(self, reading: Reading) -> None:
        """Ask whether a meter has replaced the one beside it, as soon as that one is dead."""
        if not self._record.successors:
            return
        heard = {meter.profile.slot: meter for meter in reading.meters if meter.profile.registered}
        for slot, old in self._record.successors.items():
            if slot not in heard or old not in self._port.meters:
                continue
            if not self._is_dead(slot, old, heard):
                self._telegrams.pop(slot, None)
                if slot in self._record.asked:
                    self._record.asked.discard(slot)
                    withdraw(self._port, slot)
            elif slot not in self._record.asked and not self._record.is_snoozed(slot, "", dt_util.utcnow()):
                self._telegrams[slot] = self._telegrams.get(slot, 0) + 1
                if self._telegrams[slot] >= CERTAIN:
                    self._record.asked.add(slot)
                    LOGGER.info(
                        "P1 port %s: the meter in %s may have replaced the one in %s, which is dead",
                        self._port.name, slot, old,
                    )  # fmt: skip
                    ask(self._port, slot, "meter_beside_dead")

    def _is_dead(self, slot: str, old: str, heard: Mapping[str, Meter]) -> bool:
        now = dt_util.utcnow()
        if old not in heard:
            return now - self._gone_since.setdefault(slot, now) >= GONE_AFTER
        self._gone_since.pop(slot, None)
        newer, older = _read_at(heard[slot]), _read_at(heard[old])
        return newer is not None and older is not None and newer - older >= DEAD_AFTER

    def is_open(self, slot: str) -> bool:
        """Whether there is an open question about a slot."""
        return slot in self._record.asked

    def describe(self, slot: str) -> dict[str, str]:
        """Return the identifiers of the two meters, for the owner only."""
        meters = self._port.meters
        old, new = meters.get(self._record.successors.get(slot, "")), meters.get(slot)
        return {
            "old_meter": "?" if old is None else old.equipment_identifier or "?",
            "new_meter": "?" if new is None else new.equipment_identifier or "?",
        }

    async def async_answer(self, slot: str, answer: Answer) -> None:
        """Apply the owner's answer."""
        if answer is Answer.REPLACEMENT:
            await self._async_replace(slot)
        elif answer is Answer.ADDITIONAL:
            del self._record.successors[slot]
        else:
            self._record.snoozed[slot] = ("", dt_util.utcnow() + LONG)
        self._record.asked.discard(slot)
        withdraw(self._port, slot)
        self._port.save()
        LOGGER.info("P1 port %s: the new meter in %s was answered for: %s", self._port.name, slot, answer)

    async def _async_replace(self, slot: str) -> None:
        # The registries are written seconds later than the record: see `async_start`.
        port, old = self._port, self._record.successors[slot]
        self._record.retired[old] = port.meters[old].equipment_identifier
        identifier = port.meters[slot].equipment_identifier or ""
        self._record.changes[slot] = Change(
            slot=slot, identifier=identifier, since=dt_util.utcnow(), is_asked=True, is_replacement=True
        )
        port.async_set_meters({other: known for other, known in port.meters.items() if other != old})
        await port.async_save_now()
        self._move(slot, old)
        # None of the entities that the new meter had until now may write another state.
        port.hass.config_entries.async_schedule_reload(port.entry.entry_id)

    def _move(self, slot: str, old: str) -> None:
        """Move what the registries still have of a dead meter to the slot of the one that has replaced it."""
        hass, entry_id, meter = self._port.hass, self._port.entry.entry_id, self._port.meters[slot]
        prefix = f"{entry_id}_{old}_"
        entities = er.async_entries_for_config_entry(er.async_get(hass), entry_id)
        ids = [found.unique_id.removeprefix(prefix) for found in entities if found.unique_id.startswith(prefix)]
        dead = replace(meter, slot=old, channels={channel_id: None for channel_id in ids if known_channel(channel_id)})
        continued = continued_channels(dead, meter)
        async_move(hass, entry_id, Moves({old: slot}, {(old, one): new for one, new in continued.items()}))

    @callback
    def async_forget(self, slot: str) -> None:
        """Remove the questions about a meter that the owner has removed."""
        self._record.successors.pop(slot, None)
        self._record.asked.discard(slot)


def _read_at(meter: Meter) -> datetime | None:
    registers = registers_of(present(meter)).values()
    return max((shown.timestamp for shown in registers if shown.timestamp), default=None)
