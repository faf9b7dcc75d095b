"""What a part is: a room of its own that listens to the telegrams of a port, and is off until its owner wants it.

A part is a folder beside this file with a `PART`. Nothing else knows it, so that it can be deleted as a whole.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, override

from homeassistant.components.binary_sensor import BinarySensorDeviceClass, BinarySensorEntity
from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlowWithReload
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..coordinator import P1Coordinator
from ..entity import P1Entity
from ..p1 import CosemValue, Country, Meter, Reading, Unit
from ..p1.meters.grouping import MAIN_SLOT
from ..port.place import assumed_country


@dataclass(frozen=True, slots=True)
class Part:
    """A part: how it is asked for, and how it starts.

    `key` is the key of its settings in the options of the entry, its choice in the menu of the options, and the first
    of its `steps` there. `start` starts it where the options have settings, and returns its entities if it has any;
    what it has started ends with the entry.
    """

    key: str
    steps: type[PartSteps]
    start: Callable[[P1Coordinator], Awaitable[Iterable[P1Entity] | None]]


class PartSteps(OptionsFlowWithReload):
    """The steps of the options flow that ask for the settings of a part."""

    def keep(self, key: str, settings: Mapping[str, Any] | None) -> ConfigFlowResult:
        """Store the settings of a part, which is started anew with them; None switches it off."""
        options = {name: kept for name, kept in self.config_entry.options.items() if name != key}
        return self.async_create_entry(data=options if settings is None else {**options, key: dict(settings)})

    @property
    def reading(self) -> Reading | None:
        """The last telegram of the port; None if none has come yet, or while the entry is not set up."""
        if self.config_entry.state is not ConfigEntryState.LOADED:
            return None
        reading: Reading | None = self.config_entry.runtime_data.port.reading
        return reading

    @property
    def country(self) -> Country | None:
        """The country of the meter: that of its telegrams, or the one assumed; None if it is not known."""
        proven = None if self.reading is None else self.reading.telegram.country
        return proven or assumed_country(self.hass, self.config_entry)


type Shown = float | datetime | bool | None


class Source:
    """What the entities of a part show, by their keys."""

    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}
        self.entities: dict[str, PartEntity] = {}

    @abstractmethod
    def follow(self) -> None:
        """Follow the last telegram, once."""

    def show(self, values: Mapping[str, Shown]) -> None:
        """Show values: the entities whose values have changed write their states."""
        shown, entities = self.shown, self.entities
        for key, value in values.items():
            if value != shown.get(key):
                shown[key] = value
                if (entity := entities.get(key)) is not None:
                    entity.async_write_ha_state()


class PartEntity(P1Entity):
    """An entity of a part, on the device of the main meter."""

    def __init__(self, coordinator: P1Coordinator, source: Source, part: str, description: EntityDescription) -> None:
        """Initialize the entity: its description has the key of its value, and that of its name if it is another."""
        self.key = description.key
        super().__init__(coordinator, MAIN_SLOT, f"{part}_{self.key}")
        self.entity_description = description
        self._attr_translation_key = description.translation_key or f"{part}_{self.key}"
        self._source = source
        self._was_available = False

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._was_available = self.coordinator.last_update_success
        self._source.entities[self.key] = self
        self.async_on_remove(partial(self._source.entities.__delitem__, self.key))

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        # The coordinator calls at the pace of its own entities; of these, only an outage and its end concern this one.
        if self.coordinator.last_update_success is not self._was_available:
            self._was_available = self.coordinator.last_update_success
            # After an outage, the first telegram is shown and not the last one before.
            self._source.follow()
            super()._handle_coordinator_update()


class PartSensor(PartEntity, SensorEntity):
    """Shows a number, or a time."""

    @property
    @override
    def native_value(self) -> Shown:
        return self._source.shown.get(self.key)


class PartProblem(PartEntity, BinarySensorEntity):
    """On while there is a problem."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM

    @property
    @override
    def is_on(self) -> bool | None:
        shown = self._source.shown.get(self.key)
        return shown if isinstance(shown, bool) else None


def store_of(hass: HomeAssistant, entry_id: str, key: str) -> Store[dict[str, Any]]:
    """Return the store of a part for an entry, which is removed with the entry."""
    return Store(hass, version=1, key=f"{DOMAIN}.{entry_id}.{key}")


def main_meter(reading: Reading | None) -> Meter | None:
    """Return the main meter in a telegram; None if there is none."""
    # Each part asks with every telegram, and a generator takes longer.
    for meter in () if reading is None else reading.detection.meters:
        if meter.profile.slot == MAIN_SLOT:
            return meter
    return None


def number_in(value: CosemValue | None, unit: Unit) -> float | None:
    """Return a value in a unit, which is that of the standard, where a meter sends none; None if it is no number."""
    if value is None:
        return None
    _, number, sent, _ = value
    if not isinstance(number, Decimal):
        return None
    if sent is unit or sent is None:
        return float(number)
    # As many watts as volt-amperes.
    return float(number * sent.size / unit.size)
