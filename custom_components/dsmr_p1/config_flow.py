"""Config flows: listening before an entry is created, and changing it later.

    user ───────┐                ┌─> keys ──┐ (encrypted or smarty)
    (scan) ─────┤                │          │
    discovered ─┼──> listen ─────┤ <────────┘
    reconfigure ┘      ^         └─> confirm ──> entry created or updated
                       └── the form again, with the error

Listening itself is in `flow/listen_step`, discovery in `discovery/steps`.
"""

from collections.abc import Mapping
from typing import Any, Final, NoReturn, override

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_PORT
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow
import probatio

from .const import (
    BRIDGE_AUTO,
    BRIDGE_DSMR,
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BAUDRATE,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_ENERGY_DASHBOARD,
    CONF_READER_SERIAL,
    CONF_SERIAL_SETTINGS,
    CONF_TAKE_OVER,
    DOMAIN,
)
from .discovery.homewizard import async_remember
from .discovery.steps import DiscoveryStep
from .flow.forms import EMPTY_SCHEMA, KEYS_SCHEMA, as_entered, confirm_schema, line_settings, port_schema
from .flow.keys import try_keys
from .flow.listening import ListenResult, open_frames
from .flow.options_flow import P1OptionsFlow, P1Steps
from .flow.report import Words, confirm_placeholders, dashboard_offer, entry_title
from .flow.running import STARTED, allow_plain, has_moved, has_verified, last_encrypted
from .meters.known import known_meters
from .p1 import Keys, Reading
from .parts.fields import one_of
from .port.address import AddressError, candidates
from .port.entry_data import keys_from, redacted
from .port.serial_ports import entry_on, free_ports, is_same_port, stable_path
from .takeover.core_entries import core_entries, core_on, core_port
from .takeover.issues import take_over_placeholders

_ENTRY: Final = "entry"


class P1ConfigFlow(DiscoveryStep, domain=DOMAIN):
    """Handle the setup, reconfiguration and reauthentication of a P1 port."""

    VERSION = 1
    _refused: Keys | None = None
    _free: Mapping[str, str]
    _is_confirmed = False
    _is_past_start = False
    _core: ConfigEntry | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> P1Steps:
        """Return the options flow."""
        return P1OptionsFlow()

    # Sources of a port

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form for the port, or a menu if an entry of Home Assistant's own `dsmr` can be taken over."""
        self._origin = SOURCE_USER
        if not self._is_past_start and user_input is None and core_entries(self.hass):
            return await self.async_step_start()
        self._is_past_start = True
        return await self._ask_port(user_input)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form for another port or other settings."""
        self._origin = SOURCE_RECONFIGURE
        if not self._input:
            entry = self._get_reconfigure_entry()
            data = entry.data
            self._must_verify = await has_verified(self.hass, entry)
            self._input = {CONF_PORT: data[CONF_PORT], CONF_BRIDGE_TYPE: data[CONF_BRIDGE_TYPE]}
            self._input[CONF_SERIAL_SETTINGS] = as_entered(data)
            self._key_input = {key: data[key] for key in (CONF_DECRYPTION_KEY, CONF_ADDITIONAL_KEY) if key in data}
            self._keys = keys_from(data)
        return await self._ask_port(user_input)

    async def async_step_scan(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the free ports before any is opened, since opening can disturb a device."""
        if user_input is not None:
            # Ports that were claimed since are skipped.
            free = await free_ports(self.hass, other_than=self._own_entry_id)
            self._ports = tuple(port for port in self._free if port in free)
            return await self._start()
        self._free = await free_ports(self.hass, other_than=self._own_entry_id)
        if not self._free:
            self._errors = {"base": "no_free_port"}
            return await self._ask_port(None)
        ports = "\n".join(f"- `{port}` {description}".rstrip() for port, description in self._free.items())
        return self.async_show_form(step_id="scan", data_schema=EMPTY_SCHEMA, description_placeholders={"ports": ports})

    async def async_step_start(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the menu: take over an entry of Home Assistant's own `dsmr`, or set up another port."""
        self._is_past_start = True
        names = ", ".join(redacted(entry.title) for entry in core_entries(self.hass))
        return self.async_show_menu(
            step_id="start", menu_options=["take_over", "user"], description_placeholders={"entries": names}
        )

    async def async_step_take_over(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Take over the only entry, or show the form to choose one."""
        entries = core_entries(self.hass)
        return await self.async_step_core_entry({_ENTRY: entries[0].entry_id} if len(entries) == 1 else None)

    async def async_step_core_entry(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form to choose the entry to take over, whose port and key are then used for listening."""
        entries = {entry.entry_id: entry for entry in core_entries(self.hass)}
        if not entries or (user_input is not None and user_input[_ENTRY] not in entries):
            return self.async_abort(reason="nothing_to_take_over")
        if user_input is None:
            titles = {entry_id: redacted(entry.title) for entry_id, entry in entries.items()}
            schema = probatio.Schema({probatio.Required(_ENTRY): one_of(titles)})
            return self.async_show_form(step_id="core_entry", data_schema=schema)
        port = await stable_path(self.hass, core_port(entries[user_input[_ENTRY]]))
        self._ports = (port,)
        self._input = {CONF_PORT: port, CONF_BRIDGE_TYPE: BRIDGE_AUTO}
        return await self._start()

    async def _ask_port(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Show the form for the port, or handle its input."""
        if user_input is not None:
            self._errors = {}
            self._input = user_input
            self._line = line_settings(user_input.get(CONF_SERIAL_SETTINGS, {}))
            self._heard = None
            port = user_input.get(CONF_PORT, "").strip()
            if self._line and CONF_BAUDRATE not in self._line:
                self._errors = {"base": "baudrate_missing"}
            elif not port:
                return await self.async_step_scan()
            elif (step := await self._take_port(port)) is not None:
                return step
        return self._show_form(self._origin, port_schema(self._input.get(CONF_PORT, "")), self._input)

    async def _take_port(self, text: str) -> ConfigFlowResult | None:
        """Start listening on the entered port; None if that is not possible, with the error set."""
        self._ports = ()
        try:
            ports = tuple([await stable_path(self.hass, port) for port in candidates(text)])
        except AddressError:
            self._errors = {"base": "cannot_open", CONF_PORT: "address"}
            return None
        entries = [await entry_on(self.hass, port, other_than=self._own_entry_id) for port in ports]
        free = tuple(port for port, entry in zip(ports, entries, strict=True) if entry is None)
        if free:
            self._ports = free
            return await self._start()
        if self._origin == SOURCE_USER:
            return self.async_abort(reason="already_configured")
        self._errors = {"base": "port_in_use", CONF_PORT: "busy_by"}
        self._user = next(entry.title for entry in entries if entry is not None)
        return None

    # Keys

    async def async_step_keys(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form for the keys of an encrypted port, and try them on the received telegrams."""
        assert self._heard is not None  # noqa: S101 - the step follows listening
        if user_input is not None:
            self._key_input, keys, self._errors = try_keys(
                user_input, self._heard.frames, must_verify=self._must_verify
            )
            # The same keys again are accepted: the few stored telegrams may all be damaged.
            if keys is not None and (not self._errors or keys == self._refused):
                self._errors = {}
                self._keys = keys
                read = open_frames(self._heard, keys, must_verify=self._must_verify)
                if read is None:
                    return await self._start()
                self._heard = read
                return await self.async_step_confirm()
            self._refused = keys
        return self._show_form("keys", KEYS_SCHEMA, self._key_input)

    async def async_step_reauth(self, _: Mapping[str, Any]) -> ConfigFlowResult:
        """Start reauthentication: the stored keys no longer decrypt the telegrams."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form for new keys, and try them on the last telegram; the entry keeps the port."""
        entry = self._get_reauth_entry()
        entered: Mapping[str, Any] | None = user_input
        if entered is None and not self._key_input and CONF_DECRYPTION_KEY in entry.data:
            # The form shows which of the stored keys is wrong before anything is entered.
            entered = entry.data
        if entered is not None:
            must_verify = await has_verified(self.hass, entry)
            self._key_input, keys, self._errors = try_keys(entered, last_encrypted(entry), must_verify=must_verify)
            if user_input is not None and keys is not None and not self._errors:
                data = {key: value for key, value in entry.data.items() if key != CONF_ADDITIONAL_KEY}
                return self.async_update_reload_and_abort(
                    entry, data=data | {CONF_BRIDGE_TYPE: BRIDGE_SMARTY} | self._key_input
                )
        return self._show_form("reauth_confirm", KEYS_SCHEMA, self._key_input)

    # Confirmation

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the meters found, and create or update the entry."""
        heard = self._heard
        assert heard is not None  # noqa: S101 - the step follows listening
        assert heard.reading is not None  # noqa: S101 - that heard a telegram
        # A browser may request the form once more while the entry is created: do not abort because of that entry.
        if not self._is_confirmed:
            await self._identify(heard)
            self._core = None if self.source == SOURCE_RECONFIGURE else await core_on(self.hass, heard.port)
        core, words = self._core, await Words.load(self.hass)
        if user_input is None or (core is not None and CONF_TAKE_OVER not in user_input):
            return await self._show_confirm(heard, heard.reading, words)
        if core is None and user_input.get(CONF_TAKE_OVER):
            return self.async_abort(reason="nothing_to_take_over")
        if core is not None and not user_input[CONF_TAKE_OVER]:
            # One port has one reader.
            return self.async_abort(reason="take_over_declined")
        self._is_confirmed = True
        data = self._entry_data(heard)
        if core is not None:
            data[CONF_TAKE_OVER] = core.entry_id
        if user_input.get(CONF_ENERGY_DASHBOARD):
            data[CONF_ENERGY_DASHBOARD] = True
        if self.source == SOURCE_RECONFIGURE:
            return await self._reconfigure(heard, data)
        self._abort_other_discoveries(heard.port)
        # All users see the title.
        words = await Words.load(self.hass, self.hass.config.language)
        return self.async_create_entry(title=entry_title(heard.reading, words), data=data)

    async def _reconfigure(self, heard: ListenResult, data: dict[str, Any]) -> ConfigFlowResult:
        entry = self._get_reconfigure_entry()
        data |= _wishes(entry)
        if CONF_READER_SERIAL in entry.data and await is_same_port(self.hass, entry.data[CONF_PORT], heard.port):
            data[CONF_READER_SERIAL] = entry.data[CONF_READER_SERIAL]
        if heard.was_verified and not heard.is_encrypted:
            await allow_plain(self.hass, entry)
        return self.async_update_reload_and_abort(entry, unique_id=entry.unique_id or self.unique_id, data=data)

    async def _show_confirm(self, heard: ListenResult, reading: Reading, words: Words) -> ConfigFlowResult:
        core = self._core
        is_new = self.source != SOURCE_RECONFIGURE
        offer = await dashboard_offer(self.hass, reading, words) if is_new else None
        return self.async_show_form(
            step_id="confirm",
            data_schema=confirm_schema(take_over=core is not None, energy_dashboard=offer is not None),
            description_placeholders={
                **confirm_placeholders(self.hass, heard, reading, words),
                **({} if core is None else take_over_placeholders(self.hass, core, known_meters(reading, {}, None))),
                "energy_dashboard": offer or "",
            },
        )

    def _entry_data(self, heard: ListenResult) -> dict[str, Any]:
        """Return the data of the entry: the input, with the port on which a meter was found."""
        is_smarty = heard.is_encrypted or self._input[CONF_BRIDGE_TYPE] == BRIDGE_SMARTY
        data = {CONF_PORT: heard.port, CONF_BRIDGE_TYPE: BRIDGE_SMARTY if is_smarty else BRIDGE_DSMR, **self._line}
        if self._serial is not None:
            data[CONF_READER_SERIAL] = self._serial
        return data | self._key_input if is_smarty else data

    async def _identify(self, heard: ListenResult) -> None:
        """Raise AbortFlow if the meter or the port is already configured."""
        # Another dialog at this step is no obstacle: the first to finish wins.
        known = await self.async_set_unique_id(heard.unique_id, raise_on_progress=False)
        if self.source == SOURCE_RECONFIGURE:
            await self._identify_own(heard, known)
        elif known is not None and CONF_PORT in known.data and await has_moved(self.hass, known):
            self._move(known, heard)
        else:
            if known is not None and self._serial is not None:
                async_remember(self.hass, known, self._serial)
            self._abort_if_unique_id_configured()
        if await entry_on(self.hass, heard.port, other_than=self._own_entry_id) is not None and not self._is_confirmed:
            raise AbortFlow("already_configured")

    async def _identify_own(self, heard: ListenResult, known: ConfigEntry | None) -> None:
        """Raise AbortFlow unless the meter is that of the entry, or one that took its place on the same port."""
        entry = self._get_reconfigure_entry()
        is_own = entry.unique_id in (None, self.unique_id) or await is_same_port(
            self.hass, entry.data[CONF_PORT], heard.port
        )
        if not is_own or (known is not None and known.entry_id != entry.entry_id):
            raise AbortFlow("unique_id_mismatch")

    def _move(self, entry: ConfigEntry, heard: ListenResult) -> NoReturn:
        """Move the entry of a meter that was found on another port to that port, with the input for it."""
        is_changed = self.hass.config_entries.async_update_entry(entry, data=self._entry_data(heard) | _wishes(entry))
        if is_changed and entry.state in STARTED:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        raise AbortFlow("already_configured")


def _wishes(entry: ConfigEntry) -> dict[str, Any]:
    """Return what the owner chose at set-up, which is kept when the port of the entry changes."""
    return {name: entry.data[name] for name in (CONF_TAKE_OVER, CONF_ENERGY_DASHBOARD) if name in entry.data}
