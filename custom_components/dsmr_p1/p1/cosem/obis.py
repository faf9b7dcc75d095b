"""OBIS reference codes (IEC 62056-61): the name of a COSEM object, six value groups `A-B:C.D.E*F`.

A is the medium (0 abstract, 1 electricity, 5 and 6 cooling and heat, 7 gas, 8 water), B the M-Bus channel (0 is the
main meter), C the quantity, D how it is processed, E the tariff or phase, F the billing period. F is rarely written,
and 255 means "the current one", so a reference with `*255` is the same as one without.
"""

from functools import lru_cache
import re
from typing import NamedTuple, Self, override

# A-B:C.D.E*F of EN 13757-1 annex A, with deviations seen in the field: the DSMR 4.0 sample and the meters that
# copied it write `1-0:99:97.0`, some firmware writes `.255` for `*255`.
_REFERENCE = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})[.:](\d{1,3})[.:](\d{1,3})(?:[*.](\d{1,3}))?", re.ASCII)
_GROUP_MAX = 255


class Obis(NamedTuple):
    """One OBIS reference code. `f` is None if it is not sent or 255 (the current period)."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int | None = None

    @classmethod
    @lru_cache(maxsize=512)  # The meters of all ports send the same ones.
    def parse(cls, text: str) -> Self:
        """Read `A-B:C.D.E` or `A-B:C.D.E*F`.

        Raises ValueError if the text is not a reference or a group is above 255.
        """
        if (match := _REFERENCE.fullmatch(text)) is None:
            raise ValueError(f"not an OBIS reference: {text!r}")
        a, b, c, d, e, f = (int(group) for group in match.groups(default=_GROUP_MAX))
        if max(a, b, c, d, e, f) > _GROUP_MAX:
            raise ValueError(f"a value group is above {_GROUP_MAX}: {text!r}")
        return cls(a, b, c, d, e, None if f == _GROUP_MAX else f)

    @override
    def __str__(self) -> str:
        period = "" if self.f is None else f"*{self.f}"
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}{period}"
