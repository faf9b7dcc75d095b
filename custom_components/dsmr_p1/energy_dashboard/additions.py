"""Adds the meters of a port to the energy dashboard: existing sources are unchanged, and nothing is added twice.

A kind of source that the dashboard has from another integration is left to the owner: otherwise the same energy would
count twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from homeassistant.components.energy.data import (
    ENERGY_SOURCE_SCHEMA,
    EnergyManager,
    EnergyPreferences,
    EnergyPreferencesUpdate,
    SourceType,
    async_get_manager,
)
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import probatio

from ..const import CONF_ENERGY_DASHBOARD, DOMAIN, LOGGER
from ..p1 import Reading
from ..port.captures import Capture
from ..port.devices import sensor_of
from ..port.state import Port
from ..storage.store import KnownMeter
from .sources import SourceKind, sources_of

_ENERGY: Final = "energy"
_REGISTERS: Final = frozenset({"stat_energy_from", "stat_energy_to"})


PATIENCE: Final = 3600.0
"""Seconds after the first telegram until all registers should have a value; then those with one are added."""


@callback
def async_start(port: Port) -> None:
    """Add the meters once, when all entities have values, if the owner chose so at set-up and it is not done yet.

    So sources that the owner removes afterwards stay removed.
    """
    if not port.entry.data.get(CONF_ENERGY_DASHBOARD) or port.record.is_on_dashboard:
        return
    since: float | None = None

    def follow(capture: Capture) -> None:
        nonlocal since
        if not isinstance(capture.event, Reading) or not has_dashboard(port.hass):
            return
        now = port.hass.loop.time()
        since = now if since is None else since
        if _is_complete(port) or now - since > PATIENCE:
            unsubscribe()
            port.entry.async_create_task(port.hass, _async_add_once(port), f"{DOMAIN} energy dashboard")

    unsubscribe = port.subscribe(follow)
    port.entry.async_on_unload(unsubscribe)


async def _async_add_once(port: Port) -> None:
    try:
        added = await async_add(port)
        LOGGER.debug("P1 port %s: %d entities were added to the energy dashboard", port.name, len(added))
    except probatio.Invalid as error:
        LOGGER.warning("P1 port %s was not added to the energy dashboard: %s", port.name, error)
    port.record.is_on_dashboard = True
    port.save()


def has_dashboard(hass: HomeAssistant) -> bool:
    """Whether Home Assistant has an energy dashboard."""
    return _ENERGY in hass.config.components


def _is_complete(port: Port) -> bool:
    """Whether all entities for the dashboard exist and have values."""
    shown = {
        _entity(port, source.slot, channel_id)
        for source in sources_of(port.meters.values())
        for channel_id in (source.imported, source.exported, source.power)
    } - {None}
    return bool(shown) and all(_value(port, entity) for entity in shown)


async def async_kinds(hass: HomeAssistant, meters: Iterable[KnownMeter]) -> frozenset[SourceKind]:
    """Return the kinds of sources that new meters would add; none if there is no dashboard."""
    if not has_dashboard(hass):
        return frozenset()
    manager = await async_get_manager(hass)
    preferences = manager.data or EnergyManager.default_preferences()
    kinds = frozenset(source.kind for source in sources_of(meters))
    return kinds - _from_elsewhere(preferences, hass)


async def async_add(port: Port) -> list[str]:
    """Add the missing sources that have a value, and return their entities.

    Raises probatio.Invalid if Home Assistant rejects them.
    """
    manager = await async_get_manager(port.hass)
    # No await from here to the update, so that the preferences cannot change in between.
    preferences = manager.data or EnergyManager.default_preferences()
    missing = list(_missing(preferences, port))
    if missing:
        sources = [*preferences["energy_sources"], *missing]
        ENERGY_SOURCE_SCHEMA(sources)
        await manager.async_update(cast("EnergyPreferencesUpdate", {"energy_sources": sources}))
    return sorted(set(_statistics(missing)))


def _missing(preferences: EnergyPreferences, port: Port) -> Iterator[SourceType]:
    """Yield the sources that the dashboard lacks, in the form of its preferences."""
    used = {*_statistics(preferences["energy_sources"]), *_statistics(preferences["device_consumption"])}
    used.update(_statistics(preferences.get("device_consumption_water", ())))
    from_elsewhere = _from_elsewhere(preferences, port.hass)
    for source in sources_of(port.meters.values()):
        imported = _entity(port, source.slot, source.imported)
        exported = _entity(port, source.slot, source.exported)
        counted = {imported, exported, *(_entity(port, source.slot, other) for other in source.others)} - {None}
        if source.kind in from_elsewhere or counted & used or imported is None or not _value(port, imported):
            continue
        if source.is_unusual and not any(float(_value(port, found) or 0) > 0 for found in (imported, exported)):
            continue
        power = _entity(port, source.slot, source.power)
        if power in used or not _value(port, power):
            power = None
        addition = _preference(source.kind, imported, exported if _value(port, exported) else None, power)
        # A second connection must not have the same power: it would count twice.
        used.update(_statistics([addition]))
        yield addition


def _from_elsewhere(preferences: EnergyPreferences, hass: HomeAssistant) -> set[str]:
    """Return the kinds of sources of which one is from another integration."""

    def is_own(statistic: str) -> bool:
        entity = er.async_get(hass).async_get(statistic)
        return entity is not None and entity.platform == DOMAIN

    return {
        source["type"]
        for source in preferences["energy_sources"]
        if not all(is_own(statistic) for statistic in _statistics([source], _REGISTERS))
    }


def _preference(kind: SourceKind, imported: str, exported: str | None, power: str | None) -> SourceType:
    """Return a source as the dashboard's own dialog writes it, without a price, which the owner adds."""
    prices = dict.fromkeys(("stat_cost", "entity_energy_price", "number_energy_price"))
    source: dict[str, Any] = {"type": kind, "stat_energy_from": imported, **prices}
    if kind == "grid":
        returned = ("stat_compensation", "entity_energy_price_export", "number_energy_price_export")
        source |= {"stat_energy_to": exported, **dict.fromkeys(returned), "cost_adjustment_day": 0.0}
        source |= {} if power is None else {"power_config": {"stat_rate": power}}
    return cast("SourceType", source)


def _statistics(preferences: Iterable[Any], keys: frozenset[str] | None = None) -> Iterator[str]:
    """Yield the statistics in preferences, under the given keys or anywhere."""
    for preference in preferences:
        for key, value in preference.items():
            if isinstance(value, Mapping):
                yield from _statistics([value], keys)
            elif key.startswith("stat_") and value is not None and (keys is None or key in keys):
                yield value


def _entity(port: Port, slot: str, channel_id: str | None) -> str | None:
    """Return the entity id of a channel; None if there is none, or it is disabled."""
    entity = None if channel_id is None else sensor_of(port.hass, port.entry.entry_id, slot, channel_id)
    return None if entity is None or entity.disabled else entity.entity_id


def _value(port: Port, entity_id: str | None) -> str | None:
    """Return the value of an entity; None if it has none."""
    state = None if entity_id is None else port.hass.states.get(entity_id)
    return None if state is None or state.state in (STATE_UNKNOWN, STATE_UNAVAILABLE) else state.state
