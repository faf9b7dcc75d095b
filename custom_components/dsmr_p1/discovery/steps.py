"""The steps of the flow for what Home Assistant has found: a cable, or a reader in the network."""

from typing import Any, override

from homeassistant.components import usb
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_PORT
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from ..const import BRIDGE_AUTO, CONF_BRIDGE_TYPE, DOMAIN
from ..flow.forms import FOUND_SCHEMA
from ..flow.listen_step import ListenStep
from ..port.serial_ports import entry_on, stable_path, usb_discoveries
from .homewizard import announced, async_follow, dialogs_about


class DiscoveryStep(ListenStep):
    """Asks before anything that was found is opened; `_serial` is the serial number of a reader that was found."""

    _serial: str | None = None

    @override
    async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
        """Handle a discovered USB cable; the port is not opened before the owner confirms."""
        await self.async_set_unique_id(usb.usb_unique_id_from_service_info(discovery_info))
        self._abort_if_unique_id_configured()
        port = await stable_path(self.hass, discovery_info.device)
        if await entry_on(self.hass, port) is not None:
            return self.async_abort(reason="already_configured")
        name = discovery_info.description or discovery_info.manufacturer or "USB"
        return await self._found("usb_confirm", port, name)

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Handle a device of HomeWizard, which announces a service for each version of its interface."""
        found = announced(discovery_info)
        if found is None:
            return self.async_abort(reason="no_p1_reader")
        await self.async_set_unique_id(f"homewizard_{found.serial}")
        self._abort_if_unique_id_configured()
        if async_follow(self.hass, found):
            return self.async_abort(reason="already_configured")
        self._serial = found.serial
        return await self._found("zeroconf_confirm", found.port, f"HomeWizard {found.name}")

    async def _found(self, step_id: str, port: str, name: str) -> ConfigFlowResult:
        self.context["title_placeholders"] = {"name": name}
        self._origin = step_id
        self._ports = (port,)
        self._input = {CONF_PORT: port, CONF_BRIDGE_TYPE: BRIDGE_AUTO}
        return await self.async_step_usb_confirm()

    async def async_step_usb_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Confirm what was found, a cable or a reader, before it is opened."""
        if user_input is not None:
            return await self._start()
        return self._show_form(self._origin, FOUND_SCHEMA, {}, self.context["title_placeholders"])

    async_step_zeroconf_confirm = async_step_usb_confirm

    def _abort_other_discoveries(self, port: str) -> None:
        """Close the dialogs about a port that has an entry now, other than this one."""
        for flow in (*usb_discoveries(self.hass, port), *dialogs_about(self.hass, port)):
            if flow["handler"] == DOMAIN and flow["flow_id"] != self.flow_id:
                self.hass.config_entries.flow.async_abort(flow["flow_id"])
