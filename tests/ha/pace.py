"""What the tests of the pace of updates share."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.dsmr_p1.const import DEFAULT_RECEIVED_TIMEOUT


class Clock:
    """The clock that the pace of updates goes by, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def wait_in_vain(hass: HomeAssistant, seconds: float = DEFAULT_RECEIVED_TIMEOUT + 1) -> None:
    """Let time pass without a telegram: as long as the owner allows, and a second more.

    A timer that runs out starts again for the time since the last telegram; only then it runs out for good.
    """
    for _ in range(2):
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
        await hass.async_block_till_done(wait_background_tasks=False)
