"""The prepared dashboard: a view for each house, of cards that Home Assistant has, with entities that are there."""

from typing import Any, Final

from .client import Client
from .energy import MAIN_SLOT
from .example import entities_of, sections_for
from .meters import Meter, Room, Sensor

PATH: Final = "smart-meter"
TITLE: Final = "Smart meter"
DAYS_SHOWN: Final = 14
POWER: Final = "power_net"
POWERS: Final = ("emeter_actual_delivery", "emeter_actual_production")
POWER_RANGE: Final = {"kW": (-5, 9), "W": (-5_000, 9_000)}
"""Least and most power of a house that the gauge shows."""
GREEN, AMBER, RED = "var(--success-color)", "var(--warning-color)", "var(--error-color)"
REGISTERS: Final = ("energy_import_total", "energy_export_total")
_PHASES: Final = ("l1", "l2", "l3")
READINGS: Final = (
    *REGISTERS,
    "emeter_tariff_indicator",
    "tariff_indicator",
    *(f"emeter_instant_power_delivery_{phase}" for phase in _PHASES),
    *(f"emeter_instant_voltage_{phase}" for phase in _PHASES),
    "emeter_power_failures",
    "emeter_actual_demand",
)
"""What a visitor looks at first, in this order."""
ICONS: Final = {"gas": "mdi:meter-gas", "water": "mdi:water-pump", "energy": "mdi:meter-electric"}

type Card = dict[str, Any]


async def name_apart(client: Client, room: Room) -> None:
    """Put the devices of a house in an area, with a name that no other house has."""
    async with client.websocket() as websocket:
        area = await websocket.command("config/area_registry/create", name=room.exhibit.title)
        for meter in room.meters:
            await websocket.command(
                "config/device_registry/update",
                device_id=meter.device_id,
                area_id=area["area_id"],
                name_by_user=f"{meter.name}, {room.exhibit.title}",
            )


async def open_first(client: Client, rooms: list[Room]) -> None:
    """Make the dashboard, and have Home Assistant open it first."""
    async with client.websocket() as websocket:
        await websocket.command(
            "lovelace/dashboards/create", url_path=PATH, title=TITLE, icon="mdi:meter-electric", show_in_sidebar=True
        )
        views = [_view(room, is_only=len(rooms) == 1) for room in rooms]
        await websocket.command("lovelace/config/save", url_path=PATH, config={"title": TITLE, "views": views})
        await websocket.command("frontend/set_system_data", key="core", value={"default_panel": PATH})


async def entities_shown(client: Client) -> set[str]:
    """Return the entities and statistics on the cards of the dashboard."""
    async with client.websocket() as websocket:
        return set(entities_of(await websocket.command("lovelace/config", url_path=PATH)))


async def complaints_about_overview(client: Client) -> list[str]:
    """Return what is wrong with the dashboard: cards without a value, houses without cards."""
    async with client.websocket() as websocket:
        config = await websocket.command("lovelace/config", url_path=PATH)
        states = {state["entity_id"]: state["state"] for state in await websocket.command("get_states")}
        core = await websocket.command("frontend/get_system_data", key="core")
    found = [] if core["value"]["default_panel"] == PATH else ["the prepared dashboard does not open first"]
    for view in config["views"]:
        shown = list(entities_of(view["sections"]))
        if not shown:
            found.append(f"the dashboard shows nothing of {view['title']}")
        found += [
            f"the dashboard shows {entity_id}, which is {states.get(entity_id)}"
            for entity_id in shown
            # A statistic has no state.
            if ":" not in entity_id and states.get(entity_id) in {None, "unavailable"}
        ]
    return found


def _view(room: Room, *, is_only: bool) -> dict[str, Any]:
    mains = [meter for meter in room.meters if meter.slot == MAIN_SLOT]
    others = [meter for meter in room.meters if not meter.is_port and meter.slot != MAIN_SLOT]
    known = {sensor.entity_id for meter in room.meters for sensor in meter.sensors} | room.booked.keys()
    examples = [section["cards"] for section in sections_for(known, room.meters[0].entry_id)]
    sections = [*map(_now, mains), *([_today()] if is_only else []), *map(_days, mains), *examples]
    sections += [*map(_other, others), _happened(room.meters)]
    return {
        "type": "sections",
        "path": room.exhibit.title.lower().replace(" ", "-"),
        "title": room.exhibit.title,
        "max_columns": 3,
        "sections": [{"type": "grid", "cards": cards} for cards in sections if len(cards) > 1],
    }


def _now(meter: Meter) -> list[Card]:
    cards = [_heading("Now", "mdi:flash")]
    if power := meter.sensor(POWER):
        low, high = POWER_RANGE[power.attributes["unit_of_measurement"]]
        cards.append(_gauge(power, low, high, {low: GREEN, 0: AMBER, high * 2 // 3: RED}))
    return cards + _tiles(meter, READINGS if power else (*POWERS, *READINGS))


def _days(meter: Meter) -> list[Card]:
    registers = [sensor for channel in REGISTERS if (sensor := meter.sensor(channel))]
    if not registers:
        registers = list(meter.registers("energy"))
    cards = [_heading("The last days", "mdi:calendar-week")]
    if registers:
        cards.append(_bars("Energy by day", registers))
    if power := meter.sensor(POWER):
        cards.append(
            {
                "type": "statistics-graph",
                "title": "Net power by hour",
                "entities": [{"entity": power.entity_id, "name": "Net power"}],
                "days_to_show": 2,
                "period": "hour",
                "stat_types": ["mean"],
                "hide_legend": True,
            }
        )
    return cards


def _today() -> list[Card]:
    """Return what the energy dashboard has of today, where there is only one house: it adds up all of them."""
    return [
        _heading("Today", "mdi:lightning-bolt-circle"),
        {"type": "energy-distribution", "link_dashboard": True},
    ]


def _other(meter: Meter) -> list[Card]:
    registers = [sensor for sensor in meter.sensors if sensor.is_register and sensor.is_number]
    kind = next((sensor.attributes.get("device_class") for sensor in registers), None)
    cards = [_heading(meter.name, ICONS.get(kind or "", "mdi:meter-gas"))]
    cards += [_wide(_tile(sensor)) for sensor in registers]
    if registers:
        cards.append(_bars("By day", registers[:1]))
    return cards


def _happened(meters: list[Meter]) -> list[Card]:
    """Return the events: outages, dips, messages, changes of tariff."""
    told = [sensor for meter in meters for sensor in meter.sensors if sensor.entity_id.startswith("event.")]
    return [_heading("What happened", "mdi:bell-outline"), *(_wide(_tile(sensor)) for sensor in told)]


def _tiles(meter: Meter, channels: tuple[str, ...]) -> list[Card]:
    sensors = map(meter.sensor, channels)
    return [_tile(sensor) for sensor in sensors if sensor is not None and sensor.has_value]


def _heading(text: str, icon: str) -> Card:
    return {"type": "heading", "heading": text, "heading_style": "title", "icon": icon}


def _tile(sensor: Sensor) -> Card:
    return {"type": "tile", "entity": sensor.entity_id, "name": {"type": "entity"}}


def _wide(card: Card) -> Card:
    """Return a card as wide as its section: long names are cut off otherwise."""
    return {**card, "grid_options": {"columns": "full"}}


def _gauge(sensor: Sensor, low: int, high: int, colours: dict[int, str]) -> Card:
    gauge = {
        "type": "gauge",
        "entity": sensor.entity_id,
        "name": {"type": "entity"},
        "min": low,
        "max": high,
        "needle": True,
        "segments": [{"from": start, "color": colour} for start, colour in colours.items()],
    }
    return _wide(gauge)


def _bars(title: str, registers: list[Sensor]) -> Card:
    return {
        "type": "statistics-graph",
        "title": title,
        "chart_type": "bar",
        "entities": [{"entity": sensor.entity_id, "name": _short(sensor)} for sensor in registers],
        "days_to_show": DAYS_SHOWN,
        "period": "day",
        "stat_types": ["change"],
        "hide_legend": len(registers) == 1,
    }


def _short(sensor: Sensor) -> str:
    """Return the words of an entity's name that its device does not have."""
    return str(sensor.attributes.get("friendly_name", sensor.entity_id)).split("meter ")[-1]
