"""The values of COSEM objects: every shape, from lines on the wire and from what meters make of them."""

from datetime import datetime
from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import CosemValue, Unit
from custom_components.dsmr_p1.p1.cosem.clock import CENTRAL, CENTRAL_STANDARD, EASTERN, Clock
from custom_components.dsmr_p1.p1.cosem.times import is_time, parse_timestamp
from custom_components.dsmr_p1.p1.cosem.values import Shape, decode_hex_text, parse_quantity

CLOCK = Clock(CENTRAL)
EASTERN_CLOCK = Clock(EASTERN)
SWEDISH_CLOCK = Clock(CENTRAL_STANDARD)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("000123.456*kWh", "123.456", Unit.KILO_WATT_HOUR),
        ("000123.456*kWh ", "123.456", Unit.KILO_WATT_HOUR),
        ("00004", "4", None),
        ("00.100", "0.100", None),
        ("001.05 A", "1.05", Unit.AMPERE),
        ("001.05_A", "1.05", Unit.AMPERE),
        ("001.05A", "1.05", Unit.AMPERE),
        ("230,4*V", "230.4", Unit.VOLT),
        ("-040*A", "-40", Unit.AMPERE),
        ("+1.5*kW", "1.5", Unit.KILO_WATT),
        (" 12 ", "12", None),
        ("5.*kW", "5", Unit.KILO_WATT),
        ("12*", "12", None),
    ],
)
def test_a_quantity(text: str, number: str, unit: Unit | None) -> None:
    value, found = parse_quantity(text)
    assert value is not None
    assert f"{value:f}" == number.lstrip("+")
    assert found is unit


@pytest.mark.parametrize("text", ["", " "])
def test_no_text_is_no_quantity(text: str) -> None:
    assert parse_quantity(text) == (None, None)


@pytest.mark.parametrize(
    "text", ["NaN", "1_0", "Infinity", "--1", "1.2.3", "12x*kWh", "\xb2", "5\xb2*A", ".", "12*furlong", "1e5", "0x10"]
)
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match=r"no number|no unit"):
        parse_quantity(text)


def test_every_place_that_was_sent_is_kept() -> None:
    value, _ = parse_quantity("00001.500*kW")
    assert str(value) == "1.500"


@pytest.mark.parametrize(
    ("text", "clock", "expected"),
    [
        ("240115093000W", CLOCK, "2024-01-15T09:30:00+01:00"),
        ("240715093000S", CLOCK, "2024-07-15T09:30:00+02:00"),
        ("240715093000s", CLOCK, "2024-07-15T09:30:00+02:00"),
        ("240115093000w", CLOCK, "2024-01-15T09:30:00+01:00"),
        # The flag decides, whatever the calendar says.
        ("240115093000S", CLOCK, "2024-01-15T09:30:00+02:00"),
        ("240715093000W", SWEDISH_CLOCK, "2024-07-15T09:30:00+01:00"),
        ("240715093000S", EASTERN_CLOCK, "2024-07-15T09:30:00+03:00"),
        # The hour that exists twice.
        ("241027023000S", CLOCK, "2024-10-27T02:30:00+02:00"),
        ("241027023000W", CLOCK, "2024-10-27T02:30:00+01:00"),
        # Without a flag the calendar decides.
        ("240115093000", CLOCK, "2024-01-15T09:30:00+01:00"),
        ("240715093000", CLOCK, "2024-07-15T09:30:00+02:00"),
        ("240715093000", EASTERN_CLOCK, "2024-07-15T09:30:00+03:00"),
        ("2407150930", CLOCK, "2024-07-15T09:30:00+02:00"),
        ("19-01-01 13:00:00", CLOCK, "2019-01-01T13:00:00+01:00"),
        ("2019-07-01T13:00", CLOCK, "2019-07-01T13:00:00+02:00"),
        ("19-07-01 13:00:00 W", CLOCK, "2019-07-01T13:00:00+01:00"),
        (" 240115093000W ", CLOCK, "2024-01-15T09:30:00+01:00"),
        ("20240111 09:35:00", CLOCK, "2024-01-11T09:35:00+01:00"),
        ("2024/07/11 09:35 S", CLOCK, "2024-07-11T09:35:00+02:00"),
        # The date-time of DLMS: with a deviation, with a status only, with neither.
        ("07E8010B04092300FFFFC400", CLOCK, "2024-01-11T09:35:00+01:00"),
        ("07E8070B04092300FF8000FF", CLOCK, "2024-07-11T09:35:00+02:00"),
        ("07EA080B0208151900007880", CLOCK, "2026-08-11T08:21:25+02:00"),
        ("07EA010B0208151900003C00", CLOCK, "2026-01-11T08:21:25+01:00"),
        ("07EA010B02081519000078FF", CLOCK, "2026-01-11T08:21:25-02:00"),
        ("07E80A1B07021E00FF800080", CLOCK, "2024-10-27T02:30:00+02:00"),
        ("07E80A1B07021E00FF800000", SWEDISH_CLOCK, "2024-10-27T02:30:00+01:00"),
        ("691231235959W", CLOCK, "2069-12-31T23:59:59+01:00"),
    ],
)
def test_a_timestamp(text: str, clock: Clock, expected: str) -> None:
    timestamp = parse_timestamp(text, clock)
    assert timestamp is not None
    assert timestamp.isoformat() == expected
    assert is_time(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "632525252525W",
        "632525252525S",
        "700101010000W",
        "000000000000W",
        "240230000000W",
        "240230000000",
        "24-13-01 00:00",
        "991231235959W",
        # 2000 is where some clocks begin.
        "000101000001W",
        "35255255255255255S",
        "255255255255255255W",
        "F" * 24,
        "-" * 13,
        "07D0010106000000FF8000FF",
        "07B2010106000000FF8000FF",
        "07E80D0B04092300FF800000",
        "07E8010B04FFFFFFFF8000FF",
        "07E8010B04092300FF7FFF00",
    ],
)
def test_a_clock_that_was_never_set(text: str) -> None:
    assert parse_timestamp(text, CLOCK) is None


@pytest.mark.parametrize(
    "text", ["x", "24011509300", "240115093000X", "2401150930000W", "24-01-15", "15-06-2017 13:00:00"]
)
def test_what_is_no_timestamp_is_none(text: str) -> None:
    assert parse_timestamp(text, CLOCK) is None
    assert not is_time(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4B384547303034303436333935353037", "K8EG004046395507"),
        ("  4B38  ", "K8"),
        ("53414720", "SAG"),
        ("", ""),
        # Hexadecimal digits that are no text.
        ("ADE3100000010011", "ADE3100000010011"),
        ("100100112D2C340C", "100100112D2C340C"),
        ("00000000000000", "00000000000000"),
        ("FFFF", "FFFF"),
        # No hexadecimal digits, or an odd number of them.
        ("410", "410"),
        ("1ESY0000000001", "1ESY0000000001"),
        ("ADE33", "ADE33"),
        ("\xb3", "\xb3"),
    ],
)
def test_hex_text(text: str, expected: str) -> None:
    assert decode_hex_text(text) == expected


def plain(values: tuple[CosemValue, ...]) -> list[tuple[str, object]]:
    return [(value.suffix, value.value) for value in values]


@pytest.mark.parametrize(
    ("shape", "texts", "expected"),
    [
        (Shape.TEXT, ["50 "], [CosemValue("", "50")]),
        (Shape.TEXT, [""], [CosemValue("", "")]),
        (Shape.HEX_TEXT, ["4B38"], [CosemValue("", "K8")]),
        (Shape.NUMBER, ["00004"], [CosemValue("", Decimal(4))]),
        (Shape.NUMBER, [""], [CosemValue("", None)]),
        (Shape.DECIMAL, ["230.4*V"], [CosemValue("", Decimal("230.4"), Unit.VOLT)]),
        (Shape.DECIMAL, ["040*A", "-040*A"], [CosemValue("", Decimal(40), Unit.AMPERE)]),
        (Shape.DECIMAL, [""], [CosemValue("", None)]),
        (Shape.TIMESTAMP, ["240115093000W"], [CosemValue("", at("2024-01-15T09:30:00+01:00"))]),
        (Shape.TIMESTAMP, [""], [CosemValue("", None)]),
    ],
)
def test_a_single_value(shape: Shape, texts: list[str], expected: list[CosemValue]) -> None:
    assert list(shape.decode(texts, CLOCK)) == expected


HOUR = at("2024-01-15T09:00:00+01:00")
READING = [
    CosemValue("", Decimal("12785.123"), Unit.CUBIC_METRE, HOUR),
    CosemValue("_timestamp", HOUR),
]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["240115090000W", "12785.123*m3"], READING),
        (["12785.123*m3", "24-01-15 09:00:00"], READING),
        (["12785.123*m3"], [CosemValue("", Decimal("12785.123"), Unit.CUBIC_METRE), CosemValue("_timestamp", None)]),
        (["240115090000W"], [CosemValue("", None, None, HOUR), CosemValue("_timestamp", HOUR)]),
        (["240115090000W", ""], [CosemValue("", None, None, HOUR), CosemValue("_timestamp", HOUR)]),
        (
            ["", "12785.123*m3"],
            [CosemValue("", Decimal("12785.123"), Unit.CUBIC_METRE), CosemValue("_timestamp", None)],
        ),
        (["632525252525W", "00000.000"], [CosemValue("", Decimal("0.000")), CosemValue("_timestamp", None)]),
        # What stands for no number.
        (["240115090000W", "FFFFFFFF"], [CosemValue("", None, None, HOUR), CosemValue("_timestamp", HOUR)]),
        (["--------"], [CosemValue("", None), CosemValue("_timestamp", None)]),
        ([""], [CosemValue("", None), CosemValue("_timestamp", None)]),
        (["", ""], [CosemValue("", None), CosemValue("_timestamp", None)]),
    ],
)
def test_a_value_with_the_time_of_its_reading(texts: list[str], expected: list[CosemValue]) -> None:
    assert list(Shape.TIMED_DECIMAL.decode(texts, CLOCK)) == expected


V3 = ["240115090000", "00", "60", "1", "0-1:24.2.1", "m3"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([*V3, "12785.123"], READING),
        ([*V3[:5], "", "12785.123*m3"], READING),
        # The status in the second place is no number on some meters.
        ([V3[0], "0A", *V3[2:], "12785.123"], READING),
        (V3, [CosemValue("", None, Unit.CUBIC_METRE, HOUR), CosemValue("_timestamp", HOUR)]),
        (V3[:1], [CosemValue("", None, None, HOUR), CosemValue("_timestamp", HOUR)]),
        ([""], [CosemValue("", None), CosemValue("_timestamp", None)]),
    ],
)
def test_the_reading_of_version_3(texts: list[str], expected: list[CosemValue]) -> None:
    assert list(Shape.READING_V3.decode(texts, CLOCK)) == expected


def test_the_failure_log() -> None:
    first, second = at("2010-12-08T15:24:15+01:00"), at("2010-12-08T15:10:04+01:00")
    texts = ["2", "0-0:96.7.19", "101208152415W", "0000000240*s", "101208151004W", "301"]
    assert list(Shape.FAILURE_LOG.decode(texts, CLOCK)) == [
        CosemValue("_entries", Decimal(2)),
        CosemValue("_timestamp0", first),
        CosemValue("_duration0", Decimal(240), Unit.SECOND, first),
        CosemValue("_timestamp1", second),
        CosemValue("_duration1", Decimal(301), Unit.SECOND, second),
    ]


@pytest.mark.parametrize(
    ("texts", "count"),
    [([""], None), (["0"], 0), (["0", "0-0:96.7.19"], 0), (["1", "0-0:96.7.19", "101208152415W"], 1)],
)
def test_a_failure_log_without_entries(texts: list[str], count: int | None) -> None:
    assert plain(Shape.FAILURE_LOG.decode(texts, CLOCK)) == [("_entries", count)]


JUNE = ["240601000000S", "240512190000S", "02.904*kW"]
JULY = ["240701000000S", "240604231500S", "03.412*kW"]


@pytest.mark.parametrize("months", [[*JUNE, *JULY], [*JULY, *JUNE]], ids=["oldest first", "newest first"])
def test_the_newest_monthly_peak_is_number_zero(months: list[str]) -> None:
    values = Shape.MONTHLY_PEAKS.decode(["2", "1-0:1.6.0", "1-0:1.6.0", *months], CLOCK)
    assert list(values) == [
        CosemValue("_entries", Decimal(2)),
        CosemValue("_month0", at("2024-07-01T00:00:00+02:00")),
        CosemValue("_timestamp0", at("2024-06-04T23:15:00+02:00")),
        CosemValue("0", Decimal("3.412"), Unit.KILO_WATT, at("2024-06-04T23:15:00+02:00")),
        CosemValue("_month1", at("2024-06-01T00:00:00+02:00")),
        CosemValue("_timestamp1", at("2024-05-12T19:00:00+02:00")),
        CosemValue("1", Decimal("2.904"), Unit.KILO_WATT, at("2024-05-12T19:00:00+02:00")),
    ]


def test_a_monthly_peak_without_its_month_is_the_oldest() -> None:
    texts = ["2", "1-0:1.6.0", "1-0:1.6.0", "632525252525W", "632525252525W", "00.000*kW", *JUNE]
    numbers = {value.suffix: value.value for value in Shape.MONTHLY_PEAKS.decode(texts, CLOCK)}
    assert (numbers["0"], numbers["1"], numbers["_month1"]) == (Decimal("2.904"), Decimal("0.000"), None)


@pytest.mark.parametrize(("texts", "count"), [([""], None), (["0"], 0), (["0", "1-0:1.6.0", "1-0:1.6.0"], 0)])
def test_no_monthly_peaks(texts: list[str], count: int | None) -> None:
    assert plain(Shape.MONTHLY_PEAKS.decode(texts, CLOCK)) == [("_entries", count)]


def test_another_object_under_the_reference_of_monthly_peaks() -> None:
    with pytest.raises(ValueError, match="no list of monthly peaks"):
        Shape.MONTHLY_PEAKS.decode(["240701000000S", "000040.777*kWh"], CLOCK)


def test_the_values_of_the_end_of_the_month() -> None:
    end = at("2024-07-01T00:00:00+02:00")
    assert list(Shape.MONTH_END.decode(["240701000000S", "000040.777*kWh", "00.250*kW"], CLOCK)) == [
        CosemValue("_timestamp", end),
        CosemValue("_value0", Decimal("40.777"), Unit.KILO_WATT_HOUR, end),
        CosemValue("_value1", Decimal("0.250"), Unit.KILO_WATT, end),
    ]


@pytest.mark.parametrize("shape", [Shape.NUMBER, Shape.STATE, Shape.DECIMAL, Shape.TIMED_DECIMAL, Shape.READING_V3])
def test_what_has_not_the_shape_is_refused(shape: Shape) -> None:
    with pytest.raises(ValueError, match=r"no number|no reading"):
        shape.decode(["ERROR"], CLOCK)
