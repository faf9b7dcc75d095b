r"""What proves the country of a telegram.

A telegram names no country, but some things in it exist in one country only: the first line where the grid operator had
the port made for itself (e-MUCS: `/FLU5`, Luxembourg: `/Lux5`, Austria: `/EST5`), objects of a national standard, the
form of the meter codes of the Dutch operators. The maker alone proves nothing: `/LGF5E360` hangs in Finland, Sweden,
Denmark, Belgium and the Netherlands, `/KFM5KAIFA-METER` in the Netherlands, Sweden, Poland and Israel. Where nothing
proves a country, or two things prove different ones, there is none.
"""

from collections.abc import Iterable, Mapping
import re
from types import MappingProxyType
from typing import Final

from ..cosem.countries import (
    AUSTRIA,
    BELGIUM,
    HUNGARY,
    LITHUANIA,
    LUXEMBOURG,
    NETHERLANDS,
    SWEDEN,
    SWITZERLAND,
    Country,
)

# fmt: off
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
    "XMX5":            NETHERLANDS,
})
BY_REFERENCE: Final[Mapping[str, Country]] = MappingProxyType({
    # Objects of a national standard; `n` stands for an M-Bus channel.
    "0-0:96.1.4":  BELGIUM,         # the version of e-MUCS
    "0-n:24.3.0":  NETHERLANDS,     # a reading of DSMR 3
    "7-0:23.1.0":  NETHERLANDS,     # a reading of DSMR 2
    "7-0:23.2.0":  NETHERLANDS,
})
# fmt: on

# The names of the Dutch standard of today, ESMR or SMR 5, and of the Dutch meters of district heating, in the maker's
# own text.
_DUTCH_STANDARD: Final = re.compile(r"\bE?SMR ?5|WARMTELINK", re.IGNORECASE)
# The code of a main meter of the Dutch grid operators: E00 and fourteen digits or letters, as hexadecimal text. Codes
# of M-Bus meters prove nothing: a gas meter of the same maker may hang behind any main meter.
_DUTCH_CODE: Final = re.compile(r"0-0:96\.1\.1\(453030(?:3[0-9]|4[1-9A-F]|5[0-9A]){14}\)")
_MBUS: Final = re.compile(r"(?<=^0-)[1-9](?=:)")


def proven_country(lines: Iterable[str]) -> Country | None:
    """Return the country that the lines of a telegram prove, the first line without its slash; None if none is."""
    first, *others = lines
    start = first.strip().lstrip("\\").upper()
    proven = {country for prefix, country in BY_IDENTIFICATION.items() if start.startswith(prefix)}
    if _DUTCH_STANDARD.search(first):
        proven.add(NETHERLANDS)
    for line in others:
        reference = line.partition("(")[0]
        if (country := BY_REFERENCE.get(_MBUS.sub("n", reference).partition("*")[0])) is not None:
            proven.add(country)
        elif _DUTCH_CODE.match(line):
            proven.add(NETHERLANDS)
    return proven.pop() if len(proven) == 1 else None
