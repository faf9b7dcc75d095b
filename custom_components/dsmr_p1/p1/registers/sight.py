"""Readings of registers with the time they came, and the differences between two of them."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from ..cosem.values import CosemValue

_CLOCK_SLACK: Final = 86400.0
"""Seconds by which a meter's clock may run ahead of the time that passed here, and still measure it."""


class Seen(NamedTuple):
    """When a telegram came: by a monotonic clock in seconds, the time of day, and the meter's clock.

    The first of the clocks stands still while a machine sleeps, the others may be set.
    """

    at: float
    wall: datetime
    time: datetime | None

    def seconds_until(self, later: Seen) -> float:
        """Return the seconds between two telegrams."""
        passed = max(later.at - self.at, (later.wall - self.wall).total_seconds())
        if self.time is not None and later.time is not None:
            own = (later.time - self.time).total_seconds()
            if passed < own <= passed + _CLOCK_SLACK:
                return own
        return passed


class Sight(NamedTuple):
    """A reading and the time it came."""

    value: CosemValue
    seen: Seen

    def seconds_until(self, later: Sight) -> float:
        """Return the seconds between two readings: by their own times, else by those of their telegrams."""
        one, other = self.value.timestamp, later.value.timestamp
        if one is not None and other is not None and other > one:
            return (other - one).total_seconds()
        return self.seen.seconds_until(later.seen)


class Powers(NamedTuple):
    """The greatest power in kW that a meter may carry, if known, and the power that it measures now."""

    greatest: float
    measured: float


class Moment(NamedTuple):
    """The circumstances of a telegram.

    `before` is the telegram before, in which the meter was too. `latest` is the latest time that a reading can have.
    `is_zone_new`: times are read in another time zone from now on.
    """

    now: Seen
    before: Seen
    latest: datetime
    has_crc: bool
    is_zone_new: bool
    powers: Callable[[], Powers]


def rise_between(one: Sight, other: Sight) -> float:
    """Return the difference between the numbers of two readings."""
    before, after = one.value.value, other.value.value
    return float(after - before) if isinstance(before, Decimal) and isinstance(after, Decimal) else 0.0


def rate_between(one: Sight, other: Sight) -> float:
    """Return the rise per second between two readings."""
    return rise_between(one, other) / max(one.seconds_until(other), 1.0)


def are_same(one: Sight, other: Sight) -> bool:
    """Whether two readings are equal."""
    return one.value.value == other.value.value and one.value.timestamp == other.value.timestamp


def resolution(value: CosemValue) -> Decimal:
    """Return one step of a number as it was sent."""
    exponent = value.value.as_tuple().exponent if isinstance(value.value, Decimal) else 0
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
