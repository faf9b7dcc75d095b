"""Whether the meter is heard: the one entity that tells of an outage, and that is there whatever the port does."""

from typing import override

from homeassistant.components.binary_sensor import BinarySensorDeviceClass, BinarySensorEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import P1ConfigEntry, P1Coordinator
from .entity import P1Entity
from .p1.grouping import PORT_SLOT

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: P1ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Create the entity of the port."""
    async_add_entities([P1Connectivity(entry.runtime_data)])


class P1Connectivity(P1Entity, BinarySensorEntity):
    """On while telegrams come, off when none has come for as long as the owner allows; unknown until either is so."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, coordinator: P1Coordinator) -> None:
        """Belong to the port's own device."""
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
        # The coordinator calls with every telegram; an outage is written, and its end.
        if self.is_on is not self._shown:
            self._shown = self.is_on
            super()._handle_coordinator_update()
