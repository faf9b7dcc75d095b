"""A telegram: the identification line and the COSEM objects, one line each.

    /ISK5\\2M550T-1012           identification: three letters of the maker, the speed digit, the maker's own text
                                 (an empty line)
    1-0:1.8.1(000123.456*kWh)    reference and values
    !9DF0                        end and checksum, which framing has dealt with

Meters change few of their lines from one telegram to the next, so the parser remembers the lines of the last one: a line
that stands there to the letter is not read again. It remembers no more than that.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from . import catalog
from .catalog import ObjectType, Quantity
from .countries import BELGIUM, NETHERLANDS, Country, country_of
from .errors import TelegramError
from .framing import PlainFrame
from .obis import Obis
from .values import CosemValue, Shape, decode

_REFERENCE: Final = re.compile(rb"\d{1,3}-\d{1,3}:\d{1,3}[.:]\d{1,3}[.:]\d{1,3}(?:[.*]\d{1,3})?\s*\(")
_CONTROL: Final = re.compile(r"[\x00-\x1F\x7F]")
# Objects whose value, and not only whose presence, decides what a meter is.
_DECIDING: Final = frozenset({Quantity.DEVICE_TYPE, Quantity.IDENTIFIER, Quantity.VERSION})


class CosemObject(NamedTuple):
    """One line of a telegram: a reference and its values.

    `candidates` are the catalog's rows that the reference may stand for, none where the object is unknown. `trait` is what
    of the line can change which meters there are: equal traits, equal meters. `raw` are the values as sent.
    """

    obis: Obis
    raw: str
    candidates: tuple[ObjectType, ...]
    values: tuple[CosemValue, ...]
    trait: str


@dataclass(frozen=True, slots=True)
class Telegram:
    """One complete, checked telegram.

    `malformed` are the lines that are no objects. `has_crc` tells whether the meter sent a checksum; it is right then.
    """

    identification: str
    country: Country
    objects: tuple[CosemObject, ...]
    malformed: tuple[str, ...]
    has_crc: bool
    text: bytes

    @property
    def timestamp(self) -> datetime | None:
        """The time of the telegram by the meter's clock; None where it sends none, or was never set."""
        for obj in self.objects:
            if obj.candidates and obj.candidates[0].id == "p1_timestamp" and isinstance(obj.values[0].value, datetime):
                return obj.values[0].value
        return None


class TelegramParser:
    """Reads the telegrams of one port, one after the other."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._country = NETHERLANDS
        self._known: dict[bytes, CosemObject] = {}

    def parse(self, frame: PlainFrame) -> Telegram:
        """Read a frame whose checksum, if any, is right.

        Raises TelegramError where it cannot be believed: it has no checksum though the version it declares has one, it has
        none and a line is torn, or nothing in it is an object.
        """
        first, *lines = frame.text[1:-1].splitlines()
        identification = first.decode("latin-1").strip()
        country = country_of(identification)
        if country is not self._country:
            self._country = country
            self._known = {}
        known = self._known
        read: dict[bytes, CosemObject] = {}
        objects: list[CosemObject] = []
        malformed: list[str] = []
        before = b""
        for line in lines:
            obj = known.get(line)
            if obj is None:
                if _REFERENCE.match(line) and (obj := self._parse_line(line)) is not None:
                    pass
                elif not line.strip(b" \t\0"):
                    continue
                else:
                    before = self._join(before, line, objects, malformed)
                    continue
            read[line] = obj
            objects.append(obj)
            before = line
        self._known = read
        if not objects:
            message = "no COSEM object"
            raise TelegramError(message)
        if not frame.has_crc:
            _check_unsealed(objects, malformed)
        if country is NETHERLANDS and any(o.candidates and o.candidates[0].id == "p1_emucs_version_output" for o in objects):
            country = BELGIUM
        return Telegram(identification, country, tuple(objects), tuple(malformed), frame.has_crc, frame.text)

    def _join(self, before: bytes, line: bytes, objects: list[CosemObject], malformed: list[str]) -> bytes:
        """Put a line that is no object by itself behind the one before it, where that makes an object.

        A value of DSMR 3 stands on a line of its own, and some bridges break long lines. Gives the line as it is now.
        """
        if before and not _REFERENCE.match(line):
            joined = before + line
            obj = self._parse_line(joined)
            if obj is not None:
                if malformed and malformed[-1] == before.decode("latin-1"):
                    malformed.pop()
                elif objects:
                    objects.pop()
                objects.append(obj)
                return joined
            if malformed and malformed[-1] == before.decode("latin-1"):
                malformed[-1] = joined.decode("latin-1")
                return joined
        malformed.append(line.decode("latin-1"))
        return line

    def _parse_line(self, octets: bytes) -> CosemObject | None:
        """Read one line; None where it is no reference with values."""
        line = octets.decode("latin-1").rstrip(" \0")
        start = line.find("(")
        if start < 0 or line[-1:] != ")" or _CONTROL.search(line):
            return None
        head = line[:start]
        raw = line[start:]
        if raw.count("(") != raw.count(")"):
            return None
        try:
            obis = Obis.parse(head.rstrip())
        except ValueError:
            return None
        texts = raw[1:-1].split(")(")
        if "(" in texts[0]:
            # `((ER11))`: the parentheses belong to the value for some meters, but never to its meaning.
            texts = [text.strip("()") for text in texts]
        return self._decode(obis, raw, head, texts)

    def _decode(self, obis: Obis, raw: str, head: str, texts: list[str]) -> CosemObject:
        rows = catalog.candidates(obis)
        for row in rows:
            try:
                values = decode(row.shape, texts, self._country)
            except ValueError:
                continue
            fitting = tuple(other for other in rows if other.shape is row.shape)
            return CosemObject(obis, raw, fitting, values, _trait(row, head, raw, values))
        return CosemObject(obis, raw, (), (), head)


def _trait(row: ObjectType, head: str, raw: str, values: tuple[CosemValue, ...]) -> str:
    if row.channel.quantity in _DECIDING:
        return head + raw
    value = values[0]
    match row.shape:
        case Shape.TIMED_DECIMAL | Shape.READING_V3:
            return f"{head}{value.unit}{is_placeholder(value)}"
        case Shape.FAILURE_LOG | Shape.MONTHLY_PEAKS | Shape.MONTH_END:
            return f"{head}{len(values)}"
        case _:
            return f"{head}{value.unit}"


_CLOCK_SET = 2001
"""The first year that a clock which was set can tell; a clock that was not tells 2000 or before."""


def is_placeholder(value: CosemValue) -> bool:
    """Tell whether a reading is none: nothing, or zero at a time when the clock was not set."""
    return value.value is None or (not value.value and (value.timestamp is None or value.timestamp.year < _CLOCK_SET))


def _check_unsealed(objects: list[CosemObject], malformed: list[str]) -> None:
    """Refuse a telegram without checksum that should have one, or in which a line is torn.

    Raises TelegramError.
    """
    for obj in objects:
        if obj.candidates and (first := catalog.CRC_VERSIONS.get(obj.candidates[0].id)) is not None:
            version = obj.values[0].value
            if not (isinstance(version, str) and version.isdecimal() and int(version) < first):
                message = "no checksum, though the declared version has one"
                raise TelegramError(message)
    if any(line.count("(") != line.count(")") or _CONTROL.search(line) for line in malformed):
        message = "a line is torn"
        raise TelegramError(message)
