"""The entities: the headroom of each phase, the smallest of them, and whether a phase is overloaded."""

from collections.abc import Callable, Iterable
from typing import override

from homeassistant.components.binary_sensor import BinarySensorDeviceClass, BinarySensorEntity
from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.const import UnitOfElectricCurrent
from homeassistant.core import callback

from ...coordinator import P1Coordinator
from ...entity import P1Entity
from ...p1 import Meter, MeterProfile, Reading
from ...p1.meters.grouping import MAIN_SLOT
from ...port.captures import Capture
from ..part import PartEntity
from .phases import Currents, Overload, Phases, phases_of
from .settings import CONF_HEADROOM, Settings, settings_of


class Headroom:
    """The headroom of one port, worked out anew with every telegram, whatever the pace of the meter's own entities."""

    def __init__(self, coordinator: P1Coordinator, settings: Settings) -> None:
        """Initialize without a telegram."""
        self._port = coordinator.port
        self._settings = settings
        self._overload = Overload(settings.fuse)
        self._reading: Reading | None = None
        self._meter: Meter | None = None
        self._profile: MeterProfile | None = None
        self._phases = Phases({}, settings.grid)
        self.listeners: list[Callable[[], None]] = []
        self.currents: Currents = {}
        self.is_overloaded: bool | None = None

    @callback
    def follow(self, _: Capture | None = None) -> None:
        """Follow the last telegram of the port."""
        reading = self._port.reading
        if reading is self._reading or reading is None:
            return
        self._reading = reading
        for meter in reading.meters:
            if meter.profile.slot == MAIN_SLOT:
                break
        else:
            self._take({})
            self._meter = None
            return
        if meter is self._meter:
            return
        self._meter = meter
        if meter.profile is not self._profile:
            self._profile, self._phases = meter.profile, Phases(meter.channels, self._settings.grid)
        self._take(self._phases.currents(meter.channels))

    def _take(self, found: Currents) -> None:
        self.currents = found
        self.is_overloaded = self._overload.follow(found)
        for listener in self.listeners:
            listener()

    def of(self, phase: str) -> float | None:
        """Return what a phase has left, in A; None where its current is not known."""
        current = self.currents.get(phase)
        return None if current is None else round(self._settings.fuse - current, 1)

    @property
    def smallest(self) -> float | None:
        """What the phase with the least has left, in A; None where the current of a phase is not known."""
        known = [current for current in self.currents.values() if current is not None]
        return round(self._settings.fuse - max(known), 1) if known and len(known) == len(self.currents) else None


class _HeadroomEntity(PartEntity):
    """Shows a value of the headroom."""

    def __init__(self, coordinator: P1Coordinator, headroom: Headroom, key: str) -> None:
        super().__init__(coordinator, MAIN_SLOT, headroom, CONF_HEADROOM, key)
        self._headroom = headroom


class HeadroomSensor(_HeadroomEntity, SensorEntity):
    """What a phase has left, or the phase that has the least."""

    _attr_device_class = SensorDeviceClass.CURRENT
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_native_unit_of_measurement = UnitOfElectricCurrent.AMPERE
    _attr_suggested_display_precision = 1
    _attr_native_value: float | None = None

    def __init__(self, coordinator: P1Coordinator, headroom: Headroom, phase: str | None) -> None:
        """Initialize the sensor of a phase, or of the smallest headroom."""
        super().__init__(coordinator, headroom, "smallest" if phase is None else phase.lower())
        self._phase = phase
        if phase is not None:
            self._attr_translation_key = f"{CONF_HEADROOM}_phase"
            self._attr_translation_placeholders = {"phase": phase}

    @override
    def _take(self) -> bool:
        last = self._attr_native_value
        self._attr_native_value = self._headroom.smallest if self._phase is None else self._headroom.of(self._phase)
        return self._attr_native_value != last


class OverloadSensor(_HeadroomEntity, BinarySensorEntity):
    """On while the current of a phase is above the main fuse, until all are clearly below."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM

    def __init__(self, coordinator: P1Coordinator, headroom: Headroom) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, headroom, "overloaded")

    @override
    def _take(self) -> bool:
        last = self._attr_is_on
        self._attr_is_on = self._headroom.is_overloaded
        return self._attr_is_on is not last


async def async_start_headroom(coordinator: P1Coordinator) -> Iterable[P1Entity]:
    """Start to follow the telegrams of a port, where the headroom is wanted, and return its entities.

    A phase that a meter sends for the first time later has a sensor from the next start on; the others know it at once.
    """
    port = coordinator.port
    settings = settings_of(port.entry.options)
    meter = port.meters.get(MAIN_SLOT)
    phases = [] if meter is None else phases_of(meter.channels)
    if settings is None or not phases:
        return ()
    headroom = Headroom(coordinator, settings)
    headroom.follow()
    port.entry.async_on_unload(port.subscribe(headroom.follow))
    return (
        *(HeadroomSensor(coordinator, headroom, phase) for phase in phases),
        HeadroomSensor(coordinator, headroom, None),
        OverloadSensor(coordinator, headroom),
    )
