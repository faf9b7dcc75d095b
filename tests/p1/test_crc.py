"""The two check sums: against the published check values, and against a slow definition."""

import random

import pytest

from custom_components.dsmr_p1.p1.wire.crc import crc16, crc16_x25
from simulator import crc16 as slow_crc16


def slow_crc16_x25(octets: bytes) -> int:
    crc = 0xFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xFFFF


@pytest.mark.parametrize(
    ("octets", "arc", "x25"),
    [(b"123456789", 0xBB3D, 0x906E), (b"", 0x0000, 0x0000), (b"\0", 0x0000, 0xF078)],
)
def test_check_values(octets: bytes, arc: int, x25: int) -> None:
    assert crc16(octets) == arc
    assert crc16_x25(octets) == x25


def test_every_length_up_to_a_kilobyte() -> None:
    octets = random.Random(1).randbytes(1024)
    for length in range(len(octets)):
        assert crc16(octets[:length]) == slow_crc16(octets[:length])


@pytest.mark.parametrize("seed", range(50))
def test_random_octets(seed: int) -> None:
    source = random.Random(seed)
    octets = source.randbytes(source.randrange(9000))
    assert crc16(octets) == slow_crc16(octets)
    assert crc16_x25(octets) == slow_crc16_x25(octets)


@pytest.mark.parametrize("octet", range(256))
def test_every_single_octet(octet: int) -> None:
    assert crc16(bytes([octet])) == slow_crc16(bytes([octet]))
    assert crc16_x25(bytes([octet])) == slow_crc16_x25(bytes([octet]))
