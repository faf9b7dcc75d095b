"""The steps of the options that ask for the relay of a port."""

from typing import Any, Final

from homeassistant.components.network import async_get_announce_addresses
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.helpers.selector import TextSelector
from homeassistant.util.network import is_ip_address, is_ipv4_address
import probatio

from ...const import DOMAIN
from ..fields import number
from ..part import PartSteps
from .settings import (
    CONF_RELAY,
    CONF_RELAY_ADDRESS,
    CONF_RELAY_CLIENTS,
    CONF_RELAY_PORT,
    DEFAULT_ADDRESS,
    DEFAULT_CLIENTS,
    MOST_CLIENTS,
    Settings,
    settings_of,
)

_SCHEMA: Final = probatio.Schema(
    {
        # Those below need rights that Home Assistant seldom has.
        probatio.Optional(CONF_RELAY_PORT): number(1024, 65_535),
        probatio.Required(CONF_RELAY_ADDRESS, default=DEFAULT_ADDRESS): TextSelector(),
        probatio.Required(CONF_RELAY_CLIENTS, default=DEFAULT_CLIENTS): number(1, MOST_CLIENTS),
    }
)


class RelaySteps(PartSteps):
    """Asks where telegrams are handed on, and, where that is everywhere, whether it is meant."""

    _wanted: Settings | None = None

    async def async_step_relay(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the relay listens; without a port it is off."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input.get(CONF_RELAY_PORT) is None:
                return self._keep(None)
            address = user_input[CONF_RELAY_ADDRESS].strip()
            wanted = Settings(address, int(user_input[CONF_RELAY_PORT]), int(user_input[CONF_RELAY_CLIENTS]))
            if not is_ip_address(address):
                errors[CONF_RELAY_ADDRESS] = "no_address"
            elif self._is_taken(wanted):
                errors[CONF_RELAY_PORT] = "relay_port_taken"
            elif wanted.is_everywhere:
                self._wanted = wanted
                return await self.async_step_relay_everywhere()
            else:
                return self._keep(wanted)
        values = user_input or self.config_entry.options.get(CONF_RELAY)
        schema = self.add_suggested_values_to_schema(_SCHEMA, values)
        return self.async_show_form(
            step_id="relay",
            data_schema=schema,
            errors=errors,
            description_placeholders={"addresses": await self._addresses()},
        )

    async def async_step_relay_everywhere(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Warn of a relay on all interfaces, and keep it once it is confirmed."""
        if user_input is None:
            return self.async_show_form(step_id="relay_everywhere", data_schema=probatio.Schema({}))
        return self._keep(self._wanted)

    async def _addresses(self) -> str:
        """Return the addresses of this machine in its networks: most owners need one of them, and few know it."""
        # Home Assistant starts the network before anything else; without it, its addresses are not known.
        found = await async_get_announce_addresses(self.hass) if "network" in self.hass.config.components else []
        return ", ".join(address for address in found if is_ipv4_address(address)) or "…"

    def _keep(self, wanted: Settings | None) -> ConfigFlowResult:
        return self.keep(CONF_RELAY, None if wanted is None else wanted.as_dict())

    def _is_taken(self, wanted: Settings) -> bool:
        """Whether the relay of another port, which is not disabled, listens there."""
        others = [
            settings_of(entry.options)
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            if entry.entry_id != self.config_entry.entry_id and entry.disabled_by is None
        ]
        return any(other is not None and wanted.collides(other) for other in others)
