"""The watchdog of a port: restarted by telegrams, not by bytes. Times are seconds of a monotonic clock.

Garbage, wrong checksums and single bytes do not restart it: a hanging bridge can send any of them for ever. A telegram
that no key decrypts does: reopening the port does not change the key.
"""

from typing import Final

PERIODS: Final = 10
"""The periods without a telegram after which a port is reopened."""
SHORTEST: Final = 20.0
"""The fewest seconds without a telegram after which a port is reopened."""
FIRST_PERIODS: Final = 4
"""The periods without a telegram after which a port that was just opened is reopened."""
FIRST_SHORTEST: Final = 45.0
"""The fewest seconds that a port has for its first telegram: some meters send every ten seconds, some every thirty."""
PATIENCE: Final = 2
"""The number of times a port is reopened before other serial settings are tried."""
BRAKE_RATE: Final = 64_000
"""Bytes per second above which reading a port is slowed down; the fastest meters send less than 2,000."""
BRAKE_WINDOW: Final = 10.0
"""The seconds over which the rate is measured."""


class Watchdog:
    """Determines when a port is reopened.

    `longest` is the most seconds without a telegram, `period` the seconds between two telegrams if known.
    """

    def __init__(self, longest: float, period: float | None = None) -> None:
        self._longest = longest
        self._period = period
        self._fed_at = 0.0
        self._has_telegram = False
        self._expirations = 0

    def opened(self, now: float) -> None:
        """Restart the watchdog for the first telegram."""
        self._fed_at = now
        self._has_telegram = False

    def fed(self, now: float) -> None:
        """Restart the watchdog for the next telegram."""
        self._fed_at = now
        self._has_telegram = True
        self._expirations = 0

    def left(self, now: float, period: float | None) -> float:
        """Return the remaining seconds; zero or less when the port is to be reopened."""
        period = period or self._period
        if self._has_telegram and period:
            limit = max(SHORTEST, PERIODS * period)
        else:
            limit = max(FIRST_SHORTEST, FIRST_PERIODS * (period or 0.0))
        return self._fed_at + min(limit, self._longest) - now

    def expired(self) -> bool:
        """Count the reopening of the port; return whether to try other settings, as reopening has not helped."""
        self._expirations += 1
        return self._expirations >= PATIENCE


class Brake:
    """Limits the rate of a port that sends more than any meter does."""

    def __init__(self) -> None:
        self.is_on = False
        self._since: float | None = None
        self._bytes = 0

    def received(self, size: int, now: float) -> float:
        """Count bytes and return the seconds to wait before the next read."""
        if self._since is None or now - self._since >= BRAKE_WINDOW:
            # A slowed port cannot exceed the limit, so the limit is lifted only when it sends much less.
            most = BRAKE_RATE / 2 if self.is_on else BRAKE_RATE
            self.is_on = self._since is not None and self._bytes > most * (now - self._since)
            self._since, self._bytes = now, 0
        self._bytes += size
        return size / BRAKE_RATE if self.is_on else 0.0
