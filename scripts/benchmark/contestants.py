"""Who reads telegrams: each takes bytes as they come, and turns them into values with units, all of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from dsmr_parser import telegram_specifications
from dsmr_parser.clients.telegram_buffer import EncryptedTelegramBuffer, TelegramBuffer
from dsmr_parser.parsers import TelegramParser

from .trees import Tree

# The library has no annotations.
_parser: Callable[[Any], Any] = TelegramParser
_buffer: Callable[[], Any] = TelegramBuffer
_encrypted_buffer: Callable[[], Any] = EncryptedTelegramBuffer

type Feed = Callable[[bytes], int]
"""Takes the next bytes of a port and returns the number of values found in them."""
type Contestant = Callable[[], Feed]
"""Begins with a port of which nothing is known yet."""


def this_project(tree: Tree, decryption_key: bytes | None = None, *, is_guarded: bool = False) -> Contestant:
    """Return the decoder of a checkout of this project: framing, checksum, decryption, meters and channels.

    `is_guarded`: what is read goes through the guard of the registers too.
    """
    core = tree.core()
    keys = None if decryption_key is None else core.Keys(decryption_key)

    def start() -> Feed:
        if is_guarded:
            return _guarded(tree)
        decoder = core.Decoder(keys)

        def feed(octets: bytes) -> int:
            return sum(
                len(meter.channels)
                for event in decoder.feed(octets)
                if isinstance(event, core.Reading)
                for meter in event.meters
            )

        return feed

    return start


def guard_of(tree: Tree) -> tuple[Callable[[Any], Any], Any]:
    """Return what checks the readings of a port, one a second, and the decoder that reads them."""
    memory = tree.core().PortMemory()
    decoder, guard = tree.core().Decoder(memory=memory), tree.core("registers.guard").Guard(memory)
    # A clock that stands still costs nothing: seconds are what counts.
    seconds, wall = count(), datetime(2026, 3, 3, 18, tzinfo=UTC)

    def check(reading: Any) -> Any:  # noqa: ANN401 - of the class of that checkout
        return guard.check(reading, float(next(seconds)), wall)

    return check, decoder


def _guarded(tree: Tree) -> Feed:
    reading, (check, decoder) = tree.core().Reading, guard_of(tree)

    def feed(octets: bytes) -> int:
        return sum(
            len(meter.channels)
            for event in decoder.feed(octets)
            if isinstance(event, reading)
            for meter in check(event).meters
        )

    return feed


def dsmr_parser() -> Contestant:
    """Return the library behind Home Assistant's own integration, used as its own protocol class uses it."""

    def start() -> Feed:
        parser, buffer = _parser(telegram_specifications.V5), _buffer()

        def feed(octets: bytes) -> int:
            buffer.append(octets.decode("latin-1"))
            return sum(len(list(parser.parse(text.encode("latin-1").decode("ascii")))) for text in buffer.get_all())

        return feed

    return start


def dsmr_parser_encrypted(decryption_key: bytes) -> Contestant:
    """Return the same library on telegrams of Luxembourg, with the tag verified with the key that is published."""

    def start() -> Feed:
        parser, buffer = _parser(telegram_specifications.MSN), _encrypted_buffer()
        key = decryption_key.hex()

        def feed(octets: bytes) -> int:
            buffer.append(octets)
            return sum(len(list(parser.parse(frame, encryption_key=key))) for frame in buffer.get_all())

        return feed

    return start
