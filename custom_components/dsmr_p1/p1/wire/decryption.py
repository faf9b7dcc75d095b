"""Decryption of telegrams in a general-global-cipher envelope (DLMS Green Book 9.2.7, Smarty P1 1.1.3 section 4).

    DB 08 <system title 8> 82 <length 2> 30 <frame counter 4> <ciphertext> <tag 12>

AES-128 in Galois/counter mode. The nonce is the system title and the frame counter; the additional authenticated data
are the security control byte 0x30 and the authentication key. In Luxembourg the authentication key is public, in
Austria each customer has one, elsewhere operators keep it to themselves. Without the right one
the telegram can be read, but not authenticated: then it is accepted only if its own checksum is right, and marked as
such.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq

from ..errors import AuthenticationError, DecryptionError, KeyFormatError

DEFAULT_AUTHENTICATION_KEY: Final = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
"""The authentication key that Luxmetering has published; also the default of meters elsewhere."""

_KEY_SIZE: Final = 16
_TITLE: Final = slice(2, 10)
_SECURITY_CONTROL: Final = slice(13, 14)
_FRAME_COUNTER: Final = slice(14, 18)
_CIPHERTEXT: Final = 18
_TAG_SIZE: Final = 12
_WHOLE_TAG_SIZE: Final = 16
# Characters that people paste around and between the digits.
_DECORATION: Final = str.maketrans("", "", " \t\r\n:-.,_\"'")


class Authentication(StrEnum):
    """How an encrypted telegram was authenticated."""

    ADDITIONAL_KEY = "additional_key"
    """The tag verifies with the additional key that the owner entered."""
    DEFAULT_KEY = "default_key"
    """The tag verifies with the published authentication key."""
    NOT_VERIFIED = "not_verified"
    """The tag verifies with no known key; the telegram's own checksum is right."""


def frame_counter(octets: bytes) -> int:
    """Return the frame counter of an envelope, which rises with every telegram of a meter."""
    return int.from_bytes(octets[_FRAME_COUNTER])


def parse_key(text: str) -> bytes:
    """Read a key of 32 hexadecimal digits; blanks, colons, dashes and a leading `0x` do not matter.

    Raises KeyFormatError if the text is anything else. The message does not repeat the key.
    """
    digits = text.translate(_DECORATION).lower().removeprefix("0x")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != _KEY_SIZE:
        raise KeyFormatError(f"a key has {2 * _KEY_SIZE} hexadecimal digits, this text has {len(digits)} characters")
    return key


@dataclass(frozen=True)
class Keys:
    """The keys of a port: 16 bytes each. They are not shown when printed."""

    decryption_key: bytes = field(repr=False)
    additional_key: bytes | None = field(default=None, repr=False)

    @cached_property
    def cipher(self) -> AESGCM:
        """The cipher with the decryption key."""
        return AESGCM(self.decryption_key)


class Decrypted(NamedTuple):
    """The text of an encrypted telegram, how it was authenticated, and the system title of its sender."""

    text: bytes
    authentication: Authentication
    system_title: bytes


def decrypt(octets: bytes, keys: Keys, is_telegram: Callable[[bytes], bool], *, allow_not_verified: bool) -> Decrypted:
    """Decrypt an envelope.

    The tag is tried with the additional key, then with the published one. `is_telegram` returns whether a text is a
    telegram with a right checksum. Where no additional key was entered and `allow_not_verified`, such a text is
    accepted without tag.

    Raises DecryptionError if the decryption key is wrong, AuthenticationError if it is right and no
    authentication key fits.
    """
    nonce = octets[_TITLE] + octets[_FRAME_COUNTER]
    control = octets[_SECURITY_CONTROL]
    ciphertext, tag = octets[_CIPHERTEXT:-_TAG_SIZE], octets[-_TAG_SIZE:]
    cipher = keys.cipher
    # DLMS shortens the tag to 12 bytes, which the library does not check. But counter mode is its own reverse: the text
    # is the ciphertext encrypted once more, and the tag that it must have comes with encrypting it again.
    text = cipher.encrypt(nonce, ciphertext, None)[:-_WHOLE_TAG_SIZE]
    candidates = [(Authentication.DEFAULT_KEY, DEFAULT_AUTHENTICATION_KEY)]
    if keys.additional_key is not None:
        candidates.insert(0, (Authentication.ADDITIONAL_KEY, keys.additional_key))
    for authentication, key in candidates:
        whole_tag = cipher.encrypt(nonce, text, control + key)[-_WHOLE_TAG_SIZE:]
        if bytes_eq(whole_tag[:_TAG_SIZE], tag):
            return Decrypted(text, authentication, octets[_TITLE])
    if not is_telegram(text):
        raise DecryptionError("the decryption key does not open the telegram")
    if keys.additional_key is not None or not allow_not_verified:
        raise AuthenticationError("the telegram opens, but its tag verifies with no authentication key")
    return Decrypted(text, Authentication.NOT_VERIFIED, octets[_TITLE])
