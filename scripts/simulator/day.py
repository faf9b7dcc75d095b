"""What a household uses and delivers during one local day, minute by minute.

A day is drawn from the seed and its date alone, so any day can be had without the days before it. It has 1380 or
1500 minutes when the clock changes. Power is in whole watts and constant within a minute, flows are whole litres
or kilojoules a minute: everything that is summed is an integer, and sums are exact.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from math import cos, pi, radians, sin
import random
from typing import Final

from .appliances import APPLIANCES, Appliance
from .randomness import generator
from .region import Region

LATITUDE: Final = 52.0
"""Degrees north, for the height of the sun."""
BURNER_LITRES: Final = 24
"""Gas that a boiler burns in a minute at full power: 15 kW."""
KILOJOULES_PER_LITRE: Final = 32
"""Heat in a litre of natural gas: 8.8 kWh a cubic metre."""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: per minute, the net power of each phase (W, positive is import), reactive power and flows.

    The flows are running sums from midnight with one element more than there are minutes.
    """

    start: datetime
    minutes: int
    net: list[list[int]]
    total: list[int]
    reactive: list[int]
    gas: list[int]
    water: list[int]
    warm_water: list[int]
    heating: list[int]
    cooling: list[int]
    electricity: list[int]


class DayBuilder:
    """Draws one day: appliances, lights, sun, heating, taps."""

    def __init__(self, seed: int, day: date, region: Region, phases: int, solar_peak: int) -> None:
        """Take the day of which to draw the course; `solar_peak` is in watts, 0 for no panels."""
        self._random = generator(seed, day)
        self._region = region
        self._phases = phases
        self._solar_peak = solar_peak
        self._date = day
        self._start = local_midnight(day, region)
        self._minutes = int((local_midnight(day + timedelta(days=1), region) - self._start).total_seconds()) // 60
        self._hours = [self._start + timedelta(hours=hour) for hour in range(self._minutes // 60)]
        self._wall_hours = [region.local(instant).hour for instant in self._hours]
        self._load = [[0] * self._minutes for _ in range(3)]
        self._electricity = [0] * self._minutes
        self._water = [0] * self._minutes
        self._warm_water = [0] * self._minutes

    def build(self) -> Day:
        """Return the day."""
        self._add_base_load()
        for appliance in APPLIANCES:
            for _ in range(self._times(appliance)):
                self._run(appliance)
        self._add_taps()
        sun = self._sunshine()
        active = [sum(phase) for phase in zip(*self._load, strict=True)]
        net = [
            [load - power // self._phases for load, power in zip(phase, sun, strict=True)]
            if index < self._phases
            else phase
            for index, phase in enumerate(self._load)
        ]
        heat, cold = self._heating()
        burned = [
            litres + warm for litres, warm in zip(heat, self._warm_water, strict=True)
        ]  # a litre of gas heats about a litre of water by 40 degrees at the tap
        return Day(
            start=self._start,
            minutes=self._minutes,
            net=net,
            total=[sum(minute) for minute in zip(*net, strict=True)],
            reactive=[power // 6 - 70 for power in active],
            gas=_running(burned),
            water=_running(self._water),
            warm_water=_running(self._warm_water),
            heating=_running([litres * KILOJOULES_PER_LITRE for litres in burned]),
            cooling=_running(cold),
            electricity=_running(self._electricity),
        )

    def _minute(self, hour: float) -> int:
        """Return the minute of the day at which the wall clock shows the hour (the first, where it shows it twice)."""
        whole = int(hour)
        index = self._wall_hours.index(whole) if whole in self._wall_hours else bisect_right(self._wall_hours, whole)
        return min(index * 60 + int((hour - whole) * 60), self._minutes - 1)

    def _add_base_load(self) -> None:
        """Add what is always on, and lights from dusk to bed time."""
        drawn = self._random
        dusk = 18.5 - 3.0 * cos(2 * pi * (self._date.timetuple().tm_yday + 10) / 365)
        for phase in range(self._phases):
            load = self._load[phase]
            always = drawn.randrange(25, 90)
            lights = drawn.randrange(20, 160)
            evening = self._minute(min(dusk, 22.0)), self._minute(22.5 + drawn.random())
            morning = self._minute(6.5), self._minute(8.0)
            for minute in range(self._minutes):
                is_lit = evening[0] <= minute < evening[1] or morning[0] <= minute < morning[1]
                load[minute] += always + (lights if is_lit else 0) + drawn.getrandbits(3)

    def _times(self, appliance: Appliance) -> int:
        """Return how often the appliance runs on this day."""
        whole = int(appliance.times_per_day)
        return whole + (self._random.random() < appliance.times_per_day - whole)

    def _run(self, appliance: Appliance) -> None:
        """Add one run of the appliance at a moment within its hours."""
        drawn = self._random
        first, last = drawn.choice(appliance.hours)
        minute = self._minute(first + drawn.random() * (last - first))
        phases = range(self._phases) if appliance.phase == 0 else [(appliance.phase - 1) % self._phases]
        for watts, shortest, longest in appliance.stages:
            end = min(minute + drawn.randrange(shortest, longest + 1), self._minutes)
            for phase in phases:
                load = self._load[phase]
                share = watts // len(phases)
                for index in range(minute, end):
                    load[index] += share
            if appliance.is_submetered:
                for index in range(minute, end):
                    self._electricity[index] += watts
            for index in range(minute, min(minute + appliance.water_minutes, self._minutes)):
                self._water[index] += 8
            minute = end

    def _add_taps(self) -> None:
        """Add showers, basins and toilets: cold water, and warm water that the boiler heats."""
        drawn = self._random
        for _ in range(drawn.randrange(1, 5)):
            start = self._minute(drawn.choice((6.5, 7.0, 7.5, 21.0)) + drawn.random())
            for minute in range(start, min(start + drawn.randrange(4, 11), self._minutes)):
                self._water[minute] += 8
                self._warm_water[minute] += 5
        for _ in range(drawn.randrange(15, 35)):
            minute = self._minute(6.5 + 16.5 * drawn.random())
            self._water[minute] += drawn.choice((1, 2, 3, 6, 9))

    def _sunshine(self) -> list[int]:
        """Return the power of the solar panels, W per minute."""
        if not self._solar_peak:
            return [0] * self._minutes
        drawn = self._random
        clearness = drawn.choice((0.15, 0.3, 0.5, 0.7, 0.85, 0.95))
        declination = radians(-23.44 * cos(2 * pi * (self._date.timetuple().tm_yday + 10) / 365))
        latitude = radians(LATITUDE)
        midnight = self._start - datetime.combine(self._date, time(), UTC)
        offset = midnight.total_seconds() / 60
        power = []
        cloud = clearness
        for minute in range(self._minutes):
            if minute % 5 == 0:
                cloud = min(1.0, max(0.05, clearness + (1 - clearness) * drawn.uniform(-0.5, 0.6)))
            hour_angle = 2 * pi * ((minute + offset) / 1440 - 0.5) + radians(5)  # 5 degrees east
            height = sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(hour_angle)
            power.append(int(self._solar_peak * max(0.0, height) * cloud))
        return power

    def _heating(self) -> tuple[list[int], list[int]]:
        """Return litres of gas burned for the rooms, and kilojoules of cooling, per minute."""
        drawn = self._random
        season = cos(2 * pi * (self._date.timetuple().tm_yday - 20) / 365)
        outside = 10.5 - 8.0 * season + drawn.uniform(-4, 4)
        demand = max(0.0, 16.0 - outside) / 16
        excess = max(0.0, outside - 18.0)
        burned, cooled = [], []
        for hour in self._wall_hours:
            is_wanted = 6 <= hour < 9 or 16 <= hour < 22  # somebody is at home and awake
            level = demand * (0.55 if is_wanted else 0.12)
            burned += _bursts(drawn, level, BURNER_LITRES)
            cooled += [int(excess * 15) if 12 <= hour < 19 else 0] * 60  # the hot hours
        return burned, cooled


@lru_cache(maxsize=16)
def draw_day(seed: int, day: date, region: Region, phases: int, solar_peak: int) -> Day:
    """Return the day of a household; the days in use are remembered."""
    return DayBuilder(seed, day, region, phases, solar_peak).build()


def local_midnight(day: date, region: Region) -> datetime:
    """Return the instant at which the day begins on the wall clock of the region, in UTC."""
    return datetime.combine(day, time(), region.zone).astimezone(UTC)


def _bursts(drawn: random.Random, level: float, amount: int) -> list[int]:
    """Return an hour in which a burner is on for about `level` of the time, in one stretch."""
    on = min(60, max(0, round(60 * level * drawn.uniform(0.7, 1.3))))
    start = drawn.randrange(61 - on)
    return [0] * start + [amount] * on + [0] * (60 - on - start)


def _running(flow: list[int]) -> list[int]:
    return list(accumulate(flow, initial=0))
