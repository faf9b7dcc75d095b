"""The guard of a port in Home Assistant: its state is stored over restarts, and its findings are handled."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Event, callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..p1 import Reading
from ..p1.registers.guard import Accepted, Guard, Held
from ..port.state import Port
from .steps import Correct, OddSteps

_KEPT_EVERY: Final = timedelta(hours=1)


class GuardKeeper:
    """Runs the guard of one port and stores its state."""

    def __init__(self, port: Port, correct: Correct) -> None:
        """Initialize the guard; `correct` removes an amount from a statistic."""
        self.guard = Guard(port.record.memory)
        self.steps = OddSteps(port, correct)
        self._port = port
        self._is_restored = False

    @callback
    def async_start(self) -> None:
        """Store the state every hour, and when Home Assistant stops."""
        entry, hass = self._port.entry, self._port.hass
        entry.async_on_unload(async_track_time_interval(hass, self._keep, _KEPT_EVERY, cancel_on_shutdown=True))
        entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_FINAL_WRITE, self.async_stop))
        self.steps.async_start()

    async def async_stop(self, _: Event | None = None) -> None:
        """Store the state, and return when it is written."""
        self._remember()
        await self._port.async_save_now()

    def check(self, reading: Reading, now: float) -> Reading:
        """Return a reading with the values that may be shown. `now` is a monotonic clock in seconds."""
        port, wall = self._port, dt_util.utcnow()
        port.sent = reading
        if not self._is_restored:
            # Only from the first telegram on: until then no time passes for the guard.
            self.guard.restore(port.record.guard, now, wall)
            self._is_restored = True
        shown = self.guard.check(reading, now, wall)
        for event in self.guard.events():
            if isinstance(event, Held):
                LOGGER.debug(
                    "P1 port %s: %s of %s says %s, and %s stays", port.name, event.channel_id, event.slot,
                    event.odd.value, event.shown.value,
                )  # fmt: skip
                continue
            # It is shown with this telegram.
            port.display.expire(event.slot)
            if isinstance(event, Accepted):
                self.steps.prepare(event)
                # Written at once, with what is taken out for it: a crash must not bring the reading before back.
                self._remember()
        return shown

    @callback
    def _keep(self, _: datetime) -> None:
        self._remember()
        self._port.save()

    def _remember(self) -> None:
        if self._is_restored:
            self._port.record.guard = self.guard.as_dict()
