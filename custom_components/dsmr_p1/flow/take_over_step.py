"""The steps of the flow for taking over an entry of Home Assistant's own `dsmr`."""

from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_PORT

from ..const import BRIDGE_AUTO, CONF_BRIDGE_TYPE
from ..meters.known import known_meter
from ..p1 import Reading
from ..port.entry_data import keys_from, redacted
from ..port.serial_ports import stable_path
from ..takeover.core_entries import core_entries, core_keys, core_on, core_port
from ..takeover.plan import targets
from .forms import CONF_ENTRY, entry_schema
from .listen_step import ListenStep


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
            return self.async_abort(reason="nothing_to_take_over")
        return await self._read_port_of(entries[0]) if len(entries) == 1 else await self.async_step_core_entry()

    async def async_step_core_entry(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form to choose the entry to take over."""
        entries = {entry.entry_id: entry for entry in core_entries(self.hass)}
        if user_input is not None:
            if user_input[CONF_ENTRY] not in entries:
                return self.async_abort(reason="nothing_to_take_over")
            return await self._read_port_of(entries[user_input[CONF_ENTRY]])
        titles = {entry_id: redacted(entry.title) for entry_id, entry in entries.items()}
        return self.async_show_form(step_id="core_entry", data_schema=entry_schema(titles))

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

    def _take_over_placeholders(self, core: ConfigEntry, reading: Reading) -> dict[str, str]:
        """Return placeholders for the number of entities that continue, and for those that stay behind."""
        meters = {
            meter.profile.slot: known_meter(meter, reading, None, None)
            for meter in reading.meters
            if meter.profile.registered
        }
        found = [target for target in targets(self.hass, core, meters) if target.reason != "unused"]
        left = [f"`{target.entity.entity_id}`" for target in found if target.reason is not None]
        return {
            "entry": redacted(core.title),
            "count": str(len(found) - len(left)),
            "left_count": str(len(left)),
            "left": f" ({', '.join(left)})" if left else "",
        }
