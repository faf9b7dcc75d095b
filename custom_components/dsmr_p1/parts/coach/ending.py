"""The end of a quarter: where the register stood then, by the telegrams on both sides of it.

A register shows whole steps, mostly of 1 Wh: one that shows 17 Wh stands anywhere from 17 to 18 Wh. The telegrams
before the end narrow that, and so do those after it: what rises between two telegrams lies between the less and the
more of both powers. Energy is in Wh, power in W, time in seconds since 1970.
"""

from math import inf
from typing import Final, NamedTuple

HOUR: Final = 3600


class Told(NamedTuple):
    """A telegram: its time, the bounds of the energy then, and its power; None if it told none."""

    time: float
    low: float
    high: float
    power: float | None

    @property
    def middle(self) -> float:
        """What the register is taken to be."""
        return (self.low + self.high) / 2


class Ending:
    """The end of a quarter, between the telegram `before` it and the one `after` it, or at that one's time.

    `within` is the energy from the telegram before until the end. It is known at once, and better with every telegram.
    """

    def __init__(self, end: float, before: Told, after: Told) -> None:
        """Initialize with the last telegram of the quarter and the first one that is not before its end."""
        self._end = end
        self._before = before
        self._after = after
        # The energy at the telegram after, and what has risen since then.
        self._low, self._high = after.low, after.high
        self._least = self._most = 0.0
        self.within = self._within(before.middle, after.middle)

    def follow(self, least: float, most: float, register: float, step: float) -> None:
        """Narrow the bounds by a telegram, before which the energy rose by `least` to `most`."""
        self._least += least
        self._most += most
        low, high = max(self._low, register - self._most), min(self._high, register + step - self._least)
        if low <= high:
            self._low, self._high = low, high
        else:
            # Something was on and off again between two telegrams: their powers are no bounds.
            self._least, self._most = -inf, inf

    def settle(self) -> float:
        """Return by how much the register stood higher at the end than was said at once."""
        before, after = self._before, self._after
        low, high = before.low, before.high
        if before.power is not None and after.power is not None:
            hours = (after.time - before.time) / HOUR
            narrowed = (
                max(low, self._low - max(before.power, after.power) * hours),
                min(high, self._high - min(before.power, after.power) * hours),
            )
            if narrowed[0] <= narrowed[1]:
                low, high = narrowed
        middle = (low + high) / 2
        return middle + self._within(middle, (self._low + self._high) / 2) - before.middle - self.within

    def _within(self, before: float, after: float) -> float:
        """Return what rose until the end, of a rise from one energy to another.

        Where an appliance was switched in between, the rise tells when; else it is divided by time.
        """
        part, passed, rise = self._end - self._before.time, self._after.time - self._before.time, after - before
        old, new = self._before.power, self._after.power
        if old is not None and new is not None and old != new:
            switched = (new * passed - rise * HOUR) / (new - old)
            if 0 <= switched <= passed:
                return (old * min(part, switched) + new * max(part - switched, 0.0)) / HOUR
        return rise * part / passed
