"""Devices: one per meter, all connected through the device of the port; and the sensors of their channels."""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..const import DOMAIN
from ..p1 import VERSION_CHANNELS, MeterKind, Reading, Role, written_version
from ..p1.meters.grouping import PORT_SLOT
from ..storage.store import KnownMeter


def device_identifier(entry_id: str, slot: str) -> tuple[str, str]:
    """Return the identifier of the device in a slot, without the serial number: those change, repeat or are zero."""
    return DOMAIN, f"{entry_id}_{slot}"


def device_in(hass: HomeAssistant, entry_id: str, slot: str) -> dr.DeviceEntry | None:
    """Return the device in a slot."""
    return dr.async_get(hass).async_get_device_by_identifier(device_identifier(entry_id, slot), entry_id)


def device_name(hass: HomeAssistant, entry_id: str, slot: str) -> str:
    """Return the name of the device in a slot, by the owner if given."""
    device = device_in(hass, entry_id, slot)
    return slot if device is None else device.name_by_user or device.name or slot


def sensor_of(hass: HomeAssistant, entry_id: str, slot: str, channel_id: str) -> er.RegistryEntry | None:
    """Return the registry entry of the sensor of a channel; None if it has none."""
    entities = er.async_get(hass)
    entity_id = entities.async_get_entity_id(Platform.SENSOR, DOMAIN, f"{entry_id}_{slot}_{channel_id}")
    return None if entity_id is None else entities.async_get(entity_id)


def slot_of(entry_id: str, device: dr.AnyDeviceEntry) -> str | None:
    """Return the slot of a device; None if it is not a device of this entry."""
    prefix = f"{entry_id}_"
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(prefix):
            return identifier.removeprefix(prefix)
    return None


@callback
def async_register_devices(hass: HomeAssistant, entry: ConfigEntry, meters: Mapping[str, KnownMeter]) -> None:
    """Create or update the devices of all meters; the port's own device always exists, and connects the others."""
    port_id: str | None = None
    devices: dict[str, KnownMeter | None] = {PORT_SLOT: None, **meters}
    for slot, meter in devices.items():
        translation_key, placeholders = ("p1", {}) if meter is None else _name(meter, meters)
        device = dr.async_get(hass).async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={device_identifier(entry.entry_id, slot)},
            translation_key=translation_key,
            translation_placeholders=placeholders,
            manufacturer=None if meter is None else meter.manufacturer,
            model=None if meter is None or meter.type is None else meter.type.model,
            serial_number=None if meter is None else meter.equipment_identifier,
            via_device_id=port_id,
        )
        port_id = port_id or device.id


def declared_version(reading: Reading | None) -> str | None:
    """Return the standard and version that a port declares, such as DSMR 5.0; None where it declares none."""
    # Telegrams before a meter is believed have no channels.
    channels = reading.meters[0].channels if reading is not None and reading.meters else {}
    return written_version({name: str(channels[name].value) for name in VERSION_CHANNELS if name in channels})


def _name(meter: KnownMeter, meters: Mapping[str, KnownMeter]) -> tuple[str, dict[str, str]]:
    """Return the key and placeholders of a meter's name: its kind, with the M-Bus channel if there are several."""
    if meter.role is Role.PORT:
        return "p1", {}
    alike = [other for other in meters.values() if other.kind is meter.kind and other.role is Role.MBUS]
    if meter.role is Role.MBUS and (len(alike) > 1 or meter.kind is MeterKind.ELECTRICITY):
        return f"{meter.kind}_channel", {"channel": str(meter.mbus_channel)}
    return meter.kind.value, {}
