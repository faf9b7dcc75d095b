"""Actions: `dsmr_p1.capture_telegrams` waits for telegrams of a port, and returns them as received.

`dsmr_p1.add_to_energy_dashboard` adds the meters of a port to the energy dashboard, for administrators.
`dsmr_p1.take_over`, also for administrators, takes over an entry of Home Assistant's own `dsmr` into an existing port.
"""

import asyncio
import secrets
from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_config_entry, async_register_admin_service
import probatio

from .const import CONF_TAKE_OVER, DOMAIN
from .coordinator import P1ConfigEntry
from .energy_dashboard.additions import async_add, has_dashboard
from .port.captures import Capture
from .takeover.core_entries import core_entries
from .takeover.issues import async_begin, is_same_meter

SERVICE_CAPTURE_TELEGRAMS: Final = "capture_telegrams"
SERVICE_ADD_TO_ENERGY_DASHBOARD: Final = "add_to_energy_dashboard"
SERVICE_TAKE_OVER: Final = "take_over"
ATTR_DSMR_ENTRY: Final = "dsmr_entry"
ATTR_COUNT: Final = "count"
ATTR_ANONYMISED: Final = "anonymised"

MOST: Final = 100
PATIENCE: Final = 30.0
"""Seconds within which the next telegram must come: three periods of the slowest meters."""

_PORT_SCHEMA: Final = probatio.Schema({probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string})
_CAPTURE_SCHEMA: Final = _PORT_SCHEMA.extend({
    probatio.Optional(ATTR_COUNT, default=1): probatio.Coerce(int),
    probatio.Optional(ATTR_ANONYMISED, default=True): cv.boolean,
})  # fmt: skip
_TAKE_OVER_SCHEMA: Final = _PORT_SCHEMA.extend({probatio.Required(ATTR_DSMR_ENTRY): cv.string})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN, SERVICE_CAPTURE_TELEGRAMS, _capture_telegrams, _CAPTURE_SCHEMA, SupportsResponse.ONLY
    )
    async_register_admin_service(
        hass, DOMAIN, SERVICE_ADD_TO_ENERGY_DASHBOARD, _add_to_energy_dashboard, _PORT_SCHEMA, SupportsResponse.OPTIONAL
    )
    async_register_admin_service(hass, DOMAIN, SERVICE_TAKE_OVER, _take_over, _TAKE_OVER_SCHEMA)


async def _take_over(call: ServiceCall) -> None:
    """Take over an entry of `dsmr`, and return when that is done."""
    hass = call.hass
    entry: P1ConfigEntry = async_get_config_entry(hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))
    core = hass.config_entries.async_get_entry(call.data[ATTR_DSMR_ENTRY])
    if CONF_TAKE_OVER in entry.data:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="has_taken_over")
    if core is None or core not in core_entries(hass):
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_to_take_over")
    if is_same_meter(core, entry.runtime_data.port.meters) is False:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="another_meter")
    async_begin(hass, entry, core)
    await hass.config_entries.async_reload(entry.entry_id)
    if entry.state is not ConfigEntryState.LOADED:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="take_over_failed")


async def _capture_telegrams(call: ServiceCall) -> ServiceResponse:
    """Return the next telegrams, good or damaged; fewer if they do not come in time."""
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


async def _add_to_energy_dashboard(call: ServiceCall) -> ServiceResponse:
    """Add missing sources of a port to the energy dashboard, and return their entities."""
    entry: P1ConfigEntry = async_get_config_entry(call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))
    port = entry.runtime_data.port
    if not has_dashboard(call.hass):
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="no_energy_dashboard")
    if not port.display.is_available:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="silent", translation_placeholders={"port": port.name}
        )
    try:
        return {"added": list(await async_add(port))}
    except probatio.Invalid as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="energy_dashboard_refused",
            translation_placeholders={"error": str(error)},
        ) from error
