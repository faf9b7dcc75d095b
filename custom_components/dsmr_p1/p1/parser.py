"""Parsing: one checked frame after the other in, telegrams out.

A meter sends the same telegram again and again, with other digits. So the last telegram is remembered: a line that
stands there to the letter is not read again, and where nothing but digits changed in all of the text, no more than
those digits are read. No more than the last telegram is remembered.
"""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import accumulate, compress, count
from operator import ne
import re
from typing import Final, NamedTuple

from . import catalog
from .catalog import Quantity
from .catalog.proofs import proven_country
from .clock import CENTRAL, CENTRAL_STANDARD, Clock
from .countries import Country, country_in_zone
from .errors import TelegramError
from .frames import PlainFrame
from .lines import LineParser, LineReader, begins_object, has_control, is_deciding
from .obis import Obis
from .telegram import REGISTERS, CosemObject, Span, Telegram
from .units import Unit
from .values import CosemValue, Shape

# Digits -> zeros: what is left of a text is its form.
_FORM: Final = bytes.maketrans(b"123456789", b"000000000")
# A line that is one number with or without unit, of at most 15 digits: where the number stands.
_NUMBER: Final = re.compile(r"([^(]*\()([+-]?[0-9]{1,9}(?:\.[0-9]{1,6})?)(?:\*[^0-9()]+)?\)")
_SHAPES_OF_NUMBERS: Final = (Shape.DECIMAL, Shape.NUMBER, Shape.MEASURED)
# The constructor of the named tuple of which a telegram has the most, without the detour over keyword arguments.
_new_value: Final[Callable[[type[CosemValue], tuple[object, ...]], CosemValue]] = tuple.__new__


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
_NO_FIELD: Final = _Field(head="\n", begin=0, end=0, unit=None, read=None, place=0, stop=0)


class _Lines(NamedTuple):
    """What the lines of a frame are: the objects with their texts, and the lines that are none.

    `whole` are the lines that are an object by themselves, by the number of the line the place of the object.
    """

    found: list[tuple[str, CosemObject]]
    malformed: list[str]
    whole: dict[int, int]


class TelegramParser:
    """Reads the telegrams of one port, one after the other."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        """Start with nothing remembered.

        `zone` is the time zone of the place; without one it is that of the country which a telegram proves.
        """
        self._zone = zone
        self._clock = Clock(zone or CENTRAL)
        self._line_parser = LineParser()
        self._number = 0
        # Of the last telegram: its form, its lines, which of them are what objects, and what of them may change.
        self._last: Telegram | None = None
        self._form = b""
        self._lines: list[str] = [""]
        self._objects: dict[str, CosemObject] = {}
        self._fields: list[_Field] = []
        self._twins: list[tuple[int, int]] = []
        # Of a port without checksum: what no telegram but a new meter's changes, and what one told otherwise.
        self._constants: tuple[object, ...] = ()
        self._other_constants: tuple[object, ...] = ()

    def set_zone(self, zone: tzinfo) -> None:
        """Read the times of the telegrams to come in another time zone."""
        self._zone, self._clock, self._last = zone, Clock(zone), None

    def parse(self, frame: PlainFrame) -> Telegram:
        """Read a frame whose checksum, if any, is right.

        Raises TelegramError where it cannot be believed: nothing in it is an object, or one register stands in it with
        two values. Without checksum also where the version it declares has one, where a line is torn, and where it is
        not of the meter of the telegram before: see `_compare_constants`.
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
            # A bridge changed the line ends: what ends a line there may stand in one here.
            return None
        fields, values = self._fields, list(last.values)
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
        if self._twins:
            _compare_twins(self._twins, values)
        self._lines = lines
        self._other_constants = ()
        return Telegram(
            last.identification,
            last.country,
            last.clock,
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
        country = proven_country(lines)
        clock = self._clock_of(country)
        found, malformed, whole = self._read_lines(lines, clock)
        objects = [obj for _, obj in found]
        if not objects:
            message = "no COSEM object"
            raise TelegramError(message)
        values = [value for obj in objects for value in obj.values]
        spans: Sequence[Span] = _spans(objects)
        twins = _twins(spans)
        _compare_twins(twins, values)
        if not frame.has_crc:
            _check_unsealed(identification, objects, malformed)
            self._compare_constants(identification, found)
        if self._last is not None and spans == self._last.spans:
            spans = self._last.spans
        self._lines, self._twins = lines, twins
        self._objects = {lines[number]: objects[place] for number, place in whole.items()}
        self._fields = [_NO_FIELD] * len(lines)
        for number, place in whole.items():
            self._fields[number] = self._field(lines[number], objects[place], spans[place], clock)
        return Telegram(
            identification=identification,
            country=country,
            clock=clock,
            spans=spans,
            values=values,
            malformed=tuple(malformed),
            has_crc=frame.has_crc,
            text=frame.text,
            number=self._number,
        )

    def _clock_of(self, country: Country | None) -> Clock:
        """Return the clock of a place: of the time zone that is known, else of the country that is proven."""
        zone = self._zone or (CENTRAL if country is None else country.zone)
        # A meter with standard time all year has it wherever Home Assistant believes it to be, and whatever the rules
        # of its place are.
        for place in (country, country_in_zone(str(zone))):
            if place is not None and place.zone is CENTRAL_STANDARD:
                zone = CENTRAL_STANDARD
        if self._clock.zone is not zone:
            self._clock = Clock(zone)
        return self._clock

    def _read_lines(self, lines: list[str], clock: Clock) -> _Lines:
        """Find the objects in the lines, but for those that the last telegram had to the letter."""
        # Only in the same place a line has the same times.
        known = self._objects if self._last is not None and self._last.clock is clock else {}
        found, malformed, whole = _Lines([], [], {})
        before = ""
        # The last object is a profile whose values have not come yet: they may follow on lines of their own.
        is_open = False
        for number, line in enumerate(lines[1:], 1):
            obj = known.get(line) or self._line_parser.parse(line, clock)
            if obj is not None and is_open and _is_known_register(obj, found):
                found[-1] = self._with_value(found[-1], line, clock)
            elif obj is not None:
                is_open = obj.line_type.shape is Shape.MONTH_END and len(obj.values) == 1
                whole[number] = len(found)
                found.append((line, obj))
                before = line
            elif line.strip(" \t\0"):
                before = self._join(before, line, clock, found, malformed)
        # A line that another was joined to is not the object any more.
        return _Lines(
            found, malformed, {line: place for line, place in whole.items() if found[place][0] == lines[line]}
        )

    def _with_value(self, profile: tuple[str, CosemObject], line: str, clock: Clock) -> tuple[str, CosemObject]:
        """Return a profile with one more value, that of a line behind it."""
        text = profile[0] + line[line.index("(") :]
        return text, self._line_parser.parse(text, clock) or profile[1]

    def _field(self, line: str, obj: CosemObject, span: Span, clock: Clock) -> _Field:
        """Tell what of a line may change."""
        line_type, start, stop = span
        if line_type.shape in _SHAPES_OF_NUMBERS and not is_deciding(line_type.candidates[0]):
            match = _NUMBER.fullmatch(line)
            if match is not None:
                return _Field(match[1], *match.span(2), unit=obj.values[0].unit, read=None, place=start, stop=stop)
        read = self._line_parser.reader(line, obj, clock)
        return _Field(line[: line.index("(") + 1], begin=0, end=0, unit=None, read=read, place=start, stop=stop)

    def _join(
        self, before: str, line: str, clock: Clock, found: list[tuple[str, CosemObject]], malformed: list[str]
    ) -> str:
        """Put a line that is no object by itself behind the one before it, where that makes an object.

        A value of DSMR 3 stands on a line of its own, and some bridges break long lines. Gives the line as it is now.
        """
        was_malformed = bool(malformed) and malformed[-1] == before
        # A complete object takes no more than further values.
        if before and (line.startswith("(") or (was_malformed and not begins_object(line))):
            joined = before + line
            obj = self._line_parser.parse(joined, clock)
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

    def _compare_constants(self, identification: str, found: list[tuple[str, CosemObject]]) -> None:
        """Refuse a telegram without checksum that is of another meter than the one before, or was damaged.

        A meter tells the same identifiers in every telegram, and sends each register with all its digits, so that only
        digits change: otherwise bytes were lost or doubled. What comes twice in a row is a new meter. Raises
        TelegramError.
        """
        constants = (identification, *(constant for line, obj in found if (constant := _constant(line, obj))))
        if self._constants and constants not in (self._constants, self._other_constants):
            self._other_constants = constants
            message = "the identifiers or the form of the registers differ from the telegram before"
            raise TelegramError(message)
        self._constants, self._other_constants = constants, ()


def _is_known_register(obj: CosemObject, found: list[tuple[str, CosemObject]]) -> bool:
    """Whether a register stands in the telegram already: behind a profile without values it is one of these."""
    return obj.line_type.shape is Shape.DECIMAL and any(other.obis == obj.obis for _, other in found)


def _constant(line: str, obj: CosemObject) -> object:
    """Give what of a line changes in no telegram of a meter; None where that is nothing."""
    if not obj.candidates:
        return None
    row = obj.candidates[0]
    if row.channel.quantity is Quantity.DEVICE_TYPE or row.id in catalog.IDENTIFIERS:
        return line
    if row.channel.quantity is Quantity.MEASURED:
        # A reference with a wrong bit is one that the catalog does not know, as a rule.
        return obj.obis
    if row.channel.quantity not in REGISTERS:
        return None
    head, _, values = line.partition("(")
    return head, values.encode("latin-1").translate(_FORM)


def _twins(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Find the values of lines without a time whose reference stands in the telegram twice."""
    seen: dict[Obis, int] = {}
    twins = []
    for line_type, start, _ in spans:
        if line_type.shape is Shape.DECIMAL:
            if line_type.obis in seen:
                twins.append((seen[line_type.obis], start))
            seen[line_type.obis] = start
    return twins


def _compare_twins(twins: list[tuple[int, int]], values: Sequence[CosemValue]) -> None:
    """Refuse a telegram in which one register stands with two values: two telegrams in one. Raises TelegramError."""
    if any(values[one] != values[other] for one, other in twins):
        message = "one register stands in it with two values"
        raise TelegramError(message)


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


def _check_unsealed(identification: str, objects: list[CosemObject], malformed: list[str]) -> None:
    """Refuse a telegram without checksum that should have one, or in which a line is torn.

    Raises TelegramError.
    """
    for obj in objects:
        if obj.candidates and (first := catalog.CRC_VERSIONS.get(obj.candidates[0].id)) is not None:
            version = obj.values[0].value
            if not (isinstance(version, str) and version.isdecimal() and int(version) < first):
                message = "no checksum, though the declared version has one"
                raise TelegramError(message)
    if "(" in identification or any(line.count("(") != line.count(")") or has_control(line) for line in malformed):
        message = "a line is torn"
        raise TelegramError(message)
