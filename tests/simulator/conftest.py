"""What the tests of the simulator share."""

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
import pytest

type Decrypt = Callable[[bytes, bytes, bytes], bytes]


@pytest.fixture(scope="session")
def decrypt() -> Decrypt:
    """Return a function that opens an envelope, written without a look at how it was closed."""

    def decrypt(frame: bytes, decryption_key: bytes, authentication_key: bytes) -> bytes:
        assert frame[0] == 0xDB
        assert frame[1] == 8
        title = frame[2:10]
        assert frame[10] == 0x82
        assert int.from_bytes(frame[11:13]) == len(frame) - 13
        assert frame[13] == 0x30
        counter, content, tag = frame[14:18], frame[18:-12], frame[-12:]
        mode = modes.GCM(title + counter, tag, min_tag_length=12)
        decryptor = Cipher(algorithms.AES(decryption_key), mode).decryptor()
        decryptor.authenticate_additional_data(b"\x30" + authentication_key)
        return decryptor.update(content) + decryptor.finalize()

    return decrypt
