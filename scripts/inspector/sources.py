"""Where the bytes come from: a file, standard input, or a port that the reader opens."""

import asyncio
from collections.abc import Iterator
import contextlib
from datetime import tzinfo
from pathlib import Path
import stat
import sys

from p1 import Decoder, Keys, PortError, Reading, Rejected
from p1.heard import Heard, Hint
from p1.reader import P1Reader, PortFailed

_STANDARD_INPUT = "-"
_CHUNK = 4096
_OPENED_ELSEWHERE = "homewizard://"


class SourceError(Exception):
    """A source that cannot be read: the message says which and why."""


def is_port(source: str) -> bool:
    """Tell a port or URL from a file."""
    if "://" in source:
        return True
    with contextlib.suppress(OSError):
        return stat.S_ISCHR(Path(source).stat().st_mode)
    return False


def read(
    source: str, keys: Keys | None, seconds: float, hints: set[Hint], time_zone: tzinfo | None = None
) -> Iterator[Reading | Rejected]:
    """Give what is in a source; of a port, what is on it within so many seconds; what else is recognised, in `hints`.

    Raises SourceError.
    """
    if source.startswith(_OPENED_ELSEWHERE):
        raise SourceError(f"{source.partition('://')[0]}: such a reader is asked by Home Assistant only")
    if is_port(source):
        yield from asyncio.run(_listen(source, keys, seconds, hints, time_zone))
        return
    decoder, heard = Decoder(keys, time_zone=time_zone), Heard()
    try:
        for octets in _chunks(source):
            heard.received(octets, 0)
            yield from decoder.feed(octets)
    except OSError as error:
        raise SourceError(f"{source}: {error.strerror or error}") from error
    yield from decoder.finish()
    hints |= heard.hints
    if not heard.octets:
        raise SourceError(f"{source}: no bytes in it")


def _chunks(source: str) -> Iterator[bytes]:
    if source != _STANDARD_INPUT:
        with Path(source).open("rb") as file:
            while octets := file.read(_CHUNK):
                yield octets
    elif sys.stdin is None:
        raise SourceError("-: standard input is closed")
    else:
        while octets := sys.stdin.buffer.read(_CHUNK):
            yield octets


async def _listen(
    port: str, keys: Keys | None, seconds: float, hints: set[Hint], time_zone: tzinfo | None
) -> list[Reading | Rejected]:
    """Read a port for a while. Raises SourceError where it could not be opened at all, or is silent."""
    reader = P1Reader(port, keys=keys, time_zone=time_zone)
    found: list[Reading | Rejected] = []
    failure: PortError | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), contextlib.aclosing(reader.events()) as events:
            async for event in events:
                if isinstance(event, PortFailed):
                    failure = event.error
                    if not reader.heard.opened:
                        break
                elif isinstance(event, (Reading, Rejected)):
                    found.append(event)
    hints |= reader.heard.hints
    if not reader.heard.opened and failure is not None:
        raise SourceError(f"the port cannot be opened: {failure}")
    if not reader.heard.octets:
        raise SourceError(
            "no data: the port is silent; check the cable, and that it drives the request line of the meter"
        )
    return found
