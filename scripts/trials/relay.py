"""A day of telegrams through the relay, for a hundred clients: what they get, when, and what it takes.

The relay, its port and the connections are real; the line and the clock are left out, so that a day takes minutes.
"""

from array import array
import asyncio
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
import gc
from resource import RUSAGE_SELF, getrusage
import socket
import sys
import time
from typing import Final

from custom_components.dsmr_p1.p1 import Decoder, Reading
from custom_components.dsmr_p1.parts.relay import PART
from demonstration.home import HOST
from simulator import Household, TelegramBuilder, find_model

from .rig import hand_over, port_in_home

PERIOD: Final = 10
"""Seconds between two telegrams of a DSMR 4 meter: 8,640 in a day."""
TELEGRAMS: Final = 86_400 // PERIOD
LATE: Final = 1.0
"""Seconds after which a telegram is late: the next one of a DSMR 5 meter comes then."""
SETTLED: Final = 1000
"""Telegrams after which memory is looked at for the first time: buffers and caches are full then."""
BLOCKS: Final = 1000
"""Blocks by which the memory of Python may grow in the rest of the day: one telegram alone has hundreds."""
PEAK: Final = 1024
"""KiB by which the memory of the process may grow in that time."""
PATIENCE: Final = 60.0


class _Client:
    """A program that reads, and counts what it gets."""

    def __init__(self, expected: asyncio.Queue[int]) -> None:
        self.octets = 0
        self._expected = expected

    async def read(self, number: int) -> None:
        """Read until hung up on; report when all of a telegram has come."""
        reader, writer = await asyncio.open_connection(HOST, number)
        with closing(writer):
            while octets := await reader.read(65_536):
                self.octets += len(octets)
                self._expected.put_nowait(len(octets))


async def try_relay(clients: int, seed: int) -> int:
    """Hand a day of telegrams on and tell; return 1 where something was lost or late, or memory grew."""
    with closing(socket.create_server((HOST, 0))) as server:
        number: int = server.getsockname()[1]
    options = {"relay": {"relay_port": number, "relay_address": HOST, "relay_clients": clients}}
    # From midnight to midnight in the Netherlands: another day of the simulated household is memory of its own.
    household = Household(seed=seed, start=datetime(2026, 1, 11, 22, 59, 50, tzinfo=UTC))
    builder, decoder = TelegramBuilder.create(find_model("dsmr42"), household, "gas"), Decoder()
    arrived: asyncio.Queue[int] = asyncio.Queue()
    delays = array("d", bytes(8 * TELEGRAMS))
    before = 0, 0
    sent, used = 0, 0.0
    async with AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(port_in_home(options))
        await PART.start(coordinator)
        readers = [_Client(arrived) for _ in range(clients)]
        tasks = [asyncio.create_task(reader.read(number)) for reader in readers]
        await asyncio.sleep(1)
        for count in range(TELEGRAMS):
            household.advance(PERIOD)
            telegram = builder.telegram()
            (event,) = decoder.feed(telegram)
            if not isinstance(event, Reading):
                raise TypeError("a telegram of the simulator was rejected")
            begun, clock = time.perf_counter(), time.process_time()
            hand_over(coordinator, event)
            due = len(telegram) * clients
            async with asyncio.timeout(PATIENCE):
                while due:
                    due -= await arrived.get()
            delays[count] = time.perf_counter() - begun
            used += time.process_time() - clock
            sent += len(telegram)
            if count == SETTLED:
                before = _memory()
        blocks, peak = (now - then for now, then in zip(_memory(), before, strict=True))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    ordered = sorted(delays)
    print(
        f"{TELEGRAMS} telegrams for {clients} clients: all have one after {ordered[TELEGRAMS // 2] * 1000:.1f} ms"
        f" (median), {ordered[-1] * 1000:.1f} ms at most, reading included;"
        f" {used / TELEGRAMS / clients * 1e6:.0f} µs of processor time for a telegram and client, at both ends;"
        f" memory grew by {blocks} blocks, {peak} KiB"
    )
    complaints = {
        "clients have not got everything": sum(reader.octets != sent for reader in readers),
        "telegrams were late": sum(delay > LATE for delay in delays),
        "blocks of memory are more than before": blocks if blocks > BLOCKS else 0,
        "KiB of memory are more than before": peak if peak > PEAK else 0,
    }
    for complaint, count in complaints.items():
        if count:
            print(f"- {count} {complaint}")
    return int(any(complaints.values()))


def _memory() -> tuple[int, int]:
    """Return the blocks that Python has in use, and the most memory that the process ever had, in KiB."""
    gc.collect()
    return sys.getallocatedblocks(), getrusage(RUSAGE_SELF).ru_maxrss
