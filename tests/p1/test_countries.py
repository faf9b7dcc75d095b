"""Countries: how they are known, and their clocks, against the time zone database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from custom_components.dsmr_p1.p1 import Country
from custom_components.dsmr_p1.p1.countries import (
    AUSTRIA,
    BELGIUM,
    FINLAND,
    HUNGARY,
    LITHUANIA,
    LUXEMBOURG,
    NETHERLANDS,
    SWEDEN,
    country_of,
)

ZONES = {
    "NL": "Europe/Amsterdam",
    "BE": "Europe/Brussels",
    "LU": "Europe/Luxembourg",
    "AT": "Europe/Vienna",
    "HU": "Europe/Budapest",
    "LT": "Europe/Vilnius",
    "FI": "Europe/Helsinki",
}
COUNTRIES = (NETHERLANDS, BELGIUM, LUXEMBOURG, AUSTRIA, HUNGARY, SWEDEN, LITHUANIA, FINLAND)


@pytest.mark.parametrize(
    ("identification", "country"),
    [
        ("ISK5\\2M550T-1012", NETHERLANDS),
        ("KFM5KAIFA-METER", NETHERLANDS),
        ("", NETHERLANDS),
        ("FLU5\\253700601_A", BELGIUM),
        ("\\FLU5\\253700601_A", BELGIUM),
        ("flu5\\253700601_A", BELGIUM),
        ("ISk5\\2MIE5T-201", BELGIUM),
        ("Lux5\\253600701_D", LUXEMBOURG),
        ("EST5\\253700801_A", AUSTRIA),
        ("SAG5SAG-METER", HUNGARY),
        ("KAM5", SWEDEN),
        ("ELL5\\253800001_A", SWEDEN),
        ("ESO5\\EXTENDED", LITHUANIA),
        ("LGF5E360", FINLAND),
    ],
)
def test_the_country_of_an_identification_line(identification: str, country: Country) -> None:
    assert country_of(identification) is country


def test_the_cheap_tariff_is_number_one_in_the_netherlands_and_number_two_in_belgium_and_hungary() -> None:
    assert {country.code: country.low_tariff for country in COUNTRIES if country.low_tariff} == {
        "NL": 1,
        "BE": 2,
        "HU": 2,
    }


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_summer_is_an_hour_ahead(country: Country) -> None:
    assert country.summer.utcoffset(None) == country.standard.utcoffset(None) + timedelta(hours=1)


@pytest.mark.parametrize(
    "country", [country for country in COUNTRIES if country.summer_time], ids=lambda country: country.code
)
@pytest.mark.parametrize("year", [2009, 2015, 2024, 2026, 2031, 2068])
def test_the_clock_is_that_of_the_time_zone(country: Country, year: int) -> None:
    zone = ZoneInfo(ZONES[country.code])
    start = datetime(year, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(minutes=30 * step) for step in range(2 * 24 * 366)]
    for before, instant in pairwise(hours):
        local = instant.astimezone(zone)
        if local.fold:  # the second pass of an hour that exists twice: the first is meant
            continue
        assert country.zone_at(local.replace(tzinfo=UTC)).utcoffset(None) == local.utcoffset(), (before, local)


def test_the_hour_that_does_not_exist_is_taken_for_summer_time() -> None:
    assert NETHERLANDS.zone_at(datetime(2024, 3, 31, 2, 30, tzinfo=UTC)) == NETHERLANDS.summer


@pytest.mark.parametrize("month", range(1, 13))
def test_sweden_has_standard_time_all_year(month: int) -> None:
    assert SWEDEN.zone_at(datetime(2024, month, 15, 12, tzinfo=UTC)) == SWEDEN.standard
