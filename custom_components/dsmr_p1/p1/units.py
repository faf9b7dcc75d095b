"""The units meters send, their spellings, and exact conversion between them.

A unit follows the number after a `*` (DSMR 5.0.2 P1 section 6.4, IEC 62056-21). Meters differ in the case of the
letters (`kVAr`, `kvar`, `HZ`), put a blank behind it, or write `_` or nothing instead of the `*`.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final, Self


class Unit(StrEnum):
    """A unit as Home Assistant spells it.

    `dimension` is what it measures, and `size` how many of the smallest unit of that dimension it is. A unit without a
    dimension converts to no other.
    """

    dimension: str
    size: Decimal

    def __new__(cls, spelling: str, dimension: str = "", size: int = 1) -> Self:
        """Take a row: the sizes are powers of ten, except for those of time."""
        unit = str.__new__(cls, spelling)
        unit._value_ = spelling
        unit.dimension, unit.size = dimension, Decimal(size)
        return unit

    WATT_HOUR = "Wh", "energy", 1
    KILO_WATT_HOUR = "kWh", "energy", 1000
    MEGA_WATT_HOUR = "MWh", "energy", 1000000
    WATT = "W", "power", 1
    KILO_WATT = "kW", "power", 1000
    VAR_HOUR = "varh", "reactive energy", 1
    KILO_VAR_HOUR = "kvarh", "reactive energy", 1000
    VAR = "var", "reactive power", 1
    KILO_VAR = "kvar", "reactive power", 1000
    VOLT_AMPERE_HOUR = "VAh", "apparent energy", 1
    KILO_VOLT_AMPERE_HOUR = "kVAh", "apparent energy", 1000
    VOLT_AMPERE = "VA", "apparent power", 1
    KILO_VOLT_AMPERE = "kVA", "apparent power", 1000
    MILLI_AMPERE = "mA", "current", 1
    AMPERE = "A", "current", 1000
    MILLI_VOLT = "mV", "voltage", 1
    VOLT = "V", "voltage", 1000
    KILO_VOLT = "kV", "voltage", 1000000
    HERTZ = "Hz", "frequency", 1
    KILO_HERTZ = "kHz", "frequency", 1000
    CUBIC_METRE = "m³", "volume", 1000
    CUBIC_DECIMETRE = "dm³", "volume", 1
    MEGA_JOULE = "MJ", "heat", 1
    GIGA_JOULE = "GJ", "heat", 1000
    SECOND = "s", "time", 1
    MINUTE = "min", "time", 60
    HOUR = "h", "time", 3600
    DEGREE = "°"
    DEGREE_CELSIUS = "°C"
    CUBIC_METRE_PER_HOUR = "m³/h"
    PERCENT = "%"


# Case is no guide, so the spelling is looked up in lower case. A superscript three is one byte of latin-1, or two of
# UTF-8 that look like two letters in latin-1.
_SPELLINGS: Final = {unit.lower(): unit for unit in Unit} | {
    "m3": Unit.CUBIC_METRE,
    "mâ³": Unit.CUBIC_METRE,
    "dm3": Unit.CUBIC_DECIMETRE,
    "l": Unit.CUBIC_DECIMETRE,
    "m3/h": Unit.CUBIC_METRE_PER_HOUR,
    "sec": Unit.SECOND,
    "c": Unit.DEGREE_CELSIUS,
    "deg": Unit.DEGREE,
}
# The spellings as the standards write them need no lower case: meters send these nearly always.
_WRITTEN: Final = {str(unit): unit for unit in Unit} | {"m3": Unit.CUBIC_METRE}


def parse_unit(text: str) -> Unit | None:
    """Read a unit in any spelling that meters use; None where it is empty or unknown."""
    return _WRITTEN.get(text) or _SPELLINGS.get(text.strip().lower())


def is_convertible(unit: Unit, to: Unit) -> bool:
    """Tell whether both units measure the same dimension."""
    return unit is to or (unit.dimension == to.dimension and unit.dimension != "")


def convert(value: Decimal, unit: Unit, to: Unit) -> Decimal:
    """Scale a value: 6545766 Wh is 6545.766 kWh. Powers of ten, as all units are but those of time, round nothing.

    Raises ValueError where the units measure different things.
    """
    if unit is to:
        return value
    if not is_convertible(unit, to):
        message = f"{unit} is no {to}"
        raise ValueError(message)
    return value * (unit.size / to.size)
