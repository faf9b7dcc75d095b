"""Base class of the entities."""

from typing import override

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from ..coordinator import P1Coordinator
from ..port.devices import device_identifier


class P1Entity(CoordinatorEntity[P1Coordinator]):
    """An entity of a meter."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: P1Coordinator, slot: str, key: str) -> None:
        """Initialize the entity on the device in a slot; `key` distinguishes the entities of a device."""
        super().__init__(coordinator)
        self.slot = slot
        self._attr_unique_id = f"{coordinator.config_entry.entry_id}_{slot}_{key}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        return DeviceInfo(identifiers={device_identifier(self.coordinator.config_entry.entry_id, self.slot)})
