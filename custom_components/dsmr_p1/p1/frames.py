"""Frames: what framing finds in the bytes of a port, and what it finds and does not believe."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class RejectReason(StrEnum):
    """Why bytes that looked like a telegram were not believed."""

    CRC = "crc"
    """The checksum is wrong, or missing where it must be."""
    NO_KEY = "no_key"
    """The telegram is encrypted and there is no decryption key."""
    DECRYPTION = "decryption"
    """The decryption key does not open it."""
    AUTHENTICATION = "authentication"
    """Nothing proves it genuine: its tag verifies with no authentication key, it was sent before, or it is plain while
    the port has sent telegrams that are proven genuine."""
    MALFORMED = "malformed"
    """The text is not what a meter sends."""
    TRUNCATED = "truncated"
    """Another telegram began before this one ended."""
    OVERSIZED = "oversized"
    """No end within the longest telegram."""
    NOT_P1 = "not_p1"
    """Another protocol: HDLC or M-Bus frames, or binary data behind a first line."""
    UNSUPPORTED_ENCRYPTION = "unsupported_encryption"
    """A telegram that is encrypted in a form of which nothing is public: a bare cipher behind a plain first line."""

    @property
    def is_key(self) -> bool:
        """Whether other keys might open the telegram."""
        return self in (RejectReason.NO_KEY, RejectReason.DECRYPTION)

    @property
    def is_whole(self) -> bool:
        """Whether the telegram came whole, and nothing is in the way but a key or a proof: the line is good."""
        return self.is_key or self is RejectReason.AUTHENTICATION

    @property
    def is_foreign(self) -> bool:
        """Whether the bytes are none that a P1 meter of a known standard sends: only the beginning of them tells."""
        return self in (RejectReason.NOT_P1, RejectReason.UNSUPPORTED_ENCRYPTION)

    @property
    def is_damage(self) -> bool:
        """Whether the line has damaged the telegram."""
        return self.is_torn or self in (RejectReason.CRC, RejectReason.MALFORMED)

    @property
    def is_torn(self) -> bool:
        """Whether the telegram never came to its end."""
        return self in (RejectReason.TRUNCATED, RejectReason.OVERSIZED)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that looked like a telegram and were not believed: why, how many, and which. These may be private."""

    reason: RejectReason
    size: int
    octets: bytes = field(default=b"", repr=False, compare=False)


class PlainFrame(NamedTuple):
    """A telegram in plain text, from `/` to `!` inclusive; `has_crc` tells that a checksum was sent, and is right."""

    text: bytes
    has_crc: bool


@dataclass(frozen=True, slots=True)
class EncryptedFrame:
    """The envelope of an encrypted telegram, from 0xDB to the tag."""

    octets: bytes


type Frame = PlainFrame | EncryptedFrame
