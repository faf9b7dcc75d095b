"""The statistics of registers: how they count on when a register begins anew, or elsewhere.

The recorder adds, every five minutes, the difference between what a sensor shows and the last row it has written. A new
meter's register is not comparable with that row: if it is lower, all of it would count as use, and if it is higher, the
difference. So the last row is told, before the sensor shows anything again, that the register stood there already: its
sum stays, and what is added to it from there on is what the new meter has counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, override

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import StatisticsShortTerm
from homeassistant.components.recorder.models import StatisticData
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    get_last_short_term_statistics,
    get_metadata,
)
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

EVENT_COMPILED: Final = "recorder_5min_statistics_generated"
"""Fired when the recorder has summed up another five minutes."""
_PERIOD: Final = 300


def is_recording(hass: HomeAssistant) -> bool:
    """Tell whether there is a recorder at all."""
    return "recorder" in hass.config.components


def latest_compiled() -> datetime:
    """Give the end of the five minutes that were just summed up."""
    now = int(dt_util.utcnow().timestamp())
    return datetime.fromtimestamp(now - now % _PERIOD, UTC)


@callback
def async_count_on(
    hass: HomeAssistant, registers: Mapping[str, tuple[float, str | None]], done: Callable[[], None]
) -> None:
    """Let statistics count on from where registers stand, by entity id with their unit; `done` is called then."""
    get_instance(hass).queue_task(_CountOn(registers, done))


@dataclass(slots=True)
class _CountOn(RecorderTask):
    """Runs in the recorder's thread: nothing is summed up meanwhile."""

    registers: Mapping[str, tuple[float, str | None]]
    done: Callable[[], None]

    @override
    def run(self, instance: Recorder) -> None:
        hass = instance.hass
        known = get_metadata(hass, statistic_ids=set(self.registers))
        for statistic_id, (value, unit) in self.registers.items():
            if statistic_id not in known:
                continue
            metadata = known[statistic_id][1]
            rows = get_last_short_term_statistics(
                hass, 1, statistic_id, convert_units=False, types={"state", "sum"}
            ).get(statistic_id)
            if not rows or (total := rows[0].get("sum")) is None:
                continue
            row = StatisticData(
                start=datetime.fromtimestamp(rows[0]["start"], UTC),
                state=_converted(value, unit, metadata["unit_of_measurement"]),
                sum=total,
            )
            instance.async_import_statistics(metadata, [row], StatisticsShortTerm)
        hass.loop.call_soon_threadsafe(self.done)


def _converted(value: float, unit: str | None, wanted: str | None) -> float:
    converter = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(wanted)
    if unit == wanted or converter is None or unit not in converter.VALID_UNITS:
        return value
    return converter.convert(value, unit, wanted)
