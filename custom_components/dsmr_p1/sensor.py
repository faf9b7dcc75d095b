"""Sensors: one for each channel that a meter sends.

The catalog says what a channel is; the tables here say how Home Assistant shows such a quantity. A device class is
claimed only where the unit is one of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES, DEVICE_CLASS_UNITS
from homeassistant.const import (
    DEGREE,
    EntityCategory,
    UnitOfApparentPower,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfPower,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfReactiveEnergy,
    UnitOfReactivePower,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import P1ConfigEntry, P1Coordinator
from .entity import P1Entity
from .p1 import ChannelType, Level, MeterKind, Quantity, Role, Unit, channel_type
from .port.store import KnownMeter
from .watch.line_health import DESCRIPTIONS, LineHealthSensor

PARALLEL_UPDATES = 0
SCAN_INTERVAL: Final = timedelta(seconds=60)
"""How often the sensors of line health look. Those of the meters are told."""

LONGEST_STATE: Final = 255
"""Characters of a state; a longer text is cut, and whole in the attribute below."""
ATTR_FULL_TEXT: Final = "full_text"

D = SensorDeviceClass
Q = Quantity
S = SensorStateClass


class Presentation(NamedTuple):
    """How a quantity is shown. `device_classes` are those that may fit; the first that has the unit is taken."""

    device_classes: tuple[SensorDeviceClass, ...] = ()
    state_class: SensorStateClass | None = None
    options: tuple[str, ...] | None = None


MEASURED: Final = (
    D.ENERGY, D.VOLUME, D.POWER, D.REACTIVE_ENERGY, D.REACTIVE_POWER, D.APPARENT_POWER, D.CURRENT, D.VOLTAGE,
    D.FREQUENCY, D.VOLUME_FLOW_RATE, D.TEMPERATURE, D.PRESSURE, D.DURATION,
)  # fmt: skip
"""The classes of a number of which only the unit is known. No two of them share one."""
_TOTALS: Final = frozenset(found for found in MEASURED if S.MEASUREMENT not in DEVICE_CLASS_STATE_CLASSES[found])

# fmt: off
PRESENTATIONS: Final[Mapping[Quantity, Presentation]] = {
    Q.ENERGY:                   Presentation((D.ENERGY,), S.TOTAL_INCREASING),
    Q.HEAT:                     Presentation((D.ENERGY,), S.TOTAL_INCREASING),
    Q.REACTIVE_ENERGY:          Presentation((D.REACTIVE_ENERGY,), S.TOTAL_INCREASING),
    Q.APPARENT_ENERGY:          Presentation((), S.TOTAL_INCREASING),
    Q.VOLUME:                   Presentation((D.VOLUME,), S.TOTAL_INCREASING),
    Q.REGISTER:                 Presentation((D.ENERGY, D.VOLUME), S.TOTAL),
    Q.ENERGY_PERIOD:            Presentation((D.ENERGY,)),
    Q.REACTIVE_ENERGY_PERIOD:   Presentation((D.REACTIVE_ENERGY,)),
    Q.POWER:                    Presentation((D.POWER,), S.MEASUREMENT),
    Q.POWER_PERIOD:             Presentation((D.POWER,)),
    Q.REACTIVE_POWER:           Presentation((D.REACTIVE_POWER,), S.MEASUREMENT),
    Q.APPARENT_POWER:           Presentation((D.APPARENT_POWER,), S.MEASUREMENT),
    Q.CURRENT:                  Presentation((D.CURRENT,), S.MEASUREMENT),
    Q.VOLTAGE:                  Presentation((D.VOLTAGE,), S.MEASUREMENT),
    Q.FREQUENCY:                Presentation((D.FREQUENCY,), S.MEASUREMENT),
    Q.POWER_FACTOR:             Presentation((D.POWER_FACTOR,), S.MEASUREMENT),
    Q.ANGLE:                    Presentation((), S.MEASUREMENT_ANGLE),
    Q.TEMPERATURE:              Presentation((D.TEMPERATURE,), S.MEASUREMENT),
    Q.FLOW:                     Presentation((D.VOLUME_FLOW_RATE,), S.MEASUREMENT),
    Q.RATIO:                    Presentation(),
    Q.REGISTER_PERIOD:          Presentation((D.ENERGY, D.VOLUME, D.POWER, D.REACTIVE_ENERGY)),
    Q.MEASURED:                 Presentation(MEASURED, S.MEASUREMENT),
    Q.DURATION:                 Presentation((D.DURATION,)),
    Q.COUNTER:                  Presentation((), S.TOTAL_INCREASING),
    Q.NUMBER:                   Presentation((), S.MEASUREMENT),
    Q.POSITION:                 Presentation((D.ENUM,), options=("0", "1", "2")),
    Q.TARIFF:                   Presentation((D.ENUM,), options=("0", "1", "2", "3", "4", "5")),
    Q.THRESHOLD_CURRENT:        Presentation((D.CURRENT,)),
    Q.THRESHOLD_POWER:          Presentation((D.POWER,)),
    Q.THRESHOLD_APPARENT_POWER: Presentation((D.APPARENT_POWER,)),
    Q.TIMESTAMP:                Presentation((D.TIMESTAMP,)),
    Q.IDENTIFIER:               Presentation(),
    Q.DEVICE_TYPE:              Presentation(),
    Q.VERSION:                  Presentation(),
    Q.TEXT:                     Presentation(),
}

# The class of a volume that is known to be of something.
VOLUMES: Final[Mapping[MeterKind, SensorDeviceClass]] = {
    MeterKind.GAS:   D.GAS,
    MeterKind.WATER: D.WATER,
}

# A unit -> as Home Assistant has it, and the decimals that are shown of it: those that meters send.
UNITS: Final[Mapping[Unit | None, tuple[str | None, int | None]]] = {
    None:                       (None, None),
    Unit.MILLI_WATT_HOUR:       (UnitOfEnergy.MILLIWATT_HOUR, 0),
    Unit.WATT_HOUR:             (UnitOfEnergy.WATT_HOUR, 0),
    Unit.KILO_WATT_HOUR:        (UnitOfEnergy.KILO_WATT_HOUR, 3),
    Unit.MEGA_WATT_HOUR:        (UnitOfEnergy.MEGA_WATT_HOUR, 3),
    Unit.GIGA_WATT_HOUR:        (UnitOfEnergy.GIGA_WATT_HOUR, 3),
    Unit.MILLI_WATT:            (UnitOfPower.MILLIWATT, 0),
    Unit.WATT:                  (UnitOfPower.WATT, 0),
    Unit.KILO_WATT:             (UnitOfPower.KILO_WATT, 3),
    Unit.MEGA_WATT:             (UnitOfPower.MEGA_WATT, 3),
    Unit.GIGA_WATT:             (UnitOfPower.GIGA_WATT, 3),
    Unit.VAR_HOUR:              (UnitOfReactiveEnergy.VOLT_AMPERE_REACTIVE_HOUR, 0),
    Unit.KILO_VAR_HOUR:         (UnitOfReactiveEnergy.KILO_VOLT_AMPERE_REACTIVE_HOUR, 3),
    Unit.MILLI_VAR:             (UnitOfReactivePower.MILLIVOLT_AMPERE_REACTIVE, 0),
    Unit.VAR:                   (UnitOfReactivePower.VOLT_AMPERE_REACTIVE, 0),
    Unit.KILO_VAR:              (UnitOfReactivePower.KILO_VOLT_AMPERE_REACTIVE, 3),
    Unit.VOLT_AMPERE_HOUR:      ("VAh", 0),
    Unit.KILO_VOLT_AMPERE_HOUR: ("kVAh", 3),
    Unit.MILLI_VOLT_AMPERE:     (UnitOfApparentPower.MILLIVOLT_AMPERE, 0),
    Unit.VOLT_AMPERE:           (UnitOfApparentPower.VOLT_AMPERE, 0),
    Unit.KILO_VOLT_AMPERE:      (UnitOfApparentPower.KILO_VOLT_AMPERE, 3),
    Unit.MILLI_AMPERE:          (UnitOfElectricCurrent.MILLIAMPERE, 0),
    Unit.AMPERE:                (UnitOfElectricCurrent.AMPERE, 2),
    Unit.MILLI_VOLT:            (UnitOfElectricPotential.MILLIVOLT, 0),
    Unit.VOLT:                  (UnitOfElectricPotential.VOLT, 1),
    Unit.KILO_VOLT:             (UnitOfElectricPotential.KILOVOLT, 3),
    Unit.MEGA_VOLT:             (UnitOfElectricPotential.MEGAVOLT, 3),
    Unit.MILLI_HERTZ:           (UnitOfFrequency.MILLIHERTZ, 0),
    Unit.HERTZ:                 (UnitOfFrequency.HERTZ, 2),
    Unit.KILO_HERTZ:            (UnitOfFrequency.KILOHERTZ, 5),
    Unit.MEGA_HERTZ:            (UnitOfFrequency.MEGAHERTZ, 3),
    Unit.CUBIC_METRE:           (UnitOfVolume.CUBIC_METERS, 3),
    Unit.CUBIC_DECIMETRE:       (UnitOfVolume.LITERS, 0),
    Unit.JOULE:                 (UnitOfEnergy.JOULE, 0),
    Unit.KILO_JOULE:            (UnitOfEnergy.KILO_JOULE, 0),
    Unit.MEGA_JOULE:            (UnitOfEnergy.MEGA_JOULE, 0),
    Unit.GIGA_JOULE:            (UnitOfEnergy.GIGA_JOULE, 3),
    Unit.MILLI_SECOND:          (UnitOfTime.MILLISECONDS, 0),
    Unit.SECOND:                (UnitOfTime.SECONDS, 0),
    Unit.MINUTE:                (UnitOfTime.MINUTES, 0),
    Unit.HOUR:                  (UnitOfTime.HOURS, 0),
    Unit.DEGREE:                (DEGREE, 1),
    Unit.DEGREE_CELSIUS:        (UnitOfTemperature.CELSIUS, 1),
    Unit.KELVIN:                (UnitOfTemperature.KELVIN, 1),
    Unit.LITRE_PER_HOUR:        (UnitOfVolumeFlowRate.LITERS_PER_HOUR, 0),
    Unit.CUBIC_METRE_PER_HOUR:  (UnitOfVolumeFlowRate.CUBIC_METERS_PER_HOUR, 3),
    Unit.BAR:                   (UnitOfPressure.BAR, 2),
    Unit.PERCENT:               (UnitOfRatio.PERCENTAGE, 0),
}

# How much a channel matters -> its category, and whether its entity is there without being asked for.
LEVELS: Final[Mapping[Level, tuple[EntityCategory | None, bool]]] = {
    Level.MAIN:       (None, True),
    Level.OPTIONAL:   (None, False),
    Level.DIAGNOSTIC: (EntityCategory.DIAGNOSTIC, True),
    Level.RARE:       (EntityCategory.DIAGNOSTIC, False),
}
# fmt: on


def describe(meter: KnownMeter, channel_id: str) -> SensorEntityDescription:
    """Return how a channel of a meter is shown."""
    channel = channel_type(channel_id)
    presentation = PRESENTATIONS[channel.quantity]
    unit, precision = UNITS[meter.channels[channel_id]]
    device_class = next((found for found in _device_classes(presentation, meter) if _has_unit(found, unit)), None)
    state_class = presentation.state_class
    if channel.quantity is Quantity.REGISTER and meter.role is Role.MBUS:
        # What a meter of its own counts only rises; what the main meter counts besides may be a balance.
        state_class = S.TOTAL_INCREASING
    if channel.quantity is Quantity.MEASURED and device_class in _TOTALS | set(VOLUMES.values()):
        # What is counted only rises: Home Assistant knows no measurement of it.
        state_class = S.TOTAL_INCREASING
    if channel.quantity is Quantity.POWER_FACTOR:
        precision = 3
    category, enabled = LEVELS[channel.level]
    return SensorEntityDescription(
        key=channel_id,
        translation_key=translation_key(channel, meter.low_tariff),
        translation_placeholders={"index": channel.index} if channel.index else None,
        device_class=device_class,
        state_class=state_class,
        native_unit_of_measurement=unit,
        suggested_display_precision=precision,
        options=None if presentation.options is None else list(presentation.options),
        entity_category=category,
        entity_registry_enabled_default=enabled,
    )


def translation_key(channel: ChannelType, low_tariff: int | None) -> str:
    """Return the key of a channel's name: tariffs are named as the country calls them, where it has names for them."""
    if low_tariff is None:
        return channel.name
    if channel.quantity is Quantity.TARIFF:
        return f"{channel.name}_low_{low_tariff}"
    if channel.name.endswith("_tariff") and channel.index in _RATES:
        return f"{channel.name}_{'low' if channel.index == str(low_tariff) else 'normal'}"
    return channel.name


_RATES: Final = ("1", "2")


def _device_classes(presentation: Presentation, meter: KnownMeter) -> tuple[SensorDeviceClass, ...]:
    volume = VOLUMES.get(meter.kind, D.VOLUME)
    return tuple(volume if found is D.VOLUME else found for found in presentation.device_classes)


def _has_unit(device_class: SensorDeviceClass, unit: str | None) -> bool:
    return unit in DEVICE_CLASS_UNITS.get(device_class, {None})


async def async_setup_entry(
    hass: HomeAssistant, entry: P1ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Create a sensor for each channel that is known, and for each that becomes known later."""
    sensors = Sensors(hass, entry, async_add_entities)
    # Told before the sensors themselves are: those that are outdated must not speak again.
    entry.async_on_unload(entry.runtime_data.async_add_listener(sensors.follow))
    sensors.follow()
    async_add_entities(
        [LineHealthSensor(entry.runtime_data.port, description) for description in DESCRIPTIONS], update_before_add=True
    )


class Sensors:
    """The sensors of an entry: one for each channel that is known, and none for others."""

    def __init__(
        self, hass: HomeAssistant, entry: P1ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        """Begin without any."""
        self._hass = hass
        self._entry = entry
        self._coordinator = entry.runtime_data
        self._async_add_entities = async_add_entities
        self._registry = er.async_get(hass)
        self._meters: Mapping[str, KnownMeter] = {}
        self._sensors: dict[tuple[str, str], P1Sensor] = {}

    @callback
    def follow(self) -> None:
        """Create the sensors of channels that are new, and make those anew whose channel is something else now."""
        if self._meters is self._coordinator.port.meters:
            return
        self._meters = self._coordinator.port.meters
        retired = [sensor for sensor in self._sensors.values() if self._is_outdated(sensor)]
        for sensor in retired:
            del self._sensors[sensor.slot, sensor.channel_id]
            sensor.retire()
        fresh = [
            P1Sensor(self._coordinator, meter, channel_id)
            for slot, meter in self._meters.items()
            for channel_id in meter.channels
            if (slot, channel_id) not in self._sensors
        ]
        self._sensors.update({(sensor.slot, sensor.channel_id): sensor for sensor in fresh})
        if retired:
            self._entry.async_create_task(self._hass, self._exchange(retired, fresh), "dsmr_p1 sensors")
        else:
            self._async_add_entities(fresh)

    def _is_outdated(self, sensor: P1Sensor) -> bool:
        """Whether a channel is gone, or something else than when its sensor was made."""
        meter = self._meters.get(sensor.slot)
        if meter is None or sensor.channel_id not in meter.channels:
            return True
        if sensor.is_added:
            registered = self._registry.async_get(sensor.entity_id)
            if registered is not None and registered.unique_id != sensor.unique_id:
                return True
        elif (registered := sensor.registry_entry) is not None and self._registry.async_get_entity_id(
            registered.domain, DOMAIN, registered.unique_id
        ) is None:
            # It is disabled, and its registry entry went to another meter: this one gets one of its own.
            return True
        return describe(meter, sensor.channel_id) != sensor.entity_description

    async def _exchange(self, retired: list[P1Sensor], fresh: list[P1Sensor]) -> None:
        """Take sensors away, and only then put others in their place: they have the same entity ids."""
        for sensor in retired:
            if sensor.is_added:
                await sensor.async_remove()
        self._async_add_entities(fresh)


class P1Sensor(P1Entity, SensorEntity):
    """A channel of a meter."""

    _unrecorded_attributes = frozenset({ATTR_FULL_TEXT})

    def __init__(self, coordinator: P1Coordinator, meter: KnownMeter, channel_id: str) -> None:
        """Show a channel of a meter."""
        super().__init__(coordinator, meter.slot, channel_id)
        self.channel_id = channel_id
        self.is_added = False
        self.entity_description = describe(meter, channel_id)
        self._is_text = PRESENTATIONS[channel_type(channel_id).quantity].state_class is None and (
            self.entity_description.device_class in (None, D.ENUM)
        )
        self._is_retired = False
        self._shown: tuple[object, bool] | None = None
        self._take_value()

    def retire(self) -> None:
        """Write no more states: another entity is about to take over this one's registry entry."""
        self._is_retired = True

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
        shown = (self.coordinator.data.get(self.slot), self.coordinator.last_update_success)
        if self._is_retired or (self._shown is not None and self._shown[0] is shown[0] and self._shown[1] is shown[1]):
            return
        self._take_value()
        super()._handle_coordinator_update()

    def _take_value(self) -> None:
        values = self.coordinator.data.get(self.slot)
        self._shown = values, self.coordinator.last_update_success
        presented = None if values is None else values.get(self.channel_id)
        value = None if presented is None else presented.value
        self._attr_extra_state_attributes = {}
        if self._is_text and value is not None:
            value = self._text(value)
        self._attr_native_value = value

    def _text(self, value: str | Decimal | datetime) -> str | None:
        text = str(value)
        if self.options is not None and text not in self.options:
            # A position or tariff that no standard has is a fact all the same.
            self._attr_options = [*self.options, text]
        if len(text) > LONGEST_STATE:
            self._attr_extra_state_attributes = {ATTR_FULL_TEXT: text}
        return text[:LONGEST_STATE] or None
