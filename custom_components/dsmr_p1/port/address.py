"""Parses the entered port: a path, a URL, or a network address with or without a port number."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from homeassistant.util.network import is_ipv6_address

from ..homewizard.device import SCHEME
from ..p1.reader import RAW_SCHEMES


class AddressError(ValueError):
    """Raised when a text is neither a path nor a supported address."""


class ReaderPort(NamedTuple):
    """A TCP port on which network readers forward raw telegrams, and its documentation."""

    number: int
    readers: str
    source: str


# fmt: off
READER_PORTS: Final = (
    ReaderPort(23,   "P1 to network adapters that are read by telnet; serial servers",
               "github.com/DavyLandman/p1-esp8266 README.md; github.com/RobThree/P1-meter README.md; "
               "github.com/home-assistant/core/issues/177079 (ePort E20)"),
    ReaderPort(8088, "P1 Wifi Gateway and ESPEasy",
               "github.com/letscontrolit/ESPEasy src/_P044_P1WifiGateway.ino and its documentation"),
    ReaderPort(2001, "ser2net, as in Home Assistant's example for DSMR",
               "home-assistant.io/integrations/dsmr, ser2net.conf and ser2net.yaml"),
    ReaderPort(82,   "P1 Dongle Pro", "github.com/mhendriks/DSMR-API-V2"),
    ReaderPort(6638, "ESPHome with stream_server", "github.com/oxan/esphome-stream-server README.md"),
    ReaderPort(2000, "ser2net", "github.com/ebaauw/homebridge-p1/issues/77"),
    ReaderPort(8023, "ESP32 P1 to Modbus", "github.com/smos/esp32-p1-modbus README.md"),
)
# fmt: on
"""The ports that are tried if none was entered, the most usual first."""

_OTHER_SCHEMES: Final = ("esphome://", "esphome-hass://", "linux://")
"""URL schemes of Home Assistant's port list and of `serialx`, which are used unchanged."""
_HOST: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")
_DEVICE: Final = re.compile(r"tty[A-Za-z]+\d*|cu\.\S+")
_BY_ID: Final = re.compile(r"usb-\S+")
_HIGHEST_PORT: Final = 65535


def candidates(text: str) -> tuple[str, ...]:
    """Return the ports for a text, in the order in which they are tried: several for a host without port number.

    The last one for such a host is that of a HomeWizard P1 meter. Raises AddressError if the text is not a port.
    """
    text = text.strip().strip("`'\"").strip()
    if text.startswith("/"):
        return (text,)
    if _DEVICE.fullmatch(text):
        return (f"/dev/{text}",)
    if _BY_ID.fullmatch(text):
        return (f"/dev/serial/by-id/{text}",)
    scheme, separator, rest = text.partition("://")
    if not separator:
        text = text.rstrip("/")
        host, number = _split(text)
        return (*_with_ports(text), *(() if number is not None else (SCHEME + _shown(host),)))
    scheme = scheme.lower() + separator
    if scheme in _OTHER_SCHEMES and rest:
        return (scheme + rest,)
    if scheme not in (*RAW_SCHEMES, "rfc2217://", SCHEME):
        raise AddressError(text)
    return _of_url(scheme, rest)


def _of_url(scheme: str, rest: str) -> tuple[str, ...]:
    """Return the ports of a URL; a URL with a port number is returned unchanged."""
    url = scheme + rest
    try:
        parts = urlsplit(url)
        host, number = parts.hostname, parts.port
    except ValueError:
        raise AddressError(url) from None
    if not host or not _is_host(host) or number == 0:
        raise AddressError(url)
    if scheme == SCHEME:
        return (url.rstrip("/"),)
    if number is not None:
        return (url,)
    if scheme not in RAW_SCHEMES:
        raise AddressError(url)
    return _with_ports(_shown(host))


def _with_ports(text: str) -> tuple[str, ...]:
    host, number = _split(text)
    if not _is_host(host):
        raise AddressError(text)
    numbers = [port.number for port in READER_PORTS] if number is None else [number]
    return tuple(f"socket://{_shown(host)}:{number}" for number in numbers)


def _shown(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _split(text: str) -> tuple[str, int | None]:
    """Return host and port. Raises AddressError if the port is not a valid number."""
    if is_ipv6_address(text):
        return text, None
    host, separator, number = text.rpartition(":")
    if not separator or text.endswith("]"):
        return text.strip("[]"), None
    if not (number.isascii() and number.isdecimal() and 0 < int(number) <= _HIGHEST_PORT):
        raise AddressError(text)
    return host.strip("[]"), int(number)


def _is_host(host: str) -> bool:
    return is_ipv6_address(host) or _HOST.fullmatch(host) is not None


def shown_ports() -> str:
    """Return the numbers of the ports that are tried if none was entered."""
    return ", ".join(str(port.number) for port in READER_PORTS)
