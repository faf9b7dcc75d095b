"""Hours of a file, joined to those that Home Assistant has already."""

from datetime import datetime
from typing import NamedTuple

from .exports import Used


class Existing(NamedTuple):
    """The first hour that Home Assistant has of a statistic."""

    start: datetime
    sum: float


class Row(NamedTuple):
    """An hour as it is written."""

    start: datetime
    sum: float
    state: float | None


class Joined(NamedTuple):
    """What is written."""

    rows: list[Row]
    """The hours before the first that exists; the sum of the last is where the first that exists begins."""
    lift: float
    """What all sums are raised by afterwards, those that existed too: they begin with 0 then, as Home Assistant's do.

    Home Assistant takes a sum of 0 for what was before the first hour: left below it, the first hour would show all
    that was imported, as a negative amount.
    """
    begin: datetime
    """The first hour of the statistic, from which all are raised."""


def join(used: list[Used], first: Existing) -> Joined:
    """Return what is to be written before an hour that exists. That, and what is later, is left as it is."""
    # What was imported, and not raised any more as something came between, begins below 0.
    is_below = first.sum < 0
    own = next((hour.amount for hour in used if hour.start == first.start), 0.0)
    begin = first.sum - own if is_below else 0.0
    rows: list[Row] = []
    for hour in reversed([hour for hour in used if hour.start < first.start]):
        rows.append(Row(hour.start, round(begin, 6), hour.state))
        begin -= hour.amount
    rows.reverse()
    return Joined(rows, round(-begin, 6) + 0.0, rows[0].start if rows else first.start)
