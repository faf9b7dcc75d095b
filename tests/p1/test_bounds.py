"""Bounds of what a meter may send: numbers and identifiers that are longer than any are none."""

import pytest

from custom_components.dsmr_p1.p1 import Decoder, Reading
from custom_components.dsmr_p1.p1.cosem.values import parse_quantity
from tests.p1.captures import MINIMAL, meters, telegram


@pytest.mark.parametrize("digits", [16, 300, 400])
@pytest.mark.parametrize("text", ["{}", "{}*kWh", "-{}.5*kWh", "{},5"])
def test_a_number_that_is_too_long_is_no_value(digits: int, text: str) -> None:
    number, _ = parse_quantity(text.format("1" * digits))
    assert number is None
    number, _ = parse_quantity(text.format("1" * 14))
    assert number is not None
    assert number.is_finite()


def test_a_number_that_is_too_long_has_no_value_in_the_telegrams_after_it_either() -> None:
    decoder = Decoder()
    for number in (111, 112, 113):
        long = f"{'0' * 20}{number}"
        gas = ("0-1:24.1.0(003)", f"0-1:24.2.1(240311084500W)({long}.5*m3)")
        [reading] = decoder.feed(telegram(*MINIMAL, f"1-0:1.8.3({long}.5*kWh)", *gas))
        assert isinstance(reading, Reading)
        electricity = meters(reading)["electricity"].channels
        assert electricity["emeter_delivery_tariff3"].value is None
        assert electricity["emeter_delivery_tariff1"].value is not None
        assert meters(reading)["mbus_1"].channels["m3meter_value"].value is None


@pytest.mark.parametrize(("length", "is_one"), [(64, True), (65, False)])
def test_an_identifier_that_is_too_long_is_none(length: int, is_one: bool) -> None:
    [reading] = Decoder().feed(telegram(*MINIMAL, f"0-0:96.1.1({(b'E' * length).hex()})"))
    assert isinstance(reading, Reading)
    assert (meters(reading)["electricity"].profile.equipment_identifier is not None) is is_one
