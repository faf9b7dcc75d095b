r"""A telegram: the identification line and the COSEM objects, one line each.

/ISK5\2M550T-1012           identification: three letters of the maker, the speed digit, the maker's own text
                             (an empty line)
1-0:1.8.1(000123.456*kWh)    reference and values
!9DF0                        end and checksum, which framing has dealt with
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from .catalog import ObjectType, Quantity
from .clock import Clock
from .countries import Country
from .obis import Obis
from .values import CosemValue, Shape, parse_timestamp

REGISTERS: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER})
"""What a meter counts and a household pays for."""
READINGS: Final = (Shape.TIMED_DECIMAL, Shape.READING_V3)
"""The shapes of readings that a meter takes now and then, and tells the time of."""

_CLOCK_OBJECTS: Final = frozenset({"p1_timestamp", "clock_date", "clock_time"})


class LineType:
    """What a line is, apart from a value that changes: its reference, and the catalog's rows that this may stand for.

    `rows` are those of the reference, `candidates` those whose shape fits: none where the object is unknown. `trait` is
    what else of the line can change which meters there are, such as the unit. Types compare by identity.
    """

    __slots__ = ("candidates", "obis", "rows", "shape", "trait")

    def __init__(self, obis: Obis, rows: tuple[ObjectType, ...], shape: Shape | None, trait: str) -> None:
        """Take what is known of the line."""
        self.obis = obis
        self.rows = rows
        self.candidates = tuple(row for row in rows if row.shape is shape)
        self.shape = shape
        self.trait = trait


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
        """The catalog's rows that the object may be, of those of its reference; none where it is unknown."""
        return self.line_type.candidates

    @property
    def raw(self) -> str:
        """The values as sent, parentheses included, of an object that is unknown; else as they were read."""
        if self.line_type.shape is None:
            return str(self.values[0].value)
        return "".join(
            f"({'' if value is None else value}{'' if unit is None else f'*{unit}'})"
            for _, value, unit, _ in self.values
        )


class Span(NamedTuple):
    """An object of a telegram: what its line is, and which of the telegram's values are its own."""

    line_type: LineType
    start: int
    stop: int


class Telegram(NamedTuple):
    """One complete, checked telegram.

    `spans` tell which of the `values` belong to which object; they are the same list as before while the objects are
    the same. `malformed` are the lines that are no objects. `has_crc` tells whether the meter sent a checksum; it is
    right then. `number` counts the frames of the port. `changes` are the places of the values that may differ from
    those of the frame numbered one less; None where all may. `country` is the one that the telegram proves, None where
    it proves none; `clock` is what its local times mean.
    """

    identification: str
    country: Country | None
    clock: Clock
    spans: Sequence[Span]
    values: Sequence[CosemValue]
    malformed: tuple[str, ...]
    has_crc: bool
    text: bytes
    number: int = 0
    changes: Sequence[int] | None = None

    @property
    def objects(self) -> list[CosemObject]:
        """The objects, in the order of their lines."""
        return [self.object_at(place) for place in range(len(self.spans))]

    def object_at(self, place: int) -> CosemObject:
        """Give one of the objects."""
        line_type, start, stop = self.spans[place]
        return CosemObject(line_type, tuple(self.values[start:stop]))

    @property
    def timestamp(self) -> datetime | None:
        """The time of the telegram by the meter's clock; None where it sends none, or was never set."""
        texts = {}
        for line_type, start, _ in self.spans:
            if line_type.candidates and (row_id := line_type.candidates[0].id) in _CLOCK_OBJECTS:
                value = self.values[start].value
                if isinstance(value, datetime):
                    return value
                texts[row_id] = value
        date, time = (_digits(texts.get(name)) for name in ("clock_date", "clock_time"))
        return parse_timestamp(f"{date.removeprefix('20') if len(date) == _LONG_DATE else date}{time}", self.clock)


_LONG_DATE: Final = len("YYYYMMDD")
_SEPARATORS: Final = str.maketrans("", "", "-:./ ")


def _digits(text: object) -> str:
    """Return a date or a time without what some meters write between its numbers; empty where there is none."""
    return text.translate(_SEPARATORS) if isinstance(text, str) else ""


CLOCK_SET: Final = 2001
"""The first year that a clock which was set can tell; a clock that was not tells 2000 or before."""


def is_placeholder(value: CosemValue) -> bool:
    """Tell whether a reading is none: nothing, or zero at a time when the clock was not set."""
    return value.value is None or (not value.value and (value.timestamp is None or value.timestamp.year < CLOCK_SET))
