"""The steps of the flow for taking over an entry of Home Assistant's own `dsmr`."""

from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_PORT
import probatio

from ..const import BRIDGE_AUTO, CONF_BRIDGE_TYPE
from ..port.entry_data import keys_from, redacted
from ..port.serial_ports import stable_path
from ..takeover.core_entries import core_entries, core_keys, core_on, core_port
from .forms import one_of
from .listen_step import ListenStep

_ENTRY: Final = "entry"


class TakeOverStep(ListenStep):
    """Chooses the entry to take over, `_core`; its port and key are then used for listening."""

    _core: ConfigEntry | None = None
    _is_past_start = False

    async def async_step_start(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the menu: take over an entry, or set up another port."""
        self._is_past_start = True
        names = ", ".join(redacted(entry.title) for entry in core_entries(self.hass))
        return self.async_show_menu(
            step_id="start", menu_options=["take_over", "user"], description_placeholders={"entries": names}
        )

    async def async_step_take_over(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Take over the only entry, or show the form to choose one."""
        entries = core_entries(self.hass)
        if not entries:
            return self._none_left()
        return await self._read_port_of(entries[0]) if len(entries) == 1 else await self.async_step_core_entry()

    def _none_left(self) -> ConfigFlowResult:
        return self.async_abort(reason="nothing_to_take_over")

    async def async_step_core_entry(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form to choose the entry to take over."""
        entries = {entry.entry_id: entry for entry in core_entries(self.hass)}
        if user_input is not None:
            core = entries.get(user_input[_ENTRY])
            return self._none_left() if core is None else await self._read_port_of(core)
        titles = {entry_id: redacted(entry.title) for entry_id, entry in entries.items()}
        schema = probatio.Schema({probatio.Required(_ENTRY): one_of(titles)})
        return self.async_show_form(step_id="core_entry", data_schema=schema)

    async def _read_port_of(self, core: ConfigEntry) -> ConfigFlowResult:
        port = await stable_path(self.hass, core_port(core))
        self._ports = (port,)
        self._input = {CONF_PORT: port, CONF_BRIDGE_TYPE: BRIDGE_AUTO}
        await self._use_core_key()
        return await self._start()

    async def _use_core_key(self) -> None:
        """Use the key of the entry that has one of the ports, if none was entered."""
        for port in self._ports:
            core = await core_on(self.hass, port)
            if core is not None and not self._key_input:
                self._key_input = core_keys(core)
                self._keys = keys_from(self._key_input)
