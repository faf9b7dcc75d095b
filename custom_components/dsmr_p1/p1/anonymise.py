"""Telegrams that can be shown to strangers: identifiers replaced by others of the same form, the checksum recomputed.

Everything that identifies a household is replaced: the equipment identifiers and connection numbers, text messages, and
the serial number that some makers put into the identification line. Each digit becomes another digit and each letter
another letter, always the same for the same secret, so that two telegrams of one meter still show one meter, and a
telegram is read afterwards just as before. All zeros, blanks and dashes stay: they mean that there is no identifier.
"""

import hashlib
import re
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

from .catalog import METER_OBJECTS, PORT_OBJECTS
from .cosem.obis import Obis
from .wire.checksums import telegram_checksums

_PRIVATE: Final = frozenset(row.key for row in (*PORT_OBJECTS, *METER_OBJECTS) if row.channel.quantity.is_private)
_LINE: Final = re.compile(rb"(\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}(?:[.*]\d{1,3})?)\(([^)\r\n]*)")
_IDENTIFICATION: Final = re.compile(rb"(?:^|(?<=[\r\n]))/[^\r\n]*")
# Types and versions in an identification line are short: `2MT382-1000`, `ESMR 5.0`.
_SERIAL: Final = re.compile(rb"[0-9]{6,}")
_TELEGRAM: Final = re.compile(rb"(/[^!]*?[\r\n]!)([0-9A-Fa-f]{1,4})(?=[\r\n\x00 ]|$)")
_NOTHING: Final = re.compile(rb"[0\- ]*")
_ALPHABETS: Final = tuple(alphabet.encode() for alphabet in (digits, ascii_uppercase, ascii_lowercase))


def anonymise(octets: bytes, secret: bytes) -> bytes:
    """Replace whatever identifies a household in the bytes of telegrams, whole or damaged.

    `secret` determines the replacements. The checksum of a telegram is recomputed where it was right, and stays
    where it was wrong.
    """
    pieces = []
    end = 0
    for telegram in _TELEGRAM.finditer(octets):
        pieces.append(_replace(octets[end : telegram.start()], secret))
        text = _replace(telegram[1], secret)
        pieces += [text, _checksum(telegram[1], telegram[2], text)]
        end = telegram.end()
    pieces.append(_replace(octets[end:], secret))
    return b"".join(pieces)


def _checksum(before: bytes, digits: bytes, text: bytes) -> bytes:
    """Return the checksum of a text after replacement, computed as the meter computes it; a wrong one is kept."""
    for right, new in zip(telegram_checksums(before), telegram_checksums(text), strict=True):
        if right == int(digits, 16):
            return b"%0*X" % (len(digits), new)
    return digits


def _replace(octets: bytes, secret: bytes) -> bytes:
    octets = _IDENTIFICATION.sub(lambda line: _SERIAL.sub(lambda serial: _fake(serial[0], secret), line[0]), octets)
    return _LINE.sub(lambda line: _replace_value(line, secret), octets)


def _replace_value(line: re.Match[bytes], secret: bytes) -> bytes:
    try:
        obis = Obis.parse(line[1].decode("ascii"))
    except ValueError:
        return line[0]
    if (obis.a, obis.c, obis.d, obis.e) not in _PRIVATE or _NOTHING.fullmatch(line[2]):
        return line[0]
    return line[1] + b"(" + _fake_value(line[2], secret)


def _fake_value(value: bytes, secret: bytes) -> bytes:
    """Replace an identifier: the text that its hexadecimal digits spell, or else the characters themselves."""
    try:
        text = bytes.fromhex(value.decode("ascii"))
    except ValueError:
        return _fake(value, secret)
    if not text.isascii() or not text.decode("ascii").isprintable():
        return _fake(value, secret)
    return _fake(text, secret).hex().upper().encode()


def _fake(text: bytes, secret: bytes) -> bytes:
    """Replace each character by another of its kind; the same text always becomes the same."""
    stream = hashlib.shake_256(secret + text).digest(len(text))
    fake = bytearray(text)
    for place, (character, number) in enumerate(zip(text, stream, strict=True)):
        for alphabet in _ALPHABETS:
            if character in alphabet:
                # Never itself, and never a zero: an identifier of zeros stands for no identifier.
                choices = alphabet.replace(bytes([character]), b"").replace(b"0", b"")
                fake[place] = choices[number % len(choices)]
    return bytes(fake)
