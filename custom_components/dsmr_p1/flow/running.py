"""Information for flows about an existing entry, loaded or not."""

from collections.abc import Sequence
import os
from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant

from ..coordinator import P1ConfigEntry
from ..p1.wire.frames import EncryptedFrame
from ..port.serial_ports import is_local
from ..storage.store import PortRecord, PortStore

STARTED: Final = (ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY, ConfigEntryState.SETUP_ERROR)
"""The states of an entry that is set up anew when it changes."""


def last_encrypted(entry: P1ConfigEntry) -> Sequence[EncryptedFrame]:
    """Return the last encrypted telegram of the reader of an entry."""
    if entry.state is not ConfigEntryState.LOADED:
        return ()
    frame = entry.runtime_data.port.reader.decoder.last_encrypted
    return () if frame is None else (frame,)


async def _record(hass: HomeAssistant, entry: P1ConfigEntry) -> PortRecord:
    """Return the record of the port of an entry, also while it is not loaded."""
    if entry.state is ConfigEntryState.LOADED:
        return entry.runtime_data.port.record
    return await PortStore(hass, entry.entry_id).async_load()


async def has_verified(hass: HomeAssistant, entry: P1ConfigEntry) -> bool:
    """Whether a tag has verified on the port of an entry."""
    return (await _record(hass, entry)).memory.tag_verified


async def allow_plain(hass: HomeAssistant, entry: P1ConfigEntry) -> None:
    """Accept plain telegrams on the port of an entry again, until a telegram is authenticated."""
    record = await _record(hass, entry)
    record.memory.tag_verified = False
    if entry.state is ConfigEntryState.LOADED:
        await entry.runtime_data.port.async_save_now()
    else:
        await PortStore(hass, entry.entry_id).async_save(record)


async def has_moved(hass: HomeAssistant, entry: P1ConfigEntry) -> bool:
    """Whether the meter of an entry no longer sends on the port of the entry."""
    port = entry.data[CONF_PORT]
    if is_local(port) and not await hass.async_add_executor_job(os.path.exists, port):
        return True
    return entry.state is not ConfigEntryState.LOADED or not entry.runtime_data.last_update_success
