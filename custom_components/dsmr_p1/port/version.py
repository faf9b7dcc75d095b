"""The version of the standard that a port declares, as people write it."""

from collections.abc import Mapping
from typing import Final

from ..p1 import CosemValue, Reading

_NONE: Final[Mapping[str, CosemValue]] = {}
_COMPANION: Final = 3
_LONGEST_VERSION: Final = 10


def declared_version(reading: Reading) -> str | None:
    """Return the standard and version that the port declares, such as DSMR 5.0; None where it declares none."""
    # Of what came before a meter is believed, there is none.
    channels = next((meter.channels for meter in reading.meters), _NONE)
    if digits := _digits(channels.get("p1_emucs_version_output")):
        # 50217: P1 companion standard 5.0.2, e-MUCS 1.7
        return f"e-MUCS {'.'.join(digits[_COMPANION:]) or digits}"
    if digits := _digits(channels.get("p1_version_output")):
        return f"DSMR {'.'.join(digits)}"
    return None


def _digits(version: CosemValue | None) -> str:
    """Return the digits of a version, and nothing else that may stand in its place."""
    text = "" if version is None else str(version.value)
    return "".join(character for character in text if character.isdecimal())[:_LONGEST_VERSION]
