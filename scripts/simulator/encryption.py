"""The envelope of an encrypted port: general-global-ciphering of DLMS with AES-128-GCM.

    DB  08 <system title, 8>  82 <length, 2>  30 <frame counter, 4>  <ciphertext>  <tag, 12>

The length counts from the security control byte 30 to the tag. The nonce is the system title and the frame
counter; the additional authenticated data is 30 and the authentication key (Luxmetering P1 specification,
section 3.2.5; the Austrian operators use the same with keys of their own).
"""

from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

GENERAL_GLOBAL_CIPHERING: Final = 0xDB
SECURITY_CONTROL: Final = 0x30
"""Authentication and encryption with the global key, suite 0."""
TAG_LENGTH: Final = 12

PUBLIC_AUTHENTICATION_KEY: Final = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
"""The authentication key that Luxembourg's grid operators publish, the same for everybody."""
EXAMPLE_DECRYPTION_KEY: Final = bytes.fromhex("8F1C44E07A2B9D5360C7E15A2F84B639")
"""Opens the telegrams of a simulated meter where no other key is given. Invented."""
EXAMPLE_AUTHENTICATION_KEY: Final = bytes.fromhex("D0E24B7719A3C58640F29D6E1B7C3A58")
"""Authenticates the telegrams of a simulated Austrian meter where no other key is given. Invented."""


def encrypt(
    telegram: bytes,
    *,
    decryption_key: bytes = EXAMPLE_DECRYPTION_KEY,
    authentication_key: bytes = PUBLIC_AUTHENTICATION_KEY,
    system_title: bytes = b"SIM\x00\x00\x00\x00\x01",
    frame_counter: int = 1,
) -> bytes:
    """Return a telegram in its envelope."""
    counter = frame_counter.to_bytes(4)
    control = bytes([SECURITY_CONTROL])
    sealed = AESGCM(decryption_key).encrypt(system_title + counter, telegram, control + authentication_key)
    # GCM gives a tag of 16 bytes; the meter sends the first 12 of them.
    content = control + counter + sealed[: len(telegram) + TAG_LENGTH]
    return b"".join(
        (
            bytes([GENERAL_GLOBAL_CIPHERING, len(system_title)]),
            system_title,
            b"\x82",
            len(content).to_bytes(2),
            content,
        )
    )
