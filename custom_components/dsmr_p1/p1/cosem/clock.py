"""The clock of the place where a meter stands: what the times in its telegrams mean.

A telegram has local times. `W` behind a time stands for the standard time of the place and `S` for an hour more (DSMR
5.0.2 P1 section 6.4); a time without a flag follows the rules of the place. The place is known to whoever reads the
port and not to the meter, so a time zone comes from outside. The zones of this module are the ones of the countries
that have P1 ports: no database has to be read for them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import Final, override

_HOUR: Final = timedelta(hours=1)
_MARCH: Final = 3
_OCTOBER: Final = 10
_CLOSE: Final = timedelta(minutes=2)
"""How far a meter's clock may be off and still count as right: grid operators set clocks to the minute."""
_FURTHEST: Final = timedelta(days=1)
"""Larger than the difference between any two zones."""
# Days on which all of Europe has standard time and summer time, and the southern half of the world the reverse.
_JANUARY_DAY: Final = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - a local time
_JULY_DAY: Final = datetime(2026, 7, 15, 12)  # noqa: DTZ001 - a local time


class EuropeanTime(tzinfo):
    """A time zone of the European Union.

    Summer time lasts from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of October (directive
    2000/84/EC). Standard time is some hours ahead of UTC.
    """

    def __init__(self, name: str, hours: int) -> None:
        self._name = name
        self._standard = timedelta(hours=hours)

    @override
    def utcoffset(self, dt: datetime | None, /) -> timedelta:
        return self._standard + self.dst(dt)

    @override
    def dst(self, dt: datetime | None, /) -> timedelta:
        if dt is None:
            return timedelta()
        # Read as standard time, the local clock runs an hour ahead while it is summer: hence the hour more at the end.
        # Of the hour that exists twice, the first is meant unless `fold` says otherwise.
        utc = dt.replace(tzinfo=None) - self._standard
        end = _last_sunday(utc, _OCTOBER) + (timedelta() if dt.fold else _HOUR)
        return _HOUR if _last_sunday(utc, _MARCH) <= utc < end else timedelta()

    @override
    def tzname(self, dt: datetime | None, /) -> str:
        return self._name

    @override
    def __str__(self) -> str:
        return self._name

    @override
    def fromutc(self, dt: datetime, /) -> datetime:
        utc, standard = dt.replace(tzinfo=None), dt + self._standard
        end = _last_sunday(utc, _OCTOBER)
        if not _last_sunday(utc, _MARCH) <= utc < end + _HOUR:
            return standard
        return standard + _HOUR if utc < end else standard.replace(fold=1)


def _last_sunday(year_of: datetime, month: int) -> datetime:
    """Return 01:00 on the last Sunday of March or October in the year of a time."""
    end = year_of.replace(month=month, day=31, hour=1, minute=0, second=0, microsecond=0, fold=0)
    return end - timedelta(days=end.isoweekday() % 7)


CENTRAL: Final = EuropeanTime("CET", 1)
EASTERN: Final = EuropeanTime("EET", 2)
# Meters of some operators keep standard time all year.
CENTRAL_STANDARD: Final = timezone(_HOUR, "CET all year")

ZONES: Final[Mapping[str, tzinfo]] = MappingProxyType(
    {zone.tzname(None): zone for zone in (CENTRAL, EASTERN, CENTRAL_STANDARD)}
)
"""The time zones of the countries whose meters have a P1 port, by the name under which they are stored."""


class Clock:
    """The meaning of the local times of a place.

    `standard` and `summer` are the offsets of the flags W and S; `zone` decides about times without a flag.
    """

    __slots__ = ("standard", "summer", "zone")

    def __init__(self, zone: tzinfo) -> None:
        offsets = [zone.utcoffset(day) or timedelta() for day in (_JANUARY_DAY, _JULY_DAY)]
        self.zone = zone
        self.standard = timezone(min(offsets))
        self.summer = timezone(min(offsets) + _HOUR)

    def at(self, local: datetime) -> timezone:
        """Return the offset in force at a local time that carries no flag."""
        return timezone(self.zone.utcoffset(local.replace(tzinfo=None)) or timedelta())


def _exists(local: datetime, zone: tzinfo) -> bool:
    """Whether clocks of a zone ever show a time; March leaves an hour out."""
    utc = local - (zone.utcoffset(local) or timedelta())
    return zone.fromutc(utc.replace(tzinfo=zone)).replace(tzinfo=None) == local


def explaining_zone(shown: datetime, now: datetime, clock: Clock) -> str | None:
    """Return the name of the zone that makes a meter's time right, if the clock in force does not.

    `shown` is the time of a telegram as `clock` reads it, `now` the time of the system. Where they are a whole number
    of hours apart, to within two minutes, and one of the zones in `ZONES` puts the same local time within two minutes
    of the system's, the meter stands there. None if the time is right, or if no zone explains it: then the
    meter's clock is wrong. In the hour that October has twice, a time without a flag is right in its second pass too.
    """
    apart = abs(shown - now)
    if apart <= _CLOSE or apart > _FURTHEST or _CLOSE < apart % _HOUR < _HOUR - _CLOSE:
        return None
    local = shown.replace(tzinfo=None)
    first, second = (clock.at(local.replace(fold=fold)) for fold in (0, 1))
    # In the hour that March leaves out, the second offset is the greater one, and no pass of anything.
    is_twice = second.utcoffset(None) < first.utcoffset(None)
    if is_twice and abs(local.replace(tzinfo=second) - now) <= _CLOSE:
        return None
    is_summer = shown.utcoffset() == clock.summer.utcoffset(None)
    # An offset that is not that of the calendar was given by a flag, and a flag is valid in every zone.
    has_flag = shown.utcoffset() != first.utcoffset(None)
    for name, zone in ZONES.items():
        other = Clock(zone)
        offsets = [other.summer if is_summer else other.standard]
        if not has_flag and _exists(local, zone):
            offsets.append(other.at(local))
        if any(abs(local.replace(tzinfo=offset) - now) <= _CLOSE for offset in offsets):
            return name
    return None
