"""A real Home Assistant that is killed again and again while it reads a meter: what it kept, and what it counted.

It is killed while it starts, while it runs, just after its entry was loaded again, and while it stops, which is when
files are written. Now and then it is started anew in good order instead.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
import json
from pathlib import Path
import random
import signal
import tempfile
import time
from typing import Final

from demonstration.client import ENTRIES, Client, new_home
from demonstration.config_flow import add_entry
from demonstration.home import DOMAIN, Home
from demonstration.houses import House, open_houses
from demonstration.meters import Meter, read_meters, wait_for_meters
from demonstration.options import Options
from demonstration.patience import until

from .counting import Use, complaints_about_counting

STARTING, RUNNING, RELOADING, STOPPING, RESTART = "starting", "running", "reloading", "stopping", "restart"
DEEDS: Final = {STARTING: 20, RUNNING: 45, RELOADING: 12, STOPPING: 15, RESTART: 8}
"""When Home Assistant is killed, and how often of a hundred times; a restart is none."""
VALUES_LIMIT: Final = 30.0
"""Seconds after a start in which nothing may be unavailable any more."""

type Entities = frozenset[tuple[str, str, str]]
"""Slot, channel and entity id of all entities, and slot and name of all devices."""


class Kills:
    """One run of the trial."""

    def __init__(self, times: int, seed: int) -> None:
        """Prepare to kill Home Assistant so many times, at moments drawn from the seed."""
        self._times = times
        self._random = random.Random(seed)
        self._failures: list[str] = []
        self._done: Counter[str] = Counter()
        self._slowest = 0.0
        self._baseline: Entities = frozenset()
        self._entry_id = ""

    async def run(self) -> int:
        """Set up, kill, check, tell; return 1 where something failed."""
        began = time.monotonic()
        async with AsyncExitStack() as stack:
            home, client = await stack.enter_async_context(new_home())
            ports = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p1-")))
            houses = await stack.enter_async_context(open_houses(Options(days=1), ports))
            use = Use(houses[0])
            await self._set_up(home, client, houses[0])
            while self._killed < self._times:
                await self._live_and_die(home, client, self._draw())
                self._fail(_damaged_files(home.folder))
                print(f"\r{self._killed} of {self._times}, {len(self._failures)} failures", end="", flush=True)
            print()
            async with client.running():
                meters = await self._meters(client)
                self._fail(await complaints_about_counting(client, meters, use))
                await self._check(client)
            self._fail(f"in the log: {entry}" for entry in home.complaints())
        for failure in self._failures:
            print(f"WRONG: {failure}")
        deeds = ", ".join(f"{count} {deed}" for deed, count in sorted(self._done.items()))
        print(
            f"killed {self._killed} times in {time.monotonic() - began:.0f} s ({deeds}), {len(self._failures)} failures"
        )
        print(f"{len(self._baseline)} entities; all had values at most {self._slowest:.1f} s after Home Assistant ran")
        return 1 if self._failures else 0

    @property
    def _killed(self) -> int:
        return self._done.total() - self._done[RESTART]

    def _draw(self) -> str:
        return self._random.choices(list(DEEDS), list(DEEDS.values()))[0]

    def _fail(self, failures: Iterator[str] | list[str]) -> None:
        self._failures += [f"after {self._done.total()}: {failure}" for failure in failures]

    async def _set_up(self, home: Home, client: Client, house: House) -> None:
        """Set the integration up as an owner does. The first kill comes at any time after that, not in peace."""
        async with client.running():
            self._entry_id = await add_entry(client, house)
            self._baseline = _entities(await wait_for_meters(client, self._entry_id, house.meters))
            await asyncio.sleep(self._random.uniform(2, 12))
            await home.kill()

    async def _live_and_die(self, home: Home, client: Client, deed: str) -> None:
        if deed == STARTING:
            async with home.running():
                await asyncio.sleep(self._random.uniform(0.5, 6))
                await home.kill()
        else:
            async with client.running():
                await self._check(client)
                await asyncio.sleep(self._random.uniform(0, 4))
                if deed == RELOADING:
                    reload = asyncio.create_task(client.request("POST", f"{ENTRIES}/{self._entry_id}/reload"))
                    await asyncio.sleep(self._random.uniform(0, 1))
                    await home.kill()
                    await asyncio.gather(reload, return_exceptions=True)
                elif deed == STOPPING:
                    home.signal(signal.SIGTERM)
                    await asyncio.sleep(self._random.uniform(0, 2))
                    await home.kill()
                elif deed == RUNNING:
                    await home.kill()
        self._done[deed] += 1

    async def _check(self, client: Client) -> None:
        """See that the entry is loaded, that its entities are the same, and that they all have values soon."""
        running = time.monotonic()
        lacking: list[str] = []

        async def all_have_values() -> bool:
            meters = await self._meters(client)
            lacking[:] = _without_values(meters)
            lacking.extend(_difference(self._baseline, _entities(meters)))
            return not lacking

        if not await until(all_have_values, VALUES_LIMIT, 0.1):
            self._fail(lacking)
        self._slowest = max(self._slowest, time.monotonic() - running)
        entries = await self._entries(client)
        if entries != [(self._entry_id, "loaded")]:
            self._fail([f"the config entries are {entries}"])

    async def _meters(self, client: Client) -> list[Meter]:
        async with client.websocket() as websocket:
            return await read_meters(websocket, self._entry_id)

    async def _entries(self, client: Client) -> list[tuple[str, str]]:
        async with client.websocket() as websocket:
            entries = await websocket.command("config_entries/get", domain=DOMAIN)
        return [(entry["entry_id"], entry["state"]) for entry in entries]


def _entities(meters: list[Meter]) -> Entities:
    """Return what must stay the same; a device without entities is there with its name alone."""
    devices = {(meter.slot, "", f"{meter.name}, {meter.model}") for meter in meters}
    return frozenset(devices | {(meter.slot, own.channel, own.entity_id) for meter in meters for own in meter.sensors})


def _difference(before: Entities, now: Entities) -> Iterator[str]:
    yield from (f"there is no {' '.join(gone)} any more" for gone in sorted(before - now))
    yield from (f"{' '.join(new)} is new" for new in sorted(now - before))


def _without_values(meters: list[Meter]) -> list[str]:
    return [
        f"{sensor.entity_id} is {sensor.state}"
        for meter in meters
        for sensor in meter.sensors
        if sensor.is_unavailable or (sensor.is_register and not sensor.is_number)
    ]


def _damaged_files(folder: Path) -> Iterator[str]:
    """Yield what cannot be read any more: what is stored of the port, and the database that had to be put aside."""
    stored = list((folder / ".storage").glob(f"{DOMAIN}*"))
    for path in [*stored, folder / ".storage" / "core.config_entries"]:
        try:
            json.loads(path.read_text())["data"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield f"{path.name} is damaged: {error!r}"
    yield from (f"{path.name} was put aside" for path in folder.rglob("*.corrupt.*"))
