"""From start to end: meters, Home Assistant, the integration, the past, the dashboard, and cleaning up."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
import signal
import sys
import tempfile
import threading
import time
from typing import Any

from .check import complaints, describe
from .client import OWNER, PASSWORD, Client, new_home
from .config_flow import add_entry
from .energy import set_up_dashboard
from .errors import DemonstrationError
from .home import HOST, Home
from .houses import House, open_houses
from .meters import Room, wait_for_change, wait_for_meters
from .options import DEFAULT_HTTP_PORT, Options, parse_options
from .overview import name_apart, open_first
from .parts import complaints_about_parts, fill_in_true_hours, remember_quarters, switch_on
from .past import Past, begin_now, fill_in, fill_in_costs, live_through
from .show_room import NAMELESS

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit status."""
    options = parse_options(arguments)
    try:
        return asyncio.run(run_until_signal(Demonstration(options).run()))
    except DemonstrationError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


async def run_until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Let a signal end everything in order, whatever is being done."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _cancel_once, task)
    try:
        return await task
    except asyncio.CancelledError:
        return INTERRUPTED


def _cancel_once(task: asyncio.Task[int]) -> None:
    """Cancel a task; a second signal must not interrupt the cleaning up."""
    if not task.cancelling():
        task.cancel()


class Demonstration:
    """One run of scripts/demo."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._started = time.monotonic()
        self._is_serving = False

    async def run(self) -> int:
        """Set everything up; then check it, or let people look at it until Ctrl-C."""
        options = self._options
        http_port = options.http_port or (None if options.check else DEFAULT_HTTP_PORT)
        try:
            async with AsyncExitStack() as stack:
                home, client = await stack.enter_async_context(new_home(http_port))
                # Ports have short names that can be read.
                ports = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p1-")))
                self._say("Starting Home Assistant")
                await stack.enter_async_context(home.running())
                houses = await stack.enter_async_context(open_houses(options, ports))
                stack.callback((stopped := threading.Event()).set)
                lived = houses if options.has_past else []
                # While Home Assistant starts.
                pasts = [asyncio.create_task(asyncio.to_thread(live_through, house, stopped)) for house in lived]
                try:
                    rooms, statistics = await self._set_up(client, home.folder / ".storage", houses, pasts)
                except (DemonstrationError, TimeoutError) as error:
                    await asyncio.sleep(1)  # Home Assistant writes its log in a thread of its own
                    reasons = [f"in the log of Home Assistant: {entry}" for entry in home.complaints()]
                    raise DemonstrationError("\n".join([str(error) or "it takes too long", *reasons])) from error
                if options.check:
                    return await self._check(client, home, houses, rooms, statistics)
                self._invite(home, houses, rooms)
                code = await home.ended()
                raise DemonstrationError(f"Home Assistant has ended with {code}:\n{home.tail()}")
        except asyncio.CancelledError:
            print("\nStopped, and cleaned up." if self._is_serving else "\nInterrupted.", flush=True)
            if self._is_serving:
                return 0
            raise

    async def _set_up(
        self, client: Client, storage: Path, houses: list[House], pasts: list[asyncio.Task[tuple[datetime, Past]]]
    ) -> tuple[list[Room], list[str]]:
        await client.become_owner()
        await client.wait_until_running()
        lived = zip_longest(houses, pasts)
        rooms = await asyncio.gather(*(self._set_up_house(client, storage, house, past) for house, past in lived))
        if len(rooms) > 1:
            for room in rooms:
                await name_apart(client, room)
        await open_first(client, rooms)
        if not self._options.has_past:
            await begin_now(client, [meter for room in rooms for meter in room.meters])
        dashboard = await set_up_dashboard(client, rooms)
        if self._options.has_past and dashboard.prices:
            await fill_in_costs(client, min([(await task)[0] for task in pasts]), dashboard.prices)
        return rooms, dashboard.statistics

    async def _set_up_house(
        self, client: Client, storage: Path, house: House, lived: asyncio.Task[tuple[datetime, Past]] | None
    ) -> Room:
        self._say(f"Setting up the meter at {house.port}")
        entry_id = await add_entry(client, house)
        room = Room(house.exhibit or NAMELESS, await wait_for_meters(client, entry_id, house.meters))
        if lived is None:
            return room
        start, past = await lived
        if house.parts:
            await switch_on(client, entry_id, house.parts)
            if house.has_reference_power:
                await remember_quarters(client, storage, entry_id, house)
            room = Room(room.exhibit, await wait_for_meters(client, entry_id, house.meters))
            await fill_in_true_hours(client, room, start, past)
        rows = await fill_in(client, room.meters, start, past)
        self._say(f"Filled in {rows} hours of statistics since {start.astimezone():%-d %B %Y}")
        return room

    async def _check(
        self, client: Client, home: Home, houses: list[House], rooms: list[Room], statistics: list[str]
    ) -> int:
        meters = [meter for room in rooms for meter in room.meters]
        if self._options.has_past:
            # A house that only counts may stand still: its registers have coarse steps.
            living = {meter.entry_id for meter in meters for sensor in meter.sensors if sensor.is_measurement}
            await asyncio.gather(*(wait_for_change(client, entry_id) for entry_id in living))
        found = await complaints(
            client, home, meters, statistics, self._options.days if self._options.has_past else None
        )
        for house, room in zip(houses, rooms, strict=True):
            found += await complaints_about_parts(client, house, room)
        for meter in meters:
            if not meter.is_port or meter.sensors:
                print(describe(meter))
        for complaint in found:
            print(f"WRONG: {complaint}", file=sys.stderr)
        self._say("Not everything works" if found else "Everything works")
        return 1 if found else 0

    def _invite(self, home: Home, houses: list[House], rooms: list[Room]) -> None:
        self._is_serving = True
        for house, room in zip(houses, rooms, strict=True):
            for meter in room.meters:
                if not meter.is_port:
                    print(f"  {describe(meter)}")
            if "relay" in house.parts:
                print(f"  Its telegrams are handed on at {HOST}:{house.relay_port}")
        print(f"\n  Open {home.url} and log in as '{OWNER}' with the password '{PASSWORD}'.")
        print("  Ctrl-C ends it; nothing is kept.\n", flush=True)

    def _say(self, text: str) -> None:
        print(f"{text} ({time.monotonic() - self._started:.0f} s)", flush=True)
