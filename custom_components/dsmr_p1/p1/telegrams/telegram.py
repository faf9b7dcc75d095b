r"""A telegram: the identification line and the COSEM objects, one line each.

/ISK5\2M550T-1012           identification: three letters of the maker, the speed digit, the maker's own text
                             (an empty line)
1-0:1.8.1(000123.456*kWh)    reference and values
!9DF0                        end and checksum, which framing has dealt with
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ..catalog import ObjectType, Quantity
from ..cosem.clock import Clock
from ..cosem.countries import Country
from ..cosem.obis import Obis
from ..cosem.times import parse_timestamp
from ..cosem.values import CosemValue, Shape

REGISTERS: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER})
"""Registers that a household pays for."""
READINGS: Final = (Shape.TIMED_DECIMAL, Shape.READING_V3)
"""The shapes of readings that a meter takes periodically and sends with their time."""
FORM: Final = bytes.maketrans(b"123456789", b"000000000")
"""Maps digits to zeros, which leaves the form of a text."""

_CLOCK_OBJECTS: Final = frozenset({"p1_timestamp", "clock_date", "clock_time"})


class CosemObject(NamedTuple):
    """One line of a telegram: its object and its values.

    `candidates` are the possible rows of the catalog: those of its reference which have the `shape` of the values. An
    unknown object has neither, and the text of its values as its value.
    """

    obis: Obis
    candidates: tuple[ObjectType, ...]
    shape: Shape | None
    values: tuple[CosemValue, ...]

    @property
    def id(self) -> str:
        """The id of its row, of several the first; empty for an unknown object."""
        return self.candidates[0].id if self.candidates else ""

    @property
    def quantity(self) -> Quantity | None:
        """The quantity of its row, of several the first; None for an unknown object."""
        return self.candidates[0].channel.quantity if self.candidates else None

    @property
    def raw(self) -> str:
        """The values as sent, parentheses included, for an unknown object; else as they were read."""
        if self.shape is None:
            return str(self.values[0].value)
        return "".join(
            f"({'' if value is None else value}{'' if unit is None else f'*{unit}'})"
            for _, value, unit, _ in self.values
        )


class Telegram(NamedTuple):
    """One complete, checked telegram.

    `objects` are in the order of their lines; `malformed` are the other lines. `has_crc`: the meter sent a
    checksum, and it is right. `country` is the one that the telegram proves, None if it proves none; `clock` defines
    its local times. `timestamp` is the time by that clock; None if it sends none, or was never set.
    """

    identification: str
    country: Country | None
    clock: Clock
    objects: Sequence[CosemObject]
    malformed: tuple[str, ...]
    has_crc: bool
    text: bytes
    timestamp: datetime | None


_SEPARATORS: Final = str.maketrans("", "", "-:./ ")


def time_in(objects: Sequence[CosemObject], clock: Clock) -> datetime | None:
    """Return the time of a telegram by the meter's clock; None if it sends none, or its clock was never set."""
    texts = {"clock_date": "", "clock_time": ""}
    for obj in objects:
        if obj.candidates and (row_id := obj.candidates[0].id) in _CLOCK_OBJECTS:
            value = obj.values[0].value
            if isinstance(value, datetime):
                return value
            if isinstance(value, str):
                texts[row_id] = value.translate(_SEPARATORS)
    date, time = texts.values()
    return parse_timestamp((date.removeprefix("20") if len(date) == len("YYYYMMDD") else date) + time, clock)


CLOCK_SET: Final = 2001
"""The first year of a clock that was set; one that was not shows 2000 or before."""


def is_placeholder(value: CosemValue) -> bool:
    """Whether a reading is a placeholder: no value, or zero at a time when the clock was not set."""
    return value.value is None or (not value.value and (value.timestamp is None or value.timestamp.year < CLOCK_SET))
