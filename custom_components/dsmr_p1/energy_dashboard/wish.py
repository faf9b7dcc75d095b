"""Adds the meters of a port to the energy dashboard after setup, if the owner chose so.

This happens once, when all entities have values, so that sources that the owner removes afterwards stay removed.
"""

from typing import Final

from homeassistant.core import callback
import probatio

from ..const import CONF_ENERGY_DASHBOARD, DOMAIN, LOGGER
from ..p1 import Reading
from ..port.captures import Capture
from ..port.state import Port
from .additions import async_add, has_dashboard, is_complete

PATIENCE: Final = 3600.0
"""Seconds after the first telegram until all registers should have a value; then those with one are added."""


@callback
def async_start(port: Port) -> None:
    """Wait for values and add the meters, if chosen and not done yet."""
    if not port.entry.data.get(CONF_ENERGY_DASHBOARD) or port.record.is_on_dashboard:
        return
    since: float | None = None

    @callback
    def follow(capture: Capture) -> None:
        nonlocal since
        if not isinstance(capture.event, Reading) or not has_dashboard(port.hass):
            return
        now = port.hass.loop.time()
        since = now if since is None else since
        if is_complete(port) or now - since > PATIENCE:
            unsubscribe()
            port.entry.async_create_task(port.hass, _async_add(port), f"{DOMAIN} energy dashboard")

    unsubscribe = port.subscribe(follow)
    port.entry.async_on_unload(unsubscribe)


async def _async_add(port: Port) -> None:
    try:
        added = await async_add(port)
        LOGGER.debug("P1 port %s: %d entities were added to the energy dashboard", port.name, len(added))
    except probatio.Invalid as error:
        LOGGER.warning("P1 port %s was not added to the energy dashboard: %s", port.name, error)
    port.record.is_on_dashboard = True
    port.save()
