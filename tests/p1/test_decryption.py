"""Decryption: keys as people paste them, the order in which they are tried, and which of them is wrong."""

from collections.abc import Callable

import pytest

from custom_components.dsmr_p1.p1 import (
    Authentication,
    AuthenticationError,
    DecryptionError,
    KeyFormatError,
    Keys,
    parse_key,
)
from custom_components.dsmr_p1.p1.wire.decryption import DEFAULT_AUTHENTICATION_KEY, decrypt
from simulator import PUBLIC_AUTHENTICATION_KEY, encrypt
from tests.p1.captures import ADDITIONAL_KEY, DECRYPTION_KEY, DSMR5, load

TEXT = load(DSMR5)
TITLE = b"TST\x00\x01\x02\x03\x04"
OTHER_KEY = bytes(range(16))


def seal(authentication_key: bytes = PUBLIC_AUTHENTICATION_KEY, text: bytes = TEXT) -> bytes:
    return encrypt(
        text,
        decryption_key=DECRYPTION_KEY,
        authentication_key=authentication_key,
        system_title=TITLE,
        frame_counter=0xFFFFFFFF,
    )


def is_this_text(text: bytes) -> bool:
    return text == TEXT


def is_never_a_telegram(_text: bytes) -> bool:
    pytest.fail("a tag that verifies needs no second opinion")


DIGITS = "00112233445566778899AABBCCDDEEFF"


@pytest.mark.parametrize(
    "text",
    [
        DIGITS,
        DIGITS.lower(),
        f"0x{DIGITS}",
        f" {DIGITS}\r\n",
        "00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF",
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
        "00112233-44556677-8899AABB-CCDDEEFF",
        f'"{DIGITS}"',
        f"0x {DIGITS[:16]} {DIGITS[16:]}",
    ],
)
def test_a_key_as_people_paste_it(text: str) -> None:
    assert parse_key(text) == DEFAULT_AUTHENTICATION_KEY


@pytest.mark.parametrize("text", ["", "0x", DIGITS[:-1], DIGITS[:-2], DIGITS + "00", "G" * 32, "\xb3" * 32, "secret"])
def test_no_key(text: str) -> None:
    with pytest.raises(KeyFormatError, match="32 hexadecimal digits") as raised:
        parse_key(text)
    assert not text or text not in str(raised.value)


def test_keys_are_not_shown_when_printed() -> None:
    shown = repr(Keys(DECRYPTION_KEY, ADDITIONAL_KEY))
    for key in (DECRYPTION_KEY, ADDITIONAL_KEY):
        assert key.hex() not in shown.lower()
        assert repr(key) not in shown


def test_the_default_is_the_published_key() -> None:
    assert DEFAULT_AUTHENTICATION_KEY == PUBLIC_AUTHENTICATION_KEY


@pytest.mark.parametrize(
    ("sealed_with", "additional_key", "allowed", "authentication"),
    [
        (PUBLIC_AUTHENTICATION_KEY, None, True, Authentication.DEFAULT_KEY),
        (PUBLIC_AUTHENTICATION_KEY, None, False, Authentication.DEFAULT_KEY),
        (ADDITIONAL_KEY, ADDITIONAL_KEY, False, Authentication.ADDITIONAL_KEY),
        # A wrong additional key does not matter where the published one fits.
        (PUBLIC_AUTHENTICATION_KEY, OTHER_KEY, False, Authentication.DEFAULT_KEY),
        (ADDITIONAL_KEY, None, True, Authentication.NOT_VERIFIED),
    ],
)
def test_which_key_authenticates(
    sealed_with: bytes, additional_key: bytes | None, allowed: bool, authentication: Authentication
) -> None:
    keys = Keys(DECRYPTION_KEY, additional_key)
    decrypted = decrypt(seal(sealed_with), keys, is_this_text, allow_not_verified=allowed)
    assert decrypted == (TEXT, authentication, TITLE)


def test_a_tag_that_verifies_is_enough() -> None:
    frame = seal(text=b"anything")
    decrypted = decrypt(frame, Keys(DECRYPTION_KEY), is_never_a_telegram, allow_not_verified=False)
    assert decrypted.text == b"anything"


@pytest.mark.parametrize(
    ("keys", "allowed", "error"),
    [
        (Keys(OTHER_KEY), True, DecryptionError),
        (Keys(OTHER_KEY, ADDITIONAL_KEY), True, DecryptionError),
        # The keys were entered the wrong way round.
        (Keys(ADDITIONAL_KEY, DECRYPTION_KEY), True, DecryptionError),
        (Keys(DECRYPTION_KEY, OTHER_KEY), True, AuthenticationError),
        (Keys(DECRYPTION_KEY), False, AuthenticationError),
    ],
)
def test_which_key_is_wrong(keys: Keys, allowed: bool, error: type[Exception]) -> None:
    with pytest.raises(error):
        decrypt(seal(ADDITIONAL_KEY), keys, is_this_text, allow_not_verified=allowed)


def test_without_a_tag_only_a_telegram_is_believed() -> None:
    with pytest.raises(DecryptionError):
        decrypt(seal(ADDITIONAL_KEY, b"no telegram"), Keys(DECRYPTION_KEY), is_this_text, allow_not_verified=True)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda frame: frame[:2] + b"XXX\0\0\0\0\0" + frame[10:],
        lambda frame: frame[:14] + bytes(4) + frame[18:],
        lambda frame: frame[:13] + b"\x31" + frame[14:],
        lambda frame: frame[:30] + bytes([frame[30] ^ 1]) + frame[31:],
        lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]),
    ],
    ids=["system title", "frame counter", "security control byte", "ciphertext", "tag"],
)
def test_nothing_of_the_envelope_can_be_changed(tamper: Callable[[bytes], bytes]) -> None:
    with pytest.raises((DecryptionError, AuthenticationError)):
        decrypt(tamper(seal()), Keys(DECRYPTION_KEY, ADDITIONAL_KEY), is_this_text, allow_not_verified=False)
