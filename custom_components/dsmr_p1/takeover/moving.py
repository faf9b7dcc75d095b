"""Moving entities and devices between Home Assistant's own `dsmr` and ours, by the record of a take-over.

Each step can be repeated: what has moved already is found by its registry id, and left where it is.
"""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import entity_sources

from ..const import DOMAIN
from ..port.devices import device_identifier, device_in
from .core_entries import CORE
from .record import MovedDevice, MovedEntity, Record

_SENSOR = "sensor"
_UNIT = "unit_of_measurement"


@callback
def async_move_over(hass: HomeAssistant, entry: ConfigEntry, record: Record) -> None:
    """Move everything of a record to our entry. The old entities must not be loaded."""
    entities = er.async_get(hass)
    # A device takes with it what hangs on it, and what stays behind would be removed from the registry then.
    for left in record.left:
        entity = entities.entities.get_entry(left.registry_id)
        if entity is not None and entity.platform == CORE and entity.device_id is not None:
            entities.async_update_entity(entity.entity_id, device_id=None)
    for moved in record.entities:
        _move_entity(hass, entry, moved)
    for moved_device in record.devices:
        _move_device(hass, entry, moved_device)
    for moved in record.entities:
        entity = entities.entities.get_entry(moved.registry_id)
        # One whose meter has another slot since then is where it belongs.
        is_there = entity is not None and entity.unique_id == unique_id_of(entry, moved.slot, moved.channel)
        device = device_in(hass, entry.entry_id, moved.slot)
        if entity is not None and is_there and device and entity.device_id != device.id:
            entities.async_update_entity(entity.entity_id, device_id=device.id)


def unique_id_of(entry: ConfigEntry, slot: str, channel: str) -> str:
    """Return the unique id of an entity of ours."""
    return f"{entry.entry_id}_{slot}_{channel}"


def _move_entity(hass: HomeAssistant, entry: ConfigEntry, moved: MovedEntity) -> None:
    entities = er.async_get(hass)
    entity = entities.entities.get_entry(moved.registry_id)
    if entity is None:
        return
    if entity.platform == CORE:
        unique_id = unique_id_of(entry, moved.slot, moved.channel)
        in_the_way = entities.async_get_entity_id(_SENSOR, DOMAIN, unique_id)
        if in_the_way is not None:
            entities.async_remove(in_the_way)
        entity = entities.async_update_entity_platform(
            entity.entity_id,
            DOMAIN,
            new_config_entry_id=entry.entry_id,
            new_unique_id=unique_id,
            # Not on a device of the old entry, unless that comes too.
            new_device_id=moved.device_id,
        )
        if entity.disabled_by is er.RegistryEntryDisabler.CONFIG_ENTRY:
            # It stayed with the old entry while that was disabled.
            entity = entities.async_update_entity(entity.entity_id, disabled_by=None)
    options: Mapping[str, object] = entity.options.get(_SENSOR, {})
    if moved.unit is not None and _UNIT not in options:
        entities.async_update_entity_options(entity.entity_id, _SENSOR, {**options, _UNIT: moved.unit})


def _move_device(hass: HomeAssistant, entry: ConfigEntry, moved: MovedDevice) -> None:
    devices, entities = dr.async_get(hass), er.async_get(hass)
    device = devices.async_get(moved.device_id)
    if device is None or device.config_entry_id == entry.entry_id:
        return
    ours = device_in(hass, entry.entry_id, moved.slot)
    if ours is not None:
        for entity in er.async_entries_for_device(entities, ours.id, include_disabled_entities=True):
            entities.async_update_entity(entity.entity_id, device_id=moved.device_id)
        devices.async_remove_device(ours.id)
    devices.async_update_device(
        moved.device_id,
        new_config_entry_id=entry.entry_id,
        new_identifiers={device_identifier(entry.entry_id, moved.slot)},
        disabled_by=None if device.disabled_by is dr.DeviceEntryDisabler.CONFIG_ENTRY else device.disabled_by,
    )


@callback
def async_move_back(hass: HomeAssistant, record: Record) -> None:
    """Move everything of a record back to the entry it came from. Neither entry may be loaded."""
    entities, loaded = er.async_get(hass), entity_sources(hass)
    for moved in record.entities:
        entity = entities.entities.get_entry(moved.registry_id)
        if entity is None or entity.platform != DOMAIN or entity.entity_id in loaded:
            # One that is still loaded cannot be moved, which must not keep back all others.
            continue
        # Made anew where the old entry was enabled beside ours.
        rival = entities.async_get_entity_id(_SENSOR, CORE, moved.old_unique_id)
        if rival is not None:
            entities.async_remove(rival)
        options = dict(entity.options.get(_SENSOR, {}))
        # Another unit is one that the owner has chosen since.
        if moved.unit is not None and options.get(_UNIT) == moved.unit:
            del options[_UNIT]
            entities.async_update_entity_options(entity.entity_id, _SENSOR, options or None)
        entities.async_update_entity_platform(
            entity.entity_id, CORE, new_config_entry_id=record.core, new_unique_id=moved.old_unique_id
        )
    for device in record.devices:
        _move_device_back(hass, record.core, device)
    for moved in record.entities:
        _put_on_device(hass, moved.registry_id, moved.device_id)
    for left in record.left:
        _put_on_device(hass, left.registry_id, left.device_id)


def _move_device_back(hass: HomeAssistant, core_id: str, moved: MovedDevice) -> None:
    devices = dr.async_get(hass)
    if devices.async_get(moved.device_id) is None:
        return
    identifiers = {(domain, name) for domain, name in moved.identifiers}
    for identifier in identifiers:
        rival = devices.async_get_device_by_identifier(identifier, core_id)
        if rival is not None and rival.id != moved.device_id:
            devices.async_remove_device(rival.id)
    devices.async_update_device(
        moved.device_id,
        new_config_entry_id=core_id,
        new_identifiers=identifiers,
        name=moved.name,
        manufacturer=moved.manufacturer,
        model=moved.model,
        serial_number=moved.serial_number,
        via_device_id=None,
    )


def _put_on_device(hass: HomeAssistant, registry_id: str, device_id: str | None) -> None:
    entities = er.async_get(hass)
    entity = entities.entities.get_entry(registry_id)
    if entity is None or entity.platform != CORE or entity.device_id == device_id:
        return
    if device_id is None or dr.async_get(hass).async_get(device_id) is not None:
        entities.async_update_entity(entity.entity_id, device_id=device_id)
