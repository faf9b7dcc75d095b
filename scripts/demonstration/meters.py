"""The meters of a config entry as Home Assistant shows them: devices, entities, states."""

from collections.abc import Iterator
from dataclasses import dataclass
import math
from typing import Any, Final

from .client import Client, Websocket
from .errors import DemonstrationError
from .home import DOMAIN
from .patience import until
from .show_room import Exhibit

PORT_SLOT: Final = "p1"
APPEAR_LIMIT: Final = 90.0
"""Seconds in which every meter must have values: version 2 meters speak every ten."""
COUNT_LIMIT: Final = 60.0
"""Seconds more in which every register must have a number: they are believed after three telegrams."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """An entity and its state; `channel` is what it shows of the meter."""

    entity_id: str
    channel: str
    state: str
    attributes: dict[str, Any]
    reported: str

    @property
    def is_unavailable(self) -> bool:
        """Whether nothing is heard of it."""
        return self.state == "unavailable"

    @property
    def has_value(self) -> bool:
        """Whether it shows something."""
        return self.state not in {"unavailable", "unknown"}

    @property
    def is_register(self) -> bool:
        """Whether it counts, so that its statistics have a sum."""
        return self.attributes.get("state_class") in {"total", "total_increasing"}

    @property
    def is_measurement(self) -> bool:
        """Whether its statistics have a mean."""
        return self.attributes.get("state_class") == "measurement"

    @property
    def is_number(self) -> bool:
        """Whether it shows a number."""
        try:
            return math.isfinite(float(self.state))
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Meter:
    """A device and its entities that are not disabled."""

    entry_id: str
    slot: str
    name: str
    model: str | None
    device_id: str
    sensors: tuple[Sensor, ...]

    @property
    def is_port(self) -> bool:
        """Whether this is the device of the port itself."""
        return self.slot == PORT_SLOT

    def sensor(self, channel: str) -> Sensor | None:
        """Return the sensor of a channel."""
        return next((sensor for sensor in self.sensors if sensor.channel == channel), None)

    def registers(self, device_class: str) -> Iterator[Sensor]:
        """Yield the registers of a class that have a value."""
        for sensor in self.sensors:
            if sensor.is_register and sensor.is_number and sensor.attributes.get("device_class") == device_class:
                yield sensor


@dataclass(frozen=True, slots=True)
class Room:
    """A house to look at and its meters, those of the port itself included."""

    exhibit: Exhibit
    meters: list[Meter]

    @property
    def booked(self) -> dict[str, tuple[Meter, Sensor, float]]:
        """Return what is booked in its true hours: by statistic the meter, its register and the price of a unit."""
        return {
            f"{DOMAIN}:{meter.entry_id.lower()}_{meter.slot}_{kind}": (meter, sensor, price)
            for kind, price in self.exhibit.true_hours.items()
            for meter in self.meters
            for sensor in meter.registers(kind)
        }


async def read_meters(websocket: Websocket, entry_id: str) -> list[Meter]:
    """Return the devices of an entry, the port's own first."""
    devices = await websocket.command("config/device_registry/list")
    entities = await websocket.command("config/entity_registry/list")
    states = {state["entity_id"]: state for state in await websocket.command("get_states")}
    prefix = f"{entry_id}_"
    meters = []
    for device in devices:
        slots = [
            identifier.removeprefix(prefix)
            for domain, identifier in device["identifiers"]
            if domain == DOMAIN and identifier.startswith(prefix)
        ]
        for slot in slots:
            own = f"{prefix}{slot}_"
            sensors = tuple(
                _sensor(entity["unique_id"].removeprefix(own), states[entity["entity_id"]])
                for entity in entities
                if entity["device_id"] == device["id"] and entity["entity_id"] in states
            )
            name = device["name_by_user"] or device["name"]
            meters.append(Meter(entry_id, slot, name, device["model"], device["id"], sensors))
    return sorted(meters, key=lambda meter: (not meter.is_port, meter.slot))


async def wait_for_meters(client: Client, entry_id: str, expected: int) -> list[Meter]:
    """Return the meters when there are as many as expected, besides the port, and all have values."""
    meters: list[Meter] = []

    async def are_there() -> bool:
        meters[:] = await read_meters(websocket, entry_id)
        found = [meter for meter in meters if not meter.is_port]
        return len(found) >= expected and all(_speaks(meter) for meter in found)

    async def all_count() -> bool:
        meters[:] = await read_meters(websocket, entry_id)
        return all(sensor.is_number for meter in meters for sensor in meter.sensors if sensor.is_register)

    async with client.websocket() as websocket:
        if not await until(are_there, APPEAR_LIMIT):
            silent = [meter.name for meter in meters if not meter.is_port and not _speaks(meter)]
            names = [meter.name for meter in meters]
            raise DemonstrationError(
                f"expected {expected} meters with values; there are {names}, and without values {silent}"
            )
        await until(all_count, COUNT_LIMIT)
    return meters


async def wait_for_change(client: Client, entry_id: str) -> None:
    """Return when anything of an entry was reported anew: the meter is really read."""

    async def is_new() -> bool:
        return _reports(await read_meters(websocket, entry_id)) != before

    async with client.websocket() as websocket:
        before = _reports(await read_meters(websocket, entry_id))
        if not await until(is_new, APPEAR_LIMIT):
            raise DemonstrationError("the values stand still")


def _speaks(meter: Meter) -> bool:
    return any(sensor.has_value for sensor in meter.sensors)


def _reports(meters: list[Meter]) -> dict[str, str]:
    return {sensor.entity_id: sensor.reported for meter in meters for sensor in meter.sensors}


def _sensor(channel: str, state: dict[str, Any]) -> Sensor:
    return Sensor(state["entity_id"], channel, state["state"], state["attributes"], state["last_reported"])
