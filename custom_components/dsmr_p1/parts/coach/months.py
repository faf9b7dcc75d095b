"""The months: their highest quarters, and the energy above a limit. Power is in W, energy in Wh, time in seconds.

Months are those of the place of the meter, written as `2026-11`.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

from .quarters import PER_HOUR, Closed

BILLED: Final = 12
"""The months whose peaks are averaged (Flanders: VREG, tariff methodology 2025-2028)."""
_KEPT: Final = 3 * BILLED
_YEAR: Final = 12


class Peak(NamedTuple):
    """The highest quarter of a month, and the time at which that quarter ended; None if it is not known."""

    power: float
    time: float | None


class _Before[Value](NamedTuple):
    """What there was before the quarter that began at `start`."""

    start: int
    value: Value


def month_of(time: float, zone: tzinfo) -> str:
    """Return the month at a place."""
    return f"{datetime.fromtimestamp(time, zone):%Y-%m}"


def _number(month: str) -> int:
    year, _, number = month.partition("-")
    return int(year) * _YEAR + int(number)


class Months:
    """The highest quarter of each month, and the energy of its quarters above a limit."""

    def __init__(self) -> None:
        """Start without months."""
        self.peaks: dict[str, Peak] = {}
        self._excess: dict[str, float] = {}
        # The last quarter is told once more when its end is settled: what counts is what was before it, with that.
        self._excess_before = _Before(0, 0.0)
        self._peak_before: _Before[Peak | None] = _Before(0, None)
        # An average is asked for more often than a peak changes.
        self._averages: dict[tuple[str, float], float] = {}

    def add_excess(self, closed: Closed, month: str, limit: float) -> None:
        """Add the energy that a quarter has above `limit`, in place of what was added for it before."""
        if closed.start != self._excess_before.start:
            self._excess_before = _Before(closed.start, self.excess(month))
        self._excess = _newest({**self._excess, month: self._excess_before.value + over(closed.energy, limit)})

    def add_peak(self, closed: Closed, month: str) -> None:
        """Compare a quarter with the highest one of its month before it."""
        if closed.start != self._peak_before.start:
            self._peak_before = _Before(closed.start, self.peaks.get(month))
        before = self._peak_before.value
        self._set(month, Peak(closed.mean, closed.end) if before is None or closed.mean > before.power else before)

    def set_peak(self, month: str, peak: Peak) -> None:
        """Replace the peak of a month, as the meter itself knows it."""
        if self.peaks.get(month) != peak:
            self._peak_before = _Before(0, None)
            self._set(month, peak)

    def _set(self, month: str, peak: Peak) -> None:
        if self.peaks.get(month) != peak:
            self.peaks = _newest({**self.peaks, month: peak})
            self._averages = {}

    def excess(self, month: str) -> float:
        """Return the energy of a month above the limit, quarter by quarter."""
        return self._excess.get(month, 0.0)

    def average(self, month: str, least: float) -> float:
        """Return the mean of the peaks of this month and the eleven before, as far as they are known.

        A month counts with `least` at least; this one does so from its beginning.
        """
        if (average := self._averages.get((month, least))) is None:
            peaks = {month: Peak(0.0, None)} | self.peaks
            last = _number(month)
            billed = [max(peak.power, least) for name, peak in peaks.items() if last - BILLED < _number(name) <= last]
            average = self._averages[month, least] = sum(billed) / len(billed)
        return average

    # What outlives a restart

    def as_dict(self) -> dict[str, Any]:
        """Return what is to be stored."""
        return {"peaks": {month: list(peak) for month, peak in self.peaks.items()}, "excess": self._excess}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Months:
        """Go on with what was stored."""
        months = cls()
        months.peaks = {month: Peak(*peak) for month, peak in stored["peaks"].items()}
        months._excess = dict(stored["excess"])
        return months


def over(energy: float, limit: float) -> float:
    """Return the energy of a quarter beyond a mean of `limit`."""
    return max(energy - limit / PER_HOUR, 0.0)


def _newest[Kept](months: dict[str, Kept]) -> dict[str, Kept]:
    return dict(sorted(months.items())[-_KEPT:])
