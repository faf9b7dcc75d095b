"""The plan: what is read of a telegram that is like the one before, and which values stay the same objects."""

from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import Decoder, Reading, Rejected, RejectReason, Role, Unit
from custom_components.dsmr_p1.p1.catalog.objects import METER_OBJECTS, PORT_OBJECTS
from custom_components.dsmr_p1.p1.meters.limits import is_total
from tests.p1.captures import MINIMAL, channels, meters, read, telegram

LINES = (
    *MINIMAL,
    "1-0:1.7.0(00.500*kW)",
    "1-0:2.7.0(00.000*kW)",
    "1-0:32.7.0(230.0*V)",
    "0-0:96.13.0()",
    "0-1:24.1.0(003)",
    "0-1:24.2.1(240311080000W)(00012.345*m3)",
)


def with_lines(*changes: tuple[str, str]) -> bytes:
    """Return the telegram with the lines that begin so replaced."""
    replaced = [next((line for head, line in changes if old.startswith(head)), old) for old in LINES]
    return telegram(*replaced)


def feed(decoder: Decoder, octets: bytes) -> Reading:
    [reading] = decoder.feed(octets)
    assert isinstance(reading, Reading)
    return reading


def changed(reading: Reading, before: Reading) -> dict[str, set[str]]:
    """Return the channels whose values are other objects than before; none of an unchanged meter, by slot."""
    return {
        slot: {i for i, value in meter.channels.items() if value is not meters(before)[slot].channels[i]}
        for slot, meter in meters(reading).items()
        if meter is not meters(before)[slot]
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("1-0:32.7.0", "1-0:32.7.0(231.0*V)"), {"electricity": {"emeter_instant_voltage_l1"}}),
        (("0-0:1.0.0", "0-0:1.0.0(240311084501W)"), {"p1": {"p1_timestamp"}}),
        (
            ("1-0:1.8.1", "1-0:1.8.1(000100.001*kWh)"),
            {"electricity": {"emeter_delivery_tariff1", "energy_import_total"}},
        ),
        (("1-0:1.7.0", "1-0:1.7.0(00.501*kW)"), {"electricity": {"emeter_actual_delivery", "power_net"}}),
        (
            ("0-1:24.2.1", "0-1:24.2.1(240311090000W)(00012.346*m3)"),
            {"mbus_1": {"m3meter_value", "m3meter_value_timestamp"}},
        ),
        (("nothing", ""), {}),
    ],
)
def test_only_what_changed_is_read(change: tuple[str, str], expected: dict[str, set[str]]) -> None:
    decoder = Decoder()
    before = feed(decoder, with_lines())
    reading = feed(decoder, with_lines(change))
    assert changed(reading, before) == expected
    assert reading.meters == read(with_lines(change)).meters
    for slot, meter in meters(reading).items():
        assert meter.profile is meters(before)[slot].profile


def test_the_totals_that_changed_are_handed_out() -> None:
    decoder = Decoder()
    before = feed(decoder, with_lines())
    assert before.detection.before is None
    changes = (
        ("1-0:1.7.0", "1-0:1.7.0(00.501*kW)"),
        ("1-0:1.8.1", "1-0:1.8.1(000100.001*kWh)"),
        ("0-1:24.2.1", "0-1:24.2.1(240311090000W)(00012.346*m3)"),
    )
    reading = feed(decoder, with_lines(*changes))
    assert reading.detection.before is before.meters
    assert [(slot, channel_id, value.value) for slot, channel_id, value in reading.detection.totals] == [
        ("electricity", "emeter_delivery_tariff1", Decimal("100.001")),
        ("mbus_1", "m3meter_value", Decimal("12.346")),
    ]


def test_only_the_first_value_of_a_line_is_a_total() -> None:
    parts = [part for row in (*PORT_OBJECTS, *METER_OBJECTS) for part in row.parts]
    assert parts
    assert not any(is_total(part, role, unit) for part in parts for role in Role for unit in Unit)


@pytest.mark.parametrize(
    "change",
    [
        ("0-0:96.13.0", "0-0:96.13.0(48656C6C6F)"),
        ("1-0:1.7.0", "1-0:1.7.0(0.5*kW)"),
        ("0-1:24.1.0", "0-1:24.1.0(007)"),
        ("1-0:32.7.0", "1-0:52.7.0(230.0*V)"),
        ("0-0:1.0.0", "0-0:1.0.9(240311084500W)"),
        ("1-3:0.2.8", "1-3:0.2.8(42)"),
    ],
)
def test_a_telegram_of_another_form_is_read_from_scratch(change: tuple[str, str]) -> None:
    decoder = Decoder()
    feed(decoder, with_lines())
    reading = feed(decoder, with_lines(change))
    assert reading.meters == read(with_lines(change)).meters
    assert changed(feed(decoder, with_lines(change)), reading) == {}


def test_a_telegram_that_is_refused_is_not_the_one_before() -> None:
    decoder = Decoder()
    before = feed(decoder, with_lines())
    double = telegram(*LINES, "1-0:1.8.1(000100.001*kWh)")
    assert [event.reason for event in decoder.feed(double) if isinstance(event, Rejected)] == [RejectReason.MALFORMED]
    reading = feed(decoder, with_lines(("1-0:1.7.0", "1-0:1.7.0(00.501*kW)")))
    assert changed(reading, before) == {"electricity": {"emeter_actual_delivery", "power_net"}}


def test_a_line_with_another_number_of_values_is_read_from_scratch() -> None:
    profile = "0-0:98.1.0(1)(0-1:24.2.1)(m3)(0-2:24.2.1)(m3)(240101000000W)(000012.3)(000004.5)"
    decoder = Decoder()
    feed(decoder, telegram(*MINIMAL, profile))
    other = telegram(*MINIMAL, profile.replace("(m3)", "(m2)", 1))
    reading, alone = feed(decoder, other), read(other)
    assert len(alone.telegram.objects[-1].values) != len(read(telegram(*MINIMAL, profile)).telegram.objects[-1].values)
    assert reading.telegram.objects == alone.telegram.objects
    assert reading.meters == alone.meters


def test_one_register_with_one_number_in_two_units_is_two_values() -> None:
    register = "1-0:1.8.1(000100.000*kWh)"
    assert isinstance(feed(Decoder(), telegram(*MINIMAL, register)), Reading)
    [event] = Decoder().feed(telegram(*MINIMAL, register.replace("kWh", "Wh")))
    assert isinstance(event, Rejected)
    assert event.reason is RejectReason.MALFORMED


def test_without_checksum_the_same_damage_twice_is_a_new_meter_only_in_a_row() -> None:
    good, other = ("1-0:1.8.1(000100.000*kWh)", "1-0:1.8.2(000200.000*kWh)"), ("1-0:1.8.1(00100.000*kWh)",)
    decoder = Decoder()
    believed = []
    for lines in (good, other, good, other, good, other, other):
        [event] = decoder.feed(telegram(*lines, has_crc=False))
        believed.append(isinstance(event, Reading))
    assert believed == [True, False, True, False, True, False, True]


def test_there_is_no_total_while_the_meters_own_is_missing() -> None:
    own = "1-0:1.8.0(000010.000*kWh)"
    tariffs = ("1-0:1.8.1(000004.000*kWh)", "1-0:1.8.2(000005.500*kWh)")
    decoder = Decoder()
    for lines, total in (((own, *tariffs), Decimal("10.000")), (tariffs, None), ((own, *tariffs), Decimal("10.000"))):
        reading = feed(decoder, telegram("1-3:0.2.8(50)", *lines))
        found = meters(reading)["electricity"].channels.get("energy_import_total")
        assert (found and found.value) == total
    assert channels(telegram(*tariffs))["energy_import_total"].value == Decimal("9.500")
