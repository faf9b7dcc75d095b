"""A telegram: the identification line and the COSEM objects, one line each.

    /ISK5\\2M550T-1012           identification: three letters of the maker, the speed digit, the maker's own text
                                 (an empty line)
    1-0:1.8.1(000123.456*kWh)    reference and values
    !9DF0                        end and checksum, which framing has dealt with

Meters change few of their lines from one telegram to the next, so the parser remembers the lines of the last one: a line
that stands there to the letter is not read again, and of one that changed only the number is. It remembers no more.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from . import catalog
from .catalog import ObjectType, Quantity
from .countries import NETHERLANDS, Country, country_of
from .errors import TelegramError
from .framing import PlainFrame
from .obis import Obis
from .units import Unit
from .values import CosemValue, Shape, decode

_CLOSE: Final = ord(")")
_MOST_TYPES: Final = 512
"""Lines of different types that are remembered: ten times what the largest telegram has."""
# The constructors of the two named tuples of which a telegram has the most, without the detour over keyword arguments.
_new_value: Final[Callable[[type[CosemValue], tuple[object, ...]], CosemValue]] = tuple.__new__
_new_object: Final[Callable[[type[CosemObject], tuple[object, ...]], CosemObject]] = tuple.__new__
_REFERENCE: Final = re.compile(rb"\d{1,3}-\d{1,3}:\d{1,3}[.:]\d{1,3}[.:]\d{1,3}(?:[.*]\d{1,3})?\s*\(")
_CONTROL: Final = re.compile(r"[\x00-\x1F\x7F]")
# Objects whose value, and not only whose presence, decides what a meter is.
_DECIDING: Final = frozenset({Quantity.DEVICE_TYPE, Quantity.IDENTIFIER, Quantity.VERSION})


class LineType:
    """What a line is, apart from a value that changes: its reference, and the catalog's rows that this may stand for.

    `candidates` are none where the object is unknown. `trait` is what of the line can change which meters there are, such
    as the unit. Two lines with the same reference and trait have the same LineType, and compare by identity.
    """

    __slots__ = ("candidates", "head", "obis", "shape", "trait", "unit", "unit_text")

    def __init__(self, head: bytes, obis: Obis, candidates: tuple[ObjectType, ...], trait: str) -> None:
        """Take what is known of the line; `head` is the reference as sent."""
        self.head = head
        self.obis = obis
        self.candidates = candidates
        self.shape = candidates[0].shape if candidates else None
        self.trait = trait
        self.unit_text = ""
        self.unit: Unit | None = None


class CosemObject(NamedTuple):
    """One line of a telegram: what it is, and its values. An unknown object has the text of its values as the value."""

    line_type: LineType
    values: tuple[CosemValue, ...]

    @property
    def obis(self) -> Obis:
        """The reference."""
        return self.line_type.obis

    @property
    def candidates(self) -> tuple[ObjectType, ...]:
        """The catalog's rows that the reference may stand for."""
        return self.line_type.candidates


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
        self._types: dict[bytes, LineType] = {}

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
            obj = known.get(line) or self._parse_line(line)
            if obj is not None:
                read[line] = obj
                objects.append(obj)
                before = line
            elif line.strip(b" \t\0"):
                before = self._join(before, line, objects, malformed)
        self._known = read
        if not objects:
            message = "no COSEM object"
            raise TelegramError(message)
        if not frame.has_crc:
            _check_unsealed(objects, malformed)
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

    def _parse_line(self, line: bytes) -> CosemObject | None:
        """Read one line; None where it is no reference with values."""
        start = line.find(b"(")
        line_type = self._types.get(line[:start])
        if line_type is not None and line_type.shape is Shape.DECIMAL and line[-1] == _CLOSE:
            # Nine of ten lines that change are a number with the same unit as last time: the one short way.
            number, _, unit = line[start + 1 : -1].decode("latin-1").partition("*")
            if unit == line_type.unit_text and number.replace(".", "", 1).isdecimal():
                value = _new_value(CosemValue, ("", Decimal(number), line_type.unit, None))
                return _new_object(CosemObject, (line_type, (value,)))
        return self._parse_any_line(line, start)

    def _parse_any_line(self, octets: bytes, start: int) -> CosemObject | None:
        line = octets.decode("latin-1").rstrip(" \0")
        if start < 0 or line[-1:] != ")" or _CONTROL.search(line):
            return None
        raw = line[start:]
        if raw.count("(") != raw.count(")"):
            return None
        try:
            obis = Obis.parse(line[:start].rstrip())
        except ValueError:
            return None
        texts = raw[1:-1].split(")(")
        if "(" in texts[0]:
            # `((ER11))`: the parentheses belong to the value for some meters, but never to its meaning.
            texts = [text.strip("()") for text in texts]
        head = octets[:start]
        rows = catalog.candidates(obis)
        for row in rows:
            try:
                values = decode(row.shape, texts, self._country)
            except ValueError:
                continue
            fitting = tuple(other for other in rows if other.shape is row.shape)
            line_type = self._line_type(head, obis, fitting, _trait(row, raw, values))
            if row.shape is Shape.DECIMAL:
                line_type.unit_text, line_type.unit = texts[0].partition("*")[2], values[0].unit
            return CosemObject(line_type, values)
        return CosemObject(self._line_type(head, obis, (), ""), (CosemValue("", raw),))

    def _line_type(self, head: bytes, obis: Obis, candidates: tuple[ObjectType, ...], trait: str) -> LineType:
        """Give the type of a line: the one from before where nothing that matters has changed."""
        before = self._types.get(head)
        if before is not None and before.trait == trait and before.candidates == candidates:
            return before
        if len(self._types) >= _MOST_TYPES:
            self._types.clear()
        line_type = self._types[head] = LineType(head, obis, candidates, trait)
        return line_type


def _trait(row: ObjectType, raw: str, values: tuple[CosemValue, ...]) -> str:
    if row.channel.quantity in _DECIDING:
        return raw
    value = values[0]
    match row.shape:
        case Shape.TIMED_DECIMAL | Shape.READING_V3:
            return f"{value.unit} {is_placeholder(value)}"
        case Shape.FAILURE_LOG | Shape.MONTHLY_PEAKS | Shape.MONTH_END:
            return str(len(values))
        case _:
            return str(value.unit)


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
