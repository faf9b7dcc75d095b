"""The meters on the M-Bus of a main meter: what they measure, how far they are, and what state their slot is in."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from .day import local_midnight
from .household import Household
from .randomness import generator

DAY: Final = 86_400
HOUR: Final = 3_600


class SlotState(StrEnum):
    """What is behind an M-Bus slot."""

    REGISTERED = "registered"
    """A meter that is read."""
    UNREGISTERED = "unregistered"
    """Announced, but without identifier and reading."""
    GHOST = "ghost"
    """Without identifier, and a reading of nothing at the beginning of time: (700101010000W)(00000000)."""
    DEAD = "dead"
    """A meter that was taken away: identifier and last reading stay for ever."""


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of M-Bus meter.

    `device_type` is the medium of EN 13757-3; `flow` names the quantity of the household; a register is
    flow × `numerator` ÷ `denominator` in units of a thousandth of `unit`.
    """

    kind: str
    device_type: int
    unit: str
    flow: str
    denominator: int = 1
    prefix: str = "G"


# fmt: off
MEDIA: Final = {
    medium.kind: medium
    for medium in (
        Medium("electricity",  2, "kWh", "electricity", 60, "E"),   # watt-minutes to watt-hours
        Medium("gas",          3, "m3",  "gas",          1, "G"),   # litres
        Medium("heating",      4, "GJ",  "heating",  1_000, "H"),   # kilojoules to megajoules
        Medium("warm_water",   6, "m3",  "warm_water",   1, "W"),
        Medium("water",        7, "m3",  "water",        1, "W"),
        Medium("cooling",     10, "GJ",  "cooling",  1_000, "C"),
    )
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Reading:
    """What an M-Bus meter last told the main meter: when, and how much in thousandths of its unit."""

    time: datetime
    value: int

    @property
    def amount(self) -> Decimal:
        """Return the value in the unit."""
        return Decimal(self.value).scaleb(-3)


@dataclass(frozen=True, slots=True)
class Slot:
    """One M-Bus slot of the main meter.

    `offset` is what the register showed when the household began, in thousandths of the unit. `share` is how many
    sixteenths of the household's flow pass this meter, so that two gas meters do not show the same. `lag` is by how
    many seconds a reading comes after an interval of minutes. `least` is what the register began with, and
    `until` is when a dead meter was read for the last time.
    """

    channel: int
    medium: Medium
    state: SlotState
    identifier: str
    offset: int
    share: int = 16
    lag: int = 0
    least: int = 0
    until: datetime | None = None

    def reading(self, household: Household, interval: int) -> Reading:
        """Return the last reading of a meter that is read every `interval` seconds."""
        if self.until is not None:
            return Reading(self.until, self.offset)
        return self.reading_at(household, self._last_reading(household, interval))

    def reading_at(self, household: Household, instant: datetime) -> Reading:
        """Return the reading at a past instant."""
        flow = household.flow(self.medium.flow, instant) * self.share // (16 * self.medium.denominator)
        return Reading(instant, max(self.least, self.offset + flow))

    def register_meter(self, household: Household) -> Slot:
        """Return the slot with a meter behind it: from now on, it is read."""
        return replace(self, state=SlotState.REGISTERED, until=None).start_at(household, 0)

    def replace_meter(self, household: Household, value: int = 0) -> Slot:
        """Return the slot with another meter, which starts at a value in thousandths of the unit."""
        drawn = generator(self.identifier, household.now)
        return replace(
            self,
            state=SlotState.REGISTERED,
            until=None,
            identifier=invent_identifier(self.medium.prefix, drawn.randrange(10**9)),
        ).start_at(household, value)

    def with_state(self, state: SlotState) -> Slot:
        """Return the slot in another state."""
        return replace(self, state=state)

    def start_at(self, household: Household, value: int) -> Slot:
        """Return the slot with a register that shows the value now."""
        passed = replace(self, offset=0, least=0).reading_at(household, household.now).value
        return replace(self, offset=value - passed, least=value)

    def _last_reading(self, household: Household, interval: int) -> datetime:
        if interval >= DAY:
            return local_midnight(household.now.astimezone(household.region.zone).date(), household.region)
        lag = self.lag if interval < HOUR else 0
        since = (int(household.now.timestamp()) - lag) // interval * interval + lag
        return datetime.fromtimestamp(since, UTC)


def invent_identifier(prefix: str, number: int) -> str:
    """Return an equipment identifier of 17 characters, made like a real one; `SIM` says that it is none."""
    digits = 12 - len(prefix)
    return f"{prefix}00SIM{number % 10**digits:0{digits}d}"


def make_slots(kinds: str, seed: int, start: datetime) -> tuple[Slot, ...]:
    """Return the slots that a text describes: `gas,water`, `gas:dead,gas,heating`, `gas@2`.

    Each part is a kind, with `:` and a state if it is not simply a registered meter, and `@` and a channel if that
    is not the next one.
    """
    slots: list[Slot] = []
    for part in filter(None, kinds.split(",")):
        kind, _, at = part.strip().partition("@")
        kind, _, state_name = kind.partition(":")
        at, _, late_state = at.partition(":")
        channel = _parse_channel(at, part) if at else max((slot.channel for slot in slots), default=0) + 1
        if not 1 <= channel <= 9 or channel in {slot.channel for slot in slots}:
            raise ValueError(f"{part}: there is no free M-Bus channel {channel}")
        if kind not in MEDIA:
            raise ValueError(f"{part}: there is no M-Bus meter of the kind {kind!r}, only {', '.join(MEDIA)}")
        name = state_name or late_state or SlotState.REGISTERED
        if name not in set(SlotState):
            raise ValueError(f"{part}: {name!r} is no state of a slot, only {', '.join(SlotState)}")
        slots.append(_make_slot(channel, MEDIA[kind], SlotState(name), seed, start))
    return tuple(slots)


def _parse_channel(text: str, part: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{part}: {text!r} is no M-Bus channel")
    return int(text)


def _make_slot(channel: int, medium: Medium, state: SlotState, seed: int, start: datetime) -> Slot:
    drawn = generator(seed, channel, medium.kind)
    return Slot(
        channel=channel,
        medium=medium,
        state=state,
        identifier=invent_identifier(medium.prefix, drawn.randrange(10**9)),
        offset=drawn.randrange(50_000, 400_000 if medium.unit == "GJ" else 4_000_000),
        share=16 if channel == 1 else drawn.randrange(7, 17),
        lag=drawn.randrange(20),
        until=start - timedelta(days=drawn.randrange(200, 900)) if state is SlotState.DEAD else None,
    )
