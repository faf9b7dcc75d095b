"""The values of a COSEM object, by shape: parses the texts between the parentheses of a line to typed values.

A line is a reference and one or more values, `1-0:1.8.1(000123.456*kWh)`. How the values are read follows from
the object (DSMR 5.0.2 P1 sections 6.4 to 6.12, e-MUCS P1 5.3), and there are no more than a dozen ways. Each has a
function here; the comment above it shows a line from the wire. Nothing is rounded and no digit is added: a decimal
keeps the places the meter sent, and an impossible value is None, never a guess.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum, member
import re
from typing import Final, NamedTuple

from .clock import Clock
from .times import is_time, parse_timestamp
from .units import Unit, parse_unit

type Value = str | Decimal | datetime | None


class CosemValue(NamedTuple):
    """One value of a COSEM object, as the meter sent it.

    `suffix` is appended to the object's id (`_timestamp`), empty for the main value; `timestamp` is the time that the
    meter sends with the value.
    """

    suffix: str
    value: Value
    unit: Unit | None = None
    timestamp: datetime | None = None


new: Final = tuple.__new__
"""Makes a named tuple of all its fields, in half the time that its own constructor takes."""


# A number and what follows it: a blank or one of the separators in the field, then the unit.
_QUANTITY: Final = re.compile(r"\s*([+-]?[0-9]+(?:[.,][0-9]*)?)\s*[*_]?\s*([^0-9\s*_.,+-][^*]*)?")
# Placeholders for a missing time or number: bits that are all set, or dashes.
_NOTHING: Final = re.compile(r"(?:[Ff]+|-+|[0-9]{0,2}(?:255){3,}|63(?:25)+)[SWsw]?")
_PRINTABLE: Final = range(0x20, 0x7F)
_TARIFF_NAME: Final = re.compile(r"T?0*(\d{1,2})|", re.IGNORECASE)
# The words of some meters for a tariff, and for the position of a switch.
_WORDS: Final = re.compile(r"[A-Z]+ ([0-9]{1,2})|ON|OFF", re.IGNORECASE)
# Two quantities in one group: `65.0*A,-65.0*A`. A comma inside of a number has digits on both sides.
_BETWEEN_QUANTITIES: Final = re.compile(r"(?<=[A-Za-z]),(?=[+-]?\d)")
MOST_COLUMNS: Final = range(1, 9)
"""The most columns of a load profile; further ones would be lost."""
# The reference of a column of a load profile; some meters leave out the medium and the channel.
_COLUMN: Final = re.compile(r"(?:[0-9]{1,3}-[0-9]{1,3}:)?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?:\*[0-9]{1,3})?")


MOST_DIGITS: Final = 15
"""The digits of a number: no register has more than ten, and a float has no room for more."""


def parse_quantity(text: str) -> tuple[Decimal | None, Unit | None]:
    """Read `000123.456*kWh`; an empty text is no value, nor is a number that is too long.

    Raises ValueError if the text is not a number with a unit.
    """
    if not text.strip():
        return None, None
    if (match := _QUANTITY.fullmatch(text)) is None:
        raise ValueError(f"no number: {text!r}")
    digits, spelling = match.groups(default="")
    unit = parse_unit(spelling)
    if spelling and unit is None:
        # A number with an unknown unit is not a number of the expected quantity.
        raise ValueError(f"no unit: {spelling!r}")
    if len(digits) > MOST_DIGITS and sum(map(str.isdecimal, digits)) > MOST_DIGITS:
        return None, unit
    return Decimal(digits.replace(",", ".")), unit


def quantity_or_none(text: str) -> tuple[Decimal | None, Unit | None]:
    """Read one number of a list; None if it is invalid, so that the others are not lost."""
    try:
        return parse_quantity(text)
    except ValueError:
        return None, None


def number_of_words(text: str) -> Decimal | None:
    """Return the number of a tariff or a position in words, `TARIFF 1` or `ON`; None if there is none."""
    match = _WORDS.fullmatch(text)
    return match and Decimal(match[1] or text.upper() == "ON")


def decode_hex_text(text: str) -> str:
    """Read text sent as pairs of hexadecimal digits; any other text is returned unchanged.

    Identifiers are hexadecimal text by the standard, but some meters send them plain, or as digits that are hexadecimal
    and no text (Warmtelink: `ADB3100000045771`). Only digits that decode completely to printable text are decoded.
    """
    text = text.strip()
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return text
    if not octets or any(octet not in _PRINTABLE for octet in octets):
        return text
    return octets.decode("ascii").strip()


def decode_message(text: str) -> str:
    """Read a message to the consumer: pairs of hexadecimal digits as UTF-8, else as latin-1; plain text stays.

    Control characters are left out. Digits that decode to no text are returned unchanged; a field of only FF is empty.
    """
    text = text.strip()
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return text
    octets = octets.strip(b"\xff\x00")
    try:
        message = octets.decode()
    except UnicodeDecodeError:
        message = octets.decode("latin-1")
        if 2 * sum(octet in _PRINTABLE for octet in octets) < len(octets):
            return text
    message = "".join(character if character.isprintable() else " " for character in message)
    return " ".join(message.split()) or ("" if not octets else text)


# 0-0:96.7.21(00004)
def _number(text: str) -> Decimal | None:
    return parse_quantity(text)[0]


# 1-3:0.2.8(50)    1-3:0.2.8(3231313130)
def _version(text: str) -> str:
    # Two digits are hexadecimal text as well, but only of a longer one the meaning is digits.
    plain = text.strip()
    decoded = decode_hex_text(plain)
    return decoded if decoded.isdecimal() else plain


# 0-0:96.14.0(0002)    0-0:96.14.0(5431)    0-0:96.14.0(T1)    0-0:96.14.0(TARIFF 1)    0-0:96.3.10(ON)
def _state(text: str) -> Decimal | str | None:
    state = decode_hex_text(text)
    if _WORDS.fullmatch(state):
        return state
    decoded = _TARIFF_NAME.fullmatch(state)
    return _number((decoded[1] or "") if decoded else text)


type Decoder = Callable[[Sequence[str], Clock], tuple[CosemValue, ...]]


def _single(read: Callable[[str], Value]) -> Decoder:
    """Return the decoder of a shape that is one value without a unit."""
    return lambda texts, _clock: (CosemValue("", read(texts[0])),)


# 1-0:1.8.1(123456.789*kWh)
def _decimal(texts: Sequence[str], _clock: Clock) -> tuple[CosemValue, ...]:
    return (CosemValue("", *parse_quantity(texts[0])),)


# 1-0:31.4.0(200.00*A)    1-1:31.4.0(040*A)(-040*A)    1-1:31.4.0(65.0*A,-65.0*A): for import, and for export
def _decimal_pair(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    if len(texts) == 1:
        texts = _BETWEEN_QUANTITIES.split(texts[0])
    return (*_decimal(texts, clock), *(CosemValue("_export", *parse_quantity(text)) for text in texts[1:2]))


# 0-0:1.0.0(101209113020W)
def _timestamp(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    return (CosemValue("", parse_timestamp(texts[0], clock)),)


# 0-1:24.2.1(101209112500W)(12785.123*m3)    7-0:23.1.0(01238.740*m3)(19-01-01 00:00:00)    1-0:1.6.0(02.589*kW)
def _timed_decimal(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    value, when = texts[0], ""
    if len(texts) > 1:
        value, when = texts[:2] if _is_value_first(texts[0], texts[1]) else texts[1::-1]
    elif is_time(value.strip()) or _NOTHING.fullmatch(value.strip()):
        value, when = "", value
    if _NOTHING.fullmatch(value.strip()):
        value = ""
    number, unit = parse_quantity(value)
    return _timed(number, unit, parse_timestamp(when, clock))


def _is_value_first(first: str, second: str) -> bool:
    """Whether a number stands before its time; the time may be unreadable."""
    first, second = first.strip(), second.strip()
    if is_time(first) or not first or _NOTHING.fullmatch(first):
        return False
    if is_time(second) or not second or _NOTHING.fullmatch(second):
        return True
    # Neither is a time: the one with a unit is the number, else the second, as in the standard.
    return "*" in first and "*" not in second


# 0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)
# (00001.001)
def _reading_v3(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    fixed = 6
    if len(texts) < fixed and texts[0].strip() and not is_time(texts[0].strip()):
        raise ValueError("no reading of DSMR 3")
    timestamp = parse_timestamp(texts[0], clock)
    # The status in the second place is not a number on some meters; it and the two values after it are not used.
    unit = parse_unit(texts[fixed - 1]) if len(texts) >= fixed else None
    number, own_unit = parse_quantity(texts[fixed]) if len(texts) > fixed else (None, None)
    return _timed(number, own_unit or unit, timestamp)


def _timed(number: Decimal | None, unit: Unit | None, timestamp: datetime | None) -> tuple[CosemValue, ...]:
    return (CosemValue("", number, unit, timestamp), CosemValue("_timestamp", timestamp))


# 1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004W)(0000000301*s)    1-0:99.97.0()
def _failure_log(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    count, _ = quantity_or_none(texts[0])
    parts = [CosemValue("_entries", count)]
    for number, (when, duration) in enumerate(zip(texts[2::2], texts[3::2], strict=False)):
        timestamp = parse_timestamp(when, clock)
        seconds, _ = quantity_or_none(duration)
        # Some meters leave the unit out; the standard knows no other.
        parts.append(CosemValue(f"_timestamp{number}", timestamp))
        parts.append(CosemValue(f"_duration{number}", seconds, Unit.SECOND, timestamp))
    return tuple(parts)


# 0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)(200501000000S)(200423192538S)(03.695*kW)(200401000000S)(200305122139S)(05.980*kW)
def _monthly_peaks(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    if is_time(texts[0].strip()) or (len(texts) > 1 and (":" not in texts[1] or texts[1:2] != texts[2:3])):
        raise ValueError("no list of monthly peaks")
    count, _ = quantity_or_none(texts[0])
    peaks = [
        (parse_timestamp(month, clock), parse_timestamp(when, clock), *quantity_or_none(peak))
        for month, when, peak in zip(texts[3::3], texts[4::3], texts[5::3], strict=False)
    ]
    # Meters send the list in either order. The newest month comes first here, so that a number always means the same
    # age.
    peaks.sort(key=lambda peak: peak[0].timestamp() if peak[0] else 0.0, reverse=True)
    parts = [CosemValue("_entries", count)]
    for number, (month, when, peak, unit) in enumerate(peaks):
        parts.append(CosemValue(f"_month{number}", month))
        parts.append(CosemValue(f"_timestamp{number}", when))
        parts.append(CosemValue(f"{number}", peak, unit, when))
    return tuple(parts)


# 0-0:98.1.0(230701000000S)(000040.777*kWh)(000008.950*kWh)...
def _month_end(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    if not is_time(when := texts[0].strip()) and when and not _NOTHING.fullmatch(when):
        raise ValueError("no list of one month")
    timestamp = parse_timestamp(texts[0], clock)
    values = (
        CosemValue(f"_value{number}", *quantity_or_none(text), timestamp) for number, text in enumerate(texts[1:])
    )
    return (CosemValue("_timestamp", timestamp), *values)


# 0-0:98.1.0(2)(1-0:1.8.0)(kWh)(1-0:2.8.0)(kWh)(240101000000W)(000012.3)(000004.5)(240102000000W)(000012.9)(000004.5)
# 0-0:98.1.1(1)(1-0:1.8.1)(1-0:1.8.2)(240101000000W)(000012.3*kWh)(000004.5*kWh)
def _load_profile(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    count, _ = quantity_or_none(texts[0])
    units: list[Unit | None] = []
    place = 1
    while place < len(texts) and _COLUMN.fullmatch(texts[place].strip()):
        place += 1
        unit = parse_unit(texts[place]) if place < len(texts) else None
        units.append(unit)
        place += unit is not None
    if len(units) not in MOST_COLUMNS:
        raise ValueError("no columns, or more than known")
    parts = [CosemValue("_entries", count)]
    width = len(units) + 1
    for number, start in enumerate(range(place, len(texts) - width + 1, width)):
        timestamp = parse_timestamp(texts[start], clock)
        parts.append(CosemValue(f"_timestamp{number}", timestamp))
        for column, (text, unit) in enumerate(zip(texts[start + 1 : start + width], units, strict=True), 1):
            value, own_unit = quantity_or_none(text)
            parts.append(CosemValue(f"_column{column}_value{number}", value, own_unit or unit, timestamp))
    return tuple(parts)


# 1-0:99.1.7(000123.456*kWh)    0-1:24.9.1(101209112500W)(12785.123*m3)
def _measured(texts: Sequence[str], clock: Clock) -> tuple[CosemValue, ...]:
    """Read a number of which only the unit is known; without a unit it is not used."""
    value, *others = texts if len(texts) == 1 or not is_time(texts[0].strip()) else texts[::-1]
    number, unit = parse_quantity(value)
    is_two = len(others) > 1 or any(not is_time(other.strip()) for other in others)
    if number is None or unit is None or is_time(value.strip()) or is_two:
        raise ValueError("no number with a unit")
    return (CosemValue("", number, unit, parse_timestamp(others[0], clock) if others else None),)


class Shape(Enum):
    """How the values of an object are read."""

    TEXT = member(_single(str.strip))  # 1-0:0.2.0(1.0.3)
    HEX_TEXT = member(_single(decode_hex_text))  # 0-0:96.1.1(4B384547303034303436333935353037)
    MESSAGE = member(_single(decode_message))  # 0-0:96.13.0(5374726F6D7374C3B672756E67)
    VERSION = member(_single(_version))
    NUMBER = member(_single(_number))
    STATE = member(_single(_state))
    DECIMAL = member(_decimal)
    DECIMAL_PAIR = member(_decimal_pair)
    TIMESTAMP = member(_timestamp)
    TIMED_DECIMAL = member(_timed_decimal)
    READING_V3 = member(_reading_v3)
    FAILURE_LOG = member(_failure_log)
    MONTHLY_PEAKS = member(_monthly_peaks)
    MONTH_END = member(_month_end)
    LOAD_PROFILE = member(_load_profile)
    MEASURED = member(_measured)

    decode: Decoder
    """Reads the texts between the parentheses; the main value, if any, comes first.

    Raises ValueError if the texts do not have this shape.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decode = decoder
