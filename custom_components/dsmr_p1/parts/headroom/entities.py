"""The entities: the headroom of each phase, the smallest of them, and whether a phase is overloaded."""

from collections.abc import Iterable
from typing import Final, override

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import UnitOfElectricCurrent
from homeassistant.core import callback

from ...coordinator import P1Coordinator
from ...entity import P1Entity
from ...p1 import Meter, MeterProfile
from ...p1.meters.grouping import MAIN_SLOT
from ...port.captures import Capture
from ...port.state import Port
from ..part import PartProblem, PartSensor, Shown, Source, main_meter
from .phases import Currents, Phases, is_overloaded, phases_of
from .settings import CONF_HEADROOM, Settings, settings_of

_SMALLEST: Final = "smallest"
_OVERLOADED: Final = "overloaded"


class Headroom(Source):
    """The headroom of one port, worked out anew with every telegram, whatever the pace of the meter's own entities."""

    def __init__(self, port: Port, settings: Settings) -> None:
        super().__init__()
        self._port = port
        self._settings = settings
        self._meter: Meter | None = None
        self._profile: MeterProfile | None = None
        self._phases = Phases({}, settings.grid)

    @callback
    @override
    def follow(self, _: Capture | None = None) -> None:
        """Follow the last telegram of the port."""
        meter = main_meter(self._port.reading)
        if meter is self._meter:
            return
        self._meter = meter
        if meter is None:
            self._profile = None
            self.show(dict.fromkeys(self.shown))
            return
        if meter.profile is not self._profile:
            self._profile, self._phases = meter.profile, Phases(meter.channels, self._settings.grid)
            # A phase that is no longer sent is unknown.
            self._work_out({**dict.fromkeys(self.shown), **self._phases.follow(meter.channels)})
        elif changed := self._phases.follow(meter.channels):
            self._work_out(changed)

    def _work_out(self, changed: Currents) -> None:
        """Show what the phases that have changed have left, in A, what the least is, and whether one is overloaded."""
        fuse, currents = self._settings.fuse, self._phases.currents.values()
        # Rounded like this much faster than with a number of digits.
        shown: dict[str, Shown] = {
            phase: None if current is None else round((fuse - current) * 10) / 10 for phase, current in changed.items()
        }
        known = [current for current in currents if current is not None]
        is_all = 0 < len(known) == len(currents)
        shown[_SMALLEST] = round((fuse - max(known)) * 10) / 10 if is_all else None
        shown[_OVERLOADED] = is_overloaded(fuse, known, is_all=is_all, was=bool(self.shown.get(_OVERLOADED)))
        self.show(shown)


def _describe(key: str) -> SensorEntityDescription:
    """Return the description of the headroom of a phase, or of the smallest one."""
    is_phase = key != _SMALLEST
    return SensorEntityDescription(
        key=key,
        translation_key=f"{CONF_HEADROOM}_phase" if is_phase else None,
        translation_placeholders={"phase": key.upper()} if is_phase else None,
        device_class=SensorDeviceClass.CURRENT,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        suggested_display_precision=1,
    )


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
    headroom = Headroom(port, settings)
    headroom.follow()
    port.entry.async_on_unload(port.subscribe(headroom.follow))
    return (
        *(PartSensor(coordinator, headroom, CONF_HEADROOM, _describe(key)) for key in (*phases, _SMALLEST)),
        PartProblem(coordinator, headroom, CONF_HEADROOM, BinarySensorEntityDescription(key=_OVERLOADED)),
    )
