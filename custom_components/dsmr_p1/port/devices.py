"""Devices: one per meter, all connected through the device of the port."""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN
from ..p1 import MeterKind, Role
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


def slot_of(entry_id: str, device: dr.AnyDeviceEntry) -> str | None:
    """Return the slot of a device; None if it is not a device of this entry."""
    prefix = f"{entry_id}_"
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(prefix):
            return identifier.removeprefix(prefix)
    return None


@callback
def async_register_devices(hass: HomeAssistant, entry: ConfigEntry, meters: Mapping[str, KnownMeter]) -> None:
    """Create or update the devices of all meters; the port's own device always exists."""
    registry = dr.async_get(hass)
    port = meters.get(PORT_SLOT)
    port_device = registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={device_identifier(entry.entry_id, PORT_SLOT)},
        translation_key="p1",
        manufacturer=None if port is None else port.manufacturer,
        model=None if port is None or port.type is None else port.type.model,
        serial_number=None if port is None else port.equipment_identifier,
    )
    for meter in meters.values():
        if meter.slot == PORT_SLOT:
            continue
        translation_key, placeholders = _name(meter, meters)
        registry.async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={device_identifier(entry.entry_id, meter.slot)},
            translation_key=translation_key,
            translation_placeholders=placeholders,
            manufacturer=meter.manufacturer,
            model=None if meter.type is None else meter.type.model,
            serial_number=meter.equipment_identifier,
            via_device_id=port_device.id,
        )


@callback
def async_set_version(hass: HomeAssistant, entry_id: str, version: str) -> bool:
    """Show the version of the standard at the port's device. Return whether there is such a device yet."""
    if (device := device_in(hass, entry_id, PORT_SLOT)) is not None:
        dr.async_get(hass).async_update_device(device.id, sw_version=version)
    return device is not None


def _name(meter: KnownMeter, meters: Mapping[str, KnownMeter]) -> tuple[str, dict[str, str]]:
    """Return the key and placeholders of a meter's name: its kind, with the M-Bus channel if there are several."""
    alike = [other for other in meters.values() if other.kind is meter.kind and other.role is Role.MBUS]
    if meter.role is Role.MBUS and (len(alike) > 1 or meter.kind is MeterKind.ELECTRICITY):
        return f"{meter.kind}_channel", {"channel": str(meter.mbus_channel)}
    return meter.kind.value, {}
