"""Parsing: turns a checked frame into lines, and these into a telegram.

A line is an object, belongs to the one before it, or is kept as malformed; a bad line costs no other.
"""

from collections.abc import Sequence
from datetime import tzinfo
import re
from typing import Final, NamedTuple

from ..catalog.proofs import proven_country
from ..cosem.clock import CENTRAL, CENTRAL_STANDARD, Clock
from ..cosem.countries import Country, country_in_zone
from ..cosem.obis import Obis
from ..cosem.values import CosemValue, Shape
from ..errors import TelegramError
from ..wire.frames import PlainFrame
from .lines import parse_line
from .telegram import CosemObject, Telegram, time_in

# The beginning of an object: a reference and a value.
_REFERENCE: Final = re.compile(r"\d{1,3}-\d{1,3}:\d{1,3}[.:]\d{1,3}[.:]\d{1,3}(?:[.*]\d{1,3})?\s*\(", re.ASCII)


class Parsed(NamedTuple):
    """A telegram and the lines of its text, the identification first.

    `texts` are the lines of each object: more than one where they were joined. `places` are the numbers of the objects
    that are a line by themselves, by the number of the line.
    """

    telegram: Telegram
    lines: list[str]
    texts: list[str]
    places: dict[int, int]


def parse(frame: PlainFrame, zone: tzinfo | None) -> Parsed:
    """Parse a frame whose checksum, if any, is right.

    `zone` is the time zone of the place; without one it is that of the country which the telegram proves. Raises
    TelegramError if nothing in it is an object, or one register stands in it with two values.
    """
    lines = _split(frame.text)
    country = proven_country(lines)
    clock = _clock_of(country, zone)
    joined = _Joined(clock)
    for number, line in enumerate(lines[1:], 1):
        joined.add(number, line)
    if not joined.objects:
        raise TelegramError("no COSEM object")
    _compare_twins(joined.objects)
    malformed = tuple(joined.malformed)
    time = time_in(joined.objects, clock)
    telegram = Telegram(lines[0].strip(), country, clock, joined.objects, malformed, frame.has_crc, frame.text, time)
    # A line that another was joined to is not the object any more.
    places = {number: place for number, place in joined.places.items() if joined.texts[place] == lines[number]}
    return Parsed(telegram, lines, joined.texts, places)


def _clock_of(country: Country | None, zone: tzinfo | None) -> Clock:
    """Return the clock of the known time zone, else that of the proven country."""
    zone = zone or (CENTRAL if country is None else country.zone)
    # A meter with standard time all year has it wherever Home Assistant believes it to be, and whatever the rules of
    # its place are.
    if any(place is not None and place.zone is CENTRAL_STANDARD for place in (country, country_in_zone(str(zone)))):
        zone = CENTRAL_STANDARD
    return Clock(zone)


class _Joined:
    """The objects in the lines of a telegram; lines that a meter or a bridge has split are joined."""

    def __init__(self, clock: Clock) -> None:
        self.objects: list[CosemObject] = []
        self.texts: list[str] = []
        self.places: dict[int, int] = {}
        self.malformed: list[str] = []
        self._clock = clock
        self._before = ""
        # The last object is a profile whose values have not come yet: they may follow on lines of their own.
        self._is_open = False

    def add(self, number: int, line: str) -> None:
        """Add the next line."""
        obj = parse_line(line, self._clock)
        if obj is None:
            if line.strip(" \t\0"):
                self._join(line)
        elif self._is_open and obj.shape is Shape.DECIMAL and any(other.obis == obj.obis for other in self.objects):
            # A register that stands in the telegram already: behind a profile without values it is one of these.
            text = self.texts[-1] + line[line.index("(") :]
            self.texts[-1], self.objects[-1] = text, parse_line(text, self._clock) or self.objects[-1]
        else:
            self._is_open = obj.shape is Shape.MONTH_END and len(obj.values) == 1
            self.places[number] = len(self.objects)
            self._append(line, obj)

    def _append(self, text: str, obj: CosemObject) -> None:
        self.texts.append(text)
        self.objects.append(obj)
        self._before = text

    def _join(self, line: str) -> None:
        """Append a line that is no object by itself to the line before it, if the result is an object.

        A value of DSMR 3 stands on a line of its own, and some bridges break long lines.
        """
        before = self._before
        was_malformed = bool(self.malformed) and self.malformed[-1] == before
        # A complete object takes no more than further values.
        if before and (line.startswith("(") or (was_malformed and not _REFERENCE.match(line))):
            joined = before.rstrip("\0") + line  # Some meters pad each line.
            obj = parse_line(joined, self._clock)
            if obj is not None:
                if was_malformed:
                    self.malformed.pop()
                else:
                    self.texts.pop()
                    self.objects.pop()
                self._append(joined, obj)
                return
            if was_malformed:
                self.malformed[-1] = self._before = joined
                return
        self.malformed.append(line)
        self._before = line


def _compare_twins(objects: Sequence[CosemObject]) -> None:
    """Raise TelegramError if one register stands in a telegram with two values: two telegrams were merged."""
    seen: dict[Obis, CosemValue] = {}
    for obis, _, shape, values in objects:
        if shape is Shape.DECIMAL and seen.setdefault(obis, values[0]) != values[0]:
            raise TelegramError("one register stands in it with two values")


def _split(text: bytes) -> list[str]:
    """Return the lines, the identification first, without the `/` and the `!`."""
    # Latin-1 maps every byte to a character: a byte of noise must not cost more than its line.
    decoded = text[1:-1].decode("latin-1")
    lines = decoded.split("\r\n")
    if decoded.count("\n") == decoded.count("\r") == len(lines) - 1:
        return lines
    return decoded.replace("\r\n", "\n").replace("\r", "\n").split("\n")
