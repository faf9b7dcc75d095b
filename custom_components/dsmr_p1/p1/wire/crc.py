"""CRC-16/ARC, the checksum of a telegram.

DSMR 5.0.2 P1 section 6.2: polynomial x^16+x^15+x^2+1, least significant bit first, beginning with zero.

The checksum is the remainder of a division of polynomials over GF(2), and Python divides long integers faster than it
loops over bytes. Three facts make the division short. The polynomial is (x+1)(x^15+x+1): a rest of 16 bits by the
trinomial is the checksum, or differs from it by the trinomial, and its parity tells which. The least significant bit
comes first, so in an integer read with the least significant byte first the powers of x fall from bit to bit: bit n is
a power of y = 1/x, for which the trinomial says 1 = y^14+y^15. And squaring is linear over GF(2): 1 = y^14m+y^15m for
every power of two m, so two exclusive-ors fold up to 14m of the lowest bits onto those above.
"""

from binascii import crc_hqx
from functools import lru_cache
from typing import Final

_MIRROR: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CHECKSUM: Final = 16
# The trinomial, mirrored: x^15 is bit 0.
_TRINOMIAL: Final = 0xC001


@lru_cache(maxsize=64)
def _folds(size: int) -> tuple[tuple[int, int, int, int], ...]:
    """Return the folds of a message of `size` bits.

    Each is a number of bits and their mask, how far they are shifted onto themselves, and both onto those above.
    """
    # The checksum stands behind the message.
    width = size + _CHECKSUM
    folds = []
    while width > _CHECKSUM:
        # The power of two with which a fold takes away the most bits.
        fold = {min(14 * power, width - max(15 * power, _CHECKSUM)): power for power in (1 << n for n in range(10))}
        low = max(fold)
        folds.append((low, (1 << low) - 1, fold[low], 14 * fold[low] - low))
        width -= low
    return tuple(folds)


def crc16(octets: bytes) -> int:
    """Return the CRC-16/ARC of the octets, 0 to 0xFFFF; the check value of `123456789` is 0xBB3D."""
    rest = int.from_bytes(octets, "little")
    ones = rest.bit_count()
    for low, mask, distance, shift in _folds(8 * len(octets)):
        folded = rest & mask
        folded ^= folded << distance
        # As a rule the bits are as many as can be, and stand where they belong.
        rest = rest >> low ^ (folded << shift if shift else folded)
    return rest if (rest.bit_count() ^ ones) & 1 == 0 else rest ^ _TRINOMIAL


def crc16_x25(octets: bytes) -> int:
    """Return the CRC-16/X-25 of the octets (IEC 62056-46), which a few meters send; the check value is 0x906E."""
    rest = crc_hqx(octets.translate(_MIRROR), 0xFFFF) ^ 0xFFFF
    return _MIRROR[rest & 0xFF] << 8 | _MIRROR[rest >> 8]
