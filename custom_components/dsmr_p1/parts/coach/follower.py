"""Follows the telegrams of a port for its coach, and stores what it has added up."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Final, override

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Event, callback
from homeassistant.util import dt as dt_util

from ...p1 import CosemValue, Reading, Unit
from ...port.captures import Capture
from ...port.state import Port
from ..part import Source, main_meter, number_in, store_of
from .advice import Advice, advise
from .months import Months, Peak, month_of
from .quarters import Closed, Quarters
from .settings import CONF_COACH, KILO, REFERENCE, Settings

PACE: Final = 10
"""Seconds by the clock of the meter after which entities are updated; the end of a quarter updates them at once."""
SAVE_DELAY: Final = 30
"""Seconds after the end of a quarter until what is added up is stored."""
_TOTAL: Final = "energy_import_total"
_POWER: Final = "emeter_actual_delivery"
_DEMAND: Final = "emeter_actual_demand"
_PEAK: Final = "emeter_maximum_demand_current_month"
_PAST_PEAK: Final = "monthly_peak"
_PAST_MONTH: Final = "monthly_peak_month"
_PAST_PEAKS: Final = 13
"""The months in the list of a meter (e-MUCS P1 1.7.1)."""
_RESOLUTIONS: Final[Mapping[Any, float]] = {places: KILO * 10.0**places for places in range(-6, 1)}


class Follower(Source):
    """Adds up what the main meter of a port tells, from `async_start` on until the entry ends."""

    def __init__(self, port: Port, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._advice: Advice | None = None
        self._port = port
        self._store = store_of(port.hass, port.entry.entry_id, CONF_COACH)
        self._quarters = Quarters()
        self._months = Months()
        self._sent: Reading | None = None
        self._updated, self._updated_at = dt_util.utc_from_timestamp(0), 0.0
        # What costs much and changes seldom is worked out when a quarter begins, or when it has changed.
        self._total: CosemValue | None = None
        self._register: float | None = None
        self._step = 1.0
        self._month, self._excess = "", 0.0
        self._peak: CosemValue | None = None

    async def async_start(self) -> None:
        """Go on with what is stored, and listen."""
        port = self._port
        stored = await self._store.async_load()
        if stored is not None:
            self._quarters = Quarters.from_dict(stored["quarters"])
            self._months = Months.from_dict(stored["months"])
        port.entry.async_on_unload(port.subscribe(self.follow))
        port.entry.async_on_unload(port.hass.bus.async_listen(EVENT_HOMEASSISTANT_FINAL_WRITE, self._async_save))
        port.entry.async_on_unload(self._async_save)
        # The telegram by which the meters were found came before anybody listened.
        self.follow()

    async def _async_save(self, _: Event | None = None) -> None:
        await self._store.async_save(self._as_dict())

    def _as_dict(self) -> dict[str, Any]:
        return {"quarters": self._quarters.as_dict(), "months": self._months.as_dict()}

    @callback
    @override
    def follow(self, _: Capture | None = None) -> None:
        """Follow the last telegram of the port, once."""
        reading, sent = self._port.reading, self._port.sent
        if reading is None or sent is None or sent is self._sent:
            return
        self._sent = sent
        meter = main_meter(reading)
        channels = {} if meter is None else meter.channels
        total = channels.get(_TOTAL)
        if total is not self._total:
            self._total, self._register = total, number_in(total, Unit.KILO_WATT_HOUR)
        if total is None or self._register is None or (sent is not reading and self._is_held(total, reading, sent)):
            self._lose()
            return
        told = reading.telegram.timestamp or dt_util.utcnow()
        # The difference is a third of the work of the time since 1970.
        time = self._updated_at + (told - self._updated).total_seconds()
        is_due = not 0 <= time - self._updated_at < PACE
        power, demand = _watts(channels.get(_POWER)), _watts(channels.get(_DEMAND)) if is_due else None
        closed = self._quarters.follow(time, self._register * KILO, power, self._step, demand)
        if closed is not None or is_due:
            self._updated, self._updated_at = told, told.timestamp()
            self._update(channels, closed, reading.telegram.clock.zone)

    def _update(self, channels: Mapping[str, CosemValue], closed: Closed | None, zone: tzinfo) -> None:
        """Add a quarter that is over, or settled now, to its month, and update the entities."""
        if closed is not None:
            month = month_of(closed.start, zone)
            if self._settings.tariff == REFERENCE:
                self._months.add_excess(closed, month, self._settings.power)
            # Some meters have the object, and never anything in it.
            if _peak(channels.get(_PEAK)) is None:
                self._months.add_peak(closed, month)
        if closed is not None or self._advice is None:
            month, self._peak = month_of(self._quarters.start, zone), None
            if month != self._month:
                self._month, self._excess = month, 0.0
            if self._total is not None and isinstance(number := self._total.value, Decimal):
                self._step = _RESOLUTIONS.get(number.as_tuple().exponent, 1.0)
            self._store.async_delay_save(self._as_dict, SAVE_DELAY)
            self._follow_past_peaks(channels, zone)
        if (peak := channels.get(_PEAK)) is not self._peak:
            self._peak = peak
            self._follow_peak(peak, zone)
        self._advise()

    def _lose(self) -> None:
        """Follow a telegram without a register that may be believed: what the quarter comes to is unknown at once."""
        was_known = self._quarters.known is not None
        self._quarters.lose()
        if was_known and self._advice is not None:
            self._advise()

    def _advise(self) -> None:
        was_at_risk = None if self._advice is None else self._advice.is_at_risk
        self._advice = advise(
            self._quarters, self._months, self._settings, self._month, was_at_risk=was_at_risk, least=self._excess
        )
        self._excess = self._advice.excess
        self.show(self._advice.shown())

    def _follow_past_peaks(self, channels: Mapping[str, CosemValue], zone: tzinfo) -> None:
        """Believe the meter's list of the months that are over."""
        for number in range(_PAST_PEAKS):
            value = channels.get(f"{_PAST_PEAK}{number}")
            when = value and (value.timestamp or channels[f"{_PAST_MONTH}{number}"].value)
            if (peak := _peak(value)) is not None and isinstance(when, datetime):
                self._months.set_peak(month_of(when.timestamp() - 1, zone), peak)

    def _follow_peak(self, value: CosemValue | None, zone: tzinfo) -> None:
        """Believe the meter's peak of this month; for a while it may still be that of the month before."""
        peak = _peak(value)
        if peak is None:
            return
        month = self._month if peak.time is None else month_of(peak.time - 1, zone)
        known = self._months.peaks.get(month)
        if month == self._month or known is None or peak.power > known.power:
            self._months.set_peak(month, peak)

    def _is_held(self, total: CosemValue, reading: Reading, sent: Reading) -> bool:
        """Whether another number of the register is held back. Without checksum each is shown a telegram late."""
        if not reading.telegram.has_crc:
            return False
        meter = main_meter(sent)
        told = None if meter is None else meter.channels.get(_TOTAL)
        return told is None or told.value != total.value


def _peak(value: CosemValue | None) -> Peak | None:
    """Return the peak in a value; None if it is nothing, as after the end of a month."""
    power = _watts(value)
    if value is None or not power:
        return None
    return Peak(power, None if value.timestamp is None else value.timestamp.timestamp())


def _watts(value: CosemValue | None) -> float | None:
    power = number_in(value, Unit.KILO_WATT)
    return None if power is None else power * KILO
