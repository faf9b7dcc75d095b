"""Presentation: from a meter's own voice to what a household sees."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import Decoder, Meter, Presented, Reading, Unit, present
from custom_components.dsmr_p1.p1.cosem.values import Value
from tests.p1.captures import CAPTURES, EMUCS, meters, read, read_capture, telegram


def shown(*lines: str, slot: str = "electricity") -> Mapping[str, Presented]:
    return present(meters(read(telegram("1-0:1.8.1(1*kWh)", *lines)))[slot])


def pair(presented: Presented) -> tuple[Value, Unit | None]:
    return presented.value, presented.unit


@pytest.mark.parametrize(
    ("line", "channel_id", "value", "unit"),
    [
        ("1-0:1.8.2(006545766*Wh)", "emeter_delivery_tariff2", Decimal("6545.766"), "kWh"),
        ("1-0:1.8.2(000123.456*kWh)", "emeter_delivery_tariff2", Decimal("123.456"), "kWh"),
        ("1-0:1.7.0(000000286*W)", "emeter_actual_delivery", Decimal("0.286"), "kW"),
        ("1-0:15.7.0(000417*W)", "emeter_active_import_power", Decimal(417), "W"),
        ("1-0:31.7.0(791*mA)", "emeter_instant_current_l1", Decimal("0.791"), "A"),
        ("1-0:4.7.0(00.104)", "emeter_actual_reactive_production", Decimal("0.104"), "kvar"),
        ("0-0:17.0.0(77.376)", "emeter_active_threshold_smax", Decimal("77.376"), "kVA"),
        ("1-0:13.7.0(0.98)", "power_factor", Decimal("0.98"), None),
        ("0-0:96.7.21(00012)", "emeter_power_failures", Decimal(12), None),
        ("1-0:1.8.2()", "emeter_delivery_tariff2", None, "kWh"),
        ("0-0:96.14.0(0002)", "emeter_tariff_indicator", Decimal(2), None),
        ("0-0:96.14.0(TARIFF 2)", "emeter_tariff_indicator", Decimal(2), None),
        ("0-0:96.3.10(ON)", "emeter_switch_position", Decimal(1), None),
        ("0-0:96.3.10(off)", "emeter_switch_position", Decimal(0), None),
    ],
)
def test_a_value_is_scaled_to_the_unit_of_its_channel(
    line: str, channel_id: str, value: Value, unit: str | None
) -> None:
    presented = shown(line)[channel_id]
    assert pair(presented) == (value, unit)
    assert presented.channel.id == channel_id


def test_a_unit_that_cannot_be_scaled_is_kept() -> None:
    lines = ("0-1:24.1.0(004)", "0-1:96.1.0(47)", "0-1:24.2.1(240311084501W)(12*kWh)")
    assert pair(shown(*lines, slot="mbus_1")["emeter_value"]) == (Decimal(12), "kWh")


def test_an_entry_of_a_list_in_another_unit_is_kept_as_it_is() -> None:
    entry = shown("0-0:98.1.0(240701000000S)(000012.500*kvarh)")["month_end_value0"]
    assert pair(entry) == (Decimal("12.500"), "kvarh")


def test_a_register_of_an_unknown_meter_has_the_unit_it_sends() -> None:
    found = meters(read_capture("iskra_mt382_dsmr30_all_media.telegram"))["mbus_4"]
    assert pair(present(found)["genmeter_value_v3"]) == (Decimal("4402.500"), "dm³")


def in_turn(*bodies: tuple[str, ...]) -> Iterator[Meter]:
    """Give the main meter of one telegram after the other, as a port that goes on hears them."""
    decoder = Decoder()
    for lines in bodies:
        for reading in decoder.feed(telegram(*lines)):
            assert isinstance(reading, Reading)
            yield next(meter for meter in reading.meters if meter.profile.slot == "electricity")


def test_a_value_that_has_not_changed_is_presented_once() -> None:
    first, second = in_turn(
        ("1-0:1.8.1(1.000*kWh)", "1-0:1.7.0(00.100*kW)", "1-0:2.7.0(00.000*kW)"),
        ("1-0:1.8.1(1.000*kWh)", "1-0:1.7.0(00.200*kW)", "1-0:2.7.0(00.000*kW)"),
    )
    before = present(first)
    after = present(second, (first, before))
    assert after == present(second)
    kept = {channel_id for channel_id, shown in after.items() if shown is before[channel_id]}
    assert set(after) - kept == {"emeter_actual_delivery", "power_net"}


@pytest.mark.parametrize(
    "changed",
    [
        "1-0:99.97.0(1)(0-0:96.7.19)(240101000000W)(0000000060*s)",
        "1-0:99.97.0(1)(0-0:96.7.19)(000101000000W)(0000000060*s)",
        "1-0:99.97.0(2)(0-0:96.7.19)(000101000000W)(0000000060*s)(240101000000W)(0000000061*s)",
        "1-0:1.8.2(1.000*kWh)",
        "1-0:1.7.0(00.100*kW)",
    ],
)
def test_what_is_presented_again_is_what_would_be_presented_anew(changed: str) -> None:
    lines = ("1-0:1.8.1(1.000*kWh)", "1-0:99.97.0(1)(0-0:96.7.19)(240101000000W)(0000000050*s)")
    first, second, third = in_turn(lines, (lines[0], changed), lines)
    before = present(first)
    after = present(second, (first, before))
    assert after == present(second)
    assert present(third, (second, after)) == present(third)


@pytest.mark.parametrize(
    ("line", "channel_id", "value"),
    [
        ("0-0:17.0.0(999.9*kW)", "emeter_treshold_kw", None),
        ("0-0:17.0.0(0999.00*kW)", "emeter_treshold_kw", None),
        ("0-0:17.0.0(99.999*kW)", "emeter_treshold_kw", None),
        ("0-0:17.0.0(016.1*kW)", "emeter_treshold_kw", Decimal("16.1")),
        ("0-0:17.0.0(999*A)", "emeter_treshold_a", None),
        ("0-0:17.0.0(099*A)", "emeter_treshold_a", Decimal(99)),
        ("1-0:31.4.0(999*A)", "emeter_fuse_threshold_a", None),
        ("1-0:31.4.0(200.00*A)", "emeter_fuse_threshold_a", Decimal("200.00")),
        ("1-0:1.7.0(99.999*kW)", "emeter_actual_delivery", Decimal("99.999")),
    ],
)
def test_all_nines_mean_that_there_is_no_limit(line: str, channel_id: str, value: Value) -> None:
    assert shown(line)[channel_id].value == value


def test_entries_of_the_failure_log_that_cannot_be_are_dropped_and_the_rest_numbered_anew() -> None:
    found = meters(read_capture("kaifa_ma304_dsmr50_impossible_failures.telegram"))["electricity"]
    log = {channel_id: row for channel_id, row in present(found).items() if "failure_log" in channel_id}
    assert list(log) == [
        "emeter_power_failure_log_entries",
        "emeter_power_failure_log_timestamp0",
        "emeter_power_failure_log_duration0",
        "emeter_power_failure_log_timestamp1",
        "emeter_power_failure_log_duration1",
    ]
    assert [row.value for row in log.values() if row.unit == "s"] == [Decimal(185), Decimal(207)]
    assert log["emeter_power_failure_log_duration1"].channel.index == "1"
    assert log["emeter_power_failure_log_duration1"].timestamp == log["emeter_power_failure_log_timestamp1"].value
    # The meter's own voice has them all.
    assert "emeter_power_failure_log_duration4" in found.channels


@pytest.mark.parametrize("duration", ["", "2147483647*s", "4294967295*s"])
def test_a_failure_without_a_duration_is_none(duration: str) -> None:
    log = shown(f"1-0:99.97.0(1)(0-0:96.7.19)(230817101522S)({duration})")
    assert [channel_id for channel_id in log if "failure" in channel_id] == ["emeter_power_failure_log_entries"]


def test_a_log_without_entries() -> None:
    assert shown("1-0:99.97.0(0)(0-0:96.7.19)")["emeter_power_failure_log_entries"].value == 0


def test_monthly_peaks_have_their_time() -> None:
    found = present(meters(read_capture(EMUCS))["electricity"])
    newest, oldest = found["monthly_peak0"], found["monthly_peak12"]
    assert newest.timestamp == found["monthly_peak_timestamp0"].value
    assert newest.value is not None
    assert oldest.channel.index == "12"
    assert "monthly_peak13" not in found


def test_older_readings_are_not_shown() -> None:
    found = meters(read_capture("itron_ace4000.telegram"))["mbus_3"]
    assert "gmeter_24h_delivery_v2_history0" in found.channels
    presented = present(found)
    assert not [channel_id for channel_id in presented if "history" in channel_id]
    older = found.channels["gmeter_24h_delivery_v2_history0"]._replace(value=Decimal(1))
    changed = found._replace(channels={**found.channels, "gmeter_24h_delivery_v2_history0": older})
    assert present(changed, (found, presented)) == presented


def test_a_meter_that_is_not_registered_shows_nothing() -> None:
    found = meters(read_capture("iskra_am550_dsmr50_ghost.telegram"))
    assert present(found["mbus_1"]) == {}
    assert present(found["mbus_2"])


@pytest.mark.parametrize("capture", CAPTURES)
def test_everything_that_is_shown_fits_its_channel(capture: str) -> None:
    for meter in read_capture(capture).meters:
        for channel_id, presented in present(meter).items():
            assert presented.channel.id == channel_id
            if presented.channel.unit is not None:
                assert presented.unit is presented.channel.unit
