"""The makers of main meters: their names, and how their meters differ from the standard."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MAKERS: Final[Mapping[str, str]] = MappingProxyType({
    "ACE": "Itron",
    "ADN": "Aidon",
    "HLY": "Holley",
    "ISK": "Iskraemeco",
    "KAM": "Kamstrup",
    "KFM": "Kaifa",
    "KMP": "Kamstrup",
    "LGF": "Landis+Gyr",
    "LGZ": "Landis+Gyr",
    "WSE": "Wasion",
    "XMX": "Xemex",
})  # fmt: skip
"""The first three letters of the identification line, where they are not an operator's -> the maker."""

X25_TELEGRAMS: Final = (b"/HLY5",)
"""The starts of telegrams of which some have CRC-16/X-25 as their checksum: Holley DTSD545."""
