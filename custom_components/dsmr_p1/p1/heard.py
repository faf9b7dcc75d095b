"""Counters of a port, which distinguish a cable problem from a missing key, and a meter from other devices."""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
import re
from statistics import median
from typing import Final

from .decoding.decoder import Reading
from .wire.decryption import Authentication
from .wire.frames import Rejected, RejectReason

# IAC WILL, WONT, DO or DONT and an option: a network bridge that speaks telnet instead of passing bytes on (RFC 854).
_TELNET: Final = re.compile(rb"\xFF[\xFB-\xFE][\x00-\x2C]")
_GREETING: Final = 256
"""Telnet negotiation is looked for in this number of bytes after opening."""
_PERIODS: Final = 20
_SHORTEST_PERIOD: Final = 0.1
"""Seconds below which two telegrams came together, buffered on the way; the fastest meters send one every second."""


class Hint(StrEnum):
    """Data recognised on the line that is not a telegram."""

    TELNET = "telnet"
    NOT_P1 = "not_p1"
    FLOOD = "flood"


@dataclass(slots=True)
class Heard:
    """Counters since the reader was started. Times are seconds of a monotonic clock."""

    octets: int = 0
    telegrams: int = 0
    rejected: Counter[RejectReason] = field(default_factory=Counter)
    rejected_octets: int = 0
    hints: set[Hint] = field(default_factory=set)
    opened: int = 0
    failed: int = 0
    lost: int = 0
    authentication: Authentication | None = None
    counter_restarts: int = 0
    last_octet_at: float | None = None
    last_telegram_at: float | None = None
    longest_gap: float = 0.0
    _tail: bytes = b""
    _periods: deque[float] = field(default_factory=lambda: deque(maxlen=_PERIODS))

    @property
    def period(self) -> float | None:
        """The seconds between two telegrams, as learned from the last ones; None before the second."""
        return median(self._periods) if self._periods else None

    @property
    def is_encrypted(self) -> bool:
        """Whether encrypted telegrams were received."""
        return self.authentication is not None or any(reason.is_whole for reason in self.rejected)

    @property
    def damaged(self) -> int:
        """The number of telegrams that the line has damaged."""
        return sum(count for reason, count in self.rejected.items() if reason.is_damage)

    def received(self, octets: bytes, now: float) -> None:
        """Count bytes from the port."""
        # Later the same bytes occur by chance: an encrypted port sends any byte.
        if not self.telegrams and self.octets < _GREETING and _TELNET.search((self._tail + octets)[:_GREETING]):
            self.hints.add(Hint.TELNET)
        self.octets += len(octets)
        self.last_octet_at = now
        self._tail = octets[-2:]

    def decoded(self, event: Reading | Rejected, now: float) -> None:
        """Count a reading or rejection that came of the bytes."""
        if isinstance(event, Rejected):
            self.rejected[event.reason] += 1
            self.rejected_octets += event.size
            if event.reason is RejectReason.NOT_P1:
                self.hints.add(Hint.NOT_P1)
            return
        if self.last_telegram_at is not None:
            if now - self.last_telegram_at >= _SHORTEST_PERIOD:
                self._periods.append(now - self.last_telegram_at)
            self.longest_gap = max(self.longest_gap, now - self.last_telegram_at)
        self.telegrams += 1
        self.authentication = event.authentication
        self.counter_restarts += event.counter_restarted
        self.last_telegram_at = now
