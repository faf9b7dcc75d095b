"""A bad part of a line costs itself and nothing else: every object of the catalog, with every kind of bad part.

The objects are written here as their standards print them, part by part; each part in turn is replaced by what real
meters send in its place.
"""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import CosemValue
from custom_components.dsmr_p1.p1.catalog import METER_OBJECTS, PORT_OBJECTS, ObjectType
from custom_components.dsmr_p1.p1.cosem.values import Shape
from tests.p1.frames import parse

TIME = "240311084500W"
BAD_TIMES = (
    "",
    "35255255255255255S",
    "632525252525W",
    "632525252525S",
    "700101000000W",
    "000101000000W",
    "F" * 24,
    "f" * 12,
    "-" * 13,
    "07D0010106000000FF8000FF",
    "2024-13-45 99:99",
    "unset",
)
BAD_NUMBERS = ("", "----", "FFFFFF", "x")
# A list -> what stands before its entries, and one entry: the parts that are times, the others are numbers.
LISTS = {
    Shape.FAILURE_LOG: (("3", "0-0:96.7.19"), (True, False)),
    Shape.MONTHLY_PEAKS: (("3", "1-0:1.6.0", "1-0:1.6.0"), (True, True, False)),
    Shape.LOAD_PROFILE: (("3", "1-0:1.8.0", "kWh", "1-0:2.8.0", "kWh"), (True, False, False)),
}
ROWS = [*PORT_OBJECTS, *METER_OBJECTS]


def named(row: ObjectType) -> str:
    return f"{row.id}-{row.reference}"


def read(row: ObjectType, *texts: str) -> list[CosemValue]:
    """Return the values of a line with these parts."""
    reference = row.reference.replace("n", "1")
    [obj] = parse(f"{reference}({')('.join(texts)})", "0-0:96.1.9(1)").objects[:1]
    assert obj.shape is not None, (reference, texts)
    return list(obj.values)


def quantity(row: ObjectType, number: int) -> str:
    return f"{number:03d}.5*{row.unit or 'kWh'}"


@pytest.mark.parametrize("bad", BAD_TIMES)
@pytest.mark.parametrize("row", [row for row in ROWS if row.shape is Shape.TIMED_DECIMAL], ids=named)
def test_a_time_that_cannot_be_read_does_not_cost_the_number(row: ObjectType, bad: str) -> None:
    for texts in ((bad, quantity(row, 7)), (quantity(row, 7), bad)):
        value, when = read(row, *texts)
        assert (value.value, value.timestamp, when.value) == (Decimal("7.5"), None, None)
        assert value.unit is not None


@pytest.mark.parametrize("bad", BAD_TIMES)
@pytest.mark.parametrize("row", [row for row in ROWS if row.shape is Shape.READING_V3], ids=named)
def test_nor_does_it_in_a_reading_of_dsmr_3(row: ObjectType, bad: str) -> None:
    unit = str(row.unit or "kWh")
    for status in ("00", "", "xx"):
        value, when = read(row, bad, status, "60", "1", "0-1:24.2.1", unit, "007.5")
        assert (value.value, value.timestamp, when.value) == (Decimal("7.5"), None, None)
        assert value.unit is not None


@pytest.mark.parametrize("bad", BAD_TIMES)
@pytest.mark.parametrize("row", [row for row in ROWS if row.shape is Shape.TIMESTAMP], ids=named)
def test_where_only_a_time_is_expected_it_is_none(row: ObjectType, bad: str) -> None:
    assert read(row, bad) == [CosemValue("", None)]


def entries(row: ObjectType, parts: tuple[bool, ...]) -> list[list[str]]:
    """Return three entries of a list."""
    unit = "s" if row.shape is Shape.FAILURE_LOG else "kW" if row.shape is Shape.MONTHLY_PEAKS else "kWh"
    return [
        [
            f"2403{10 + number}08450{place}W" if is_time else f"00{number}.{place}*{unit}"
            for place, is_time in enumerate(parts)
        ]
        for number in (3, 2, 1)
    ]


def damages() -> Iterator[tuple[ObjectType, int, int, str]]:
    for row in ROWS:
        if row.shape in LISTS:
            for place, is_time in enumerate(LISTS[row.shape][1]):
                for entry in range(3):
                    yield from ((row, entry, place, bad) for bad in (BAD_TIMES if is_time else BAD_NUMBERS))


@pytest.mark.parametrize(("row", "entry", "place", "bad"), damages())
def test_a_bad_part_of_an_entry_costs_itself(row: ObjectType, entry: int, place: int, bad: str) -> None:
    head, parts = LISTS[row.shape]
    good = entries(row, parts)
    damaged = [list(one) for one in good]
    damaged[entry][place] = bad
    before = read(row, *head, *(text for one in good for text in one))
    after = read(row, *head, *(text for one in damaged for text in one))
    assert len(after) == len(before)
    # Peaks are sorted by month: an entry without one is the last.
    lost = {str(value.value) for value in before} - {str(value.value) for value in after}
    assert len(lost) == 1
    assert [value.value for value in after].count(None) == 1


@pytest.mark.parametrize("bad", BAD_NUMBERS)
@pytest.mark.parametrize("row", [row for row in ROWS if row.shape in LISTS], ids=named)
def test_a_count_that_cannot_be_read_does_not_cost_the_list(row: ObjectType, bad: str) -> None:
    head, parts = LISTS[row.shape]
    texts = [text for one in entries(row, parts) for text in one]
    assert len(read(row, bad, *head[1:], *texts)) == len(read(row, *head, *texts))


@pytest.mark.parametrize("bad", BAD_TIMES)
@pytest.mark.parametrize("row", [row for row in ROWS if row.shape is Shape.MONTH_END], ids=named)
def test_nor_does_a_month_without_a_time(row: ObjectType, bad: str) -> None:
    if bad in ("2024-13-45 99:99", "unset"):
        pytest.skip("a list of monthly peaks or a load profile begins with a number, this one with a time")
    when, *values = read(row, bad, "000040.777*kWh", "00.250*kW", "x")
    assert when.value is None
    assert [value.value for value in values] == [Decimal("40.777"), Decimal("0.250"), None]


def test_two_quantities_in_one_group_are_two() -> None:
    [obj] = parse("1-1:31.4.0(65.0*A,-65.0*A)").objects
    assert [(value.suffix, str(value.value), value.unit) for value in obj.values] == [
        ("", "65.0", "A"),
        ("_export", "-65.0", "A"),
    ]
    [obj] = parse("1-1:31.4.0(65,5*A)").objects
    assert [str(value.value) for value in obj.values] == ["65.5"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1-3:0.2.8(50)", "50"),
        ("1-3:0.2.8(42)", "42"),
        ("1-3:0.2.8(3530)", "50"),
        ("0-0:96.1.4(3231313130)", "21110"),
        ("0-0:96.1.4(50221)", "50221"),
        ("0-0:96.14.0(0002)", Decimal(2)),
        ("0-0:96.14.0(5431)", Decimal(1)),
        ("0-0:96.14.0(T2)", Decimal(2)),
        ("0-0:96.14.0(3031)", Decimal(1)),
        ("0-0:96.14.0(TARIFF 1)", "TARIFF 1"),
        ("0-0:96.14.0(    )", None),
        ("0-0:96.14.0(20202020)", None),
        ("0-0:96.3.10(1)", Decimal(1)),
        ("0-0:96.3.10(ON)", "ON"),
    ],
)
def test_versions_tariffs_and_positions_in_the_forms_of_meters(line: str, expected: object) -> None:
    [obj] = parse(line).objects
    assert obj.shape is not None
    assert obj.values[0].value == expected
