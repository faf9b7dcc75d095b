"""Lines on which everything goes wrong, on ptys and TCP: how long the reader takes once they are good again.

Home Assistant is left out: what reads is the integration's own reader, and what sends is the simulated meter.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
import random
import tempfile
import time
from typing import Final

from custom_components.dsmr_p1.p1 import Decoder, Reading, present
from custom_components.dsmr_p1.p1.reader import LONGEST_NOISE_DELAY, P1Reader, PortOpened
from custom_components.dsmr_p1.p1.serial_settings import CANDIDATES
from simulator import V4_SETTINGS, Household, Port, PtyPort, TcpPort, TelegramBuilder, find_model

PERIOD: Final = 1.0
RECOVERY: Final = 2 * PERIOD
"""Seconds in which a reader must have a telegram once it has a good line."""
ROUND: Final = len(CANDIDATES) * 2 * PERIOD + 1.2 * LONGEST_NOISE_DELAY
"""Seconds that a round of all line settings may take on top of it."""
JITTER: Final = 1.2
SLACK: Final = 1.0
"""Seconds that a busy machine may take."""
LIMIT: Final = 100.0
PULSE: Final = 0.05
BEATS: Final = 4
"""Telegrams that a reader has before its cable is pulled out."""

type Content = frozenset[tuple[str, str, object]]
"""What a telegram says: slot, channel and value."""
type Noise = Callable[[random.Random, bytes], bytes]


def _garbage(source: random.Random, _: bytes) -> bytes:
    return source.randbytes(600)


def _drip(_: random.Random, telegram: bytes) -> bytes:
    return telegram[:1]


def _wrong_checksum(_: random.Random, telegram: bytes) -> bytes:
    return telegram[:-6] + (b"0000" if telegram[-6:-2] != b"0000" else b"1111") + b"\r\n"


def _silence(_: random.Random, __: bytes) -> bytes:
    return b""


NOISES: Final[dict[str, Noise]] = {
    "garbage for ever": _garbage,
    "a byte a second": _drip,
    "wrong checksums for ever": _wrong_checksum,
    "open, and silent": _silence,
}
"""What the first connection brings; the second one is good."""


@dataclass(slots=True)
class Line:
    """A port, the meter that sends on it, the reader, and what was seen."""

    port: Port
    builder: TelegramBuilder
    source: random.Random
    opened: int = 0
    heard_at: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _sent: set[Content] = field(default_factory=set)
    _truth: Decoder = field(default_factory=Decoder)

    async def read(self) -> None:
        """Read until cancelled, and compare what is read with what was sent."""
        async for event in P1Reader(self.port.path).events():
            if isinstance(event, PortOpened):
                self.opened += 1
            elif isinstance(event, Reading):
                self.heard_at.append(time.monotonic())
                if _content(event) not in self._sent:
                    self.failures.append("a value that was not sent")

    async def send(self, noise: Noise | None = None) -> None:
        """Let a period pass, and send a telegram, or what noise makes of it."""
        deadline = time.monotonic() + PERIOD
        while time.monotonic() < deadline:
            await asyncio.sleep(PULSE)
            self.port.service(0)
        self.builder.household.advance(1)
        telegram = self.builder.telegram()
        if noise is not None:
            self.port.write(noise(self.source, telegram))
            return
        self._sent.update(_content(event) for event in self._truth.feed(telegram) if isinstance(event, Reading))
        self.port.write(telegram)

    async def send_until_heard(self, since: float) -> float:
        """Send telegrams until one is heard, and return how long that took."""
        while not self.heard_at or self.heard_at[-1] < since:
            if time.monotonic() - since > LIMIT:
                self.failures.append("never heard again")
                break
            await self.send()
        return (self.heard_at[-1] if self.heard_at else time.monotonic()) - since


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long a recovery took, how long it may take, and what was wrong."""

    took: float
    allowed: float
    failures: list[str]

    @property
    def complaints(self) -> Iterator[str]:
        """Yield what was wrong."""
        yield from self.failures
        if self.took > self.allowed:
            yield f"took {self.took:.1f} s, {self.allowed:.1f} s are allowed"


async def _bad_first(line: Line, noise: Noise) -> Outcome:
    """Have the first connection bring nothing good, until the reader opens the port again."""
    began = time.monotonic()
    while line.opened < 2 and time.monotonic() - began < LIMIT:
        await line.send(noise)
    if line.opened < 2:
        line.failures.append("never opened again")
    took = await line.send_until_heard(time.monotonic())
    return Outcome(took, RECOVERY + SLACK + (ROUND if isinstance(line.port, PtyPort) else 0), line.failures)


async def _unplugged(line: Line) -> Outcome:
    """Pull the cable out for some seconds; the reader waits longer and longer between its tries."""
    for _ in range(BEATS):
        await line.send()
    line.port.unplug()
    down = line.source.uniform(1, 15)
    await asyncio.sleep(down)
    line.port.replug()
    took = await line.send_until_heard(time.monotonic())
    return Outcome(took, RECOVERY + SLACK + JITTER * (down + 1), line.failures)


async def _drops(line: Line) -> Outcome:
    """Have the other side end the connection after every two telegrams, five times."""
    worst = 0.0
    for _ in range(5):
        await line.send_until_heard(time.monotonic())
        await line.send()
        await asyncio.sleep(PULSE)
        line.port.unplug()
        line.port.replug()
        worst = max(worst, await line.send_until_heard(time.monotonic()))
    return Outcome(worst, RECOVERY + SLACK + JITTER, line.failures)


async def try_transports(rounds: int, seed: int) -> int:
    """Try every fault on every kind of port, all at the same time, and tell; return 1 where something failed."""
    began = time.monotonic()
    outcomes: defaultdict[tuple[str, str], list[Outcome]] = defaultdict(list)
    kinds = (*NOISES, "unplugged", "dropped after two telegrams")

    with tempfile.TemporaryDirectory(prefix="p1-") as folder:

        async def try_one(kind: str, transport: str, number: int) -> None:
            link = Path(folder) / f"{number}-{kinds.index(kind)}"
            port = PtyPort(V4_SETTINGS, link=link) if transport == "pty" else TcpPort(V4_SETTINGS)
            model = find_model("dsmr5")
            household = Household(seed=seed + number, start=datetime.now(UTC).replace(microsecond=0))
            builder = TelegramBuilder.create(model, household, "gas")
            with port:
                line = Line(port, builder, random.Random(f"{seed} {number} {kind} {transport}"))
                reading = asyncio.create_task(line.read())
                try:
                    if kind in NOISES:
                        outcome = await _bad_first(line, NOISES[kind])
                    else:
                        outcome = await (_unplugged if kind == "unplugged" else _drops)(line)
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
            outcomes[transport, kind].append(outcome)

        async with asyncio.TaskGroup() as group:
            for transport in ("pty", "TCP"):
                for kind in kinds:
                    for number in range(rounds):
                        group.create_task(try_one(kind, transport, number))
    failed = 0
    for (transport, kind), tried in sorted(outcomes.items()):
        worst = max(tried, key=lambda outcome: outcome.took)
        print(f"{transport}, {kind}: {len(tried)} times, {worst.took:.1f} s of {worst.allowed:.1f} s at worst")
        for complaint in (complaint for outcome in tried for complaint in outcome.complaints):
            failed += 1
            print(f"WRONG: {complaint}")
    print(f"{sum(map(len, outcomes.values()))} recoveries in {time.monotonic() - began:.0f} s, {failed} failures")
    return 1 if failed else 0


def _content(reading: Reading) -> Content:
    return frozenset(
        (meter.profile.slot, channel_id, shown.value)
        for meter in reading.meters
        for channel_id, shown in present(meter).items()
        if isinstance(shown.value, Decimal)
    )
