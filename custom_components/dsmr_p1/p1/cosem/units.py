"""The units that meters send, their spellings, and the exact conversion between them.

A unit follows the number after a `*` (DSMR 5.0.2 P1 section 6.4, IEC 62056-21). Meters differ in the case of the
letters (`kVAr`, `kvar`, `HZ`), put a blank behind it, or write `_` or nothing instead of the `*`.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final, Self


class Unit(StrEnum):
    """A unit as Home Assistant spells it.

    `dimension` is the measured quantity, and `size` its multiple of the smallest unit of that dimension. A unit without
    a dimension converts to no other.
    """

    dimension: str
    size: Decimal

    def __new__(cls, spelling: str, dimension: str = "", size: int = 1) -> Self:
        """Create a unit from a row: the sizes are powers of ten, except for those of time."""
        unit = str.__new__(cls, spelling)
        unit._value_ = spelling
        unit.dimension, unit.size = dimension, Decimal(size)
        return unit

    MILLI_WATT_HOUR = "mWh", "energy", 1
    WATT_HOUR = "Wh", "energy", 10**3
    KILO_WATT_HOUR = "kWh", "energy", 10**6
    MEGA_WATT_HOUR = "MWh", "energy", 10**9
    GIGA_WATT_HOUR = "GWh", "energy", 10**12
    MILLI_WATT = "mW", "power", 1
    WATT = "W", "power", 10**3
    KILO_WATT = "kW", "power", 10**6
    MEGA_WATT = "MW", "power", 10**9
    GIGA_WATT = "GW", "power", 10**12
    VAR_HOUR = "varh", "reactive energy", 1
    KILO_VAR_HOUR = "kvarh", "reactive energy", 10**3
    MEGA_VAR_HOUR = "Mvarh", "reactive energy", 10**6
    MILLI_VAR = "mvar", "reactive power", 1
    VAR = "var", "reactive power", 10**3
    KILO_VAR = "kvar", "reactive power", 10**6
    MEGA_VAR = "Mvar", "reactive power", 10**9
    VOLT_AMPERE_HOUR = "VAh", "apparent energy", 1
    KILO_VOLT_AMPERE_HOUR = "kVAh", "apparent energy", 10**3
    MEGA_VOLT_AMPERE_HOUR = "MVAh", "apparent energy", 10**6
    MILLI_VOLT_AMPERE = "mVA", "apparent power", 1
    VOLT_AMPERE = "VA", "apparent power", 10**3
    KILO_VOLT_AMPERE = "kVA", "apparent power", 10**6
    MEGA_VOLT_AMPERE = "MVA", "apparent power", 10**9
    MILLI_AMPERE = "mA", "current", 1
    AMPERE = "A", "current", 10**3
    KILO_AMPERE = "kA", "current", 10**6
    MILLI_VOLT = "mV", "voltage", 1
    VOLT = "V", "voltage", 10**3
    KILO_VOLT = "kV", "voltage", 10**6
    MEGA_VOLT = "MV", "voltage", 10**9
    MILLI_HERTZ = "mHz", "frequency", 1
    HERTZ = "Hz", "frequency", 10**3
    KILO_HERTZ = "kHz", "frequency", 10**6
    MEGA_HERTZ = "MHz", "frequency", 10**9
    CUBIC_METRE = "m³", "volume", 10**3
    CUBIC_DECIMETRE = "dm³", "volume", 1
    JOULE = "J", "heat", 1
    KILO_JOULE = "kJ", "heat", 10**3
    MEGA_JOULE = "MJ", "heat", 10**6
    GIGA_JOULE = "GJ", "heat", 10**9
    MILLI_SECOND = "ms", "time", 1
    SECOND = "s", "time", 10**3
    MINUTE = "min", "time", 60 * 10**3
    HOUR = "h", "time", 3600 * 10**3
    DEGREE = "°"
    DEGREE_CELSIUS = "°C"
    KELVIN = "K"
    LITRE_PER_HOUR = "L/h", "flow", 1
    CUBIC_METRE_PER_HOUR = "m³/h", "flow", 10**3
    BAR = "bar"
    PERCENT = "%"


HOME_UNITS: Final = {
    Unit.MEGA_VAR_HOUR: Unit.KILO_VAR_HOUR,
    Unit.MEGA_VAR: Unit.KILO_VAR,
    Unit.MEGA_VOLT_AMPERE_HOUR: Unit.KILO_VOLT_AMPERE_HOUR,
    Unit.MEGA_VOLT_AMPERE: Unit.KILO_VOLT_AMPERE,
    Unit.KILO_AMPERE: Unit.AMPERE,
}
"""The units that Home Assistant does not have -> the largest of that dimension that it has."""

# Case is no guide, so the spelling is looked up in lower case. A superscript three is one byte of latin-1, or two of
# UTF-8 that look like two letters in latin-1.
_SPELLINGS: Final = {unit.lower(): unit for unit in Unit} | {
    # Of a prefix that is m or M, the case decides; in other spellings it is the one that meters use.
    "mwh": Unit.MEGA_WATT_HOUR,
    "mw": Unit.MEGA_WATT,
    "ma": Unit.MILLI_AMPERE,
    "mv": Unit.MILLI_VOLT,
    "mvar": Unit.MEGA_VAR,
    "mva": Unit.MEGA_VOLT_AMPERE,
    "mhz": Unit.MEGA_HERTZ,
    "m3": Unit.CUBIC_METRE,
    "mâ³": Unit.CUBIC_METRE,
    "dm3": Unit.CUBIC_DECIMETRE,
    "l": Unit.CUBIC_DECIMETRE,
    "m3/h": Unit.CUBIC_METRE_PER_HOUR,
    "mâ³/h": Unit.CUBIC_METRE_PER_HOUR,
    "sec": Unit.SECOND,
    "c": Unit.DEGREE_CELSIUS,
    "degc": Unit.DEGREE_CELSIUS,
    "â°c": Unit.DEGREE_CELSIUS,
    "deg": Unit.DEGREE,
}
# Spellings of which the case is right.
_WRITTEN: Final = {str(unit): unit for unit in Unit} | {"mVAr": Unit.MILLI_VAR}


def parse_unit(text: str) -> Unit | None:
    """Read a unit in any spelling that meters use; None if it is empty or unknown."""
    return _WRITTEN.get(text) or _SPELLINGS.get(text.strip().lower())


def is_convertible(unit: Unit, to: Unit) -> bool:
    """Whether both units have the same dimension."""
    return unit is to or (unit.dimension == to.dimension and unit.dimension != "")


def convert(value: Decimal, unit: Unit, to: Unit) -> Decimal:
    """Scale a value: 6545766 Wh is 6545.766 kWh. The conversion is exact, except for units of time.

    The result has as many digits as were sent: 0.412 kW is 412 W, and 1.2 kW is 1200 W.
    Raises ValueError if the units have different dimensions.
    """
    if unit is to:
        return value
    if not is_convertible(unit, to):
        raise ValueError(f"{unit} is no {to}")
    return value * (unit.size / to.size).normalize() + 0
