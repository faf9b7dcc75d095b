"""What must be reached, row by row, and whether it is."""

from dataclasses import dataclass
from typing import Final

from .measures import BEFORE, CORE, LIBRARY, OURS, Measures


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for one measure: for the figure, or for the ratio to `beside`; `is_least` where more is better."""

    key: str
    title: str
    bound: float
    beside: str | None = None
    is_least: bool = False

    def value(self, measures: Measures) -> float | None:
        """Return what was reached, None where it was not measured."""
        measure = measures.get(self.key)
        if measure is None:
            return None
        if self.beside is None:
            return measure.figure(OURS)
        found = measure.beside(self.beside)
        return None if found is None else found.median

    def is_met(self, value: float) -> bool:
        """Whether a value reaches the bound."""
        return value >= self.bound if self.is_least else value <= self.bound


TARGETS: Final = (
    Target("shape.lines", "lines of the integration", 7800),
    Target("shape.circles", "import circles", 0),
    Target("shape.largest_folder", "modules in the largest folder", 10),
    Target("decoding.dsmr5", "DSMR 5 beside dsmr_parser, whole: times faster", 22, LIBRARY, is_least=True),
    Target("decoding.dsmr5_64", "DSMR 5 beside dsmr_parser, 64-byte pieces: times faster", 16, LIBRARY, is_least=True),
    Target("decoding.changed", "every number changed: times faster", 13, LIBRARY, is_least=True),
    Target("decoding.guard_alone", "the guard of registers: µs a telegram", 2),
    Target("decoding.luxembourg", "encrypted Luxembourg, whole: times faster", 34, LIBRARY, is_least=True),
    Target("decoding.luxembourg_64", "encrypted Luxembourg, 64-byte pieces: times faster", 22, LIBRARY, is_least=True),
    Target("reading.64", "reader and decoder, 64-byte pieces, beside before: times faster", 1.4, BEFORE, is_least=True),
    Target("home.loop", "eight entities, every telegram: event loop beside core", 0.40, CORE),
    Target("home.total", "eight entities, every telegram: all threads beside core", 0.55, CORE),
    Target("home.rows", "eight entities, every telegram: rows beside core", 1.0, CORE),
    Target("defaults.total_1", "default settings, one a second: all threads beside core", 0.5, CORE),
    Target("defaults.total", "default settings, twenty a second: all threads beside core", 0.5, CORE),
    Target("defaults.telegrams", "default settings: telegrams until the first value", 1),
    Target("defaults.rows", "default settings, three phases: rows an hour", 2100),
    Target("home.latency", "latency from last byte to state beside core", 0.40, CORE),
    Target("growth.share_50", "50 bridges at 1 Hz: % of a core", 5),
    Target("growth.memory", "memory for a further bridge, MiB", 0.7),
    Target("parts.coach, DSMR 5", "coach, DSMR 5: µs a telegram", 5),
    Target("parts.coach, e-MUCS", "coach, e-MUCS: µs a telegram", 5),
    Target("parts.headroom, DSMR 5", "headroom, DSMR 5: µs a telegram", 5),
    Target("parts.headroom, e-MUCS", "headroom, e-MUCS: µs a telegram", 5),
)


def misses(measures: Measures) -> list[str]:
    """Return the titles of the targets that were measured and missed."""
    return [
        target.title for target in TARGETS if (value := target.value(measures)) is not None and not target.is_met(value)
    ]
