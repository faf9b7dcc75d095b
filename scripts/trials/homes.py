"""Many homes in one real Home Assistant, which keeps them in PostgreSQL and passes them on to MQTT and InfluxDB.

The ports are set up through the config flow, as an owner does, and Home Assistant is started again before anything is
measured. What a port costs is the difference to the same Home Assistant before it had any.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
import tempfile
import time
from typing import Any, Final

from demonstration.client import FLOWS, Client, new_home
from demonstration.config_flow import add_entry, entry_of
from demonstration.errors import DemonstrationError
from demonstration.home import DOMAIN, HOST, PLACE, Home
from demonstration.houses import House
from demonstration.patience import until

from .arrivals import Arrivals, Ear, written
from .network import METERS, NetworkPort, open_ports
from .servers import DATABASE, Server, influxdb, mosquitto, postgresql
from .usage import Usage, usage_of

TOPIC: Final = "homes"
MQTT_SETTINGS: Final = {"set_ca_cert": "off", "set_client_cert": False}
AT_ONCE: Final = 10
"""Flows that are open at the same time."""
EMPTY_SECONDS: Final = 30.0
SETTLE: Final = 20.0
"""Seconds between a start and a measurement."""
VALUES_LIMIT: Final = 180.0
CONFIGURATION: Final = """\
{place}\
recorder:
  db_url: {database}
history:
usb:
logger:
  default: warning
"""
STREAM: Final = f"""\
mqtt_statestream:
  base_topic: {TOPIC}
  include:
    domains: [sensor, binary_sensor]
"""
SLOW: Final = "[homeassistant.helpers.entity] Updating state for"
"""What Home Assistant logs where a state took long; with as many programs as cores that says nothing of a port."""
MEGABYTE: Final = 1_000_000

type States = dict[str, dict[str, str]]
"""The states of each entry, by entity id."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What Home Assistant and the servers used while it was looked at: shares of one core, and bytes."""

    shares: dict[str, float]
    resident: int


class Homes:
    """One run of the trial."""

    def __init__(self, count: int, period: float, seconds: float) -> None:
        """Prepare for so many ports, with a telegram every `period` seconds, measured for `seconds`."""
        self._count = count
        self._period = period
        self._seconds = seconds
        self._failures: list[str] = []

    async def run(self) -> int:
        """Set up, start again, measure, tell; return 1 where a port is missing or a message did not arrive."""
        async with AsyncExitStack() as stack:
            # PostgreSQL runs as another user, and a socket has a short name.
            servers = [
                await stack.enter_async_context(
                    run(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p1-"))))
                )
                for run in (postgresql, mosquitto, influxdb)
            ]
            database, broker, series = servers
            configuration = CONFIGURATION.format(place=PLACE, database=database.address)
            home, client = await stack.enter_async_context(new_home(configuration=configuration))
            ports = await stack.enter_async_context(open_ports(self._count, self._period))
            async with client.running():
                await _connect(client, broker, series)
            (home.folder / "configuration.yaml").write_text(configuration + STREAM)
            async with client.running():
                empty = await _cost(home, servers, EMPTY_SECONDS)
                began = time.monotonic()
                await _set_up(client, ports)
                await self._wait_for_values(client)
                print(
                    f"{self._count} ports set up in {time.monotonic() - began:.0f} s, {AT_ONCE} at a time", flush=True
                )
            began = time.monotonic()
            async with client.running():
                started = time.monotonic() - began
                await self._wait_for_values(client)
                print(
                    f"started again: Home Assistant runs after {started:.1f} s,"
                    f" every entity has a value after {time.monotonic() - began:.1f} s",
                    flush=True,
                )
                await self._measure(home, client, servers, ports, empty)
            for entry in home.complaints():
                if SLOW in entry:
                    print(f"the machine was busy: {entry}")
                else:
                    self._failures.append(f"in the log: {entry}")
        for failure in self._failures:
            print(f"WRONG: {failure}")
        print("Something is wrong" if self._failures else "Every port was there all the time")
        return 1 if self._failures else 0

    async def _wait_for_values(self, client: Client) -> None:
        """Wait until every port has all its meters and nothing is unavailable."""
        lacking: list[str] = []

        async def are_there() -> bool:
            lacking[:] = self._lacking(await _states(client))
            return not lacking

        if not await until(are_there, VALUES_LIMIT, 0.5):
            raise DemonstrationError(f"not all ports are there: {', '.join(lacking[:10])}")

    def _lacking(self, states: States) -> list[str]:
        found = [] if len(states) == self._count else [f"{len(states)} ports instead of {self._count}"]
        for entry, entities in states.items():
            unavailable = [entity_id for entity_id, state in entities.items() if state == "unavailable"]
            if unavailable or len(entities) < METERS:
                found.append(f"{entry}: {', '.join(unavailable) or 'no entities'}")
        return found

    async def _measure(
        self, home: Home, client: Client, servers: list[Server], ports: list[NetworkPort], empty: Cost
    ) -> None:
        database, broker, series = servers
        await asyncio.sleep(SETTLE)
        with Ear(broker, TOPIC) as ear:
            start, sent = time.time(), sum(port.sent for port in ports)
            cost = await _cost(home, servers, self._seconds)
            end, sent = time.time(), sum(port.sent for port in ports) - sent
            heard = ear.heard(start, end)
        states = await _states(client)
        self._failures += [f"at the end: {lacking}" for lacking in self._lacking(states)]
        await asyncio.sleep(SETTLE)  # the recorder and InfluxDB's client write in batches
        arrived = await written(database, series, start, end)
        self._failures += _complaints(states, heard, arrived)
        entities = sum(map(len, states.values()))
        due = round((end - start) / self._period) * len(ports)
        print(f"{entities} entities; in {end - start:.0f} s {sent} telegrams of {due} that were due, and")
        print(f"  {arrived.rows} states in PostgreSQL, {arrived.unavailable} of them unavailable")
        print(f"  {sum(heard.values())} messages at Mosquitto, under {len(heard)} topics")
        print(f"  {arrived.points} points in InfluxDB")
        for name, share in cost.shares.items():
            before = empty.shares[name]
            print(
                f"{name}: {share:.1%} of a core, {before:.1%} without ports: {(share - before) / len(ports):.2%} a port"
            )
        print(
            f"memory of Home Assistant: {cost.resident / MEGABYTE:.0f} MB, {empty.resident / MEGABYTE:.0f} MB without"
            f" ports: {(cost.resident - empty.resident) / MEGABYTE / len(ports):.2f} MB a port"
        )
        used = (cost.shares["Home Assistant"] - empty.shares["Home Assistant"]) * (end - start)
        print(f"processor time of Home Assistant for a telegram: {used / max(1, sent) * 1000:.2f} ms")


def _complaints(states: States, heard: dict[str, int], arrived: Arrivals) -> list[str]:
    found = [
        f"no message of {entry} arrived"
        for entry, entities in states.items()
        if not any(f"{TOPIC}/{entity_id.replace('.', '/')}/state" in heard for entity_id in entities)
    ]
    if arrived.unavailable:
        found.append(f"{arrived.unavailable} states were unavailable")
    # States of the first and the last moment may be in one count and not in the other.
    if abs(sum(heard.values()) - arrived.rows) > max(10, 0.02 * arrived.rows):
        found.append(f"PostgreSQL has {arrived.rows} states, and {sum(heard.values())} messages arrived")
    if not arrived.points:
        found.append("nothing arrived at InfluxDB")
    return found


async def _connect(client: Client, broker: Server, series: Server) -> None:
    """Set up Home Assistant's own MQTT and InfluxDB integrations, as an owner does."""
    await _fill_in(client, "mqtt", {"broker": {"broker": HOST, "port": broker.port, "other_settings": MQTT_SETTINGS}})
    influx = {"url": series.address, "verify_ssl": False, "database": DATABASE}
    await _fill_in(client, "influxdb", {"user": {"next_step_id": "configure_v1"}, "configure_v1": influx})


async def _fill_in(client: Client, domain: str, answers: dict[str, dict[str, Any]]) -> None:
    step = await client.request("POST", FLOWS, {"handler": domain})
    while step["type"] in {"form", "menu"}:
        if step.get("errors") or step["step_id"] not in answers:
            raise DemonstrationError(f"{domain} cannot be set up: {step['step_id']} {step.get('errors')}")
        step = await client.request("POST", f"{FLOWS}/{step['flow_id']}", answers[step["step_id"]])
    entry_of(step, domain)


async def _set_up(client: Client, ports: list[NetworkPort]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def add(port: NetworkPort) -> None:
        async with places:
            await add_entry(client, House(port.address))

    await asyncio.gather(*map(add, ports))


async def _cost(home: Home, servers: list[Server], seconds: float) -> Cost:
    pids = {"Home Assistant": home.pid} | {server.name: server.pid for server in servers}
    before: dict[str, Usage] = {name: usage_of(pid) for name, pid in pids.items()}
    await asyncio.sleep(seconds)
    after = {name: usage_of(pid) for name, pid in pids.items()}
    shares = {name: usage.share_since(before[name]) for name, usage in after.items()}
    return Cost(shares, after["Home Assistant"].resident)


async def _states(client: Client) -> States:
    """Return the states of this integration's entities, by entry."""
    async with client.websocket() as websocket:
        entities = await websocket.command("config/entity_registry/list")
        states = {state["entity_id"]: state["state"] for state in await websocket.command("get_states")}
    found: States = {}
    for entity in entities:
        if entity["platform"] == DOMAIN and not entity["disabled_by"]:
            entity_id = entity["entity_id"]
            found.setdefault(entity["config_entry_id"], {})[entity_id] = states.get(entity_id, "unavailable")
    return found
