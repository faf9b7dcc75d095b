"""Where the bytes come from: a file, standard input, or a port that the reader opens."""

import asyncio
from collections.abc import Iterator
import contextlib
from pathlib import Path
import stat
import sys

from p1 import Decoder, Keys, PortError, Reading, Rejected
from p1.reader import P1Reader, PortFailed

_STANDARD_INPUT = "-"
_CHUNK = 65536


class SourceError(Exception):
    """A source that cannot be read: the message says which and why."""


def is_port(source: str) -> bool:
    """Tell a port or URL from a file."""
    if "://" in source:
        return True
    with contextlib.suppress(OSError):
        return stat.S_ISCHR(Path(source).stat().st_mode)
    return False


def read(source: str, keys: Keys | None, seconds: float) -> Iterator[Reading | Rejected]:
    """Give what is in a source; of a port, what is on it within so many seconds. Raises SourceError."""
    if is_port(source):
        yield from asyncio.run(_listen(source, keys, seconds))
        return
    decoder = Decoder(keys)
    try:
        if source == _STANDARD_INPUT:
            while octets := sys.stdin.buffer.read(_CHUNK):
                yield from decoder.feed(octets)
        else:
            with Path(source).open("rb") as file:
                while octets := file.read(_CHUNK):
                    yield from decoder.feed(octets)
    except OSError as error:
        raise SourceError(f"{source}: {error.strerror or error}") from error
    yield from decoder.finish()


async def _listen(port: str, keys: Keys | None, seconds: float) -> list[Reading | Rejected]:
    """Read a port for a while. Raises SourceError where it could not be opened at all."""
    reader = P1Reader(port, keys=keys)
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
    if not reader.heard.opened and failure is not None:
        raise SourceError(f"the port cannot be opened: {failure}")
    if not reader.heard.octets:
        raise SourceError(
            "no data: the port is silent; check the cable, and that it drives the request line of the meter"
        )
    return found
