"""The checksums that a telegram may have: the standard's, and the variants that meters and bridges send."""

from collections.abc import Iterator
import re
from typing import Final

from .. import catalog
from .crc import crc16, crc16_x25

_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{1,4}")


def is_checksum(digits: bytes, text: bytes) -> bool:
    """Whether the digits behind a telegram, from `/` to `!`, are one of the checksums that it may have."""
    return _DIGITS.fullmatch(digits) is not None and int(digits, 16) in telegram_checksums(text)


def telegram_checksums(text: bytes) -> Iterator[int]:
    """Return the checksums that a telegram, from `/` to `!`, may have: that of its own bytes, the likeliest, first.

    A bridge may have changed the line ends after the meter counted them: taken the CR out, or put in blank lines.
    """
    yield crc16(text)
    if text.startswith(catalog.X25_TELEGRAMS):
        yield crc16_x25(text)
    if b"\r" not in text:
        yield crc16(text.replace(b"\n", b"\r\n"))
    elif text.count(b"\r\n\r\n") > 1:
        identification, _, body = text.replace(b"\r\n\r\n", b"\r\n").partition(b"\r\n")
        yield crc16(identification + b"\r\n\r\n" + body)
        yield crc16(identification + b"\r\n" + body)
