"""Parsing: one checked frame after the other in, telegrams out.

A meter sends the same telegram again and again, with other digits. So the last telegram is remembered: a line that
stands there to the letter is not read again, and where nothing but digits changed in all of the text, no more than
those digits are read. No more than the last telegram is remembered.
"""

from collections.abc import Callable
from decimal import Decimal
from itertools import accumulate, compress, count
from operator import ne
import re
from typing import Final, NamedTuple

from . import catalog
from .countries import Country, country_of
from .errors import TelegramError
from .framing import PlainFrame
from .lines import LineParser, LineReader, begins_object, has_control, is_deciding
from .telegram import REGISTERS, CosemObject, Span, Telegram
from .units import Unit
from .values import CosemValue, Shape

# Digits -> zeros: what is left of a text is its form.
_FORM: Final = bytes.maketrans(b"123456789", b"000000000")
# A line that is one number with or without unit: where the number stands.
_NUMBER: Final = re.compile(r"([^(]*\()([+-]?[0-9]+(?:\.[0-9]+)?)(?:\*[^0-9()]+)?\)")
_NUMBERS: Final = (Shape.DECIMAL, Shape.NUMBER)
# The constructors of named tuples without the detour over keyword arguments: of these a telegram has the most.
_new_value: Final[Callable[[type[CosemValue], tuple[object, ...]], CosemValue]] = tuple.__new__
_DIGITS: Final = str.maketrans("123456789", "000000000")


class _Field(NamedTuple):
    """A line of which digits may change: the text before its values, and which of the telegram's values are its own.

    Where the line is one number, `begin` and `end` are where that stands, and `unit` is its unit; any other line has a
    function that reads it.
    """

    head: str
    begin: int
    end: int
    unit: Unit | None
    read: LineReader | None
    place: int
    stop: int


# A line that is no object, of which nothing may change: no line begins so.
_NO_FIELD: Final = _Field("\n", 0, 0, None, None, 0, 0)


class TelegramParser:
    """Reads the telegrams of one port, one after the other."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._parser = LineParser()
        self._number = 0
        # Of the last telegram: its form, its lines, which of them are what objects, and what of them may change.
        self._last: Telegram | None = None
        self._form = b""
        self._lines: list[str] = [""]
        self._objects: dict[str, CosemObject] = {}
        self._fields: list[_Field] = []
        self._registers: tuple[str, ...] = ()
        self._other_registers: tuple[str, ...] = ()

    def parse(self, frame: PlainFrame) -> Telegram:
        """Read a frame whose checksum, if any, is right.

        Raises TelegramError where it cannot be believed: it has no checksum though the version it declares has one, it
        has none and a line is torn, or nothing in it is an object.
        """
        self._number += 1
        text, has_crc = frame
        form = text.translate(_FORM)
        telegram = None
        if form == self._form and self._last is not None and self._last.has_crc is has_crc:
            telegram = self._update(text, self._last)
        if telegram is None:
            telegram = self._read(frame)
            self._form = form
        self._last = telegram
        return telegram

    def _update(self, text: bytes, last: Telegram) -> Telegram | None:
        """Read the digits that differ from the last telegram; None where others do than those of changing values."""
        lines = text[1:-1].decode("latin-1").split("\r\n")
        if len(lines) != len(self._lines):
            # Other line ends.
            return None
        fields, values = self._fields, last.values.copy()
        changes: list[int] = []
        for number in compress(count(), map(ne, lines, self._lines, strict=True)):
            line = lines[number]
            head, begin, end, unit, read, place, stop = fields[number]
            if not line.startswith(head):
                return None
            if read is None:
                values[place] = _new_value(CosemValue, ("", Decimal(line[begin:end]), unit, None))
                changes.append(place)
                continue
            parsed = read(line)
            if parsed is None or len(parsed) != stop - place:
                return None
            values[place:stop] = parsed
            changes += range(place, stop)
        self._lines = lines
        self._other_registers = ()
        return Telegram(
            last.identification,
            last.country,
            last.spans,
            values,
            last.malformed,
            last.has_crc,
            text,
            self._number,
            changes,
        )

    def _read(self, frame: PlainFrame) -> Telegram:
        """Read every line that is not as it was."""
        lines = _split(frame.text)
        identification = lines[0].strip()
        country = country_of(identification)
        # Times are local.
        known = self._objects if self._last is not None and self._last.country is country else {}
        found: list[tuple[str, CosemObject]] = []
        malformed: list[str] = []
        whole: dict[int, int] = {}
        before = ""
        for number, line in enumerate(lines[1:], 1):
            obj = known.get(line) or self._parser.parse(line, country)
            if obj is not None:
                whole[number] = len(found)
                found.append((line, obj))
                before = line
            elif line.strip(" \t\0"):
                before = self._join(before, line, country, found, malformed)
                # What was joined is no whole line, and neither is what it was joined to.
                whole = {number: place for number, place in whole.items() if place < len(found) - 1}
        if not found:
            message = "no COSEM object"
            raise TelegramError(message)
        objects = [obj for _, obj in found]
        if not frame.has_crc:
            _check_unsealed(objects, malformed)
            self._compare_registers(lines[0], found)
        spans = _spans(objects)
        if self._last is not None and spans == self._last.spans:
            spans = self._last.spans
        self._lines = lines
        self._objects = {lines[number]: objects[place] for number, place in whole.items()}
        self._fields = [_NO_FIELD] * len(lines)
        for number, place in whole.items():
            self._fields[number] = self._field(lines[number], objects[place], spans[place], country)
        return Telegram(
            identification=identification,
            country=country,
            spans=spans,
            values=[value for obj in objects for value in obj.values],
            malformed=tuple(malformed),
            has_crc=frame.has_crc,
            text=frame.text,
            number=self._number,
        )

    def _field(self, line: str, obj: CosemObject, span: Span, country: Country) -> _Field:
        """Tell what of a line may change."""
        line_type, start, stop = span
        if line_type.shape in _NUMBERS and not is_deciding(line_type.candidates[0]):
            match = _NUMBER.fullmatch(line)
            if match is not None:
                return _Field(match[1], *match.span(2), obj.values[0].unit, None, start, stop)
        head = line[: line.index("(") + 1]
        return _Field(head, 0, 0, None, self._parser.reader(line, line_type, country), start, stop)

    def _join(
        self, before: str, line: str, country: Country, found: list[tuple[str, CosemObject]], malformed: list[str]
    ) -> str:
        """Put a line that is no object by itself behind the one before it, where that makes an object.

        A value of DSMR 3 stands on a line of its own, and some bridges break long lines. Gives the line as it is now.
        """
        was_malformed = bool(malformed) and malformed[-1] == before
        # A complete object takes no more than further values.
        if before and (line.startswith("(") or (was_malformed and not begins_object(line))):
            joined = before + line
            obj = self._parser.parse(joined, country)
            if obj is not None:
                if was_malformed:
                    malformed.pop()
                else:
                    found.pop()
                found.append((joined, obj))
                return joined
            if was_malformed:
                malformed[-1] = joined
                return joined
        malformed.append(line)
        return line

    def _compare_registers(self, identification: str, found: list[tuple[str, CosemObject]]) -> None:
        """Refuse a telegram without checksum that has other registers than the one before, or in another form.

        Meters send each number with all its digits, so that only digits change: otherwise bytes were lost or doubled. A
        form that comes twice is a new one. Raises TelegramError.
        """
        registers = (identification, *(_form_of(line) for line, obj in found if _is_register(obj)))
        known = self._registers
        if known and registers[0] == known[0] and registers not in (known, self._other_registers):
            self._other_registers = registers
            message = "the registers differ in form from the telegram before"
            raise TelegramError(message)
        self._registers, self._other_registers = registers, ()


def _is_register(obj: CosemObject) -> bool:
    return bool(obj.candidates) and obj.candidates[0].channel.quantity in REGISTERS


def _form_of(line: str) -> str:
    """Give what of a line never changes: the reference, and the places of the digits."""
    head, parenthesis, values = line.partition("(")
    return head + parenthesis + values.translate(_DIGITS)


def _split(text: bytes) -> list[str]:
    """Give the lines, the identification first, without the `/` and the `!`."""
    # Latin-1 gives every byte a character: a byte of noise must not cost more than its line.
    decoded = text[1:-1].decode("latin-1")
    lines = decoded.split("\r\n")
    if decoded.count("\n") == decoded.count("\r") == len(lines) - 1:
        return lines
    return decoded.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _spans(objects: list[CosemObject]) -> list[Span]:
    stops = list(accumulate(len(obj.values) for obj in objects))
    return [Span(obj.line_type, start, stop) for obj, start, stop in zip(objects, [0, *stops], stops, strict=False)]


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
    if any(line.count("(") != line.count(")") or has_control(line) for line in malformed):
        message = "a line is torn"
        raise TelegramError(message)
