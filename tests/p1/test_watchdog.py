"""The watchdog and the brake of a port."""

import pytest

from custom_components.dsmr_p1.p1.watchdog import BRAKE_RATE, Brake, Watchdog


@pytest.mark.parametrize(
    ("period", "longest", "first", "later"),
    [
        (None, 120, 45, 45),
        (1, 120, 45, 20),
        (10, 120, 45, 100),
        (30, 120, 120, 120),
        (30, 600, 120, 300),
        (1, 15, 15, 15),
    ],
)
def test_how_long_a_telegram_is_waited_for(period: float | None, longest: float, first: float, later: float) -> None:
    watchdog = Watchdog(longest)
    watchdog.opened(1000)
    assert watchdog.left(1000, period) == first
    watchdog.fed(1010)
    assert watchdog.left(1020, period) == later - 10
    watchdog.opened(5000)
    assert watchdog.left(5000 + first, period) == 0


def test_a_period_that_is_known_before_counts_until_one_is_heard() -> None:
    watchdog = Watchdog(600, period=30)
    watchdog.opened(0)
    assert watchdog.left(0, None) == 120
    assert watchdog.left(0, 10) == 45


def test_settings_are_doubted_from_the_second_time_on() -> None:
    watchdog = Watchdog(120)
    assert [watchdog.expired() for _ in range(3)] == [False, True, True]
    watchdog.fed(0)
    assert not watchdog.expired()


def test_a_flood_is_slowed_while_it_lasts() -> None:
    brake = Brake()
    waits = [brake.received(2 * BRAKE_RATE, second) for second in range(25)]
    assert waits[:10] == [0] * 10
    assert waits[10:] == [2.0] * 15
    # Slowed it sends no more than it may.
    assert [brake.received(BRAKE_RATE, second) for second in range(25, 45)] == [1.0] * 20
    assert [brake.received(1000, second) for second in range(45, 70)][-1] == 0


def test_a_burst_is_no_flood() -> None:
    brake = Brake()
    brake.received(5 * BRAKE_RATE, 0)
    assert [brake.received(2000, second) for second in range(1, 40)] == [0] * 39
