"""Readings that are held back, and the conditions for accepting them."""

from typing import Final, NamedTuple

from ..cosem.values import CosemValue
from .sight import Sight

AGREEING: Final = 3
"""Telegrams that must agree with a reading that is held."""
AGREEING_FOR: Final = 300.0
"""Seconds for which they must."""
LONGEST_HOLD: Final = 900.0
"""Seconds after which a reading is no longer held."""
LONGEST_TIMED_HOLD: Final = 3 * 86400.0
"""Seconds after which a reading with a time of its own is no longer held: a reading a day at least."""
AGREEING_TIMES: Final = 2
"""Readings with new times that must agree with one that is held."""


class Step(NamedTuple):
    """A jump of a register that consumption does not explain: the last good reading and the first accepted one."""

    before: CosemValue
    after: CosemValue


class Hold:
    """Readings that are held, since the first of them."""

    def __init__(self, first: Sight, rate: float, *, is_timed: bool) -> None:
        """Initialize with a reading that rose by `rate` per second."""
        self.first = self.last = first
        self.rate = rate
        self._is_timed = is_timed
        self._since = first.seen.at
        self._telegrams = 1
        self._agreeing = 0

    def add(self, seen: Sight, *, agrees: bool) -> None:
        """Count a reading that may agree with the last one that is held."""
        self._telegrams += 1
        before, time = self.last.value.timestamp, seen.value.timestamp
        if not agrees:
            self.first = self.last = seen
            self._agreeing = 0
        elif not self._is_timed or (time is not None and before is not None and time > before):
            self.last = seen
            self._agreeing += 1
        elif before is None:
            self.last = seen

    def is_over(self, now: float) -> bool:
        """Whether the last reading is accepted."""
        if self._is_timed:
            return self._agreeing >= AGREEING_TIMES or now - self._since >= LONGEST_TIMED_HOLD
        has_stood = self._agreeing >= AGREEING and now - self.first.seen.at >= AGREEING_FOR
        return has_stood or (now - self._since >= LONGEST_HOLD and self._telegrams > AGREEING)
