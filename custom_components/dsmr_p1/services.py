"""Actions: `dsmr_p1.capture_telegrams` waits for telegrams of a port, and gives them as they came."""

import asyncio
import secrets
from typing import Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_config_entry
import probatio

from .const import DOMAIN
from .coordinator import P1ConfigEntry
from .port.captures import Capture

SERVICE_CAPTURE_TELEGRAMS: Final = "capture_telegrams"
ATTR_COUNT: Final = "count"
ATTR_ANONYMISED: Final = "anonymised"

MOST: Final = 100
PATIENCE: Final = 30.0
"""Seconds within which the next telegram must come: three periods of the slowest meters."""

_SCHEMA: Final = probatio.Schema({
    probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    probatio.Optional(ATTR_COUNT, default=1): probatio.Coerce(int),
    probatio.Optional(ATTR_ANONYMISED, default=True): cv.boolean,
})  # fmt: skip


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_CAPTURE_TELEGRAMS,
        _capture_telegrams,
        schema=_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


async def _capture_telegrams(call: ServiceCall) -> ServiceResponse:
    """Wait for the next telegrams, good or damaged; fewer are given where no more come in time."""
    count = call.data[ATTR_COUNT]
    if not 1 <= count <= MOST:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="capture_count", translation_placeholders={"most": str(MOST)}
        )
    entry: P1ConfigEntry = async_get_config_entry(call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))
    coordinator = entry.runtime_data
    caught: list[Capture] = []
    queue: asyncio.Queue[Capture] = asyncio.Queue()
    unsubscribe = coordinator.port.subscribe(queue.put_nowait)
    try:
        while len(caught) < count:
            async with asyncio.timeout(PATIENCE):
                caught.append(await queue.get())
    except TimeoutError as error:
        if not caught:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="capture_timed_out",
                translation_placeholders={"port": coordinator.name, "seconds": f"{PATIENCE:g}"},
            ) from error
    finally:
        unsubscribe()
    secret = secrets.token_bytes() if call.data[ATTR_ANONYMISED] else None
    return {"telegrams": [capture.as_dict(secret) for capture in caught]}
