"""What totals can rise by at most, and the power that a meter tells of its connection.

A limit is no judgement of a household: it is what no connection of that kind can carry.
"""

from decimal import Decimal
import re
from typing import Final, NamedTuple

from ..catalog import HISTORY, ChannelType, MeterKind, Quantity, Role, is_counted
from ..cosem.units import Unit
from ..cosem.values import CosemValue
from .detection import Meter


class Limit(NamedTuple):
    """How much a total can rise in an hour."""

    amount: float
    unit: Unit


# All nines mean that there is no limit; 99 A is a fuse.
_NO_THRESHOLD: Final = re.compile(r"9{3,}")

# 3 x 80 A x 230 V, the largest connection of a household (Netcode elektriciteit, article 2.27; 3 x 63 A in Belgium).
_ELECTRIC: Final = Limit(55.2, Unit.KILO_WATT_HOUR)
# A G25 meter (EN 1359), the largest that a household has: 40 m³/h.
_GAS: Final = Limit(40.0, Unit.CUBIC_METRE)
# A meter of Q3 = 4 m³/h, which carries 5 m³/h for a short time (Q4, EN ISO 4064-1).
_WATER: Final = Limit(5.0, Unit.CUBIC_METRE)
# The heat of a large house: 100 kW, as a G16 gas meter would feed; its water, cooled by 17 K: 5 m³/h.
_HEAT: Final = Limit(0.36, Unit.GIGA_JOULE)
_THERMAL_ENERGY: Final = Limit(100.0, Unit.KILO_WATT_HOUR)
# No standard has a figure: ten failures, sags or swells a minute.
_EVENTS: Final = 600.0

_VOLUMES: Final = {MeterKind.WATER: _WATER, MeterKind.HEATING: _WATER, MeterKind.COOLING: _WATER}
_BY_DIMENSION: Final = {
    "energy": _ELECTRIC,
    "reactive energy": Limit(_ELECTRIC.amount, Unit.KILO_VAR_HOUR),
    "apparent energy": Limit(_ELECTRIC.amount, Unit.KILO_VOLT_AMPERE_HOUR),
    "heat": _HEAT,
}
_TOTALS: Final = frozenset({
    Quantity.ENERGY, Quantity.REACTIVE_ENERGY, Quantity.APPARENT_ENERGY, Quantity.HEAT, Quantity.VOLUME,
    Quantity.COUNTER,
})  # fmt: skip
_COUNTED: Final = frozenset({*_BY_DIMENSION, "volume"})

_POWERS: Final = frozenset({Quantity.POWER, Quantity.DEMAND, Quantity.REACTIVE_POWER, Quantity.APPARENT_POWER})
_ELECTRIC_DIMENSIONS: Final = frozenset({"energy", "reactive energy", "apparent energy"})
_THERMAL: Final = frozenset({MeterKind.HEATING, MeterKind.COOLING})
_KILO: Final = {"apparent power": Unit.KILO_VOLT_AMPERE, "reactive power": Unit.KILO_VAR}
_KILO_WATTS_OF_AMPERE: Final = 3 * 0.23


def is_no_threshold(number: Decimal) -> bool:
    """Whether a threshold stands for none."""
    return _NO_THRESHOLD.fullmatch(f"{number.normalize():f}".replace(".", "")) is not None


def is_total(row: ChannelType, role: Role, unit: Unit | None) -> bool:
    """Whether a channel only rises. The register of net energy of a main meter falls too.

    Of a channel without a row in the catalog the unit that is sent decides.
    """
    if row.quantity is Quantity.MEASURED:
        return unit is not None and unit.dimension in _COUNTED and is_counted(row.id)
    is_register = row.quantity is Quantity.REGISTER and role is Role.MBUS
    return (is_register or row.quantity in _TOTALS) and HISTORY not in row.id


def limit_of(row: ChannelType, kind: MeterKind, unit: Unit | None) -> float | None:
    """Return by how much a total can rise in a second, in the unit that is sent; None where nothing is known of it."""
    unit = unit or row.unit
    if unit is None:
        return _EVENTS / 3600 if row.quantity is Quantity.COUNTER else None
    limit = _BY_DIMENSION.get(unit.dimension)
    if unit.dimension == "volume":
        limit = _VOLUMES.get(kind, _GAS)
    elif kind in _THERMAL and unit.dimension == "energy":
        limit = _THERMAL_ENERGY
    return None if limit is None else limit.amount * float(limit.unit.size / unit.size) / 3600


def rise_of_kilo_watt(row: ChannelType, kind: MeterKind, unit: Unit | None) -> float:
    """Return by how much 1 kW raises a total in a second, in the unit sent; 0 where it counts no electricity."""
    unit = unit or row.unit
    if unit is None or unit.dimension not in _ELECTRIC_DIMENSIONS or kind in _THERMAL:
        return 0.0
    return float(_BY_DIMENSION[unit.dimension].unit.size / unit.size) / 3600


def told_power(meter: Meter) -> float:
    """Return the greatest power in kW that a meter's limits and fuses allow, on three phases; 0 where it has none."""
    told = 0.0
    for channel_id, row in meter.profile.channel_types.items():
        value = meter.channels[channel_id]
        if row.quantity.is_threshold and isinstance(value.value, Decimal) and not is_no_threshold(value.value):
            is_current = row.quantity is Quantity.THRESHOLD_CURRENT
            told = max(told, float(value.value) * _KILO_WATTS_OF_AMPERE if is_current else _kilo_watts(row, value))
    return told


def own_power(meter: Meter) -> float:
    """Return the greatest power in kW (kvar, kVA) that a meter measures; 0 where it sends none."""
    rows = meter.profile.channel_types.items()
    powers = (abs(_kilo_watts(row, meter.channels[channel_id])) for channel_id, row in rows if row.quantity in _POWERS)
    return max(powers, default=0.0)


def _kilo_watts(row: ChannelType, value: CosemValue) -> float:
    if not isinstance(value.value, Decimal):
        return 0.0
    unit = value.unit or row.unit or Unit.KILO_WATT
    return float(value.value * (unit.size / _KILO.get(unit.dimension, Unit.KILO_WATT).size))
