"""A register that is guarded: what may be shown of a total, telegram after telegram.

A total only rises, and by no more than its limit (`limits`) in the time that has passed. A reading that does not fit
is held, and the last good one stays; a reading that stands for long is believed whatever it is. The time that has
passed is the difference of the readings' own times, where they have such, and never that since the value changed last.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Self

from ..cosem.units import Unit, convert, is_convertible
from ..cosem.values import CosemValue
from ..telegrams.telegram import CLOCK_SET
from .hold import AGREEING_TIMES, LONGEST_TIMED_HOLD, Hold, Step
from .sight import Moment, Seen, Sight, are_same, rate_between, resolution, rise_between

SLACK: Final = 60.0
"""Seconds that a reading may be older or younger than its telegram."""
_MOST_RAISED: Final = 100.0
"""How often its limit a total is believed to rise for good, after one that was held."""
_OLD: Final = timedelta(days=2)
"""The age of a reading that is read once a day, at most."""
_NO_CEILING: Final = Decimal(-1)


class Register:
    """A total of a meter.

    `raw` is the reading that was seen last, where it is shown as it is; None where something waits. `step` is the step
    that was accepted with the last reading. `limit` and `rise_of_kilo_watt` are in units a second, for readings in
    `unit`; the limit is None where nothing is known of it.
    """

    def __init__(self) -> None:
        self.limit: float | None = None
        self.rise_of_kilo_watt = 0.0
        self.unit: Unit | None = None
        self.raw: CosemValue | None = None
        self.step: Step | None = None
        self.confirmed_power = 0.0
        self._raised = 0.0
        self._good: Sight | None = None
        self._start: Sight | None = None
        self._floor, self._ceiling = Decimal(), _NO_CEILING
        self._pending: Sight | None = None
        self._back: tuple[datetime, ...] = ()
        self._back_since = 0.0
        self._hold: Hold | None = None

    @property
    def is_held(self) -> bool:
        """Whether a reading is held, and the one before shown."""
        return self._hold is not None

    @property
    def has_begun(self) -> bool:
        """Whether a reading was good already."""
        return self._good is not None

    def takes(self, value: CosemValue) -> bool:
        """Whether a reading may follow at any time, which needs no closer look; it is the last one then."""
        (_, number, unit, _), raw = value, self.raw
        if raw is None or type(number) is not Decimal or unit is not raw.unit:
            return False
        if not self._floor <= number <= self._ceiling:
            return False
        self._floor = number
        self.raw = value
        return True

    def lose(self, before: Seen) -> None:
        """Go on without a reading: telegrams have had none since that one."""
        self._good = self._last(before)
        self._unsettle()

    def follow(self, value: CosemValue, moment: Moment) -> CosemValue:
        """Take the reading of a telegram, and return what is to be shown; no number where nothing is good yet."""
        self.step = None
        number = value.value
        if not isinstance(number, Decimal):
            self.lose(moment.before)
            return value
        self._convert(value.unit, moment.before)
        time = self._time(value.timestamp, moment)
        seen = Sight(value if time is value.timestamp else value._replace(timestamp=time), moment.now)
        last = self._last(moment.before)
        if last is None:
            return self._begin(seen, value, moment)
        if self._agrees(last, seen, moment):
            return self._accept(last, seen, value, moment)
        return self._judge_odd(last, seen, value, moment)

    # What becomes of a reading

    def _begin(self, seen: Sight, value: CosemValue, moment: Moment) -> CosemValue:
        """Wait for a second reading that agrees with the first; where only measured power explains it, for longer."""
        pending, self._pending = self._pending, seen
        none = value._replace(value=None, timestamp=None)
        measured = 2 * moment.powers().measured * self.rise_of_kilo_watt
        if pending is None or not self._agrees(pending, seen, moment, measured):
            self._start = seen
            return none
        start = self._start or pending
        if not self._agrees(pending, seen, moment) and seen.seen.at - start.seen.at < SLACK:
            return none
        if moment.has_crc or are_same(pending, seen):
            return self._settle(seen, value, moment)
        self._good = pending
        return pending.value

    def _accept(self, last: Sight, seen: Sight, value: CosemValue, moment: Moment) -> CosemValue:
        """Show a reading that fits; without checksum once the next one agrees with it."""
        self._hold = None
        if moment.has_crc or are_same(last, seen):
            return self._settle(seen, value, moment)
        pending, self._pending = self._pending, seen
        if pending is not None and self._agrees(pending, seen, moment):
            if are_same(pending, seen):
                return self._settle(seen, value, moment)
            last = pending
        self._good = last
        self._unsettle()
        return last.value

    def _judge_odd(self, last: Sight, seen: Sight, value: CosemValue, moment: Moment) -> CosemValue:
        """Hold a reading that does not fit, until others agree with it for long enough."""
        self._good, self._pending = last, None
        self._unsettle()
        hold = self._hold
        if hold is None:
            is_timed = last.value.timestamp is not None or seen.value.timestamp is not None
            self._hold = Hold(seen, max(rate_between(last, seen), 0.0), is_timed=is_timed)
            return last.value
        hold.add(seen, agrees=self._agrees(hold.last, seen, moment, 2 * hold.rate))
        if not hold.is_over(moment.now.at):
            return last.value
        self.step = Step(last.value, seen.value)
        if self.limit is not None:
            self._raised = min(max(self._raised, 2 * rate_between(hold.first, seen)), _MOST_RAISED * self.limit)
        self._hold = self._start = None
        return self._settle(seen, value, moment)

    def _settle(self, seen: Sight, value: CosemValue, moment: Moment) -> CosemValue:
        """Show a reading, with the last good time where its own is none."""
        last = self._good
        self._pending = None
        time = None if last is None else last.value.timestamp
        if seen.value.timestamp is None and (value.timestamp is not None or time is not None):
            self._good = Sight(value._replace(timestamp=time), seen.seen)
            self._unsettle()
            return self._good.value
        if last is not None and seen.value.timestamp is not None and seen.value.timestamp == last.value.timestamp:
            # Of readings with the same time the first arrival counts.
            seen = Sight(value, last.seen)
        self._good = Sight(value, seen.seen)
        self.raw = value
        self._measure(self._good, moment)
        self._ceiling = _NO_CEILING
        if value.timestamp is None and moment.has_crc and self.limit is not None and isinstance(value.value, Decimal):
            self._floor = value.value
            # Rounded down: few digits are compared faster than many.
            self._ceiling = value.value + Decimal(int(self.limit * SLACK * 1000)).scaleb(-3)
        return value

    def _unsettle(self) -> None:
        self.raw, self._ceiling = None, _NO_CEILING

    def _measure(self, seen: Sight, moment: Moment) -> None:
        """Confirm the power that the meter measures, where the total has risen accordingly for a while."""
        if self._start is None:
            self._start = seen
        elif seen.seen.at - self._start.seen.at >= SLACK:
            rate = rate_between(self._start, seen)
            if self.limit is not None and self.rise_of_kilo_watt and 2 * rate > self.limit:
                measured = min(moment.powers().measured, rate / self.rise_of_kilo_watt)
                self.confirmed_power = max(self.confirmed_power, measured)
            self._start = seen

    # What fits

    def _last(self, before: Seen) -> Sight | None:
        """Return the last good reading as it was seen last: in the last telegram, where it is shown as it is."""
        good = self._good
        if good is None or self.raw is None or good.value.timestamp is not None:
            return good
        return Sight(self.raw, before)

    def _agrees(self, one: Sight, other: Sight, moment: Moment, rate: float = 0.0) -> bool:
        """Whether a reading may follow another one. `rate` is a rise in a second that is allowed beside the limit."""
        rise = rise_between(one, other)
        if rise < 0 or self.limit is None or one.value.unit is not other.value.unit:
            return rise >= 0 and one.value.unit is other.value.unit
        seconds = one.seconds_until(other) + SLACK
        if rise <= (most := max(rate, self.limit, self._raised)) * seconds:
            return True
        if self.rise_of_kilo_watt:
            most = max(most, moment.powers().greatest * self.rise_of_kilo_watt)
        return rise - float(max(resolution(one.value), resolution(other.value))) <= most * seconds

    def _time(self, time: datetime | None, moment: Moment) -> datetime | None:
        """Return the time of a reading; None where it cannot be: before clocks were set, to come, or gone back.

        It cannot be days old either, and later than the last one by more than has passed. Such a time, and one that has
        gone back, is believed once two readings with newer times have followed it, or when it has stood for days: then
        a single wrong one came before it.
        """
        if time is None or time.year < CLOCK_SET or time > moment.latest:
            return None
        good, now = self._good, moment.now
        last = None if good is None else good.value.timestamp
        if good is None or last is None or moment.is_zone_new:
            self._back = ()
            return time
        most = timedelta(seconds=good.seen.seconds_until(now))
        if last <= time <= last + most + _OLD or time > max(last, (now.time or now.wall) - _OLD):
            self._back = ()
            return time
        if not self._back or time < self._back[-1]:
            self._back, self._back_since = (time,), moment.now.at
        elif time > self._back[-1]:
            self._back += (time,)
        has_stood = moment.now.at - self._back_since >= LONGEST_TIMED_HOLD
        return time if has_stood or len(self._back) > AGREEING_TIMES else None

    def _convert(self, unit: Unit | None, last: Seen) -> None:
        """Count on in another unit, where that measures the same; else begin anew."""
        good = self._last(last)
        if good is None or good.value.unit is unit:
            return
        before = good.value
        self._good = self._hold = self._pending = self._start = None
        self._unsettle()
        if unit and before.unit and isinstance(before.value, Decimal) and is_convertible(before.unit, unit):
            number = convert(before.value, before.unit, unit)
            self._good = good._replace(value=before._replace(value=number, unit=unit))

    # What outlives a restart

    def as_dict(self, last: Seen) -> dict[str, Any] | None:
        """Return what is to be stored of a register whose meter was seen last then; None where nothing is good."""
        if (good := self._last(last)) is None:
            return None
        return {
            "value": str(good.value.value),
            "unit": good.value.unit,
            "timestamp": _written(good.value.timestamp),
            "seen": _written(good.seen.wall),
            "clock": _written(good.seen.time),
            "raised": self._raised,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], now: float, wall: datetime) -> Self:
        """Read what was stored. Time that has gone back meanwhile did not pass."""
        register = cls()
        unit = None if stored["unit"] is None else Unit(stored["unit"])
        value = CosemValue("", Decimal(stored["value"]), unit, _read(stored["timestamp"]))
        seen = datetime.fromisoformat(stored["seen"])
        passed = max((wall - seen).total_seconds(), 0.0)
        register._good = Sight(value, Seen(now - passed, seen, _read(stored["clock"])))
        register._raised = stored["raised"]
        return register


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _read(time: str | None) -> datetime | None:
    return None if time is None else datetime.fromisoformat(time)
