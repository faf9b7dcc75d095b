"""The lines of a telegram: one line in, the COSEM object that it is out.

What a line may stand for follows from its reference; the catalog knows. Which of the possible objects it is follows
from the shape of its values, and what belongs to it apart from the values is kept as its type: while the type of every
line stays the same, so do the meters of the port.
"""

from collections.abc import Callable
from decimal import Decimal
import re
from typing import Final

from . import catalog
from .catalog import ObjectType, Quantity
from .clock import Clock
from .obis import Obis
from .telegram import READINGS, CosemObject, LineType, is_placeholder
from .units import parse_unit
from .values import CosemValue, Shape, parse_timestamp

type LineReader = Callable[[str], tuple[CosemValue, ...] | None]
"""Reads the values of a line; None where the line is of another type than expected."""

_MOST_TYPES: Final = 512
"""Lines of different types that are remembered: ten times what the largest telegram has."""
_REFERENCE: Final = re.compile(r"\d{1,3}-\d{1,3}:\d{1,3}[.:]\d{1,3}[.:]\d{1,3}(?:[.*]\d{1,3})?\s*\(", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1F\x7F]")
_BETWEEN_VALUES: Final = re.compile(r"\)\s*\(")
# The forms in which most meters send times, and readings with a time.
_TIMESTAMP: Final = re.compile(r"[^(]*\(([0-9]{12}[SW])\)")
_TIMED_DECIMAL: Final = re.compile(r"[^(]*\(([0-9]{12}[SW])\)\(([0-9]{1,9}(?:\.[0-9]{1,6})?)\*([^()]+)\)")
_PADDING: Final = " \0"
_DECIDING: Final = (Quantity.DEVICE_TYPE, Quantity.IDENTIFIER, Quantity.VERSION)


class LineParser:
    """Reads the lines of one port, and remembers the types of those it has read."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._types: dict[str, LineType] = {}

    def parse(self, line: str, clock: Clock) -> CosemObject | None:
        """Read one line, with the times of a place; None where it is no reference with values."""
        line = line.rstrip(_PADDING)
        head, parenthesis, raw = line.partition("(")
        if not parenthesis or line[-1] != ")" or line.count("(") != line.count(")") or has_control(line):
            return None
        known = self._types.get(head)
        if known is None:
            try:
                obis = Obis.parse(head.rstrip())
            except ValueError:
                return None
            rows = catalog.candidates(obis) or catalog.uncatalogued(obis)
        else:
            obis, rows = known.obis, known.rows
        texts = _texts(raw)
        for row in rows:
            try:
                values = row.shape.decode(texts, clock)
            except ValueError:
                continue
            return CosemObject(self._line_type(head, obis, rows, row.shape, _trait(row, raw, values)), values)
        return CosemObject(self._line_type(head, obis, rows, None, ""), _unknown(raw))

    def reader(self, line: str, obj: CosemObject, clock: Clock) -> LineReader:
        """Give a function that reads the lines that differ from this one, an object, in digits of the values only."""
        line_type = obj.line_type

        def read(line: str) -> tuple[CosemValue, ...] | None:
            obj = self.parse(line, clock)
            return obj.values if obj is not None and obj.line_type is line_type else None

        # Only where no other object is tried first, for other digits may make one of it.
        if line_type.candidates and line_type.candidates[0] is line_type.rows[0] and not is_deciding(line_type.rows[0]):
            if line_type.shape is Shape.TIMESTAMP and (match := _TIMESTAMP.fullmatch(line)):
                return _time_reader(match, clock)
            if line_type.shape is Shape.TIMED_DECIMAL and (match := _TIMED_DECIMAL.fullmatch(line)):
                return read if is_placeholder(obj.values[0]) else _timed_reader(match, clock, read)
        return read

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


def _time_reader(match: re.Match[str], clock: Clock) -> LineReader:
    start, stop = match.span(1)

    def read(line: str) -> tuple[CosemValue, ...]:
        return (CosemValue("", parse_timestamp(line[start:stop], clock)),)

    return read


def _timed_reader(match: re.Match[str], clock: Clock, read_anew: LineReader) -> LineReader:
    time_start, time_stop = match.span(1)
    start, stop = match.span(2)
    unit, tail = parse_unit(match[3]), match.string[stop:]

    def read(line: str) -> tuple[CosemValue, ...] | None:
        timestamp, number = parse_timestamp(line[time_start:time_stop], clock), Decimal(line[start:stop])
        if not number or timestamp is None or not line.endswith(tail):
            # It may be a placeholder, or of another unit.
            return read_anew(line)
        return (CosemValue("", number, unit, timestamp), CosemValue("_timestamp", timestamp))

    return read


def begins_object(line: str) -> bool:
    """Tell whether a line begins with a reference and a value."""
    return _REFERENCE.match(line) is not None


def has_control(line: str) -> bool:
    """Tell whether a line has control characters: it was torn, or is noise."""
    return not line.isprintable() and _CONTROL.search(line) is not None


def _texts(raw: str) -> list[str]:
    """Give the texts between the parentheses; the first parenthesis is left out already."""
    texts = raw[:-1].split(")(") if ") " not in raw else _BETWEEN_VALUES.split(raw[:-1])
    if "(" in texts[0]:
        # `((ER11))`: the parentheses belong to the value for some meters, but never to its meaning.
        texts = [text.strip("()") for text in texts]
    return texts


def _unknown(raw: str) -> tuple[CosemValue, ...]:
    return (CosemValue("", f"({raw}"),)


def is_deciding(row: ObjectType) -> bool:
    """Tell whether the value of an object, and not only its presence, decides what a meter is."""
    return row.channel.quantity in _DECIDING


def _trait(row: ObjectType, raw: str, values: tuple[CosemValue, ...]) -> str:
    if is_deciding(row):
        return raw
    value = values[0]
    is_none = is_placeholder(value) if row.shape in READINGS else row.shape is Shape.DECIMAL and value.value is None
    return f"{len(values)} {value.unit or ''} {'none' if is_none else ''}"
