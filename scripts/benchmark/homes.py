"""A Home Assistant of its own for each contestant: prepared entries, a probe inside, and bridges that feed it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import itertools
import json
import os
from pathlib import Path
import socket
import sqlite3
import time
from typing import Any, Final

from demonstration.children import start_child, stop_child
from demonstration.home import HOST, PLACE, choose_http_port

from . import streams
from .measures import CORE
from .trees import ROOT, Tree

START_LIMIT: Final = 180.0
ANSWER_LIMIT: Final = 120.0
VALUE_LIMIT: Final = 60.0
PROBE: Final = "bench_probe"
ENOUGH: Final = 1500
ENOUGH_OF_MANY: Final = 120
"""Telegrams of a bridge before the first comes again: registers that fall are held back, which no meter lives with."""
EIGHT: Final = (
    "electricity_emeter_actual_delivery",
    "electricity_emeter_actual_production",
    "electricity_emeter_tariff_indicator",
    "electricity_emeter_delivery_tariff1",
    "electricity_emeter_delivery_tariff2",
    "electricity_emeter_production_tariff1",
    "electricity_emeter_production_tariff2",
    "mbus_1_m3meter_value",
)
"""The entities that Home Assistant's own integration has enabled for DSMR 5, by this project's unique ids."""
_POWER: Final = ("electricity_emeter_actual_delivery", "current_electricity_usage")
_CONFIGURATION: Final = f"""\
{PLACE}\
recorder:
usb:
logger:
  default: warning
bench_probe:
"""


class HomeError(Exception):
    """Home Assistant, or an integration in it, does not do what the benchmark waits for."""


@dataclass(slots=True)
class Bridge:
    """A P1 port on the network: a TCP server that one reader connects to."""

    telegrams: Sequence[bytes]
    port: int = 0
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    connected_at: float = 0.0
    sent: list[tuple[float, float]] = field(default_factory=list)
    """When each telegram was sent, on the clock that all processes share, and the power in it."""
    _next: int = 0
    _writer: asyncio.StreamWriter | None = None
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen on any free port."""
        self._server = await asyncio.start_server(self._connect, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connect(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._writer, self.connected_at = writer, time.monotonic()
        self.connected.set()

    def send(self) -> None:
        """Send the next telegram, if somebody listens."""
        if self._writer is None or self._writer.is_closing():
            return
        telegram = self.telegrams[self._next % len(self.telegrams)]
        self._next += 1
        self.sent.append((time.monotonic(), streams.power_of(telegram)))
        self._writer.write(telegram)

    def close(self) -> None:
        """Stop listening, and hang up."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()


async def feed(bridges: Sequence[Bridge], rate: float, seconds: float) -> int:
    """Let each bridge send `rate` telegrams a second, spread evenly, and return how many there were."""
    step = 1 / (rate * len(bridges))
    count = round(seconds / step)
    start = time.monotonic()
    for number, bridge in zip(range(count), itertools.cycle(bridges), strict=False):
        await asyncio.sleep(max(0.0, start + number * step - time.monotonic()))
        bridge.send()
    await asyncio.sleep(max(0.0, start + count * step - time.monotonic()))
    return count


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor time between two looks, of all threads and of the event loop, and the time between."""

    total: float
    loop: float
    wall: float


class Home:
    """A running Home Assistant with entries of one contestant, disabled until they are wanted."""

    def __init__(self, side: str, folder: Path, bridges: Sequence[Bridge], python: Path) -> None:
        self.side = side
        self.bridges = bridges
        self._folder = folder
        self._program = python.parent / "hass"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Home]:
        """Start it, wait until all is set up, and stop it in the end."""
        with (self._folder / "console.log").open("ab") as output:
            child = await start_child([self._program, "-c", self._folder, "--log-no-color"], output=output)
        try:
            await self._connect(child)
            yield self
        finally:
            if self._writer is not None:
                self._writer.close()
            for bridge in self.bridges:
                bridge.close()
            await stop_child(child)

    async def _connect(self, child: asyncio.subprocess.Process) -> None:
        limit = time.monotonic() + START_LIMIT
        path = self._folder / "probe.sock"
        while not path.exists() or self._writer is None or not await self.ask("is_running"):
            if time.monotonic() > limit or child.returncode is not None:
                raise HomeError(f"Home Assistant does not start:\n{self.log()[-3000:]}")
            await asyncio.sleep(0.3)
            if path.exists() and self._writer is None:
                self._reader, self._writer = await asyncio.open_unix_connection(path, limit=2**26)

    def log(self) -> str:
        """Return what Home Assistant has written to its console."""
        return (self._folder / "console.log").read_text(errors="replace")

    async def ask(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """Have the probe do something. Raises HomeError where it cannot."""
        if self._reader is None or self._writer is None:
            raise HomeError("not connected")
        self._writer.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_LIMIT):
            answer = json.loads(await self._reader.readline())
        if "error" in answer:
            raise HomeError(f"{command}: {answer['error']}\n{self.log()[-2000:]}")
        return answer["result"]

    async def usage_of(self, work: Any) -> Usage:  # noqa: ANN401 - any coroutine
        """Return what Home Assistant uses while something is awaited."""
        before = await self.ask("usage")
        await work
        after = await self.ask("usage")
        return Usage(after["total"] - before["total"], after["loop"] - before["loop"], after["at"] - before["at"])

    async def enable(self, number: int = 0) -> float:
        """Enable an entry and feed it until it shows the power; return the seconds that setting it up took."""
        bridge = self.bridges[number]
        task = asyncio.create_task(self.ask("enable", entry_id=entry_id(number)))
        await bridge.connected.wait()
        while not task.done():
            bridge.send()
            await asyncio.sleep(0.1)
        seconds: float = await task
        return seconds

    async def wait_for_power(self, number: int = 0, interval: float = 0.2) -> tuple[str, float]:
        """Feed an entry until its power has a value; return the entity and the telegrams that it took."""
        bridge = self.bridges[number]
        limit = time.monotonic() + VALUE_LIMIT
        telegrams = 0
        while time.monotonic() < limit:
            bridge.send()
            telegrams += 1
            due = time.monotonic() + interval
            while True:
                for entity in await self.entities(number):
                    if entity["unique_id"].endswith(_POWER) and entity["state"] not in {None, "unknown", "unavailable"}:
                        return entity["entity_id"], telegrams
                if time.monotonic() > due:
                    break
                await asyncio.sleep(0.05)
        raise HomeError(f"{self.side} shows no power:\n{self.log()[-2000:]}")

    async def entities(self, number: int = 0) -> list[dict[str, Any]]:
        """Return the entities of an entry."""
        found: list[dict[str, Any]] = await self.ask("entities", entry_id=entry_id(number))
        return found

    async def keep_eight(self) -> list[tuple[str, str]]:
        """Disable all entities of the first entry but the eight that are compared.

        Returns their domains and the ends of their unique ids.
        """
        superfluous = [
            entity for entity in await self.entities() if self.side != CORE and not entity["unique_id"].endswith(EIGHT)
        ]
        await self.ask("disable", entity_ids=[entity["entity_id"] for entity in superfluous if entity["is_enabled"]])
        return [
            (entity["entity_id"].partition(".")[0], entity["unique_id"].removeprefix(entry_id(0)))
            for entity in superfluous
        ]

    async def reserve(self, number: int, ends: Sequence[tuple[str, str]]) -> None:
        """Disable entities of another entry before they exist."""
        unique_ids = [(domain, entry_id(number) + end) for domain, end in ends]
        await self.ask("reserve", entry_id=entry_id(number), unique_ids=unique_ids)

    def rows(self, start: float, end: float) -> int:
        """Return the rows of states that the recorder has written for sensors between two times."""
        with sqlite3.connect(self._folder / "home-assistant_v2.db") as database:
            found: int = database.execute(
                "SELECT count(*) FROM states JOIN states_meta USING (metadata_id)"
                " WHERE states_meta.entity_id LIKE 'sensor.%' AND last_updated_ts >= ? AND last_updated_ts < ?",
                (start, end),
            ).fetchone()[0]
        return found


def entry_id(number: int) -> str:
    """Return the id of an entry."""
    return f"bench{number:027d}"


async def prepare(side: str, tree: Tree | None, folder: Path, *, bridges: int, is_paced: bool, python: Path) -> Home:
    """Write the folder of a Home Assistant; `is_paced` for the default settings, else every telegram is shown."""
    stream = streams.household("dsmr5", ENOUGH if bridges == 1 else ENOUGH_OF_MANY)
    far_ends = [
        Bridge([streams.of_house(telegram, number) for telegram in stream] if number else stream)
        for number in range(bridges)
    ]
    for bridge in far_ends:
        await bridge.open()
    storage, components = folder / ".storage", folder / "custom_components"
    storage.mkdir(parents=True)
    components.mkdir()
    (components / PROBE).symlink_to(ROOT / "scripts" / PROBE)
    if tree is not None:
        (components / "dsmr_p1").symlink_to(tree.integration)
    (folder / "configuration.yaml").write_text(_CONFIGURATION)
    _store(storage, "http", 1, 1, {"server_host": [HOST], "server_port": choose_http_port(None)})
    _store(storage, "onboarding", 4, 1, {"done": ["user", "core_config", "analytics", "integration"]})
    entries = [_entry(side, number, bridge.port, is_paced=is_paced) for number, bridge in enumerate(far_ends)]
    _store(storage, "core.config_entries", 1, 5, {"entries": entries})
    return Home(side, folder, far_ends, python)


def _store(storage: Path, key: str, version: int, minor: int, content: dict[str, Any]) -> None:
    text = json.dumps({"version": version, "minor_version": minor, "key": key, "data": content})
    (storage / key).write_text(text)


def _entry(side: str, number: int, port: int, *, is_paced: bool) -> dict[str, Any]:
    url = f"socket://{HOST}:{port}"
    options: dict[str, Any]
    if side == CORE:
        domain, options = "dsmr", {} if is_paced else {"time_between_update": 0}
        identifiers = {"serial_id": f"E{number:04d}", "serial_id_gas": f"G{number:04d}"}
        content = {"port": url, "dsmr_version": "5", "protocol": "dsmr_protocol", **identifiers}
    else:
        domain, options = "dsmr_p1", {} if is_paced else {"refresh": {"p1": 0, "electricity": 0, "mbus_1": 0}}
        content = {"port": url, "bridge_type": "dsmr"}
    return {
        "created_at": "2026-01-01T00:00:00+00:00",
        "modified_at": "2026-01-01T00:00:00+00:00",
        "data": content,
        "disabled_by": "user",
        "discovery_keys": {},
        "domain": domain,
        "entry_id": entry_id(number),
        "minor_version": 1,
        "options": options,
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": f"Bench {number}",
        "unique_id": None,
        "version": 1,
    }


def home_python() -> Path:
    """Return the Python of the environment that Home Assistant is in. Raises HomeError if nobody has told."""
    found = os.environ.get("DSMR_P1_HOME_PYTHON")
    if not found:
        raise HomeError("start it as scripts/bench, which knows where Home Assistant is")
    return Path(found)
