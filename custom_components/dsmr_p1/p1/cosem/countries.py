"""The countries whose meters have a P1 port: their clocks, and the meaning of tariff 1.

The catalog has the proofs that a telegram comes from one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from types import MappingProxyType
from typing import Final

from .clock import CENTRAL, CENTRAL_STANDARD, EASTERN


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country and the agreements of its grid operators.

    `code` is ISO 3166-1 alpha-2, `zone` the zone of its meters' clocks, `capitals` are its time zones in the time zone
    database, `low_tariff` is the number of the tariff for the cheap hours, None if the numbers have no such meaning.
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
# fmt: on


def country_in_zone(name: str) -> Country | None:
    """Return the country of a time zone of the time zone database; None if it has no P1 ports."""
    return next((country for country in COUNTRIES.values() if name in country.capitals), None)
