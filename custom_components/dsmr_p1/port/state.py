"""The state of one port, shared by all modules above.

Each fact has one owner. The reader owns its counters (`reader.heard`) and the memory of the port (`record.memory`). The
coordinator sets `reading`. `display` has the values of the entities. `record` is stored; its
meters are replaced through `async_set_meters` only, its other parts each belong to one module: `replaced` to `meters`,
`corrections` to `sums`, `acknowledged` to `repairs`, `device` to `watch`, `seen` to `events`, `is_on_dashboard`
to `energy_dashboard`, `guard` and `odd_steps` to `guarding`, `time_zone` to this one. `is_full` and `is_unsettled`
belong to `meters`.
"""

from collections.abc import Mapping
from typing import Final, Self

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..const import CONF_RECEIVED_TIMEOUT, DEFAULT_RECEIVED_TIMEOUT, DOMAIN, LOGGER
from ..homewizard.transport import opener_of
from ..p1 import Country, Keys, Reading
from ..p1.meters.grouping import PORT_SLOT
from ..p1.reader import P1Reader
from ..storage.store import KnownMeter, PortRecord, PortStore
from .captures import Captures
from .devices import async_register_devices, declared_version, device_in
from .display import Display
from .entry_data import keys_from, redacted, settings_from
from .place import ClockZone, assumed_country, assumed_zone, zone_named

WRITE_INTERVAL: Final = 30.0
"""The fewest seconds between two writes of the record of a port, except for data that must not be lost."""
LOOK_INTERVAL: Final = 10.0
"""Seconds after which the record is looked at for changes, while telegrams differ from each other in numbers only."""
COUNTER_INTERVAL: Final = 3600.0
"""Seconds after which frame counters are written; telegrams since the last write can be replayed after a crash."""


class Port:
    """One port: its entry, its reader, the last telegram, and its stored record.

    `path` is the device or URL and may carry a password; `name` is the same without secrets. `received_timeout` are
    the seconds without a telegram after which the meters are unavailable. `tariff_words` are the words for the numbers
    of tariffs that entities which were taken over continue to show, by the registry id of the entity. `is_full`: the
    last telegrams had more meters or values than are kept. `is_unsettled`: this telegram may have changed what is kept
    of a replaced meter, which is written at once.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, keys: Keys | None, record: PortRecord) -> None:
        """Initialize the port; it is not opened yet."""
        self.hass = hass
        self.entry = entry
        self.path: str = entry.data[CONF_PORT]
        self.name = redacted(self.path)
        self.received_timeout = float(entry.options.get(CONF_RECEIVED_TIMEOUT, DEFAULT_RECEIVED_TIMEOUT))
        self.record = record
        self.reader = P1Reader(
            self.path,
            keys=keys,
            settings=settings_from(entry.data),
            silence=self.received_timeout,
            memory=record.memory,
            time_zone=zone_named(record.time_zone) or assumed_zone(entry),
            opener=opener_of(hass, self.path),
        )
        self.reading: Reading | None = None
        self.sent: Reading | None = None
        """The last telegram as sent, including values that are held back."""
        self.captures = Captures()
        self.subscribe = self.captures.subscribe
        self.is_full = False
        self.is_unsettled = False
        self._clock_zone = ClockZone()
        self._version: str | None = None
        self.tariff_words: Mapping[str, Mapping[str, str]] = {}
        self.display = Display(entry)
        self._store = PortStore(hass, entry.entry_id)
        self._saved = record.copy()
        self._written_at = -WRITE_INTERVAL
        self._write_due: float | None = None
        self._look_at = 0.0
        self._is_closed = False

    @classmethod
    async def async_load(cls, hass: HomeAssistant, entry: ConfigEntry) -> Self:
        """Return the port of an entry with its stored record. Raises KeyFormatError if one of its keys is invalid."""
        keys = keys_from(entry.data)
        return cls(hass, entry, keys, await PortStore(hass, entry.entry_id).async_load())

    @property
    def meters(self) -> Mapping[str, KnownMeter]:
        """The known meters by slot, as a new mapping after each change."""
        return self.record.meters

    @callback
    def async_set_meters(self, meters: Mapping[str, KnownMeter]) -> None:
        """Replace the known meters, and create or update their devices."""
        self.record.meters = meters
        async_register_devices(self.hass, self.entry, meters)
        self._show_version()

    @callback
    def _show_version(self) -> None:
        """Show at the device which version the last telegram declared; until there is one, that of before stays."""
        version = declared_version(self.reading)
        if version not in (None, self._version) and (device := device_in(self.hass, self.entry.entry_id, PORT_SLOT)):
            dr.async_get(self.hass).async_update_device(device.id, sw_version=version)
            self._version = version

    @property
    def assumed_country(self) -> Country | None:
        """The country assumed for the meters while their telegrams prove none."""
        return assumed_country(self.hass, self.entry)

    @callback
    def follow(self, reading: Reading, now: float) -> None:
        """Follow the clock of the last telegram, which may show another time zone, and store what has changed with it.

        As a rule that is nothing: telegrams that differ in numbers only are looked at now and then.
        """
        if reading.counter_restarted:
            LOGGER.warning("P1 port %s: the frame counter of the meter began anew, and is believed", self.name)
        zone = self._clock_zone.follow(reading.telegram, now)
        if zone is not None and (time_zone := zone_named(zone)) is not None:
            LOGGER.debug("P1 port %s: the meter's clock is right in the time zone %s", self.name, zone)
            self.record.time_zone = zone
            self.reader.decoder.set_time_zone(time_zone)
        if self.is_unsettled or reading.detection.before is None or self.hass.loop.time() >= self._look_at:
            self.is_unsettled, self._look_at = False, self.hass.loop.time() + LOOK_INTERVAL
            self._show_version()
            self.save()

    @callback
    def save(self) -> None:
        """Store the record if it has changed: at once, or as soon as the last write is long enough ago.

        Frame counters, which change with every telegram, are stored once an hour, answers of the owner at once.
        """
        record, now = self.record, self.hass.loop.time()
        if self._saved.meters is not record.meters or self._saved != record:
            is_pressing = self._is_closed or record.urgent != self._saved.urgent
            if is_pressing or now - self._written_at >= WRITE_INTERVAL:
                self.entry.async_create_task(self.hass, self.async_save_now(), f"{DOMAIN} storage")
            else:
                self._write_at(self._written_at + WRITE_INTERVAL)
        elif record.memory.frame_counters:
            self._write_at(now + COUNTER_INTERVAL)

    async def async_save_now(self) -> None:
        """Store the record, and return when it is written."""
        await self._store.async_save(self._take())

    async def async_close(self) -> None:
        """Store changes and cancel pending writes, as the entry is unloaded."""
        self._is_closed = True
        if self._write_due is not None:
            await self.async_save_now()

    @callback
    def _write_at(self, due: float) -> None:
        if not self._is_closed and (self._write_due is None or due < self._write_due):
            self._write_due = due
            self._store.async_save_later(self._take, due - self.hass.loop.time())

    @callback
    def _take(self) -> PortRecord:
        """Return a copy of the record for writing."""
        self._write_due = None
        self._written_at = self.hass.loop.time()
        self._saved = self.record.copy()
        return self._saved
