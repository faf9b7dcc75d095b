"""CRC-16/ARC, the checksum of a telegram.

DSMR 5.0.2 P1 section 6.2: polynomial x^16+x^15+x^2+1, least significant bit first, beginning with zero.

The checksum is the remainder of a division of polynomials over GF(2), and Python divides long integers faster than it
loops over bytes. Two facts make the division short. The polynomial is (x+1)(x^15+x+1), so the remainder follows from
the remainder by the trinomial and one parity bit. And squaring is linear over GF(2): x^15 = x+1 gives x^(15*2^k) =
x^(2^k)+1 for every k, so one exclusive-or folds the upper part of a number of 30*2^k bits onto the lower one.
"""

from binascii import crc_hqx
from collections.abc import Iterator
from typing import Final

_MIRROR: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_DEGREE: Final = 15
_FOLDS: Final = tuple((15 << k, (1 << (15 << k)) - 1, 1 << k) for k in range(24))
# The folds of a number, by the bits of how often the degree goes into its length: from the widest to the last.
_DESCENTS: Final = ((), *(_FOLDS[k::-1] for k in range(len(_FOLDS))))
_TRINOMIAL: Final = 0x8003


def crc16(octets: bytes) -> int:
    """Give the CRC-16/ARC of the octets, 0 to 0xFFFF; the check value of `123456789` is 0xBB3D."""
    # The standard sends the least significant bit of each octet first, so that bit has the highest power of x.
    rest = int.from_bytes(octets.translate(_MIRROR)) << 16
    odd = rest.bit_count() & 1
    while (length := rest.bit_length()) > _DEGREE:
        for width, mask, shift in _DESCENTS[(length // _DEGREE).bit_length()]:
            high = rest >> width
            rest = (rest & mask) ^ high ^ (high << shift)
    if rest.bit_count() & 1 != odd:
        rest ^= _TRINOMIAL
    return _MIRROR[rest & 0xFF] << 8 | _MIRROR[rest >> 8]


def crc16_x25(octets: bytes) -> int:
    """Give the CRC-16/X-25 of the octets (IEC 62056-46), which a few meters send instead; the check value is 0x906E."""
    rest = crc_hqx(octets.translate(_MIRROR), 0xFFFF) ^ 0xFFFF
    return _MIRROR[rest & 0xFF] << 8 | _MIRROR[rest >> 8]


# Meters of which some send CRC-16/X-25: Holley DTSD545.
_X25_MAKERS: Final = (b"/HLY5",)


def telegram_checksums(text: bytes) -> Iterator[int]:
    """Give the checksums that a telegram, from `/` to `!`, may have: the one of its bytes, the likeliest, comes first.

    A bridge may have changed the line ends after the meter counted them: taken the CR out, or put in blank lines.
    """
    yield crc16(text)
    if text.startswith(_X25_MAKERS):
        yield crc16_x25(text)
    if b"\r" not in text:
        yield crc16(text.replace(b"\n", b"\r\n"))
    elif text.count(b"\r\n\r\n") > 1:
        identification, _, body = text.replace(b"\r\n\r\n", b"\r\n").partition(b"\r\n")
        yield crc16(identification + b"\r\n\r\n" + body)
        yield crc16(identification + b"\r\n" + body)
