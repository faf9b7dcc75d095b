"""The household: exact sums, registers that only rise, days on which the clock changes."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import random

import pytest

from simulator import Household, Snapshot, Tariff
from simulator.day import draw_day
from simulator.household import FLOWS
from simulator.region import BELGIUM, LITHUANIA, NETHERLANDS, SWEDEN

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_year_only_rises_and_looks_like_a_household() -> None:
    household = Household(seed=3, start=NEW_YEAR, solar_peak=4000)
    year = list(household.history(NEW_YEAR, NEW_YEAR + timedelta(days=365), timedelta(hours=6)))
    for before, after in pairwise(year):
        for register in ("imported", "exported", "reactive_imported", "reactive_exported"):
            assert all(new >= old for old, new in zip(getattr(before, register), getattr(after, register), strict=True))
        assert after.power_failures >= before.power_failures
        assert after.long_power_failures >= before.long_power_failures
        assert all(new >= old for old, new in zip(before.sags, after.sags, strict=True))
        assert all(new >= old for old, new in zip(before.swells, after.swells, strict=True))
        assert len(after.failure_log) <= 10
    imported = sum(year[-1].imported) - sum(year[0].imported)
    exported = sum(year[-1].exported) - sum(year[0].exported)
    assert 1_500_000 < imported < 6_000_000
    assert 1_500_000 < exported < 5_000_000
    household.advance_to(year[-1].time)
    assert 600_000 < household.flow("gas", household.now) < 2_500_000
    assert 50_000 < household.flow("water", household.now) < 250_000
    assert household.flow("cooling", household.now) > 0


@pytest.mark.parametrize("start", [NEW_YEAR, datetime(2026, 7, 4, 13, 7, 42, tzinfo=UTC)])
def test_the_way_time_is_cut_makes_no_difference(start: datetime) -> None:
    at_once = Household(seed=5, start=start, solar_peak=5000)
    at_once.advance(4 * 86_400)
    cut = random.Random(1)
    in_pieces = Household(seed=5, start=start, solar_peak=5000)
    while in_pieces.now < at_once.now:
        left = int((at_once.now - in_pieces.now).total_seconds())
        in_pieces.advance(min(left, cut.choice([1, 2, 7, 10, 59, 60, 61, 900, 901, 5000])))
    assert in_pieces.snapshot() == at_once.snapshot()
    for flow in FLOWS:
        assert in_pieces.flow(flow, in_pieces.now) == at_once.flow(flow, at_once.now)


def test_power_adds_up_to_energy() -> None:
    household = Household(seed=2, start=datetime(2026, 6, 1, 9, tzinfo=UTC), solar_peak=3000)
    first = household.snapshot()
    imported = exported = 0
    for _ in range(1800):
        power = household.snapshot().net_power
        imported += max(0, power)
        exported += max(0, -power)
        household.advance(1)
    last = household.snapshot()
    assert sum(last.imported) - sum(first.imported) == imported // 3600
    assert sum(last.exported) - sum(first.exported) == exported // 3600


def test_seeds_and_starts_make_different_households() -> None:
    def after_a_day(seed: int) -> Snapshot:
        household = Household(seed=seed, start=NEW_YEAR)
        household.advance(86_400)
        return household.snapshot()

    assert after_a_day(1) == after_a_day(1)
    assert after_a_day(1) != after_a_day(2)


def test_history_is_the_past_of_the_same_household() -> None:
    household = Household(seed=4, start=NEW_YEAR)
    household.advance(3 * 86_400 + 17)
    now = household.snapshot()
    hours = list(household.history(NEW_YEAR, household.now, timedelta(hours=1)))
    assert len(hours) == 73
    assert hours[0].time == NEW_YEAR
    assert household.snapshot() == now
    household.advance(3600 - 17)
    assert list(household.history(household.now, household.now, timedelta(hours=1))) == [household.snapshot()]


@pytest.mark.parametrize(
    ("midnight", "minutes"),
    [
        (datetime(2026, 3, 29, tzinfo=NETHERLANDS.zone), 1380),
        (datetime(2026, 10, 25, tzinfo=NETHERLANDS.zone), 1500),
        (datetime(2026, 10, 26, tzinfo=NETHERLANDS.zone), 1440),
    ],
)
def test_days_on_which_the_clock_changes(midnight: datetime, minutes: int) -> None:
    day = draw_day(1, midnight.date(), NETHERLANDS, 3, 4000)
    assert day.minutes == minutes
    assert {len(day.total), len(day.reactive), len(day.gas) - 1, len(day.cooling) - 1} == {minutes}
    household = Household(seed=1, start=midnight - timedelta(hours=1), solar_peak=4000)
    before = household.snapshot()
    household.advance(minutes * 60 + 7200)
    after = household.snapshot()
    assert household.region.local(after.time).hour == 1
    assert after.imported > before.imported
    assert household.flow("gas", household.now) >= day.gas[-1]


def test_time_is_written_with_its_season() -> None:
    twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert NETHERLANDS.timestamp(twice) == "261025023000S"
    assert NETHERLANDS.timestamp(twice + timedelta(hours=1)) == "261025023000W"
    assert NETHERLANDS.timestamp(datetime(2026, 3, 29, 1, tzinfo=UTC)) == "260329030000S"
    assert LITHUANIA.timestamp(datetime(2026, 1, 1, 12, tzinfo=UTC)) == "260101140000W"
    assert SWEDEN.timestamp(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "260701130000W"


@pytest.mark.parametrize(
    ("local", "tariff"),
    [
        ("2026-11-23T06:59", Tariff.LOW),
        ("2026-11-23T07:00", Tariff.NORMAL),
        ("2026-11-23T22:59", Tariff.NORMAL),
        ("2026-11-23T23:00", Tariff.LOW),
        ("2026-11-22T12:00", Tariff.LOW),
    ],
)
def test_tariffs_of_the_day(local: str, tariff: Tariff) -> None:
    assert NETHERLANDS.tariff(datetime.fromisoformat(local).replace(tzinfo=NETHERLANDS.zone)) is tariff
    assert NETHERLANDS.numbers[tariff] == tariff + 1
    assert BELGIUM.numbers[tariff] == 2 - tariff


def test_only_the_register_of_the_tariff_counts() -> None:
    sunday = datetime(2026, 11, 22, 10, tzinfo=UTC)
    household = Household(seed=1, start=sunday)
    before = household.snapshot()
    household.advance(7200)
    after = household.snapshot()
    assert after.imported[Tariff.LOW] > before.imported[Tariff.LOW]
    assert after.imported[Tariff.NORMAL] == before.imported[Tariff.NORMAL]


def test_the_peak_of_the_month_is_the_highest_quarter() -> None:
    start = datetime(2026, 5, 31, 22, tzinfo=UTC)  # midnight in Brussels, the beginning of June
    household = Household(seed=6, start=start - timedelta(minutes=15), region=BELGIUM)
    household.advance(900)
    june = household.snapshot()
    assert june.month_peak.power == 0
    assert june.peak_history[-1].end == start
    highest = 0
    for _ in range(30 * 96 - 1):
        before = household.snapshot()
        household.advance(899)
        demand = household.snapshot().demand
        household.advance(1)
        after = household.snapshot()
        assert after.demand == 0
        assert sum(after.imported) - sum(before.imported) == pytest.approx(demand / 4, abs=4)  # a second is missing
        highest = max(highest, after.month_peak.power)
    household.advance(900)
    july = household.snapshot()
    assert july.peak_history[-1].peak.power >= highest > 0
    assert july.peak_history[-1].end == household.now
    assert len(july.peak_history) == 13


def test_a_new_main_meter_starts_where_it_is_told() -> None:
    household = Household(seed=1, start=NEW_YEAR, solar_peak=1000)
    household.advance(86_400)
    household.replace_meter(1500)
    snapshot = household.snapshot()
    assert snapshot.imported == snapshot.exported == (1500, 1500)
    assert snapshot.failure_log == ()
    assert snapshot.peak_history == ()
    assert snapshot.sags == (0, 0, 0)


def test_a_copy_goes_its_own_way() -> None:
    household = Household(seed=1, start=NEW_YEAR)
    other = deepcopy(household)
    other.advance(86_400)
    assert household.now == NEW_YEAR
    household.advance(86_400)
    assert household.snapshot() == other.snapshot()


def test_flows_of_the_past_can_be_asked_in_any_order() -> None:
    household = Household(seed=1, start=NEW_YEAR + timedelta(hours=7, minutes=3))
    household.advance(30 * 86_400)
    instants = [household.now - timedelta(hours=hour) for hour in range(0, 700, 13)]
    shuffled = list(instants)
    random.Random(1).shuffle(shuffled)
    flows = {instant: household.flow("water", instant) for instant in shuffled}
    for later, earlier in pairwise(instants):
        assert flows[later] >= flows[earlier]
    assert household.flow("water", NEW_YEAR) == 0
    household.advance(2 * 86_400)
    assert household.flow("water", household.now) > flows[instants[0]]
