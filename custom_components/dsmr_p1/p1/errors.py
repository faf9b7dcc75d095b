"""What can go wrong in the protocol core: one class for each thing a caller would do differently."""

from enum import StrEnum
import errno
import re
import socket
from typing import Final


class PortFault(StrEnum):
    """What is wrong with a port, as far as the operating system or the far end tells it.

    `GONE`: no such device, or it was pulled out. `CLOSED`: the far end of a network took the connection and closed it.
    `UNREACHABLE`: no answer, or no way there. `OTHER`: none of these.
    """

    BUSY = "busy"
    CLOSED = "closed"
    GONE = "gone"
    NO_PERMISSION = "no_permission"
    OTHER = "other"
    REFUSED = "refused"
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"


class P1Error(Exception):
    """Base of everything the protocol core raises."""


class TelegramError(P1Error):
    """A frame that is no telegram to be believed: count it and go on."""


class DecryptionError(P1Error):
    """The decryption key does not open this frame: ask the owner for another key."""


class AuthenticationError(P1Error):
    """The decryption key is right, but the tag verifies with no authentication key: ask for the additional key."""


class KeyFormatError(P1Error, ValueError):
    """A text that is no key of 32 hexadecimal digits."""


class PortError(P1Error):
    """The port cannot be opened, or was lost: try again. `fault` is what is wrong with it."""

    def __init__(self, message: str = "", fault: PortFault = PortFault.OTHER) -> None:
        """Tell what went wrong."""
        super().__init__(message)
        self.fault = fault


class PortBusyError(PortError):
    """Another program, or another part of this one, has the port open."""

    def __init__(self, message: str = "") -> None:
        """Tell what went wrong."""
        super().__init__(message, PortFault.BUSY)


_FAULTS: Final = {
    errno.EACCES: PortFault.NO_PERMISSION,
    errno.EPERM: PortFault.NO_PERMISSION,
    errno.ENOENT: PortFault.GONE,
    errno.ENODEV: PortFault.GONE,
    errno.ENXIO: PortFault.GONE,
    errno.EIO: PortFault.GONE,
    errno.ECONNREFUSED: PortFault.REFUSED,
    errno.ECONNRESET: PortFault.CLOSED,
    errno.EPIPE: PortFault.CLOSED,
    errno.EHOSTUNREACH: PortFault.UNREACHABLE,
    errno.ENETUNREACH: PortFault.UNREACHABLE,
    errno.EHOSTDOWN: PortFault.UNREACHABLE,
    errno.ETIMEDOUT: PortFault.UNREACHABLE,
}


def fault_of(error: Exception) -> PortFault:
    """Return what is wrong with a port. Where a host has several addresses, only the text has the numbers of errors."""
    if isinstance(error, socket.gaierror):
        return PortFault.UNKNOWN_HOST
    if isinstance(error, TimeoutError):
        return PortFault.UNREACHABLE
    number = getattr(error, "errno", None)
    if number is None and (found := re.search(r"\[Errno (\d+)\]", str(error))):
        number = int(found[1])
    return PortFault.OTHER if number is None else _FAULTS.get(number, PortFault.OTHER)
