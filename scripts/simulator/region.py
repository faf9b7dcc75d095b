"""Countries: time zone, how a meter writes the time, and when which tariff counts under which number."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo


class Tariff(IntEnum):
    """The two prices of a day, independent of the number that a country gives them."""

    LOW = 0
    NORMAL = 1


@dataclass(frozen=True, slots=True)
class Region:
    """One country's rules.

    `normal_hours` are the local hours of a working day at the normal tariff; all other hours and the weekend are low.
    `numbers` is the register and indicator number of (low, normal): (1, 2) in the Netherlands, (2, 1) in Belgium.
    """

    name: str
    zone: ZoneInfo
    normal_hours: range
    numbers: tuple[int, int]
    summer_time: bool = True

    def local(self, instant: datetime) -> datetime:
        """Return the time on the meter's clock."""
        local = instant.astimezone(self.zone)
        return local if self.summer_time else local - (local.dst() or timedelta())

    def tariff(self, instant: datetime) -> Tariff:
        """Return the tariff that counts at the instant."""
        local = self.local(instant)
        is_working_day = local.weekday() < 5  # Saturday
        return Tariff.NORMAL if is_working_day and local.hour in self.normal_hours else Tariff.LOW

    def timestamp(self, instant: datetime) -> str:
        """Return the time as YYMMDDhhmmssX, where X is S in summer time and W otherwise."""
        local = self.local(instant)
        is_summer_time = self.summer_time and bool(local.dst())
        return f"{local:%y%m%d%H%M%S}{'S' if is_summer_time else 'W'}"


# fmt: off
NETHERLANDS: Final = Region("Netherlands", ZoneInfo("Europe/Amsterdam"),  range(7, 23), (1, 2))
BELGIUM: Final     = Region("Belgium",     ZoneInfo("Europe/Brussels"),   range(7, 22), (2, 1))
LUXEMBOURG: Final  = Region("Luxembourg",  ZoneInfo("Europe/Luxembourg"), range(6, 22), (2, 1))
AUSTRIA: Final     = Region("Austria",     ZoneInfo("Europe/Vienna"),     range(6, 22), (2, 1))
HUNGARY: Final     = Region("Hungary",     ZoneInfo("Europe/Budapest"),   range(7, 23), (2, 1))
LITHUANIA: Final   = Region("Lithuania",   ZoneInfo("Europe/Vilnius"),    range(7, 23), (2, 1))
SWEDEN: Final      = Region("Sweden",      ZoneInfo("Europe/Stockholm"),  range(6, 22), (2, 1), summer_time=False)
# fmt: on
