"""The guard of a port: which readings of its registers may be shown.

One number that is wrong stands in the statistics for ever. So the totals of a reading are looked at before they are
shown (see `register`), and where one is held the reading is passed on with the last good one, and with all that follows
from it. Whatever else a meter sends, such as power, is passed on as it is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ..cosem.values import CosemValue
from ..decoding.decoder import Reading
from ..memory import PortMemory
from ..meters.detection import Detection, Meter
from ..meters.identity import identity_of, is_another
from .guarded import Accepted, Begun, Event, GuardedMeter, Held, Times
from .layout import SteadyLayout

__all__ = ["Accepted", "Begun", "Event", "Guard", "Held"]

_MOST_EVENTS: Final = 100
"""Events that are kept for who asks late."""


class Guard:
    """Guards the registers of one port.

    `held` and `accepted` count readings that were held, and those of them that were accepted as steps. Times are
    seconds of a clock that only runs forward (`now`) and the time of day, with its zone (`wall`).
    """

    def __init__(self, memory: PortMemory | None = None) -> None:
        """Start with nothing known; the memory is that of the decoder, which knows the tariffs of a total."""
        self.held = 0
        self.accepted = 0
        self._memory = memory or PortMemory()
        self._slots: dict[str, GuardedMeter] = {}
        self._former: dict[str, GuardedMeter] = {}
        self._lineup: list[GuardedMeter] = []
        # The meters of the last telegram, where all that it has is shown as it is.
        self._sent: tuple[Meter, ...] | None = None
        self._system_title: bytes | None = None
        self._layout = SteadyLayout()
        self._times = Times()
        self._events: list[Event] = []

    @property
    def holding(self) -> dict[str, list[str]]:
        """The channels of which a reading is held now, by slot."""
        return {slot: held for slot, guarded in self._slots.items() if (held := guarded.holding)}

    def events(self) -> list[Event]:
        """Return what has happened since this was asked last."""
        events, self._events = self._events, []
        return events

    def check(self, reading: Reading, now: float, wall: datetime) -> Reading:
        """Return a reading as it may be shown: the same object where nothing of it is held."""
        telegram, (sent, unknown, before, totals), _, system_title, _ = reading
        times, meters = self._times, sent
        times.last, times.this = times.this, (now, wall, telegram.timestamp, telegram.clock)
        # As a rule: only what differs from the telegram before is looked at.
        if before is not None and before is self._sent and system_title == self._system_title and self._takes(totals):
            self._sent = sent
            return reading
        for guarded, meter in zip(self._lineup, self._sent or (), strict=False):
            # What a meter without registers had when it had some is still what its totals are compared with.
            if guarded.registers:
                guarded.raw = guarded.shown = meter
        times.has_crc, times.is_filled = telegram.has_crc, False
        if not telegram.has_crc:
            meters = self._layout.follow(sent)
            # Where nothing is shown yet, registers wait for the next telegram all the same.
            times.is_filled = bool(meters) and meters is not sent
        shown = self._shown(meters or sent, system_title)
        if not meters:
            shown = ()
        if shown is not sent:
            self._sent = None
            return reading._replace(detection=Detection(shown, unknown))
        self._sent = sent if telegram.has_crc else None
        return reading

    def _takes(self, totals: Sequence[tuple[str, str, CosemValue]]) -> bool:
        """Whether none of the totals that changed needs a closer look."""
        for slot, channel_id, value in totals:
            register = self._slots[slot].registers.get(channel_id)
            if register is None or not register.takes(value):
                return False
        return True

    def _shown(self, meters: tuple[Meter, ...], system_title: bytes | None) -> tuple[Meter, ...]:
        """Return the meters as they may be shown."""
        if is_new := len(meters) != len(self._lineup) or system_title != self._system_title:
            self._line_up(meters, system_title)
        others: list[Meter] | None = None
        for number, meter in enumerate(meters):
            guarded = self._lineup[number]
            if guarded.shown is meter:
                continue
            if guarded.profile is not meter.profile:
                is_new = True
                self._line_up(meters, system_title)
                guarded = self._lineup[number]
            if not guarded.registers and not self._times.is_filled:
                continue
            shown = guarded.follow(meter, self._times)
            if guarded.events:
                self._report(guarded)
            if shown is not meter:
                others = others or list(meters)
                others[number] = shown
        if is_new:
            for guarded in self._lineup:
                guarded.last_seen = None
        return meters if others is None else tuple(others)

    def _report(self, guarded: GuardedMeter) -> None:
        events, guarded.events = guarded.events, []
        self._events = (self._events + events)[-_MOST_EVENTS:]
        self.accepted += sum(isinstance(event, Accepted) and not event.is_derived for event in events)
        self.held += sum(isinstance(event, Held) for event in events)

    def _line_up(self, meters: tuple[Meter, ...], system_title: bytes | None) -> None:
        """Find what guards the meters of a telegram, in their order."""
        for guarded in self._lineup:
            guarded.last_seen = guarded.last_seen or self._times.seen_last
        self._system_title = system_title
        identities = [identity_of(meter, system_title) for meter in meters]
        slots = [meter.profile.slot for meter in meters]
        here = dict(zip(slots, identities, strict=True))
        # Meters that are in another slot than before, by identity: what stands in their place now is another one.
        moved: dict[str | None, GuardedMeter] = {
            known.identity: self._slots.pop(slot)
            for slot, known in list(self._slots.items())
            if known.identity in identities and here.get(slot) != known.identity is not None
        }
        self._lineup = []
        for meter, identity in zip(meters, identities, strict=True):
            known = self._known(meter.profile.slot, identity, moved)
            if identity is not None and identity not in (known.identity or ""):
                known.identity = identity
            if known.profile is not meter.profile:
                known.set_profile(meter, self._memory)
            self._lineup.append(known)
        self._slots |= dict(zip(slots, self._lineup, strict=True))

    def _known(self, slot: str, identity: str | None, moved: dict[str | None, GuardedMeter]) -> GuardedMeter:
        """Return what guards a meter with an identity in a slot.

        Of another meter than before all begins anew; the one before is kept, as noise may have garbled its identifier.
        """
        known, former = self._slots.get(slot), self._former.get(slot)
        if known is not None and not is_another(known.identity, identity):
            return known
        if identity in moved:
            return moved.pop(identity)
        if former is not None and former.identity == identity:
            del self._former[slot]
            return former
        if known is not None:
            self._former.setdefault(slot, known)
        return GuardedMeter()

    # What outlives a restart

    def as_dict(self) -> dict[str, Any]:
        """Return the last good readings by slot, as they are to be stored."""
        return {slot: guarded.as_dict(self._times.seen) for slot, guarded in self._slots.items()}

    def restore(self, stored: Mapping[str, Any], now: float, wall: datetime) -> None:
        """Go on with the readings that were stored, after the time that has passed."""
        self._slots = {slot: GuardedMeter.from_dict(meter, now, wall) for slot, meter in stored.items()}
