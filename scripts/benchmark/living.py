"""The integration beside Home Assistant's own integration, each in a real Home Assistant with a recorder.

All of them run at the same time and are fed in turn, so that each one's processor time is its own and the machine is
the same for all. What Home Assistant uses by itself, measured in the same process, is taken off.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
import subprocess
import tempfile
import time
from typing import Final

from .homes import Home, HomeError, Usage, entry_id, feed, home_python, prepare
from .measures import CORE, Measure, in_turn, latencies
from .trees import ROOT, Tree

type Samples = defaultdict[str, list[float]]

RATE: Final = 20.0
SETTLE: Final = 6.0
"""Seconds after which the recorder has written what came before."""
IDLE: Final = 6.0
ROUND: Final = 6.0
HOUR: Final = 3600.0
ROWS_WINDOW: Final = 90.0
PACED_ROUND: Final = 30.0
"""As long as Home Assistant's own integration waits between two updates, so that each round has one."""
BRIDGES: Final = (1, 10, 50)
_IMPORT: Final = """
import sys, time
import homeassistant.components.sensor, homeassistant.components.usb, homeassistant.components.recorder
import homeassistant.components.energy, homeassistant.config_entries, homeassistant.components.diagnostics
import homeassistant.components.repairs, homeassistant.helpers.selector, serialx
start = time.process_time()
for name in ("", ".config_flow", ".sensor", ".diagnostics"):
    __import__(sys.argv[1] + name)
print(time.process_time() - start)
"""


def _samples() -> Samples:
    return defaultdict(list)


@asynccontextmanager
async def _homes(trees: Sequence[Tree], *, bridges: int, is_paced: bool) -> AsyncIterator[list[Home]]:
    """Run a Home Assistant for each checkout and one for the peer."""
    sides: list[tuple[str, Tree | None]] = [(CORE, None), *((tree.side, tree) for tree in trees)]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        homes = [
            await prepare(side, tree, folder / side, bridges=bridges, is_paced=is_paced, python=home_python())
            for side, tree in sides
        ]
        # One after the other: the first installs what the environment lacks.
        for home in homes:
            await stack.enter_async_context(home.running())
        yield homes


async def _per_telegram(home: Home, rate: float, seconds: float, idle: Usage) -> tuple[float, float]:
    """Feed a home and return the milliseconds for a telegram: of the event loop, and of all threads."""
    count = 0

    async def work() -> None:
        nonlocal count
        count = await feed(home.bridges[:1], rate, seconds)

    used = await home.usage_of(work())
    share = used.wall / idle.wall
    return (used.loop - idle.loop * share) / count * 1000, (used.total - idle.total * share) / count * 1000


async def measure_home(trees: Sequence[Tree], *, rounds: int) -> list[Measure]:
    """Return what a telegram costs with eight entities of which every telegram is shown."""
    loop, total, latency, rows, setup = (_samples() for _ in range(5))
    windows: dict[str, list[tuple[float, float, int]]] = {}
    async with _homes(trees, bridges=1, is_paced=False) as homes:
        idle = {}
        for home in homes:
            await home.enable()
            power, _ = await home.wait_for_power()
            await home.keep_eight()
            for _ in range(rounds):
                setup[home.side].append(await home.ask("reload", entry_id=entry_id(0)) * 1000)
                await asyncio.sleep(1.0)
                await home.wait_for_power()
            await home.ask("watch", entity_ids=[power])
        for home in homes:
            await feed(home.bridges, RATE, 2)
            enabled = sum(entity["is_enabled"] for entity in await home.entities())
            print(f"  {home.side}: {enabled} entities", flush=True)
            await asyncio.sleep(SETTLE)
            idle[home.side] = await home.usage_of(asyncio.sleep(IDLE))
        for number in range(rounds):
            for home in homes if number % 2 else reversed(homes):
                await home.ask("changes")
                home.bridges[0].sent.clear()
                began = time.time()
                for samples, cost in zip(
                    (loop, total), await _per_telegram(home, RATE, ROUND, idle[home.side]), strict=True
                ):
                    samples[home.side].append(cost)
                await asyncio.sleep(0.3)
                sent = home.bridges[0].sent
                windows.setdefault(home.side, []).append((began, time.time(), len(sent)))
                delays = latencies(
                    sent,
                    [
                        (float(state) / (1000 if unit == "W" else 1), at)
                        for _, state, unit, at in await home.ask("changes")
                    ],
                )
                latency[home.side].append(median(delays) * 1000)
        await asyncio.sleep(SETTLE)
        for home in homes:
            rows[home.side] = [home.rows(began, ended) / count for began, ended, count in windows[home.side]]
    return [
        Measure("home.loop", "eight entities, every telegram: event loop", "ms a telegram", loop),
        Measure("home.total", "eight entities, every telegram: all threads", "ms a telegram", total),
        Measure("home.rows", "eight entities, every telegram: rows of the recorder", "rows a telegram", rows),
        Measure("home.latency", "latency from last byte to state", "ms", latency),
        Measure("home.setup", "setting up an entry whose meters are known", "ms", setup),
    ]


async def measure_defaults(trees: Sequence[Tree], *, rounds: int) -> list[Measure]:
    """Return what the default settings of both cost: at one telegram a second, and at twenty."""
    first, telegrams, rows, slow, total, loop = (_samples() for _ in range(6))
    async with _homes(trees, bridges=1, is_paced=True) as homes:
        for home in homes:
            await home.enable()

        async def again(home: Home) -> None:
            await home.wait_for_power(interval=1.0)
            bridge = home.bridges[0]
            bridge.connected.clear()
            await home.ask("reload", entry_id=entry_id(0))
            await bridge.connected.wait()
            _, count = await home.wait_for_power(interval=1.0)
            first[home.side].append(time.monotonic() - bridge.connected_at)
            telegrams[home.side].append(count)

        await asyncio.gather(*map(again, homes))
        for home in homes:
            enabled = sum(entity["is_enabled"] for entity in await home.entities())
            print(f"  {home.side}: {enabled} entities", flush=True)
        await asyncio.sleep(SETTLE)
        idle = dict(
            zip(
                (home.side for home in homes),
                await asyncio.gather(*(home.usage_of(asyncio.sleep(IDLE)) for home in homes)),
                strict=True,
            )
        )
        began = time.time()
        costs = await asyncio.gather(*(_per_telegram(home, 1, ROWS_WINDOW, idle[home.side]) for home in homes))
        ended = time.time()
        for home, (_, cost) in zip(homes, costs, strict=True):
            slow[home.side].append(cost)
        for number in range(rounds):
            for home in homes if number % 2 else reversed(homes):
                in_loop, in_all = await _per_telegram(home, RATE, PACED_ROUND, idle[home.side])
                loop[home.side].append(in_loop)
                total[home.side].append(in_all)
        for home in homes:
            rows[home.side].append(home.rows(began, ended) / (ended - began) * HOUR)
    return [
        Measure("defaults.first", "default settings: first value after connecting", "s", first),
        Measure("defaults.telegrams", "default settings: telegrams until the first value", "telegrams", telegrams),
        Measure("defaults.rows", "default settings, three phases: rows", "rows an hour", rows),
        Measure("defaults.total_1", "default settings, one a second: all threads", "ms a telegram", slow),
        Measure("defaults.loop", "default settings, twenty a second: event loop", "ms a telegram", loop),
        Measure("defaults.total", "default settings, twenty a second: all threads", "ms a telegram", total),
    ]


async def measure_growth(trees: Sequence[Tree], *, seconds: float) -> list[Measure]:
    """Return the share of a core and the memory that more and more bridges take, at one telegram a second each."""
    share: dict[int, Samples] = {count: _samples() for count in BRIDGES}
    memory: dict[int, Samples] = {count: _samples() for count in BRIDGES}
    async with _homes(trees, bridges=max(BRIDGES), is_paced=False) as homes:
        ends: dict[str, list[tuple[str, str]]] = {}
        enabled = 0
        for count in BRIDGES:
            for home in homes:
                for number in range(enabled, count):
                    if number:
                        await home.reserve(number, ends[home.side])
                    await home.enable(number)
                    await home.wait_for_power(number)
                    # A process keeps the memory that it needs at most, and no home sets up fifty bridges in a row.
                    await home.ask("commit")
                    if not number:
                        ends[home.side] = await home.keep_eight()
                await feed(home.bridges[:count], 1, 5)
                used = await home.usage_of(feed(home.bridges[:count], 1, seconds))
                share[count][home.side].append(used.total / used.wall * 100)
                memory[count][home.side].append(await home.ask("memory"))
            enabled = count
    most, few = max(BRIDGES), BRIDGES[0]
    a_bridge: Samples = _samples()
    for side, found in memory[most].items():
        a_bridge[side] = [(found[0] - memory[few][side][0]) / (most - few)]
    return [
        *(
            Measure(f"growth.share_{count}", f"{count} bridges at 1 Hz, every telegram", "% of a core", share[count])
            for count in BRIDGES
        ),
        Measure("growth.memory", "memory for a further bridge", "MiB", a_bridge),
    ]


def measure_imports(trees: Sequence[Tree], *, rounds: int) -> Iterator[Measure]:
    """Yield the time that importing an integration takes, with what Home Assistant has imported before."""
    runs = {tree.side: partial(_import, "custom_components.dsmr_p1", tree.integration.parents[1]) for tree in trees}
    runs[CORE] = partial(_import, "homeassistant.components.dsmr", ROOT)
    yield Measure("start.import", "importing the integration", "ms", in_turn(runs, rounds))


def _import(module: str, folder: Path) -> float:
    """Return the milliseconds that importing takes in a fresh process."""
    command = [str(home_python()), "-c", _IMPORT, module]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HomeError(f"{module} cannot be imported:\n{done.stderr}")
    return float(done.stdout.split()[-1]) * 1000
