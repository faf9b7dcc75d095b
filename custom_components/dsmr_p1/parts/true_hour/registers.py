"""The register of a slow meter, from telegram to telegram: which of its readings are new, and of which meter."""

from decimal import Decimal
from typing import Final, NamedTuple

from ...p1 import Meter, MeterKind, MeterProfile, present
from ...port.state import Port
from .hours import Point
from .meters import SHORTEST_GAP, is_slow_type, register_of
from .settings import PRICES

_CERTAIN: Final = 3
"""Telegrams in a row with another identifier, before it is another meter: noise does not repeat itself."""


class Booking(NamedTuple):
    """A reading to be booked, after the one before if that is known.

    `is_anew`: what lies between this reading and all before was not used. `is_slow`: the meter is known to be read once
    an hour or less often; a statistic begins with such a reading only, and goes on with any.
    """

    slot: str
    kind: MeterKind
    unit: str | None
    points: tuple[Point, ...]
    is_anew: bool
    is_slow: bool


class SlowRegister:
    """The register of the meter in a slot, which may move; `meter` is the last one that was looked at."""

    def __init__(self, port: Port, slot: str) -> None:
        """Initialize with the identity of the meter that was known before the first telegram."""
        self.meter: Meter | None = None
        self.channel_id: str | None = None
        self._port = port
        self.slot = slot
        self._profile: MeterProfile | None = None
        self._identifier = self._known_identifier
        self._doubt: tuple[str, int] | None = None
        self._point: Point | None = None
        self._number: Decimal | None = None
        self._held: Decimal | None = None
        self._is_fast = False
        self._is_slow = False
        self._is_anew = False

    @property
    def _known_identifier(self) -> str | None:
        """The identifier of the meter whose register is shown, also while the owner is asked about it."""
        change = self._port.record.replaced.changes.get(self.slot)
        if change is not None and change.is_shown:
            return change.identifier
        known = self._port.meters.get(self.slot)
        return None if known is None else known.equipment_identifier

    def note_held(self, sent: Meter) -> None:
        """Remember a reading that the guard holds."""
        number = sent.channels[self.channel_id].value if self.channel_id in sent.channels else None
        self._held = number if isinstance(number, Decimal) else None

    def follow(self, meter: Meter) -> Booking | None:
        """Return the reading of a telegram if it is new."""
        known = self._port.meters.get(self.slot)
        if known is None or known.kind not in PRICES or not self._is_certain(meter):
            return None
        self.meter = meter
        if self._profile is not meter.profile:
            self._profile, self.channel_id = meter.profile, register_of(meter)
        shown = None if self.channel_id is None else present(meter).get(self.channel_id)
        if shown is None or shown.timestamp is None or not isinstance(shown.value, Decimal):
            return None
        before, point = self._point, Point(shown.timestamp, float(shown.value))
        if before is not None and point.time <= before.time:
            return None
        self._point = point
        self._judge_step(meter.channels[shown.channel.id].value)
        if self._is_anew:
            before = None
        self._is_fast = self._is_fast or (before is not None and point.time - before.time < SHORTEST_GAP)
        self._is_slow = not self._is_fast and (self._is_slow or before is not None or is_slow_type(known))
        is_anew, self._is_anew = self._is_anew, False
        points = (point,) if before is None else (before, point)
        return Booking(self.slot, known.kind, shown.unit, points, is_anew, self._is_slow)

    def _is_certain(self, meter: Meter) -> bool:
        """Whether the meter is the one before, or certainly another one, which begins anew."""
        identifier = meter.profile.equipment_identifier
        if identifier is None or identifier == self._identifier or self._identifier is None:
            self._identifier = identifier or self._identifier
            self._doubt = None
            return True
        seen = 1 + (self._doubt[1] if self._doubt is not None and self._doubt[0] == identifier else 0)
        self._doubt = identifier, seen
        if seen < _CERTAIN:
            return False
        self._identifier, self._doubt = identifier, None
        self._point = self._number = self._held = None
        self._is_fast = self._is_slow = False
        self._is_anew = True
        return True

    def _judge_step(self, number: object) -> None:
        """Begin anew with a reading that is nearer to one that was held than to the one before: it was a correction."""
        assert isinstance(number, Decimal)  # noqa: S101 - what is presented as a number is one
        if self._held is not None and self._number is not None:
            self._is_anew = self._is_anew or abs(number - self._held) < abs(number - self._number)
        self._number, self._held = number, None
