"""The sources of the meters of a port for the energy dashboard: the grid by tariff, with the power; gas; water.

The dashboard has no source of heat, and the main meter already includes a second electricity meter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ..p1 import ChannelType, MeterKind, Quantity, Role, channel_type
from ..storage.store import KnownMeter

type SourceKind = Literal["grid", "gas", "water"]

_IMPORT: Final = "energy_import"
_EXPORT: Final = "energy_export"
_TOTALS: Final = (("total", ""), ("tariff", "0"))
_POWERS: Final = ("power_net", "power_import")
_READINGS: Final = ("reading", "reading_uncorrected")
_CONSUMED: Final[Mapping[MeterKind, SourceKind]] = {MeterKind.GAS: "gas", MeterKind.WATER: "water"}
_USUAL_TARIFFS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of the energy dashboard, with its entities as channel ids.

    `imported` is the consumption, `exported` the energy returned to the grid, None if there is no such
    register. `power` is that of the same connection. `others` count the same energy: if the dashboard has one of these,
    the source would count twice. `is_unusual`: many meters have such a register, and few ever use it.
    """

    kind: SourceKind
    slot: str
    imported: str
    exported: str | None = None
    power: str | None = None
    others: frozenset[str] = frozenset()
    is_unusual: bool = False


def sources_of(meters: Iterable[KnownMeter]) -> Iterator[Source]:
    """Yield the sources of the meters of a port."""
    for meter in meters:
        if meter.role is Role.MAIN and meter.kind is MeterKind.ELECTRICITY:
            yield from _grid(meter)
        elif meter.kind in _CONSUMED:
            yield from _consumed(meter, _CONSUMED[meter.kind])


def _grid(meter: KnownMeter) -> Iterator[Source]:
    """Yield a connection for each tariff, or a single one if the meter sends no tariffs."""
    named = {(row.name, row.index): row.id for row in _rows(meter)}
    tariffs = sorted(index for name, index in named if name == f"{_IMPORT}_tariff" and index != "0")
    if tariffs:
        others = {named.get((f"{name}_{part}", index)) for name in (_IMPORT, _EXPORT) for part, index in _TOTALS}
    else:
        others = {row.id for row in _rows(meter) if row.name.startswith((f"{_IMPORT}_", f"{_EXPORT}_"))}
    power = next((named[name, ""] for name in _POWERS if (name, "") in named), None)
    for part, index in [("tariff", tariff) for tariff in tariffs] or [("total", "")]:
        exported = named.get((f"{_EXPORT}_{part}", index))
        if (imported := named.get((f"{_IMPORT}_{part}", index))) is not None:
            yield Source(
                kind="grid",
                slot=meter.slot,
                imported=imported,
                exported=exported,
                power=power,
                others=frozenset(found for found in others - {imported, exported} if found is not None),
                is_unusual=part == "tariff" and int(index) > _USUAL_TARIFFS,
            )


def _consumed(meter: KnownMeter, kind: SourceKind) -> Iterator[Source]:
    readings = {row.name: row.id for row in _rows(meter) if row.quantity is Quantity.VOLUME and row.name in _READINGS}
    found = next((readings[name] for name in _READINGS if name in readings), None)
    if found is not None:
        others = frozenset(row.id for row in _rows(meter) if row.quantity is Quantity.VOLUME)
        yield Source(kind=kind, slot=meter.slot, imported=found, others=others - {found})


def _rows(meter: KnownMeter) -> list[ChannelType]:
    return [channel_type(channel_id) for channel_id in meter.channels]
