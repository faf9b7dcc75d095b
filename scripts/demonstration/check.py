"""The verdict: does every meter have values, does the energy dashboard work, is the log clean."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from .client import Client
from .energy import issues_of_dashboard
from .home import Home
from .meters import Meter
from .overview import complaints_about_overview

SHOWN: Final = 3
"""Values on the line of a meter."""


def describe(meter: Meter) -> str:
    """Return a meter and its most telling values in one line."""
    valued = [sensor for sensor in meter.sensors if sensor.has_value]
    telling = sorted(
        (sensor for sensor in valued if sensor.is_number and sensor.attributes.get("unit_of_measurement")),
        key=lambda sensor: (not sensor.is_register, sensor.attributes.get("device_class") is None, sensor.channel),
    )
    values = ", ".join(
        f"{_name(meter, sensor.attributes)} {sensor.state} {sensor.attributes['unit_of_measurement']}"
        for sensor in telling[:SHOWN]
    )
    model = f" ({meter.model})" if meter.model else ""
    return f"{meter.name}{model}: {len(valued)} of {len(meter.sensors)} entities have values{values and ': '}{values}"


def _name(meter: Meter, attributes: dict[str, str]) -> str:
    return attributes.get("friendly_name", "").removeprefix(meter.name).strip()


async def complaints(
    client: Client, home: Home, meters: list[Meter], statistics: list[str], days: int | None
) -> list[str]:
    """Return all that is not as it should be; `days` is how long the past must be, None if there is none."""
    found = [complaint for meter in meters if not meter.is_port for complaint in _complaints_about(meter)]
    if not statistics:
        found.append("there is nothing to put on the energy dashboard")
    found += [f"the energy dashboard is not valid: {issue}" for issue in await issues_of_dashboard(client)]
    if days is not None and statistics:
        found += await _complaints_about_past(client, statistics, days)
    found += await complaints_about_overview(client)
    async with client.websocket() as websocket:
        if not await websocket.command("get_services"):
            found.append("Home Assistant knows no actions")
    found += [f"in the log: {entry}" for entry in home.complaints()]
    return found


def _complaints_about(meter: Meter) -> Iterator[str]:
    if not any(sensor.has_value for sensor in meter.sensors):
        yield f"{meter.name} has no values"
    for sensor in meter.sensors:
        if sensor.is_unavailable:
            yield f"{sensor.entity_id} is unavailable"
        elif sensor.is_register and not sensor.is_number:
            yield f"{sensor.entity_id} is {sensor.state}"


async def _complaints_about_past(client: Client, statistics: list[str], days: int) -> list[str]:
    """See that the bars of the dashboard are there: rows for every day, with sums that never fall."""
    now = datetime.now(UTC)
    async with client.websocket() as websocket:
        rows = await websocket.command(
            "recorder/statistics_during_period",
            start_time=(now - timedelta(days=days)).isoformat(),
            end_time=now.isoformat(),
            statistic_ids=statistics,
            period="hour",
            types=["sum"],
        )
    found = []
    for statistic in statistics:
        sums = [row["sum"] for row in rows.get(statistic, [])]
        if len(sums) < days * 24 - 2:
            found.append(f"{statistic} has {len(sums)} hours of statistics")
        elif any(later < earlier for earlier, later in pairwise(sums)):
            found.append(f"the statistics of {statistic} fall")
    return found
