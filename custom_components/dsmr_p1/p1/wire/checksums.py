"""The checksums that a telegram may have: the standard's, and the variants that meters and bridges send."""

from collections.abc import Iterator
import re
from typing import Final

from .. import catalog
from .crc import crc16, crc16_x25
from .envelope import MAX_TELEGRAM

SEAL: Final = len(b"0000\r\n")
"""The bytes of a checksum and the end of its line."""

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


def alike(buffer: bytes, start: int, opening: bytes) -> bytes | None:
    """Return the telegram at `start`, from `/` to `!`; None unless it is complete, flawless, and begins with `opening`.

    `opening` is the identification line of the meter with its line end. Flawless: as the standard has it, so that
    `Framer` would find the same telegram in more steps.
    """
    mark = buffer.find(b"!", start, start + MAX_TELEGRAM)
    if mark < 0 or not buffer.startswith(opening, start):
        return None
    text, end = buffer[start : mark + 1], buffer[mark + 1 : mark + 1 + SEAL]
    is_flawless = text.endswith(b"\n!") and text.rfind(b"/") < len(opening) and text.isascii()
    return text if is_flawless and end == b"%04X\r\n" % crc16(text) else None
