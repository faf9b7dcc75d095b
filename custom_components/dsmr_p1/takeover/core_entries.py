"""The entries of Home Assistant's own `dsmr`: which of them can be taken over, and on which port they are."""

import asyncio
from contextlib import suppress
from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_PROTOCOL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.dispatcher import async_dispatcher_send

from ..const import CONF_DECRYPTION_KEY, CONF_TAKE_OVER, DOMAIN
from ..p1 import KeyFormatError, parse_key
from ..port.serial_ports import is_same_port

CORE: Final = "dsmr"
_OWN_FRAMING: Final = "rfxtrx_dsmr_protocol"
"""The protocol of telegrams inside the frames of an RFXtrx receiver: no P1 stream."""
_RELOADED_WITHIN: Final = 5.0
"""Seconds. One of ours that waits for its first telegram takes longer, and nobody at a dialog waits for that."""
_FIRST_TELEGRAM: Final = "dsmr_first_telegram_{}"
"""The signal on which an entry adds its entities (`components/dsmr/sensor.py`)."""


def core_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the entries that can be taken over: enabled, on a P1 port, and not taken over already."""
    taken = {entry.data.get(CONF_TAKE_OVER) for entry in hass.config_entries.async_entries(DOMAIN)}
    return [
        entry
        for entry in hass.config_entries.async_entries(CORE, include_ignore=False, include_disabled=False)
        if entry.data.get(CONF_PROTOCOL) != _OWN_FRAMING and CONF_PORT in entry.data and entry.entry_id not in taken
    ]


def core_port(entry: ConfigEntry) -> str:
    """Return the port of an entry; old ones of a network reader keep host and port apart."""
    port = str(entry.data[CONF_PORT])
    return f"socket://{entry.data[CONF_HOST]}:{port}" if CONF_HOST in entry.data else port


def core_keys(entry: ConfigEntry) -> dict[str, str]:
    """Return the decryption key of an entry as ours keep it; nothing where it has none that is a key."""
    key = entry.data.get("encryption_key") or ""
    try:
        parse_key(key)
    except KeyFormatError:
        return {}
    return {CONF_DECRYPTION_KEY: key}


async def async_is_set_up(entry: ConfigEntry) -> bool:
    """Whether an entry has its port, or will try again. One that is being reloaded is waited for, but not for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_RELOADED_WITHIN), entry.setup_lock:
            return entry.state in (ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY)
    return False


async def async_unload_core(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Unload an entry, and what it leaves behind where it has not shown anything yet.

    Up to 30 s after it was set up it waits for the signal of its first telegram, to add its entities, and does not stop
    waiting when it is unloaded. The next time both would add the same entities, and those of before, which get no
    values any more, come first. A signal without a telegram ends that.
    """
    await hass.config_entries.async_unload(entry.entry_id)
    async_dispatcher_send(hass, _FIRST_TELEGRAM.format(entry.entry_id), None)


async def async_set_up_again(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Set an entry up that was unloaded, unless it was deleted or disabled since, or Home Assistant stops."""
    is_there = hass.config_entries.async_get_entry(entry.entry_id) is not None and not entry.disabled_by
    if is_there and entry.state is ConfigEntryState.NOT_LOADED and not hass.is_stopping:
        await hass.config_entries.async_setup(entry.entry_id)


async def core_on(hass: HomeAssistant, port: str) -> ConfigEntry | None:
    """Return the entry that has a port and can be taken over."""
    for entry in core_entries(hass):
        if await is_same_port(hass, core_port(entry), port):
            return entry
    return None
