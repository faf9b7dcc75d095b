"""Replayed telegrams: the frame counter of a system title must rise (DLMS Green Book 9.2.3.3, invocation counter).

An eavesdropper can replay an encrypted telegram, with the right key and a tag that verifies; only its
counter gives it away. A meter that was reset counts from the beginning too, so a lower counter is not refused for ever:
a run of telegrams that rises for a minute, with none of the old count in between, is accepted.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ..memory import PortMemory

PROVING_TELEGRAMS: Final = 10
PROVING_SECONDS: Final = 60.0
"""The telegrams with rising counters, and the seconds from the first to the last, that show a meter that was reset."""
MOST_TITLES: Final = 4
"""The number of system titles whose counters are kept: one meter that encrypts, and its predecessors."""


class Verdict(Enum):
    """The result of the check of a frame counter."""

    GENUINE = auto()
    """The counter is higher than any before."""
    RESTARTED = auto()
    """The counter restarted, and has risen for long enough to belong to a meter that was reset."""
    REPLAYED = auto()
    """The telegram was sent before, or may have been."""


@dataclass(slots=True)
class _Run:
    """Telegrams after a restart of the counter: the last counter, their number, and when the first came."""

    title: str
    counter: int
    since: float
    telegrams: int = 1


class FrameCounters:
    """Judges the frame counters of a port; the highest of each system title stands in the memory of the port."""

    def __init__(self, memory: PortMemory) -> None:
        self._memory = memory
        self._run: _Run | None = None

    def is_another_title(self, title: str) -> bool:
        """Whether a system title is not among those that are known, while others are."""
        return bool(self._memory.frame_counters) and title not in self._memory.frame_counters

    def judge(self, title: str, counter: int, now: float, *, is_suspect: bool = False) -> Verdict:
        """Check the counter of a decrypted telegram, and store it unless the telegram was replayed.

        `now` is a monotonic clock in seconds. `is_suspect`: the same meter had another system title, so
        that this one has to prove itself like a lower counter.
        """
        last = self._memory.frame_counters.get(title)
        if not is_suspect and (last is None or counter > last):
            self._keep(title, counter)
            return Verdict.GENUINE
        run = self._run
        if run is None or run.title != title or counter < run.counter:
            self._run = _Run(title, counter, now)
            return Verdict.REPLAYED
        if counter == run.counter:
            # Some readers pass every telegram on twice.
            return Verdict.REPLAYED
        run.counter = counter
        run.telegrams += 1
        if run.telegrams < PROVING_TELEGRAMS or now - run.since < PROVING_SECONDS:
            return Verdict.REPLAYED
        self._keep(title, counter)
        return Verdict.RESTARTED

    def _keep(self, title: str, counter: int) -> None:
        """Store a counter; only those of the latest titles are kept."""
        self._run = None
        counters = self._memory.frame_counters
        counters.pop(title, None)
        counters[title] = counter
        while len(counters) > MOST_TITLES:
            del counters[next(iter(counters))]
