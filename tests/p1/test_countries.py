"""Countries: what proves them, and the clocks of their places, against the time zone database."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from custom_components.dsmr_p1.p1 import Country, Decoder, Reading
from custom_components.dsmr_p1.p1.catalog.proofs import BY_IDENTIFICATION, proven_country
from custom_components.dsmr_p1.p1.cosem.clock import CENTRAL, CENTRAL_STANDARD, EASTERN, ZONES, Clock, explaining_zone
from custom_components.dsmr_p1.p1.cosem.countries import (
    AUSTRIA,
    BELGIUM,
    COUNTRIES,
    HUNGARY,
    LITHUANIA,
    LUXEMBOURG,
    NETHERLANDS,
    SWEDEN,
    country_in_zone,
)
from tests.p1.captures import read, telegram

DUTCH = "0-0:96.1.1(4530303939303030303030313233343536)"


@pytest.mark.parametrize(
    ("lines", "country"),
    [
        (["FLU5\\253700601_A"], BELGIUM),
        (["\\FLU5\\253700601_A"], BELGIUM),
        (["flu5\\253700601_A"], BELGIUM),
        (["ISk5\\2MIE5T-201"], BELGIUM),
        (["Lux5\\253600701_D", "1-3:0.2.8(42)"], LUXEMBOURG),
        (["EST5\\253700801_A"], AUSTRIA),
        (["SAG5SAG-METER"], HUNGARY),
        (["ELL5\\253800001_A"], SWEDEN),
        (["ESO5\\EXTENDED"], LITHUANIA),
        (["SAG5\\2MT212 SMR5.5"], NETHERLANDS),
        (["Ene5\\XS210 ESMR 5.0"], NETHERLANDS),
        (["NWA-WARMTELINK"], NETHERLANDS),
        (["WARMTELINK-VI\\"], NETHERLANDS),
        # A maker's letters, and a meter code of a Dutch operator.
        (["ISK5\\2M550T-1012", DUTCH], NETHERLANDS),
        # Objects of one country.
        (["ISK5\\2M550T", "0-0:96.1.4(50221)"], BELGIUM),
        (["KMP5 ZABF", "0-2:24.3.0(120517020000)(08)(60)(1)(0-2:24.2.1)(m3)"], NETHERLANDS),
        (["ACE5ACE4K", "7-0:23.1.0*255(0.1*m3)(19-01-01 00:00:00)"], NETHERLANDS),
        # The same letters hang in many countries.
        (["ISK5\\2M550T-1012"], None),
        (["SAG5\\2MT212"], None),
        (["KFM5KAIFA-METER"], None),
        (["LGF5E360"], None),
        (["KAM5"], None),
        (["EGM5G15"], None),
        (["ISK9\\2M551T-200"], None),
        (["NES5:83335-3E"], None),
        (["HLY5\\D545-METER", "1-3:0.2.8(50)"], None),
        ([""], None),
        # The code of a gas meter, and what is nearly a Dutch meter code.
        (["SAG5\\2MT212", DUTCH.replace("0-0:96.1.1(45", "0-1:96.1.0(47")], None),
        (["ISK5\\2M550T-1012", "0-0:96.1.1(45303039393030303030303132333435)"], None),
        (["ISK5\\2M550T-1012", "0-0:96.1.1(4130303939303030303030313233343536)"], None),
        # Two proofs of two countries prove none.
        (["Lux5\\253600701_D", "0-0:96.1.4(50221)"], None),
        (["FLU5\\253700601_A", DUTCH], None),
    ],
)
def test_the_country_that_a_telegram_proves(lines: list[str], country: Country | None) -> None:
    assert proven_country(lines) is country


def test_no_start_of_a_first_line_hides_another() -> None:
    starts = list(BY_IDENTIFICATION)
    assert not [(one, other) for one in starts for other in starts if one is not other and one.startswith(other)]


def test_the_cheap_tariff_is_number_one_in_the_netherlands_and_number_two_in_belgium_and_hungary() -> None:
    assert {code: country.low_tariff for code, country in COUNTRIES.items() if country.low_tariff} == {
        "NL": 1,
        "BE": 2,
        "HU": 2,
    }


def test_a_time_zone_is_that_of_one_country() -> None:
    zones = [zone for country in COUNTRIES.values() for zone in country.capitals]
    assert len(zones) == len(set(zones))
    assert country_in_zone("Europe/Brussels") is BELGIUM
    assert country_in_zone("Europe/Mariehamn") is COUNTRIES["FI"]
    assert country_in_zone("America/New_York") is None


@pytest.mark.parametrize("country", COUNTRIES.values(), ids=lambda country: country.code)
@pytest.mark.parametrize("year", [2009, 2015, 2024, 2026, 2031, 2068])
def test_the_clock_is_that_of_the_time_zone(country: Country, year: int) -> None:
    zone, clock = ZoneInfo(country.capitals[0]), Clock(country.zone)
    start = datetime(year, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(minutes=30 * step) for step in range(2 * 24 * 366)]
    for before, instant in pairwise(hours):
        local = instant.astimezone(zone)
        if country is SWEDEN:
            assert clock.at(local) == clock.standard
            continue
        assert instant.astimezone(country.zone).replace(tzinfo=None) == local.replace(tzinfo=None)
        if not local.fold:  # of the hour that exists twice the first pass is meant
            assert clock.at(local).utcoffset(None) == local.utcoffset(), (before, local)


@pytest.mark.parametrize("name", ["Europe/Amsterdam", "Europe/Helsinki", "Europe/Dublin", "America/New_York", "UTC"])
def test_the_clock_of_a_zone_of_the_database(name: str) -> None:
    zone = ZoneInfo(name)
    clock = Clock(zone)
    winter = datetime(2024, 1, 15, tzinfo=UTC).astimezone(zone)
    assert clock.standard.utcoffset(None) == winter.utcoffset()
    assert clock.summer.utcoffset(None) == clock.standard.utcoffset(None) + timedelta(hours=1)


def test_the_hour_that_does_not_exist_is_taken_for_summer_time() -> None:
    clock = Clock(CENTRAL)
    assert clock.at(datetime(2024, 3, 31, 2, 30, tzinfo=UTC)) == clock.summer


def test_the_hour_that_exists_twice() -> None:
    for fold, hours in ((0, 2), (1, 1)):
        local = datetime(2024, 10, 27, 2, 30, tzinfo=CENTRAL, fold=fold)
        assert local.utcoffset() == timedelta(hours=hours)
        assert local.astimezone(UTC).astimezone(CENTRAL).fold == fold
    assert CENTRAL.utcoffset(None) == timedelta(hours=1)
    assert CENTRAL.tzname(None) == "CET"


def shown_by(text: str, zone: str) -> datetime:
    """Return the time of a telegram of an L+G E360 as it is read in a time zone."""
    octets = telegram(f"0-0:1.0.0({text})", "1-0:1.8.0(1*kWh)", identification="LGF5E360")
    [reading] = Decoder(time_zone=ZoneInfo(zone)).feed(octets)
    assert isinstance(reading, Reading)
    assert reading.telegram.timestamp is not None
    return reading.telegram.timestamp


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Europe/Helsinki", "240711084500S", "2024-07-11T05:45:00+00:00"),
        ("Europe/Helsinki", "240111084500W", "2024-01-11T06:45:00+00:00"),
        ("Europe/Stockholm", "240711084500W", "2024-07-11T07:45:00+00:00"),
        ("Europe/Stockholm", "240711084500", "2024-07-11T07:45:00+00:00"),
        ("Europe/Brussels", "240711084500S", "2024-07-11T06:45:00+00:00"),
        ("Europe/Amsterdam", "240111084500W", "2024-01-11T07:45:00+00:00"),
        ("Europe/Helsinki", "240711084500", "2024-07-11T05:45:00+00:00"),
        ("Europe/Amsterdam", "240711084500", "2024-07-11T06:45:00+00:00"),
    ],
)
def test_the_same_first_line_in_four_countries(zone: str, text: str, expected: str) -> None:
    assert shown_by(text, zone) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        ("240711", "084500", "2024-07-11T08:45:00+02:00"),
        ("20240711", "0845", "2024-07-11T08:45:00+02:00"),
        ("2024-07-11", "08:45:00", "2024-07-11T08:45:00+02:00"),
        ("24.07.11", "08:45", "2024-07-11T08:45:00+02:00"),
        ("000101", "000000", None),
        ("700101", "000000", None),
        ("", "084500", None),
        ("240711", "", None),
        ("FFFFFF", "084500", None),
        ("240711", "255255255", None),
    ],
)
def test_a_clock_that_stands_in_two_objects(date: str, time: str, expected: str | None) -> None:
    lines = (f"1-0:0.9.1({time})", f"1-0:0.9.2({date})")
    for order in (lines, lines[::-1]):
        timestamp = read(telegram(*order, "1-0:1.8.0(1*kWh)", identification="LGF5E360")).telegram.timestamp
        assert timestamp == (None if expected is None else datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    ("zone", "text", "now", "explained"),
    [
        # Right as it is, also a minute off.
        ("Europe/Amsterdam", "240711084500S", "2024-07-11T06:46:30+00:00", None),
        # Home Assistant believes to be in Amsterdam, and the meter hangs in Helsinki; and the reverse.
        ("Europe/Amsterdam", "240711084500S", "2024-07-11T05:45:10+00:00", "EET"),
        ("Europe/Amsterdam", "240111084500W", "2024-01-11T06:44:00+00:00", "EET"),
        ("Europe/Helsinki", "240711084500S", "2024-07-11T06:45:00+00:00", "CET"),
        ("America/New_York", "240111084500W", "2024-01-11T07:45:00+00:00", "CET"),
        # Without a flag, in summer, where the meter keeps standard time.
        ("Europe/Amsterdam", "240711084500", "2024-07-11T07:45:00+00:00", "CET all year"),
        # The hour that October has twice, in both of its passes.
        ("Europe/Amsterdam", "261025021000", "2026-10-25T00:10:00+00:00", None),
        ("Europe/Amsterdam", "261025021000", "2026-10-25T01:10:00+00:00", None),
        ("Europe/Helsinki", "261025031000", "2026-10-25T01:10:00+00:00", None),
        # The hour that March leaves out in Amsterdam, while it is the last one of winter in Helsinki.
        ("Europe/Amsterdam", "270328025800W", "2027-03-28T00:58:00+00:00", "EET"),
        # A flag against the calendar is the meter's own mistake, and no other zone with the same mistake.
        ("Europe/Amsterdam", "240111084500S", "2024-01-11T07:45:00+00:00", None),
        # Clocks that are wrong: half an hour, five hours, and three minutes more than an hour.
        ("Europe/Amsterdam", "240711084500S", "2024-07-11T06:15:00+00:00", None),
        ("Europe/Amsterdam", "240711084500S", "2024-07-11T01:45:00+00:00", None),
        ("Europe/Amsterdam", "240711084500S", "2024-07-11T05:42:00+00:00", None),
    ],
)
def test_the_zone_that_explains_a_clock(zone: str, text: str, now: str, explained: str | None) -> None:
    shown = shown_by(text, zone)
    assert explaining_zone(shown, datetime.fromisoformat(now), Clock(ZoneInfo(zone))) == explained


def test_a_zone_that_was_chosen_is_used_from_then_on() -> None:
    octets = telegram("0-0:1.0.0(240711084500S)", "1-0:1.8.0(1*kWh)", identification="LGF5E360")
    decoder = Decoder(time_zone=ZoneInfo("Europe/Amsterdam"))
    offsets = []
    for zone in (None, ZONES["EET"], None):
        if zone is not None:
            decoder.set_time_zone(zone)
        [reading] = decoder.feed(octets)
        assert isinstance(reading, Reading)
        assert reading.telegram.timestamp is not None
        offsets.append(reading.telegram.timestamp.utcoffset())
    assert offsets == [timedelta(hours=2), timedelta(hours=3), timedelta(hours=3)]


@pytest.mark.parametrize(
    ("identification", "zone", "hours"),
    [("ESO5\\EXTENDED", EASTERN, 3), ("FLU5\\253700601_A", CENTRAL, 2), ("LGF5E360", CENTRAL, 2)],
)
def test_without_a_time_zone_that_of_the_proven_country_counts(identification: str, zone: object, hours: int) -> None:
    octets = telegram("0-0:1.0.0(240711084500S)", "1-0:1.8.0(1*kWh)", identification=identification)
    reading = read(octets)
    assert reading.telegram.clock.zone is zone
    assert reading.telegram.timestamp == datetime(2024, 7, 11, 8, 45, tzinfo=timezone(timedelta(hours=hours)))


def test_a_country_with_standard_time_all_year_has_it_in_every_time_zone() -> None:
    octets = telegram("0-0:1.0.0(240711084500)", "1-0:1.8.0(1*kWh)", identification="ELL5\\253800001_A")
    [reading] = Decoder(time_zone=ZoneInfo("Europe/Stockholm")).feed(octets)
    assert isinstance(reading, Reading)
    assert reading.telegram.clock.zone is CENTRAL_STANDARD
    assert reading.telegram.timestamp == datetime.fromisoformat("2024-07-11T08:45:00+01:00")
