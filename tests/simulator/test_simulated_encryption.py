"""The envelope, opened again with the library alone."""

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
import pytest

from simulator import EXAMPLE_DECRYPTION_KEY, PUBLIC_AUTHENTICATION_KEY, encrypt

type Decrypt = Callable[[bytes, bytes, bytes], bytes]


def test_an_envelope_opens_with_its_keys(decrypt: Decrypt) -> None:
    frame = encrypt(b"/telegram", system_title=b"SIMTITLE", frame_counter=0x01020304)
    assert frame[2:10] == b"SIMTITLE"
    assert frame[14:18] == b"\x01\x02\x03\x04"
    assert decrypt(frame, EXAMPLE_DECRYPTION_KEY, PUBLIC_AUTHENTICATION_KEY) == b"/telegram"


def test_another_authentication_key_is_noticed(decrypt: Decrypt) -> None:
    frame = encrypt(b"/telegram", authentication_key=bytes(16))
    with pytest.raises(InvalidTag):
        decrypt(frame, EXAMPLE_DECRYPTION_KEY, PUBLIC_AUTHENTICATION_KEY)
