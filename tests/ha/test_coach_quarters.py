"""The quarters and months of the coach, by numbers worked out by hand. One Wh in a quarter is a mean of 4 W."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import json
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings as hypothesis_settings, strategies as st
import pytest

from custom_components.dsmr_p1.p1.cosem.clock import CENTRAL
from custom_components.dsmr_p1.parts.coach.advice import advise
from custom_components.dsmr_p1.parts.coach.months import Months, Peak, month_of, over
from custom_components.dsmr_p1.parts.coach.quarters import QUARTER, Closed, Quarters
from custom_components.dsmr_p1.parts.coach.settings import CAPACITY, REFERENCE, Settings
from simulator import MODELS, Household

NOON = int(datetime(2026, 11, 2, 12, tzinfo=UTC).timestamp())
FLANDERS = Settings(CAPACITY, 2500.0, 60.0)
LUXEMBOURG = Settings(REFERENCE, 3000.0, 0.12)
PACES = (1, 10)
BOUND = 8.0
"""W that the mean of a quarter can be off: each of its ends lies anywhere in the Wh that the register shows."""


def constant(
    watts: int, start: int, seconds: int, pace: int = 10, register: int = 1000
) -> Iterator[tuple[int, int, int]]:
    """Give the telegrams of a constant use, from `start` to the end inclusive: time, register, power."""
    for passed in range(0, seconds + 1, pace):
        yield start + passed, register + watts * passed // 3600, watts


def follow(quarters: Quarters, telegrams: Iterable[tuple[int, int, int]]) -> list[Closed]:
    """Give the last word on each quarter that is over."""
    return list({closed.start: closed for told in telegrams if (closed := quarters.follow(*told))}.values())


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("shift", [0, 3])
def test_a_quarter_of_constant_use(pace: int, shift: int) -> None:
    quarters = Quarters()
    # 3.6 kW are 1 Wh a second. The first telegram is before noon, the last after a quarter past.
    (before, quarter) = follow(quarters, constant(3600, NOON - 10 + shift, QUARTER + 20, pace))
    assert before.start == NOON - QUARTER
    assert quarter.start == NOON
    assert quarter.end == NOON + QUARTER
    assert quarter.energy == pytest.approx(900, abs=0.25)
    assert quarter.mean == pytest.approx(3600, abs=1)


def test_what_a_quarter_tells_while_it_runs() -> None:
    quarters = Quarters()
    # 7.2 kW are 2 Wh a second: after five minutes 600 Wh.
    follow(quarters, constant(7200, NOON, 300))
    assert quarters.mean == pytest.approx(7200, abs=1)
    assert quarters.forecast == pytest.approx(7200, abs=1)
    # 4 kW are 1000 Wh in a quarter: 400 Wh in ten minutes are 2.4 kW. Of 2 kW, 500 Wh are over already.
    assert quarters.available(4000) == pytest.approx(2400, abs=6)
    assert quarters.available(2000) == 0.0
    # Then nothing more: 600 Wh in a quarter are 2.4 kW.
    quarters.follow(NOON + 310, 1600, 0)
    assert quarters.forecast == pytest.approx(2400, abs=41)
    assert quarters.mean == pytest.approx(600 / 310 * 3600, abs=36)
    # In the last minute, 400 Wh are 24 kW for a minute and not 144 kW for ten seconds.
    quarters.follow(NOON + QUARTER - 10, 1600, 0)
    available = quarters.available(4000)
    assert available == pytest.approx(24_000, abs=601)


def test_the_first_second_has_the_power_of_the_moment() -> None:
    quarters = Quarters()
    quarters.follow(NOON, 1000, 800)
    assert quarters.mean == 800
    assert quarters.forecast == 800
    quarters = Quarters()
    quarters.follow(NOON, 1000, None)
    assert quarters.mean is None
    assert quarters.forecast is None
    # Without power, the mean so far is what goes on.
    quarters.follow(NOON + 90, 1100, None)
    assert [quarters.mean, quarters.forecast] == pytest.approx([4000, 4000])


def test_an_unknown_beginning_is_told_and_nothing_is_invented() -> None:
    quarters = Quarters()
    follow(quarters, constant(3600, NOON + 300, 300))
    assert quarters.known is quarters.mean is quarters.forecast is quarters.available(5000) is None
    # 300 of 900 Wh are proven.
    (closed,) = follow(quarters, constant(3600, NOON + 610, 290, register=1310))
    assert closed.energy == pytest.approx(600, abs=1)
    assert quarters.mean is not None


def test_a_gap_within_a_quarter_costs_nothing() -> None:
    quarters = Quarters()
    quarters.follow(NOON, 1000, 500)
    quarters.follow(NOON + 10, 1002, 500)
    quarters.follow(NOON + 890, 1777, 9000)
    closed = quarters.follow(NOON + 900, 1800, 9000)
    assert closed is not None
    assert closed.mean == pytest.approx(3200, abs=4)


def test_a_gap_over_the_end_of_a_quarter_is_of_no_quarter() -> None:
    quarters = Quarters()
    follow(quarters, constant(3600, NOON, 840))
    # Silent for two minutes around the end, in which 120 Wh were used: nobody knows when.
    closed = quarters.follow(NOON + 960, 1960, 3600)
    assert closed is not None
    assert closed.energy == pytest.approx(840, abs=1)
    assert quarters.energy == 0.0
    # For the quarter that runs it is divided by time, until it is over.
    assert quarters.mean == pytest.approx(3600, abs=4)
    assert quarters.forecast == pytest.approx(3600, abs=4)
    (closed,) = follow(quarters, constant(3600, NOON + 970, 830, register=1970))
    assert closed.energy == pytest.approx(840, abs=1)


def test_a_gap_that_ends_on_the_quarter_belongs_to_the_one_before() -> None:
    quarters = Quarters()
    quarters.follow(NOON, 1000, 400)
    closed = quarters.follow(NOON + QUARTER, 2000, 400)
    assert closed == Closed(NOON, 1000.0)
    assert quarters.guess == 0.0
    # After lost quarters too the next one is whole.
    closed = quarters.follow(NOON + 4 * QUARTER, 9000, 400)
    assert closed == Closed(NOON + QUARTER, 0.0)
    assert quarters.guess == quarters.energy == 0.0


def test_lost_quarters_are_lost() -> None:
    quarters = Quarters()
    quarters.follow(NOON, 1000, 400)
    quarters.follow(NOON + 10, 1001, 400)
    closed = quarters.follow(NOON + 2 * QUARTER + 30, 9000, 400)
    assert closed is not None
    assert closed.energy <= 2
    assert quarters.known is None
    # What was rising for less than a quarter is a guess, and so is nothing more.
    assert quarters.follow(NOON + 3 * QUARTER + 30, 9900, 400) is not None
    assert quarters.energy == 0.0
    assert quarters.known == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("odd", [999, 1100, 1_000_000])
def test_another_register_is_no_rise(odd: int) -> None:
    quarters = Quarters()
    quarters.follow(NOON, 1000, 3600)
    quarters.follow(NOON + 1, odd, 3600)
    assert quarters.energy == 0.0
    assert quarters.known is None
    quarters.follow(NOON + 2, odd + 1, 3600)
    assert quarters.energy == pytest.approx(1)


def test_what_is_held_back_is_no_rise_when_it_comes() -> None:
    quarters = Quarters()
    quarters.follow(NOON, 1000, 3600)
    quarters.follow(NOON + 10, 1010, 3600)
    quarters.lose()
    quarters.follow(NOON + 500, 2500, 3600)
    assert quarters.energy == pytest.approx(10, abs=1)
    assert quarters.known is None


def test_a_clock_that_is_set_back_counts_nothing_twice() -> None:
    quarters = Quarters()
    follow(quarters, constant(3600, NOON, QUARTER + 2, 1))
    closed = quarters.follow(NOON + QUARTER - 5, 1903, 3600)
    assert closed is not None
    assert closed.energy == pytest.approx(2, abs=1)
    assert quarters.energy == 0.0
    (closed,) = follow(quarters, constant(3600, NOON + QUARTER - 4, 4, 1, register=1904))
    assert closed.energy == pytest.approx(5, abs=1)


def test_the_meter_knows_the_beginning_that_nobody_heard() -> None:
    quarters = Quarters()
    # 1.2 kW of a whole quarter are 300 Wh so far. In the first seconds it may still be the sum of the quarter before.
    quarters.follow(NOON + 5, 1000, 3600, demand=3600.0)
    assert not quarters.known
    quarters.follow(NOON + 300, 1295, 3600, demand=1200.0)
    assert [quarters.known, quarters.energy, quarters.forecast] == pytest.approx([300, 300, 3600])
    # Whole, it is corrected to the watt, and a sum of another quarter is not believed.
    quarters.follow(NOON + 301, 1297, 3600, demand=1204.0)
    assert quarters.energy == 301
    quarters.follow(NOON + 302, 1298, 3600, demand=4000.0)
    assert quarters.energy == pytest.approx(302, abs=1)


@pytest.mark.parametrize("before", [NOON + 400, NOON + 890])
def test_it_goes_on_after_a_restart(before: int) -> None:
    quarters = Quarters()
    follow(quarters, constant(3600, NOON, before - NOON))
    quarters = Quarters.from_dict(json.loads(json.dumps(quarters.as_dict())))
    (closed,) = follow(quarters, constant(3600, NOON + 895, 10, register=1895))
    assert closed.mean == pytest.approx(3600, abs=1)


@pytest.mark.parametrize(
    ("day", "count"), [((2026, 10, 25), 100), ((2026, 3, 29), 92), ((2026, 6, 1), 96)], ids=["autumn", "spring", "june"]
)
def test_the_nights_of_the_time_change_have_all_their_quarters(day: tuple[int, int, int], count: int) -> None:
    zone = ZoneInfo("Europe/Brussels")
    midnight = datetime(*day, tzinfo=zone)
    start, end = (int(at.astimezone(UTC).timestamp()) for at in (midnight, midnight + timedelta(days=1)))
    assert end - start == count * QUARTER
    # 2 kW for the day, but 6 kW in the last of the quarters that begin at 02:00, of which autumn has two.
    hot = start + (3 if count == 92 else 11 if count == 96 else 15) * QUARTER
    energy, telegrams = 0, []
    for time in range(start, end + 1, 10):
        telegrams.append((time, energy // 3600, 6000 if hot <= time < hot + QUARTER else 2000))
        energy += (6000 if hot <= time < hot + QUARTER else 2000) * 10
    closed = follow(Quarters(), telegrams)
    assert [quarter.start for quarter in closed] == list(range(start, end, QUARTER))
    assert max(closed, key=lambda quarter: quarter.energy).start == hot
    for quarter in closed:
        assert quarter.mean == pytest.approx(6000 if quarter.start == hot else 2000, abs=8)
    assert {month_of(quarter.start, CENTRAL) for quarter in closed} == {f"{midnight:%Y-%m}"}


def simulate(seed: int, hours: int) -> Iterator[tuple[int, int, int, int]]:
    """Give telegrams of every second, each with the true energy in Ws: appliances are switched at any second."""
    drawn = Random(seed)
    energy, base, first = 123_456_789, 300, NOON - drawn.randrange(1, 10)
    for second in range(first, NOON + hours * 3600 + 11):
        yield second, energy // 3600, base, energy
        if drawn.random() < 1 / 240:
            base = drawn.choice([150, 400, 900, 2300, 3600, 7400, 11_000])
        energy += max(0, base + drawn.randrange(-20, 21))


def true_means(told: Iterable[tuple[int, int, int, int]]) -> dict[int, float]:
    """Give the mean power of every quarter that was heard as a whole."""
    energies = {time: energy for time, _, _, energy in told if time % QUARTER == 0}
    return {start: (energies[end] - energies[start]) / QUARTER for start, end in pairwise(energies)}


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("seed", range(4))
def test_the_peak_of_a_simulated_day_is_right_to_the_watt(seed: int, pace: int) -> None:
    told = list(simulate(seed, 24))
    means, quarters = true_means(told), Quarters()
    found = {closed.start: closed.mean for closed in follow(quarters, (telegram[:3] for telegram in told[::pace]))}
    assert found.keys() - means.keys() == {NOON - QUARTER}
    assert len(means) == 96
    assert max(found.values()) == pytest.approx(max(means.values()), abs=1)
    # Of a quiet quarter the register shows less; where it is heard every ten seconds, it may end between two telegrams.
    for start, mean in means.items():
        assert found[start] == pytest.approx(mean, abs=2 if pace == 1 else 4.1)


@pytest.mark.parametrize(("power", "rise", "within"), [(0, 7, 4), (7200, 17, 5), (3600, 10, 4), (0, 12, 4.8)])
def test_what_was_switched_around_the_end_of_a_quarter(power: int, rise: int, within: float) -> None:
    quarters = Quarters()
    # Until 4 s before the end 1 Wh a second.
    quarters.follow(NOON, 1000, 3600)
    quarters.follow(NOON + QUARTER - 4, 1896, 3600)
    # 7 Wh until it is off: 7 s, 4 of them before the end. 17 Wh, then 2 Wh a second: after 3 s, and 3 + 2 Wh are before
    # the end. As before: 4 of 10 s. 12 Wh cannot have been so: what the registers show is divided by time.
    closed = quarters.follow(NOON + QUARTER + 6, 1896 + rise, power)
    assert closed is not None
    assert closed.energy == pytest.approx(896 + within, abs=0.001)
    assert closed.energy + quarters.energy == pytest.approx(896 + rise, abs=0.001)


@hypothesis_settings(max_examples=25, deadline=None)
@example(seed=610, gaps=[])
@given(seed=st.integers(0, 1000), gaps=st.lists(st.tuples(st.integers(0, 7200), st.integers(16, 2000)), max_size=6))
def test_no_gap_makes_a_peak(seed: int, gaps: list[tuple[int, int]]) -> None:
    told = list(simulate(seed, 2))
    means, quarters = true_means(told), Quarters()
    heard = [
        telegram
        for telegram in told
        if not any(begun < telegram[0] - NOON < begun + seconds for begun, seconds in gaps)
    ]
    for closed in follow(quarters, (telegram[:3] for telegram in heard)):
        if closed.start >= NOON:
            assert closed.mean <= means[closed.start] + BOUND
        # Whoever hears both ends of a quarter knows all of it.
        if {closed.start, closed.end} <= {telegram[0] for telegram in heard}:
            assert closed.mean == pytest.approx(means[closed.start], abs=BOUND)


@hypothesis_settings(deadline=None)
@example(rest=3284, switches=[(157, 8828), (228, 2881), (151, 1108), (357, 8001), (270, 2980)])
@given(
    rest=st.integers(0, 3599),
    switches=st.lists(st.tuples(st.integers(10, 400), st.integers(0, 11_000)), min_size=1, max_size=40),
)
def test_no_end_is_off_by_more_than_half_a_wh(rest: int, switches: list[tuple[int, int]]) -> None:
    # An appliance is switched at any second, but only one within ten: the powers before and after are the bounds then.
    powers = [watts for seconds, watts in switches for _ in range(seconds)]
    powers += [500] * (2 * QUARTER + 1 - len(powers))
    energies = [rest]
    for watts in powers:
        energies.append(energies[-1] + watts)
    quarters = Quarters()
    for passed in range(0, 2 * QUARTER + 1, 10):
        closed = quarters.follow(NOON + passed, energies[passed] // 3600, powers[passed])
        if closed is not None:
            start = closed.start - NOON
            mean = (energies[start + QUARTER] - energies[start]) / QUARTER
            assert closed.mean == pytest.approx(mean, abs=4.001)


@pytest.mark.parametrize("seed", [555, 610, 674, 695])
def test_the_power_of_a_single_second_is_that_which_has_passed(seed: int) -> None:
    told = list(simulate(seed, 2))
    means = true_means(told)
    # Half of the power before a switch would be 1.5 Wh, and 6 W, for one of 11 kW.
    for closed in follow(Quarters(), (telegram[:3] for telegram in told)):
        if closed.start in means:
            assert closed.mean == pytest.approx(means[closed.start], abs=3)


@pytest.mark.parametrize(
    ("seed", "start"), [(3, (2026, 4, 9, 14)), (4, (2026, 9, 12, 14)), (8, (2026, 5, 8, 15)), (9, (2026, 10, 14, 15))]
)
def test_or_of_the_second_to_come(seed: int, start: tuple[int, int, int, int]) -> None:
    # The meter of the simulator tells the power from then on, and whole watts of its peak. Three hours around the peak
    # of a month, in which each would be off by 1.3 to 2.5 W if the power were that of the second before.
    household = Household(seed=seed, start=datetime(*start, tzinfo=UTC), region=MODELS["smarty_lu"].region)
    telegrams = []
    for _ in range(3 * 3600 + 121):
        told = household.snapshot()
        telegrams.append((int(told.time.timestamp()), sum(told.imported), told.net_power))
        household.advance(1)
    peak = max(follow(Quarters(), telegrams), key=lambda closed: closed.energy)
    known = household.snapshot().month_peak
    assert peak.mean == pytest.approx(known.power + 0.5, abs=0.6)
    assert peak.end == known.time.timestamp()


def test_the_average_peak_of_a_flemish_year() -> None:
    # The peaks of twelve months, of which four count with 2.5 kW: 53.472 kW in all, 4.456 kW a month.
    peaks = (632, 4600, 0, 1028, 3444, 4164, 4564, 6000, 9200, 5000, 4120, 4880)
    months = Months()
    for number, power in enumerate(peaks, start=1):
        months.set_peak(f"2026-{number:02}", Peak(power, None))
    # What is older does not count.
    months.set_peak("2025-12", Peak(99_000, None))
    assert months.average("2026-12", 2500) == pytest.approx(4456)
    # A month later January is gone, and the new month begins with the least: no other number.
    assert months.average("2027-01", 2500) == pytest.approx(4456)
    # 60 euro for a kW and a year.
    assert FLANDERS.cost(4456, 0) == pytest.approx(22.28)
    assert Settings(CAPACITY, 2500.0, None).cost(4456, 0) is None


def test_a_month_of_a_flemish_house() -> None:
    months, quarters = Months(), Quarters()
    months.set_peak("2026-10", Peak(4500, None))
    quarters.follow(NOON, 0, 3600)
    now = advise(quarters, months, FLANDERS, "2026-11", was_at_risk=None)
    # No quarter of November is over: it counts with 2.5 kW, and (4.5 + 2.5) / 2 = 3.5 kW.
    assert now.peak is None
    assert [now.average, now.cost] == pytest.approx([3500, 17.5])
    # 3.6 kW are more than 2.5 kW. 625 Wh in a quarter are none.
    assert now.is_at_risk
    assert now.available == 2500
    # The first quarter comes to 3 kW, so that nothing below costs more: (4.5 + 3) / 2 = 3.75 kW.
    closed = quarters.follow(NOON + QUARTER, 750, 2900)
    assert closed is not None
    months.add_peak(closed, "2026-11")
    now = advise(quarters, months, FLANDERS, "2026-11", was_at_risk=None)
    assert (now.peak, now.average) == (Peak(3000, NOON + QUARTER), 3750)
    assert now.cost == pytest.approx(18.75)
    assert not now.is_at_risk
    assert now.available == 3000
    # A lower one is no peak.
    months.add_peak(Closed(NOON + QUARTER, 749), "2026-11")
    assert months.peaks["2026-11"].power == 3000


def test_a_month_of_a_luxembourg_house() -> None:
    months, quarters = Months(), Quarters()
    # A reference power of 3 kW is 750 Wh in a quarter. 4 kW are 250 Wh too much, 3 kW and 1 kW nothing, 5 kW 500 Wh.
    for number, energy in enumerate((1000, 750, 250, 1250)):
        months.add_excess(Closed(NOON + number * QUARTER, energy), "2026-11", LUXEMBOURG.power)
        months.add_peak(Closed(NOON + number * QUARTER, energy), "2026-11")
    start = NOON + 4 * QUARTER
    quarters.follow(start, 5000, 3600)
    now = advise(quarters, months, LUXEMBOURG, "2026-11", was_at_risk=None)
    assert now.excess == pytest.approx(750)
    # 0.75 kWh at 12 cents.
    assert now.cost == pytest.approx(0.09)
    assert now.peak == Peak(5000, NOON + 4 * QUARTER)
    # Whatever the peak was, each quarter counts. And what the quarter that runs has too much, it keeps.
    assert now.available == 3000
    assert now.is_at_risk
    quarters.follow(start + 600, 5950, 3600)
    now = advise(quarters, months, LUXEMBOURG, "2026-11", was_at_risk=None)
    assert now.excess == pytest.approx(950, abs=1.1)
    assert now.available == 0
    # Another month has its own.
    assert months.excess("2026-12") == 0
    assert over(749, 3000) == 0


@pytest.mark.parametrize(("shift", "watts"), [(0, 1), (3, 4.1)], ids=["at the ends of quarters", "between them"])
def test_a_whole_month_of_both(shift: int, watts: float) -> None:
    # November at home, a telegram every ten seconds: 400 W, every evening from 18:00 to 19:00 3.6 kW, and in the first
    # quarter of that hour of the 17th 7.4 kW.
    start = datetime(2026, 11, 1, tzinfo=CENTRAL)
    first, evening = int(start.timestamp()), 18 * 3600
    energy, power, quarters, months, hot = 0, 400, Quarters(), Months(), None
    months.set_peak("2026-10", Peak(4500, None))
    for second in range(30 * 86_400 + 21):
        # What a meter tells is the power of the second that has passed.
        if second % 10 == shift:
            if (closed := quarters.follow(first + second, energy // 3600, power)) is not None:
                months.add_excess(closed, month_of(closed.start, CENTRAL), LUXEMBOURG.power)
                months.add_peak(closed, month_of(closed.start, CENTRAL))
            if second == 16 * 86_400 + evening + 600 + shift:
                hot = advise(quarters, months, FLANDERS, "2026-11", was_at_risk=None)
        day, of_day = divmod(second, 86_400)
        is_hot = day == 16 and evening <= of_day < evening + QUARTER
        power = 7400 if is_hot else 3600 if evening <= of_day < evening + 3600 else 400
        energy += power
    # In the tenth minute it is known what it comes to: 3.6 kW was the peak until then.
    assert hot is not None
    assert hot.forecast == pytest.approx(7400, abs=watts)
    assert hot.peak is not None
    assert hot.peak.power == pytest.approx(3600, abs=watts)
    assert hot.is_at_risk
    now = advise(quarters, months, FLANDERS, "2026-11", was_at_risk=None)
    assert now.peak is not None
    assert now.peak.power == pytest.approx(7400, abs=watts)
    assert now.peak.time == datetime(2026, 11, 17, 18, 15, tzinfo=CENTRAL).timestamp()
    # (7.4 + 4.5) / 2 = 5.95 kW; at 60 euro for a kW and a year that is 29.75 euro for a month.
    assert now.average == pytest.approx(5950, abs=watts / 2)
    assert now.cost == pytest.approx(29.75, abs=0.011)
    # Beyond 3 kW are 150 Wh in each of 119 quarters, and 1,100 Wh in one: 18.95 kWh, at 12 cents 2.274 euro. Each hour
    # can be off by half a Wh at both of its ends.
    now = advise(quarters, months, LUXEMBOURG, "2026-11", was_at_risk=None)
    assert now.excess == pytest.approx(18_950, abs=31)
    assert now.cost == pytest.approx(2.274, abs=0.004)


def test_months_are_those_of_the_place_and_outlive_a_restart() -> None:
    new_year = int(datetime(2026, 12, 31, 23, tzinfo=UTC).timestamp())
    assert month_of(new_year - 1, CENTRAL) == "2026-12"
    assert month_of(new_year, CENTRAL) == "2027-01"
    months = Months()
    for number in range(40):
        closed = Closed(number, 1000.0 + number)
        months.add_peak(closed, f"{2024 + number // 12}-{number % 12 + 1:02}")
        months.add_excess(closed, f"{2024 + number // 12}-{number % 12 + 1:02}", 4000)
    # Three years are kept.
    assert min(months.peaks) == "2024-05"
    assert len(months.peaks) == 36
    again = Months.from_dict(json.loads(json.dumps(months.as_dict())))
    assert again.peaks == months.peaks
    assert again.excess("2027-04") == months.excess("2027-04") == 39
    assert again.excess("2024-01") == 0
