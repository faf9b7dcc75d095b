"""The serial settings of P1 ports, and the order in which to try them.

DSMR 2 and 3 meters send 9600 baud with 7 data bits, even parity and 1 stop bit, everything later 115200 8N1 (DSMR 3.0
and 5.0.2 P1, section 5.5 "Data line"); some Danish meters send 115200 with 8 data bits and even parity.
"""

from dataclasses import dataclass
from typing import Final, Literal, override

type Parity = Literal["N", "E", "O"]


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """Baud rate, data bits, parity (`N`, `E`, `O`) and stop bits (1, 1.5, 2) of a serial line."""

    baudrate: int
    data_bits: int
    parity: Parity
    stop_bits: float

    @override
    def __str__(self) -> str:
        return f"{self.baudrate} {self.data_bits}{self.parity}{self.stop_bits:g}"


SETTINGS_115200_8N1: Final = SerialSettings(115200, 8, "N", 1)
SETTINGS_115200_8E1: Final = SerialSettings(115200, 8, "E", 1)
# A line of 7E1, read with its parity bits: the kernel passes on bytes of wrong parity as if they were right,
# and the decoder can tell.
SETTINGS_9600_8N1: Final = SerialSettings(9600, 8, "N", 1)
# For ports that pass on the eighth bit in a way of their own.
SETTINGS_9600_7E1: Final = SerialSettings(9600, 7, "E", 1)

CANDIDATES: Final = (SETTINGS_115200_8N1, SETTINGS_9600_8N1, SETTINGS_9600_7E1, SETTINGS_115200_8E1)
_GARBAGE_LIMIT: Final = 4096
"""Bytes without a telegram, as many as four of the longest Dutch ones have: not just the effect of opening in the
middle of one."""
_PATIENCE: Final = 3
"""Bursts of garbage after which settings that have worked are given up: noise comes in bursts too."""


class SettingsSearch:
    """Finds the settings of a line from the bytes on it; decides only, and does no I/O.

    Silence is no evidence about the settings, so they are changed on evidence only: a burst of bytes in which no
    telegram begins. The first burst after opening may have been caught in the middle; it counts only if the line was
    idle before (`has_been_idle`), or a telegram came. `fixed` are the settings that the owner has fixed.
    """

    def __init__(self, fixed: SerialSettings | None = None) -> None:
        self._candidates = CANDIDATES if fixed is None else (fixed,)
        self._index = self._advances = self._garbage_bursts = 0
        self._proven = False
        self.opened()

    @property
    def has_tried_all(self) -> bool:
        """Whether every candidate was given up since P1 data last came, so that retries may be slower."""
        return self._advances >= len(self._candidates)

    @property
    def settings(self) -> SerialSettings:
        """The settings to use now."""
        return self._candidates[self._index]

    @property
    def is_undecided(self) -> bool:
        """Whether bytes have come that are not classified yet."""
        return self._bytes > 0

    def opened(self) -> None:
        """Handle the opening of the port, possibly in the middle of a burst."""
        self.has_been_idle = False
        self._bytes = 0

    def heard(self, size: int, *, is_p1: bool) -> bool:
        """Count bytes, with or without P1 data among them; return whether to try other settings."""
        if is_p1:
            self._proven = self.has_been_idle = True
            self._advances = self._garbage_bursts = self._bytes = 0
            return False
        self._bytes += size
        if self._bytes < _GARBAGE_LIMIT:
            return False
        self._bytes = 0
        return self._judge()

    def idle(self, *, amid_telegram: bool = False) -> bool:
        """Handle an idle line; return whether to try other settings. In the middle of a telegram it is no evidence."""
        garbage = self._bytes > 0 and self.has_been_idle and not amid_telegram
        self._bytes = 0
        self.has_been_idle = True
        return garbage and self._judge()

    def _judge(self) -> bool:
        self._garbage_bursts += 1
        if self._proven and self._garbage_bursts < _PATIENCE:
            return False
        return self.advance()

    def advance(self) -> bool:
        """Use the next settings, as the port refused these or is silent; return whether there are others."""
        self._index = (self._index + 1) % len(self._candidates)
        self._advances += 1
        self._garbage_bursts = 0
        self._proven = False
        return len(self._candidates) > 1
