"""Errors of the protocol core: one class for each different reaction of a caller."""

from enum import StrEnum
import errno
import re
import socket
from typing import Final


class PortFault(StrEnum):
    """The kind of failure of a port, as reported by the operating system or the remote end.

    `GONE`: no such device, or it was pulled out. `CLOSED`: the remote end accepted the connection and closed it.
    `UNREACHABLE`: no answer, or no way there. `OTHER_DEVICE`: an answer that no reader gives. `SWITCHED_OFF`: the
    access of the reader is switched off. `UNAUTHORIZED`: the reader rejects the token. `SILENT`: an open port without a
    telegram for so long that it is opened anew. `OTHER`: none of these.
    """

    BUSY = "busy"
    CLOSED = "closed"
    GONE = "gone"
    NO_PERMISSION = "no_permission"
    OTHER = "other"
    OTHER_DEVICE = "other_device"
    REFUSED = "refused"
    SILENT = "silent"
    SWITCHED_OFF = "switched_off"
    UNAUTHORIZED = "unauthorized"
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"


class P1Error(Exception):
    """Base class of the errors of the protocol core."""


class TelegramError(P1Error):
    """Raised when a frame is not a valid telegram. Callers count it and continue."""


class DecryptionError(P1Error):
    """Raised when the decryption key is wrong for a frame. Callers ask for another key."""


class AuthenticationError(P1Error):
    """Raised when the decryption key is right and no authentication key verifies the tag."""


class KeyFormatError(P1Error, ValueError):
    """Raised when a text is not a key of 32 hexadecimal digits."""


class PortError(P1Error):
    """Raised when the port cannot be opened, or is lost. Callers retry. `fault` is the kind of failure."""

    def __init__(self, message: str = "", fault: PortFault = PortFault.OTHER) -> None:
        super().__init__(message)
        self.fault = fault


class PortBusyError(PortError):
    """Raised when the port is already open, in another program or in this one."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, PortFault.BUSY)


_NUMBERS: Final = {
    PortFault.NO_PERMISSION: (errno.EACCES, errno.EPERM),
    PortFault.GONE: (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO),
    PortFault.REFUSED: (errno.ECONNREFUSED,),
    PortFault.CLOSED: (errno.ECONNRESET, errno.EPIPE),
    PortFault.UNREACHABLE: (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT),
}


def fault_of(error: Exception) -> PortFault:
    """Return the kind of failure of a port. With several addresses of a host, only the text has the error numbers."""
    if isinstance(error, socket.gaierror):
        return PortFault.UNKNOWN_HOST
    if isinstance(error, TimeoutError):
        return PortFault.UNREACHABLE
    number = getattr(error, "errno", None)
    if number is None and (found := re.search(r"\[Errno (\d+)\]", str(error))):
        number = int(found[1])
    return next((fault for fault, numbers in _NUMBERS.items() if number in numbers), PortFault.OTHER)
