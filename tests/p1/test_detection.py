"""Detection: each capture and the meters in it, and what happens to these from one telegram to the next."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from custom_components.dsmr_p1.p1 import Decoder, MeterKind, Obis, Reading, Rejected, RejectReason, Unit, present
from custom_components.dsmr_p1.p1.cosem.countries import BELGIUM
from simulator import Household, TelegramBuilder, find_model
from tests.p1.captures import (
    CAPTURES,
    DSMR5,
    DSMR22,
    DSMR30,
    DSMR42,
    EMUCS,
    channels,
    load,
    meters,
    read,
    read_capture,
    specification,
    telegram,
    types,
)

# Capture -> the type of the port, the registered meters by slot, and the slots where none is registered.
EXPECTED: dict[str, tuple[str, dict[str, str], set[str]]] = {
    "easymeter_q3d.telegram": ("device", {"electricity": "electricity"}, set()),
    "fluvius_siconia_emucs_gas_water.telegram": (
        "device_emucs_v1_0",
        {"electricity": "electricity_emucs_v1_0", "mbus_1": "gas_emucs_v1_0", "mbus_2": "water"},
        set(),
    ),
    "fluvius_siconia_emucs_no_peaks.telegram": (
        "device_emucs_v1_0",
        {"electricity": "electricity_emucs_v1_0", "mbus_1": "gas_emucs_v1_0"},
        set(),
    ),
    "fluvius_siconia_emucs_units_without_asterisk.telegram": (
        "device_emucs_v1_0",
        {"electricity": "electricity_emucs_v1_0", "mbus_1": "gas_emucs_v1_0"},
        set(),
    ),
    "holley_dtsd545_dsmr50_slash.telegram": ("device_v5", {"electricity": "electricity_v5_0"}, set()),
    "iskra_am550_dsmr50_3phase.telegram": (
        "device_v5",
        {"electricity": "electricity_v5_0", "mbus_1": "m3_v5_0"},
        set(),
    ),
    "iskra_am550_dsmr50_ghost.telegram": (
        "device_v5",
        {"electricity": "electricity_v5_0", "mbus_2": "m3_v5_0"},
        {"mbus_1"},
    ),
    "iskra_am550_dsmr50_heat_flow.telegram": (
        "device",
        {"electricity": "electricity_v3_0", "mbus_1": "heating"},
        set(),
    ),
    "iskra_am550_dsmr50_heat_slave.telegram": (
        "device_v5",
        {
            "electricity": "electricity_v5_0",
            "mbus_1": "m3_v5_0",
            "mbus_2": "gj_v5_0",
            "mbus_3": "slave_electricity_v5",
        },
        set(),
    ),
    "iskra_am550_dsmr50_long_text.telegram": ("device_v5", {"electricity": "electricity_v5_0"}, set()),
    "iskra_am550_dsmr50_two_gas.telegram": (
        "device_v5",
        {"electricity": "electricity_v5_0", "mbus_1": "m3_v5_0", "mbus_2": "m3_v5_0"},
        set(),
    ),
    "iskra_ie5_belgium.telegram": ("device", {"electricity": "electricity"}, set()),
    "iskra_me382_dsmr40_four_meters.telegram": (
        "device_v4",
        {
            "electricity": "electricity_v4_0",
            "mbus_1": "m3_v4",
            "mbus_2": "m3_v4",
            "mbus_3": "gj_v4",
            "mbus_4": "slave_electricity_v4",
        },
        set(),
    ),
    "iskra_mt382_dsmr21.telegram": ("device_v2_v3", {"electricity": "electricity_v2_1", "gas": "gas_v2_1"}, set()),
    "iskra_mt382_dsmr22.telegram": ("device_v2_v3", {"electricity": "electricity_v2_2", "gas": "gas_v2_2"}, set()),
    "iskra_mt382_dsmr22_all_media.telegram": (
        "device_v2_v3",
        {
            "electricity": "electricity_v2_2",
            "cooling": "cooling_v2_2",
            "gas": "gas_v2_2",
            "heating": "heating_v2_2",
            "water": "water_v2_2",
        },
        set(),
    ),
    "iskra_mt382_dsmr30.telegram": ("device_v2_v3", {"electricity": "electricity_v3_0", "mbus_1": "gas_v3_0"}, set()),
    "iskra_mt382_dsmr30_all_media.telegram": (
        "device_v2_v3",
        {
            "electricity": "electricity_v3_0",
            "mbus_1": "gas_v3_0",
            "mbus_2": "water_v3_0",
            "mbus_3": "gj_v3_0",
            "mbus_4": "generic_v3_0",
        },
        set(),
    ),
    "itron_ace4000.telegram": ("device", {"electricity": "electricity_ace4000", "mbus_3": "gas_ace4000"}, set()),
    "itron_ace4000_all_meters.telegram": (
        "device",
        {
            "electricity": "electricity_ace4000",
            "mbus_1": "slave_electricity1_ace4000",
            "mbus_2": "slave_electricity2_ace4000",
            "mbus_3": "gas_ace4000",
            "mbus_4": "heating_ace4000",
            "mbus_5": "water_ace4000",
            "mbus_6": "cooling_ace4000",
        },
        set(),
    ),
    "itron_warmtelink.telegram": ("device_v4", {"mbus_1": "gj_v5_0"}, set()),
    "itron_warmtelink_crc_3digits.telegram": ("device_v5", {"mbus_1": "gj_v5_0"}, set()),
    "kaifa_ma105_dsmr50_1phase.telegram": (
        "device_v5",
        {"electricity": "electricity_v5_0", "mbus_1": "m3_v5_0"},
        set(),
    ),
    "kaifa_ma304_dsmr42.telegram": ("device_v4", {"electricity": "electricity_v4_2", "mbus_1": "m3_v5_0"}, set()),
    "kaifa_ma304_dsmr42_unregistered.telegram": ("device_v4", {"electricity": "electricity_v4_2"}, {"mbus_1"}),
    "kaifa_ma304_dsmr50_impossible_failures.telegram": (
        "device_v5",
        {"electricity": "electricity_v5_0", "mbus_1": "m3_v5_0"},
        set(),
    ),
    "kamstrup_162jx_dsmr30_single_line.telegram": (
        "device_v2_v3",
        {"electricity": "electricity_v3_0", "mbus_1": "gas_v3_0"},
        set(),
    ),
    "kamstrup_omnipower_sweden.telegram": ("device", {"electricity": "electricity"}, set()),
    "landis_e350_dsmr404.telegram": ("device_v4", {"electricity": "electricity_v4_0_4", "mbus_1": "m3_v4"}, set()),
    "landis_e360_finland.telegram": ("device", {"electricity": "electricity"}, set()),
    "landis_e450_lithuania.telegram": ("device", {"electricity": "electricity"}, set()),
    "landis_zcf110_dsmr40.telegram": ("device_v4", {"electricity": "electricity_v4_0", "mbus_1": "m3_v4"}, set()),
    "metcom_mcs301_dsmr50.telegram": ("device_v5", {"electricity": "electricity_v5_0"}, set()),
    "sagemcom_t210_austria.telegram": ("device", {"electricity": "electricity_smarty_v1_0_austria"}, set()),
    "sagemcom_t210_austria_encrypted.bin": ("device", {"electricity": "electricity_smarty_v1_0_austria"}, set()),
    "sagemcom_t210_austria_minimum.telegram": ("device", {"electricity": "electricity_smarty_v1_0_austria"}, set()),
    "sagemcom_t210_dsmr50_gas_water.telegram": (
        "device_v5",
        {"electricity": "electricity_v5_0", "mbus_1": "m3_v5_0", "mbus_2": "m3_v5_0"},
        set(),
    ),
    "sagemcom_t210_smarty.telegram": (
        "device_v5",
        {"electricity": "electricity_smarty_v1_0", "mbus_1": "m3_v4"},
        set(),
    ),
    "sagemcom_t210_smarty_encrypted.bin": (
        "device_v5",
        {"electricity": "electricity_smarty_v1_0", "mbus_1": "m3_v4"},
        set(),
    ),
    "sagemcom_t210_smarty_without_units.telegram": ("device_v5", {"electricity": "electricity_smarty_v1_0"}, set()),
    # It has all objects of a DSMR 3 meter, and declares e-MUCS.
    "sagemcom_t211_emucs_five_tariffs.telegram": (
        "device_emucs_v1_0",
        {"electricity": "electricity", "mbus_1": "gas_emucs_v1_0"},
        set(),
    ),
    "sagemcom_xs210_dsmr42_cooling.telegram": (
        "device_v4",
        {"electricity": "electricity_v4_2", "mbus_1": "gj_v5_0"},
        set(),
    ),
    "sanxing_s34u18_hungary.telegram": ("device", {"electricity": "electricity"}, set()),
}


@pytest.mark.parametrize("capture", EXPECTED)
def test_meters_in_capture(capture: str) -> None:
    port, registered, unregistered = EXPECTED[capture]
    reading = read_capture(capture)
    assert types(reading) == registered
    found = meters(reading)
    assert found["p1"].profile.type_id == port
    assert {slot for slot, meter in found.items() if not meter.profile.registered} == unregistered


@pytest.mark.parametrize("capture", CAPTURES)
def test_nothing_in_a_capture_is_unknown(capture: str) -> None:
    reading = read_capture(capture)
    assert reading.unknown == ()
    assert reading.telegram.malformed == ()


@pytest.mark.parametrize("capture", CAPTURES)
def test_profiles_are_complete(capture: str) -> None:
    for meter in read_capture(capture).meters:
        profile = meter.profile
        assert set(profile.channel_types) == set(profile.sources) == set(meter.channels)
        assert all(channel.id == channel_id for channel_id, channel in profile.channel_types.items())
        assert profile.type is None or profile.type.id == profile.type_id
        if not profile.registered:
            assert profile.type is None


def test_every_meter_type_of_the_specification_is_in_a_capture() -> None:
    seen = {type_id for port, registered, _ in EXPECTED.values() for type_id in (port, *registered.values())}
    assert {row["thing_type_id"] for row in specification("meter_types")} <= seen


def mbus(channel: int, device_type: int, identifier: str, value: str) -> tuple[str, ...]:
    return (
        f"0-{channel}:24.1.0({device_type:03d})",
        f"0-{channel}:96.1.0({identifier.encode().hex()})",
        f"0-{channel}:24.2.1(240311084501W)({value})",
    )


def dsmr5(*lines: str) -> bytes:
    body = load(DSMR5).decode("latin-1").partition("0-1:")[0].split("\r\n")
    return telegram(*[line for line in body[2:] if line], *lines, identification=body[0][1:])


METERS = (
    (3, "GAS1", "00001.000*m3", "gas", "m3_v5_0", "m3meter_value"),
    (3, "GAS2", "00002.000*m3", "gas", "m3_v5_0", "m3meter_value"),
    (7, "WATER", "00003.000*m3", "water", "m3_v5_0", "m3meter_value"),
    (4, "HEAT", "00004.000*GJ", "heating", "gj_v5_0", "gjmeter_value_v4"),
    (2, "SLAVE", "000005.000*kWh", "electricity", "slave_electricity_v5", "emeter_value"),
)


@pytest.mark.parametrize("order", [*permutations(METERS, 4)], ids=lambda order: "-".join(meter[1] for meter in order))
def test_meters_on_any_channels_are_not_mixed_up(order: tuple[tuple[int, str, str, str, str, str], ...]) -> None:
    placed = tuple(enumerate(order, start=1))
    lines = [line for channel, meter in placed for line in mbus(channel, *meter[:3])]
    found = meters(read(dsmr5(*lines)))
    assert set(found) == {"p1", "electricity", "mbus_1", "mbus_2", "mbus_3", "mbus_4"}
    for channel, (_, identifier, value, kind, type_id, channel_id) in placed:
        meter = found[f"mbus_{channel}"]
        assert (meter.profile.kind, meter.profile.type_id) == (kind, type_id)
        assert meter.profile.equipment_identifier == identifier
        assert meter.profile.mbus_channel == channel
        assert str(meter.channels[channel_id].value) == value.lstrip("0").partition("*")[0]
        assert str(meter.profile.sources[channel_id]) == f"0-{channel}:24.2.1"


def follow(*telegrams: bytes) -> list[Reading]:
    """Return what one decoder makes of telegrams, one after the other."""
    decoder = Decoder()
    events = [event for octets in telegrams for event in (*decoder.feed(octets), *decoder.finish())]
    return [event for event in events if isinstance(event, Reading)]


def test_an_upgrade_over_night() -> None:
    # Without checksum, what is another meter is believed when it comes again.
    readings = follow(load(DSMR22), load(DSMR30), load(DSMR30), load(DSMR42), load(DSMR5), load(DSMR5))
    assert [meters(reading)["electricity"].profile.type_id for reading in readings] == [
        "electricity_v2_2",
        "electricity_v3_0",
        "electricity_v4_2",
        "electricity_v5_0",
        "electricity_v5_0",
    ]
    assert [max(types(reading)) for reading in readings] == ["gas", "mbus_1", "mbus_1", "mbus_1", "mbus_1"]


def test_a_meter_that_gets_registered() -> None:
    ghost = ("0-1:24.1.0(003)", "0-1:96.1.0()", "0-1:24.2.1(700101010000W)(00000000)")
    real = mbus(1, 3, "GAS", "00000.001*m3")
    zero = mbus(1, 3, "GAS", "00000.000*m3")
    stages = [("0-1:24.1.0(003)",), ("0-1:24.1.0(003)", "0-1:96.1.0(00000000)"), ghost, zero, real, ghost]
    readings = follow(*(dsmr5(*stage) for stage in stages))
    profiles = [meters(reading)["mbus_1"].profile for reading in readings]
    assert [profile.registered for profile in profiles] == [False, False, False, True, True, False]
    assert [profile.type_id for profile in profiles] == ["gas", "gas", "gas", "m3_v5_0", "m3_v5_0", "gas"]


@pytest.mark.parametrize(
    ("lines", "is_registered"),
    [
        (("0-1:24.2.1(240311084501W)(00000.000*m3)",), True),
        (("0-1:24.2.1(632525252525W)(00000.000)",), False),
        (("0-1:24.2.1(000101000000W)(00000.000*m3)",), False),
        (("0-1:24.2.1(632525252525W)(00012.000*m3)",), True),
        (("0-1:24.2.1()()",), False),
        (("0-1:24.2.3(240311084501W)(00001.000*m3)",), True),
        (("0-1:24.4.0(1)",), False),
        ((), False),
    ],
)
@pytest.mark.parametrize("identifier", ["", "00000000", "FFFFFFFF", "2D2D2D2D", "47415331"])
def test_a_reading_decides_whether_a_meter_is_registered_and_never_its_identifier(
    identifier: str, lines: tuple[str, ...], is_registered: bool
) -> None:
    profile = meters(read(dsmr5("0-1:24.1.0(003)", f"0-1:96.1.0({identifier})", *lines)))["mbus_1"].profile
    assert profile.registered is is_registered
    assert profile.equipment_identifier == ("GAS1" if identifier == "47415331" else None)
    assert profile.kind is MeterKind.GAS


def test_a_channel_with_nothing_but_a_switch_is_no_meter_and_not_unknown() -> None:
    reading = read(dsmr5("0-3:96.3.10(0)", "0-4:96.3.10(0)"))
    assert set(meters(reading)) == {"p1", "electricity"}
    assert reading.unknown == ()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0-1:24.2.1(240311084501W)(1.0*kWh)", "electricity"),
        ("0-1:24.2.1(240311084501W)(1.0*GJ)", "heating"),
        ("0-1:24.2.1(240311084501W)(1.0*MJ)", "heating"),
        ("0-1:24.2.3(240311084501W)(1.0*m3)", "gas"),
        ("0-1:24.2.1(240311084501W)(1.0*m3)", "generic"),
        ("0-1:24.2.1(240311084501W)(1.0)", "generic"),
    ],
)
@pytest.mark.parametrize("device_type", ["0-1:24.1.0()", "0-1:24.1.0(000)", "0-1:24.1.0(099)", "0-1:96.1.0(4E)"])
def test_without_a_device_type_the_unit_tells_what_a_meter_is(device_type: str, line: str, kind: str) -> None:
    assert meters(read(dsmr5(device_type, line)))["mbus_1"].profile.kind == kind


def test_the_device_type_decides_and_not_the_unit() -> None:
    found = meters(read(dsmr5(*mbus(1, 4, "HEAT", "00001.000*kWh"), *mbus(2, 6, "WARM", "00002.000*m3"))))
    assert (found["mbus_1"].profile.kind, found["mbus_1"].channels["emeter_value"].unit) == ("heating", "kWh")
    assert (found["mbus_2"].profile.kind, found["mbus_2"].profile.type_id) == ("water", "m3_v5_0")


def test_an_object_whose_unit_fits_nothing_is_unknown() -> None:
    reading = read(dsmr5(*mbus(1, 3, "GAS", "00001.000*m3"), "1-0:12.7.0(230.1*kWh)", "1-0:199.1.1(x)"))
    assert [str(obj.obis) for obj in reading.unknown] == ["1-0:12.7.0", "1-0:199.1.1"]


@pytest.mark.parametrize(
    ("text", "channel_id", "unit"),
    [
        ("040*A", "emeter_treshold_a", Unit.AMPERE),
        ("016.1*kW", "emeter_treshold_kw", Unit.KILO_WATT),
        ("27.600*kVA", "emeter_active_threshold_smax", Unit.KILO_VOLT_AMPERE),
        ("77.376", "emeter_active_threshold_smax", None),
    ],
)
def test_the_unit_tells_what_a_limit_is(text: str, channel_id: str, unit: Unit | None) -> None:
    found = channels(dsmr5(f"0-0:17.0.0({text})"))
    assert [name for name in found if "reshold" in name] == [channel_id]
    assert found[channel_id].unit is unit


def test_a_telegram_without_a_main_meter() -> None:
    found = meters(read_capture("itron_warmtelink.telegram"))
    assert set(found) == {"p1", "mbus_1"}
    assert found["p1"].channels["meter_equipment_identifier"].value == "ADE3100000010011"
    assert found["mbus_1"].channels["gjmeter_value_v4"].value == Decimal("61.208")


def test_a_value_of_a_list_of_hours_is_the_newest() -> None:
    gas = meters(read_capture("itron_ace4000.telegram"))["mbus_3"]
    newest = gas.channels["gmeter_24h_delivery_v2"]
    assert newest.timestamp == datetime.fromisoformat("2019-01-01T13:00:00+01:00")
    assert gas.channels["gmeter_24h_delivery_v2_timestamp"].value == newest.timestamp
    older = [gas.channels[f"gmeter_24h_delivery_v2_history{number}"].timestamp for number in range(23)]
    assert [newest.timestamp - when for when in older if when] == [timedelta(hours=hour) for hour in range(1, 24)]


def test_the_newest_hour_moves_through_the_list() -> None:
    """The meter writes each hour into its place of the day: the newest reading is on another line every hour."""
    model = find_model("ace4000")
    household = Household(seed=5, start=datetime(2026, 2, 18, 6, 30, tzinfo=UTC), region=model.region)
    builder = TelegramBuilder.create(model, household)
    decoder = Decoder()
    for _ in range(30):
        [event] = decoder.feed(builder.telegram())
        assert isinstance(event, Reading)
        newest = meters(event)["mbus_3"].channels["gmeter_24h_delivery_v2"].timestamp
        assert newest == household.now.replace(minute=0, second=0)
        household.advance(3600)


def test_a_register_that_is_sent_twice_is_one_channel() -> None:
    found = channels(dsmr5("0-0:96.13.0(41)", "1-0:13.7.0(0.5)", "1-0:13.7.0(0.5)"))
    assert not [name for name in found if "history" in name]


def test_another_text_of_an_object_is_not_lost() -> None:
    port = meters(read_capture("kaifa_ma309_poland.telegram"))["p1"]
    assert port.channels["p1_text_string"].value == "3"
    assert port.channels["p1_text_string_history0"].value == ""
    assert "p1_text_string_history0" not in present(port)


@pytest.mark.parametrize(
    "lines",
    [
        ("1-0:1.8.1(000100.000*kWh)",),
        ("1-0:32.7.0(100.0*V)",),
        ("1-0:1.8.1*255(000100.000*kWh)",),
        ("1-0:1.7.0(9*kW)",) * 3,
    ],
)
def test_one_register_with_two_values_makes_a_telegram_malformed(lines: tuple[str, ...]) -> None:
    decoder = Decoder()
    good, fused = dsmr5(), dsmr5(*lines)
    events = [event for octets in (good, fused, good, fused, fused, good) for event in decoder.feed(octets)]
    assert [isinstance(event, Reading) for event in events] == [True, False, True, False, False, True]
    assert events[1] == Rejected(RejectReason.MALFORMED, len(fused) - 6)


def test_one_register_twice_with_one_value_is_believed() -> None:
    line = next(line for line in load(DSMR5).decode().split("\r\n") if line.startswith("1-0:1.8.1"))
    changed = line.replace("(0", "(9")
    decoder = Decoder()
    [first] = decoder.feed(dsmr5(line))
    [second] = decoder.feed(dsmr5(changed))
    assert isinstance(first, Reading)
    assert isinstance(second, Rejected)


# Channels that follow from others.


def totals(decoder: Decoder, *lines: str) -> tuple[object, object, object]:
    [event] = decoder.feed(telegram(*lines))
    assert isinstance(event, Reading)
    found = meters(event)["electricity"]
    values = [found.channels.get(name) for name in ("energy_import_total", "energy_export_total", "power_net")]
    assert all(
        found.profile.sources[name] is None for name in ("energy_import_total", "power_net") if name in found.channels
    )
    return tuple(None if value is None else value.value for value in values)  # type: ignore[return-value]


IMPORT_1, IMPORT_2 = "1-0:1.8.1(000100.500*kWh)", "1-0:1.8.2(000200.250*kWh)"


def test_the_total_is_the_sum_of_the_tariffs() -> None:
    assert totals(Decoder(), IMPORT_1, IMPORT_2, "1-0:2.8.1(1*kWh)") == (Decimal("300.750"), Decimal(1), None)
    assert totals(Decoder(), IMPORT_1, IMPORT_2, "1-0:1.8.3(1*kWh)", "1-0:1.8.4(2*kWh)") == (
        Decimal("303.750"),
        None,
        None,
    )
    assert totals(Decoder(), "1-0:1.8.1(1500*Wh)", IMPORT_2) == (Decimal("201.750"), None, None)
    assert totals(Decoder(), "1-0:1.8.1(1500)", IMPORT_2) == (Decimal("1700.250"), None, None)


def test_the_meters_own_total_counts_and_is_never_added() -> None:
    assert totals(Decoder(), "1-0:1.8.0(301*kWh)", IMPORT_1, IMPORT_2) == (Decimal(301), None, None)
    assert totals(Decoder(), "1-0:1.8.0(006545766*Wh)") == (Decimal("6545.766"), None, None)


def test_there_is_no_total_unless_every_tariff_is_there() -> None:
    decoder = Decoder()
    assert totals(decoder, IMPORT_1, IMPORT_2)[0] == Decimal("300.750")
    assert totals(decoder, IMPORT_1)[0] is None
    assert totals(decoder, IMPORT_1, "1-0:1.8.2()")[0] is None
    assert totals(decoder, IMPORT_1, IMPORT_2)[0] == Decimal("300.750")


def test_the_total_follows_a_single_register() -> None:
    decoder = Decoder()
    assert totals(decoder, IMPORT_1, IMPORT_2)[0] == Decimal("300.750")
    assert totals(decoder, IMPORT_1, IMPORT_2.replace("200", "201"))[0] == Decimal("301.750")
    assert totals(decoder, IMPORT_1, IMPORT_2.replace("200", "201"))[0] == Decimal("301.750")


def test_what_follows_from_unchanged_values_is_unchanged() -> None:
    decoder = Decoder()
    power = ("1-0:1.7.0(01.500*kW)", "1-0:2.7.0(00.200*kW)")
    assert totals(decoder, IMPORT_1, *power) == (Decimal("100.500"), None, Decimal("1.300"))
    assert totals(decoder, IMPORT_1.replace("100", "101"), *power) == (Decimal("101.500"), None, Decimal("1.300"))


@pytest.mark.parametrize("odd", ["1-0:1.8.3(050000.000*kWh)", "1-0:1.8.0(050000.000*kWh)"])
def test_a_register_that_comes_once_is_no_tariff(odd: str) -> None:
    decoder = Decoder()
    for _ in range(3):
        assert totals(decoder, IMPORT_1, IMPORT_2)[0] == Decimal("300.750")
    for _ in range(2):
        assert totals(decoder, IMPORT_1, IMPORT_2, odd)[0] == Decimal("300.750")
        assert totals(decoder, IMPORT_1, IMPORT_2)[0] == Decimal("300.750")
    assert totals(decoder, IMPORT_1)[0] is None


def test_a_register_that_came_before_three_telegrams_without_it_is_no_tariff() -> None:
    decoder = Decoder()
    found = [totals(decoder, IMPORT_1, IMPORT_2, "1-0:1.8.3(050000.000*kWh)")[0]]
    found += [totals(decoder, IMPORT_1, IMPORT_2)[0] for _ in range(4)]
    assert found == [Decimal("50300.750"), None, None, None, Decimal("300.750")]


def test_a_tariff_that_is_new_counts_after_three_telegrams() -> None:
    decoder = Decoder()
    for _ in range(3):
        totals(decoder, IMPORT_1, IMPORT_2)
    found = [totals(decoder, IMPORT_1, IMPORT_2, "1-0:1.8.3(000000.500*kWh)")[0] for _ in range(4)]
    assert found == [Decimal("300.750")] * 3 + [Decimal("301.250")]


def test_another_meter_has_tariffs_of_its_own() -> None:
    """After an ACE4000 with a register for the total comes a meter without one."""
    readings = follow(load("itron_ace4000.telegram"), load(DSMR5))
    total = meters(readings[1])["electricity"].channels["energy_import_total"]
    assert total.value == Decimal("3184.402") + Decimal("2905.118")


@pytest.mark.parametrize(
    ("lines", "net"),
    [
        (("1-0:1.7.0(01.500*kW)", "1-0:2.7.0(00.200*kW)"), Decimal("1.300")),
        (("1-0:1.7.0(00.000*kW)", "1-0:2.7.0(00.200*kW)"), Decimal("-0.200")),
        (("1-0:1.7.0(000000286*W)", "1-0:2.7.0(000000000*W)"), Decimal("0.286")),
        (("1-0:1.7.0(1.5)", "1-0:2.7.0(0.5)"), Decimal(1)),
        (("1-0:1.7.0()", "1-0:2.7.0(00.200*kW)"), None),
        (("1-0:1.7.0(1.5*kW)",), None),
    ],
)
def test_net_power(lines: tuple[str, ...], net: Decimal | None) -> None:
    assert totals(Decoder(), IMPORT_1, *lines)[2] == net


# Countries, and where an object belongs.


@pytest.mark.parametrize(
    ("capture", "code"),
    [
        (DSMR5, "NL"),
        (EMUCS, "BE"),
        ("iskra_ie5_belgium.telegram", "BE"),
        ("sagemcom_t210_smarty.telegram", "LU"),
        ("sagemcom_t210_austria.telegram", "AT"),
        ("sanxing_s34u18_hungary.telegram", "HU"),
        ("kaifa_ma309_poland.telegram", None),
        ("kamstrup_omnipower_sweden.telegram", None),
        ("landis_e450_lithuania.telegram", "LT"),
        ("landis_e360_finland.telegram", None),
    ],
)
def test_the_country_of_a_meter(capture: str, code: str | None) -> None:
    countries = {meter.profile.country for meter in read_capture(capture).meters}
    assert {country and country.code for country in countries} == {code}


def test_an_emucs_version_is_belgian_whatever_the_identification() -> None:
    reading = read(telegram("0-0:96.1.4(50221)", IMPORT_1))
    assert meters(reading)["electricity"].profile.country is BELGIUM


def test_a_country_that_counts_the_main_meter_as_the_first() -> None:
    found = meters(read(telegram("1-1:1.8.0(000100.000*kWh)", "1-1:1.7.0(1*kW)", "1-2:1.8.0(000001.000*kWh)")))
    assert found["electricity"].channels["emeter_delivery_tariff0"].value == Decimal(100)
    assert found["mbus_2"].profile.kind == "electricity"


def test_a_phase_of_the_main_meter_on_another_channel_is_still_the_main_meters() -> None:
    found = channels(telegram("1-0:1.8.0(000100.000*kWh)", "1-1:31.4.0(040*A)(-040*A)"))
    assert found["emeter_fuse_threshold_a"].value == Decimal(40)


def test_the_identifier_of_a_meter() -> None:
    identifiers = {
        capture: meters(read_capture(capture))["electricity"].profile.equipment_identifier
        for capture in (
            DSMR5,
            DSMR22,
            "sanxing_s34u18_hungary.telegram",
            "easymeter_q3d.telegram",
            "iskra_ie5_belgium.telegram",
            "kaifa_ma309_poland.telegram",
        )
    }
    assert list(identifiers.values()) == [
        "E0050000000000501",
        "ISK02210000000101",
        "410028000120100",
        "1ESY0000000001",
        "91524100",
        "30000101",
    ]


def test_a_meter_of_which_nothing_changed_is_the_same_object() -> None:
    decoder = Decoder()
    [first] = decoder.feed(dsmr5(*mbus(1, 3, "GAS", "00001.000*m3")))
    [second] = decoder.feed(dsmr5(*mbus(1, 3, "GAS", "00001.000*m3")).replace(b"", b""))
    [third] = decoder.feed(dsmr5(*mbus(1, 3, "GAS", "00002.000*m3")))
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert isinstance(third, Reading)
    assert meters(second)["mbus_1"] is meters(first)["mbus_1"]
    assert meters(third)["electricity"] is meters(first)["electricity"]
    assert meters(first)["mbus_1"].channels["m3meter_value"].value == Decimal(1)
    assert meters(third)["mbus_1"].channels["m3meter_value"].value == Decimal(2)


def test_the_reference_of_a_channel_is_the_one_sent() -> None:
    sources = meters(read_capture(EMUCS))["mbus_2"].profile.sources
    assert sources["m3meter_value"] == Obis(0, 2, 24, 2, 1)


def test_meters_whose_lines_stand_mixed_each_get_their_values() -> None:
    gas = mbus(1, 3, "GAS", "00001.000*m3")
    decoder = Decoder()
    found = []
    for digit in "12":
        lines = (
            f"1-0:1.8.1({digit}*kWh)",
            *gas[:-1],
            gas[-1].replace("1.000", f"{digit}.000"),
            f"1-0:1.8.2({digit}*kWh)",
        )
        [event] = decoder.feed(telegram(*lines))
        assert isinstance(event, Reading)
        electricity, meter = meters(event)["electricity"].channels, meters(event)["mbus_1"].channels
        found.append([electricity["emeter_delivery_tariff1"].value, electricity["emeter_delivery_tariff2"].value])
        assert Decimal(digit) in [value.value for value in meter.values()]
    assert found == [[1, 1], [2, 2]]


def test_the_switch_of_a_port_without_electricity_is_no_switch_of_an_mbus_channel() -> None:
    [event] = Decoder().feed(telegram("0-0:96.3.10(1)", "0-2:96.3.10(1)", *mbus(1, 4, "HEAT", "00001.000*GJ")))
    assert isinstance(event, Reading)
    assert {"emeter_switch_position", "mbus_switch_position2"} <= set(meters(event)["p1"].channels)


PLACEHOLDERS = ("632525252525W)(00000.000*", "700101010000W)(00000.000*", "000101010000W)(00000.000*")
READING = "240311084500W)(00001.234*"


@pytest.mark.parametrize("unit", ["m3", "GJ"])
@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_a_meter_registers_with_its_first_reading_and_is_gone_with_its_last(placeholder: str, unit: str) -> None:
    decoder = Decoder()
    found = []
    for reading in (placeholder, READING, placeholder, READING, READING.replace("1.234", "0.000")):
        lines = ("1-0:1.8.1(1*kWh)", "0-1:24.1.0(003)", f"0-1:24.2.1({reading}{unit})")
        [event] = decoder.feed(telegram(*lines))
        [alone] = Decoder().feed(telegram(*lines))
        assert isinstance(event, Reading)
        assert isinstance(alone, Reading)
        assert meters(event) == meters(alone)
        found.append(meters(event)["mbus_1"].profile.registered)
    assert found == [False, True, False, True, True]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("1-1:31.4.0(040*A)(-040*A)",), ("1-1:31.4.0(040*kW)(-040*kW)",)),
        (("1-2:1.8.1()",), ("1-2:1.8.1(5)",)),
        (
            ("0-1:24.2.1(632525252525W)(00012.345*m3)", "0-1:24.2.1(240311084500W)(00001.234*m3)"),
            ("0-1:24.2.1(240311094500W)(00012.345*m3)", "0-1:24.2.1(240311084500W)(00001.234*m3)"),
        ),
    ],
    ids=["another unit of two values", "a first value", "a first time"],
)
def test_what_decides_between_meters_and_channels_is_seen_when_it_changes(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    decoder = Decoder()
    for lines in (first, second, first):
        [event] = decoder.feed(telegram("1-0:1.8.1(1*kWh)", "0-1:24.1.0(003)", *lines))
        [alone] = Decoder().feed(telegram("1-0:1.8.1(1*kWh)", "0-1:24.1.0(003)", *lines))
        assert isinstance(event, Reading)
        assert isinstance(alone, Reading)
        assert meters(event) == meters(alone)


def test_a_meter_stays_the_same_object_when_a_text_of_the_port_changes() -> None:
    decoder = Decoder()
    found = []
    for text in ("", "48656C6C6F"):
        [event] = decoder.feed(dsmr5(*mbus(1, 3, "GAS", "00001.000*m3"), f"0-0:96.13.1({text})"))
        assert isinstance(event, Reading)
        found.append(meters(event))
    assert found[0]["p1"] != found[1]["p1"]
    assert found[0]["electricity"] is found[1]["electricity"]
    assert found[0]["mbus_1"] is found[1]["mbus_1"]


def test_a_value_with_other_places_is_the_one_that_was_sent() -> None:
    decoder = Decoder()
    found = []
    for sent in ("1.20", "1.2"):
        [event] = decoder.feed(telegram(f"1-0:1.8.1({sent}*kWh)"))
        assert isinstance(event, Reading)
        found.append(str(meters(event)["electricity"].channels["emeter_delivery_tariff1"].value))
    assert found == ["1.20", "1.2"]


def test_an_unknown_object_that_changes_changes_no_meter() -> None:
    decoder = Decoder()
    found = []
    for number in "12":
        [event] = decoder.feed(telegram("1-0:1.8.1(1*kWh)", f"1-0:99.1.2({number})"))
        assert isinstance(event, Reading)
        assert [obj.raw for obj in event.unknown] == [f"({number})"]
        found.append(event.meters)
    assert all(before is after for before, after in zip(*found, strict=True))
