"""The listening step of the flows: tries the ports, shows the progress, and chooses the next step.

A progress step may only show progress or finish, so everything that can abort a flow is in the following steps.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_PORT
import probatio

from ..const import BRIDGE_SMARTY, CONF_ADDITIONAL_KEY, CONF_BRIDGE_TYPE, CONF_DECRYPTION_KEY, LOGGER
from ..homewizard.transport import opener_of
from ..p1 import Keys, PortFault
from ..port.entry_data import keys_from, redacted, settings_from
from ..port.serial_ports import is_network, is_raw_stream, is_same_port, user_of
from ..takeover.core_entries import CORE, async_is_set_up, async_set_up_again, async_unload_core, core_keys, core_on
from . import advice
from .listening import ListenResult, Patience, listen
from .report import code

PATIENCE: Final = Patience()
NETWORK_PATIENCE: Final = Patience(byte=25, telegram=29)
"""For a network stream: it needs no serial settings, so the second burst is complete."""
SCAN_PATIENCE: Final = Patience(byte=12)
"""For trying free ports one by one: a silent one is given up as soon as a meter would have sent a telegram."""
HOST_PATIENCE: Final = Patience(open=3.5, byte=12, telegram=24)
"""For trying a host on every port of network readers. A host that is off is detected after 3 s."""
CORE_ANOTHER: Final = 2.0
"""Seconds for another telegram where `dsmr` reads the port: it is known to work, and its entities show nothing."""
HOST_LIMIT: Final = 29.0
"""Seconds for all ports of a host."""
# The most informative error of several ports is reported.
_TELLING: Final = (
    "wrong_additional_key", "wrong_key", "unsupported_encryption", "crc_errors", "no_telegram", "not_p1", "no_data",
    "port_in_use", "cannot_open",
)  # fmt: skip

# The errors for which keys are asked, and the field at which they are shown.
_OF_KEYS: Final = {"no_key": None, "wrong_key": CONF_DECRYPTION_KEY, "wrong_additional_key": CONF_ADDITIONAL_KEY}


class ListenStep(ConfigFlow):
    """Listens on `_ports` with the input; `_heard` is the result, `_next` the step that follows from it."""

    _origin = SOURCE_USER
    _keys: Keys | None = None
    _must_verify = False
    _ports: Sequence[str] = ()
    _heard: ListenResult | None = None
    _listening: asyncio.Task[None] | None = None
    _shown: tuple[str, dict[str, str]] = "listen", {}
    _next = SOURCE_USER
    _user: str | None = None

    def __init__(self) -> None:
        self._input: dict[str, Any] = {}
        self._line: dict[str, Any] = {}
        self._key_input: dict[str, str] = {}
        self._errors: dict[str, str] = {}

    async def _start(self) -> ConfigFlowResult:
        """Listen, with the key of an entry of `dsmr` that has one of the ports if none was entered."""
        self._errors = {}
        self._heard = None
        self._user = None
        for port in self._ports if self.source != SOURCE_RECONFIGURE else ():
            core = await core_on(self.hass, port)
            if core is not None and not self._key_input:
                self._key_input = core_keys(core)
                self._keys = keys_from(self._key_input)
        return await self.async_step_listen()

    async def async_step_listen(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the progress of listening."""
        if self._listening is None:
            self._shown = _progress_of(self._blank())
            # An open dialog does not delay the shutdown of Home Assistant, which cancels background tasks.
            self._listening = self.hass.async_create_background_task(
                self._listen(), "P1 port: listening", eager_start=False
            )
        if self._listening.done():
            self._listening = None
            return self.async_show_progress_done(next_step_id=self._next)
        return self.async_show_progress(
            step_id="listen",
            progress_action=self._shown[0],
            description_placeholders=self._shown[1],
            progress_task=self._listening,
        )

    async def _listen(self) -> None:
        """Try the ports one by one until one has a meter, and choose the next step."""
        self._next = self._origin
        best: ListenResult | None = None
        loop = asyncio.get_running_loop()
        ends = loop.time() + HOST_LIMIT
        try:
            for number, port in enumerate(self._ports):
                patience = self._patience(port)
                if self._is_host:
                    patience = patience.within(max(ends - loop.time(), 0))
                heard = await self._listen_on(port, patience, number)
                if best is None or _rank(heard) < _rank(best):
                    best = heard
                is_host_gone = heard.failure is not None and heard.failure.fault in advice.FINAL
                if heard.error in (None, "no_key") or (self._is_host and is_host_gone):
                    break
            if best is None:
                self._errors = {"base": "no_free_port"}
                return
            if best.error == "port_in_use":
                self._user = await user_of(self.hass, best.port)
        except Exception:  # noqa: BLE001 - a progress step may not fail, and there is a form to go back to
            LOGGER.exception("Listening on a P1 port failed")
            self._errors = {"base": "unknown"}
            return
        self._heard = best
        self._decide(best)

    async def _listen_on(self, port: str, patience: Patience, number: int) -> ListenResult:
        async with self._entry_unloaded(port) as unloaded:
            is_known = unloaded is not None and unloaded.domain == CORE
            return await listen(
                port,
                keys=self._keys,
                settings=settings_from(self._line),
                patience=replace(patience, another=CORE_ANOTHER) if is_known else patience,
                tell=lambda heard, part: self._show_progress(heard, (number + part) / len(self._ports)),
                must_verify=self._must_verify,
                opener=opener_of(self.hass, port),
            )

    @property
    def _is_host(self) -> bool:
        """Whether the ports are those of one host that was entered without a port number."""
        return len(self._ports) > 1 and is_network(self._ports[0])

    def _patience(self, port: str) -> Patience:
        if len(self._ports) > 1:
            return HOST_PATIENCE if self._is_host else SCAN_PATIENCE
        return NETWORK_PATIENCE if is_raw_stream(port) else PATIENCE

    def _decide(self, heard: ListenResult) -> None:
        error = heard.error
        if error is not None and error not in _OF_KEYS:
            told = advice.advice_of(heard, user=self._user, tried_all=self._is_host)
            self._errors = {"base": error} if told is None else {"base": error, CONF_PORT: told}
            return
        needs_keys = error is not None or (self._keys is None and self._input[CONF_BRIDGE_TYPE] == BRIDGE_SMARTY)
        self._next = "keys" if needs_keys else "confirm"
        if error is not None and (field := _OF_KEYS[error]) is not None:
            self._errors = {field: error}
        # Further steps use this port, also if several were tried.
        self._ports = (heard.port,)

    def _show_progress(self, heard: ListenResult, part: float) -> None:
        """Show the progress. A new text is sent first, since it resets the progress bar of the browser."""
        if (shown := _progress_of(heard)) != self._shown:
            self._shown = shown
            self.async_notify_flow_changed()
        self.async_update_progress(part)

    @asynccontextmanager
    async def _entry_unloaded(self, port: str) -> AsyncIterator[ConfigEntry | None]:
        """Unload the entry that uses the port, ours or one of `dsmr`, if it is set up, and set it up again after."""
        entry: ConfigEntry | None
        if self.source == SOURCE_RECONFIGURE:
            own = self._get_reconfigure_entry()
            entry = own if await is_same_port(self.hass, own.data[CONF_PORT], port) else None
        else:
            entry = await core_on(self.hass, port)
        if entry is None or not await async_is_set_up(entry):
            yield None
            return
        try:
            if entry.domain == CORE:
                await async_unload_core(self.hass, entry)
            else:
                await self.hass.config_entries.async_unload(entry.entry_id)
            yield entry
        finally:
            # A separate task, since this one is cancelled when the dialog is closed.
            setting_up = async_set_up_again(self.hass, entry)
            await asyncio.shield(self.hass.async_create_task(setting_up, "P1 port: set up again"))

    @property
    def _own_entry_id(self) -> str | None:
        return self._reconfigure_entry_id if self.source == SOURCE_RECONFIGURE else None

    def _blank(self) -> ListenResult:
        return ListenResult(port=self._ports[0] if self._ports else self._input.get(CONF_PORT, ""))

    def _show_form(
        self, step_id: str, schema: probatio.Schema, values: Mapping[str, Any], named: Mapping[str, str] | None = None
    ) -> ConfigFlowResult:
        """Show a form with its values, and with the errors of listening."""
        heard = advice.placeholders(self._heard or self._blank(), user=self._user)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=self._errors,
            description_placeholders={**(named or {}), **heard},
        )


def _progress_of(heard: ListenResult) -> tuple[str, dict[str, str]]:
    """Return the key and placeholders of the progress text. They change rarely: each change makes the dialog jump."""
    if heard.telegrams:
        action = "listen_meter"
    elif heard.octets:
        action = "listen_data"
    else:
        action = "listen_network" if is_network(heard.port) else "listen"
    return action, {"port": code(redacted(heard.port))}


def _rank(heard: ListenResult) -> tuple[int, bool]:
    """Return a sort key for results, lowest for the most informative; of equal errors a refusal proves the host."""
    error = _TELLING.index(heard.error) if heard.error in _TELLING else -1
    if heard.fault in advice.TELLING:
        error = 0
    return error, heard.fault is not PortFault.REFUSED
