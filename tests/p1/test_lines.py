"""Lines: from a line to the COSEM object that it is."""

from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import CosemValue, Obis
from tests.p1.frames import parse


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("1-0:1.8.1 (1.5*kWh)", Decimal("1.5")),
        ("1-0:1.8.1*255(1.5*kWh)", Decimal("1.5")),
        ("1-0:1.8.1(1.5*kWh) ", Decimal("1.5")),
        ("1-0:1.8.1(1.5*kWh)\0", Decimal("1.5")),
        ("1-0:1.8.1()", None),
        ("1-0:1.8.1(-1.5*kWh)", Decimal("-1.5")),
        ("1-0:1.8.1((1.5*kWh))", Decimal("1.5")),
        ("1-0:31.4.0(040*A)(-040*A)", Decimal(40)),
        ("0-0:96.13.0(Hello, World / 100% [x])", "Hello, World / 100% [x]"),
        ("0-0:96.13.0(\xb3\xff)", "\xb3\xff"),
    ],
)
def test_a_line(line: str, value: object) -> None:
    telegram = parse(line)
    assert telegram.malformed == ()
    assert telegram.objects[0].values[0].value == value


@pytest.mark.parametrize("raw", ["(1)", "(1)(2*kWh)", "()", "((x))"])
def test_an_unknown_object_is_kept_as_it_stands(raw: str) -> None:
    [unknown] = parse(f"1-0:99.1.2{raw}").objects
    assert unknown.obis == Obis(1, 0, 99, 1, 2)
    assert unknown.candidates == ()
    assert unknown.values == (CosemValue("", raw),)
    assert unknown.raw == raw


def test_the_text_of_an_object_that_is_known_is_what_was_read() -> None:
    [known] = parse("1-0:1.8.1(1*kWh)").objects
    assert known.raw == "(1*kWh)"


def test_an_object_whose_value_has_another_shape_is_unknown() -> None:
    [unknown] = parse("1-0:1.8.1(ERROR)").objects
    assert unknown.candidates == ()
    assert unknown.values == (CosemValue("", "(ERROR)"),)


def test_the_shape_decides_between_objects_with_the_same_reference() -> None:
    telegram = parse("0-0:98.1.0(240701000000S)(000040.777*kWh)")
    assert [row.id for row in telegram.objects[0].candidates] == ["month_end"]
    telegram = parse("0-0:98.1.0(0)(1-0:1.6.0)(1-0:1.6.0)")
    assert [row.id for row in telegram.objects[0].candidates] == ["monthly_peak"]
