"""The statistics of registers and of their costs: how they go on where a register begins anew, or elsewhere.

The recorder adds, every five minutes, the difference between what a sensor shows and the last row it has written. A new
meter's register is not comparable with that row: if it is lower, all of it would count as use, and if it is higher, the
difference. So the last row is told, before the sensor shows anything again, that the register stood there already: its
sum stays, and what is added to it from there on is what the new meter has counted.

The row of a sensor of costs is told the same of what that sensor has booked for the step between two registers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, override

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import StatisticsShortTerm
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.components.recorder.models import StatisticData, StatisticMetaData
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    get_last_short_term_statistics,
    get_metadata,
    import_statistics,
)
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.components.sensor import ATTR_LAST_RESET
from homeassistant.const import UnitOfVolume
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from ..p1 import Unit
from .costs import number_of

EVENT_COMPILED: Final = "recorder_5min_statistics_generated"
"""Fired when the recorder has summed up another five minutes."""
_PERIOD: Final = timedelta(minutes=5)
_DELAY: Final = timedelta(seconds=10)
"""How long after the end of five minutes the recorder sums them up."""


def is_recording(hass: HomeAssistant) -> bool:
    """Whether there is a recorder at all."""
    return "recorder" in hass.config.components


def latest_compiled() -> datetime:
    """Return the end of the five minutes that were just summed up.

    Were it the five minutes before, what is asked of the recorder now would still come after the later ones.
    """
    return _period_of(dt_util.utcnow() - _DELAY)


def latest_ended() -> datetime:
    """Return the end of the last five minutes that are over, summed up or not."""
    return _period_of(dt_util.utcnow())


def _period_of(instant: datetime) -> datetime:
    return instant - (instant - datetime.fromtimestamp(0, UTC)) % _PERIOD


@callback
def async_count_on(
    hass: HomeAssistant, registers: Mapping[str, tuple[float, str | None]], done: Callable[[], None]
) -> None:
    """Let statistics count on from where registers stand, by entity id with their unit; `done` is called then."""
    get_instance(hass).queue_task(_CountOn(registers, done))


@callback
def async_leave_out(hass: HomeAssistant, booked: Mapping[str, float]) -> None:
    """Leave out of the statistics what sensors of costs have just booked, by entity id."""
    get_instance(hass).queue_task(_LeaveOut(booked))


@dataclass(slots=True)
class _CountOn(RecorderTask):
    """Runs in the recorder's thread: nothing is summed up meanwhile."""

    registers: Mapping[str, tuple[float, str | None]]
    done: Callable[[], None]

    @override
    def run(self, instance: Recorder) -> None:
        left = {}
        for row in _last_rows(instance, self.registers):
            value, unit = self.registers[row.statistic_id]
            state = _converted(value, unit, row.metadata["unit_of_measurement"])
            if not row.rewrite(instance, state, row.last_reset):
                left[row.statistic_id] = value, unit
        if left:
            instance.queue_task(_CountOn(left, self.done))
        else:
            instance.hass.loop.call_soon_threadsafe(self.done)


@dataclass(slots=True)
class _LeaveOut(RecorderTask):
    """Runs in the recorder's thread, once all states until now are written and before they are summed up.

    What the recorder adds next is the last state less that of the row, also where the sensor begins anew between them:
    it then adds what the sensor had reached until there, and counts from zero. So a row that is higher by an amount
    leaves just that amount out. Only where the very first state that is summed up has begun anew already, nothing is
    compared with the row; then the row must belong to that beginning, and have begun at zero too.
    """

    booked: Mapping[str, float]

    @override
    def run(self, instance: Recorder) -> None:
        left = {}
        for row in _last_rows(instance, self.booked):
            amount = self.booked[row.statistic_id]
            begun = _first_reset(instance.hass, row)
            has_begun_anew = begun is not None and begun != row.last_reset
            state, last_reset = (amount, begun) if has_begun_anew else (row.state + amount, row.last_reset)
            if not row.rewrite(instance, state, last_reset):
                left[row.statistic_id] = amount
        if left:
            instance.queue_task(_LeaveOut(left))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The last row of a statistic."""

    statistic_id: str
    metadata: StatisticMetaData
    start: datetime
    end: datetime
    state: float
    sum: float
    last_reset: datetime | None

    def rewrite(self, instance: Recorder, state: float, last_reset: datetime | None) -> bool:
        """Write it anew with another state, now; its sum stays. Gives False where the database was busy."""
        row = StatisticData(start=self.start, state=state, sum=self.sum, last_reset=last_reset)
        return import_statistics(instance, self.metadata, [row], StatisticsShortTerm)


def _last_rows(instance: Recorder, statistic_ids: Iterable[str]) -> Iterator[_Row]:
    """Return the last rows of those statistics that have any."""
    hass = instance.hass
    for statistic_id, (_, metadata) in get_metadata(hass, statistic_ids=set(statistic_ids)).items():
        rows = get_last_short_term_statistics(
            hass, 1, statistic_id, convert_units=False, types={"last_reset", "state", "sum"}
        ).get(statistic_id)
        if rows and (total := rows[0].get("sum")) is not None:
            reset = rows[0].get("last_reset")
            yield _Row(
                statistic_id=statistic_id,
                metadata=metadata,
                start=datetime.fromtimestamp(rows[0]["start"], UTC),
                end=datetime.fromtimestamp(rows[0]["end"], UTC),
                state=rows[0].get("state") or 0.0,
                sum=total,
                last_reset=None if reset is None else datetime.fromtimestamp(reset, UTC),
            )


def _first_reset(hass: HomeAssistant, row: _Row) -> datetime | None:
    """Return the last reset of the first number summed up after a row: as a rule what was there when it ended."""
    found = get_significant_states(
        hass, row.end - timedelta.resolution, entity_ids=[row.statistic_id], significant_changes_only=False
    )
    states = [state for state in found.get(row.statistic_id, []) if isinstance(state, State)]
    first = next((state for state in states if number_of(state) is not None), None)
    reset = None if first is None else dt_util.parse_datetime(first.attributes.get(ATTR_LAST_RESET) or "")
    return None if reset is None else dt_util.as_utc(reset)


def _converted(value: float, unit: str | None, wanted: str | None) -> float:
    unit = UnitOfVolume.LITERS if unit == Unit.CUBIC_DECIMETRE else unit
    converter = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(wanted)
    if unit == wanted or converter is None or unit not in converter.VALID_UNITS:
        return value
    return converter.convert(value, unit, wanted)
