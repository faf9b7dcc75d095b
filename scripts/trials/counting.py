"""What the recorder made of a meter's registers, beside what the meter has counted."""

import asyncio
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
ROWS_LIMIT: Final = 340.0
POLL: Final = 2.0
SLACK: Final = timedelta(seconds=5)
"""How punctual the simulated meter is."""
TOLERANCE: Final = 1e-6

type Counts = dict[tuple[str, str], float]
"""What registers say, by slot and channel."""


class Use:
    """What the meter of a house has counted since now."""

    def __init__(self, house: House) -> None:
        """Begin to count."""
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
    rows = await _statistics(client, list(registers), use.start)
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


def _complaints_about_rows(entity_id: str, rows: list[dict[str, Any]], within: tuple[float, float]) -> Iterator[str]:
    """Yield where a sum falls, jumps, or is more than the meter has counted."""
    first, last = within
    for before, after in pairwise(rows):
        rise = after["sum"] - before["sum"]
        if rise < -TOLERANCE or abs(rise - (after["state"] - before["state"])) > TOLERANCE:
            yield f"the sum of {entity_id} goes from {before} to {after}"
    for row in rows:
        if not -TOLERANCE <= row["sum"] <= last - first + TOLERANCE:
            yield f"the sum of {entity_id} is {row['sum']}, the meter has counted {last - first}"


async def _statistics(client: Client, entity_ids: list[str], start: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of five minutes of each, when the five minutes of now are among them."""
    now = datetime.now(UTC)
    rows: dict[str, list[dict[str, Any]]] = {}

    async def are_there() -> bool:
        rows.update(
            await websocket.command(
                "recorder/statistics_during_period",
                start_time=(start - FIVE_MINUTES).isoformat(),
                statistic_ids=entity_ids,
                period="5minute",
                types=["sum", "state"],
            )
        )
        return all(rows.get(own) and rows[own][-1]["end"] / 1000 >= now.timestamp() for own in entity_ids)

    try:
        async with asyncio.timeout(ROWS_LIMIT), client.websocket() as websocket:
            await until(are_there, POLL)
    except TimeoutError:
        missing = [own for own in entity_ids if not rows.get(own)]
        raise DemonstrationError(f"the recorder writes no statistics; without any are {missing}") from None
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
