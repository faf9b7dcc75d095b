"""The energy dashboard: which sensors belong on it, and whether Home Assistant is content with them."""

from collections.abc import Iterator
from dataclasses import dataclass
import re
from typing import Any, Final

from .client import Client
from .meters import Meter, Room, Sensor
from .patience import until

MAIN_SLOT: Final = "electricity"
IMPORT: Final = re.compile(r"emeter_delivery_tariff([1-9])")
IMPORT_PRICES: Final = {"1": 0.24, "2": 0.27}
DEFAULT_IMPORT_PRICE: Final = 0.25
EXPORT_PRICE: Final = 0.06
GAS_PRICE: Final = 1.25
WATER_PRICE: Final = 1.10
CURRENCY: Final = "EUR"
RECORDER_LIMIT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What is on the energy dashboard: statistics, and the prices of those that cost or bring money."""

    statistics: list[str]
    prices: dict[str, float]


async def set_up_dashboard(client: Client, rooms: list[Room]) -> Dashboard:
    """Put the meters of all houses on the energy dashboard."""
    sources = [source for room in rooms for meter in room.meters for source in _sources(room, meter)]
    devices = [device for room in rooms for meter in room.meters for device in _devices(meter)]
    async with client.websocket() as websocket:
        await websocket.command("energy/save_prefs", energy_sources=sources, device_consumption=devices)
    keys = ("stat_energy_from", "stat_energy_to", "stat_consumption")
    statistics = [statistic for row in (*sources, *devices) for key in keys if (statistic := row.get(key))]
    prices = {source["stat_energy_from"]: price for source in sources if (price := source["number_energy_price"])}
    prices |= {statistic: EXPORT_PRICE for source in sources if (statistic := source.get("stat_energy_to"))}
    return Dashboard(statistics, prices)


async def issues_of_dashboard(client: Client) -> list[str]:
    """Return what Home Assistant has to say against the energy dashboard, after a moment for the recorder to write."""
    found: list[str] = []

    async def is_content() -> bool:
        verdict = await websocket.command("energy/validate")
        found[:] = [
            f"{issue['type']}: {issue.get('affected_entities')}"
            for groups in verdict.values()
            for issues in groups
            for issue in (issues if isinstance(issues, list) else issues.values())
        ]
        return not found

    async with client.websocket() as websocket:
        await until(is_content, RECORDER_LIMIT)
    return found


def _sources(room: Room, meter: Meter) -> Iterator[dict[str, Any]]:
    yield from _grid(meter)
    yield from _consumption("gas", GAS_PRICE, room, meter)
    yield from _consumption("water", WATER_PRICE, room, meter)


def _grid(meter: Meter) -> Iterator[dict[str, Any]]:
    """Yield a connection to the grid for each tariff, or one where the meter tells none."""
    power = meter.sensor("power_net")
    tariffs = [(match[1], sensor) for sensor in meter.sensors if (match := IMPORT.fullmatch(sensor.channel))]
    pairs = [(number, sensor, meter.sensor(f"emeter_production_tariff{number}")) for number, sensor in sorted(tariffs)]
    if not pairs and (total := meter.sensor("energy_import_total")):
        pairs = [("", total, meter.sensor("energy_export_total"))]
    for number, imported, exported in pairs:
        source = {
            "type": "grid",
            "stat_energy_from": imported.entity_id,
            "stat_energy_to": exported.entity_id if exported else None,
            "number_energy_price": IMPORT_PRICES.get(number, DEFAULT_IMPORT_PRICE),
            "number_energy_price_export": EXPORT_PRICE if exported else None,
            "cost_adjustment_day": 0,
        }
        if power is not None:
            # Power has no tariff: it would count twice if both connections had it.
            source["stat_rate"], power = power.entity_id, None
        yield source


def _devices(meter: Meter) -> Iterator[dict[str, Any]]:
    """Yield heat, cold and what a second electricity meter counts: the dashboard has no source of these kinds."""
    register = next(meter.registers("energy"), None)
    if register is not None and meter.slot != MAIN_SLOT:
        yield {"stat_consumption": register.entity_id}


def _consumption(kind: str, price: float, room: Room, meter: Meter) -> Iterator[dict[str, Any]]:
    register: Sensor | None = next(meter.registers(kind), None)
    if register is not None:
        hours = next((statistic for statistic, (_, sensor, _) in room.booked.items() if sensor is register), None)
        yield {
            "type": kind,
            "stat_energy_from": hours or register.entity_id,
            "stat_cost": f"{hours}_cost" if hours else None,
            "entity_energy_price": None,
            "number_energy_price": None if hours else price,
        }
