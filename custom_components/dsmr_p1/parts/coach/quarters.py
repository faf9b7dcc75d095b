"""The quarters of an hour, added up from the import register of a meter by its own clock.

Grid operators average power over quarters that begin at 00, 15, 30 and 45 minutes: in seconds of UTC, multiples of 900
in every European time zone, also in the nights in which clocks change. Energy is in Wh, power in W, time in seconds
since 1970.

A quarter counts what the register proves: what it rose between telegrams within the quarter. Where two telegrams
close to each other lie on both sides of its end, the rise is divided by time and power. What rose while nothing was
heard for longer is of no quarter; it is only a guess for the quarter that runs.

A quarter is told when it ends, and once more when the telegrams after its end have told better where that was.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .ending import HOUR, Ending, Told

QUARTER: Final = 900
"""The seconds of a quarter of an hour."""
PER_HOUR: Final = 4
"""Quarters an hour: 1 Wh in a quarter is a mean of 4 W."""
BRIDGE: Final = 15.0
"""The longest time between two telegrams that belong together: the slowest meters send every ten seconds."""
MOST_POWER: Final = 250_000.0
"""More than a connection carries that a P1 meter measures: a greater rise is another meter, or an odd step."""
SETTLED: Final = 120.0
"""Seconds after which the telegrams after the end of a quarter have told what they can: later ones add hardly more."""
_SECOND: Final = 1.0
"""Seconds between two telegrams of the quickest meters, of which one power tells all."""
_NOISE: Final = 0.2
"""Wh by which bounds may contradict the register without being wrong: powers vary within ten seconds too."""
_AGREED: Final = 5.0
"""Wh that the meter's own sum of a quarter may differ: it is not of the same instant as the register."""


class Closed(NamedTuple):
    """A quarter that is over: when it began, and the energy that is proven of it."""

    start: int
    energy: float

    @property
    def end(self) -> int:
        """The time that ended it, by which meters name it."""
        return self.start + QUARTER

    @property
    def mean(self) -> float:
        """The mean power."""
        return self.energy * PER_HOUR


class Quarters:
    """Adds up the quarter that runs.

    `start` is when it began, `time` when it was heard last, `energy` what is proven of it. `guess` is the energy of its
    unheard beginning, 0 if there is none, None if nothing is known of it. `power` is the one of the last telegram.
    """

    def __init__(self) -> None:
        """Start before the first telegram."""
        self.start = 0
        self.time = 0.0
        self.energy = 0.0
        self.guess: float | None = None
        self.power: float | None = None
        self._register: float | None = None
        # The energy of the last telegram lies between these, and both within the Wh that the register showed.
        self._low = self._high = 0.0
        # For how many seconds the power at their end is all, or that at their beginning: most meters tell the power of
        # the second that has passed.
        self._by_last, self._by_first = _SECOND, 0.0
        # The quarter that is over, and its end, until that is settled.
        self._closed = Closed(0, 0.0)
        self._ending: Ending | None = None

    def follow(
        self, time: float, register: float, power: float | None, step: float = 1.0, demand: float | None = None
    ) -> Closed | None:
        """Add a telegram, and return the quarter that it ended, or once more the one before, whose end it settles.

        `register` is the import register and `step` its resolution, `power` the import at the moment, `demand` the
        meter's own energy of the quarter so far divided by a whole quarter, which DLMS calls the current average.
        """
        passed, closed = time - self.time, None
        low, high = self._low, self._high
        rise = self._follow_register(register, power, step, passed)
        if 0 <= time - self.start < QUARTER:
            if rise is None:
                self.guess = None
            else:
                self.energy += rise
            if self._ending is not None and time - self.start >= SETTLED:
                closed = self._settle(self._ending)
        else:
            start = int(time - time % QUARTER)
            within, self._ending = 0.0, None
            if rise is not None and start == self.start + QUARTER and (passed <= BRIDGE or time == start):
                # Over a longer silence powers tell nothing, but then the quarter ends with a telegram.
                last = Told(self.time, low, high, self.power if passed <= BRIDGE else None)
                self._ending = Ending(start, last, Told(time, self._low, self._high, power))
                within = self._ending.within
            if self.start:
                closed = self._closed = Closed(self.start, self.energy + within)
            self._begin(start, time, passed, rise, within)
        self.time, self.power = time, power
        if demand is not None:
            self._follow_demand(demand / PER_HOUR)
        return closed

    def lose(self) -> None:
        """Forget the register: what it shows next is no rise, and what the quarter comes to is unknown."""
        self._register = self.power = self.guess = self._ending = None

    def _follow_register(self, register: float, power: float | None, step: float, passed: float) -> float | None:
        """Return the rise since the last telegram; None if the register is not the same as then.

        Of what a register does not show, bounds are kept: between two telegrams they rise by the less and by the more
        of both powers, and each step of the register moves one of them. The rise is that of the middle.
        """
        last, most, self._register = self._register, register + step, register
        if last is None or not 0 <= register - last <= step + max(passed, 1.0) * MOST_POWER / HOUR:
            self._low, self._high = register, most
            self._ending = None
            return None
        low, high = self._low, self._high
        middle = low + high
        if power is not None and self.power is not None and 0 < passed <= BRIDGE:
            # Of a single second one of both is all.
            less = power if passed <= self._by_last else self.power
            more = self.power if passed <= self._by_first else power
            if less > more:
                less, more = more, less
            hours = passed / HOUR
            less *= hours
            more *= hours
            low += less
            high += more
            if self._ending is not None:
                self._ending.follow(less, more, register, step)
        else:
            high = most
            self._ending = None
        if low > most + _NOISE or high < register - _NOISE:
            # Something was on and off again in between: the register alone is to be believed.
            low, high = register, most
            self._doubt(register, most, power, passed)
        # Every telegram comes here, and calls of min() and max() take longer.
        if low < register:
            low = register
        elif low > most:
            low = most
        if high > most:
            high = most
        elif high < register:
            high = register
        self._low, self._high = low, high
        return (low + high - middle) / 2

    def _doubt(self, register: float, most: float, power: float | None, passed: float) -> None:
        """Take the power of each second from the other one of its telegrams, if that fits where this one does not."""
        if passed > _SECOND or power is None or self.power is None:
            return
        rise = (power if self._by_first else self.power) * passed / HOUR
        if self._low + rise <= most and self._high + rise >= register:
            self._by_last, self._by_first = self._by_first, self._by_last

    def _begin(self, start: int, time: float, passed: float, rise: float | None, within: float) -> None:
        """Begin a quarter. What rose since the last telegram, but `within` the quarter before, belongs to it."""
        is_next = start == self.start + QUARTER
        self.start, self.energy, self.guess = start, 0.0, None
        if time == start:
            self.guess = 0.0
        elif rise is not None and is_next and 0 < passed <= BRIDGE:
            self.energy, self.guess = rise - within, 0.0
        elif rise is not None and 0 < passed <= QUARTER:
            self.guess = rise * (time - start) / passed

    def _settle(self, ending: Ending) -> Closed:
        """Return the quarter that is over by all that is known of its end, where the one that runs began."""
        self._ending = None
        more = ending.settle()
        self.energy = max(self.energy - more, 0.0)
        return Closed(self._closed.start, max(self._closed.energy + more, 0.0))

    def _follow_demand(self, energy: float) -> None:
        """Believe the meter's own sum, unless the register proves another: it may be of the quarter before."""
        if self.guess == 0.0:
            is_believed = abs(energy - self.energy) <= _AGREED
        else:
            is_believed = self.time - self.start > BRIDGE and energy >= self.energy
        if is_believed:
            self.energy, self.guess = energy, 0.0

    @property
    def known(self) -> float | None:
        """The energy of the quarter so far, with the guess; None if its beginning is unknown."""
        return None if self.guess is None else max(self.energy + self.guess, 0.0)

    @property
    def mean(self) -> float | None:
        """The mean power of the quarter so far; None if its beginning is unknown."""
        known, passed = self.known, self.time - self.start
        if known is None:
            return None
        return known / passed * HOUR if passed > 0 else self.power

    @property
    def forecast(self) -> float | None:
        """The mean of the whole quarter if power stays what it is; None if its beginning is unknown."""
        known = self.known
        power = self.mean if self.power is None else self.power
        if known is None or power is None:
            return None
        return (known + power * (self.start + QUARTER - self.time) / HOUR) * PER_HOUR

    def available(self, limit: float) -> float | None:
        """Return the power that may be drawn until the quarter ends, with a mean of `limit` at most.

        In the last minute it is what may be drawn for a whole one: power lasts longer than a quarter.
        """
        known = self.known
        if known is None:
            return None
        left = max(self.start + QUARTER - self.time, 60.0)
        return max(limit / PER_HOUR - known, 0.0) * HOUR / left

    # What outlives a restart

    def as_dict(self) -> dict[str, Any]:
        """Return what is to be stored."""
        return {
            "start": self.start,
            "time": self.time,
            "energy": self.energy,
            "guess": self.guess,
            "register": self._register,
            "level": (self._low + self._high) / 2,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Quarters:
        """Go on with what was stored."""
        quarters = cls()
        quarters.start, quarters.time = stored["start"], stored["time"]
        quarters.energy, quarters.guess = stored["energy"], stored["guess"]
        quarters._register = stored["register"]
        quarters._low = quarters._high = stored["level"]
        return quarters
