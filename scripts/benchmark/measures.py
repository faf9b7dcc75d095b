"""What was measured, and the arithmetic on it: medians, and ratios of figures taken in turn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import random
from statistics import median, quantiles
from typing import Any, Final

OURS: Final = "dsmr_p1"
BEFORE: Final = "before"
"""The other checkout of this project, where `--against` names one."""
LIBRARY: Final = "dsmr_parser"
CORE: Final = "dsmr"
PEERS: Final = (LIBRARY, CORE)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the ratios of all rounds, and their quartiles: half of the rounds lie between `low` and `high`."""

    median: float
    low: float
    high: float


def ratio(over: Sequence[float], under: Sequence[float]) -> Ratio | None:
    """Return the ratio of figures that were taken in turn; None where there is nothing to divide by.

    Figures are compared within a round, since the machine is the same for both only then. Where the numbers of
    rounds differ, every figure is compared with the other's median.
    """
    if len(over) == len(under):
        pairs = list(zip(over, under, strict=True))
    else:
        pairs = [(figure, median(under)) for figure in over] if under else []
    ratios = [figure / other for figure, other in pairs if other]
    if not ratios:
        return None
    low, middle, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(middle, low, high)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of all contestants: a figure for each round, less is better.

    `as_speed` turns its ratios over, so that 20 means twenty times faster.
    """

    key: str
    title: str
    unit: str
    samples: Mapping[str, Sequence[float]]
    as_speed: bool = False

    def figure(self, side: str) -> float | None:
        """Return the median of a contestant, None where it did not take part."""
        found = self.samples.get(side)
        return median(found) if found else None

    @property
    def peer(self) -> str | None:
        """The contestant that is not of this project, None where there is none."""
        return next((side for side in PEERS if self.samples.get(side)), None)

    def beside(self, side: str | None) -> Ratio | None:
        """Return this project's ratio to another contestant, None where one of them did not take part."""
        ours, theirs = self.samples.get(OURS), self.samples.get(side or "")
        if not ours or not theirs:
            return None
        return ratio(theirs, ours) if self.as_speed else ratio(ours, theirs)

    def as_json(self) -> dict[str, Any]:
        """Return all that is known of it."""
        others = [side for side in self.samples if side != OURS]
        return {
            "title": self.title,
            "unit": self.unit,
            "ratios_are": "times faster" if self.as_speed else "share",
            "median": {side: self.figure(side) for side in self.samples},
            "samples": {side: list(figures) for side, figures in self.samples.items()},
            "ratios": {
                side: {"median": found.median, "quartiles": [found.low, found.high]}
                for side in others
                if (found := self.beside(side)) is not None
            },
        }


type Measures = dict[str, Measure]


def in_turn(runs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run each, round by round, in another order every time, and return the figures by name."""
    figures: dict[str, list[float]] = {side: [] for side in runs}
    order, shuffle = list(runs), random.Random(1)
    for _ in range(rounds):
        shuffle.shuffle(order)
        for side in order:
            figures[side].append(runs[side]())
    return figures


def latencies(sent: Sequence[tuple[float, float]], changes: Sequence[tuple[float, float]]) -> list[float]:
    """Return the seconds from each telegram whose power is new to the state that shows it.

    `sent` are times and powers, `changes` are states and times. A telegram that is not shown has no latency.
    """
    found = []
    waiting = iter(changes)
    before = None
    change = next(waiting, None)
    for at, power in sent:
        while change is not None and change[1] < at:
            change = next(waiting, None)
        if power != before and change is not None and abs(change[0] - power) < 0.0005:
            found.append(change[1] - at)
        before = power
    return found
