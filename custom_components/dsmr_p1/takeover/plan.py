"""The plan: which entity of Home Assistant's own `dsmr` continues in which slot and channel, and which stays behind."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from homeassistant.components.recorder.statistics import STATISTIC_UNIT_TO_UNIT_CONVERTER
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.util.unit_conversion import BaseUnitConverter, EnergyConverter, VolumeConverter

from ..p1 import MeterKind, Quantity, Role, channel_type
from ..port.display import Values
from ..storage.store import KnownMeter
from .keys import CHANNELS, GAS, LEFT, READING, TARIFF

# The use of a day, beyond which two registers are not one: of a large connection, and of a large gas boiler.
_DAY_OF_USE: Final[tuple[tuple[type[BaseUnitConverter], str, float], ...]] = (
    (EnergyConverter, "kWh", 100),
    (VolumeConverter, "m³", 25),
)
_ROUNDING: Final = 0.01
_REGISTERS: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER})


class Target(NamedTuple):
    """Where an entity continues; `reason` is why it stays behind, None where it does not."""

    entity: er.RegistryEntry
    slot: str = ""
    channel: str = ""
    is_tariff: bool = False
    is_guess: bool = False
    reason: str | None = None


class Shown(NamedTuple):
    """What is shown on both sides: the last states of the old entities by registry id, and our values and units."""

    before: Mapping[str, State]
    values: Mapping[str, Values]
    units: Mapping[tuple[str, str], str | None]


def targets(hass: HomeAssistant, core: ConfigEntry, meters: Mapping[str, KnownMeter]) -> Iterator[Target]:
    """Return for each entity of an entry where it continues, as far as the meters tell."""
    for entity in er.async_entries_for_config_entry(er.async_get(hass), core.entry_id):
        if entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION:
            # Nobody has used it, and ours comes with one of its own.
            yield Target(entity, reason="unused")
        else:
            yield _target(entity, core, meters)


def _target(entity: er.RegistryEntry, core: ConfigEntry, meters: Mapping[str, KnownMeter]) -> Target:
    key = entity.unique_id.removeprefix(f"{core.data.get('serial_id') or core.entry_id}_")
    if key in LEFT:
        return Target(entity, reason="no_statistics")
    if key in CHANNELS:
        for channel in CHANNELS[key]:
            for meter in meters.values():
                if meter.role is not Role.MBUS and channel in meter.channels:
                    return Target(entity, meter.slot, channel, is_tariff=key == TARIFF)
        return Target(entity, reason="no_meter")
    on_mbus = [meter for meter in meters.values() if meter.role is Role.MBUS]
    found = _by_identifier(entity.unique_id, on_mbus)
    is_guess = False
    if found is None and entity.unique_id.endswith(GAS):
        of_gas = [meter for meter in on_mbus if meter.kind is MeterKind.GAS]
        found = _by_identifier(core.data.get("serial_id_gas") or "", of_gas)
        found = found or (of_gas[0] if len(of_gas) == 1 else None)
        is_guess = len(on_mbus) > 1
    elif found is None and key.isdecimal() and key != entity.unique_id:
        found = next((meter for meter in on_mbus if meter.mbus_channel == int(key)), None)
    reading = None if found is None else _reading(found)
    if found is None or reading is None:
        return Target(entity, reason="no_meter")
    return Target(entity, found.slot, reading, is_guess=is_guess)


def _by_identifier(identifier: str, meters: list[KnownMeter]) -> KnownMeter | None:
    """Return the meter with an identifier; theirs are as sent, in hexadecimal digits, ours are the text in them."""
    names = identifiers(identifier)
    return next((meter for meter in meters if meter.equipment_identifier in names), None)


def identifiers(identifier: str) -> set[str]:
    """Return an identifier of theirs as it may be written with us; nothing where there is none."""
    try:
        text = bytes.fromhex(identifier).decode("ascii")
    except ValueError:
        text = ""
    return {identifier, text if text.isprintable() else ""} - {""}


def _reading(meter: KnownMeter) -> str | None:
    return next((channel for channel in meter.channels if channel_type(channel).meaning == READING), None)


def plan(hass: HomeAssistant, core: ConfigEntry, meters: Mapping[str, KnownMeter], shown: Shown) -> list[Target]:
    """Return where each entity continues, but those behind whose value does not fit or whose channel another has."""
    planned: list[Target] = []
    given: set[tuple[str, str]] = set()
    for target in targets(hass, core, meters):
        place, reason = (target.slot, target.channel), target.reason
        if reason is None and place in given:
            reason = "twice"
        elif reason is None and not is_one_register(target, shown):
            reason = "other_value"
        elif reason is None:
            given.add(place)
        planned.append(target._replace(reason=reason))
    return planned


def is_one_register(target: Target, shown: Shown) -> bool:
    """Whether what the old entity showed last and what ours shows can be one value: else a step would be booked."""
    ours = shown.units[target.slot, target.channel]
    theirs = target.entity.unit_of_measurement or ours
    if theirs != ours and converter(theirs, ours) is None:
        return False
    if channel_type(target.channel).quantity not in _REGISTERS:
        return True
    numbers = _numbers(target, shown)
    if numbers is None:
        # There is nothing to compare; who is known by the serial number is believed.
        return not target.is_guess
    before, now = numbers
    state = shown.before.get(target.entity.id)
    unit = state.attributes.get("unit_of_measurement") if state else None
    for kind, common, most in _DAY_OF_USE:
        if unit in kind.VALID_UNITS and ours in kind.VALID_UNITS:
            rise = kind.convert(now, ours, common) - kind.convert(before, unit, common)
            return -_ROUNDING <= rise <= most
    return unit == ours


def has_come_to_fit(target: Target, shown: Shown) -> bool:
    """Whether both sides show a number, and these can be one value."""
    return _numbers(target, shown) is not None and is_one_register(target, shown)


def _numbers(target: Target, shown: Shown) -> tuple[float, float] | None:
    """Return what the old entity showed last and what ours shows; None where one of them is no number."""
    state = shown.before.get(target.entity.id)
    value = shown.values.get(target.slot, {}).get(target.channel)
    try:
        return float(state.state if state else ""), float(str(value.value if value else ""))
    except ValueError:
        return None


def converter(one: str | None, other: str | None) -> type[BaseUnitConverter] | None:
    """Return what converts between two units; None where nothing does."""
    found = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(one)
    return found if found is not None and other in found.VALID_UNITS else None


def unit_to_keep(entity: er.RegistryEntry, ours: str | None) -> str | None:
    """Return the unit to be fixed so that it stays what it was; None where it does by itself."""
    theirs = entity.unit_of_measurement
    if theirs is None or theirs == ours or ATTR_UNIT_OF_MEASUREMENT in entity.options.get("sensor", {}):
        return None
    return theirs
