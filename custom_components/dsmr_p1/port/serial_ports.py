"""The serial ports of this machine: their stable names, who uses them, and which are free to be tried."""

from collections.abc import Iterator
from dataclasses import dataclass
import os
from typing import Final

from homeassistant.components import usb
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.service_info.usb import UsbServiceInfo

from ..const import DOMAIN

_RAW_STREAMS: Final = ("socket://", "tcp://")


@dataclass(frozen=True, slots=True)
class FreePort:
    """A port that nobody claims: its path, and what the device says of itself."""

    path: str
    description: str


def is_local(port: str) -> bool:
    """Tell whether a port is a device of this machine, not a URL."""
    return "://" not in port


def is_raw_stream(port: str) -> bool:
    """Tell whether a port is a network stream of bytes only: the far end has the line settings."""
    return port.startswith(_RAW_STREAMS)


async def stable_path(hass: HomeAssistant, port: str) -> str:
    """Give the name of a port that stays when devices change places: the one by its id, if it has one."""
    if not is_local(port) or port.startswith("/dev/serial/"):
        return port
    return await hass.async_add_executor_job(usb.get_serial_by_id, port)


async def _device(hass: HomeAssistant, port: str) -> str:
    """Give what is behind a port: two names of one device have the same."""
    if is_local(port):
        return await hass.async_add_executor_job(os.path.realpath, port)
    if is_raw_stream(port):
        return port.partition("://")[2].rstrip("/").lower()
    return port


async def is_same_port(hass: HomeAssistant, one: str, other: str) -> bool:
    """Tell whether two names are of one port."""
    return one == other or await _device(hass, one) == await _device(hass, other)


async def entry_on(hass: HomeAssistant, port: str, *, other_than: str | None = None) -> ConfigEntry | None:
    """Give our entry that has a port, unless it is the one with the id `other_than`."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.source == SOURCE_IGNORE or entry.entry_id == other_than:
            continue
        if await is_same_port(hass, entry.data[CONF_PORT], port):
            return entry
    return None


async def has_moved(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Tell whether the meter of an entry is no longer heard on the port of the entry."""
    port = entry.data[CONF_PORT]
    if is_local(port) and not await hass.async_add_executor_job(os.path.exists, port):
        return True
    return entry.state is not ConfigEntryState.LOADED or not entry.runtime_data.last_update_success


async def free_ports(hass: HomeAssistant, *, other_than: str | None = None) -> list[FreePort]:
    """Give the ports that no entry, no app and no discovery of another integration claims, in the order of their names.

    The claims of the entry with the id `other_than` do not count: it looks for a port of its own.
    """
    ports = await usb.async_scan_serial_ports(hass)
    consumers = await usb.async_get_serial_port_consumers(hass, ports)
    claimed = {
        port
        for port, claims in consumers.items()
        if any(claim.config_entry_id is None or claim.config_entry_id != other_than for claim in claims)
    }
    return sorted(
        (
            FreePort(port.device, _description(port))
            for port in ports
            if port.device not in claimed and not any(_discoveries(hass, port.device, ours=False))
        ),
        key=lambda port: port.path,
    )


def our_discoveries(hass: HomeAssistant, port: str) -> Iterator[str]:
    """Give the ids of our own flows that wait for an answer about a USB device that was found at a port."""
    return _discoveries(hass, port, ours=True)


def _discoveries(hass: HomeAssistant, port: str, *, ours: bool) -> Iterator[str]:
    def is_about(found: object) -> bool:
        return isinstance(found, UsbServiceInfo) and found.device == port

    for flow in hass.config_entries.flow.async_progress_by_init_data_type(
        UsbServiceInfo, is_about, include_uninitialized=True
    ):
        if (flow["handler"] == DOMAIN) is ours:
            yield flow["flow_id"]


def _description(port: usb.SerialDevice) -> str:
    """Say what a device is in its own words, without its serial number."""
    return " ".join(part for part in (port.manufacturer, port.description) if part and part != "n/a")
