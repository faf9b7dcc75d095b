"""The countries whose meters have a P1 port: how to know them, their clocks, and the meaning of tariff 1.

A telegram names no country. The identification line starts with the maker's three letters, or with the grid operator's
where the operator had the port made for its country (e-MUCS: `/FLU5`, Luxembourg: `/Lux5`, Austria: `/EST5`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country: its standard time, whether it has summer time, and which rate its tariff 1 is.

    `code` is ISO 3166-1 alpha-2, `standard` the offset of standard time, `low_tariff` the number of the tariff for the
    cheap hours, None where the numbers have no such meaning.
    """

    code: str
    standard: timezone
    summer_time: bool = True
    low_tariff: int | None = None
    summer: timezone = field(init=False)
    """The offset that the S of a timestamp stands for: an hour more than standard time."""

    def __post_init__(self) -> None:
        """Work out summer time."""
        object.__setattr__(self, "summer", _SUMMER[self.standard])

    def zone_at(self, local: datetime) -> timezone:
        """Give the offset in force at a local time that carries no flag.

        Summer time in the European Union lasts from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last
        Sunday of October (directive 2000/84/EC). Of the hour that exists twice in October, the first is meant.
        """
        if not self.summer_time:
            return self.standard
        # Taken as standard time, the local clock is an hour ahead of UTC plus the offset while it is summer: hence the
        # one hour more at the end.
        utc = local - self.standard.utcoffset(None)
        if _last_sunday(utc, _MARCH) <= utc < _last_sunday(utc, _OCTOBER) + timedelta(hours=1):
            return self.summer
        return self.standard


def _last_sunday(year_of: datetime, month: int) -> datetime:
    """Give 01:00 on the last Sunday of March or October in the year of a time."""
    end = year_of.replace(month=month, day=31, hour=1, minute=0, second=0, microsecond=0)
    return end - timedelta(days=end.isoweekday() % 7)


_MARCH: Final = 3
_OCTOBER: Final = 10
_CENTRAL: Final = timezone(timedelta(hours=1))
_EASTERN: Final = timezone(timedelta(hours=2))
_SUMMER: Final = {_CENTRAL: _EASTERN, _EASTERN: timezone(timedelta(hours=3))}

# fmt: off
NETHERLANDS: Final = Country(code="NL", standard=_CENTRAL, low_tariff=1)
BELGIUM: Final     = Country(code="BE", standard=_CENTRAL, low_tariff=2)
LUXEMBOURG: Final  = Country(code="LU", standard=_CENTRAL)
AUSTRIA: Final     = Country(code="AT", standard=_CENTRAL)
HUNGARY: Final     = Country(code="HU", standard=_CENTRAL, low_tariff=2)
SWEDEN: Final      = Country(code="SE", standard=_CENTRAL, summer_time=False)
SWITZERLAND: Final = Country(code="CH", standard=_CENTRAL)
LITHUANIA: Final   = Country(code="LT", standard=_EASTERN)
FINLAND: Final     = Country(code="FI", standard=_EASTERN)

# The start of the identification line -> country. Makers' letters stand here only where all meters with them are of one
# country; what is not listed is Dutch, as most P1 ports are.
BY_IDENTIFICATION: Final = {
    "FLU5": BELGIUM,
    "LUX5": LUXEMBOURG,
    "EST5": AUSTRIA,
    "SAG5": HUNGARY,
    "AUX5": HUNGARY,
    "EON5": HUNGARY,
    "KAM5": SWEDEN,
    "ELL5": SWEDEN,
    "GRE5": SWITZERLAND,
    "ESO5": LITHUANIA,
    "LGF5": FINLAND,
    "ISK5\\2MIE5": BELGIUM,
}
# fmt: on


def country_of(identification: str) -> Country:
    """Tell the country from the identification line without its slash; the Netherlands where nothing says otherwise."""
    start = identification.lstrip("\\").upper()
    for prefix, country in BY_IDENTIFICATION.items():
        if start.startswith(prefix):
            return country
    return NETHERLANDS
