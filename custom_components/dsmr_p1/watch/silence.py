"""Silence: no telegram for too long."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later


class Silence:
    """Calls `action` when no telegram has come for some seconds, once for each silence.

    The timer is not restarted with every telegram, which would cost a quarter of what decoding does: when it runs
    out, it is started for the rest of the time since the last one.
    """

    def __init__(self, hass: HomeAssistant, seconds: float, action: Callable[[], None]) -> None:
        """Initialize without a timer; the first telegram, or `heard` at the start, starts it."""
        self._hass = hass
        self._seconds = seconds
        self._action = action
        self._job = HassJob(self._run_out, cancel_on_shutdown=True)
        self._cancel: CALLBACK_TYPE | None = None
        # When the last telegram came, None if none has come since the timer was started.
        self._heard_at: float | None = None

    @callback
    def heard(self) -> None:
        """Begin the time without a telegram anew."""
        self._heard_at = self._hass.loop.time()
        if self._cancel is None:
            self._start(self._heard_at)

    @callback
    def stop(self) -> None:
        """Stop the timer, for good."""
        if self._cancel is not None:
            self._cancel()

    def _start(self, heard_at: float) -> None:
        self._heard_at = None
        self._cancel = async_call_later(self._hass, heard_at + self._seconds - self._hass.loop.time(), self._job)

    @callback
    def _run_out(self, _: datetime) -> None:
        if self._heard_at is not None:
            self._start(self._heard_at)
        else:
            self._cancel = None
            self._action()
