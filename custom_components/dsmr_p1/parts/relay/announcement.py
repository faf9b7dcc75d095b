"""The announcement of a relay in the home network (DNS-SD, RFC 6763), through Home Assistant's own zeroconf.

The service is of a type of its own: no reader that is discovered here has it, and nothing of the household is in it.
The zeroconf of Home Assistant can be missing: this module is imported where it is there.
"""

from ipaddress import ip_address
from typing import Final

from homeassistant.components.network import async_get_announce_addresses
from homeassistant.components.zeroconf import async_get_async_instance
from homeassistant.core import HomeAssistant
from zeroconf import Error
from zeroconf.asyncio import AsyncServiceInfo

from ...const import LOGGER
from .settings import Settings

SERVICE: Final = "_dsmr-p1._tcp.local."


async def async_announce(hass: HomeAssistant, key: str, settings: Settings) -> None:
    """Announce a relay until cancelled; `key` distinguishes it from all others, in the network too."""
    own = ip_address(settings.address)
    addresses = [settings.address]
    if own.is_unspecified:
        found = await async_get_announce_addresses(hass)
        addresses = [address for address in found if ip_address(address).version == own.version]
    info = AsyncServiceInfo(
        SERVICE,
        f"DSMR P1 {settings.port}.{SERVICE}",
        port=settings.port,
        parsed_addresses=addresses,
        properties={"txtvers": "1", "id": key},
        server=f"{key}.local.",
    )
    zeroconf = await async_get_async_instance(hass)
    try:
        # Another Home Assistant may have a relay at the same TCP port: this one has a number behind its name then.
        announcing = await zeroconf.async_register_service(info, allow_name_change=True)
    except Error as error:
        LOGGER.info("The relay at port %d is not announced: %s", settings.port, error)
        return
    try:
        await announcing
        await hass.loop.create_future()
    finally:
        await (await zeroconf.async_unregister_service(info))
