"""Line health: diagnostic sensors of the port's own device for the quality of reception, disabled by default.

The reader counts continuously; the sensors poll its counters once a minute and not with every telegram, which would
fill the recorder. They describe the line and not the meter, so they stay available while it is silent.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.typing import StateType

from ..p1 import Authentication, Reading
from ..p1.meters.grouping import PORT_SLOT
from ..port.captures import Capture
from ..port.devices import device_identifier
from ..port.state import Port

NOT_ENCRYPTED: Final = "not_encrypted"
_MOST_DRIFTS: Final = 61
_MINUTE: Final = 60.0
_MOMENT: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class LineHealthDescription(SensorEntityDescription):
    """A sensor of line health; its key is not that of any channel. `listens` if it also needs the telegrams."""

    suggested_display_precision: int | None = 0
    value: Callable[[LineHealthSensor], StateType]
    listens: bool = False


class LineHealthSensor(SensorEntity):
    """Sensor for one figure of line health, polled by Home Assistant."""

    _attr_has_entity_name = True
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False
    entity_description: LineHealthDescription

    def __init__(self, port: Port, description: LineHealthDescription) -> None:
        entry_id = port.entry.entry_id
        self.entity_description = description
        self.heard = port.reader.heard
        self._port = port
        self._drifts: deque[float] = deque(maxlen=_MOST_DRIFTS)
        self._looked_at = self._now
        self._telegrams = self.heard.telegrams
        self._pace: int | None = None
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{entry_id}_{PORT_SLOT}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={device_identifier(entry_id, PORT_SLOT)})

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        if self.entity_description.listens:
            self.async_on_remove(self._port.subscribe(self._compare_clock))

    async def async_update(self) -> None:
        """Update the value from the counters."""
        self._attr_native_value = self.entity_description.value(self)

    def _compare_clock(self, capture: Capture) -> None:
        if not capture.is_newest or not isinstance(capture.event, Reading):
            return
        if (timestamp := capture.event.telegram.timestamp) is not None:
            self._drifts.append((timestamp - capture.received).total_seconds())

    def telegrams_per_minute(self) -> float | None:
        """Return the rate since the last update, or the last rate if that was only a moment ago."""
        now, telegrams = self._now, self.heard.telegrams
        elapsed = now - self._looked_at
        if elapsed >= _MOMENT:
            self._pace = round((telegrams - self._telegrams) / elapsed * _MINUTE)
            self._looked_at, self._telegrams = now, telegrams
        return self._pace

    def longest_gap(self) -> float | None:
        """Return the longest time without a telegram since the first one, the present one included."""
        if self.heard.last_telegram_at is None:
            return None
        return round(max(self.heard.longest_gap, self._now - self.heard.last_telegram_at))

    def clock_drift(self) -> float | None:
        """Return the seconds that the meter's clock is ahead; None if no time has come since the last update."""
        drift = round(median(self._drifts)) if self._drifts else None
        self._drifts.clear()
        return drift

    def tag_state(self) -> str | None:
        """Return how the telegrams are authenticated; None if none was read."""
        return (self.heard.authentication or NOT_ENCRYPTED) if self.heard.telegrams else None

    @property
    def _now(self) -> float:
        return self._port.hass.loop.time()


# fmt: off
DESCRIPTIONS: Final = (
    LineHealthDescription(key="telegrams_per_minute", value=LineHealthSensor.telegrams_per_minute,
                          state_class=SensorStateClass.MEASUREMENT, native_unit_of_measurement="1/min"),
    LineHealthDescription(key="damaged_telegrams", value=lambda sensor: sensor.heard.damaged,
                          state_class=SensorStateClass.TOTAL_INCREASING),
    LineHealthDescription(key="longest_gap", value=LineHealthSensor.longest_gap,
                          device_class=SensorDeviceClass.DURATION, native_unit_of_measurement=UnitOfTime.SECONDS),
    LineHealthDescription(key="reconnects", value=lambda sensor: sensor.heard.lost,
                          state_class=SensorStateClass.TOTAL_INCREASING),
    LineHealthDescription(key="clock_drift", value=LineHealthSensor.clock_drift, listens=True,
                          device_class=SensorDeviceClass.DURATION, state_class=SensorStateClass.MEASUREMENT,
                          native_unit_of_measurement=UnitOfTime.SECONDS),
    LineHealthDescription(key="tag_state", value=LineHealthSensor.tag_state, device_class=SensorDeviceClass.ENUM,
                          options=[NOT_ENCRYPTED, *Authentication], suggested_display_precision=None),
)
# fmt: on
