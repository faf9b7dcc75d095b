"""Frames: telegrams that framing finds in the bytes of a port, and bytes that it rejects."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class RejectReason(StrEnum):
    """Why bytes that looked like a telegram were rejected."""

    CRC = "crc"
    """The checksum is wrong, or missing where it must be."""
    NO_KEY = "no_key"
    """The telegram is encrypted and there is no decryption key."""
    DECRYPTION = "decryption"
    """The decryption key is wrong for it."""
    AUTHENTICATION = "authentication"
    """It is not authenticated: no authentication key verifies its tag, it was replayed, or it is plain although the
    port has sent authenticated telegrams."""
    MALFORMED = "malformed"
    """The text is not that of a telegram."""
    TRUNCATED = "truncated"
    """Another telegram began before this one ended."""
    OVERSIZED = "oversized"
    """No end within the longest telegram."""
    NOT_P1 = "not_p1"
    """Another protocol: HDLC or M-Bus frames, or binary data behind a first line."""
    UNSUPPORTED_ENCRYPTION = "unsupported_encryption"
    """A telegram encrypted in an undocumented form: a bare cipher behind a plain first line."""

    @property
    def is_key(self) -> bool:
        """Whether other keys might decrypt the telegram."""
        return self in (RejectReason.NO_KEY, RejectReason.DECRYPTION)

    @property
    def is_whole(self) -> bool:
        """Whether the telegram arrived undamaged, and only a key or authentication is missing."""
        return self.is_key or self is RejectReason.AUTHENTICATION

    @property
    def is_foreign(self) -> bool:
        """Whether the bytes are not those of a P1 meter of a known standard; judged by their beginning only."""
        return self in (RejectReason.NOT_P1, RejectReason.UNSUPPORTED_ENCRYPTION)

    @property
    def is_damage(self) -> bool:
        """Whether the line has damaged the telegram."""
        return self.is_torn or self in (RejectReason.CRC, RejectReason.MALFORMED)

    @property
    def is_torn(self) -> bool:
        """Whether the telegram is incomplete. No other reason is possible with the wrong serial settings."""
        return self in (RejectReason.TRUNCATED, RejectReason.OVERSIZED)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that looked like a telegram and were rejected, with the reason. The bytes may be private."""

    reason: RejectReason
    size: int
    octets: bytes = field(default=b"", repr=False, compare=False)


class PlainFrame(NamedTuple):
    """A telegram in plain text, from `/` to `!` inclusive; `has_crc` if a valid checksum was sent."""

    text: bytes
    has_crc: bool = True


class EncryptedFrame(NamedTuple):
    """The envelope of an encrypted telegram, from 0xDB to the tag."""

    octets: bytes


type Frame = PlainFrame | EncryptedFrame
