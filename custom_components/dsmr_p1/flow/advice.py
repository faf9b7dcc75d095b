"""The error that is shown when listening found no meter, and the advice for the kind of port.

The error is one of a few public keys, and is shown above the form. The advice is another text of the group `error`, and
is shown at the field of the port; it depends on the port and on the received data.
"""

from collections.abc import Mapping
from typing import Final

from ..homewizard.device import SCHEME
from ..p1 import PortFault
from ..port.address import shown_ports
from ..port.entry_data import redacted
from ..port.serial_ports import is_network
from .listening import ListenResult

# The keys of two texts: for a local port, and for a network port.
_OF_ERROR: Final[Mapping[str | None, tuple[str, str]]] = {
    "no_data": ("silent_cable", "silent_network"),
    "no_telegram": ("garbage_cable", "garbage_network"),
    "crc_errors": ("damaged_cable", "damaged_network"),
    "not_p1": ("other_protocol", "other_protocol"),
}
_OF_FAULT: Final[Mapping[PortFault | None, tuple[str, str]]] = {
    PortFault.CLOSED: ("gone", "closed"),
    PortFault.GONE: ("gone", "cannot_open_network"),
    PortFault.OTHER_DEVICE: ("cannot_open_cable", "other_device"),
    PortFault.SWITCHED_OFF: ("cannot_open_cable", "switched_off"),
    PortFault.UNAUTHORIZED: ("cannot_open_cable", "unauthorized"),
    PortFault.NO_PERMISSION: ("no_permission", "cannot_open_network"),
    PortFault.REFUSED: ("cannot_open_cable", "refused"),
    PortFault.UNKNOWN_HOST: ("cannot_open_cable", "unknown_host"),
    PortFault.UNREACHABLE: ("cannot_open_cable", "unreachable"),
}
_OTHER: Final = ("cannot_open_cable", "cannot_open_network")
TELLING: Final = frozenset({PortFault.SWITCHED_OFF, PortFault.UNAUTHORIZED})
"""Failures that prove the reader, and are reported rather than those of other ports of its host."""
FINAL: Final = frozenset({PortFault.UNKNOWN_HOST, PortFault.UNREACHABLE})
"""Failures of a host, after which none of its other ports needs to be tried."""


def advice_of(heard: ListenResult, *, user: str | None = None, tried_all: bool = False) -> str | None:
    """Return the key of the advice for a result; None if the error needs none.

    `user` is the program that has the port open, if known. `tried_all`: every usual port of a host was tried.
    """
    error = heard.error
    if error == "port_in_use":
        key = "busy" if user is None else "busy_by"
        return f"{key}_network" if is_network(heard.port) and user is None else key
    if error == "no_data" and heard.port.startswith(SCHEME):
        return "silent_homewizard"
    if error == "not_p1" and heard.is_telnet:
        return "telnet"
    if error == "cannot_open":
        if tried_all and heard.fault is PortFault.REFUSED:
            return "refused_everywhere"
        advice: tuple[str, str] | None = _OF_FAULT.get(heard.fault, _OTHER)
    else:
        advice = _OF_ERROR.get(error)
    return None if advice is None else advice[is_network(heard.port)]


def placeholders(heard: ListenResult, *, user: str | None = None) -> dict[str, str]:
    """Return the placeholders of errors and advice: names and numbers only, without markup."""
    return {
        "port": redacted(heard.port),
        "host": host_of(heard.port),
        "octets": str(heard.octets),
        "damaged": str(heard.damaged),
        "ports": shown_ports(),
        "user": user or "",
    }


def host_of(port: str) -> str:
    """Return the host of a URL; for a path, the path."""
    shown = redacted(port)
    _, separator, place = shown.partition("://")
    if not separator:
        return shown
    host, colon, number = place.partition("/")[0].rpartition(":")
    return host if colon and number.isdecimal() else place.partition("/")[0]
