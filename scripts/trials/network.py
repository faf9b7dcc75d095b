"""Many P1 ports on the network: a TCP server for each, all in one event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
import time
from typing import Final

from demonstration.home import HOST
from simulator import Household, TelegramBuilder, find_model

MODEL: Final = "dsmr5"
MBUS: Final = "gas,water"
METERS: Final = 3
"""Meters of each port."""


@dataclass(slots=True)
class NetworkPort:
    """A household with a meter, and the readers that are connected to it."""

    builder: TelegramBuilder
    sent: int = 0
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Return what to set up as the port."""
        return f"socket://{HOST}:{self.port}"

    async def open(self) -> asyncio.Server:
        """Listen on any free port."""
        server = await asyncio.start_server(self._connected, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await reader.read(1024):
                pass
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def send(self, period: float, delay: float) -> None:
        """Send a telegram every `period` seconds for ever, the first after a delay."""
        due = time.monotonic() + delay
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + period, time.monotonic())  # what a busy machine missed is not made up for
            if self._writers:
                self.builder.household.advance_to(datetime.now(UTC).replace(microsecond=0))
                telegram = self.builder.telegram()
                for writer in self._writers:
                    writer.write(telegram)
                self.sent += 1


@asynccontextmanager
async def open_ports(count: int, period: float) -> AsyncIterator[list[NetworkPort]]:
    """Open so many ports; their telegrams are spread evenly over the period."""
    model = find_model(MODEL)
    start = datetime.now(UTC).replace(microsecond=0)
    async with AsyncExitStack() as stack:
        ports = []
        for number in range(count):
            household = Household(seed=number + 1, start=start, region=model.region, phases=model.phases)
            port = NetworkPort(TelegramBuilder.create(model, household, MBUS))
            stack.callback((await port.open()).close)
            ports.append(port)
        senders = [asyncio.create_task(port.send(period, number * period / count)) for number, port in enumerate(ports)]
        try:
            yield ports
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)
