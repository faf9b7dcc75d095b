"""The units meters send, their spellings, and exact conversion between them.

A unit follows the number after a `*` (DSMR 5.0.2 P1 section 6.4, IEC 62056-21). Meters differ in the case of the
letters (`kVAr`, `kvar`, `HZ`), put a blank behind it, or write `_` or nothing instead of the `*`.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final


class Unit(StrEnum):
    """A unit as Home Assistant spells it."""

    WATT_HOUR = "Wh"
    KILO_WATT_HOUR = "kWh"
    MEGA_WATT_HOUR = "MWh"
    WATT = "W"
    KILO_WATT = "kW"
    VAR_HOUR = "varh"
    KILO_VAR_HOUR = "kvarh"
    VAR = "var"
    KILO_VAR = "kvar"
    VOLT_AMPERE_HOUR = "VAh"
    KILO_VOLT_AMPERE_HOUR = "kVAh"
    VOLT_AMPERE = "VA"
    KILO_VOLT_AMPERE = "kVA"
    MILLI_AMPERE = "mA"
    AMPERE = "A"
    MILLI_VOLT = "mV"
    VOLT = "V"
    KILO_VOLT = "kV"
    HERTZ = "Hz"
    KILO_HERTZ = "kHz"
    CUBIC_METRE = "m³"
    CUBIC_DECIMETRE = "dm³"
    MEGA_JOULE = "MJ"
    GIGA_JOULE = "GJ"
    SECOND = "s"
    MINUTE = "min"
    HOUR = "h"
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

# What one of the unit is in the base unit of its dimension: powers of ten, except for time.
_DIMENSIONS: Final[dict[Unit, tuple[str, Decimal]]] = {
    Unit.WATT_HOUR: ("energy", Decimal(1)),
    Unit.KILO_WATT_HOUR: ("energy", Decimal(1000)),
    Unit.MEGA_WATT_HOUR: ("energy", Decimal(1000000)),
    Unit.WATT: ("power", Decimal(1)),
    Unit.KILO_WATT: ("power", Decimal(1000)),
    Unit.VAR_HOUR: ("reactive energy", Decimal(1)),
    Unit.KILO_VAR_HOUR: ("reactive energy", Decimal(1000)),
    Unit.VAR: ("reactive power", Decimal(1)),
    Unit.KILO_VAR: ("reactive power", Decimal(1000)),
    Unit.VOLT_AMPERE_HOUR: ("apparent energy", Decimal(1)),
    Unit.KILO_VOLT_AMPERE_HOUR: ("apparent energy", Decimal(1000)),
    Unit.VOLT_AMPERE: ("apparent power", Decimal(1)),
    Unit.KILO_VOLT_AMPERE: ("apparent power", Decimal(1000)),
    Unit.MILLI_AMPERE: ("current", Decimal(1)),
    Unit.AMPERE: ("current", Decimal(1000)),
    Unit.MILLI_VOLT: ("voltage", Decimal(1)),
    Unit.VOLT: ("voltage", Decimal(1000)),
    Unit.KILO_VOLT: ("voltage", Decimal(1000000)),
    Unit.HERTZ: ("frequency", Decimal(1)),
    Unit.KILO_HERTZ: ("frequency", Decimal(1000)),
    Unit.CUBIC_DECIMETRE: ("volume", Decimal(1)),
    Unit.CUBIC_METRE: ("volume", Decimal(1000)),
    Unit.MEGA_JOULE: ("heat", Decimal(1)),
    Unit.GIGA_JOULE: ("heat", Decimal(1000)),
    Unit.SECOND: ("time", Decimal(1)),
    Unit.MINUTE: ("time", Decimal(60)),
    Unit.HOUR: ("time", Decimal(3600)),
}


def parse_unit(text: str) -> Unit | None:
    """Read a unit in any spelling that meters use; None where it is empty or unknown."""
    return _WRITTEN.get(text) or _SPELLINGS.get(text.strip().lower())


def is_convertible(unit: Unit, to: Unit) -> bool:
    """Tell whether both units measure the same dimension."""
    if unit is to:
        return True
    return unit in _DIMENSIONS and to in _DIMENSIONS and _DIMENSIONS[unit][0] == _DIMENSIONS[to][0]


def convert(value: Decimal, unit: Unit, to: Unit) -> Decimal:
    """Scale a value exactly, without rounding: 6545766 Wh is 6545.766 kWh.

    Raises ValueError where the units measure different things.
    """
    if unit is to:
        return value
    if not is_convertible(unit, to):
        message = f"{unit} is no {to}"
        raise ValueError(message)
    factor = _DIMENSIONS[unit][1] / _DIMENSIONS[to][1]
    return value * factor
