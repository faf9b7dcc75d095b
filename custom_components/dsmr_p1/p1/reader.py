"""The reader: opens a port, finds its serial settings, and yields its events until it is closed.

The only module with input and output. Any failure of the port is an event followed by a retry: opening fails,
the cable is pulled out, a network bridge stops answering without closing. The time between retries grows up to a
minute, with some jitter so that the readers in a house do not retry at the same moment.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
import contextlib
from dataclasses import dataclass
from datetime import tzinfo
import errno
import random
from typing import Final, Protocol

import serialx

from .decoding.decoder import Decoder, Reading
from .errors import PortBusyError, PortError, PortFault, fault_of
from .heard import Heard, Hint
from .memory import PortMemory
from .serial_settings import SerialSettings, SettingsSearch
from .watchdog import Brake, Watchdog
from .wire.decryption import Keys
from .wire.frames import Rejected

_CHUNK: Final = 65536
_SLICE: Final = 2048
"""The most bytes that are decoded without letting other tasks run."""
QUIET: Final = 0.25
"""Seconds without a byte that end a burst: longer than any gap in a telegram, shorter than those between two."""
DEFAULT_SILENCE: Final = 120.0
"""The most seconds without a telegram after which the port is reopened."""
FIRST_DELAY: Final = 1.0
"""Seconds from the first failure to the next try; doubled each time."""
LONGEST_DELAY: Final = 60.0
LONGEST_NOISE_DELAY: Final = 5.0
"""Seconds to the next try where a port is open and nothing on it is P1 with any settings."""
_JITTER: Final = 0.2
_CLOSE_LIMIT: Final = 2.0
# Network readers that pass on bytes only; the remote end has the serial settings.
RAW_SCHEMES: Final = ("socket://", "tcp://")


@dataclass(frozen=True, slots=True)
class PortOpened:
    """The port is open, with these serial settings; None if the remote end of a network has them."""

    settings: SerialSettings | None


@dataclass(frozen=True, slots=True)
class PortFailed:
    """The port could not be opened, or was lost after it had been open (`was_open`)."""

    error: PortError
    was_open: bool


@dataclass(frozen=True, slots=True)
class Superseded:
    """A telegram that came together with a newer one, as after a stall: its values are not shown any more."""

    reading: Reading


class Closable(Protocol):
    """What closes an open port."""

    def close(self) -> None:
        """Begin to close the port."""

    async def wait_closed(self) -> None:
        """Return when the port is closed."""


type Opener = Callable[[], Awaitable[tuple[asyncio.StreamReader, Closable]]]
"""Opens a port again and again: returns the stream of its bytes, and what closes it. Raises PortError."""
type Decoded = Reading | Superseded | Rejected
type PortEvent = PortOpened | PortFailed | Decoded


class P1Reader:
    """Reads one P1 port.

    `port` is a device path, or a URL that serialx knows; any other port is opened by `opener`, and has no serial
    settings. `settings` are the serial settings if the owner has fixed them, else they are found. `silence` is the most
    seconds without a telegram before the port is reopened, and `period` the seconds between two telegrams where that
    is known. `time_zone` is that of the place where the meter stands. The port is not opened before its `events` are
    asked for; `decoder` is what reads its bytes, and `heard` counts what came of them.
    """

    def __init__(
        self,
        port: str,
        *,
        keys: Keys | None = None,
        settings: SerialSettings | None = None,
        silence: float = DEFAULT_SILENCE,
        memory: PortMemory | None = None,
        first_delay: float = FIRST_DELAY,
        period: float | None = None,
        time_zone: tzinfo | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.port = port
        self.heard = Heard()
        self.decoder = Decoder(keys, memory, time_zone=time_zone)
        self._search = SettingsSearch(settings)
        self._has_settings = opener is None and not port.startswith(RAW_SCHEMES)
        self._opener = opener
        self._watchdog = Watchdog(silence, period)
        self._timer: asyncio.TimerHandle
        self._brake = Brake()
        # The part of the last read that is not decoded yet, and the newest telegram of the decoded part.
        self._rest = b""
        self._newest: list[Reading] = []
        self._first_delay = first_delay

    @property
    def settings(self) -> SerialSettings | None:
        """The serial settings in use, None if the remote end of a network has them."""
        return self._search.settings if self._has_settings else None

    @property
    def is_slowed(self) -> bool:
        """Whether reading is slowed down because the port sends more than any meter does."""
        return self._brake.is_on

    async def events(self) -> AsyncGenerator[PortEvent]:
        """Yield the events of the port until the iterator is closed. No error of the port ends it."""
        delay = self._first_delay
        while True:
            failure: PortFailed | None = None
            try:
                reader, writer = await self._open()
            except PortError as error:
                self.heard.failed += 1
                failure = PortFailed(error, was_open=False)
            else:
                self.decoder.restart()
                self._rest, self._newest = b"", []
                self._search.opened()
                self.heard.opened += 1
                self._watch(reader)
                try:
                    yield PortOpened(self.settings)
                    async for event in self._listen(reader):
                        if isinstance(event, Reading):
                            delay = self._first_delay
                        yield event
                except PortError as error:
                    self.heard.lost += 1
                    failure = PortFailed(error, was_open=True)
                finally:
                    self._timer.cancel()
                    # Immediately: a device that returns gets another name as long as the old one is held open.
                    await _close(writer)
            if failure is not None:
                yield failure
            if failure is not None or self._search.has_tried_all:
                # Noise on the line is no reason to open a port of a network again and again, nor to miss the meter.
                pause = delay if failure is not None else min(delay, LONGEST_NOISE_DELAY)
                jitter = random.uniform(1, 1 + _JITTER)  # noqa: S311 - spreads retries, hides nothing
                await asyncio.sleep(min(pause * jitter, LONGEST_DELAY))
                delay = min(2 * delay, LONGEST_DELAY)

    def _watch(self, reader: asyncio.StreamReader) -> None:
        """End reading after too long without a telegram; one timer for any number of reads."""
        loop = asyncio.get_running_loop()
        self._watchdog.opened(loop.time())
        heard_before = self.heard.octets

        def look() -> None:
            left = self._watchdog.left(loop.time(), self.heard.period)
            if left > 0:
                self._timer = loop.call_later(left, look)
                return
            if self._watchdog.expired() and heard_before < self.heard.octets:
                self._search.advance()
            reader.set_exception(PortError("no telegram for too long", PortFault.SILENT))

        look()

    async def _open(self) -> tuple[asyncio.StreamReader, Closable]:
        """Open the port with the settings to try. Raises PortError, whatever opening raises."""
        while True:
            settings = self._search.settings
            try:
                if self._opener is not None:
                    return await self._opener()
                return await serialx.open_serial_connection(
                    url=self.port,
                    baudrate=settings.baudrate,
                    byte_size=settings.data_bits,
                    parity=serialx.Parity(settings.parity),
                    stopbits=serialx.StopBits(settings.stop_bits),
                )
            except Exception as error:
                if _is_refusal(error) and settings.data_bits != 8 and self._search.advance():
                    continue
                raise _port_error(error) from error

    async def _listen(self, reader: asyncio.StreamReader) -> AsyncGenerator[Decoded]:
        """Yield decoded telegrams until other settings are to be tried. Raises PortError when the port is lost."""
        while True:
            if (octets := await self._receive(reader)) is None:
                # An unreliable network delivers a telegram in pieces.
                if self._search.idle(amid_telegram=self.decoder.is_amid_telegram):
                    return
                continue
            events, fits = self._decode(octets)
            for event in events:
                yield event
            if not fits:
                return

    def _decode(self, octets: bytes) -> tuple[list[Decoded], bool]:
        """Return the readings and rejections of the bytes, and whether the serial settings seem to fit.

        If several telegrams arrive together, as after a stall, only the newest, the last event, is a reading.
        """
        now = asyncio.get_running_loop().time()
        self.heard.received(octets, now)
        events = self.decoder.feed(octets, now)
        is_p1 = False
        for event in events:
            self.heard.decoded(event, now)
            is_p1 = is_p1 or isinstance(event, Reading) or not event.reason.is_torn
            if isinstance(event, Reading) or event.reason.is_whole:
                self._watchdog.fed(now)
        fits = True
        if self._has_settings:
            garbage = 0 if is_p1 or self.decoder.is_amid_telegram else len(octets)
            fits = not self._search.heard(garbage, is_p1=is_p1)
        if not events and not self._newest:
            return [], fits
        heard = [*self._newest, *events]
        newest = next((event for event in reversed(heard) if isinstance(event, Reading)), None)
        self._newest = [newest] if newest is not None and fits and self._rest else []
        told: list[Decoded] = [
            Superseded(event) if isinstance(event, Reading) else event for event in heard if event is not newest
        ]
        return told if newest is None or self._newest else [*told, newest], fits

    async def _receive(self, reader: asyncio.StreamReader) -> bytes | None:
        """Return the next bytes; None when the line is idle and it matters. Raises PortError when the port is lost."""
        if self._rest:
            await asyncio.sleep(0)
        else:
            if (octets := await self._read(reader)) is None:
                return None
            if pause := self._brake.received(len(octets), asyncio.get_running_loop().time()):
                self.heard.hints.add(Hint.FLOOD)
                await asyncio.sleep(pause)
            self._rest = octets
        octets, self._rest = self._rest[:_SLICE], self._rest[_SLICE:]
        return octets

    async def _read(self, reader: asyncio.StreamReader) -> bytes | None:
        """Read available bytes; None when the line is idle and it matters. Raises PortError when the port is lost."""
        waits_for_idle = self._has_settings and (self._search.is_undecided or not self._search.has_been_idle)
        try:
            read = reader.read(_CHUNK)
            octets = await (asyncio.wait_for(read, QUIET) if waits_for_idle else read)
        except Exception as error:
            # A connection that has timed out fails with the same error at once, again and again.
            if isinstance(error, TimeoutError) and reader.exception() is None:
                return None
            raise _port_error(error) from error
        if not octets:
            raise PortError("the other side closed the connection", PortFault.CLOSED)
        return octets


def _is_refusal(error: Exception) -> bool:
    """Whether a port refused the serial settings rather than the connection."""
    return isinstance(error, (ValueError, serialx.SerialException)) or getattr(error, "errno", None) == errno.EINVAL


def _port_error(error: Exception) -> PortError:
    """Return the PortError for any error of a port; network ports that are not ready raise errors of any type."""
    if isinstance(error, PortError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.EBUSY, errno.EAGAIN):
        return PortBusyError(str(error))
    return PortError(f"{type(error).__name__}: {error}", fault_of(error))


async def _close(writer: Closable) -> None:
    """Close the port; a lost port raises its error again here, which is ignored."""
    with contextlib.suppress(Exception):
        writer.close()
        async with asyncio.timeout(_CLOSE_LIMIT):
            await writer.wait_closed()
