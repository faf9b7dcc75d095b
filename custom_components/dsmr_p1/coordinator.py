"""The coordinator of one port: passes the readings of its reader on to the entities.

Nothing is polled. Values go to the entities at the pace of each meter; changes of availability, first values, and
meters or channels that were not there before go at once. After a silence the meters are unavailable.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .const import DOMAIN, LOGGER
from .guarding.keeper import GuardKeeper
from .meters.known import KnownMeters
from .p1 import Reading, Rejected
from .p1.reader import PortEvent, PortFailed, PortOpened
from .port.display import Values
from .port.entry_data import without_secrets
from .port.state import Port
from .watch.conditions import KEY_FAILURES
from .watch.issues import Watch
from .watch.silence import Silence

type P1ConfigEntry = ConfigEntry[P1Coordinator]

FIRST_TELEGRAM_LIMIT: Final = 30.0
"""Seconds to wait for the first telegram of an unknown port: three periods of the slowest meters."""
KEY_PATIENCE: Final = 60.0
"""Seconds without a decrypted telegram after which a port that has worked is reauthenticated."""


class P1Coordinator(DataUpdateCoordinator[Mapping[str, Values]]):
    """Coordinates one port; `data` are the values of the entities, by slot and channel id."""

    config_entry: P1ConfigEntry

    def __init__(self, port: Port) -> None:
        """Initialize the coordinator; the port is not opened yet."""
        super().__init__(port.hass, LOGGER, config_entry=port.entry, name=port.name)
        self.port = port
        self.meters = KnownMeters(port)
        self.keeper = GuardKeeper(port, self.meters.corrections.async_add)
        self.watch = Watch(port)
        port.display.publish = self._on_display_change
        self.unchanged: list[CALLBACK_TYPE] = []  # Report values that have not changed, after all that have.
        self._on_display_change()
        self.entities_of_parts: Sequence[Entity] = ()
        self._first_reading: asyncio.Future[None] | None = None
        self._silence = Silence(port.hass, port.received_timeout, self._on_silence)
        self.is_down = False
        """Whether telegrams have stopped: for longer than configured, or because the port is lost."""
        self._key_failures = 0
        self._keys_failing_since = 0.0
        self._is_reauth_started = False
        self._has_logged_exception = False

    async def async_start(self, *, must_hear: bool = False) -> None:
        """Start to read, and return when the meters are known: immediately if they are stored, unless `must_hear`.

        Raises ConfigEntryNotReady or ConfigEntryAuthFailed if no meters are stored and no telegram reports any.
        """
        if must_hear or not self.port.meters:
            self._first_reading = self.hass.loop.create_future()
        self._silence.heard()
        self.config_entry.async_on_unload(self._silence.stop)
        self.meters.async_start()
        self.keeper.async_start()
        self.config_entry.async_create_background_task(self.hass, self._read(), f"{DOMAIN} reader of {self.name}")
        if self._first_reading is not None:
            await self._async_first_reading(self._first_reading)
            self._first_reading = None
        self.watch.async_start()
        self.port.async_set_meters(self.port.meters)

    async def _async_first_reading(self, first_reading: asyncio.Future[None]) -> None:
        try:
            async with asyncio.timeout(FIRST_TELEGRAM_LIMIT):
                await first_reading
        except TimeoutError as error:
            if self._key_failures:
                raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="key_rejected") from error
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="no_telegram" if self.port.reader.heard.octets else "no_data",
                translation_placeholders={"port": self.name},
            ) from error

    @override
    async def _async_update_data(self) -> Mapping[str, Values]:
        """Return the current values: an update was requested, and the next telegram will bring it."""
        if not self.port.display.is_available:
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key="silent", translation_placeholders={"port": self.name}
            )
        return self.port.display.values

    @callback
    def _on_display_change(self) -> None:
        self.data = self.port.display.values
        self.last_update_success = self.port.display.is_available
        self.async_update_listeners()
        reports, self.unchanged = self.unchanged, []
        for report in reports:
            report()

    # Events of the reader

    async def _read(self) -> None:
        async for event in self.port.reader.events():
            # Followers of telegrams see the updated port, and an error in them must not affect it.
            self._handle(self._on_event, event)
            self._handle(self.port.captures.add, event)

    def _handle[Event](self, handle: Callable[[Event], None], event: Event) -> None:
        try:
            handle(event)
        except Exception:  # noqa: BLE001 - a telegram that cannot be handled is no reason to stop, or to flood the log
            if not self._has_logged_exception:
                LOGGER.exception("P1 port %s: a telegram could not be handled", self.name)
            self._has_logged_exception = True

    def _on_event(self, event: PortEvent) -> None:
        match event:
            case Reading():
                self._on_reading(event)
            case Rejected():
                self._on_rejected(event)
            case PortFailed():
                self._on_failed(event)
            case PortOpened(settings):
                self.watch.on_opened()
                LOGGER.debug("P1 port %s is open, %s", self.name, settings or "serial settings of the remote end")

    def _on_reading(self, reading: Reading) -> None:
        port, now = self.port, monotonic()
        reading = self.keeper.check(reading, now)
        port.reading = reading
        self._silence.heard()
        self.meters.follow(reading)
        heard = {meter.profile.slot: meter for meter in reading.meters}
        values = {slot: self.meters.values(slot, heard.get(slot)) for slot in port.display.pick_due(port.meters, now)}
        if self._first_reading is not None and not self._first_reading.done() and port.meters:
            self._first_reading.set_result(None)
        if self.is_down:
            self.is_down = False
            LOGGER.info("P1 port %s: telegrams come again", self.name)
        if values or not port.display.is_available:
            port.display.show(values)
        # What does not concern the entities comes after them.
        self._key_failures = 0
        if self._is_reauth_started:
            self._cancel_reauth()
        self.watch.on_reading()
        port.follow(reading, now)
        self.keeper.steps.async_complete()

    def _on_rejected(self, rejected: Rejected) -> None:
        LOGGER.debug("P1 port %s: %d bytes rejected, %s", self.name, rejected.size, rejected.reason)
        self.watch.on_rejected(rejected.reason)
        if not rejected.reason.is_key:
            return
        now = monotonic()
        if not self._key_failures:
            self._keys_failing_since = now
        self._key_failures += 1
        if self._key_failures < KEY_FAILURES:
            return
        if self._first_reading is None:
            if not self._is_reauth_started and now - self._keys_failing_since >= KEY_PATIENCE:
                self._is_reauth_started = True
                self.config_entry.async_start_reauth(self.hass)
        elif not self._first_reading.done():
            error = ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="key_rejected")
            self._first_reading.set_exception(error)

    def _cancel_reauth(self) -> None:
        """Cancel the reauthentication: telegrams are decrypted again with the stored keys."""
        self._is_reauth_started = False
        for flow in list(self.config_entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])

    def _on_failed(self, failed: PortFailed) -> None:
        self.watch.on_failed(failed.error)
        error = without_secrets(str(failed.error), self.port.path)
        LOGGER.debug("P1 port %s: %s", self.name, error)
        if self._first_reading is not None and not self._first_reading.done():
            self._first_reading.set_exception(
                ConfigEntryNotReady(
                    translation_domain=DOMAIN,
                    translation_key="cannot_open",
                    translation_placeholders={"port": self.name, "error": error},
                )
            )
        elif not failed.was_open and not self.port.display.is_available:
            # What was heard stays for as long as silence is allowed, however often the port cannot be opened.
            self._set_unavailable(error)

    # Availability

    def _set_unavailable(self, reason: str) -> None:
        if self.is_down or self._first_reading is not None:
            return
        self.is_down = True
        LOGGER.info("P1 port %s is unavailable: %s", self.name, reason)
        self.port.display.set_unavailable()

    @callback
    def _on_silence(self) -> None:
        self._set_unavailable(f"no telegram for {self.port.received_timeout:g} seconds")
