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
from .times import parse_timestamp
from .values import CosemValue, Shape

REGISTERS: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER})
"""What a meter counts and a household pays for."""
READINGS: Final = (Shape.TIMED_DECIMAL, Shape.READING_V3)
"""The shapes of readings that a meter takes now and then, and sends the time of."""
FORM: Final = bytes.maketrans(b"123456789", b"000000000")
"""Digits to zeros: what is left of a text is its form."""

_CLOCK_OBJECTS: Final = frozenset({"p1_timestamp", "clock_date", "clock_time"})


class CosemObject(NamedTuple):
    """One line of a telegram: what it is, and its values.

    `candidates` are the catalog's rows that it may be: those of its reference which have the `shape` of the values. An
    unknown object has none of both, and the text of its values as the value.
    """

    obis: Obis
    candidates: tuple[ObjectType, ...]
    shape: Shape | None
    values: tuple[CosemValue, ...]

    @property
    def raw(self) -> str:
        """The values as sent, parentheses included, of an object that is unknown; else as they were read."""
        if self.shape is None:
            return str(self.values[0].value)
        return "".join(
            f"({'' if value is None else value}{'' if unit is None else f'*{unit}'})"
            for _, value, unit, _ in self.values
        )


class Telegram(NamedTuple):
    """One complete, checked telegram.

    `objects` are in the order of their lines; `malformed` are the lines that are none. `has_crc`: the meter sent a
    checksum; it is right then. `country` is the one that the telegram proves, None where it proves none; `clock` is
    what its local times mean.
    """

    identification: str
    country: Country | None
    clock: Clock
    objects: Sequence[CosemObject]
    malformed: tuple[str, ...]
    has_crc: bool
    text: bytes

    @property
    def timestamp(self) -> datetime | None:
        """The time of the telegram by the meter's clock; None where it sends none, or was never set."""
        texts = {}
        for obj in self.objects:
            if obj.candidates and (row_id := obj.candidates[0].id) in _CLOCK_OBJECTS:
                value = obj.values[0].value
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
"""The first year of a clock that was set; one that was not shows 2000 or before."""


def is_placeholder(value: CosemValue) -> bool:
    """Whether a reading is none: nothing, or zero at a time when the clock was not set."""
    return value.value is None or (not value.value and (value.timestamp is None or value.timestamp.year < CLOCK_SET))
