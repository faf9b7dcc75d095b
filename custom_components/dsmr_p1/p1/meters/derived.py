"""Channels that no meter sends: totals of its tariffs, and net power."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from ..cosem.units import Unit, convert
from ..cosem.values import CosemValue, new
from ..memory import PortMemory

# The registers of the tariffs; the first is the meter's own total.
_TARIFFS: Final = (*range(10), 11, 12, 13)
_IMPORTS: Final = tuple(f"emeter_delivery_tariff{tariff}" for tariff in _TARIFFS)
_EXPORTS: Final = tuple(f"emeter_production_tariff{tariff}" for tariff in _TARIFFS)
_KWH: Final = Unit.KILO_WATT_HOUR
_KW: Final = Unit.KILO_WATT
_ZERO: Final = Decimal()
_MISSING: Final = CosemValue("", None)
_POWERS: Final = ("emeter_actual_delivery", "emeter_actual_production")


class Derived(NamedTuple):
    """A channel that is computed from others of its meter, with the computation and its sources."""

    channel_id: str
    compute: Callable[[Mapping[str, CosemValue], tuple[str, ...]], CosemValue]
    sources: tuple[str, ...]


def derived_channels(memory: PortMemory, ids: Collection[str]) -> tuple[Derived, ...]:
    """Return the channels that follow from those of a main meter: totals of its tariffs, and net power."""
    derived = []
    for total, registers in (("energy_import_total", _IMPORTS), ("energy_export_total", _EXPORTS)):
        if sources := _sources_of_total(memory, registers, ids):
            derived.append(Derived(total, _sum, sources))
    if all(channel_id in ids for channel_id in _POWERS):
        derived.append(Derived("power_net", _difference, _POWERS))
    return tuple(derived)


def _sources_of_total(memory: PortMemory, registers: tuple[str, ...], ids: Collection[str]) -> tuple[str, ...]:
    """Return the registers that make up the total: the meter's own total, else all tariffs that it has."""
    if not (here := set(registers).intersection(ids)):
        return ()
    if not memory.is_certain:
        memory.tariffs |= here
    seen = memory.tariffs.intersection(registers) or here
    total, *tariffs = registers
    return (total,) if total in seen else tuple(channel_id for channel_id in tariffs if channel_id in seen)


def tariffs_in(ids: Collection[str]) -> set[str]:
    """Return the registers of tariffs, and the meter's own totals of these, among channels."""
    return {*_IMPORTS, *_EXPORTS}.intersection(ids)


def _sum(channels: Mapping[str, CosemValue], ids: tuple[str, ...]) -> CosemValue:
    total = _ZERO
    for channel_id in ids:
        _, number, unit, _ = channels.get(channel_id, _MISSING)
        if not isinstance(number, Decimal):
            return CosemValue("", None, _KWH)
        total += number if unit is _KWH else convert(number, unit or _KWH, _KWH)
    return new(CosemValue, ("", total, _KWH, None))


def _difference(channels: Mapping[str, CosemValue], ids: tuple[str, ...]) -> CosemValue:
    (_, imported, unit, _), (_, exported, other, _) = channels[ids[0]], channels[ids[1]]
    if not isinstance(imported, Decimal) or not isinstance(exported, Decimal):
        return CosemValue("", None, _KW)
    if not unit is other is _KW:
        imported, exported = convert(imported, unit or _KW, _KW), convert(exported, other or _KW, _KW)
    return new(CosemValue, ("", imported - exported, _KW, None))
