"""The entities of the coach, on the device of the main meter."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, override

from homeassistant.components.binary_sensor import BinarySensorDeviceClass, BinarySensorEntity
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import UnitOfEnergy, UnitOfPower

from ...coordinator import P1Coordinator
from ...p1 import Role
from ..part import PartEntity
from .advice import Advice
from .follower import Follower
from .settings import CAPACITY, CONF_COACH, KILO, REFERENCE, settings_of

type State = float | datetime | None


@dataclass(frozen=True, kw_only=True)
class CoachDescription(SensorEntityDescription):
    """A number of the advice; `tariffs` are those for which it means something."""

    value: Callable[[Advice], State]
    tariffs: tuple[str, ...] = (CAPACITY, REFERENCE)


def _power(key: str, value: Callable[[Advice], float | None], *tariffs: str) -> CoachDescription:
    return CoachDescription(
        key=key,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=3,
        value=lambda advice: _kilo(value(advice)),
        tariffs=tariffs or (CAPACITY, REFERENCE),
    )


def _kilo(value: float | None) -> float | None:
    return None if value is None else round(value / KILO, 3)


def _peak_time(advice: Advice) -> datetime | None:
    peak = advice.peak
    return None if peak is None or peak.time is None else datetime.fromtimestamp(peak.time, UTC)


_COST: Final = CoachDescription(
    key="month_cost",
    device_class=SensorDeviceClass.MONETARY,
    suggested_display_precision=2,
    value=lambda advice: None if advice.cost is None else round(advice.cost, 2),
)
_DESCRIPTIONS: Final = (
    _power("quarter_mean", lambda advice: advice.mean),
    _power("quarter_forecast", lambda advice: advice.forecast),
    _power("available_power", lambda advice: advice.available),
    _power("month_peak", lambda advice: None if advice.peak is None else advice.peak.power),
    CoachDescription(key="month_peak_time", device_class=SensorDeviceClass.TIMESTAMP, value=_peak_time),
    _power("average_peak", lambda advice: advice.average, CAPACITY),
    CoachDescription(
        key="month_excess",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value=lambda advice: _kilo(advice.excess),
        tariffs=(REFERENCE,),
    ),
)


class CoachEntity(PartEntity):
    """Shows a part of the advice."""

    def __init__(self, coordinator: P1Coordinator, slot: str, follower: Follower, key: str) -> None:
        """Initialize the entity."""
        super().__init__(coordinator, slot, follower, CONF_COACH, key)
        self._follower = follower


class CoachSensor(CoachEntity, SensorEntity):
    """Sensor for a number of the advice."""

    entity_description: CoachDescription

    def __init__(
        self, coordinator: P1Coordinator, slot: str, follower: Follower, description: CoachDescription
    ) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, slot, follower, description.key)
        self.entity_description = description
        if description is _COST:
            self._attr_native_unit_of_measurement = coordinator.hass.config.currency

    @override
    def _take(self) -> bool:
        advice, last = self._follower.advice, self._attr_native_value
        self._attr_native_value = None if advice is None else self.entity_description.value(advice)
        return self._attr_native_value != last


class PeakAtRisk(CoachEntity, BinarySensorEntity):
    """On while the quarter that runs is going to cost more."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM

    def __init__(self, coordinator: P1Coordinator, slot: str, follower: Follower) -> None:
        """Initialize the binary sensor."""
        super().__init__(coordinator, slot, follower, "peak_at_risk")

    @override
    def _take(self) -> bool:
        advice, last = self._follower.advice, self._attr_is_on
        self._attr_is_on = None if advice is None else advice.is_at_risk
        return self._attr_is_on is not last


async def async_start_coach(coordinator: P1Coordinator) -> tuple[CoachEntity, ...]:
    """Start the coach of a port where one is wanted, and return its entities; it ends with the entry."""
    port = coordinator.port
    settings = settings_of(port.entry.options)
    slot = next((meter.slot for meter in port.meters.values() if meter.role is Role.MAIN), None)
    if settings is None or slot is None:
        return ()
    follower = Follower(port, slot, settings)
    await follower.async_start()
    described = [description for description in _DESCRIPTIONS if settings.tariff in description.tariffs]
    if settings.price is not None:
        described.append(_COST)
    return (
        *(CoachSensor(coordinator, slot, follower, description) for description in described),
        PeakAtRisk(coordinator, slot, follower),
    )
