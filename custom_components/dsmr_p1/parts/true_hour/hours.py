"""The arithmetic of true hours: from readings at any time to rows of whole hours.

A row of the recorder is an hour, with the register at its end. What was used between two readings is spread evenly over
the time between them: in one hour if they are an hour apart, as most are, and over all its hours if the gap is longer.
Booked in the last hour it would be a peak that never was, at the price and in the day of that hour. An hour is booked
when a reading of its end, or a later one, is there, and never changed afterwards.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

HOUR: Final = timedelta(hours=1)
_DIGITS: Final = 6
"""Decimals of a register between two readings; readings have three."""


class Point(NamedTuple):
    """A reading: when the meter was read, and its register."""

    time: datetime
    value: float


class Row(NamedTuple):
    """An hour: its start, the register at its end, and all that was used until then."""

    start: datetime
    state: float
    sum: float

    @property
    def end(self) -> datetime:
        """The end of the hour, to which the register belongs."""
        return self.start + HOUR


def first_row(point: Point, before: Row | None) -> Row:
    """Return the row from which hours are counted on after a reading: it has its register, and adds nothing."""
    start = point.time.replace(minute=0, second=0, microsecond=0) - HOUR
    if before is None:
        return Row(start, point.value, 0.0)
    return Row(max(start, before.start), point.value, before.sum)


def rows_after(base: Row, points: Sequence[Point]) -> list[Row]:
    """Return the hours after a row that are over at the last of some readings, which are in the order of time."""
    rows: list[Row] = []
    time, value = base.end, base.state
    for point in points:
        if point.time <= time or point.value < value:
            continue
        while (end := (rows[-1] if rows else base).end + HOUR) <= point.time:
            share = (end - time) / (point.time - time)
            state = round(value + share * (point.value - value), _DIGITS)
            rows.append(Row(end - HOUR, state, round(base.sum + state - base.state, _DIGITS)))
        time, value = point
    return rows
