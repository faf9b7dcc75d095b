"""The versions that ports declare, and how people write them."""

from collections.abc import Mapping
import re
from types import MappingProxyType
from typing import Final

_STANDARDS: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        # 50217 is P1 companion standard 5.0.2 and e-MUCS 1.7 (e-MUCS P1, object 0-0:96.1.4).
        "p1_emucs_version_output": ("e-MUCS", 3),
        # 42 is DSMR 4.2, 50 is DSMR 5.0 (DSMR 5.0.2 P1, object 1-3:0.2.8).
        "p1_version_output": ("DSMR", 0),
    }
)
"""Channel with a version -> its standard, and the number of digits before those of its version; the surest first."""
_MOST_DIGITS: Final = 10

VERSION_CHANNELS: Final = tuple(_STANDARDS)
"""The channels with the version of a standard."""


def written_version(declared: Mapping[str, str]) -> str | None:
    """Return the standard and version in the texts of these channels, such as DSMR 5.0; None if there is no digit."""
    for channel_id, (standard, before) in _STANDARDS.items():
        digits = re.sub(r"\D", "", declared.get(channel_id, ""))[:_MOST_DIGITS]
        if digits:
            return f"{standard} {'.'.join(digits[before:]) or digits}"
    return None
