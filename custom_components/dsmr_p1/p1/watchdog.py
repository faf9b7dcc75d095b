"""The watchdog of a port: it is fed by telegrams, not by bytes. Times are seconds of a clock that only runs forward.

Garbage, wrong checksums and a byte now and then are no sign of life: a bridge that hangs can send any of them for ever.
A telegram that no key opens is one: opening the port again does not change the key.
"""

from typing import Final

PERIODS: Final = 10
"""The periods without a telegram after which a port is opened again."""
SHORTEST: Final = 20.0
"""The fewest seconds without a telegram after which a port is opened again."""
FIRST_PERIODS: Final = 4
"""The periods without a telegram after which a port that was just opened is opened again."""
FIRST_SHORTEST: Final = 45.0
"""The fewest seconds that a port has for its first telegram: some meters send every ten seconds, some every thirty."""
PATIENCE: Final = 2
"""The times that a port is opened again before its line settings are doubted."""
BRAKE_RATE: Final = 64_000
"""Bytes a second above which a port is slowed; the fastest meters send less than 2,000."""
BRAKE_WINDOW: Final = 10.0
"""The seconds over which the rate is measured."""


class Watchdog:
    """Tells when a port is to be opened again."""

    def __init__(self, longest: float, period: float | None = None) -> None:
        """Start with the most seconds without a telegram that are waited for, and the period where it is known."""
        self._longest = longest
        self._period = period
        self._fed_at = 0.0
        self._has_telegram = False
        self._bites = 0

    def opened(self, now: float) -> None:
        """Begin to wait for the first telegram."""
        self._fed_at = now
        self._has_telegram = False

    def fed(self, now: float) -> None:
        """Wait for the next telegram."""
        self._fed_at = now
        self._has_telegram = True
        self._bites = 0

    def left(self, now: float, period: float | None) -> float:
        """Return the seconds that are left; zero or less when the port is to be opened again."""
        period = period or self._period
        if self._has_telegram and period:
            limit = max(SHORTEST, PERIODS * period)
        else:
            limit = max(FIRST_SHORTEST, FIRST_PERIODS * (period or 0.0))
        return self._fed_at + min(limit, self._longest) - now

    def bites(self) -> bool:
        """Count that the port is opened again; True when that did not help often enough to doubt its settings."""
        self._bites += 1
        return self._bites >= PATIENCE


class Brake:
    """Slows a port that sends more than any meter does."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self.is_on = False
        self._since: float | None = None
        self._bytes = 0

    def received(self, size: int, now: float) -> float:
        """Count bytes; return the seconds to wait before more are read."""
        if self._since is None or now - self._since >= BRAKE_WINDOW:
            # A port that is slowed cannot send more than it may: it is free again when it sends much less.
            most = BRAKE_RATE / 2 if self.is_on else BRAKE_RATE
            self.is_on = self._since is not None and self._bytes > most * (now - self._since)
            self._since, self._bytes = now, 0
        self._bytes += size
        return size / BRAKE_RATE if self.is_on else 0.0
