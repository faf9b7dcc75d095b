"""Units: their spellings in the field, and exact conversion."""

from decimal import Decimal
from itertools import product

import pytest

from custom_components.dsmr_p1.p1 import Unit
from custom_components.dsmr_p1.p1.cosem.units import HOME_UNITS, convert, is_convertible, parse_unit

# Of these only the case tells which of two prefixes is meant.
AMBIGUOUS = {unit for unit in Unit for other in Unit if unit is not other and unit.lower() == other.lower()}


@pytest.mark.parametrize("unit", Unit)
def test_every_unit_is_read_in_any_case(unit: Unit) -> None:
    assert parse_unit(str(unit)) is unit
    assert parse_unit(f" {unit} ".replace(" ", "")) is unit
    if unit not in AMBIGUOUS:
        assert parse_unit(f" {str(unit).upper()} ") is unit
        assert parse_unit(str(unit).lower()) is unit


def test_units_whose_prefix_is_told_by_the_case_alone() -> None:
    assert {str(unit) for unit in AMBIGUOUS} == {
        "mWh", "MWh", "mW", "MW", "mvar", "Mvar", "mVA", "MVA", "mV", "MV", "mHz", "MHz",
    }  # fmt: skip


def test_every_unit_has_one_of_home_assistant() -> None:
    for unit, home in HOME_UNITS.items():
        assert is_convertible(unit, home)
        assert home not in HOME_UNITS


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("kVAr", Unit.KILO_VAR),
        ("kVArh", Unit.KILO_VAR_HOUR),
        ("kWh ", Unit.KILO_WATT_HOUR),
        ("HZ", Unit.HERTZ),
        ("m3", Unit.CUBIC_METRE),
        ("M3", Unit.CUBIC_METRE),
        ("m\xb3", Unit.CUBIC_METRE),
        ("m\xc2\xb3", Unit.CUBIC_METRE),
        ("dm3", Unit.CUBIC_DECIMETRE),
        ("l", Unit.CUBIC_DECIMETRE),
        ("m3/h", Unit.CUBIC_METRE_PER_HOUR),
        ("sec", Unit.SECOND),
        ("C", Unit.DEGREE_CELSIUS),
        ("deg", Unit.DEGREE),
        ("degC", Unit.DEGREE_CELSIUS),
        ("\xb0C", Unit.DEGREE_CELSIUS),
        ("\xc2\xb0C", Unit.DEGREE_CELSIUS),
        ("m\xc2\xb3/h", Unit.CUBIC_METRE_PER_HOUR),
        ("l/h", Unit.LITRE_PER_HOUR),
        ("MVArh", Unit.MEGA_VAR_HOUR),
        ("mVAr", Unit.MILLI_VAR),
        ("mwh", Unit.MEGA_WATT_HOUR),
        ("ma", Unit.MILLI_AMPERE),
        ("MA", Unit.MILLI_AMPERE),
        ("", None),
        (" ", None),
        ("furlong", None),
    ],
)
def test_spellings(text: str, unit: Unit | None) -> None:
    assert parse_unit(text) is unit


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        ("6545766", Unit.WATT_HOUR, Unit.KILO_WATT_HOUR, "6545.766"),
        ("0.001", Unit.MEGA_WATT_HOUR, Unit.KILO_WATT_HOUR, "1"),
        ("286", Unit.WATT, Unit.KILO_WATT, "0.286"),
        ("3402118", Unit.VAR_HOUR, Unit.KILO_VAR_HOUR, "3402.118"),
        ("243", Unit.VAR, Unit.KILO_VAR, "0.243"),
        ("791", Unit.MILLI_AMPERE, Unit.AMPERE, "0.791"),
        ("0.003", Unit.KILO_AMPERE, Unit.AMPERE, "3"),
        ("0.000001", Unit.GIGA_WATT_HOUR, Unit.KILO_WATT_HOUR, "1"),
        ("50", Unit.LITRE_PER_HOUR, Unit.CUBIC_METRE_PER_HOUR, "0.050"),
        ("1204", Unit.KILO_JOULE, Unit.MEGA_JOULE, "1.204"),
        ("1.5", Unit.KILO_VOLT_AMPERE, Unit.VOLT_AMPERE, "1500"),
        ("4402.500", Unit.CUBIC_DECIMETRE, Unit.CUBIC_METRE, "4.4025"),
        ("1204", Unit.MEGA_JOULE, Unit.GIGA_JOULE, "1.204"),
        ("0.2304", Unit.KILO_VOLT, Unit.VOLT, "230.4"),
        ("2", Unit.MINUTE, Unit.SECOND, "120"),
        ("1", Unit.HOUR, Unit.MINUTE, "60"),
        ("50.01", Unit.HERTZ, Unit.HERTZ, "50.01"),
        ("12345678901234567.890", Unit.WATT_HOUR, Unit.KILO_WATT_HOUR, "12345678901234.56789"),
    ],
)
def test_conversion_is_exact(value: str, unit: Unit, to: Unit, expected: str) -> None:
    assert convert(Decimal(value), unit, to) == Decimal(expected)


def test_an_unchanged_unit_keeps_every_digit() -> None:
    value = Decimal("001.500")
    assert convert(value, Unit.KILO_WATT, Unit.KILO_WATT) is value


@pytest.mark.parametrize(("unit", "to"), product(Unit, repeat=2))
def test_what_is_convertible_converts_and_nothing_else_does(unit: Unit, to: Unit) -> None:
    assert is_convertible(unit, to) is is_convertible(to, unit)
    if is_convertible(unit, to):
        assert convert(Decimal(0), unit, to) == 0
    else:
        with pytest.raises(ValueError, match="is no"):
            convert(Decimal(0), unit, to)


@pytest.mark.parametrize(
    ("unit", "to"),
    [(Unit.KILO_WATT, Unit.KILO_WATT_HOUR), (Unit.GIGA_JOULE, Unit.KILO_WATT_HOUR), (Unit.PERCENT, Unit.DEGREE)],
)
def test_different_dimensions_do_not_mix(unit: Unit, to: Unit) -> None:
    assert not is_convertible(unit, to)
