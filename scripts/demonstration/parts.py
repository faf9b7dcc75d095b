"""The parts of the integration that a house has switched on, what they know of the past, and whether they work."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from itertools import product
import json
from pathlib import Path
from typing import Final

from custom_components.dsmr_p1.parts.coach.months import Months, month_of
from custom_components.dsmr_p1.parts.coach.quarters import QUARTER, Quarters
from simulator.crc import crc16

from .client import Client
from .energy import CURRENCY, MAIN_SLOT
from .errors import DemonstrationError
from .home import DOMAIN, HOST
from .houses import House
from .meters import Meter, Room
from .past import Past, metadata_of, sums_of
from .show_room import Parts

ENTRIES: Final = "/api/config/config_entries"
WITH_ENTITIES: Final = ("coach", "headroom")
UNKNOWN_AT_FIRST: Final = ("coach_month_peak", "coach_month_peak_time")
"""What has no value before a quarter of the month is over."""
TELEGRAM_LIMIT: Final = 20.0


async def switch_on(client: Client, entry_id: str, parts: Parts) -> None:
    """Go through the options of each part as an owner does, and return when the entry has been set up with them."""
    for part, settings in parts.items():
        step = await client.request("POST", f"{ENTRIES}/options/flow", {"handler": entry_id})
        path = f"{ENTRIES}/options/flow/{step['flow_id']}"
        step = await client.request("POST", path, {"next_step_id": part})
        while step["type"] == "form" and not step.get("errors"):
            fields = {field["name"] for field in step["data_schema"]}
            answers = {name: value for name, value in settings.items() if name in fields}
            step = await client.request("POST", path, answers)
        if step["type"] != "create_entry":
            raise DemonstrationError(f"{part} cannot be switched on: {step.get('errors') or step.get('reason')}")
    # Every change sets the entry up anew, in its own time.
    await client.request("POST", f"{ENTRIES}/entry/{entry_id}/reload")


async def remember_quarters(client: Client, storage: Path, entry_id: str, house: House, past: Past) -> None:
    """Store the quarters of the past for the coach, which would not know the one that runs before the next begins."""
    # The past has a telegram at the end of each quarter.
    quarters, months = Quarters(), Months()
    limit = float(house.parts["coach"]["coach_reference"]) * 1000
    zone = house.builder().model.region.zone
    began = house.builder().household.start.timestamp()
    series = past[MAIN_SLOT, "energy_import_total"].values
    for number, register in enumerate(series, start=1):
        if register is not None:
            closed = quarters.follow(began + number * QUARTER, register * 1000, None)
            if closed is not None:
                months.add_peak(closed, month := month_of(closed.start, zone))
                months.add_excess(closed, month, limit)
    path = storage / f"{DOMAIN}.{entry_id}.coach"
    async with client.websocket() as websocket:
        # What is disabled does not write over it.
        await websocket.command("config_entries/disable", entry_id=entry_id, disabled_by="user")
        stored = {"quarters": quarters.as_dict(), "months": months.as_dict()}
        path.write_text(json.dumps({"version": 1, "minor_version": 1, "key": path.name, "data": stored}))
        await websocket.command("config_entries/disable", entry_id=entry_id, disabled_by=None)


async def fill_in_true_hours(client: Client, room: Room, start: datetime, past: Past) -> None:
    """Import the past of true hours, and of what they cost."""
    async with client.websocket() as websocket:
        for meter, (kind, price) in product(room.meters, room.exhibit.true_hours.items()):
            if (sensor := next(meter.registers(kind), None)) is None:
                continue
            rows = sums_of(start, past[meter.slot, sensor.channel])
            costs = [{**row, "state": row["sum"] * price, "sum": row["sum"] * price} for row in rows]
            name, statistic = f"{meter.name}, true hours", room.true_hours(meter, kind)
            metadata = metadata_of(sensor) | {"source": DOMAIN, "statistic_id": statistic, "name": name}
            await websocket.command("recorder/import_statistics", metadata=metadata, stats=rows)
            metadata |= {"statistic_id": f"{statistic}_cost", "name": f"{name}, cost"}
            metadata |= {"unit_class": None, "unit_of_measurement": CURRENCY}
            await websocket.command("recorder/import_statistics", metadata=metadata, stats=costs)


async def complaints_about_parts(house: House, meters: list[Meter]) -> list[str]:
    """Return what is wrong with the parts of a house: entities without values, a relay without telegrams."""
    return [*_complaints_about_entities(house, meters), *await _complaints_about_relay(house)]


def _complaints_about_entities(house: House, meters: list[Meter]) -> Iterator[str]:
    for part in set(WITH_ENTITIES) & house.parts.keys():
        sensors = [sensor for meter in meters for sensor in meter.sensors if sensor.channel.startswith(f"{part}_")]
        if not sensors:
            yield f"{house.port} has nothing of {part}"
        for sensor in sensors:
            if not sensor.has_value and sensor.channel not in UNKNOWN_AT_FIRST:
                yield f"{sensor.entity_id} is {sensor.state}"


async def _complaints_about_relay(house: House) -> list[str]:
    if "relay" not in house.parts:
        return []
    try:
        async with asyncio.timeout(TELEGRAM_LIMIT):
            reader, writer = await asyncio.open_connection(HOST, house.relay_port)
            telegram, crc = await reader.readuntil(b"!"), await reader.readline()
            writer.close()
    except (OSError, EOFError, TimeoutError) as error:
        return [f"the relay of {house.port} hands nothing on: {error!r}"]
    is_right = telegram.startswith(b"/") and int(crc, 16) == crc16(telegram)
    return [] if is_right else [f"the relay of {house.port} hands on something else than a telegram"]
