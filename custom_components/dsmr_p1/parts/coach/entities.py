"""The entities of the coach, on the device of the main meter."""

from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import UnitOfEnergy, UnitOfPower

from ...coordinator import P1Coordinator
from ...p1.meters.grouping import MAIN_SLOT
from ..part import PartEntity, PartProblem, PartSensor
from .follower import Follower
from .settings import CAPACITY, CONF_COACH, REFERENCE, settings_of


def _power(key: str) -> SensorEntityDescription:
    return SensorEntityDescription(
        key=key,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=3,
    )


_DESCRIPTIONS: Final = (
    _power("quarter_mean"),
    _power("quarter_forecast"),
    _power("available_power"),
    _power("month_peak"),
    SensorEntityDescription(key="month_peak_time", device_class=SensorDeviceClass.TIMESTAMP),
)
_OF_TARIFF: Final = {
    CAPACITY: _power("average_peak"),
    REFERENCE: SensorEntityDescription(
        key="month_excess",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
    ),
}


async def async_start_coach(coordinator: P1Coordinator) -> tuple[PartEntity, ...]:
    """Start the coach of a port where one is wanted, and return its entities; it ends with the entry."""
    port = coordinator.port
    settings = settings_of(port.entry.options)
    if settings is None or MAIN_SLOT not in port.meters:
        return ()
    follower = Follower(port, settings)
    await follower.async_start()
    described = [*_DESCRIPTIONS, _OF_TARIFF[settings.tariff]]
    if settings.price is not None:
        described.append(
            SensorEntityDescription(
                key="month_cost",
                device_class=SensorDeviceClass.MONETARY,
                native_unit_of_measurement=port.hass.config.currency,
                suggested_display_precision=2,
            )
        )
    return (
        *(PartSensor(coordinator, follower, CONF_COACH, description) for description in described),
        PartProblem(coordinator, follower, CONF_COACH, BinarySensorEntityDescription(key="peak_at_risk")),
    )
