"""The serial ports of this machine: their stable names, their users, and the free ones."""

from collections.abc import Mapping
import os
from typing import Final

from homeassistant.components import usb
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.service_info.usb import UsbServiceInfo

from ..const import DOMAIN
from ..homewizard.device import SCHEME, USUAL_PORTS, Device
from ..p1.reader import RAW_SCHEMES

_RAW_SCHEMES: Final = (*RAW_SCHEMES, SCHEME)
_NETWORK_SCHEMES: Final = (*_RAW_SCHEMES, "rfc2217://", "esphome://", "esphome-hass://")


def is_local(port: str) -> bool:
    """Whether a port is a local device and not a URL."""
    return "://" not in port


def is_network(port: str) -> bool:
    """Whether a port is accessed over the network."""
    return port.startswith(_NETWORK_SCHEMES)


def is_raw_stream(port: str) -> bool:
    """Whether a port is a network reader that passes on bytes only: the remote end has the serial settings."""
    return port.startswith(_RAW_SCHEMES)


async def stable_path(hass: HomeAssistant, port: str) -> str:
    """Return a persistent name of a port: the path by its id, if it has one."""
    if not is_local(port) or port.startswith("/dev/serial/"):
        return port
    return await hass.async_add_executor_job(usb.get_serial_by_id, port)


async def _device(hass: HomeAssistant, port: str) -> str:
    """Return the device behind a port, which is the same for all names of it."""
    if is_local(port):
        return await hass.async_add_executor_job(os.path.realpath, port)
    if port.startswith(SCHEME):
        # Both versions of its interface are of one meter, and a token makes it no other.
        device = Device.of(port)
        return SCHEME + (device.host if device.number in (None, *USUAL_PORTS) else f"{device.host}:{device.number}")
    if is_raw_stream(port):
        return port.partition("://")[2].rstrip("/").lower()
    return port


async def is_same_port(hass: HomeAssistant, one: str, other: str) -> bool:
    """Whether two names stand for the same port."""
    return one == other or await _device(hass, one) == await _device(hass, other)


async def entry_on(hass: HomeAssistant, port: str, *, other_than: str | None = None) -> ConfigEntry | None:
    """Return our entry that uses a port, except the one with the id `other_than`."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.source == SOURCE_IGNORE or entry.entry_id == other_than:
            continue
        if await is_same_port(hass, entry.data[CONF_PORT], port):
            return entry
    return None


async def free_ports(hass: HomeAssistant, *, other_than: str | None = None) -> dict[str, str]:
    """Return the ports that no entry, app or discovery of another integration claims, in the order of their names.

    Each has the description of its device. Claims of the entry with the id `other_than` are ignored.
    """
    ports = await usb.async_scan_serial_ports(hass)
    consumers = await usb.async_get_serial_port_consumers(hass, ports)

    def is_claimed(port: str) -> bool:
        claims = (claim.config_entry_id for claim in consumers.get(port, ()))
        return any(entry_id is None or entry_id != other_than for entry_id in claims) or any(
            flow["handler"] != DOMAIN for flow in usb_discoveries(hass, port)
        )

    return dict(sorted((port.device, _description(port)) for port in ports if not is_claimed(port.device)))


async def user_of(hass: HomeAssistant, port: str) -> str | None:
    """Return the name of the integration or app that Home Assistant knows to use a port; None if there is none."""
    if not is_local(port):
        return None
    consumers = await usb.async_get_serial_port_consumers(hass, await usb.async_scan_serial_ports(hass))
    claims = await hass.async_add_executor_job(_find, port, consumers)
    return next((claim.title for claim in claims or () if claim.active), None)


def _find[T](port: str, by_path: Mapping[str, T]) -> T | None:
    """Return what is listed for a port by any of its names."""
    real = os.path.realpath(port)
    return next((listed for path, listed in by_path.items() if os.path.realpath(path) == real), None)


def usb_discoveries(hass: HomeAssistant, port: str) -> list[ConfigFlowResult]:
    """Return the discovery flows of all integrations for a USB device at a port."""
    return hass.config_entries.flow.async_progress_by_init_data_type(
        UsbServiceInfo, lambda found: found.device == port, include_uninitialized=True
    )


def _description(port: usb.SerialDevice) -> str:
    """Return the description of a device, without its serial number."""
    return " ".join(part for part in (port.manufacturer, port.description) if part and part != "n/a")


_COMMON_SERIALS: Final = frozenset({"0", "0000", "0001", "00000000", "12345678", "0123456789ABCDEF"})


async def find_device(hass: HomeAssistant, port: str) -> tuple[str, ...] | None:
    """Return vendor, product and serial number of the USB device of a port; None if these are not unique."""
    return await hass.async_add_executor_job(_find, port, await _usb_devices(hass))


async def find_moved_device(
    hass: HomeAssistant, port: str, device: tuple[str, ...] | None, *, other_than: str
) -> str | None:
    """Return the current path of the device of a port; None if it is not found, or not unique.

    Paths of our entries are ignored, except that of the one with the id `other_than`.
    """
    if await hass.async_add_executor_job(os.path.exists, port):
        return None
    find = getattr(usb, "async_find_moved_serial_port", None)  # since 2026.11
    path: str | None = None if find is None else find(hass, port)
    if path is None and device is not None:
        paths = [found for found, other in (await _usb_devices(hass)).items() if other == device]
        path = paths[0] if len(paths) == 1 else None
    if path is None or path == port or await entry_on(hass, path, other_than=other_than) is not None:
        return None
    return await stable_path(hass, path)


async def _usb_devices(hass: HomeAssistant) -> dict[str, tuple[str, ...]]:
    """Return the vendor, product and serial number of the uniquely identified USB devices, by path."""
    return {
        port.device: (str(port.vid), str(port.pid), port.serial_number)
        for port in await usb.async_scan_serial_ports(hass)
        if isinstance(port, usb.USBDevice) and port.serial_number and port.serial_number not in _COMMON_SERIALS
    }
