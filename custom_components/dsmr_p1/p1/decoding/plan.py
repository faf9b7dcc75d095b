"""The plan: the positions of the digits of the last telegram, and the channels they belong to.

A meter sends the same telegram again and again, with other digits. Where a telegram has the form of the last one, only
the lines that differ are read, and put into their channels; whatever else changes is read from scratch. A line has no
place in the plan where its digits decide what a meter is, or which line is which channel.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import compress
from operator import ne
import re
from typing import Final

from ..catalog import Quantity
from ..cosem.clock import Clock
from ..cosem.times import parse_timestamp
from ..cosem.units import Unit
from ..cosem.values import CosemValue, Shape, new
from ..meters.detection import Detection, Layout, Meter
from ..meters.limits import is_total
from ..telegrams.lines import parse_line, possible_rows
from ..telegrams.parser import Parsed
from ..telegrams.telegram import FORM, READINGS, CosemObject, Telegram, is_placeholder, time_in

# The forms of most lines: a time, a number of at most 15 digits with or without a unit, and a reading with its time.
_TIMESTAMP: Final = re.compile(r"([^(]*\()([0-9]{12}[SW])\)")
_NUMBER: Final = re.compile(r"([^(]*\()([+-]?[0-9]{1,9}(?:\.[0-9]{1,6})?)(?:\*[^0-9()]+)?\)")
_TIMED_DECIMAL: Final = re.compile(r"([^(]*\()[0-9]{12}[SW]\)\(([0-9]{1,9}(?:\.[0-9]{1,6})?)(\*[^()]+\))")
_TIME_LENGTH: Final = 13
_SHAPES_OF_NUMBERS: Final = (Shape.DECIMAL, Shape.NUMBER, Shape.MEASURED)
_DECIDING: Final = (Quantity.DEVICE_TYPE, Quantity.IDENTIFIER, Quantity.VERSION)
"""The quantities whose values, and not only their presence, decide what a meter is."""


type _Way = tuple[_LineReader | None, str, int, int, Unit | None, str]
"""How a line is read: by what, or as a number; the text before its digits; where the digits of a number stand; the unit
of the number, and the text behind it.
"""
type _LineReader = Callable[[str, _Way, CosemObject, Clock], tuple[CosemValue, ...] | None]
"""Reads the values of a line, given the object of the last one; None if it is another object than in the plan."""


class Plan:
    """Reads the telegrams that differ from the last one in digits only."""

    def __init__(
        self, parsed: Parsed, layouts: Sequence[Layout], unknown: Sequence[int], meters: tuple[Meter, ...]
    ) -> None:
        self.meters = {meter.profile.slot: meter for meter in meters}
        self._sent = meters
        self._telegram = telegram = parsed.telegram
        self._form = telegram.text.translate(FORM)
        self._lines = parsed.lines
        self._unknown = unknown
        # The object that is the time of the telegram.
        timed = () if telegram.timestamp is None else telegram.objects
        self._time_at = next((at for at, obj in enumerate(timed) if obj.values[0].value is telegram.timestamp), None)
        self._derived = {layout.profile.slot: layout.derived for layout in layouts}
        # For each line: its number, how it is read, the number of its object, its meter, the channels of its first and
        # its other values, and whether the first is a total; no other is. Rows of a table and no functions of their
        # own, which would take twice the memory for every port.
        self._plan: list[tuple[int, _Way, int, str, str, tuple[str, ...], bool]]
        self._plan = [(0, _FIXED, 0, "", "", (), False)] * len(parsed.lines)
        totals = {
            (profile.slot, channel_id)
            for profile, channels in meters
            for channel_id, value in channels.items()
            if is_total(profile.channel_types[channel_id], profile.role, value.unit)
        }
        takers = {
            (place, part): (layout.profile.slot, channel_id)
            for layout in layouts
            for channel_id, place, part in layout.takes
        }
        often = Counter(obj.obis for obj in telegram.objects)
        for number, place in parsed.places.items():
            obj = telegram.objects[place]
            # Of readings that stand there often, another one is the newest every hour; registers must be alike.
            if often[obj.obis] == 1 and obj.quantity not in _DECIDING:
                own = [takers.get((place, part), ("", "")) for part in range(len(obj.values))]
                # The values of a line belong to one meter, those that no meter claims to none.
                slot = max(slot for slot, _ in own)
                first, *others = (channel_id for _, channel_id in own)
                way = _way(parsed.lines[number], obj)
                self._plan[number] = number, way, place, slot, first, tuple(others), own[0] in totals

    def read(self, text: bytes, *, has_crc: bool) -> tuple[Telegram, Detection] | None:
        """Read the lines that differ from the last telegram; None if they do not follow the plan."""
        last = self._telegram
        if text.translate(FORM) != self._form or last.has_crc is not has_crc:
            return None
        lines = text[1:-1].decode("latin-1").split("\r\n")
        if len(lines) != len(self._lines):
            # A bridge changed the line ends: a character that ends a line there may be part of one here.
            return None
        objects, clock = list(last.objects), last.clock
        changed: defaultdict[str, dict[str, CosemValue]] = defaultdict(dict)
        totals: list[tuple[str, str, CosemValue]] = []
        differ = map(ne, lines, self._lines, strict=False)
        for number, way, place, slot, first, others, is_total_line in compress(self._plan, differ):
            line, obj = lines[number], objects[place]
            read, head, begin, end, unit, _ = way
            if read is not None:
                if (found := read(line, way, obj, clock)) is None:
                    return None
            elif line.startswith(head):
                found = (new(CosemValue, ("", Decimal(line[begin:end]), unit, None)),)
            else:
                return None
            obis, candidates, shape, _ = obj
            objects[place] = new(CosemObject, (obis, candidates, shape, found))
            channels = changed[slot]
            channels[first] = found[0]
            if is_total_line:
                totals.append((slot, first, found[0]))
            if others:
                channels.update(zip(others, found[1:], strict=True))
        self._update(changed)
        self._lines = lines
        # The line that had the time in the last telegram has it, as a rule.
        time = None if self._time_at is None else objects[self._time_at].values[0].value
        if not isinstance(time, datetime):
            time = time_in(objects, clock)
        self._telegram = telegram = new(
            Telegram, (last.identification, last.country, clock, objects, last.malformed, has_crc, text, time)
        )
        unknown = tuple([objects[place] for place in self._unknown])
        before, self._sent = self._sent, tuple(self.meters.values())
        return telegram, new(Detection, (self._sent, unknown, before, totals))

    def _update(self, changed: dict[str, dict[str, CosemValue]]) -> None:
        """Update the meters with the values that changed and those computed from them."""
        changed.pop("", None)
        for slot, values in changed.items():
            values.pop("", None)
            profile, before = self.meters[slot]
            channels = before | values
            for channel_id, compute, sources in self._derived[slot]:
                if not values.keys().isdisjoint(sources):
                    channels[channel_id] = compute(channels, sources)
            self.meters[slot] = new(Meter, (profile, channels))


# Lines that may not change.
_FIXED: Final[_Way] = (lambda *_: None, "", 0, 0, None, "")


def _way(line: str, obj: CosemObject) -> _Way:
    """Return how lines that differ from an object's line in digits only are read."""
    # Only where no other object is tried first, for other digits may make one of it.
    if obj.candidates[:1] == possible_rows(obj.obis)[:1]:
        shape, value = obj.shape, obj.values[0]
        if shape in _SHAPES_OF_NUMBERS and (match := _NUMBER.fullmatch(line)):
            return None, match[1], *match.span(2), value.unit, ""
        if shape is Shape.TIMESTAMP and (match := _TIMESTAMP.fullmatch(line)):
            return _read_time, match[1], *match.span(2), None, ""
        if shape is Shape.TIMED_DECIMAL and value.timestamp is not None and (match := _TIMED_DECIMAL.fullmatch(line)):
            return _read_timed, match[1], *match.span(2), value.unit, match[3]
    return _WHOLE


def _is_alike(one: CosemObject, other: CosemObject) -> bool:
    """Whether two objects are the same but for values that decide nothing."""
    return (
        one[:3] == other[:3]
        and len(one.values) == len(other.values)
        and one.values[0].unit is other.values[0].unit
        and (one.shape not in READINGS or is_placeholder(one.values[0]) is is_placeholder(other.values[0]))
    )


def _read_whole(line: str, _: _Way, obj: CosemObject, clock: Clock) -> tuple[CosemValue, ...] | None:
    other = parse_line(line, clock)
    return other.values if other is not None and _is_alike(obj, other) else None


_WHOLE: Final[_Way] = (_read_whole, "", 0, 0, None, "")


def _read_time(line: str, way: _Way, _obj: CosemObject, clock: Clock) -> tuple[CosemValue, ...] | None:
    _, head, begin, end, _, _ = way
    if not line.startswith(head):
        return None
    return (new(CosemValue, ("", parse_timestamp(line[begin:end], clock), None, None)),)


def _read_timed(line: str, way: _Way, obj: CosemObject, clock: Clock) -> tuple[CosemValue, ...] | None:
    _, head, begin, end, unit, tail = way
    from_time = len(head)
    timestamp = parse_timestamp(line[from_time : from_time + _TIME_LENGTH], clock)
    number = Decimal(line[begin:end])
    if timestamp is None or not number or not (line.startswith(head) and line.endswith(tail)):
        # It may be a placeholder, or of another unit.
        return _read_whole(line, way, obj, clock)
    return (CosemValue("", number, unit, timestamp), CosemValue("_timestamp", timestamp))
