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
    if separator:
        return _of_url(scheme.lower() + separator, rest)
    bare = text.rstrip("/")
    host, number = _host_of(f"socket://[{bare}]" if is_ipv6_address(bare) else f"socket://{bare}")
    # The case of a host does not matter, but that of the interface in a local address, behind its `%`, does.
    if bare.lower() not in (host.lower(), host.strip("[]").lower(), f"{host}:{number}".lower()):
        raise AddressError(text)
    return (*_streams(host, number), *(() if number is not None else (SCHEME + host,)))


def _of_url(scheme: str, rest: str) -> tuple[str, ...]:
    url = scheme + rest
    if scheme in _OTHER_SCHEMES and rest:
        return (url,)
    host, number = _host_of(url)
    if scheme == SCHEME:
        return (url.rstrip("/"),)
    if number is not None and scheme in (*RAW_SCHEMES, "rfc2217://"):
        return (url,)
    if scheme not in RAW_SCHEMES:
        raise AddressError(url)
    return _streams(host, None)


def _host_of(url: str) -> tuple[str, int | None]:
    """Return the host of a URL as it stands there, and the port number. Raises AddressError if either is invalid."""
    try:
        parts = urlsplit(url)
        host, number = parts.hostname or "", parts.port
    except ValueError:
        raise AddressError(url) from None
    if number == 0 or not (is_ipv6_address(host) or _HOST.fullmatch(host)):
        raise AddressError(url)
    return f"[{host}]" if ":" in host else host, number


def _streams(host: str, number: int | None) -> tuple[str, ...]:
    numbers = [port.number for port in READER_PORTS] if number is None else [number]
    return tuple(f"socket://{host}:{number}" for number in numbers)


def shown_ports() -> str:
    """Return the numbers of the ports that are tried if none was entered."""
    return ", ".join(str(port.number) for port in READER_PORTS)
