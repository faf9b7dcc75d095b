"""The DSMR P1 Smart Meter integration: smart meters with a P1 port, read by cable or over the network."""

import asyncio
from typing import Final

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType
from homeassistant.util.async_ import create_eager_task

from .const import DOMAIN
from .coordinator import P1ConfigEntry, P1Coordinator
from .energy_dashboard.additions import async_start as async_start_dashboard
from .entity.descriptions import unit_of
from .p1 import KeyFormatError
from .p1.meters.grouping import PORT_SLOT
from .parts import async_remove_parts, async_start_parts
from .port.devices import slot_of
from .port.issues import async_delete_issues
from .port.state import Port
from .services import async_setup_services
from .storage.store import PortStore
from .takeover.takeover import TakeOver, async_give_back

CONFIG_SCHEMA: Final = cv.config_entry_only_config_schema(DOMAIN)
_LOOK: Final = 1.0
"""Seconds after which an entry that waits for its first telegram looks for a dialog that wants its port."""
PLATFORMS: Final = [Platform.BINARY_SENSOR, Platform.EVENT, Platform.SENSOR]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:  # noqa: ARG001 - Home Assistant's signature
    """Register the actions, so that automations can be validated before any entry is set up."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: P1ConfigEntry) -> bool:
    """Set up a config entry: start to read the port, and create the entities of its meters."""
    try:
        port = await Port.async_load(hass, entry)
    except KeyFormatError as error:
        raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="invalid_key") from error
    entry.runtime_data = P1Coordinator(port)
    take_over = TakeOver(port, unit_of)
    must_hear = await take_over.async_prepare()
    try:
        await _async_start(hass, entry, must_hear=must_hear)
        await take_over.async_carry_out()
    except ConfigEntryNotReady, ConfigEntryAuthFailed:
        hass.async_create_task(take_over.async_put_back(), "DSMR entry: set up again", eager_start=False)
        raise
    entry.async_on_unload(entry.runtime_data.async_add_listener(take_over.follow))
    entry.runtime_data.entities_of_parts = await async_start_parts(entry.runtime_data)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    async_start_dashboard(entry.runtime_data.port)
    return True


async def _async_start(hass: HomeAssistant, entry: P1ConfigEntry, *, must_hear: bool) -> None:
    """Start to read. Where nothing was heard yet, a dialog that listens on the port need not wait for that."""
    coordinator = entry.runtime_data
    # A task of its own: one of Home Assistant would be waited for, and complained about, when that stops meanwhile.
    starting = create_eager_task(coordinator.async_start(must_hear=must_hear), name=f"{DOMAIN} start")
    try:
        while not starting.done():
            await asyncio.wait([starting], timeout=_LOOK)
            flows = entry.async_get_active_flows(hass, {SOURCE_RECONFIGURE})
            if not starting.done() and any(flow.get("step_id") == "listen" for flow in flows):
                raise ConfigEntryNotReady(
                    translation_domain=DOMAIN,
                    translation_key="no_data",
                    translation_placeholders={"port": coordinator.name},
                )
        starting.result()
    finally:
        starting.cancel()


async def async_unload_entry(hass: HomeAssistant, entry: P1ConfigEntry) -> bool:
    """Unload a config entry. The reader ends with it and releases the port."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    await entry.runtime_data.keeper.async_stop()
    await entry.runtime_data.port.async_close()
    if entry.disabled_by is not None:
        # The repairs of a disabled entry are not updated; those still open are raised again when it is enabled.
        async_delete_issues(hass, entry.entry_id)
    return True


async def async_remove_entry(hass: HomeAssistant, entry: P1ConfigEntry) -> None:
    """Remove the stored data and repairs of an entry, and return what was taken over."""
    await async_give_back(hass, entry)
    async_delete_issues(hass, entry.entry_id)
    await async_remove_parts(hass, entry.entry_id)
    await PortStore(hass, entry.entry_id).async_remove()


async def async_remove_config_entry_device(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: P1ConfigEntry,
    device_entry: dr.AnyDeviceEntry,
) -> bool:
    """Return whether the owner may remove a meter: only if the port no longer reports it."""
    slot = slot_of(entry.entry_id, device_entry)
    if entry.state is not ConfigEntryState.LOADED or slot is None or slot == PORT_SLOT:
        return False
    meters = entry.runtime_data.meters
    if meters.is_reported(slot):
        return False
    meters.async_forget(slot)
    return True
