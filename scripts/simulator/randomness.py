"""Repeatable randomness: the same seed and the same place in time give the same number, in whatever order asked."""

import random
from typing import Final

_MASK: Final = (1 << 64) - 1


def generator(*key: object) -> random.Random:
    """Return a generator that belongs to the key, for decisions that are made together (a day, a meter)."""
    return random.Random("/".join(map(str, key)))  # nothing here is a secret


def scatter(seed: int, index: int, limit: int) -> int:
    """Return a number in -limit..limit for one index, cheaply: the finaliser of SplitMix64."""
    value = (index * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) & _MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return (value ^ value >> 31) % (2 * limit + 1) - limit
