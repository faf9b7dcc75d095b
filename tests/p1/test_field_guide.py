"""Meters and bridges that differ from the standards: each case that is known from the field has a test of its name.

`test_1b_NN_…` are defects that other programs have had, `test_trap_2_N_…` the places where specifications and meters
disagree.
"""

from datetime import datetime, timedelta
from decimal import Decimal
import tracemalloc

import pytest

from custom_components.dsmr_p1.p1 import (
    Authentication,
    Decoder,
    Keys,
    Meter,
    Reading,
    Rejected,
    RejectReason,
    Unit,
    parse_key,
    present,
)
from custom_components.dsmr_p1.p1.wire.envelope import MAX_TELEGRAM
from simulator import V2_SETTINGS, LineSettings, crc16, encrypt, seal, transfer
from tests.p1.captures import (
    ACE4000,
    ADDITIONAL_KEY,
    AUSTRIA,
    DECRYPTION_KEY,
    DSMR5,
    DSMR22,
    EMUCS,
    SMARTY,
    channels,
    decode,
    load,
    meters,
    read,
    read_capture,
    telegram,
    types,
)

HOLLEY = "holley_dtsd545_dsmr50_slash.telegram"
WARMTELINK = "itron_warmtelink_crc_3digits.telegram"
HUNGARY = "sanxing_s34u18_hungary.telegram"
ENERGY = "1-0:1.8.1(000100.000*kWh)"


def value(octets: bytes, channel_id: str, slot: str = "electricity") -> object:
    return channels(octets, slot)[channel_id].value


# 1b. Defects of other programs.


def test_1b_01_hungarian_sensors_exist() -> None:
    found = meters(read_capture(HUNGARY))["electricity"].channels
    names = (
        "emeter_delivery_tariff0_antifraud",
        "power_factor",
        "power_factor_l1",
        "power_factor_l2",
        "power_factor_l3",
    )
    for name in (*names, "frequency", "month_end_value12"):
        assert isinstance(found[name].value, Decimal), name


def test_1b_02_a_failure_log_does_not_grow_from_telegram_to_telegram() -> None:
    decoder = Decoder()
    octets = [
        telegram(ENERGY, f"1-0:99.97.0(2)(0-0:96.7.19)(23081710{n:02d}22S)(642*s)(231129220107W)(3711*s)")
        for n in range(60)
    ]
    sizes = []
    for number in range(600):
        [event] = decoder.feed(octets[number % 60])
        assert isinstance(event, Reading)
        sizes.append(len(meters(event)["electricity"].channels))
        if number == 300:
            tracemalloc.start()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(sizes)) == 1
    assert peak < 200_000


@pytest.mark.parametrize("garbage", [b"\x00", b"/", b"1-0:1.8.0(1*kWh)\n", b"/X\n1-0:1.8.0(1*kWh)\n", b"\xdb\x08"])
def test_1b_03_garbage_does_not_fill_the_memory(garbage: bytes) -> None:
    decoder = Decoder()
    for _ in range(200):
        for _event in decoder.feed(garbage * (2000 // len(garbage))):
            pass
        assert decoder.pending <= 2 * (MAX_TELEGRAM + 2200)


def test_1b_04_a_slash_in_the_identification_line() -> None:
    assert read_capture(HOLLEY).telegram.identification == "HLY5/D545-METER"


@pytest.mark.parametrize("digits", ["00x00", "NaN", "Infinity", "1e99999999", "\xb2", "--5", ""])
def test_1b_05_a_value_that_is_no_number_costs_only_its_line(digits: str) -> None:
    reading = read(telegram(ENERGY, f"1-0:32.7.0({digits}*V)", "1-0:52.7.0(231.0*V)"))
    found = meters(reading)["electricity"].channels
    assert found["emeter_instant_voltage_l2"].value == Decimal(231)
    assert "emeter_instant_voltage_l1" not in found or found["emeter_instant_voltage_l1"].value is None


def test_1b_06_an_empty_list_of_monthly_peaks() -> None:
    reading = read_capture("fluvius_siconia_emucs_no_peaks.telegram")
    assert reading.unknown == ()
    assert meters(reading)["electricity"].channels["monthly_peak_entries"].value is None
    assert "monthly_peak0" not in present(meters(reading)["electricity"])


def test_1b_07_single_line_v3_reading_does_not_swallow_next_line() -> None:
    gas = meters(read_capture("kamstrup_162jx_dsmr30_single_line.telegram"))["mbus_1"].channels
    assert gas["gmeter_value_v3"].value == Decimal("1874.415")
    assert gas["meter_valve_switch_position"].value == 2


@pytest.mark.parametrize("gas_first", [True, False])
def test_1b_08_gas_never_shows_water(gas_first: bool) -> None:
    lines = [
        ("0-{n}:24.1.0(003)", "0-{n}:96.1.0(47)", "0-{n}:24.2.1(240311084501W)(01200.001*m3)"),
        ("0-{n}:24.1.0(007)", "0-{n}:96.1.0(57)", "0-{n}:24.2.1(240311084502W)(00055.000*m3)"),
    ]
    order = lines if gas_first else lines[::-1]
    found = meters(read(telegram(ENERGY, *[line.format(n=n) for n, part in enumerate(order, 1) for line in part])))
    gas, water = ("mbus_1", "mbus_2") if gas_first else ("mbus_2", "mbus_1")
    assert (found[gas].profile.kind, found[gas].channels["m3meter_value"].value) == ("gas", Decimal("1200.001"))
    assert (found[water].profile.kind, found[water].channels["m3meter_value"].value) == ("water", Decimal("55.000"))


def test_1b_09_both_belgian_gas_registers_on_one_channel() -> None:
    found = channels(
        telegram(
            ENERGY,
            "0-1:24.1.0(003)",
            "0-1:96.1.1(47)",
            "0-1:24.2.1(240311084501W)(00100.000*m3)",
            "0-1:24.2.3(240311084501W)(00105.000*m3)",
        ),
        "mbus_1",
    )
    assert (found["m3meter_value"].value, found["gmeter_last_value"].value) == (Decimal(100), Decimal(105))


def test_1b_10_a_text_with_blanks_and_other_signs() -> None:
    assert value(telegram(ENERGY, "0-0:96.13.0(Hallo, wereld! 5% [#] / \xe9\xb3)"), "p1_text_string", "p1")
    assert value(telegram(ENERGY, "0-0:96.13.0(48656C6C6F20)"), "p1_text_string", "p1") == "Hello"


def test_1b_11_the_first_telegram_counts_at_once() -> None:
    events = list(Decoder().feed(load(DSMR5)))
    assert isinstance(events[0], Reading)
    assert present(events[0].meters[1])["emeter_delivery_tariff1"].value == Decimal("3184.402")


def test_1b_12_the_unit_is_that_of_each_telegram() -> None:
    decoder = Decoder()
    ghost = ("0-1:24.1.0(003)", "0-1:96.1.0()", "0-1:24.2.1(700101010000W)(00000000)")
    real = ("0-1:24.1.0(003)", "0-1:96.1.0(47)", "0-1:24.2.1(240311084501W)(00001.000*m3)")
    units = []
    for lines in (ghost, real):
        [event] = decoder.feed(telegram(ENERGY, *lines))
        assert isinstance(event, Reading)
        units.append(meters(event)["mbus_1"].channels["m3meter_value"].unit)
    assert units == [None, Unit.CUBIC_METRE]
    [event] = decoder.feed(telegram("1-0:1.8.1(100000*Wh)", *real))
    assert isinstance(event, Reading)
    assert pair(event, "emeter_delivery_tariff1") == (Decimal(100), Unit.KILO_WATT_HOUR)


def pair(reading: Reading, channel_id: str, slot: str = "electricity") -> tuple[object, object]:
    shown = present(meters(reading)[slot])[channel_id]
    return shown.value, shown.unit


def test_1b_13_a_text_is_no_measurement() -> None:
    text = meters(read_capture(HUNGARY))["p1"].profile.channel_types["p1_text_string"]
    assert (text.quantity, text.unit) == ("text", None)


def test_1b_14_every_meter_of_a_kind_is_found() -> None:
    assert (
        len([kind for kind in types(read_capture("iskra_am550_dsmr50_two_gas.telegram")).values() if kind == "m3_v5_0"])
        == 2
    )
    assert (
        len(
            [
                kind
                for kind in types(read_capture("sagemcom_t210_dsmr50_gas_water.telegram")).values()
                if kind == "m3_v5_0"
            ]
        )
        == 2
    )


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("ADE3300000365302", "ADE3300000365302"), ("ADE33", "ADE33"), ("4130300042", "4130300042"), ("473030", "G00")],
)
def test_1b_15_an_identifier_that_is_no_hexadecimal_text_stays_as_it_is(sent: str, shown: str) -> None:
    lines = ("0-1:24.1.0(003)", f"0-1:96.1.0({sent})", "0-1:24.2.1(240311084501W)(1*m3)")
    assert meters(read(telegram(ENERGY, *lines)))["mbus_1"].profile.equipment_identifier == shown


def test_1b_16_an_encrypted_port_without_key_is_recognised() -> None:
    assert decode(load(SMARTY)) == [Rejected(RejectReason.NO_KEY, len(load(SMARTY)))]


# 2.1 Tariffs.


def test_trap_2_1_the_country_tells_which_tariff_is_low() -> None:
    lows = {
        capture: (country := meters(read_capture(capture))["electricity"].profile.country) and country.low_tariff
        for capture in (DSMR5, EMUCS, HUNGARY)
    }
    assert list(lows.values()) == [1, 2, 2]


def test_trap_2_1_austria_sends_the_total_and_the_tariffs() -> None:
    reading = read_capture("sagemcom_t210_austria.telegram")
    assert pair(reading, "energy_import_total") == (Decimal("6545.766"), "kWh")


def test_trap_2_1_up_to_four_tariffs() -> None:
    found = meters(read_capture("landis_e450_lithuania.telegram"))["electricity"].channels
    assert {f"emeter_delivery_tariff{number}" for number in range(5)} <= set(found)


def test_trap_2_1_energy_under_another_channel_of_the_main_meter() -> None:
    assert value(telegram("1-1:1.8.1(000100.000*kWh)", "1-1:1.8.2(000001.000*kWh)"), "energy_import_total") == Decimal(
        101
    )


def test_trap_2_1_antifraud_registers_of_the_ace4000() -> None:
    found = meters(read_capture(ACE4000))["electricity"].channels
    assert len([name for name in found if name.endswith("_antifraud")]) == 3


# 2.2 Gas.


@pytest.mark.parametrize(
    ("code", "kind"),
    [(2, "electricity"), (3, "gas"), (4, "heating"), (6, "water"), (7, "water"), (10, "cooling"), (12, "heating")],
)
def test_trap_2_2_the_role_comes_from_the_device_type(code: int, kind: str) -> None:
    reading = read(telegram(ENERGY, f"0-1:24.1.0({code:03d})", "0-1:96.1.0(47)", "0-1:24.2.1(240311084501W)(1.5*m3)"))
    assert meters(reading)["mbus_1"].profile.kind == kind


def test_trap_2_2_belgian_water_is_no_gas() -> None:
    water = meters(read_capture(EMUCS))["mbus_2"]
    assert (water.profile.kind, water.profile.type_id) == ("water", "water")
    assert water.profile.equipment_identifier == "8SEN0200000000603"


def test_trap_2_2_the_value_stands_before_the_time_in_version_2() -> None:
    gas = meters(read_capture(DSMR22))["gas"].channels["gmeter_24h_delivery_v2"]
    assert (gas.value, gas.timestamp) == (Decimal("2891.310"), datetime.fromisoformat("2012-03-07T00:00:00+01:00"))


@pytest.mark.parametrize("status", ["00", "08", "0A", "", "8\xb3"])
@pytest.mark.parametrize("when", ["140218160000", "140218160000W"])
def test_trap_2_2_the_status_of_version_3_may_be_anything(status: str, when: str) -> None:
    lines = ("0-1:24.1.0(03)", "0-1:96.1.0(47)", f"0-1:24.3.0({when})({status})(60)(1)(0-1:24.2.0)(m3)", "(01874.302)")
    reading = channels(telegram(ENERGY, *lines), "mbus_1")["gmeter_value_v3"]
    assert (reading.value, reading.unit) == (Decimal("1874.302"), Unit.CUBIC_METRE)
    assert reading.timestamp == datetime.fromisoformat("2014-02-18T16:00:00+01:00")


def test_trap_2_2_a_meter_that_was_taken_away_is_still_another_one() -> None:
    found = meters(read_capture("iskra_am550_dsmr50_two_gas.telegram"))
    old, new = found["mbus_1"].channels["m3meter_value"], found["mbus_2"].channels["m3meter_value"]
    assert old.timestamp is not None
    assert new.timestamp is not None
    assert new.timestamp - old.timestamp > timedelta(days=365)


# 2.3 Identifiers.


@pytest.mark.parametrize(
    ("line", "identifier"),
    [
        ("0-0:96.1.1(4B38)", "K8"),
        ("0-0:42.0.0(534147)", "SAG"),
        ("0-0:96.1.0(91524100)", "91524100"),
        ("0-0:96.1.255*255(1ESY0000000001)", "1ESY0000000001"),
        ("0-0:96.1.1(0000000000000000)", None),
        ("0-0:96.1.1(30303030303030)", None),
        ("0-0:96.1.1(FFFFFFFF)", None),
        ("0-0:96.1.1(2D2D2D2D2D2D)", None),
        ("0-0:96.1.1()", None),
    ],
)
def test_trap_2_3_identifiers(line: str, identifier: str | None) -> None:
    assert meters(read(telegram(ENERGY, line)))["electricity"].profile.equipment_identifier == identifier


def test_trap_2_3_the_identifier_of_a_water_meter_is_not_the_main_ones() -> None:
    found = meters(read_capture(EMUCS))
    identifiers = [found[slot].profile.equipment_identifier for slot in ("electricity", "mbus_1", "mbus_2")]
    assert identifiers == ["1SAG1100000000601", "7FLO2300000000602", "8SEN0200000000603"]


def test_trap_2_3_an_ean_is_no_identifier() -> None:
    lines = ("0-1:24.1.0(003)", "0-1:96.1.2(353431)", "0-1:24.2.3(240311084501W)(1*m3)")
    assert meters(read(telegram(ENERGY, *lines)))["mbus_1"].profile.equipment_identifier is None


# 2.4 Time.


def test_trap_2_4_the_flag_decides_the_hour_that_exists_twice() -> None:
    times = [read(telegram(ENERGY, f"0-0:1.0.0(241027023000{flag})")).telegram.timestamp for flag in "SW"]
    assert times[0] is not None
    assert times[1] is not None
    assert times[1] - times[0] == timedelta(hours=1)


@pytest.mark.parametrize("when", ["632525252525W", "632525252525S", "700101010000W", "000101010000W", "000000000000W"])
def test_trap_2_4_a_reading_of_nothing_at_a_time_before_the_clock_was_set(when: str) -> None:
    lines = ("0-1:24.1.0(003)", "0-1:96.1.0(47)", f"0-1:24.2.1({when})(00000.000)")
    assert not meters(read(telegram(ENERGY, *lines)))["mbus_1"].profile.registered


@pytest.mark.parametrize("when", ["150101000000W", "310101000000W", "000101000000W"])
def test_trap_2_4_a_telegram_is_believed_whatever_its_clock_says(when: str) -> None:
    assert value(telegram(f"0-0:1.0.0({when})", ENERGY), "emeter_delivery_tariff1") == Decimal(100)


def test_trap_2_4_warmtelink_has_another_clock() -> None:
    assert read_capture(WARMTELINK).telegram.timestamp is not None


def test_trap_2_4_failures_from_before_the_clock_was_set_are_dropped() -> None:
    shown = present(meters(read_capture("kaifa_ma304_dsmr42.telegram"))["electricity"])
    assert [name for name in shown if "failure_log" in name] == ["emeter_power_failure_log_entries"]


# 2.5 Framing and check sums.


def test_trap_2_5_no_check_sum_before_version_4() -> None:
    assert not read_capture(DSMR22).telegram.has_crc
    assert not read_capture("easymeter_q3d.telegram").telegram.has_crc


def test_trap_2_5_a_check_sum_of_three_digits() -> None:
    octets = load(WARMTELINK)
    assert len(octets.rpartition(b"!")[2].strip()) == 3
    assert read(octets).telegram.has_crc


def test_trap_2_5_a_check_sum_in_lower_case() -> None:
    head, mark, crc = load(DSMR5).rpartition(b"!")
    assert read(head + mark + crc.lower()).telegram.has_crc


def test_trap_2_5_holley_crc_x25() -> None:
    octets = load(HOLLEY)
    body, _, checksum = octets.rpartition(b"!")
    assert crc16(body + b"!") != int(checksum, 16)
    assert read(octets).telegram.has_crc


def test_trap_2_5_line_ends_of_bridges() -> None:
    octets = load(DSMR5)
    expected = read(octets).meters
    blank = octets.replace(b"\r\n", b"\r\n\r\n").replace(b"\r\n\r\n\r\n\r\n", b"\r\n\r\n", 1)
    for changed in (octets.replace(b"\r", b""), blank):
        assert read(changed).meters == expected


def test_trap_2_5_a_bridge_that_breaks_long_lines() -> None:
    text = meters(read_capture("iskra_am550_dsmr50_long_text.telegram"))["p1"].channels["p1_text_string"].value
    assert isinstance(text, str)
    assert len(text) > 600
    assert text.startswith("Uw netbeheerder werkt")


@pytest.mark.parametrize(
    "noise", [b"\x00" * 100, b"\xff" * 1024, b"\xff\x00" * 50, bytes.fromhex("FFFB01FFFB03FFFD00")]
)
def test_trap_2_5_noise_before_and_behind(noise: bytes) -> None:
    assert len(decode(noise + load(DSMR5) + noise + load(DSMR5) + noise)) == 2


def test_trap_2_5_a_nul_before_the_line_end() -> None:
    octets = load(DSMR5)
    assert read(octets[:-2] + b"\0\r\n").telegram.has_crc


@pytest.mark.parametrize(
    "identification", ["NWA-WARMTELINK", "WARMTELINK-VI\\", "ADN9 6534", "ABC5/D545", "\\FLU5\\253700601_A"]
)
def test_trap_2_5_identification_lines(identification: str) -> None:
    assert read(telegram(ENERGY, identification=identification)).telegram.identification == identification


@pytest.mark.parametrize(
    "line", ["1-0:1.8.1*255(100*kWh)", "1-0:1.8.1 (100*kWh)", "1-0:1.8.1((100*kWh))", "1-0:1.8.1(100*kWh)(-100*kWh)"]
)
def test_trap_2_5_odd_lines(line: str) -> None:
    assert value(telegram(line), "emeter_delivery_tariff1") == Decimal(100)


def test_trap_2_5_two_telegrams_in_one() -> None:
    lost = load(DSMR22).replace(b"!\r\n", b"") + load(DSMR22).partition(b"\r\n\r\n")[2].replace(b"04711", b"04712")
    assert decode(lost) == [Rejected(RejectReason.MALFORMED, len(lost) - 2)]


def test_trap_2_5_an_empty_slot_of_a_belgian_meter_is_no_meter() -> None:
    assert set(meters(read_capture(EMUCS))) == {"p1", "electricity", "mbus_1", "mbus_2"}


def test_trap_2_5_a_byte_above_7f() -> None:
    reading = read(telegram(ENERGY, "0-1:24.1.0(003)", "0-1:24.2.1(240311084501W)(1.5*m\xb3)", "0-0:96.13.0(\xff\xfe)"))
    assert meters(reading)["mbus_1"].channels["m3meter_value"].unit is Unit.CUBIC_METRE


def test_trap_2_5_a_telegram_of_eight_kilobytes() -> None:
    octets = telegram(
        ENERGY, *[f"1-0:99.{group}.{place}(0000000000000000)" for group in range(26) for place in range(10)]
    )
    assert 7000 < len(octets) < MAX_TELEGRAM
    assert len(read(octets).unknown) == 260


# 2.6 Encryption.


def test_trap_2_6_the_published_key_or_the_customers_own_or_none() -> None:
    keys = Keys(DECRYPTION_KEY)
    assert read(load(SMARTY), keys).authentication is Authentication.DEFAULT_KEY
    assert read(load(AUSTRIA), Keys(DECRYPTION_KEY, ADDITIONAL_KEY)).authentication is Authentication.ADDITIONAL_KEY
    assert read(load(AUSTRIA), keys).authentication is Authentication.NOT_VERIFIED


def test_trap_2_6_without_a_tag_only_with_a_check_sum() -> None:
    bare = encrypt(load(DSMR22), decryption_key=DECRYPTION_KEY, authentication_key=ADDITIONAL_KEY)
    assert decode(bare, Keys(DECRYPTION_KEY)) == [Rejected(RejectReason.DECRYPTION, len(bare))]


def test_trap_2_6_the_byte_db_in_the_ciphertext() -> None:
    keys = Keys(DECRYPTION_KEY)
    sealed = (encrypt(load(DSMR5), decryption_key=DECRYPTION_KEY, frame_counter=counter) for counter in range(3000))
    octets = next(octets for octets in sealed if b"\xdb\x08" in octets[2:])
    lost = octets[octets.index(b"\xdb\x08", 2) :]
    events = decode(lost + load(SMARTY) + next(sealed), keys)
    assert [type(event) for event in events[-2:]] == [Reading, Reading]


def test_trap_2_6_hdlc_is_named_and_not_guessed() -> None:
    hdlc = bytes.fromhex("7EA08BCEFF0313EEE1E6E700") + load(SMARTY)
    assert {event.reason for event in decode(hdlc * 3, Keys(DECRYPTION_KEY)) if isinstance(event, Rejected)} == {
        RejectReason.NOT_P1
    }


def test_trap_2_6_a_header_line_and_a_bare_cipher() -> None:
    stream = (b"/EGM5G15\r\n\r\n" + load(SMARTY)[40:600].replace(b"/", b".").replace(b"\xdb", b".")) * 20
    reasons = {event.reason for event in decode(stream) if isinstance(event, Rejected)}
    assert RejectReason.NOT_P1 in reasons or reasons == {RejectReason.TRUNCATED}
    assert not [event for event in decode(stream) if isinstance(event, Reading)]


@pytest.mark.parametrize(
    "pasted", ["0x00112233445566778899aabbccddeeff", "00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"]
)
def test_trap_2_6_keys_as_people_paste_them(pasted: str) -> None:
    assert parse_key(pasted) == bytes.fromhex("00112233445566778899aabbccddeeff")


# 2.7 Units.


@pytest.mark.parametrize(
    ("line", "channel_id", "expected"),
    [
        ("1-0:3.7.0(0.5*kVAr)", "emeter_actual_reactive_delivery", (Decimal("0.5"), "kvar")),
        ("1-0:3.8.0(0.5*kVArh)", "emeter_total_imported_energy_register_q", (Decimal("0.5"), "kvarh")),
        ("1-0:3.8.0(5610*varh)", "emeter_total_imported_energy_register_q", (Decimal("5.610"), "kvarh")),
        ("1-0:3.7.0(0.5)", "emeter_actual_reactive_delivery", (Decimal("0.5"), "kvar")),
        ("1-0:1.8.2(0.5*kWh )", "emeter_delivery_tariff2", (Decimal("0.5"), "kWh")),
        ("1-0:14.7.0(50.01*HZ)", "frequency", (Decimal("50.01"), "Hz")),
        ("1-0:1.8.2(0.5_kWh)", "emeter_delivery_tariff2", (Decimal("0.5"), "kWh")),
        ("1-0:1.8.2(0.5kWh)", "emeter_delivery_tariff2", (Decimal("0.5"), "kWh")),
        ("1-0:1.7.0(000000286*W)", "emeter_actual_delivery", (Decimal("0.286"), "kW")),
        ("1-0:31.7.0(791*mA)", "emeter_instant_current_l1", (Decimal("0.791"), "A")),
        ("1-0:31.7.0(000*A)", "emeter_instant_current_l1", (Decimal(0), "A")),
        ("0-0:17.0.0(999.9*kW)", "emeter_treshold_kw", (None, "kW")),
        ("0-0:17.0.0(99.999*kW)", "emeter_treshold_kw", (None, "kW")),
        ("1-0:31.4.0(999*A)", "emeter_fuse_threshold_a", (None, "A")),
        ("1-1:31.4.0(040*A)(-040*A)", "emeter_fuse_threshold_a", (Decimal(40), "A")),
    ],
)
def test_trap_2_7_units(line: str, channel_id: str, expected: tuple[object, str]) -> None:
    assert pair(read(telegram(ENERGY, line)), channel_id) == expected


def test_trap_2_7_heat_in_megajoules() -> None:
    lines = ("0-1:24.1.0(004)", "0-1:96.1.0(47)", "0-1:24.2.1(240311084501W)(1204*MJ)")
    assert pair(read(telegram(ENERGY, *lines)), "gjmeter_value_v4", "mbus_1") == (Decimal("1.204"), "GJ")


def test_trap_2_7_units_without_an_asterisk() -> None:
    reading = read_capture("fluvius_siconia_emucs_units_without_asterisk.telegram")
    assert reading.unknown == ()
    assert pair(reading, "emeter_delivery_tariff1") == (Decimal("1034.110"), "kWh")
    assert pair(reading, "gmeter_last_value", "mbus_1") == (Decimal("512.007"), "m³")


def test_trap_2_7_durations_without_unit_and_milliamperes() -> None:
    reading = read_capture("metcom_mcs301_dsmr50.telegram")
    assert pair(reading, "emeter_power_failure_log_duration0") == (Decimal(41), "s")
    assert pair(reading, "emeter_instant_current_l1") == (Decimal("0.791"), "A")


# 2.8 Physical.


def test_trap_2_8_seven_bits_with_parity_read_as_eight() -> None:
    octets = transfer(load(DSMR22) * 2, V2_SETTINGS, LineSettings(9600))
    assert [event.meters for event in decode(octets) if isinstance(event, Reading)] == [read_capture(DSMR22).meters] * 2


def test_trap_2_8_an_inverted_line_gives_no_telegram() -> None:
    inverted = bytes(byte ^ 0xFF for byte in load(DSMR5))
    assert not [event for event in decode(inverted * 20) if isinstance(event, Reading)]


# 2.9 The specification against its implementation.


def test_trap_2_9_the_slave_meter_has_the_documented_id() -> None:
    assert types(read_capture("iskra_am550_dsmr50_heat_slave.telegram"))["mbus_3"] == "slave_electricity_v5"


def test_trap_2_9_registers_are_totals_whatever_they_are_called() -> None:
    gas = meters(read_capture(DSMR22))["gas"].profile.channel_types
    assert gas["gmeter_24h_delivery_v2"].quantity == "volume"
    assert gas["gmeter_24h_delivery_v2"].meaning == "reading/"


def test_trap_2_9_demand_exists_where_a_meter_sends_it() -> None:
    assert value(telegram(ENERGY, "1-0:1.4.0(00.288*kW)"), "emeter_actual_demand") == Decimal("0.288")


# 2.10 Registers that lie.


def test_trap_2_10_a_zero_is_told_as_it_is() -> None:
    """Whether it is believed is a question for whoever knows what the register said before."""
    assert value(telegram(ENERGY, "1-0:2.8.1(000000.000*kWh)"), "emeter_production_tariff1") == Decimal(0)


def test_trap_2_10_a_telegram_hit_by_an_error_is_none() -> None:
    broken = load(DSMR5).replace(b"(003184.402", b"(353184.402")
    assert [event.reason for event in decode(broken) if isinstance(event, Rejected)] == [RejectReason.CRC]


def test_a_byte_lost_without_check_sum_is_no_wrong_number() -> None:
    """Without a checksum a lost or doubled byte shows in the form; a form that comes twice is a new one."""
    good = load("iskra_mt382_dsmr22.telegram")
    lost = good.replace(b"04711.231", b"0471.231")
    decoder = Decoder()
    events = [type(event) for octets in (good, lost, good, lost, lost) for event in decoder.feed(octets)]
    assert events == [Reading, Rejected, Reading, Rejected, Reading]


def test_a_reference_hit_without_check_sum_makes_no_total_wrong() -> None:
    good = load("iskra_mt382_dsmr22.telegram")
    decoder = Decoder()
    totals = [
        meter.channels["energy_import_total"].value
        for octets in (good, good.replace(b"1-0:1.8.1(", b"1-0:1.8.0("), good)
        for event in decoder.feed(octets)
        if isinstance(event, Reading)
        for meter in event.meters
        if "energy_import_total" in meter.channels
    ]
    assert len(totals) == 2
    assert totals[0] == totals[1]


@pytest.mark.parametrize(
    ("capture", "damage"),
    [
        ("iskra_mt382_dsmr22.telegram", (b"1-0:1.8.1(", b"1/0:1.8.1(")),
        ("iskra_mt382_dsmr30.telegram", (b"0-1:24.1.0(", b"0-1:24.10(")),
        ("iskra_mt382_dsmr30.telegram", (b"0-0:96.1.1(4B", b"0-0:96.1.1(4A")),
        ("iskra_mt382_dsmr30.telegram", (b"MT382", b"MT38")),
    ],
    ids=["a line becomes the identification", "a device type is lost", "another identifier", "another identification"],
)
def test_what_tells_the_meter_is_not_believed_once_without_check_sum(capture: str, damage: tuple[bytes, bytes]) -> None:
    good = load(capture)
    decoder = Decoder()
    events = [event for octets in (good, good, good.replace(*damage), good) for event in decoder.feed(octets)]
    readings = [event for event in events if isinstance(event, Reading)]
    assert [meter.channels for meter in readings[0].meters] == [meter.channels for meter in readings[-1].meters]
    assert len(readings) == 3
    assert decoder.memory.tariffs == {
        "emeter_delivery_tariff1",
        "emeter_delivery_tariff2",
        "emeter_production_tariff1",
        "emeter_production_tariff2",
    }


def test_a_status_that_changes_is_another_value_and_no_other_meter() -> None:
    good = load("easymeter_q3d.telegram")
    decoder = Decoder()
    events = [
        event
        for status in (b"80", b"82", b"84", b"82", b"80")
        for event in decoder.feed(good.replace(b"1-0:96.5.5*255(80)", b"1-0:96.5.5*255(" + status + b")"))
    ]
    assert [type(event) for event in events] == [Reading] * 5


def test_a_line_that_became_the_identification_is_no_telegram_without_check_sum() -> None:
    assert decode(b"/0:1.8.1(04711.231*kWh)\r\n1-0:1.8.2(05322.117*kWh)\r\n!\r\n") == [
        Rejected(RejectReason.MALFORMED, 52)
    ]


def meters_of(body: bytes) -> dict[str, Meter]:
    """Return the meters of a telegram, by slot; its lines are separated by blanks here."""
    lines = body.replace(b" ", b"\r\n")
    (event,) = Decoder().feed(seal(b"/" + lines + b"\r\n"))
    assert isinstance(event, Reading)
    return {meter.profile.slot: meter for meter in event.meters}


def test_trap_2_1_swiss_main_meter_leaves_channel_1_to_the_gas_meter() -> None:
    meters = meters_of(
        rb"GRE5\1 1-1:1.8.1(001595.070*kWh) 1-1:2.8.1(000000.000*kWh) 0-1:24.1.0(003)"
        b" 0-1:96.1.0(4730303332353635333139343338343139) 0-1:24.2.1(200923170000S)(00012.345*m3)"
    )
    assert meters["mbus_1"].profile.type_id == "m3_v5_0"
    assert "m3meter_value" not in meters["electricity"].channels


def test_trap_2_1_israeli_registers_count() -> None:
    meters = meters_of(b"KFM5KAIFA 1-0:1.8.11(000100.000*kWh) 1-0:1.8.12(000020.000*kWh) 0-0:96.14.1(03)")
    assert meters["electricity"].channels["energy_import_total"].value == Decimal("120.000")


def test_trap_2_2_both_volumes_of_a_water_meter_are_kept() -> None:
    meters = meters_of(
        b"FLU5 0-0:96.1.4(50221) 0-1:24.1.0(007) 0-1:24.2.1(200923170000S)(00012.345*m3)"
        b" 0-1:24.2.3(200923170000S)(00011.345*m3)"
    )
    values = {channel_id: value.value for channel_id, value in meters["mbus_1"].channels.items()}
    assert values["m3meter_value"] == Decimal("12.345")
    assert values["gmeter_last_value"] == Decimal("11.345")


def test_trap_2_4_a_placeholder_beside_a_reading_is_unknown() -> None:
    meters = meters_of(
        b"FLU5 0-0:1.0.0(000101000012W) 0-1:24.1.0(003) 0-1:96.1.2(2D2D2D2D)"
        b" 0-1:24.2.1(632525252525W)(00000.000*m3) 0-1:24.2.3(200923170000S)(00123.000*m3)"
    )
    shown = present(meters["mbus_1"])
    assert shown["m3meter_value"].value is None
    assert shown["meter_ean"].value is None
    assert shown["gmeter_last_value"].value == Decimal("123.000")
    assert present(meters["p1"])["p1_timestamp"].value is None


def test_trap_2_5_a_slash_in_a_text_begins_no_telegram() -> None:
    text = load("iskra_mt382_dsmr22.telegram").replace(b"0-0:96.13.0()", b"0-0:96.13.0(test-/-test)")
    (event,) = Decoder().feed(text)
    assert isinstance(event, Reading)
    assert "electricity" in {meter.profile.slot for meter in event.meters}


def test_trap_2_7_limits_for_import_and_export() -> None:
    meters = meters_of(rb"Lux5\1 1-0:1.8.0(000012.345*kWh) 1-1:31.4.0(100*A)(-063*A)")
    shown = present(meters["electricity"])
    assert shown["emeter_fuse_threshold_a"].value == Decimal(100)
    assert shown["emeter_fuse_threshold_a_export"].value == Decimal(-63)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"44C3A9666175740D0A", "D\xe9faut"),
        (b"44E9666175742031", "D\xe9faut 1"),
        (b"FF" * 1024, ""),
        (b"ADB3100000045771", "ADB3100000045771"),
        (b"0102", "0102"),
        (b"plain", "plain"),
    ],
)
def test_trap_2_5_messages_in_any_encoding(sent: bytes, read: str) -> None:
    meters = meters_of(b"ISK5 1-0:1.8.1(000012.345*kWh) 0-0:96.13.0(" + sent + b")")
    assert meters["p1"].channels["p1_text_string"].value == read


def test_trap_2_2_a_blank_between_unit_and_value() -> None:
    lines = b"/ISK5\r\n0-1:24.1.0(03)\r\n0-1:24.3.0(120517020000)(00)(60)(1)(0-1:24.2.1)(m3) (00124.477)\r\n!\r\n"
    (event,) = Decoder().feed(lines)
    assert isinstance(event, Reading)
    (gas,) = [meter for meter in event.meters if meter.profile.slot == "mbus_1"]
    assert gas.channels["gmeter_value_v3"].value == Decimal("124.477")


def test_trap_2_5_what_stands_twice_under_two_references_is_not_lost() -> None:
    lines = b"ESO5 1-0:1.8.0(000012.345*kWh) 1-0:0.2.0(02.13) 1-1:0.2.0(03.14)".replace(b" ", b"\r\n")
    (event,) = Decoder().feed(seal(b"/" + lines + b"\r\n"))
    assert isinstance(event, Reading)
    found = meters(event)["electricity"].channels
    assert (found["firmware_version"].value, found["firmware_version_application"].value) == ("02.13", "03.14")
    assert event.unknown == ()
