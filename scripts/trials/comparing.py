"""Home Assistant before and after: registries, the energy dashboard, automations, and gaps in the history."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from demonstration.client import Client
from demonstration.home import DOMAIN

from .belongings import UNKNOWN, Belongings
from .counting import Row
from .old_houses import CORE

_TIMES: Final = frozenset({"created_at", "modified_at"})
_KEPT: Final = (
    "entity_id", "name", "icon", "labels", "area_id", "hidden_by", "disabled_by", "device_id", "categories", "aliases",
)  # fmt: skip
"""What stays of an entity that continues as ours."""
_KEPT_OF_DEVICES: Final = ("name_by_user", "area_id", "labels", "disabled_by")
_UNIT: Final = "unit_of_measurement"

TOLERANCE: Final = 1e-4
CENT: Final = 0.01

type Costs = dict[str, float]
"""What a cost sensor shows beyond the price of its register, by that register: it stays the same."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registries by id, the energy dashboard, the automations, and the states by entity id."""

    entities: dict[str, Row]
    devices: dict[str, Row]
    dashboard: Row
    automations: dict[str, Row]
    states: dict[str, Row]


async def take_snapshot(client: Client) -> Snapshot:
    """Read all that is compared."""
    async with client.websocket() as websocket:
        listed = await websocket.command("config/entity_registry/list")
        ids = [row["entity_id"] for row in listed]
        rows = await websocket.command("config/entity_registry/get_entries", entity_ids=ids)
        devices = await websocket.command("config/device_registry/list")
        dashboard = await websocket.command("energy/get_prefs")
        states = {state["entity_id"]: state for state in await websocket.command("get_states")}
        automations = {
            entity_id: await websocket.command("automation/config", entity_id=entity_id)
            for entity_id in sorted(states)
            if entity_id.startswith("automation.")
        }
    return Snapshot(
        {row["id"]: _without_times(row) for row in rows.values() if row is not None},
        {row["id"]: _without_times(row) for row in devices},
        dashboard,
        automations,
        states,
    )


def _without_times(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _TIMES}


def changes_after_return(before: Snapshot, after: Snapshot) -> list[str]:
    """Return what is not as it was, now that all was given back."""
    return [
        *_changed("entity", before.entities, after.entities),
        *_changed("device", before.devices, after.devices),
        *_changed_uses(before, after),
    ]


def changes_while_taken_over(before: Snapshot, after: Snapshot, used: dict[str, str]) -> list[str]:
    """Return what is not as an owner had it, now that all that was used continues as ours."""
    found = []
    for one, entity_id in used.items():
        then, now = before.entities[one], after.entities.get(one, {})
        if now.get("platform") != DOMAIN:
            found.append(f"{entity_id} is of {now.get('platform')}")
        found += [f"{name} of {entity_id}: {_both(then, now, name)}" for name in _KEPT if then[name] != now.get(name)]
        units = [snapshot.states[entity_id]["attributes"].get(_UNIT) for snapshot in (before, after)]
        if units[0] != units[1]:
            found.append(f"unit of {entity_id}: {units}")
    for one, device in before.devices.items():
        now = after.devices.get(one, {})
        found += [
            f"{name} of device {device['name']}: {_both(device, now, name)}"
            for name in _KEPT_OF_DEVICES
            if device[name] != now.get(name)
        ]
    others = [
        {one: row for one, row in snapshot.entities.items() if row["platform"] not in (CORE, DOMAIN)}
        for snapshot in (before, after)
    ]
    return [*found, *_changed("entity", *others), *_changed_uses(before, after)]


def _changed_uses(before: Snapshot, after: Snapshot) -> list[str]:
    found = [] if before.dashboard == after.dashboard else [f"dashboard: {before.dashboard} {after.dashboard}"]
    return [*found, *_changed("automation", before.automations, after.automations)]


def _changed(kind: str, before: dict[str, Row], after: dict[str, Row]) -> list[str]:
    """Return the rows that are gone, new or different."""
    found = []
    for one in before.keys() | after.keys():
        then, now = before.get(one), after.get(one)
        if then is None or now is None:
            row = then or now or {}
            found.append(
                f"{kind} {row.get('entity_id') or row.get('name') or one} is {'gone' if now is None else 'new'}"
            )
        elif then != now:
            name = then.get("entity_id") or then.get("name") or one
            found += [f"{key} of {kind} {name}: {_both(then, now, key)}" for key in then if then[key] != now.get(key)]
    return sorted(found)


def _both(then: Row, now: Row, key: str) -> str:
    return f"{then.get(key)!r} is {now.get(key)!r}"


async def gaps(client: Client, entity_ids: list[str], start: datetime, end: datetime) -> dict[str, float]:
    """Return for how many seconds at most each had no value, of those that had one before and after."""
    async with client.websocket() as websocket:
        history = await websocket.command(
            "history/history_during_period",
            start_time=start.isoformat(),
            end_time=end.isoformat(),
            entity_ids=entity_ids,
            no_attributes=True,
            significant_changes_only=False,
        )
    found = {}
    for entity_id in entity_ids:
        since: float | None = None
        longest = 0.0
        for before, row in pairwise(history.get(entity_id, ())):
            if row["s"] in UNKNOWN:
                if before["s"] not in UNKNOWN:
                    since = row["lu"]
            elif since is not None:
                longest, since = max(longest, row["lu"] - since), None
        found[entity_id] = longest
    return found


def costs_of(now: Snapshot, owned: Belongings) -> Costs:
    """Return for each register with a price what its cost sensor shows beyond the price of the register."""
    found = {}
    for register, price in owned.priced.items():
        kind = "compensation" if f"{register}_compensation" in now.states else "cost"
        state = now.states.get(f"{register}_{kind}", {"state": "unknown"})["state"]
        if state in UNKNOWN:
            continue
        per_unit = price / 1000 if now.states[register]["attributes"]["unit_of_measurement"] == "Wh" else price
        found[register] = float(state) - per_unit * float(now.states[register]["state"])
    return found


def broken_costs(before: Costs, now: Costs) -> list[str]:
    """Return the costs that did not rise with their register."""
    return [
        f"the costs of {register} are off by {now.get(register, 0) - then:.3f}"
        for register, then in before.items()
        if abs(now.get(register, 0) - then) > CENT
    ]


def broken_meters(before: Snapshot, now: Snapshot, owned: Belongings, *, is_late: bool) -> list[str]:
    """Return the utility meters that did not rise with their register; a late one with what it has noticed of it.

    One that comes back after its register counts what it missed when the register changes the next time.
    """

    def begin(snapshot: Snapshot, meter: str, register: str) -> float:
        shown = snapshot.states[meter]
        noticed = shown["attributes"]["last_valid_state"] if is_late else snapshot.states[register]["state"]
        return float(noticed) - float(shown["state"])

    return [
        f"{meter} did not rise with {register}"
        for meter, register in owned.metered.items()
        if {before.states[meter]["state"], now.states.get(meter, {"state": "unknown"})["state"]} & UNKNOWN
        or abs(begin(now, meter, register) - begin(before, meter, register)) > TOLERANCE
    ]


def broken_sums(register: str, rows: list[Row]) -> list[str]:
    """Return where the sum of a register did not rise by what the register did."""
    return [
        f"the sum of {register} goes from {before} to {after}"
        for before, after in pairwise(rows)
        if abs((after["sum"] - before["sum"]) - (after["state"] - before["state"])) > TOLERANCE
        or after["sum"] < before["sum"] - TOLERANCE
    ]
