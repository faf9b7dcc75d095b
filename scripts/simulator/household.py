"""A household behind its meters: power by the second, registers that only rise, failures, peaks.

Everything follows from the seed, the start and the time that has passed, however that time is cut into steps.
Energy is counted in watt-seconds; whole watt-hours move to the register of the tariff that counts, the rest waits
for more. So the registers are integers and their sum is exact.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from .day import Day, draw_day
from .incidents import Incidents, PowerFailure
from .randomness import generator, scatter
from .region import NETHERLANDS, Region, Tariff

QUARTER: Final = 900
"""Seconds over which power is averaged for the monthly peak."""
WATT_HOUR: Final = 3600
MONTHS_KEPT: Final = 13
FLOWS: Final = ("gas", "water", "warm_water", "heating", "cooling", "electricity")
"""The quantities of `Household.flow`: litres three times, kilojoules twice, watt-minutes."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest quarter-hour average of a month: when that quarter ended, and the power in W."""

    time: datetime
    power: int


@dataclass(frozen=True, slots=True)
class MonthPeak:
    """The peak of a month that is over; `end` is the midnight that ended it."""

    end: datetime
    peak: Peak


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the main meter knows at one instant.

    Energy in Wh and varh per tariff (low, normal), power in W and var (positive is import), voltage in 0.1 V,
    current in mA; what is of a phase is so for all three.
    """

    time: datetime
    tariff: Tariff
    imported: tuple[int, int]
    exported: tuple[int, int]
    reactive_imported: tuple[int, int]
    reactive_exported: tuple[int, int]
    power: tuple[int, ...]
    reactive_power: int
    voltage: tuple[int, ...]
    current: tuple[int, ...]
    power_failures: int
    long_power_failures: int
    failure_log: tuple[PowerFailure, ...]
    sags: tuple[int, ...]
    swells: tuple[int, ...]
    demand: int
    month_peak: Peak
    peak_history: tuple[MonthPeak, ...]

    @property
    def net_power(self) -> int:
        """Return the power of all phases together in W, positive for import."""
        return sum(self.power)


class Register:
    """An energy register with one count for each tariff."""

    def __init__(self, low: int, normal: int) -> None:
        """Start at these watt-hours."""
        self.counts = [low, normal]
        self._rest = 0

    def add(self, tariff: Tariff, watt_seconds: int) -> None:
        """Count energy; what does not fill a watt-hour waits."""
        whole, self._rest = divmod(self._rest + watt_seconds, WATT_HOUR)
        self.counts[tariff] += whole

    def reset(self, watt_hours: int) -> None:
        """Start again, as a new meter does."""
        self.counts = [watt_hours, watt_hours]
        self._rest = 0

    def read(self) -> tuple[int, int]:
        """Return the counts (low, normal) in watt-hours."""
        return self.counts[Tariff.LOW], self.counts[Tariff.NORMAL]


class Household:
    """The people, the house and its connection to the grid."""

    def __init__(
        self,
        *,
        seed: int = 1,
        start: datetime,
        region: Region = NETHERLANDS,
        phases: int = 3,
        solar_peak: int = 0,
    ) -> None:
        """Begin at an instant (whole seconds); `solar_peak` is the size of the solar panels in W, 0 for none."""
        self.seed = seed
        self.region = region
        self.phases = phases
        self.solar_peak = solar_peak
        self.start = start.astimezone(UTC).replace(microsecond=0)
        self._now = self.start
        drawn = generator(seed, "household")
        self._imported = Register(drawn.randrange(400_000, 9_000_000), drawn.randrange(400_000, 9_000_000))
        exported = (drawn.randrange(100_000, 2_000_000), drawn.randrange(300_000, 5_000_000)) if solar_peak else (0, 0)
        self._exported = Register(*exported)
        self._reactive_imported = Register(drawn.randrange(90_000), drawn.randrange(90_000))
        self._reactive_exported = Register(drawn.randrange(900_000), drawn.randrange(900_000))
        self._incidents = Incidents(seed, self.start, region, phases)
        self._quarter_energy = 0
        self._month_peak = Peak(self.start, drawn.randrange(900, 2500))
        self._peak_history = deque(self._past_peaks(), maxlen=MONTHS_KEPT)
        self._flows_before: dict[datetime, dict[str, int]] = {}
        self._tariff = region.tariff(self.start)
        self._open_day(self.start)

    @property
    def now(self) -> datetime:
        """Return the instant that has been reached, in UTC."""
        return self._now

    def advance_to(self, instant: datetime) -> None:
        """Let time pass until the instant; time never goes back."""
        self.advance(int((instant - self._now).total_seconds()))

    def advance(self, seconds: int) -> None:
        """Let whole seconds pass: by quarters where they are whole, else minute by minute."""
        while seconds > 0:
            day, offset = self._open_day(self._now)
            self._tariff = self.region.tariff(self._now)
            step = QUARTER if offset % QUARTER == 0 and seconds >= QUARTER else min(60 - offset % 60, seconds)
            if step == QUARTER:
                self._book_minutes(day, offset // 60, QUARTER // 60)
            else:
                self._book_seconds(day, offset, step)
            seconds -= step
            self._now += timedelta(seconds=step)
            if (offset + step) % QUARTER == 0:
                self._end_quarter()

    def snapshot(self) -> Snapshot:
        """Return what the main meter knows now."""
        day, offset = self._open_day(self._now)
        jitter = _jitter(self.seed, day, offset)
        minute = offset // 60
        power = tuple(day.net[phase][minute] + (jitter if phase == 0 else 0) for phase in range(3))
        voltage = tuple(
            2305 - watts // 250 + scatter(self.seed + phase, int(self._now.timestamp()) // 4, 14)
            for phase, watts in enumerate(power)
        )
        return Snapshot(
            time=self._now,
            tariff=self.region.tariff(self._now),
            imported=self._imported.read(),
            exported=self._exported.read(),
            reactive_imported=self._reactive_imported.read(),
            reactive_exported=self._reactive_exported.read(),
            power=power,
            reactive_power=day.reactive[minute],
            voltage=voltage,
            current=tuple(abs(watts) * 10_000 // volts for watts, volts in zip(power, voltage, strict=True)),
            power_failures=self._incidents.power_failures,
            long_power_failures=self._incidents.long_power_failures,
            failure_log=tuple(self._incidents.failure_log),
            sags=tuple(self._incidents.sags),
            swells=tuple(self._incidents.swells),
            demand=self._quarter_energy // QUARTER,
            month_peak=self._month_peak,
            peak_history=tuple(self._peak_history),
        )

    def flow(self, name: str, instant: datetime) -> int:
        """Return how much of one of `FLOWS` was used since the start, at a past instant, to the minute."""
        instant = max(self.start, min(instant, self._now))
        day, offset = self._open_day(instant)
        first, first_offset = self._open_day(self.start)
        used: int = getattr(day, name)[offset // 60]
        unused: int = getattr(first, name)[first_offset // 60]
        return self._flows_before[day.start][name] + used - unused

    def history(self, start: datetime, end: datetime, step: timedelta) -> Iterator[Snapshot]:
        """Yield the past as it was, from `start` to `end` inclusive, without moving this household.

        The first instant may not lie before the household's own start.
        """
        past = Household(
            seed=self.seed, start=self.start, region=self.region, phases=self.phases, solar_peak=self.solar_peak
        )
        while start <= end:
            past.advance_to(start)
            yield past.snapshot()
            start += step

    def replace_meter(self, watt_hours: int = 0) -> None:
        """Hang a new main meter: its registers start here, its log and its peaks are empty."""
        for register in (self._imported, self._exported, self._reactive_imported, self._reactive_exported):
            register.reset(watt_hours)
        self._incidents.clear()
        self._month_peak = Peak(self._now, 0)
        self._peak_history.clear()

    def _open_day(self, instant: datetime) -> tuple[Day, int]:
        """Return the day of the instant and the seconds since its midnight, and keep the flows of the days before."""
        local = instant.astimezone(self.region.zone)
        day = draw_day(self.seed, local.date(), self.region, self.phases, self.solar_peak)
        if day.start not in self._flows_before:
            self._flows_before[day.start] = self._flows_until_today()
        return day, int((instant - day.start).total_seconds())

    def _flows_until_today(self) -> dict[str, int]:
        """Return the flows from the midnight of the first day to the end of the last day that was opened."""
        if not self._flows_before:
            return dict.fromkeys(FLOWS, 0)
        last = max(self._flows_before)
        yesterday, _ = self._open_day(last)
        before = self._flows_before[last]
        return {name: before[name] + getattr(yesterday, name)[-1] for name in FLOWS}

    def _book_minutes(self, day: Day, minute: int, count: int) -> None:
        """Count whole minutes."""
        total = day.total[minute : minute + count]
        reactive = day.reactive[minute : minute + count]
        imported = 60 * sum(watts for watts in total if watts > 0)
        self._imported.add(self._tariff, imported)
        self._exported.add(self._tariff, -60 * sum(watts for watts in total if watts < 0))
        self._reactive_imported.add(self._tariff, 60 * sum(power for power in reactive if power > 0))
        self._reactive_exported.add(self._tariff, -60 * sum(power for power in reactive if power < 0))
        self._quarter_energy += imported

    def _book_seconds(self, day: Day, offset: int, count: int) -> None:
        """Count seconds of one minute."""
        minute = offset // 60
        energy = day.total[minute] * count
        energy += sum(_jitter(self.seed, day, second) for second in range(offset, offset + count))
        reactive = day.reactive[minute] * count
        self._imported.add(self._tariff, max(0, energy))
        self._exported.add(self._tariff, max(0, -energy))
        self._reactive_imported.add(self._tariff, max(0, reactive))
        self._reactive_exported.add(self._tariff, max(0, -reactive))
        self._quarter_energy += max(0, energy)

    def _end_quarter(self) -> None:
        """Take the average of the quarter into the month's peak, and close the month at its end."""
        average, self._quarter_energy = self._quarter_energy // QUARTER, 0
        if average > self._month_peak.power:
            self._month_peak = Peak(self._now, average)
        local = self.region.local(self._now)
        if (local.hour, local.minute) == (0, 0):
            self._incidents.end_day(local.date() - timedelta(days=1))
            if local.day == 1:
                self._peak_history.append(MonthPeak(self._now, self._month_peak))
                self._month_peak = Peak(self._now, 0)

    def _past_peaks(self) -> Iterator[MonthPeak]:
        """Yield the peaks of the months before the start, oldest first."""
        drawn = generator(self.seed, "peaks")
        local = self.start.astimezone(self.region.zone).replace(day=1, hour=0, minute=0, second=0)
        months = local.year * 12 + local.month - 1
        for month in range(months - MONTHS_KEPT + 1, months + 1):
            end = local.replace(year=month // 12, month=month % 12 + 1)
            moment = end - timedelta(days=drawn.randrange(1, 27), minutes=15 * drawn.randrange(96))
            yield MonthPeak(end.astimezone(UTC), Peak(moment.astimezone(UTC), drawn.randrange(2400, 5600)))


def _jitter(seed: int, day: Day, offset: int) -> int:
    """Return by how many watts phase 1 differs from its minute in one second.

    Two seconds of a pair differ by the same amount either way, so a minute keeps its energy, and the amount is
    small enough that neither the phase nor the sum changes its sign.
    """
    minute = offset // 60
    limit = min(abs(day.net[0][minute]), abs(day.total[minute])) // 20
    amount = scatter(seed, int(day.start.timestamp()) // 2 + offset // 2, limit) if limit else 0
    return -amount if offset % 2 else amount
