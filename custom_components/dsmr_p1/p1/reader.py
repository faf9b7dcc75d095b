"""The reader: opens a port, finds its line settings, and gives what is on it, for as long as it is wanted.

The only module with input and output. Whatever goes wrong with the port is an event, and a reason to try again: opening
fails, the cable is pulled out, a network bridge stops answering without closing. Between tries it waits longer and
longer, up to a minute, and not all readers in a house at the same moment.
"""

import asyncio
from collections.abc import AsyncGenerator
import contextlib
from dataclasses import dataclass
from datetime import tzinfo
import errno
import random
from typing import Any, Final

import serialx

from .decoder import Decoder, Reading
from .decryption import Keys
from .errors import PortBusyError, PortError
from .framing import EncryptedFrame, Rejected, RejectReason
from .heard import Heard
from .memory import PortMemory
from .serial_settings import SerialSettings, SettingsSearch

_CHUNK: Final = 4096
QUIET: Final = 0.25
"""Seconds without a byte that end a burst: longer than any gap within a telegram, shorter than those between."""
DEFAULT_SILENCE: Final = 120.0
"""Seconds without a byte after which the port is opened anew."""
FIRST_DELAY: Final = 1.0
"""Seconds from the first failure to the next try; doubled each time."""
LONGEST_DELAY: Final = 60.0
LONGEST_NOISE_DELAY: Final = 5.0
"""Seconds to the next try where a port is open and nothing on it is P1 with any settings."""
_JITTER: Final = 0.2
_CLOSE_LIMIT: Final = 2.0
# Network streams that carry bytes only; the far end has the line settings.
RAW_SCHEMES: Final = ("socket://", "tcp://")

_PARITIES: Final[dict[str, serialx.Parity]] = {
    "N": serialx.Parity.NONE,
    "E": serialx.Parity.EVEN,
    "O": serialx.Parity.ODD,
}
_STOP_BITS: Final[dict[float, serialx.StopBits]] = {
    1: serialx.StopBits.ONE,
    1.5: serialx.StopBits.ONE_POINT_FIVE,
    2: serialx.StopBits.TWO,
}
# Rejections that could not be without the right line settings.
_STRUCTURED: Final = frozenset({
    RejectReason.CRC, RejectReason.NO_KEY, RejectReason.DECRYPTION, RejectReason.AUTHENTICATION, RejectReason.MALFORMED,
    RejectReason.NOT_P1, RejectReason.UNSUPPORTED_ENCRYPTION,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class PortOpened:
    """The port is open, with these line settings; None where the far end of a network has them."""

    settings: SerialSettings | None


@dataclass(frozen=True, slots=True)
class PortFailed:
    """The port could not be opened, or was lost after it had been open (`was_open`)."""

    error: PortError
    was_open: bool


type _Writer = serialx.SerialStreamWriter[Any]
type PortEvent = PortOpened | PortFailed | Reading | Rejected


class P1Reader:
    """Reads one P1 port.

    `port` is a device path or a URL that serialx knows. `settings` are the line settings where the owner has fixed
    them, else they are found. `silence` is the number of seconds without a byte after which the port is opened anew.
    `time_zone` is that of the place where the meter stands.
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
        time_zone: tzinfo | None = None,
    ) -> None:
        """Prepare to read; nothing is opened yet."""
        self.port = port
        self.heard = Heard()
        self._decoder = Decoder(keys, memory, time_zone=time_zone)
        self._search = SettingsSearch(settings)
        self._has_settings = not port.startswith(RAW_SCHEMES)
        self._silence = silence
        self._first_delay = first_delay

    def set_time_zone(self, time_zone: tzinfo) -> None:
        """Read the times of the telegrams to come in another time zone."""
        self._decoder.set_time_zone(time_zone)

    @property
    def settings(self) -> SerialSettings | None:
        """The line settings in use, None where the far end of a network has them."""
        return self._search.settings if self._has_settings else None

    @property
    def memory(self) -> PortMemory:
        """What is known of the port for good."""
        return self._decoder.memory

    @property
    def last_encrypted(self) -> EncryptedFrame | None:
        """The last encrypted frame heard, on which new keys can be tried."""
        return self._decoder.last_encrypted

    async def events(self) -> AsyncGenerator[PortEvent]:
        """Give what happens on the port, until the iterator is closed. No error of the port ends it."""
        delay = self._first_delay
        while True:
            failure: PortFailed | None = None
            try:
                reader, writer = await self._open()
            except PortError as error:
                self.heard.failed += 1
                failure = PortFailed(error, was_open=False)
            else:
                self._decoder.restart()
                self._search.opened()
                self.heard.opened += 1
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
                    # At once: a device that comes back gets another name while somebody holds the old one.
                    await _close(writer)
            if failure is not None:
                yield failure
            if failure is not None or self._search.has_tried_all:
                # Noise on the line is no reason to open a port of a network again and again, nor to miss the meter.
                pause = delay if failure is not None else min(delay, LONGEST_NOISE_DELAY)
                await asyncio.sleep(pause * random.uniform(1, 1 + _JITTER))  # noqa: S311 - spreads retries, hides nothing
                delay = min(2 * delay, LONGEST_DELAY)

    async def _open(self) -> tuple[asyncio.StreamReader, _Writer]:
        """Open the port with the settings to try. Raises PortError, whatever opening raises."""
        while True:
            settings = self._search.settings
            try:
                return await serialx.open_serial_connection(
                    url=self.port,
                    baudrate=settings.baudrate,
                    byte_size=settings.data_bits,
                    parity=_PARITIES[settings.parity],
                    stopbits=_STOP_BITS[settings.stop_bits],
                )
            except Exception as error:
                if _is_refusal(error) and settings.data_bits != _BYTE and self._search.refused():
                    continue
                raise _port_error(error) from error

    async def _listen(self, reader: asyncio.StreamReader) -> AsyncGenerator[Reading | Rejected]:
        """Give what is decoded, until other settings are to be tried. Raises PortError when the port is lost."""
        loop = asyncio.get_running_loop()
        while True:
            octets = await self._receive(reader)
            if octets is None:
                if self._decoder.is_amid_telegram:
                    # A poor network delivers a telegram in pieces.
                    self._search.pause()
                elif self._search.quiet() and self._has_settings:
                    return
                continue
            now = loop.time()
            self.heard.received(octets, now)
            is_p1 = False
            for event in self._decoder.feed(octets):
                is_p1 = is_p1 or isinstance(event, Reading) or event.reason in _STRUCTURED
                self.heard.decoded(event, now)
                yield event
            garbage = 0 if self._decoder.is_amid_telegram else len(octets)
            if self._search.heard(garbage, is_p1=is_p1) and self._has_settings:
                return

    async def _receive(self, reader: asyncio.StreamReader) -> bytes | None:
        """Give the next bytes; None when the line is quiet and it matters. Raises PortError when the port is lost."""
        waits_for_quiet = self._search.is_undecided or not self._search.knows_quiet
        try:
            async with asyncio.timeout(QUIET if waits_for_quiet else self._silence):
                octets = await reader.read(_CHUNK)
        except TimeoutError:
            if waits_for_quiet:
                return None
            message = f"nothing received for {self._silence:g} seconds"
            raise PortError(message) from None
        except Exception as error:
            raise _port_error(error) from error
        if not octets:
            message = "the other side closed the connection"
            raise PortError(message)
        return octets


_BYTE: Final = 8


def _is_refusal(error: Exception) -> bool:
    """Tell whether a port refused the line settings, not the opening."""
    return isinstance(error, (ValueError, serialx.SerialException)) or (
        isinstance(error, OSError) and error.errno == errno.EINVAL
    )


def _port_error(error: Exception) -> PortError:
    """Say what any error of a port means; those of network ports that are not ready yet are of no known type."""
    if isinstance(error, PortError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.EBUSY, errno.EAGAIN):
        return PortBusyError(str(error))
    return PortError(f"{type(error).__name__}: {error}")


async def _close(writer: _Writer) -> None:
    """Close the port; a port that was lost raises the same error once more, which says nothing new."""
    with contextlib.suppress(Exception):
        writer.close()
        async with asyncio.timeout(_CLOSE_LIMIT):
            await writer.wait_closed()
