"""What the recorder made of a meter's registers, beside what the meter has counted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from custom_components.dsmr_p1.p1 import Decoder, Reading, present
from demonstration.client import Client
from demonstration.errors import DemonstrationError
from demonstration.houses import House
from demonstration.meters import Meter, Sensor
from demonstration.patience import until

FIVE_MINUTES: Final = timedelta(minutes=5)
ROWS_LIMIT: Final = 400.0
SLACK: Final = timedelta(seconds=5)
"""How punctual the simulated meter is."""
TOLERANCE: Final = 1e-6

type Row = dict[str, Any]
type Counts = dict[tuple[str, str], float]
"""What registers say, by slot and channel."""


class Use:
    """What the meter of a house has counted since now."""

    def __init__(self, house: House) -> None:
        self.start = datetime.now(UTC)
        self._house = house
        self._first = self._counts(self.start - SLACK)

    def bounds(self) -> dict[tuple[str, str], tuple[float, float]]:
        """Return what registers were at the start and are now, by slot and channel."""
        return {
            key: (self._first[key], last)
            for key, last in self._counts(datetime.now(UTC) + SLACK).items()
            if key in self._first
        }

    def _counts(self, instant: datetime) -> Counts:
        """Return what the registers of the simulated meter say: the household lives through it once more."""
        builder = self._house.builder()
        builder.household.advance_to(instant.replace(microsecond=0))
        return {
            (meter.profile.slot, channel_id): float(shown.value)
            for event in Decoder().feed(builder.plain())
            if isinstance(event, Reading)
            for meter in event.meters
            for channel_id, shown in present(meter).items()
            if isinstance(shown.value, Decimal)
        }


async def complaints_about_counting(client: Client, meters: list[Meter], use: Use) -> list[str]:
    """Wait for the recorder's next row, and return what it has that the meter did not count."""
    registers = {
        sensor.entity_id: (sensor, meter.slot) for meter in meters for sensor in meter.sensors if sensor.is_register
    }
    rows = await rows_until_now(client, list(registers), use.start - FIVE_MINUTES)
    states = await _states(client, list(registers), use.start)
    bounds = use.bounds()
    found = [] if registers else ["there are no registers"]
    for entity_id, (sensor, slot) in registers.items():
        within = bounds.get((slot, sensor.channel))
        if within is None:
            found.append(f"the meter has no {entity_id}")
            continue
        found += _complaints_about_states(sensor, states[entity_id], within)
        found += _complaints_about_rows(entity_id, rows[entity_id], within)
    counted = sum(len(values) for values in states.values())
    print(f"{len(registers)} registers, {counted} states, {sum(map(len, rows.values()))} rows of statistics")
    return found


def _complaints_about_states(sensor: Sensor, values: list[float], within: tuple[float, float]) -> Iterator[str]:
    first, last = within
    if not values:
        yield f"{sensor.entity_id} has no history"
    elif min(values) < first - TOLERANCE or max(values) > last + TOLERANCE:
        yield f"{sensor.entity_id} was {min(values)} to {max(values)}, the meter {first} to {last}"
    if any(after < before for before, after in pairwise(values)):
        yield f"{sensor.entity_id} fell"


def _complaints_about_rows(entity_id: str, rows: list[Row], within: tuple[float, float]) -> Iterator[str]:
    """Yield where a sum falls, jumps, or is more than the meter has counted."""
    first, last = within
    for before, after in pairwise(rows):
        rise = after["sum"] - before["sum"]
        if rise < -TOLERANCE or abs(rise - (after["state"] - before["state"])) > TOLERANCE:
            yield f"the sum of {entity_id} goes from {before} to {after}"
    for row in rows:
        if not -TOLERANCE <= row["sum"] <= last - first + TOLERANCE:
            yield f"the sum of {entity_id} is {row['sum']}, the meter has counted {last - first}"


async def rows_of(client: Client, ids: list[str], start: datetime, period: str = "5minute") -> dict[str, list[Row]]:
    """Return the rows of statistics since some time."""
    types = ["sum", "state", "change"]
    async with client.websocket() as websocket:
        found: dict[str, list[Row]] = await websocket.command(
            "recorder/statistics_during_period",
            start_time=start.isoformat(),
            statistic_ids=ids,
            period=period,
            types=types,
        )
    return found


async def rows_until_now(client: Client, ids: list[str], start: datetime) -> dict[str, list[Row]]:
    """Return the rows of five minutes since some time, when the recorder has written the five minutes of now."""
    now = datetime.now(UTC).timestamp()
    rows: dict[str, list[Row]] = {}
    print("waiting for the recorder's five minutes", flush=True)

    def late() -> list[str]:
        return [one for one in ids if not rows.get(one) or rows[one][-1]["end"] / 1000 < now]

    async def are_there() -> bool:
        rows.update(await rows_of(client, ids, start))
        return not late()

    if not await until(are_there, ROWS_LIMIT, 2.0):
        raise DemonstrationError(f"the recorder does not write {', '.join(late())}")
    return rows


async def _states(client: Client, entity_ids: list[str], start: datetime) -> dict[str, list[float]]:
    async with client.websocket() as websocket:
        history = await websocket.command(
            "history/history_during_period",
            start_time=start.isoformat(),
            entity_ids=entity_ids,
            minimal_response=True,
            no_attributes=True,
            significant_changes_only=False,
        )
    return {own: [float(row["s"]) for row in history.get(own, ()) if _is_number(row["s"])] for own in entity_ids}


def _is_number(state: str) -> bool:
    return state not in {"unavailable", "unknown"}
