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
    if port.entry.data.get(CONF_ENERGY_DASHBOARD) and not port.record.is_on_dashboard:
        port.entry.async_on_unload(port.subscribe(_Addition(port).take))


class _Addition:
    """A pending addition that waits for values."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._since: float | None = None
        self._is_started = False

    @callback
    def take(self, capture: Capture) -> None:
        """Check after each telegram whether the entities have values."""
        port = self._port
        if self._is_started or not isinstance(capture.event, Reading) or not has_dashboard(port.hass):
            return
        now = port.hass.loop.time()
        if self._since is None:
            self._since = now
        if is_complete(port) or now - self._since > PATIENCE:
            self._is_started = True
            port.entry.async_create_task(port.hass, self._async_add(), f"{DOMAIN} energy dashboard")

    async def _async_add(self) -> None:
        port = self._port
        try:
            added = await async_add(port)
            LOGGER.debug("P1 port %s: %d entities were added to the energy dashboard", port.name, len(added))
        except probatio.Invalid as error:
            LOGGER.warning("P1 port %s was not added to the energy dashboard: %s", port.name, error)
        port.record.is_on_dashboard = True
        port.save()
