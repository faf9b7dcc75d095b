"""What can go wrong in the protocol core: one class for each thing a caller would do differently."""


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
    """The port cannot be opened, or was lost: try again."""


class PortBusyError(PortError):
    """Another program, or another part of this one, has the port open."""
