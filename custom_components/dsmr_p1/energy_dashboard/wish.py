"""The wish that its owner had when a port was set up: that its meters are added to the energy dashboard.

It is carried out once all entities have values, and remembered as done: what the owner removes afterwards stays away.
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
"""Seconds after the first telegram in which all registers should show a value; then those are added that do."""


@callback
def async_start(port: Port) -> None:
    """Carry out the wish, where there is one and it has not been carried out."""
    if port.entry.data.get(CONF_ENERGY_DASHBOARD) and not port.record.is_on_dashboard:
        port.entry.async_on_unload(port.subscribe(_Wish(port).take))


class _Wish:
    """A wish that waits for values."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._since: float | None = None
        self._is_granted = False

    @callback
    def take(self, capture: Capture) -> None:
        """Look, with each telegram, whether the entities have values by now."""
        port = self._port
        if self._is_granted or not isinstance(capture.event, Reading) or not has_dashboard(port.hass):
            return
        now = port.hass.loop.time()
        if self._since is None:
            self._since = now
        if is_complete(port) or now - self._since > PATIENCE:
            self._is_granted = True
            port.entry.async_create_task(port.hass, self._carry_out(), f"{DOMAIN} energy dashboard")

    async def _carry_out(self) -> None:
        port = self._port
        try:
            added = await async_add(port)
            LOGGER.debug("P1 port %s: %d entities were added to the energy dashboard", port.name, len(added))
        except probatio.Invalid as error:
            LOGGER.warning("P1 port %s was not added to the energy dashboard: %s", port.name, error)
        port.record.is_on_dashboard = True
        port.save()
