"""What is measured: each reads a stream of telegrams to values with units, all of them."""

from collections.abc import Callable, Sequence
from typing import Any

from dsmr_parser import telegram_specifications
from dsmr_parser.clients.telegram_buffer import TelegramBuffer
from dsmr_parser.parsers import TelegramParser

from p1 import Decoder, Keys, Reading

# The library has no annotations.
_parser: Callable[[Any], Any] = TelegramParser
_buffer: Callable[[], Any] = TelegramBuffer

type Run = Callable[[Sequence[bytes]], int]
"""Reads the telegrams, each as it comes from the port, and gives the number of values found."""


def this_project(keys: Keys | None = None) -> Run:
    """Give the decoder of this project: framing, checksum, decryption, meters and channels."""

    def run(telegrams: Sequence[bytes]) -> int:
        decoder = Decoder(keys)
        values = 0
        for telegram in telegrams:
            for event in decoder.feed(telegram):
                if isinstance(event, Reading):
                    values += sum(len(meter.channels) for meter in event.meters)
        return values

    return run


def dsmr_parser() -> Run:
    """Give the library behind Home Assistant's own integration, used as that uses it: a buffer, then the parser."""
    parser = _parser(telegram_specifications.V5)

    def run(telegrams: Sequence[bytes]) -> int:
        buffer = _buffer()
        values = 0
        for telegram in telegrams:
            buffer.append(telegram.decode("latin-1"))
            for text in buffer.get_all():
                values += len(list(parser.parse(text)))
        return values

    return run


def dsmr_parser_encrypted(decryption_key: str, authentication_key: str) -> Run:
    """Give the same library on encrypted telegrams, which it takes as hexadecimal text."""
    parser = _parser(telegram_specifications.SAGEMCOM_T210_D_R)
    keys = {"encryption_key": decryption_key, "authentication_key": authentication_key}

    def run(telegrams: Sequence[bytes]) -> int:
        return sum(len(list(parser.parse(telegram.hex(), **keys))) for telegram in telegrams)

    return run
