"""Telegrams: what they tell as a whole."""

from datetime import datetime
from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import CosemValue
from custom_components.dsmr_p1.p1.telegrams.telegram import is_placeholder
from tests.p1.frames import parse


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0-0:1.0.0(240311084500W)", "2024-03-11T08:45:00+01:00"),
        ("0-0:1.1.0(240311084500W)", "2024-03-11T08:45:00+01:00"),
        ("0-0:1.0.0(000000000000W)", None),
        ("1-0:1.8.1(1*kWh)", None),
        ("1-0:99.1.2(1)", None),
    ],
)
def test_the_time_of_a_telegram(line: str, expected: str | None) -> None:
    assert parse(line).timestamp == (datetime.fromisoformat(expected) if expected else None)


def test_times_are_those_of_the_country() -> None:
    telegram = parse("0-0:1.0.0(240711084500S)", identification="ESO5\\TEST")
    assert telegram.timestamp == datetime.fromisoformat("2024-07-11T08:45:00+03:00")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CosemValue("", None), True),
        (CosemValue("", Decimal(0)), True),
        (CosemValue("", Decimal(0), None, datetime.fromisoformat("2000-01-01T00:00:00+01:00")), True),
        (CosemValue("", Decimal(0), None, datetime.fromisoformat("2024-01-01T00:00:00+01:00")), False),
        (CosemValue("", Decimal(1)), False),
        (CosemValue("", Decimal(1), None, datetime.fromisoformat("2000-01-01T00:00:00+01:00")), False),
    ],
)
def test_a_placeholder_is_no_reading(value: CosemValue, expected: bool) -> None:
    assert is_placeholder(value) is expected
