"""The past of a household, as the statistics that Home Assistant would have if it had been there.

The simulated household can be lived through again from its beginning. Its telegrams are read by the integration's own
core, so every channel of every model has its past under the right id, and the last value is the one that the meter at
the port goes on from.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import threading
from typing import Any, Final

from custom_components.dsmr_p1.p1 import Decoder, Reading, present

from .client import Client
from .energy import CURRENCY
from .errors import DemonstrationError
from .houses import House
from .meters import Meter, Sensor
from .patience import until

HOUR: Final = timedelta(hours=1)
SAMPLES: Final = 4
"""Telegrams looked at in an hour, of which the means are made."""
UNIT_CLASSES: Final = {
    "Wh": "energy",
    "kWh": "energy",
    "MJ": "energy",
    "GJ": "energy",
    "L": "volume",
    "m³": "volume",
    "W": "power",
    "kW": "power",
    "V": "voltage",
    "A": "electric_current",
    "mA": "electric_current",
    "kvar": "reactive_power",
    "var": "reactive_power",
    "kvarh": "reactive_energy",
    "kVA": "apparent_power",
}
ARITHMETIC_MEAN: Final = 1
COSTS_LIMIT: Final = 30.0


@dataclass(slots=True)
class Series:
    """The values of a channel, `SAMPLES` to the hour; None where it had none."""

    unit: str | None
    values: list[float | None] = field(default_factory=list)


type Past = dict[tuple[str, str], Series]
"""Slot and channel id -> what was."""


def live_through(house: House, stopped: threading.Event) -> tuple[datetime, Past]:
    """Return the whole hours since the household began, and when that was; less if it is stopped from elsewhere."""
    builder = house.builder()
    household, decoder = builder.household, Decoder()
    start = household.start
    count = int((datetime.now(UTC) - start) / HOUR) * SAMPLES
    past: Past = {}
    for number in range(count):
        if stopped.is_set():
            break
        household.advance_to(start + (number + 1) * HOUR / SAMPLES)
        for event in decoder.feed(builder.plain()):
            if isinstance(event, Reading):
                _take(past, event, number)
    for series in past.values():
        series.values.extend([None] * (count - len(series.values)))
    return start, past


def _take(past: Past, reading: Reading, number: int) -> None:
    for meter in reading.meters:
        for channel_id, shown in present(meter).items():
            key = meter.profile.slot, channel_id
            series = past.setdefault(key, Series(None if shown.unit is None else str(shown.unit)))
            series.values.extend([None] * (number - len(series.values)))
            series.values.append(float(shown.value) if isinstance(shown.value, Decimal) else None)


async def fill_in(client: Client, meters: list[Meter], start: datetime, past: Past) -> int:
    """Import the past of all sensors that keep statistics, and return the number of rows."""
    rows = 0
    async with client.websocket() as websocket:
        for meter in meters:
            for sensor in meter.sensors:
                series = past.get((meter.slot, sensor.channel))
                unit = sensor.attributes.get("unit_of_measurement")
                if series is not None and (series.unit, unit) == ("kW", "W"):
                    values = [None if value is None else value * 1000 for value in series.values]
                    series = Series(unit, values)
                if series is None or series.unit != unit:
                    continue
                if sensor.is_register:
                    statistics = sums_of(start, series)
                elif sensor.is_measurement:
                    statistics = _means(start, series)
                else:
                    continue
                rows += len(statistics)
                await websocket.command("recorder/import_statistics", metadata=metadata_of(sensor), stats=statistics)
    return rows


async def begin_now(client: Client, meters: list[Meter]) -> None:
    """Begin the statistics of sensors that have no known past, so that they need not be waited for."""
    last_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    async with client.websocket() as websocket:
        for meter in meters:
            for sensor in meter.sensors:
                if sensor.is_number and (sensor.is_register or sensor.is_measurement):
                    value = float(sensor.state)
                    row: dict[str, Any] = {"start": last_hour.isoformat()}
                    row |= (
                        {"state": value, "sum": 0}
                        if sensor.is_register
                        else dict.fromkeys(("mean", "min", "max"), value)
                    )
                    await websocket.command("recorder/import_statistics", metadata=metadata_of(sensor), stats=[row])


async def fill_in_costs(client: Client, start: datetime, prices: dict[str, float]) -> None:
    """Import what the past has cost, into the sensors that Home Assistant makes for that.

    Both those sensors and what was imported before appear a little later than they were asked for.
    """
    sensors: dict[str, str] = {}
    rows: dict[str, list[dict[str, float]]] = {}

    async def are_there() -> bool:
        sensors.update((await websocket.command("energy/info"))["cost_sensors"])
        rows.update(
            await websocket.command(
                "recorder/statistics_during_period",
                start_time=start.isoformat(),
                statistic_ids=list(prices),
                period="hour",
                types=["sum"],
            )
        )
        return sensors.keys() >= prices.keys() and rows.keys() >= prices.keys()

    async with client.websocket() as websocket:
        if not await until(are_there, COSTS_LIMIT):
            raise DemonstrationError("Home Assistant makes no sensors of costs")
        for statistic, price in prices.items():
            costs = [
                {
                    "start": datetime.fromtimestamp(row["start"] / 1000, UTC).isoformat(),
                    "state": round((row["sum"] - rows[statistic][0]["sum"]) * price, 4),
                    "sum": round(row["sum"] * price, 4),
                }
                for row in rows[statistic]
            ]
            metadata = _metadata(sensors[statistic], CURRENCY)
            await websocket.command("recorder/import_statistics", metadata=metadata, stats=costs)


def metadata_of(sensor: Sensor) -> dict[str, Any]:
    """Return what the recorder is to know of the statistics of a sensor."""
    unit = sensor.attributes.get("unit_of_measurement")
    mean_type = ARITHMETIC_MEAN if sensor.is_measurement else 0
    return _metadata(sensor.entity_id, unit, has_sum=sensor.is_register, mean_type=mean_type)


def _metadata(statistic_id: str, unit: str | None, *, has_sum: bool = True, mean_type: int = 0) -> dict[str, Any]:
    return {
        "source": "recorder",
        "statistic_id": statistic_id,
        "name": None,
        "has_sum": has_sum,
        "mean_type": mean_type,
        "unit_class": UNIT_CLASSES.get(unit) if unit else None,
        "unit_of_measurement": unit,
    }


def _hours(start: datetime, series: Series) -> dict[datetime, list[float]]:
    """Return the values of each hour that has one."""
    hours: defaultdict[datetime, list[float]] = defaultdict(list)
    for number, value in enumerate(series.values):
        if value is not None:
            hours[start + number // SAMPLES * HOUR].append(value)
    return hours


def sums_of(start: datetime, series: Series) -> list[dict[str, Any]]:
    """Return rows with a sum that ends at 0: there the recorder begins, so that past and present join."""
    hours = _hours(start, series)
    if not hours:
        return []
    last = hours[max(hours)][-1]
    return [
        {"start": hour.isoformat(), "state": values[-1], "sum": round(values[-1] - last, 6)}
        for hour, values in hours.items()
    ]


def _means(start: datetime, series: Series) -> list[dict[str, Any]]:
    return [
        {"start": hour.isoformat(), "mean": sum(values) / len(values), "min": min(values), "max": max(values)}
        for hour, values in _hours(start, series).items()
    ]
