"""Binary sensor for the connection: the one entity that is always available, also during an outage."""

from typing import override

from homeassistant.components.binary_sensor import BinarySensorDeviceClass, BinarySensorEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import P1ConfigEntry, P1Coordinator
from .entity import P1Entity
from .p1.meters.grouping import PORT_SLOT

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: P1ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensor of the port."""
    coordinator = entry.runtime_data
    of_parts = [entity for entity in coordinator.entities_of_parts if isinstance(entity, BinarySensorEntity)]
    async_add_entities([P1Connectivity(coordinator), *of_parts])


class P1Connectivity(P1Entity, BinarySensorEntity):
    """On while telegrams arrive, off after the configured time without one, and unknown until then."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, coordinator: P1Coordinator) -> None:
        super().__init__(coordinator, PORT_SLOT, "connectivity")
        self._shown: bool | None = None

    @property
    @override
    def available(self) -> bool:
        return True

    @property
    @override
    def is_on(self) -> bool | None:
        if self.coordinator.last_update_success:
            return True
        return False if self.coordinator.is_down else None

    @override
    def _handle_coordinator_update(self) -> None:
        # The coordinator calls with every telegram; only the start and the end of an outage are written.
        if self.is_on is not self._shown:
            self._shown = self.is_on
            super()._handle_coordinator_update()
