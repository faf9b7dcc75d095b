r"""A telegram: the identification line and the COSEM objects, one line each.

    /ISK5\2M550T-1012           identification: three letters of the maker, the speed digit, the maker's own text
                                 (an empty line)
    1-0:1.8.1(000123.456*kWh)    reference and values
    !9DF0                        end and checksum, which framing has dealt with

Meters change few of their lines from one telegram to the next, so the parser remembers the lines of the last one: a
line that stands there to the letter is not read again, and of one that changed only the number is. It remembers no
more.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import compress
from operator import ne
import re
from typing import Final, NamedTuple

from . import catalog
from .catalog import ObjectType, Quantity
from .countries import NETHERLANDS, Country, country_of
from .errors import TelegramError
from .framing import PlainFrame
from .obis import Obis
from .units import Unit
from .values import CosemValue, Shape, parse_timestamp

_MOST_TYPES: Final = 512
"""Lines of different types that are remembered: ten times what the largest telegram has."""
# The constructors of the two named tuples of which a telegram has the most, without the detour over keyword arguments.
_new_value: Final[Callable[[type[CosemValue], tuple[object, ...]], CosemValue]] = tuple.__new__
_new_object: Final[Callable[[type[CosemObject], tuple[object, ...]], CosemObject]] = tuple.__new__
_REFERENCE: Final = re.compile(r"\d{1,3}-\d{1,3}:\d{1,3}[.:]\d{1,3}[.:]\d{1,3}(?:[.*]\d{1,3})?\s*\(", re.ASCII)
REGISTERS: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER})
"""What a meter counts and a household pays for."""
_DIGITS: Final = str.maketrans("123456789", "000000000")
_CONTROL: Final = re.compile(r"[\x00-\x1F\x7F]")
# Objects whose value, and not only whose presence, decides what a meter is.
_DECIDING: Final = frozenset(
    row.id
    for row in (*catalog.PORT_OBJECTS, *catalog.METER_OBJECTS)
    if row.channel.quantity in (Quantity.DEVICE_TYPE, Quantity.IDENTIFIER, Quantity.VERSION)
)


class LineType:
    """What a line is, apart from a value that changes: its reference, and the catalog's rows that this may stand for.

    `rows` are those of the reference, `candidates` those whose shape fits: none where the object is unknown. `trait` is
    what else of the line can change which meters there are, such as the unit. `unit` and `tail`, the unit as it ends
    the line, are known where the value is one number. Types compare by identity.
    """

    __slots__ = ("candidates", "obis", "rows", "shape", "tail", "trait", "unit")

    def __init__(self, obis: Obis, rows: tuple[ObjectType, ...], shape: Shape | None, trait: str) -> None:
        """Take what is known of the line."""
        self.obis = obis
        self.rows = rows
        self.candidates = tuple(row for row in rows if row.shape is shape)
        self.shape = shape
        self.trait = trait
        self.tail: str | None = None
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

    @property
    def raw(self) -> str:
        """The values as sent, parentheses included, of an object that is unknown."""
        value = self.values[0].value
        return value if isinstance(value, str) else ""


class Telegram(NamedTuple):
    """One complete, checked telegram.

    `malformed` are the lines that are no objects. `has_crc` tells whether the meter sent a checksum; it is right then.
    `number` counts the telegrams of the port. `changes` are the places of the objects of which a value differs from the
    telegram numbered one less; None where more than values may differ.
    """

    identification: str
    country: Country
    objects: list[CosemObject]
    malformed: tuple[str, ...]
    has_crc: bool
    text: bytes
    number: int = 0
    changes: tuple[int, ...] | None = None

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
        self._number = 0
        self._identification = ""
        self._country = NETHERLANDS
        self._types: dict[str, LineType] = {}
        self._lines: list[str] = []
        self._places: list[int] = []
        self._objects: list[CosemObject] = []
        self._form: tuple[str, ...] = ()
        self._other_form: tuple[str, ...] = ()

    def parse(self, frame: PlainFrame) -> Telegram:
        """Read a frame whose checksum, if any, is right.

        Raises TelegramError where it cannot be believed: it has no checksum though the version it declares has one, it
        has none and a line is torn, or nothing in it is an object.
        """
        self._number += 1
        lines = _split(frame.text)
        known = self._lines
        telegram = None
        if len(lines) == len(known) and lines[0] == known[0]:
            telegram = self._update(frame, lines)
        if telegram is None:
            telegram = self._read(frame, lines)
        if not frame.has_crc:
            self._compare_form(lines)
        return telegram

    def _compare_form(self, lines: list[str]) -> None:
        """Refuse a telegram without checksum that has other registers than the one before, or in another form.

        Meters send each number with all its digits, so that only digits change: otherwise bytes were lost or doubled. A
        form that comes twice is a new one. Raises TelegramError.
        """
        form = (lines[0], *filter(None, map(self._form_of, lines[1:])))
        if self._form and form[0] == self._form[0] and form not in (self._form, self._other_form):
            self._other_form = form
            message = "the registers differ in form from the telegram before"
            raise TelegramError(message)
        self._form, self._other_form = form, ()

    def _form_of(self, line: str) -> str:
        """Give what of the line of a register never changes: the reference, and the places of the digits."""
        head = line.partition("(")[0]
        if not head:
            # The value of DSMR 3, on a line of its own.
            return line.translate(_DIGITS)
        line_type = self._types.get(head)
        if line_type is None or not line_type.candidates or line_type.candidates[0].channel.quantity not in REGISTERS:
            return ""
        return head + line[len(head) :].translate(_DIGITS)

    def _update(self, frame: PlainFrame, lines: list[str]) -> Telegram | None:
        """Read what differs from the last telegram; None where it differs in more than values."""
        objects = self._objects.copy()
        types, places = self._types, self._places
        changes = []
        same_types = True
        for number in compress(range(len(lines)), map(ne, lines, self._lines, strict=True)):
            line = lines[number]
            place = places[number]
            if place < 0:
                return None
            # Nine of ten lines that change are a number with the same unit as last time: the one short way.
            head, _, rest = line.partition("(")
            digits, _, tail = rest.partition("*")
            line_type = types.get(head)
            if (
                line_type is not None
                and tail == line_type.tail
                and digits[:1] != "."
                and digits.replace(".", "", 1).isdecimal()
            ):
                value = _new_value(CosemValue, ("", Decimal(digits), line_type.unit, None))
                obj = _new_object(CosemObject, (line_type, (value,)))
            else:
                parsed = self._parse_time(line_type, rest) or self._parse_line(line)
                if parsed is None:
                    return None
                obj = parsed
            if obj[0] is not objects[place][0]:
                same_types = False
            objects[place] = obj
            changes.append(place)
        if not same_types and not frame.has_crc:
            return None
        self._lines, self._objects = lines, objects
        return Telegram(
            self._identification,
            self._country,
            objects,
            (),
            frame.has_crc,
            frame.text,
            self._number,
            tuple(changes) if same_types else None,
        )

    def _read(self, frame: PlainFrame, lines: list[str]) -> Telegram:
        """Read every line."""
        self._lines = []
        identification = self._identification = lines[0].strip()
        self._country = country_of(identification)
        objects: list[CosemObject] = []
        malformed: list[str] = []
        places = [-1]
        before = ""
        is_regular = True
        for line in lines[1:]:
            obj = self._parse_line(line)
            if obj is not None:
                places.append(len(objects))
                objects.append(obj)
                before = line
                continue
            places.append(-1)
            if line.strip(" \t\0"):
                before = self._join(before, line, objects, malformed)
                is_regular = False
        if not objects:
            message = "no COSEM object"
            raise TelegramError(message)
        if not frame.has_crc:
            _check_unsealed(objects, malformed)
        self._lines = lines if is_regular else []
        self._places, self._objects = places, objects
        return Telegram(
            identification, self._country, objects, tuple(malformed), frame.has_crc, frame.text, self._number
        )

    def _join(self, before: str, line: str, objects: list[CosemObject], malformed: list[str]) -> str:
        """Put a line that is no object by itself behind the one before it, where that makes an object.

        A value of DSMR 3 stands on a line of its own, and some bridges break long lines. Gives the line as it is now.
        """
        was_malformed = bool(malformed) and malformed[-1] == before
        # A complete object takes no more than further values.
        if before and (line.startswith("(") or (was_malformed and not _REFERENCE.match(line))):
            joined = before + line
            obj = self._parse_line(joined)
            if obj is not None:
                (malformed if was_malformed else objects).pop()
                objects.append(obj)
                return joined
            if was_malformed:
                malformed[-1] = joined
                return joined
        malformed.append(line)
        return line

    def _parse_time(self, line_type: LineType | None, rest: str) -> CosemObject | None:
        """Read a line that is a time, which changes in every telegram; None where it is another, or of another form."""
        if line_type is None or line_type.shape is not Shape.TIMESTAMP or rest[-1:] != ")":
            return None
        try:
            value = CosemValue("", parse_timestamp(rest[:-1], self._country))
        except ValueError:
            return None
        return CosemObject(line_type, (value,))

    def _parse_line(self, line: str) -> CosemObject | None:
        """Read one line; None where it is no reference with values."""
        line = line.rstrip(" \0")
        head, parenthesis, raw = line.partition("(")
        if not parenthesis or line[-1] != ")" or line.count("(") != line.count(")"):
            return None
        if not line.isprintable() and _CONTROL.search(line):
            return None
        known = self._types.get(head)
        if known is None:
            try:
                obis = Obis.parse(head.rstrip())
            except ValueError:
                return None
            rows = catalog.candidates(obis)
        else:
            obis, rows = known.obis, known.rows
        texts = raw[:-1].split(")(") if ") " not in raw else re.split(r"\)\s*\(", raw[:-1])
        if "(" in texts[0]:
            # `((ER11))`: the parentheses belong to the value for some meters, but never to its meaning.
            texts = [text.strip("()") for text in texts]
        for row in rows:
            try:
                values = row.shape.decode(texts, self._country)
            except ValueError:
                continue
            line_type = self._line_type(head, obis, rows, row.shape, _trait(row, raw, values))
            if row.shape is Shape.DECIMAL and values[0].unit is not None:
                line_type.tail, line_type.unit = raw.partition("*")[2], values[0].unit
            return CosemObject(line_type, values)
        return CosemObject(self._line_type(head, obis, rows, None, ""), (CosemValue("", f"({raw}"),))

    def _line_type(
        self, head: str, obis: Obis, rows: tuple[ObjectType, ...], shape: Shape | None, trait: str
    ) -> LineType:
        """Give the type of a line: the one from before where nothing that matters has changed."""
        before = self._types.get(head)
        if before is not None and before.trait == trait and before.shape is shape:
            return before
        if len(self._types) >= _MOST_TYPES:
            self._types.clear()
        line_type = self._types[head] = LineType(obis, rows, shape, trait)
        return line_type


def _split(text: bytes) -> list[str]:
    """Give the lines, the identification first, without the `/` and the `!`."""
    # Latin-1 gives every byte a character: a byte of noise must not cost more than its line.
    decoded = text[1:-1].decode("latin-1")
    lines = decoded.split("\r\n")
    if decoded.count("\n") == decoded.count("\r") == len(lines) - 1:
        return lines
    return decoded.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _trait(row: ObjectType, raw: str, values: tuple[CosemValue, ...]) -> str:
    if row.id in _DECIDING:
        return raw
    value = values[0]
    if row.shape is Shape.TIMED_DECIMAL or row.shape is Shape.READING_V3:
        return f"placeholder {value.unit}" if is_placeholder(value) else value.unit or ""
    return value.unit or "" if len(values) == 1 else str(len(values))


CLOCK_SET: Final = 2001
"""The first year that a clock which was set can tell; a clock that was not tells 2000 or before."""


def is_placeholder(value: CosemValue) -> bool:
    """Tell whether a reading is none: nothing, or zero at a time when the clock was not set."""
    return value.value is None or (not value.value and (value.timestamp is None or value.timestamp.year < CLOCK_SET))


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
