"""No number is lost: objects that no row of the catalog knows, and rows of what few meters send."""

from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import Decoder, Level, Quantity, Reading, Rejected, RejectReason, Unit, present
from simulator import seal
from tests.p1.captures import MINIMAL, load, meters, read, read_capture, telegram

REGISTER = "1-0:1.8.1(000100.000*kWh)"


def sent(*lines: str) -> dict[str, tuple[str, Unit | None]]:
    """Return what the meters of a telegram have beside those of the least one, by channel."""
    known = {channel for meter in read(telegram(*MINIMAL)).meters for channel in meter.channels}
    return {
        channel_id: (str(value.value), value.unit)
        for meter in read(telegram(*MINIMAL, *lines)).meters
        for channel_id, value in meter.channels.items()
        if channel_id not in known
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1-0:1.9.77(000012.345*kWh)", {"obis_1_0_1_9_77": ("12.345", Unit.KILO_WATT_HOUR)}),
        ("1-0:71.9.0(-0.5*mA)", {"obis_1_0_71_9_0": ("-0.5", Unit.MILLI_AMPERE)}),
        ("0-0:94.1.1(021.5*degC)", {"obis_0_0_94_1_1": ("21.5", Unit.DEGREE_CELSIUS)}),
        ("1-1:94.1.1(1*m3/h)", {"obis_1_1_94_1_1": ("1", Unit.CUBIC_METRE_PER_HOUR)}),
        ("1-0:94.1.1(240311084500W)(1*bar)", {"obis_1_0_94_1_1": ("1", Unit.BAR)}),
        ("1-0:94.1.1(1*bar)(240311084500W)", {"obis_1_0_94_1_1": ("1", Unit.BAR)}),
    ],
)
def test_a_number_with_a_unit_is_a_channel(line: str, expected: dict[str, tuple[str, Unit | None]]) -> None:
    found = sent(line)
    assert {name: (str(Decimal(value)), unit) for name, (value, unit) in found.items()} == expected
    assert read(telegram(*MINIMAL, line)).unknown == ()


@pytest.mark.parametrize(
    "line",
    [
        "1-0:1.9.77(000012.345)", "1-0:1.9.77(text)", "1-0:1.9.77()", "1-0:1.9.77(1*furlong)", "1-0:1.9.77*3(1*kWh)",
        "1-0:1.9.77(1*kWh)(2*kWh)", "1-0:1.9.77(240311084500W)", "1-0:1.9.77(240311084500W)(1*kWh)(2*kWh)",
        "1-0:1.8.2(1*V)",
    ],
)  # fmt: skip
def test_anything_else_is_unknown(line: str) -> None:
    (unknown,) = read(telegram(REGISTER, line)).unknown
    assert f"{unknown.obis}{unknown.raw}" == line


def test_a_meter_that_moves_keeps_its_channels() -> None:
    for channel in (1, 4):
        lines = (f"0-{channel}:24.1.0(003)", f"0-{channel}:24.9.1(240311084500W)(00012.5*m3)")
        meter = meters(read(telegram(*MINIMAL, *lines)))[f"mbus_{channel}"]
        assert meter.profile.registered
        assert meter.channels["obis_0_n_24_9_1"].value == Decimal("12.5")
        assert str(meter.profile.sources["obis_0_n_24_9_1"]) == f"0-{channel}:24.9.1"


def test_it_is_shown_in_a_unit_of_home_assistant() -> None:
    shown = present(meters(read(telegram(*MINIMAL, "1-0:71.9.0(0.005*kA)", "1-0:1.9.77(1*GWh)")))["electricity"])
    assert (shown["obis_1_0_71_9_0"].value, shown["obis_1_0_71_9_0"].unit) == (Decimal(5), Unit.AMPERE)
    assert (shown["obis_1_0_1_9_77"].value, shown["obis_1_0_1_9_77"].unit) == (Decimal(1), Unit.GIGA_WATT_HOUR)
    row = shown["obis_1_0_1_9_77"].channel
    assert (row.quantity, row.level, row.index) == (Quantity.MEASURED, Level.RARE, "1-0:1.9.77")


def test_without_check_sum_an_unknown_reference_must_come_twice() -> None:
    def feed(reference: str) -> Reading | Rejected:
        (event,) = decoder.feed(telegram(REGISTER, f"{reference}(01.500*kW)", has_crc=False))
        return event

    decoder = Decoder()
    for _ in range(2):
        assert isinstance(feed("1-0:1.7.0"), Reading)
    # One wrong bit: 0 becomes 8.
    assert feed("1-0:1.7.8") == Rejected(
        RejectReason.MALFORMED, len(telegram(REGISTER, "1-0:1.7.8(01.500*kW)", has_crc=False)) - 2
    )
    for _ in range(2):
        event = feed("1-0:1.7.0")
        assert isinstance(event, Reading)
        assert "emeter_actual_delivery" in meters(event)["electricity"].channels
    assert isinstance(feed("1-0:1.7.8"), Rejected)
    event = feed("1-0:1.7.8")
    assert isinstance(event, Reading)
    assert "obis_1_0_1_7_8" in meters(event)["electricity"].channels


def test_a_value_that_changes_is_read_like_those_of_the_catalog() -> None:
    decoder = Decoder()
    for number in range(3):
        (event,) = decoder.feed(telegram(*MINIMAL, f"1-0:1.9.77(00001.{number}00*kWh)"))
        assert isinstance(event, Reading)
        assert meters(event)["electricity"].channels["obis_1_0_1_9_77"].value == Decimal(f"1.{number}")


# Rows of what few meters send.


def test_five_tariffs_and_their_total() -> None:
    shown = meters(read_capture("sagemcom_t211_emucs_five_tariffs.telegram"))["electricity"].channels
    assert shown["emeter_delivery_tariff5"].value == Decimal("56.625")
    assert shown["energy_import_total"].value == Decimal("792.875")
    assert shown["energy_export_total"].value == Decimal("78.015")


@pytest.mark.parametrize("register", ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "15", "16", "21", "42", "61"])
def test_every_register_has_ten_tariffs(register: str) -> None:
    lines = [f"1-0:{register}.8.{tariff}(00000{tariff}.000*kWh)" for tariff in range(10)]
    unit = {
        "3": "kvarh",
        "4": "kvarh",
        "5": "kvarh",
        "6": "kvarh",
        "7": "kvarh",
        "8": "kvarh",
        "9": "kVAh",
        "10": "kVAh",
    }
    reading = read(telegram(*(line.replace("kWh", unit.get(register, "kWh")) for line in lines)))
    assert reading.unknown == ()
    sources = meters(reading)["electricity"].profile.sources
    found = {str(obis): channel_id for channel_id, obis in sources.items() if obis is not None}
    assert len(found) == 10
    assert not any(channel_id.startswith("obis_") for channel_id in found.values())


def test_flow_and_temperatures_of_a_heat_meter() -> None:
    shown = present(meters(read_capture("iskra_am550_dsmr50_heat_flow.telegram"))["mbus_1"])
    assert {name: (str(shown[name].value), shown[name].unit) for name in shown if name.startswith("heat_")} == {
        "heat_flow": ("0.000", Unit.CUBIC_METRE_PER_HOUR),
        "heat_temperature_supply": ("70.5", Unit.DEGREE_CELSIUS),
        "heat_temperature_supply_timestamp": ("None", None),
        "heat_temperature_return": ("35.0", Unit.DEGREE_CELSIUS),
        "heat_energy": ("123.456", Unit.WATT_HOUR),
        "heat_energy_timestamp": ("None", None),
    }


def test_two_firmwares_ratios_and_names() -> None:
    found = sent(
        "1-0:0.2.0(01.10)", "1-1:0.2.0(02.20)", "1-0:0.2.8(AAAA)", "1-1:0.2.8(BBBB)", "1-0:42.1.0(414243)",
        "1-0:0.4.2(00005)", "1-0:0.4.3(1)",
    )  # fmt: skip
    assert {name: value for name, (value, _) in found.items()} == {
        "firmware_version": "01.10",
        "firmware_version_application": "02.20",
        "firmware_checksum": "AAAA",
        "firmware_checksum_application": "BBBB",
        "device_name": "ABC",
        "current_transformer_ratio": "5",
        "voltage_transformer_ratio": "1",
    }


def test_a_clock_of_two_objects_has_channels() -> None:
    for medium in (0, 1):
        found = sent(f"{medium}-0:0.9.1(222553)", f"{medium}-0:0.9.2(251002)")
        assert set(found) == {"clock_time", "clock_date"}


@pytest.mark.parametrize(
    "line",
    [
        "0-0:98.1.1(2)(1-0:1.8.0)(kWh)(1-0:1.7.0)(kW)(240311000000W)(12.5)(0.250)(240311001500W)(12.6)(0.300)",
        "0-0:98.1.1(2)(1-0:1.8.0)(1-0:1.7.0)(240311000000W)(12.5*kWh)(0.250*kW)(240311001500W)(12.6*kWh)(0.300*kW)",
        "0-0:98.1.1(2)(1.8.0)(1.7.0)(240311000000W)(12.5*kWh)(0.250*kW)(240311001500W)(12.6*kWh)(0.300*kW)",
    ],
)
def test_a_load_profile_has_columns(line: str) -> None:
    for reference, prefix in (
        ("0-0:98.1.1", "load_profile2"),
        ("0-0:98.1.0", "load_profile"),
        ("1-0:99.1.0", "load_profile3"),
    ):
        found = sent(line.replace("0-0:98.1.1", reference))
        assert found == {
            f"{prefix}_entries": ("2", None),
            f"{prefix}_timestamp0": ("2024-03-11 00:00:00+01:00", None),
            f"{prefix}_column1_value0": ("12.5", Unit.KILO_WATT_HOUR),
            f"{prefix}_column2_value0": ("0.250", Unit.KILO_WATT),
            f"{prefix}_timestamp1": ("2024-03-11 00:15:00+01:00", None),
            f"{prefix}_column1_value1": ("12.6", Unit.KILO_WATT_HOUR),
            f"{prefix}_column2_value1": ("0.300", Unit.KILO_WATT),
        }


def test_a_load_profile_with_a_status_among_its_columns() -> None:
    """A Kaifa in Israel sends the last quarter of an hour."""
    found = sent(
        "1-0:99.1.0(1)(0-0:96.10.7)(1-0:1.29.0)(1-0:2.29.0)(240311001500W)(00)(000000.165*kWh)(000000.000*kWh)"
    )
    assert found == {
        "load_profile3_entries": ("1", None),
        "load_profile3_timestamp0": ("2024-03-11 00:15:00+01:00", None),
        "load_profile3_column1_value0": ("0", None),
        "load_profile3_column2_value0": ("0.165", Unit.KILO_WATT_HOUR),
        "load_profile3_column3_value0": ("0.000", Unit.KILO_WATT_HOUR),
    }


def test_a_load_profile_of_more_columns_than_are_known_is_unknown() -> None:
    line = "0-0:98.1.1(1)" + "(1-0:1.8.0)" * 9 + "(240311000000W)" + "(1*kWh)" * 9
    assert [str(obj.obis) for obj in read(telegram(*MINIMAL, line)).unknown] == ["0-0:98.1.1"]


def test_values_behind_those_that_are_known_are_numbered() -> None:
    found = sent("0-0:98.1.0(230701000000S)" + "(000001.000*kWh)" * 25)
    assert found["month_end_value24"] == ("1.000", Unit.KILO_WATT_HOUR)


def test_a_profile_broken_over_lines_with_registers_inside() -> None:
    decoder = Decoder()
    for number in range(3):
        lines = (
            "0-0:98.1.0(240301000000W)",
            f"1-0:1.8.1(00005{number}.000*kWh)",
            "1-0:1.8.2(000020.000*kWh)",
            "1-0:1.7.0(1*kW)",
        )
        (event,) = decoder.feed(telegram(*MINIMAL, *lines))
        assert isinstance(event, Reading)
        shown = meters(event)["electricity"].channels
        assert shown["emeter_delivery_tariff1"].value == Decimal(100)
        assert shown["month_end_value0"].value == Decimal(50 + number)
        assert shown["month_end_value1"].value == Decimal(20)
        assert shown["emeter_actual_delivery"].value == Decimal(1)


# Which meter it is.


@pytest.mark.parametrize(("identifier", "kind"), [("G0030", "gas"), ("W0030", "water"), ("K0030", "generic")])
def test_a_meter_without_device_type_is_told_by_its_identifier(identifier: str, kind: str) -> None:
    lines = (f"0-1:96.1.0({identifier.encode().hex()})", "0-1:24.2.1(240311084500W)(00012.5*m3)")
    assert meters(read(telegram(*MINIMAL, *lines)))["mbus_1"].profile.kind == kind


def test_a_placeholder_is_no_meter() -> None:
    reading = read(telegram(*MINIMAL, "0-2:24.1.0()", "0-2:96.1.0()", "0-2:24.2.1(0)"))
    assert set(meters(reading)) == {"p1", "electricity"}
    assert reading.unknown == ()


def test_a_port_without_the_object_for_texts_has_the_type_of_its_version() -> None:
    for capture, line, expected in (
        ("metcom_mcs301_dsmr50.telegram", b"0-0:96.13.0()\r\n", "device_v5"),
        ("landis_e350_dsmr404.telegram", b"0-0:96.13.1()\r\n", "device_v4"),
        # The main meter is of another standard, and no version of DSMR is that of the port.
        ("sagemcom_t210_austria.telegram", b"", "device"),
    ):
        octets = load(capture)
        assert line in octets
        text = octets.rpartition(b"!")[0].replace(line, b"") + b"!"
        assert meters(read(seal(text)))["p1"].profile.type_id == expected


# Polish meters.

CIPHER = bytes.fromhex("00820030") + b"\x30" + bytes(4) + bytes(range(128, 128 + 43))


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("tail", [b"", b"\r\n"])
def test_a_bare_cipher_is_encrypted_in_a_form_that_is_not_supported(size: int, tail: bytes) -> None:
    octets = b"/EGM5G35\r\n\r\n" + CIPHER + tail + b"!2138\r\n"
    decoder = Decoder()
    stream = octets * 2 + telegram(*MINIMAL)
    events = [event for start in range(0, len(stream), size) for event in decoder.feed(stream[start : start + size])]
    wrong = [event for event in events if isinstance(event, Rejected)]
    assert {event.reason for event in wrong} == {RejectReason.UNSUPPORTED_ENCRYPTION}
    assert len(wrong) == 2
    assert sum(isinstance(event, Reading) for event in events) == 1


def test_half_a_cipher_waits_for_the_rest() -> None:
    decoder = Decoder()
    assert decoder.feed(b"/EGM5G35\r\n\r\n" + CIPHER[:20]) == []
    (event,) = decoder.finish()
    assert event == Rejected(RejectReason.UNSUPPORTED_ENCRYPTION, 32)
