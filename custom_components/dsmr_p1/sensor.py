"""Sensors: one for each channel that a meter sends. `descriptions` has their descriptions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, override
from weakref import WeakValueDictionary

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import P1ConfigEntry, P1Coordinator
from .entity import P1Entity
from .entity.descriptions import PRESENTATIONS, describe, shown_unit
from .p1 import DERIVED_CHANNELS, Presented, Quantity, channel_type, convert
from .port.devices import sensor_of
from .port.display import TOTALS, Values
from .storage.store import KnownMeter
from .watch.line_health import DESCRIPTIONS, LineHealthSensor

PARALLEL_UPDATES = 0
SCAN_INTERVAL: Final = timedelta(seconds=60)
"""The interval of the line health sensors, which are polled. Sensors of meters are pushed."""

MOST_EXTRA_OPTIONS: Final = 16
"""The most enumeration values beyond the standards; further ones are shown as unknown."""
LONGEST_STATE: Final = 255
"""The most characters of a state; a longer text is truncated, and complete in the attribute below."""
ATTR_FULL_TEXT: Final = "full_text"


async def async_setup_entry(
    hass: HomeAssistant, entry: P1ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up a sensor for each known channel, and for channels that are added later."""
    sensors = Sensors(hass, entry, async_add_entities)
    # Called before the sensors, since outdated ones must not write another state.
    entry.async_on_unload(entry.runtime_data.async_add_listener(sensors.follow))
    sensors.follow()
    async_add_entities(
        [LineHealthSensor(entry.runtime_data.port, description) for description in DESCRIPTIONS], update_before_add=True
    )
    async_add_entities([entity for entity in entry.runtime_data.entities_of_parts if isinstance(entity, SensorEntity)])


def in_order(meter: KnownMeter) -> list[str]:
    """Return the ids of a meter's channels: net power and the totals first, as pages of areas have entities by age."""
    return sorted(meter.channels, key=lambda channel_id: _FIRST.get(channel_id, len(_FIRST)))


_FIRST: Final[Mapping[str, int]] = {channel.id: place for place, channel in enumerate(DERIVED_CHANNELS)}


class Sensors:
    """The sensors of an entry: exactly one for each known channel."""

    def __init__(
        self, hass: HomeAssistant, entry: P1ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._coordinator = entry.runtime_data
        self._async_add_entities = async_add_entities
        self._registry = er.async_get(hass)
        self._meters: Mapping[str, KnownMeter] = {}
        # Without those that are disabled, which nobody else holds on to: they are made again with the next change.
        self._sensors: WeakValueDictionary[tuple[str, str], P1Sensor] = WeakValueDictionary()

    @callback
    def follow(self) -> None:
        """Create sensors for new channels, and recreate those whose channel has changed."""
        if self._meters is self._coordinator.port.meters:
            return
        self._meters = self._coordinator.port.meters
        retired = [sensor for sensor in self._sensors.values() if self._is_outdated(sensor)]
        for sensor in retired:
            del self._sensors[sensor.slot, sensor.channel_id]
            sensor.is_retired = True
        fresh = [
            P1Sensor(self._coordinator, meter, channel_id)
            for slot, meter in self._meters.items()
            for channel_id in in_order(meter)
            if (slot, channel_id) not in self._sensors
        ]
        self._sensors.update({(sensor.slot, sensor.channel_id): sensor for sensor in fresh})
        if retired:
            self._entry.async_create_task(self._hass, self._replace(retired, fresh), "dsmr_p1 sensors")
        else:
            self._add(fresh)

    def _add(self, fresh: list[P1Sensor]) -> None:
        """Add sensors, unless the entry is being unloaded: nothing would remove them any more."""
        if self._entry.state is not ConfigEntryState.UNLOAD_IN_PROGRESS:
            self._async_add_entities(fresh)

    def _is_outdated(self, sensor: P1Sensor) -> bool:
        """Whether the channel of a sensor is gone, or has changed since the sensor was created."""
        meter = self._meters.get(sensor.slot)
        if meter is None or sensor.channel_id not in meter.channels:
            return True
        if sensor.is_added:
            registered = self._registry.async_get(sensor.entity_id)
            if registered is not None and registered.unique_id != sensor.unique_id:
                return True
        return describe(meter, sensor.channel_id, sensor.registered_unit) != sensor.entity_description

    async def _replace(self, retired: list[P1Sensor], fresh: list[P1Sensor]) -> None:
        """Remove sensors, and only then add their replacements, which have the same entity ids."""
        for sensor in retired:
            if sensor.is_added:
                await sensor.async_remove()
        self._add(fresh)


class P1Sensor(P1Entity, SensorEntity):
    """Sensor for a channel of a meter."""

    _unrecorded_attributes = frozenset({ATTR_FULL_TEXT})

    def __init__(self, coordinator: P1Coordinator, meter: KnownMeter, channel_id: str) -> None:
        super().__init__(coordinator, meter.slot, channel_id)
        self.channel_id = channel_id
        self.is_added = False
        registered = self._registered()
        unit = None if registered is None else registered.unit_of_measurement
        self.entity_description = describe(meter, channel_id, unit)
        self._units = meter.channels[channel_id], shown_unit(meter, channel_id, unit)
        self._decimals: int | None = None
        self._last_number = Decimal("nan")
        self._attr_suggested_display_precision = self._last_precision(registered)
        quantity = channel_type(channel_id).quantity
        self._is_total = quantity in TOTALS
        self._is_reported = self.entity_description.state_class is not None
        self._is_text = PRESENTATIONS[quantity].state_class is None and (
            self.entity_description.device_class in (None, SensorDeviceClass.ENUM)
        )
        # The names of tariffs of an entity that was taken over, which automations rely on.
        self._words: Mapping[str, str] = {}
        if quantity is Quantity.TARIFF and registered is not None:
            self._words = coordinator.port.tariff_words.get(registered.id, {})
        if self._words:
            self._attr_options = sorted(self._words.values())
        self.is_retired = False
        """Whether it writes no states any more: another entity is about to use its registry entry."""
        self._values: Values | None = None
        self._presented: Presented | None = None
        self._was_available = False
        self._written: State | None = None
        self._take_value()

    def _registered(self) -> er.RegistryEntry | None:
        """Return the registry entry that the sensor has, or will have; None if it is new."""
        port = self.coordinator.port
        return sensor_of(port.hass, port.entry.entry_id, self.slot, self.channel_id)

    @property
    def registered_unit(self) -> str | None:
        """Return the unit that the entity has had so far, None if it is new."""
        registered = self._registered()
        return None if registered is None else registered.unit_of_measurement

    def _last_precision(self, registered: er.RegistryEntry | None) -> int | None:
        """Return the decimals displayed so far, until the meter sends a value; those of the unit if that is new."""
        suggested = self.entity_description.suggested_display_precision
        if registered is None or registered.unit_of_measurement != self.entity_description.native_unit_of_measurement:
            return suggested
        options: Mapping[str, Any] = registered.options.get("sensor") or {}
        displayed: int | None = options.get("suggested_display_precision", suggested)
        return displayed

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.is_added = True
        self._take_value()

    @override
    async def async_will_remove_from_hass(self) -> None:
        self.is_added = False
        await super().async_will_remove_from_hass()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        coordinator = self.coordinator
        values, is_available = coordinator.data.get(self.slot), coordinator.last_update_success
        if self.is_retired or (values is self._values and is_available is self._was_available):
            return
        last, presented = self._presented, None if values is None else values.get(self.channel_id)
        if is_available is not self._was_available or (presented is not last and presented != last):
            self._take_value()
            self._write()
            return
        self._values, self._presented = values, presented
        if self._is_reported and (not self._is_total or self.slot in coordinator.port.display.due_totals):
            coordinator.unchanged.append(self.report)

    def _write(self) -> None:
        self.async_write_ha_state()
        self._written = self.hass.states.get(self.entity_id)

    @callback
    def report(self) -> None:
        """Report the unchanged value again: integrals and averages over time depend on the last report."""
        state = self.hass.states.get(self.entity_id)
        if state is None or state is not self._written:
            # Another part of Home Assistant has written the state since, as a change of settings does.
            self._write()
        else:
            # Writing the entity's state would have the same result, at many times the cost.
            self.hass.states.async_set(state.entity_id, state.state, state.attributes, context=state.context)

    def _take_value(self) -> None:
        last = self._presented
        self._values = self.coordinator.data.get(self.slot)
        self._presented = None if self._values is None else self._values.get(self.channel_id)
        self._was_available = self.coordinator.last_update_success
        if self._presented is last:
            return
        value = None if self._presented is None else self._presented.value
        sent, shown = self._units
        if isinstance(value, Decimal) and sent is not None and shown is not None:
            value = convert(value, sent, shown)
            self._display_decimals_of(value)
        if self._is_text:
            self._attr_extra_state_attributes = {}
            if value is not None:
                value = self._text(value)
        self._attr_native_value = value

    def _display_decimals_of(self, value: Decimal) -> None:
        """Display as many decimals as were received, the most of them where their number varies."""
        if value.same_quantum(self._last_number):
            return
        self._last_number = value
        decimals = max(0, -int(value.as_tuple().exponent))
        if self._decimals is None or decimals > self._decimals:
            self._decimals = self._attr_suggested_display_precision = decimals
            if self.is_added:
                self.async_registry_entry_updated()

    def _text(self, value: str | Decimal | datetime) -> str | None:
        text = str(value)
        if self._words:
            return self._words.get(text)
        if self.options is not None and text not in self.options:
            # A position or tariff beyond the standards is still valid data.
            if len(self.options) - len(self.entity_description.options or ()) >= MOST_EXTRA_OPTIONS:
                return None
            self._attr_options = [*self.options, text]
        if len(text) > LONGEST_STATE:
            self._attr_extra_state_attributes = {ATTR_FULL_TEXT: text}
        return text[:LONGEST_STATE] or None
