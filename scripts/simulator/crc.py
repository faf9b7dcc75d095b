"""The checksum that closes a telegram: CRC-16/ARC over everything from `/` up to and including `!`.

Polynomial x^16 + x^15 + x^2 + 1, bits least significant first, start value 0, no final exclusive or
(DSMR 4.0 and later, P1 companion standard, section 5.2). Written bit by bit on purpose: it is slow, but it is
the definition itself, so it can serve as a check on a faster one.
"""

from typing import Final

REVERSED_POLYNOMIAL: Final = 0xA001


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC of the bytes."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (REVERSED_POLYNOMIAL if crc & 1 else 0)
    return crc
