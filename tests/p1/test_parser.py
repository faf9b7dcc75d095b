"""Parsing: from frames to telegrams, whatever bridges and meters make of their lines."""

from datetime import datetime
from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import CosemValue, Telegram, TelegramError, Unit
from custom_components.dsmr_p1.p1.decoding.interpreter import Interpreter
from tests.p1.frames import frame, parse


def values(telegram: Telegram) -> dict[str, list[object]]:
    return {str(obj.obis): [value.value for value in obj.values] for obj in telegram.objects}


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\n\r\n"])
@pytest.mark.parametrize("has_crc", [True, False])
def test_a_telegram(end: str, has_crc: bool) -> None:
    telegram = parse("1-0:1.8.1(000123.456*kWh)", "1-0:32.7.0(230.4*V)", end=end, has_crc=has_crc)
    assert telegram.identification == "TST5\\TEST"
    assert telegram.country is None
    assert telegram.has_crc is has_crc
    assert telegram.malformed == ()
    assert [(str(obj.obis), obj.values) for obj in telegram.objects] == [
        ("1-0:1.8.1", (CosemValue("", Decimal("123.456"), Unit.KILO_WATT_HOUR),)),
        ("1-0:32.7.0", (CosemValue("", Decimal("230.4"), Unit.VOLT),)),
    ]


@pytest.mark.parametrize(
    "identification",
    ["ISK5\\2M550T-1012", "NWA-WARMTELINK", "WARMTELINK-VI\\", "ADN9 6534", "HLY5/D545-METER", "M\xfc5\xb3"],
)
def test_the_identification_line_is_free_text(identification: str) -> None:
    assert parse("1-0:1.8.1(1*kWh)", identification=identification).identification == identification


def test_the_identification_line_loses_its_blanks() -> None:
    assert parse("1-0:1.8.1(1*kWh)", identification="ADN9 6534 ").identification == "ADN9 6534"


@pytest.mark.parametrize("end", ["\0\r\n", " \0\r\n", "\0\0\r\n"])
def test_padding_at_the_end_of_a_line_does_not_part_it_from_the_value_below(end: str) -> None:
    reading = "0-1:24.3.0(120517020000)(08)(60)(1)(0-1:24.2.1)(m3)"
    telegram = parse("1-0:1.8.1(1*kWh)", reading, "(00124.477)", end=end, has_crc=False)
    assert telegram.malformed == ()
    assert values(telegram)["0-1:24.3.0"][-1] == values(parse(reading, "(00124.477)"))["0-1:24.3.0"][-1]


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "1-0:1.8.1",
        "1-0:1.8.1(1*kWh",
        "1-0:1.8.1(1*kWh)x",
        "1-0:1.8(1)",
        "999-0:1.8.1(1)",
        "1-0:1.8.1(1\x01)",
        ")(",
    ],
)
def test_a_line_that_is_no_object_is_kept_and_costs_no_other(line: str) -> None:
    telegram = parse("1-0:2.8.1(2*kWh)", "", line, "1-0:2.8.2(3*kWh)")
    assert values(telegram) == {"1-0:2.8.1": [2], "1-0:2.8.2": [3]}
    assert telegram.malformed == (line,)


def test_the_value_of_version_3_stands_on_a_line_of_its_own() -> None:
    telegram = parse(
        "0-1:24.1.0(03)", "0-1:24.3.0(140218160000)(00)(60)(1)(0-1:24.2.1)(m3)", "(01874.302)", "0-1:24.4.0(1)"
    )
    reading = telegram.objects[1].values[0]
    assert (reading.value, reading.unit) == (Decimal("1874.302"), Unit.CUBIC_METRE)
    assert telegram.malformed == ()
    assert len(telegram.objects) == 3


def test_a_line_that_makes_no_object_with_the_one_before_costs_nothing() -> None:
    telegram = parse("1-0:1.8.1(1*kWh)", "(2", "1-0:1.8.2(3*kWh)")
    assert telegram.malformed == ("(2",)
    assert values(telegram) == {"1-0:1.8.1": [1], "1-0:1.8.2": [3]}


def test_without_check_sum_a_line_of_another_type_is_looked_at_closely() -> None:
    interpreter = Interpreter()
    assert interpreter.read(frame("1-3:0.2.8(22)", "1-0:1.8.1(1*kWh)", has_crc=False))
    with pytest.raises(TelegramError, match="no checksum"):
        interpreter.read(frame("1-3:0.2.8(50)", "1-0:1.8.1(1*kWh)", has_crc=False))


def test_without_check_sum_an_unknown_object_may_be_another_every_time() -> None:
    interpreter = Interpreter()
    for number in range(3):
        telegram, _ = interpreter.read(frame("1-0:1.8.1(1*kWh)", f"1-0:99.1.2({'x' * number})", has_crc=False))
        assert [obj.raw for obj in telegram.objects] == ["(1*kWh)", f"({'x' * number})"]


def test_a_value_alone_belongs_to_nothing() -> None:
    telegram = parse("(01874.302)", "0-1:24.4.0(1)")
    assert telegram.malformed == ("(01874.302)",)


@pytest.mark.parametrize("cuts", [[20], [10, 30], [5], [3, 6, 9, 40]])
def test_a_line_that_a_bridge_broke_is_put_together(cuts: list[int]) -> None:
    line = "0-1:24.2.1(240311084501W)(01234.567*m3)"
    pieces = [line[start:end] for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True)]
    telegram = parse("0-1:24.1.0(003)", *pieces, "0-1:24.4.0(1)")
    assert telegram.malformed == ()
    assert telegram.objects[1].values[0].value == Decimal("1234.567")
    assert len(telegram.objects) == 3


def test_half_a_line_stays_malformed() -> None:
    telegram = parse("0-1:24.2.1(240311084501W)(012", "34.567", "0-1:24.4.0(1)")
    assert telegram.malformed == ("0-1:24.2.1(240311084501W)(01234.567",)
    assert values(telegram) == {"0-1:24.4.0": [1]}


def test_no_object_is_no_telegram() -> None:
    for lines in ((), ("",), ("hello", "world")):
        with pytest.raises(TelegramError, match="no COSEM object"):
            parse(*lines)


@pytest.mark.parametrize(
    ("line", "is_believed"),
    [
        ("1-0:1.8.1(1*kWh)", True),
        ("1-3:0.2.8(22)", True),
        ("1-3:0.2.8(3)", True),
        ("1-3:0.2.8(40)", False),
        ("1-3:0.2.8(42)", False),
        ("1-3:0.2.8(50)", False),
        ("1-3:0.2.8()", False),
        ("1-3:0.2.8(5x)", False),
        ("0-0:96.1.4(50221)", False),
    ],
)
def test_from_version_4_a_telegram_without_check_sum_is_not_believed(line: str, is_believed: bool) -> None:
    lines = ("1-0:2.8.1(2*kWh)", line)
    assert parse(*lines, has_crc=True)
    if is_believed:
        assert parse(*lines, has_crc=False)
    else:
        with pytest.raises(TelegramError, match="no checksum"):
            parse(*lines, has_crc=False)


@pytest.mark.parametrize("torn", ["1-0:1.8.1(1*kWh", "1*kWh)", "1-0:1.8.1(1\x01)"])
def test_a_torn_line_makes_a_telegram_without_check_sum_worthless(torn: str) -> None:
    assert parse("1-0:2.8.1(2*kWh)", torn, has_crc=True).malformed
    with pytest.raises(TelegramError, match="torn"):
        parse("1-0:2.8.1(2*kWh)", torn, has_crc=False)


def test_a_line_of_other_text_does_not() -> None:
    assert parse("1-0:2.8.1(2*kWh)", "hello", has_crc=False).malformed == ("hello",)


LINES = (
    "1-3:0.2.8(50)",
    "0-0:1.0.0(240311084500W)",
    "0-0:96.1.1(4B38)",
    "1-0:1.8.1(000123.456*kWh)",
    "1-0:1.7.0(00.100*kW)",
    "1-0:13.7.0(0.95)",
    "1-0:99.97.0(0)(0-0:96.7.19)",
    "0-1:24.1.0(003)",
    "0-1:24.2.1(240311084501W)(01234.567*m3)",
    "0-0:96.13.0()",
    "1-0:99.1.2(x)",
    "1-0:99.1.3(5)",
)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (1, "0-0:1.0.0(240311084501W)"),
        (3, "1-0:1.8.1(000123.457*kWh)"),
        (1, "0-0:1.0.0(hello)"),
        (1, "0-0:1.0.0(240311084501W) "),
        (1, "0-0:1.0.0(000000000000W)"),
        (3, "1-0:1.8.1(123457*Wh)"),
        (3, "1-0:1.8.1()"),
        (3, "1-0:1.8.1(-1*kWh)"),
        (3, "1-0:1.8.1(ERROR)"),
        (3, "1-0:1.8.1(1.2.3*kWh)"),
        (3, "1-0:1.8.1(*kWh)"),
        (3, "1-0:1.8.1(1*kWh)(2*kWh)"),
        (3, "1-0:1.8.1(123"),
        (3, "1-0:1.8.1"),
        (3, ""),
        (3, "hello"),
        (3, "1-0:1.8.2(1*kWh)"),
        (4, "1-0:1.7.0(00.000*kW)"),
        (5, "1-0:13.7.0(-0.95)"),
        (6, "1-0:99.97.0(1)(0-0:96.7.19)(230817101522S)(0000000642*s)"),
        (7, "0-1:24.1.0(007)"),
        (8, "0-1:24.2.1(240311085001W)(01234.568*m3)"),
        (8, "0-1:24.2.1(700101010000W)(00000000)"),
        (8, "0-1:24.2.1(240311085001W)(01234.568*GJ)"),
        (9, "0-0:96.13.0(48656C6C6F)"),
        (8, "0-1:24.2.1(240311085001W)(01234.568*m4)"),
        (10, "1-0:99.1.2(y)"),
        (11, "1-0:99.1.3(6)"),
        (11, "1-0:99.1.4(5)"),
    ],
)
def test_after_another_telegram_a_telegram_is_read_as_by_itself(place: int, line: str) -> None:
    changed = (*LINES[:place], line, *LINES[place + 1 :])
    interpreter = Interpreter()
    for lines in (LINES, changed, changed, LINES, (*LINES, "1-0:2.7.0(1*kW)"), changed, LINES[1:], LINES):
        (telegram, _), alone = interpreter.read(frame(*lines)), parse(*lines)
        assert [(obj.obis, obj.values, obj.candidates) for obj in telegram.objects] == [
            (obj.obis, obj.values, obj.candidates) for obj in alone.objects
        ]
        assert (telegram.malformed, telegram.timestamp, telegram.identification) == (
            alone.malformed,
            alone.timestamp,
            alone.identification,
        )


def test_another_country_is_another_clock() -> None:
    interpreter = Interpreter()
    line = "0-0:1.0.0(240711084500S)"
    offsets = []
    for identification in ("TST5\\TEST", "ESO5\\TEST", "TST5\\TEST"):
        timestamp = interpreter.read(frame(line, identification=identification))[0].timestamp
        assert timestamp is not None
        offsets.append(timestamp.isoformat()[-6:])
    assert offsets == ["+02:00", "+03:00", "+02:00"]


def test_a_frame_without_objects_leaves_no_trace() -> None:
    interpreter = Interpreter()
    first, _ = interpreter.read(frame("0-0:1.0.0(240711084500S)", identification="ESO5\\TEST"))
    with pytest.raises(TelegramError):
        interpreter.read(frame("hello"))
    second, _ = interpreter.read(frame("0-0:1.0.0(240711084501S)", identification="ESO5\\TEST"))
    assert first.country is second.country
    assert second.timestamp == datetime.fromisoformat("2024-07-11T08:45:01+03:00")
