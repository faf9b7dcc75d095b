"""The coordinator of one port: owns its reader, and turns telegrams into what entities show.

Nothing is polled. Values go to the entities at the pace that each meter's entities are refreshed with; changes of
availability, first values, and meters or channels that were not there before go at once. That the meter is silent is a
matter of time: a timer that every telegram winds up again.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Final, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.const import CONF_PORT
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .const import (
    CONF_METER_TYPE,
    CONF_RECEIVED_TIMEOUT,
    CONF_REFRESH,
    DEFAULT_RECEIVED_TIMEOUT,
    DOMAIN,
    LOGGER,
)
from .meters.continuity import async_move, settle
from .meters.replacement import Replacements, system_title
from .p1 import (
    KeyFormatError,
    Meter,
    MeterProfile,
    Presented,
    Reading,
    Rejected,
    RejectReason,
    Role,
    meter_type,
    present,
)
from .p1.catalog import MAKERS
from .p1.reader import P1Reader, PortFailed, PortOpened
from .port.captures import Captures
from .port.devices import async_register_devices
from .port.entry_data import keys_from, redacted, settings_from, without_secrets
from .port.store import KnownMeter, PortRecord, PortStore, Replaced
from .watch.conditions import KEY_FAILURES
from .watch.issues import Watch

type P1ConfigEntry = ConfigEntry[P1Coordinator]
type Values = Mapping[str, Presented]

FIRST_TELEGRAM_LIMIT: Final = 30.0
"""Seconds within which a telegram must come while nothing is known of the port: three periods of the slowest meters."""
KEY_PATIENCE: Final = 60.0
"""Seconds in which no telegram was opened, before the owner of a port that has worked is asked for other keys."""
_LONGEST_REFRESH: Final = 60.0
_DEFAULT_REFRESH: Final = 10.0
_EARLY: Final = 0.5
"""Seconds that a telegram may come early and still be the one that is due: meters and cables are not that punctual."""
_KEY_REASONS: Final = frozenset({RejectReason.NO_KEY, RejectReason.DECRYPTION, RejectReason.AUTHENTICATION})


class P1Coordinator(DataUpdateCoordinator[Mapping[str, Values]]):
    """Reads one port.

    `data` are the values that entities show, by slot and channel id. `meters` are the meters that are known, by slot: a
    new mapping whenever anything in it changes. `reading` is the last telegram.
    """

    config_entry: P1ConfigEntry

    def __init__(self, hass: HomeAssistant, entry: P1ConfigEntry) -> None:
        """Prepare to read; nothing is opened yet."""
        self.port: str = entry.data[CONF_PORT]
        super().__init__(hass, LOGGER, config_entry=entry, name=redacted(self.port))
        self.data = {}
        self.last_update_success = False
        self.meters: Mapping[str, KnownMeter] = {}
        self.reading: Reading | None = None
        self.received_timeout = float(entry.options.get(CONF_RECEIVED_TIMEOUT, DEFAULT_RECEIVED_TIMEOUT))
        self.captures = Captures()
        self.reader: P1Reader
        self.replaced = Replaced()
        self.replacements: Replacements
        self.acknowledged: set[str] = set()
        self.device: tuple[str, ...] | None = None
        self.watch = Watch(self)
        self._store = PortStore(hass, entry.entry_id)
        self._saved = PortRecord()
        self._profiles: dict[str, MeterProfile] = {}
        self._system_title: bytes | None = None
        self._seen: Mapping[str, KnownMeter] = {}
        self._shown_at: dict[str, float] = {}
        self._first_reading: asyncio.Future[None] | None = None
        self._watchdog: CALLBACK_TYPE | None = None
        self._is_down = False
        self._key_failures = 0
        self._failing_since = 0.0
        self._asked_for_keys = False
        self._stumbled = False

    async def async_start(self) -> None:
        """Start to read, and return when the meters are known: at once where they are stored.

        Raises ConfigEntryNotReady or ConfigEntryAuthFailed where none are, and no telegram tells them.
        """
        record = await self._store.async_load()
        self._saved = record.copy()
        self.meters = record.meters
        self.replaced, self.acknowledged, self.device = record.replaced, record.acknowledged, record.device
        self.replacements = Replacements(self)
        try:
            keys = keys_from(self.config_entry.data)
        except KeyFormatError as error:
            raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="invalid_key") from error
        self.reader = P1Reader(
            self.port,
            keys=keys,
            settings=settings_from(self.config_entry.data),
            silence=self.received_timeout,
            memory=record.memory,
        )
        if not self.meters:
            self._first_reading = self.hass.loop.create_future()
        self._wind_up()
        self.config_entry.async_on_unload(self._stop_watching)
        self.replacements.async_start()
        self.config_entry.async_create_background_task(self.hass, self._read(), f"{DOMAIN} reader of {self.name}")
        if self._first_reading is not None:
            await self._async_first_reading(self._first_reading)
            self._first_reading = None
        self.watch.async_start()
        async_register_devices(self.hass, self.config_entry, self.meters)

    async def _async_first_reading(self, first_reading: asyncio.Future[None]) -> None:
        try:
            async with asyncio.timeout(FIRST_TELEGRAM_LIMIT):
                await first_reading
        except TimeoutError as error:
            if self._key_failures:
                raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="key_rejected") from error
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="no_telegram" if self.reader.heard.octets else "no_data",
                translation_placeholders={"port": self.name},
            ) from error

    def is_reported(self, slot: str) -> bool:
        """Tell whether the last telegram has a meter in this slot; of a port that is silent nobody knows, so it has."""
        if self.reading is None:
            return True
        return any(meter.profile.slot == slot and meter.profile.registered for meter in self.reading.meters)

    @callback
    def async_forget(self, slot: str) -> None:
        """Forget a meter that the owner has removed."""
        self.meters = {known: meter for known, meter in self.meters.items() if known != slot}
        self._profiles.pop(slot, None)
        self._seen = {seen: meter for seen, meter in self._seen.items() if seen != slot}
        self.replacements.async_forget(slot)
        async_register_devices(self.hass, self.config_entry, self.meters)
        self.async_save()
        self.async_update_listeners()

    def seen(self, slot: str) -> KnownMeter | None:
        """Give the meter in a slot as the last telegrams tell of it, whatever was known of it before."""
        return self._seen.get(slot)

    @callback
    def async_show_again(self, slot: str) -> None:
        """Let the entities of a meter show the next telegram, whenever they were updated."""
        self._shown_at.pop(slot, None)

    def refresh_of(self, meter: KnownMeter) -> float:
        """Give the seconds between two updates of a meter's entities; 0 for every telegram."""
        chosen = self.config_entry.options.get(CONF_REFRESH, {}).get(meter.slot)
        if chosen is not None:
            return float(chosen)
        if meter.type is not None and meter.type.refresh is not None:
            return min(float(meter.type.refresh), _LONGEST_REFRESH)
        return _LONGEST_REFRESH if meter.role is Role.MBUS else _DEFAULT_REFRESH

    @override
    async def _async_update_data(self) -> Mapping[str, Values]:
        """Give what there is: somebody asked for an update, and the next telegram will bring it."""
        if not self.last_update_success:
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key="silent", translation_placeholders={"port": self.name}
            )
        return self.data

    async def _read(self) -> None:
        async for event in self.reader.events():
            try:
                self._handle(event)
            except Exception:  # noqa: BLE001 - a telegram that cannot be handled is no reason to stop, or to flood the log
                if not self._stumbled:
                    LOGGER.exception("P1 port %s: a telegram could not be handled", self.name)
                self._stumbled = True

    def _handle(self, event: PortOpened | PortFailed | Reading | Rejected) -> None:
        self.captures.take(event)
        match event:
            case Reading():
                self._take(event)
            case Rejected():
                self._reject(event)
            case PortFailed():
                self._fail(event)
            case PortOpened(settings):
                self.watch.opened()
                LOGGER.debug("P1 port %s is open, %s", self.name, settings or "line settings of the far end")

    def _take(self, reading: Reading) -> None:
        now = monotonic()
        self.reading = reading
        self.watch.took()
        self._key_failures = 0
        if self._asked_for_keys:
            self._withdraw_question()
        self._wind_up()
        if (
            len(self._profiles) != len(reading.meters)
            or self._system_title != reading.system_title
            or any(self._profiles.get(meter.profile.slot) is not meter.profile for meter in reading.meters)
        ):
            self._learn(reading)
        self.replacements.take(reading)
        is_new = not self.last_update_success
        values = self._values_due(reading, now, everything=is_new)
        self.async_save()
        if self._first_reading is not None and not self._first_reading.done():
            self._first_reading.set_result(None)
        if self._is_down:
            self._is_down = False
            LOGGER.info("P1 port %s: telegrams come again", self.name)
        if values or is_new:
            self.async_set_updated_data({**self.data, **values})

    def _values_due(self, reading: Reading, now: float, *, everything: bool) -> dict[str, Values]:
        """Give the values of the meters whose entities are to be updated with this telegram, by slot."""
        values: dict[str, Values] = {}
        heard = {meter.profile.slot: meter for meter in reading.meters}
        for slot, meter in self.meters.items():
            interval = self.refresh_of(meter)
            shown_at = self._shown_at.get(slot)
            is_due = shown_at is None or now - shown_at >= interval - min(_EARLY, interval / 2)
            if everything or is_due:
                values[slot] = self.replacements.handover.shown(slot, present(heard[slot])) if slot in heard else {}
                self._shown_at[slot] = now
        return values

    def _learn(self, reading: Reading) -> None:
        """Take note of meters and channels that are not known yet, or are something else now."""
        self._profiles = {meter.profile.slot: meter.profile for meter in reading.meters}
        self._system_title = reading.system_title
        types = self.config_entry.options.get(CONF_METER_TYPE, {})
        seen = {
            meter.profile.slot: _known(meter, reading, types.get(meter.profile.slot))
            for meter in reading.meters
            if meter.profile.registered
        }
        seen = self.replacements.living(seen)
        meters, moves = settle(self.meters, seen)
        self.replacements.compare(self.meters, seen, meters, moves)
        # What a telegram shows for the first time, or no longer, is shown at once.
        for slot in {*seen, *self._seen}:
            if seen.get(slot) != self._seen.get(slot):
                self._shown_at.pop(slot, None)
        self._seen = seen
        if moves:
            LOGGER.debug(
                "P1 port %s: meters moved %s, channels %s", self.name, dict(moves.slots), list(moves.channels.values())
            )
            async_move(self.hass, self.config_entry.entry_id, moves)
            self._move_options(moves.slots)
            self.data = {slot: values for slot, values in self.data.items() if slot not in moves.slots}
        if meters != self.meters:
            self.meters = meters
            async_register_devices(self.hass, self.config_entry, meters)

    def _move_options(self, slots: Mapping[str, str]) -> None:
        """Let what the owner chose for a meter go with it."""
        options = dict(self.config_entry.options)
        for name in (CONF_REFRESH, CONF_METER_TYPE):
            if name in options:
                options[name] = {slots.get(slot, slot): chosen for slot, chosen in options[name].items()}
        if options != self.config_entry.options:
            self.hass.config_entries.async_update_entry(self.config_entry, options=options)

    def _reject(self, rejected: Rejected) -> None:
        LOGGER.debug("P1 port %s: %d bytes rejected, %s", self.name, rejected.size, rejected.reason)
        self.watch.rejected(rejected.reason)
        if rejected.reason not in _KEY_REASONS:
            return
        now = monotonic()
        if not self._key_failures:
            self._failing_since = now
        self._key_failures += 1
        if self._key_failures < KEY_FAILURES:
            return
        if self._first_reading is not None and not self._first_reading.done():
            self._first_reading.set_exception(
                ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="key_rejected")
            )
        elif self._first_reading is None and not self._asked_for_keys and now - self._failing_since >= KEY_PATIENCE:
            self._asked_for_keys = True
            self.config_entry.async_start_reauth(self.hass)

    def _withdraw_question(self) -> None:
        """Ask no longer for keys: telegrams open again with those that are known."""
        self._asked_for_keys = False
        for flow in list(self.config_entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])

    def _fail(self, failed: PortFailed) -> None:
        self.watch.failed(failed.error)
        error = without_secrets(str(failed.error), self.port)
        LOGGER.debug("P1 port %s: %s", self.name, error)
        if self._first_reading is not None and not self._first_reading.done():
            self._first_reading.set_exception(
                ConfigEntryNotReady(
                    translation_domain=DOMAIN,
                    translation_key="cannot_open",
                    translation_placeholders={"port": self.name, "error": error},
                )
            )
        elif not failed.was_open:
            # A port that was lost and can be opened again did nobody any harm.
            self._be_unavailable(error)

    def _be_unavailable(self, reason: str) -> None:
        if self._is_down or self._first_reading is not None:
            return
        self._is_down = True
        LOGGER.info("P1 port %s is unavailable: %s", self.name, reason)
        self.last_update_success = False
        self.async_update_listeners()

    def _wind_up(self) -> None:
        """Start the time within which a telegram must come anew."""
        self._stop_watching()
        self._watchdog = async_call_later(
            self.hass, self.received_timeout, HassJob(self._run_out, cancel_on_shutdown=True)
        )

    @callback
    def _run_out(self, _: datetime) -> None:
        self._watchdog = None
        self._be_unavailable(f"no telegram for {self.received_timeout:g} seconds")

    @callback
    def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog()
            self._watchdog = None

    def _record(self) -> PortRecord:
        return PortRecord(self.meters, self.reader.memory, self.replaced, self.acknowledged, self.device)

    @callback
    def async_save(self) -> None:
        """Write what is known of the port, where that has changed."""
        record = self._record()
        if self._saved.meters is self.meters and self._saved == record:
            return
        self._saved = record = record.copy()
        self.config_entry.async_create_task(self.hass, self._store.async_save(record), f"{DOMAIN} storage")

    async def async_save_now(self) -> None:
        """Write what is known of the port, and return when it is written."""
        self._saved = self._record().copy()
        await self._store.async_save(self._saved)


def _known(meter: Meter, reading: Reading, chosen_type: str | None) -> KnownMeter:
    """Give what of a meter in a telegram stays the same. The type that the owner chose beats the one detected."""
    maker = MAKERS.get(reading.telegram.identification[:3].upper())
    profile = meter.profile
    shown = present(meter)
    row = None if chosen_type is None else meter_type(chosen_type)
    is_chosen = row is not None and row.role is profile.role
    return KnownMeter(
        slot=profile.slot,
        role=profile.role,
        kind=profile.kind if row is None or not is_chosen or profile.kind in row.kinds else min(row.kinds),
        type_id=profile.type_id,
        chosen_type_id=chosen_type if is_chosen else None,
        mbus_channel=profile.mbus_channel,
        equipment_identifier=profile.equipment_identifier,
        system_title=system_title(meter, reading),
        low_tariff=profile.country.low_tariff,
        manufacturer=None if profile.role is Role.MBUS else maker,
        channels={channel_id: value.unit for channel_id, value in shown.items()},
    )
