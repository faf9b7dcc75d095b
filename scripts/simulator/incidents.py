"""What the grid does to a household: power failures, voltage sags and swells. Rare, and never undone."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from .randomness import generator
from .region import Region

LOG_LENGTH: Final = 10
LONG_FAILURE: Final = 180
"""Seconds from which a power failure counts as long and is logged."""

# The chance on a day.
FAILURE_CHANCE: Final = 1 / 50
LONG_FAILURE_CHANCE: Final = 1 / 150
SAG_CHANCE: Final = 1 / 40
SWELL_CHANCE: Final = 1 / 120


@dataclass(frozen=True, slots=True)
class PowerFailure:
    """A long power failure: when power came back, and how many seconds it was gone."""

    end: datetime
    seconds: int


class Incidents:
    """Counters and log of one connection, with a past of some years; sags and swells are by phase."""

    def __init__(self, seed: int, start: datetime, region: Region, phases: int) -> None:
        """Invent the past before the start."""
        self._seed = seed
        self._region = region
        self._phases = phases
        self.failure_log: deque[PowerFailure] = deque(maxlen=LOG_LENGTH)
        drawn = generator(seed, "incidents")
        age = timedelta(days=drawn.randrange(500, 2500))
        for part in sorted(drawn.random() for _ in range(drawn.randrange(1, 4))):
            end = start - age * (1 - part) - timedelta(days=1)
            self.failure_log.appendleft(PowerFailure(end.replace(microsecond=0), drawn.randrange(LONG_FAILURE, 9000)))
        self.long_power_failures = len(self.failure_log)
        self.power_failures = self.long_power_failures + drawn.randrange(1, 8)
        self.sags = [drawn.randrange(6) if phase < phases else 0 for phase in range(3)]
        self.swells = [drawn.randrange(3) if phase < phases else 0 for phase in range(3)]

    def end_day(self, day: date) -> None:
        """Count what happened on a day."""
        drawn = generator(self._seed, day, "incidents")
        if drawn.random() < FAILURE_CHANCE:
            self.power_failures += 1
        if drawn.random() < LONG_FAILURE_CHANCE:
            self.power_failures += 1
            self.long_power_failures += 1
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=self._region.zone)
            end = noon.astimezone(UTC) + timedelta(seconds=drawn.randrange(36_000))
            self.failure_log.appendleft(PowerFailure(end, drawn.randrange(LONG_FAILURE, 9000)))
        for phase in range(self._phases):
            self.sags[phase] += drawn.random() < SAG_CHANCE
            self.swells[phase] += drawn.random() < SWELL_CHANCE

    def clear(self) -> None:
        """Forget everything, as a new meter does."""
        self.failure_log.clear()
        self.power_failures = self.long_power_failures = 0
        self.sags = [0, 0, 0]
        self.swells = [0, 0, 0]
