"""HomeWizard's P1 meter on the network, as it announces itself, and the entries that read it.

Source: HomeWizard's documentation of its local interface (api-documentation.homewizard.com), "Discovery": the services
`_hwenergy._tcp` of version 1 and `_homewizard._tcp` of version 2, with the serial number of the device in their data.
Other products of HomeWizard announce the same services, and have no telegrams.
"""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from yarl import URL

from ..const import CONF_READER_SERIAL, DOMAIN
from ..flow.running import STARTED
from ..homewizard.device import SCHEME

_VERSION_1: Final = "_hwenergy._tcp.local."
_SERVICES: Final = (_VERSION_1, "_homewizard._tcp.local.")
_P1_METER: Final = "HWE-P1"


class Announced(NamedTuple):
    """A P1 meter of HomeWizard: its host by address and by name, its serial number, and its name for people."""

    host: str
    hostname: str
    serial: str
    name: str

    @property
    def port(self) -> str:
        """The port under which it is read; without a token, so with version 1 of its interface."""
        return SCHEME + (f"[{self.host}]" if ":" in self.host else self.host)


def announced(info: ZeroconfServiceInfo) -> Announced | None:
    """Return the P1 meter that announces itself; None for other products, and where version 1 is switched off."""
    properties = info.properties
    serial = properties.get("serial")
    if info.type not in _SERVICES or properties.get("product_type") != _P1_METER or not serial:
        return None
    if info.type == _VERSION_1 and properties.get("api_enabled") != "1":
        return None
    return Announced(info.host, info.hostname.rstrip(".").lower(), serial, properties.get("product_name") or "P1 Meter")


@callback
def async_follow(hass: HomeAssistant, found: Announced) -> bool:
    """Whether an entry knows the device; one that reads it follows it to its present address.

    An entry that reads another port of the same host, such as a stream of its bytes, knows it from then on.
    """
    known = False
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.source == SOURCE_IGNORE:
            continue
        port: str = entry.data[CONF_PORT]
        host = _host(port)
        if entry.data.get(CONF_READER_SERIAL) == found.serial:
            known = True
            if port.startswith(SCHEME) and host not in (found.host, found.hostname):
                # With the same token and port number.
                moved = str(URL(port).with_host(found.host))
                hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: moved})
                if entry.state in STARTED:
                    hass.config_entries.async_schedule_reload(entry.entry_id)
        elif host in (found.host, found.hostname):
            known = True
            async_remember(hass, entry, found.serial)
    return known


@callback
def async_remember(hass: HomeAssistant, entry: ConfigEntry, serial: str) -> None:
    """Remember that the meter of an entry is also read by a device, which is not offered again."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_READER_SERIAL: serial})


def dialogs_about(hass: HomeAssistant, port: str) -> list[ConfigFlowResult]:
    """Return the discovery flows of all integrations for a P1 meter on the host of a port."""

    def is_about(info: ZeroconfServiceInfo) -> bool:
        found = announced(info)
        return found is not None and _host(port) in (found.host, found.hostname)

    flows = hass.config_entries.flow
    return flows.async_progress_by_init_data_type(ZeroconfServiceInfo, is_about, include_uninitialized=True)


def _host(port: str) -> str | None:
    return urlsplit(port).hostname if "://" in port else None
