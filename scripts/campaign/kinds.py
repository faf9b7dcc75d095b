"""The kinds of faults, as a table."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from random import Random
import re
from typing import Final, NamedTuple

CRC: Final = "checksum"
NONE: Final = "no checksum"
PARITY: Final = "parity"
SEALED: Final = "encrypted"

# Totals only: what a meter lists of months gone by is nothing that it counts.
_ENERGY: Final = re.compile(rb"(?<=\.8\.\d\()\d[\d.]*(?=\*?[kM]?(?:Wh|varh)\))")
_VOLUME: Final = re.compile(rb"(?<=\()\d[\d.]*(?=\*?m3\))")
_NUMBER: Final = re.compile(rb"(?<=\()\d[\d.]*(?=\*)")
# The clock, and when the meters on the M-Bus were read.
_TIME: Final = re.compile(rb"(0-\d:(?:1\.[01]\.0|24\.[23]\.\d)\()(\d\d)(\d{10})(?=[SW]?\))")
_IDENTIFIER: Final = re.compile(rb"(?<=:96\.1\.[01]\()[0-9A-F]+")
_TARIFF: Final = re.compile(rb"(?<=96\.14\.0\()[^)]*")
_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_NINES: Final = bytes.maketrans(b"012345678", b"999999999")


class Stage(Enum):
    """Where a fault strikes."""

    LINE = auto()
    """The bytes on the line."""
    BODY = auto()
    """The telegram before its checksum: it is odd, and in order."""
    FORGED = auto()
    """A plain telegram on an encrypted port."""
    REPLAYED = auto()
    """An older frame again."""
    COUNTED_BACK = auto()
    """A new frame with a lower counter."""
    RENAMED = auto()
    """A frame under another system title."""


type Damage = Callable[[bytearray, Random], bytes | bytearray]
type Wall = Callable[[datetime], datetime]


class Kind(NamedTuple):
    """A kind of fault, and the groups of ports that it strikes; `wall` is what the clock here says meanwhile."""

    name: str
    stage: Stage
    groups: tuple[str, ...]
    damage: Damage = lambda octets, _: octets
    wall: Wall = lambda wall: wall


def _flip(octets: bytearray, drawn: Random) -> bytearray:
    octets[drawn.randrange(len(octets))] ^= 1 << drawn.randrange(7)
    return octets


def _double(octets: bytearray, drawn: Random) -> bytearray:
    place = drawn.randrange(len(octets))
    octets.insert(place, octets[place])
    return octets


def _lose(octets: bytearray, drawn: Random) -> bytearray:
    del octets[drawn.randrange(len(octets))]
    return octets


def _swap(octets: bytearray, drawn: Random) -> bytearray:
    place = drawn.randrange(1, len(octets))
    octets[place - 1], octets[place] = octets[place], octets[place - 1]
    return octets


def _cut(octets: bytearray, drawn: Random) -> bytearray:
    return octets[: drawn.randrange(len(octets))]


def _noise(octets: bytearray, drawn: Random) -> bytearray:
    place = drawn.randrange(len(octets))
    octets[place : place + drawn.randrange(30)] = drawn.randbytes(drawn.randrange(30))
    return octets


def _translated(pattern: re.Pattern[bytes], table: bytes) -> Damage:
    return lambda body, _: pattern.sub(lambda found: found[0].translate(table), body)


def _identifiers(body: bytearray, drawn: Random) -> bytes:
    return _IDENTIFIER.sub(lambda found: b"%0*d" % (len(found[0]), drawn.randrange(10 ** len(found[0]))), body)


def _mbus_channel(body: bytearray, drawn: Random) -> bytearray:
    number = drawn.randrange(5, 256)
    lines = f"0-{number}:24.1.0(003)\r\n0-{number}:96.1.0(47{number:06d})\r\n0-{number}:24.2.1(260112110000W)"
    return body.removesuffix(b"!") + lines.encode() + f"({drawn.randrange(90_000):05d}.000*m3)\r\n!".encode()


def _long_number(body: bytearray, drawn: Random) -> bytearray:
    numbers = [*_NUMBER.finditer(body)]
    if not numbers:
        return body
    found = drawn.choice(numbers)
    digits = bytes(drawn.choice(b"0123456789") for _ in range(400))
    return body[: found.start()] + digits + body[found.end() :]


def _tariff(body: bytearray, drawn: Random) -> bytes:
    text = drawn.randbytes(drawn.randrange(1, 30)).hex().encode()
    return _TARIFF.sub(lambda _: text, body)


def _times(text: bytes) -> Damage:
    return lambda body, _: _TIME.sub(lambda found: found[1] + text, body)


def _year_ahead(body: bytearray, _: Random) -> bytes:
    return _TIME.sub(lambda found: b"%s%02d%s" % (found[1], int(found[2]) + 1, found[3]), body)


_ALL: Final = (CRC, NONE, PARITY, SEALED)
_PLAIN: Final = (CRC, NONE)

nines: Final = _translated(_ENERGY, _NINES)

KINDS: Final = (
    Kind("one flipped bit", Stage.LINE, _ALL, _flip),
    Kind("doubled byte", Stage.LINE, _ALL, _double),
    Kind("lost byte", Stage.LINE, _ALL, _lose),
    Kind("swapped bytes", Stage.LINE, _ALL, _swap),
    Kind("cut telegram", Stage.LINE, _ALL, _cut),
    Kind("noise within", Stage.LINE, _ALL, _noise),
    Kind("energy: zeros once", Stage.BODY, _PLAIN, _translated(_ENERGY, _ZEROS)),
    Kind("energy: nines once", Stage.BODY, _PLAIN, nines),
    Kind("gas: zeros once", Stage.BODY, _PLAIN, _translated(_VOLUME, _ZEROS)),
    Kind("gas: nines once", Stage.BODY, _PLAIN, _translated(_VOLUME, _NINES)),
    Kind("other identifiers", Stage.BODY, _PLAIN, _identifiers),
    Kind("255 M-Bus channels", Stage.BODY, _PLAIN, _mbus_channel),
    Kind("400 digits", Stage.BODY, _PLAIN, _long_number),
    Kind("new tariff text", Stage.BODY, _PLAIN, _tariff),
    Kind("meter's clock: 1970", Stage.BODY, _PLAIN, _times(b"700101010000")),
    Kind("meter's clock: 2000", Stage.BODY, _PLAIN, _times(b"000101000000")),
    Kind("meter's clock: 2036", Stage.BODY, _PLAIN, _times(b"360207072816")),
    Kind("meter's clock: a year ahead", Stage.BODY, _PLAIN, _year_ahead),
    Kind("clock here: 1970", Stage.BODY, _PLAIN, wall=lambda _: datetime(1970, 1, 1, tzinfo=UTC)),
    Kind("clock here: a year ahead", Stage.BODY, _PLAIN, wall=lambda wall: wall + timedelta(days=365)),
    Kind("clock here: an hour back", Stage.BODY, _PLAIN, wall=lambda wall: wall - timedelta(hours=1)),
    Kind("forged plain telegram", Stage.FORGED, (SEALED,)),
    Kind("replayed frame", Stage.REPLAYED, (SEALED,)),
    Kind("lower frame counter", Stage.COUNTED_BACK, (SEALED,)),
    Kind("another system title", Stage.RENAMED, (SEALED,)),
)
