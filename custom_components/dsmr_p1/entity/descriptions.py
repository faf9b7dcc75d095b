"""Entity descriptions of channels: device classes, state classes, units and names, as tables by quantity.

A device class is used only if it allows the unit.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES, DEVICE_CLASS_UNITS
from homeassistant.const import EntityCategory, UnitOfVolume

from ..p1 import ChannelType, Level, MeterKind, Quantity, Role, Unit, channel_type
from ..storage.store import KnownMeter

D = SensorDeviceClass
Q = Quantity
S = SensorStateClass


class Presentation(NamedTuple):
    """The presentation of a quantity. `device_classes` are candidates; the first that allows the unit is used."""

    device_classes: tuple[SensorDeviceClass, ...] = ()
    state_class: SensorStateClass | None = None
    options: tuple[str, ...] | None = None


MEASURED: Final = (
    D.ENERGY, D.VOLUME, D.POWER, D.REACTIVE_ENERGY, D.REACTIVE_POWER, D.APPARENT_POWER, D.CURRENT, D.VOLTAGE,
    D.FREQUENCY, D.VOLUME_FLOW_RATE, D.TEMPERATURE, D.PRESSURE, D.DURATION,
)  # fmt: skip
"""The device classes of a number of which only the unit is known. No two of them share a unit."""
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
    Q.DEMAND:                   Presentation((D.POWER,), S.MEASUREMENT),
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

# The device class of a volume of a known medium.
VOLUMES: Final[Mapping[MeterKind, SensorDeviceClass]] = {
    MeterKind.GAS:   D.GAS,
    MeterKind.WATER: D.WATER,
}

# The displayed decimals of a value that was not received yet -> the units; other units have none.
_DECIMALS: Final[Mapping[int, tuple[Unit, ...]]] = {
    1: (Unit.VOLT, Unit.DEGREE, Unit.DEGREE_CELSIUS, Unit.KELVIN),
    2: (Unit.AMPERE, Unit.HERTZ, Unit.BAR),
    3: (Unit.KILO_WATT_HOUR, Unit.MEGA_WATT_HOUR, Unit.GIGA_WATT_HOUR, Unit.KILO_WATT, Unit.MEGA_WATT, Unit.GIGA_WATT,
        Unit.KILO_VAR_HOUR, Unit.KILO_VAR, Unit.KILO_VOLT_AMPERE_HOUR, Unit.KILO_VOLT_AMPERE, Unit.KILO_VOLT,
        Unit.MEGA_VOLT, Unit.MEGA_HERTZ, Unit.CUBIC_METRE, Unit.CUBIC_METRE_PER_HOUR, Unit.GIGA_JOULE),
    5: (Unit.KILO_HERTZ,),
}

# The importance of a channel -> its category, and whether its entity is enabled by default: each enabled one writes
# rows into the database of every household.
LEVELS: Final[Mapping[Level, tuple[EntityCategory | None, bool]]] = {
    Level.MAIN:       (None, True),                         # the purpose of a meter
    Level.PHASE:      (None, False),                        # the same as the whole, unless there are three phases
    Level.OPTIONAL:   (None, False),                        # voltages: new with every telegram, looked at by few
    Level.DIAGNOSTIC: (EntityCategory.DIAGNOSTIC, True),    # for faults; changes rarely
    Level.RARE:       (EntityCategory.DIAGNOSTIC, False),   # for troubleshooting
}
_THREE_PHASES: Final = 3
# fmt: on


def home_unit(unit: Unit | None) -> str | None:
    """Return a unit as Home Assistant spells it: as the catalog does, except for litres."""
    if unit is Unit.CUBIC_DECIMETRE:
        return UnitOfVolume.LITERS
    return None if unit is None else unit.value


def shown_unit(meter: KnownMeter, channel_id: str, registered: str | None = None) -> Unit | None:
    """Return the unit in which a channel is shown: power in W, unless its entity is `registered` in the unit sent."""
    unit = meter.channels[channel_id]
    if unit is Unit.KILO_WATT and channel_type(channel_id).quantity is Quantity.POWER and registered != unit:
        return Unit.WATT
    return unit


def describe(meter: KnownMeter, channel_id: str, registered: str | None = None) -> SensorEntityDescription:
    """Return the entity description of a channel, whose entity has a `registered` unit unless it is new."""
    channel = channel_type(channel_id)
    presentation = PRESENTATIONS[channel.quantity]
    shown = shown_unit(meter, channel_id, registered)
    unit = home_unit(shown)
    precision = None if shown is None else next((digits for digits, units in _DECIMALS.items() if shown in units), 0)
    volume = VOLUMES.get(meter.kind, D.VOLUME)
    candidates = (volume if found is D.VOLUME else found for found in presentation.device_classes)
    device_class = next((found for found in candidates if unit in DEVICE_CLASS_UNITS.get(found, {None})), None)
    state_class = presentation.state_class
    if channel.quantity is Quantity.REGISTER and meter.role is Role.MBUS:
        # The counters of an M-Bus meter only rise; other counters of the main meter may be a balance.
        state_class = S.TOTAL_INCREASING
    if channel.quantity is Quantity.MEASURED and device_class in _TOTALS | set(VOLUMES.values()):
        # These counters only rise: Home Assistant has no measurement state class for them.
        state_class = S.TOTAL_INCREASING
    if channel.quantity is Quantity.POWER_FACTOR:
        precision = 3
    category, enabled = LEVELS[channel.level]
    if channel.level is Level.PHASE:
        enabled = sum(channel_type(other).name == channel.name for other in meter.channels) == _THREE_PHASES
    return SensorEntityDescription(
        key=channel_id,
        translation_key=_only_reading(channel, meter) or translation_key(channel, meter.low_tariff),
        translation_placeholders={"index": channel.index} if channel.index else None,
        device_class=device_class,
        state_class=state_class,
        native_unit_of_measurement=unit,
        suggested_display_precision=precision,
        options=None if presentation.options is None else list(presentation.options),
        entity_category=category,
        entity_registry_enabled_default=enabled,
    )


def unit_of(meter: KnownMeter, channel_id: str) -> str | None:
    """Return the unit in which a channel is sent, which an entity that is taken over keeps."""
    return home_unit(meter.channels[channel_id])


def translation_key(channel: ChannelType, low_tariff: int | None) -> str:
    """Return the translation key of a channel's name: tariffs have names if the country has names for them."""
    if low_tariff is None:
        return channel.name
    if channel.quantity is Quantity.TARIFF:
        return f"{channel.name}_low_{low_tariff}"
    if channel.name.endswith("_tariff") and channel.index in ("1", "2"):
        return f"{channel.name}_{'low' if channel.index == str(low_tariff) else 'normal'}"
    return channel.name


def _only_reading(channel: ChannelType, meter: KnownMeter) -> str | None:
    """Return the key of a reading that is the only one of its meter, which needs no word for what sets it apart."""
    if not channel.name.startswith("reading_uncorrected"):
        return None
    names = {channel_type(channel_id).name for channel_id in meter.channels}
    return None if names & {"reading", "reading_compensated"} else channel.name.replace("_uncorrected", "")
