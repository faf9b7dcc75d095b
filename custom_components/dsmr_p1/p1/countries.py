r"""The countries whose meters have a P1 port: what proves them, their clocks, and the meaning of tariff 1.

A telegram names no country, but some things in it exist in one country only: the first line where the grid operator had
the port made for itself (e-MUCS: `/FLU5`, Luxembourg: `/Lux5`, Austria: `/EST5`), objects of a national standard, the
form of the meter codes of the Dutch operators. The maker alone proves nothing: `/LGF5E360` hangs in Finland, Sweden,
Denmark, Belgium and the Netherlands. Where nothing proves a country, or two things prove different ones, there is none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
import re
from types import MappingProxyType
from typing import Final

from .clock import CENTRAL, CENTRAL_STANDARD, EASTERN


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country and what its grid operators have agreed on.

    `code` is ISO 3166-1 alpha-2, `zone` the zone of its meters' clocks, `capitals` are its time zones in the time zone
    database, `low_tariff` is the number of the tariff for the cheap hours, None where the numbers have no such meaning.
    """

    code: str
    capitals: tuple[str, ...]
    zone: tzinfo = CENTRAL
    low_tariff: int | None = None


# fmt: off
NETHERLANDS: Final = Country(code="NL", capitals=("Europe/Amsterdam",), low_tariff=1)
BELGIUM: Final     = Country(code="BE", capitals=("Europe/Brussels",), low_tariff=2)
LUXEMBOURG: Final  = Country(code="LU", capitals=("Europe/Luxembourg",))
AUSTRIA: Final     = Country(code="AT", capitals=("Europe/Vienna",))
HUNGARY: Final     = Country(code="HU", capitals=("Europe/Budapest",), low_tariff=2)
SWEDEN: Final      = Country(code="SE", capitals=("Europe/Stockholm",), zone=CENTRAL_STANDARD)
SWITZERLAND: Final = Country(code="CH", capitals=("Europe/Zurich", "Europe/Busingen"))
LITHUANIA: Final   = Country(code="LT", capitals=("Europe/Vilnius",), zone=EASTERN)
FINLAND: Final     = Country(code="FI", capitals=("Europe/Helsinki", "Europe/Mariehamn"), zone=EASTERN)

COUNTRIES: Final[Mapping[str, Country]] = MappingProxyType({country.code: country for country in (
    NETHERLANDS, BELGIUM, LUXEMBOURG, AUSTRIA, HUNGARY, SWEDEN, SWITZERLAND, LITHUANIA, FINLAND,
)})
"""The countries by their codes."""

BY_IDENTIFICATION: Final[Mapping[str, Country]] = MappingProxyType({
    # The start of the first line, where all meters with it stand in one country: most are letters of a grid operator.
    "FLU5":            BELGIUM,
    "ISK5\\2MIE5":     BELGIUM,
    "LUX5":            LUXEMBOURG,
    "EST5":            AUSTRIA,
    "ELL5":            SWEDEN,
    "ESO5":            LITHUANIA,
    "GRE5":            SWITZERLAND,
    "EON5":            HUNGARY,
    "SAG5SAG-METER":   HUNGARY,
    "KFM5KAIFA-METER": NETHERLANDS,
    "XMX5":            NETHERLANDS,
    "NWA-WARMTELINK":  NETHERLANDS,
    "WARMTELINK":      NETHERLANDS,
})
BY_REFERENCE: Final[Mapping[str, Country]] = MappingProxyType({
    # Objects of a national standard; `n` stands for an M-Bus channel.
    "0-0:96.1.4":  BELGIUM,         # the version of e-MUCS
    "0-n:24.3.0":  NETHERLANDS,     # a reading of DSMR 3
    "7-0:23.1.0":  NETHERLANDS,     # a reading of DSMR 2
    "7-0:23.2.0":  NETHERLANDS,
})
# fmt: on

# The name of the Dutch standard of today, ESMR or SMR 5, in the maker's own text.
_DUTCH_STANDARD: Final = re.compile(r"\bE?SMR ?5", re.IGNORECASE)
# A meter code of the Dutch grid operators: the letter of the medium, four digits of the type, twelve of the meter; sent
# as hexadecimal text. 0-0:96.1.1 is the main meter, 0-n:96.1.0 one on the M-Bus.
_DUTCH_CODE: Final = re.compile(r"0-(?:0:96\.1\.1|[1-9]:96\.1\.0)\((?:45|47|48|57)3030(?:3[0-9]){14}\)")
_MBUS: Final = re.compile(r"(?<=^0-)[1-9](?=:)")


def proven_country(lines: Iterable[str]) -> Country | None:
    """Return the country that the lines of a telegram prove, the first line without its slash; None where none is."""
    first, *others = lines
    start = first.strip().lstrip("\\").upper()
    proven = {country for prefix, country in BY_IDENTIFICATION.items() if start.startswith(prefix)}
    if _DUTCH_STANDARD.search(first):
        proven.add(NETHERLANDS)
    for line in others:
        reference = line.partition("(")[0]
        country = BY_REFERENCE.get(_MBUS.sub("n", reference).partition("*")[0])
        if country is not None:
            proven.add(country)
        elif _DUTCH_CODE.match(line):
            proven.add(NETHERLANDS)
    return proven.pop() if len(proven) == 1 else None


def country_in_zone(name: str) -> Country | None:
    """Return the country of a time zone of the time zone database; None where it is none of ours."""
    return next((country for country in COUNTRIES.values() if name in country.capitals), None)
