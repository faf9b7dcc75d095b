"""The error that is shown when listening found no meter, and the advice for the kind of port.

The error is one of a few public keys, and is shown above the form. The advice is another text of the group `error`, and
is shown at the field of the port; it depends on the port and on the received data.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ..homewizard.device import SCHEME
from ..p1 import PortFault
from ..port.address import shown_ports
from ..port.entry_data import redacted
from ..port.serial_ports import is_network
from .listening import ListenResult


class Advice(NamedTuple):
    """The keys of two texts: for a local port, and for a network port."""

    cable: str
    network: str


_OF_ERROR: Final = {
    "no_data": Advice("silent_cable", "silent_network"),
    "no_telegram": Advice("garbage_cable", "garbage_network"),
    "crc_errors": Advice("damaged_cable", "damaged_network"),
    "not_p1": Advice("other_protocol", "other_protocol"),
}
_OF_FAULT: Final = {
    PortFault.CLOSED: Advice("gone", "closed"),
    PortFault.GONE: Advice("gone", "cannot_open_network"),
    PortFault.OTHER_DEVICE: Advice("cannot_open_cable", "other_device"),
    PortFault.SWITCHED_OFF: Advice("cannot_open_cable", "switched_off"),
    PortFault.UNAUTHORIZED: Advice("cannot_open_cable", "unauthorized"),
    PortFault.NO_PERMISSION: Advice("no_permission", "cannot_open_network"),
    PortFault.REFUSED: Advice("cannot_open_cable", "refused"),
    PortFault.UNKNOWN_HOST: Advice("cannot_open_cable", "unknown_host"),
    PortFault.UNREACHABLE: Advice("cannot_open_cable", "unreachable"),
}
_OTHER: Final = Advice("cannot_open_cable", "cannot_open_network")
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
        advice = _OF_FAULT.get(heard.fault or PortFault.OTHER, _OTHER)
    else:
        found = _OF_ERROR.get(error or "")
        if found is None:
            return None
        advice = found
    return advice.network if is_network(heard.port) else advice.cable


def placeholders(heard: ListenResult, *, user: str | None = None) -> Mapping[str, str]:
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
