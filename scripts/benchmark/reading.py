"""Reader and decoder of this project together, on a port in memory: what a telegram costs with the event loop."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
import gc
import time
from typing import Any, Final
from unittest.mock import patch

import serialx

from . import streams
from .measures import Measure, in_turn
from .trees import Tree

_PORT: Final = "socket://in-memory:1"
_SETTLE: Final = 20
"""Telegrams that are read before the clock runs: until the reader knows the line."""


class _Line:
    """A port in memory, of which the far end is fed by hand."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()

    async def open(self, **_settings: Any) -> tuple[asyncio.StreamReader, _Line]:  # noqa: ANN401 - as serialx has them
        return self.reader, self

    def close(self) -> None:
        """Do nothing: there is nothing behind it."""

    async def wait_closed(self) -> None:
        """Return at once, as nothing is open."""


def measure_reading(trees: Sequence[Tree], *, telegrams: int, rounds: int) -> Iterator[Measure]:
    """Yield the time for a telegram in pieces of 64 bytes and whole; between this project's checkouts only."""
    stream = streams.household("dsmr5", _SETTLE + telegrams)
    for key, title, size in (
        ("whole", "reader and decoder, whole telegrams", 0),
        ("64", "reader and decoder, 64-byte pieces", 64),
    ):
        runs = {tree.side: partial(_microseconds, tree, stream, size) for tree in trees}
        yield Measure(f"reading.{key}", title, "µs a telegram", in_turn(runs, rounds), as_speed=True)


def _microseconds(tree: Tree, stream: Sequence[bytes], size: int) -> float:
    return asyncio.run(_read(tree, stream, size)) / (len(stream) - _SETTLE) * 1e6


async def _read(tree: Tree, stream: Sequence[bytes], size: int) -> float:
    """Return the seconds that all but the first telegrams take, the event loop included."""
    core, line = tree.core(), _Line()
    reader = tree.core("reader").P1Reader(_PORT)
    readings = 0
    settled = asyncio.Event()
    done = asyncio.Event()

    async def listen() -> None:
        nonlocal readings
        async for event in reader.events():
            if isinstance(event, core.Reading):
                readings += 1
                if readings == _SETTLE:
                    settled.set()
                elif readings == len(stream):
                    done.set()
                    return

    async def feed(telegrams: Sequence[bytes]) -> None:
        for piece in streams.in_pieces(telegrams, size) if size else telegrams:
            line.reader.feed_data(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    with patch.object(serialx, "open_serial_connection", line.open):
        task = asyncio.create_task(listen())
        await feed(stream[:_SETTLE])
        async with asyncio.timeout(10):
            await settled.wait()
        gc.collect()
        start = time.thread_time()
        await feed(stream[_SETTLE:])
        async with asyncio.timeout(10):
            await done.wait()
        seconds = time.thread_time() - start
        await task
    return seconds
