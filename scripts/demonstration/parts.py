"""The parts of the integration that a house has switched on, what they know of the past, and whether they work."""

import asyncio
from datetime import UTC, datetime, timedelta
from importlib import import_module
import json
from pathlib import Path
from typing import Any, Final

from custom_components.dsmr_p1.p1 import Decoder, Reading
from simulator.crc import crc16

from .client import ENTRIES, Client
from .energy import CURRENCY, MAIN_SLOT
from .errors import DemonstrationError
from .home import DOMAIN, HOST
from .houses import House
from .meters import Room
from .overview import entities_shown
from .past import Past, metadata_of, sums_of
from .patience import until
from .show_room import Parts

OPTIONS: Final = "/api/config/config_entries/options/flow"
WITH_ENTITIES: Final = frozenset(("coach", "headroom"))
UNKNOWN_AT_FIRST: Final = ("coach_month_peak", "coach_month_peak_time")
"""What has no value before a quarter of the month is over."""
NOTHING: Final = (None, "unknown", "unavailable")
VALUES_LIMIT: Final = 30.0
TELEGRAM_LIMIT: Final = 20.0
KILO: Final = 1000


async def switch_on(client: Client, entry_id: str, parts: Parts) -> None:
    """Go through the options of each part as an owner does, and return when the entry has been set up with them."""
    for part, settings in parts.items():
        step = await client.request("POST", OPTIONS, {"handler": entry_id})
        path = f"{OPTIONS}/{step['flow_id']}"
        step = await client.request("POST", path, {"next_step_id": part})
        while step["type"] == "form" and not step.get("errors"):
            fields = {field["name"] for field in step["data_schema"]}
            answers = {name: value for name, value in settings.items() if name in fields}
            step = await client.request("POST", path, answers)
        if step["type"] != "create_entry":
            raise DemonstrationError(f"{part} cannot be switched on: {step.get('errors') or step.get('reason')}")
    # Every change sets the entry up anew, in its own time.
    await client.request("POST", f"{ENTRIES}/{entry_id}/reload")


async def remember_quarters(client: Client, storage: Path, entry_id: str, house: House) -> None:
    """Store the quarters until now for the coach, which would know nothing of the one that runs."""
    path = storage / f"{DOMAIN}.{entry_id}.coach"
    async with client.websocket() as websocket:
        # What is disabled does not write over it.
        await websocket.command("config_entries/disable", entry_id=entry_id, disabled_by="user")
        stored = await asyncio.to_thread(_live_through_quarters, house)
        path.write_text(json.dumps({"version": 1, "minor_version": 1, "key": path.name, "data": stored}))
        await websocket.command("config_entries/disable", entry_id=entry_id, disabled_by=None)


def _live_through_quarters(house: House) -> dict[str, Any]:
    """Return what the coach would have stored if it had heard the meter at the end of every quarter, and now."""
    # Only here: the other houses do without the coach where it is deleted.
    coach = "custom_components.dsmr_p1.parts.coach"
    of_months, of_quarters = import_module(f"{coach}.months"), import_module(f"{coach}.quarters")
    limit = float(house.parts["coach"]["coach_reference"]) * KILO
    builder, decoder, quarters, months = house.builder(), Decoder(), of_quarters.Quarters(), of_months.Months()
    household, now = builder.household, datetime.now(UTC).replace(microsecond=0)
    while household.now < now:
        household.advance_to(min(household.now + timedelta(seconds=of_quarters.QUARTER), now))
        for event in decoder.feed(builder.plain()):
            if isinstance(event, Reading):
                meter = next(meter for meter in event.meters if meter.profile.slot == MAIN_SLOT)
                register = float(str(meter.channels["energy_import_total"].value)) * KILO
                if closed := quarters.follow(household.now.timestamp(), register, None):
                    month = of_months.month_of(closed.start, household.region.zone)
                    months.add_peak(closed, month)
                    months.add_excess(closed, month, limit)
    return {"quarters": quarters.as_dict(), "months": months.as_dict()}


async def fill_in_true_hours(client: Client, room: Room, start: datetime, past: Past) -> None:
    """Import the past of true hours, and of what they cost."""
    async with client.websocket() as websocket:
        for statistic, (meter, sensor, price) in room.booked.items():
            rows = sums_of(start, past[meter.slot, sensor.channel])
            costs = [{**row, "state": row["sum"] * price, "sum": row["sum"] * price} for row in rows]
            name = f"{meter.name}, true hours"
            metadata = metadata_of(sensor) | {"source": DOMAIN, "statistic_id": statistic, "name": name}
            await websocket.command("recorder/import_statistics", metadata=metadata, stats=rows)
            metadata |= {"statistic_id": f"{statistic}_cost", "name": f"{name}, cost"}
            metadata |= {"unit_class": None, "unit_of_measurement": CURRENCY}
            await websocket.command("recorder/import_statistics", metadata=metadata, stats=costs)


async def complaints_about_parts(client: Client, house: House, room: Room) -> list[str]:
    """Return what is wrong with the parts of a house: nothing to be seen, no values, a relay without telegrams."""
    shown = await entities_shown(client)
    found = [f"the dashboard does not show {statistic}" for statistic in room.booked.keys() - shown]
    for part in WITH_ENTITIES & house.parts.keys():
        sensors = [sensor for meter in room.meters for sensor in meter.sensors if sensor.channel.startswith(f"{part}_")]
        if not any(sensor.entity_id in shown for sensor in sensors):
            found.append(f"the dashboard shows nothing of {part} of {house.port}")
        wanted = {sensor.entity_id for sensor in sensors if sensor.channel not in UNKNOWN_AT_FIRST}
        found += await _without_value(client, wanted)
    return [*found, *await _complaints_about_relay(house)]


async def _without_value(client: Client, wanted: set[str]) -> list[str]:
    """Return the entities that have no value, after the first moments of a quarter of an hour."""
    found: list[str] = []

    async def all_have() -> bool:
        states = {state["entity_id"]: state["state"] for state in await websocket.command("get_states")}
        shown = {entity_id: states.get(entity_id) for entity_id in wanted}
        found[:] = [f"{entity_id} is {state}" for entity_id, state in shown.items() if state in NOTHING]
        return not found

    async with client.websocket() as websocket:
        await until(all_have, VALUES_LIMIT)
    return found


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
