"""The search for line settings: what is heard, and which settings follow from it."""

import pytest

from custom_components.dsmr_p1.p1 import SerialSettings
from custom_components.dsmr_p1.p1.serial_settings import (
    CANDIDATES,
    SETTINGS_9600_7E1,
    SETTINGS_9600_8N1,
    SETTINGS_115200_8E1,
    SETTINGS_115200_8N1,
    SettingsSearch,
)


def test_settings_are_written_as_people_do() -> None:
    assert [str(settings) for settings in CANDIDATES] == ["115200 8N1", "9600 8N1", "9600 7E1", "115200 8E1"]
    assert str(SerialSettings(300, 7, "O", 1.5)) == "300 7O1.5"


def test_silence_tells_nothing() -> None:
    search = SettingsSearch()
    for _ in range(100):
        assert not search.idle()
    assert search.settings is SETTINGS_115200_8N1
    assert not search.is_undecided


def test_a_whole_burst_of_garbage_asks_for_the_next_settings() -> None:
    search = SettingsSearch()
    assert not search.idle()
    seen = []
    for _ in range(4):
        seen.append(search.settings)
        assert not search.heard(300, is_p1=False)
        assert search.is_undecided
        assert search.idle()
    assert seen == [SETTINGS_115200_8N1, SETTINGS_9600_8N1, SETTINGS_9600_7E1, SETTINGS_115200_8E1]


def test_the_first_burst_may_have_been_caught_in_the_middle() -> None:
    search = SettingsSearch()
    known = [search.has_been_idle]
    search.heard(300, is_p1=False)
    assert not search.idle()
    known.append(search.has_been_idle)
    search.heard(300, is_p1=False)
    assert search.idle()
    assert known == [False, True]


def test_a_stream_without_pause_is_judged_by_its_length() -> None:
    search = SettingsSearch()
    for _ in range(40):
        assert not search.heard(100, is_p1=False)
    assert search.heard(100, is_p1=False)
    assert search.settings is SETTINGS_9600_8N1


def test_a_telegram_proves_the_settings() -> None:
    search = SettingsSearch()
    assert not search.heard(1000, is_p1=True)
    assert search.has_been_idle
    assert not search.is_undecided
    # Noise comes in bursts too: proven settings are given up only after several.
    for changed in (False, False, True):
        search.heard(100, is_p1=False)
        assert search.idle() is changed
    assert search.settings is SETTINGS_9600_8N1


def test_a_telegram_between_two_bursts_of_noise_forgives_them() -> None:
    search = SettingsSearch()
    for _ in range(10):
        search.heard(1000, is_p1=True)
        search.heard(100, is_p1=False)
        assert not search.idle()
    assert search.settings is SETTINGS_115200_8N1


def test_after_opening_again_a_burst_may_be_under_way() -> None:
    search = SettingsSearch()
    search.idle()
    search.heard(10, is_p1=False)
    search.opened()
    assert not search.is_undecided
    assert not search.has_been_idle


def test_refused_settings_are_followed_by_the_next() -> None:
    search = SettingsSearch()
    assert search.advance()
    assert search.settings is SETTINGS_9600_8N1


@pytest.mark.parametrize("fixed", [SerialSettings(2400, 7, "O", 2), SETTINGS_9600_7E1])
def test_fixed_settings_are_never_left(fixed: SerialSettings) -> None:
    search = SettingsSearch(fixed)
    assert not search.advance()
    search.idle()
    search.heard(5000, is_p1=False)
    search.heard(500, is_p1=False)
    assert not search.idle()
    assert search.settings is fixed


def test_a_pause_in_the_middle_of_a_telegram_is_not_judged() -> None:
    search = SettingsSearch()
    search.idle()
    search.heard(100, is_p1=False)
    search.idle(amid_telegram=True)
    assert not search.is_undecided
    assert search.has_been_idle
    assert not search.idle()


def test_hurry_ends_when_everything_was_tried() -> None:
    search = SettingsSearch()
    for _ in CANDIDATES:
        assert not search.has_tried_all
        search.idle()
        search.heard(100, is_p1=False)
        assert search.idle()
    assert search.has_tried_all
    search.heard(100, is_p1=True)
    assert not search.has_tried_all
