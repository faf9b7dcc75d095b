"""What can go wrong in the protocol core: one class for each thing a caller would do differently."""

from enum import StrEnum


class PortFault(StrEnum):
    """What is wrong with a port, as far as the operating system or the far end tells it.

    `GONE`: no such device, or it was pulled out. `CLOSED`: the far end of a network took the connection and closed it.
    `UNREACHABLE`: no answer, or no way there. `SILENT`: nothing was received for too long. `OTHER`: none of these.
    """

    BUSY = "busy"
    CLOSED = "closed"
    GONE = "gone"
    NO_PERMISSION = "no_permission"
    OTHER = "other"
    REFUSED = "refused"
    SILENT = "silent"
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
