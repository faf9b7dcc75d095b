"""What an owner of Home Assistant's own `dsmr` has made of it: names, a dashboard with costs, automations, helpers."""

from dataclasses import dataclass, field
from typing import Any, Final

from demonstration.client import FLOWS, Client, Websocket
from demonstration.config_flow import entry_of
from demonstration.errors import DemonstrationError

UNKNOWN: Final = frozenset({"unavailable", "unknown"})
PRICES: Final = {"energy": 0.25, "gas": 1.25, "water": 1.10}
EXPORT_PRICE: Final = 0.06
_AUTOMATIONS: Final = "/api/config/automation/config/"


@dataclass(slots=True)
class Belongings:
    """What is used of an entry of `dsmr`, and what was built on it.

    `used` are the entity ids that `dsmr` shows, by registry id; `registers` those that count. `priced` has the price of
    a register and its cost sensor; `fire` are automations that are triggered by each telegram; `metered` has the
    register of each utility meter.
    """

    used: dict[str, str]
    registers: list[str]
    sources: list[dict[str, Any]] = field(default_factory=list)
    priced: dict[str, float] = field(default_factory=dict)
    fire: list[str] = field(default_factory=list)
    tariff: str | None = None
    helpers: list[str] = field(default_factory=list)
    metered: dict[str, str] = field(default_factory=dict)


async def used_entities(websocket: Websocket, entry_id: str) -> dict[str, dict[str, Any]]:
    """Return the rows of the entities of an entry that are not disabled."""
    rows = await websocket.command("config/entity_registry/list")
    return {row["id"]: row for row in rows if row["config_entry_id"] == entry_id and row["disabled_by"] is None}


async def states(websocket: Websocket) -> dict[str, dict[str, Any]]:
    """Return all states by entity id."""
    return {state["entity_id"]: state for state in await websocket.command("get_states")}


async def settle(client: Client, name: str, entry_id: str) -> Belongings:
    """Name, hide and label entities, and build automations and helpers on them, as owners do over the years."""
    async with client.websocket() as websocket:
        rows = await used_entities(websocket, entry_id)
        shown = await states(websocket)
        power = _power(rows, shown)
        await websocket.command("config/label_registry/create", name=f"label {name}")
        area = await websocket.command("config/area_registry/create", name=f"area {name}")
        update = "config/entity_registry/update"
        renamed = f"sensor.power_of_{name}"
        await websocket.command(
            update,
            entity_id=power,
            new_entity_id=renamed,
            name="Our power",
            icon="mdi:flash",
            labels=[f"label_{name}"],
            area_id=area["area_id"],
        )
        hidden = [row["entity_id"] for row in rows.values() if "voltage_phase_l1" in row["entity_id"]]
        for entity_id in hidden:
            await websocket.command(update, entity_id=entity_id, hidden_by="user")
        device_id = rows[next(one for one, row in rows.items() if row["entity_id"] == power)]["device_id"]
        await websocket.command("config/device_registry/update", device_id=device_id, name_by_user=f"Meter of {name}")
        rows = await used_entities(websocket, entry_id)
        shown = await states(websocket)
        found = Belongings(
            used={one: row["entity_id"] for one, row in rows.items()},
            registers=[
                row["entity_id"]
                for row in rows.values()
                if shown[row["entity_id"]]["attributes"].get("state_class") in {"total", "total_increasing"}
                and shown[row["entity_id"]]["state"] not in UNKNOWN
            ],
        )
        _add_sources(found, shown)
        found.tariff = next((one for one in found.used.values() if one.endswith("active_tariff")), None)
        triggers = await websocket.command("device_automation/trigger/list", device_id=device_id)
    await _add_automations(client, name, found, renamed, triggers, shown)
    await _add_helpers(client, name, found, renamed)
    return found


def _power(rows: dict[str, dict[str, Any]], shown: dict[str, dict[str, Any]]) -> str:
    """Return the highest power: with solar panels one of two is 0, for hours."""
    powers: dict[str, float] = {
        one: float(shown[one]["state"])
        for one in (row["entity_id"] for row in rows.values())
        if shown[one]["attributes"].get("device_class") == "power" and shown[one]["state"] not in UNKNOWN
    }
    if not powers:
        raise DemonstrationError("dsmr has no power")
    return max(powers, key=lambda one: powers[one])


def _add_sources(found: Belongings, shown: dict[str, dict[str, Any]]) -> None:
    """Put the registers into the form of the energy dashboard, each with its price."""
    for register in found.registers:
        device_class = shown[register]["attributes"].get("device_class")
        if device_class not in PRICES:
            continue
        price = PRICES[device_class]
        if device_class != "energy":
            source = {"type": device_class, "stat_cost": None, "entity_energy_price": None}
            found.sources.append(source | {"stat_energy_from": register, "number_energy_price": price})
        else:
            is_export = any(word in register for word in ("production", "delivered", "export"))
            price = EXPORT_PRICE if is_export else price
            found.sources.append(
                {
                    "type": "grid",
                    "stat_energy_from": None if is_export else register,
                    "stat_energy_to": register if is_export else None,
                    "number_energy_price": None if is_export else price,
                    "number_energy_price_export": price if is_export else None,
                    "cost_adjustment_day": 0,
                }
            )
        found.priced[register] = price


async def _add_automations(
    client: Client,
    name: str,
    found: Belongings,
    power: str,
    triggers: list[dict[str, Any]],
    shown: dict[str, dict[str, Any]],
) -> None:
    """Make automations on a state, on the word of the tariff, and on the device."""
    # Whatever changes: power may be the same for minutes.
    every = {"trigger": "state", "entity_id": list(found.used.values())}
    made: dict[str, dict[str, Any]] = {"state": {"triggers": [every]}}
    if found.tariff is not None:
        word = {"condition": "state", "entity_id": found.tariff, "state": shown[found.tariff]["state"]}
        made["tariff"] = {"triggers": [every], "conditions": [word]}
    registry_id = next(one for one, entity_id in found.used.items() if entity_id == power)
    device = next(
        (one for one in triggers if one.get("type") == "power" and one.get("entity_id") in (registry_id, power)), None
    )
    if device is not None:
        own = {key: value for key, value in device.items() if key != "metadata"}
        made["device"] = {"triggers": [{**own, "above": -1}]}
    for kind, content in made.items():
        alias = f"{kind} of {name}"
        rest = {"alias": alias, "actions": [{"event": "noticed"}], "mode": "single"}
        await client.request("POST", f"{_AUTOMATIONS}{name}_{kind}", {"conditions": [], **content, **rest})
        found.fire.append(f"automation.{kind}_of_{name}")


async def _add_helpers(client: Client, name: str, found: Belongings, power: str) -> None:
    """Make a utility meter on each register, and a statistics helper on the power."""
    for number, register in enumerate(found.registers):
        title = f"Cycle {number} of {name}"
        answers = [{"name": title, "source": register, "cycle": "yearly", "offset": 0, "tariffs": []}]
        answers[0] |= {"net_consumption": False, "delta_values": False, "periodically_resetting": False}
        helper = await _add_helper(client, "utility_meter", answers)
        found.helpers.append(helper)
        found.metered[helper] = register
    helper = await _add_helper(
        client,
        "statistics",
        [
            {"name": f"Mean of {name}", "entity_id": power},
            {"state_characteristic": "mean"},
            {"sampling_size": 20},
        ],
    )
    found.helpers.append(helper)


async def _add_helper(client: Client, domain: str, answers: list[dict[str, Any]]) -> str:
    """Make a helper, and return its entity id."""
    step = await client.request("POST", FLOWS, {"handler": domain})
    path = f"{FLOWS}/{step['flow_id']}"
    for answer in answers:
        step = await client.request("POST", path, answer)
    async with client.websocket() as websocket:
        made = await used_entities(websocket, entry_of(step, domain))
    entity_id: str = next(iter(made.values()))["entity_id"]
    return entity_id
