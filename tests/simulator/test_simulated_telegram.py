"""Telegrams of every model: form, sums, M-Bus."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import re

import pytest

from simulator import (
    EXAMPLE_DECRYPTION_KEY,
    MODELS,
    Household,
    Model,
    SlotState,
    TelegramBuilder,
    build_telegram,
    crc16,
    make_slots,
)
from simulator.mbus import invent_identifier

type Decrypt = Callable[[bytes, bytes, bytes], bytes]

START = datetime(2026, 2, 18, 16, 20, tzinfo=UTC)


def household_of(model: Model, start: datetime = START) -> Household:
    return Household(seed=1, start=start, region=model.region, phases=model.phases, solar_peak=3000)


def values(telegram: bytes) -> dict[str, str]:
    """Return the part in parentheses for each reference."""
    lines = (line.partition("(") for line in telegram.decode("latin-1").split("\r\n") if "(" in line)
    return {reference: mark + rest for reference, mark, rest in lines}


def amount(text: str) -> Decimal:
    number = re.search(r"\((-?[0-9.]+)\*", text)
    assert number
    return Decimal(number[1])


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_has_the_form_of_a_telegram(model: Model) -> None:
    telegram = build_telegram(model, household_of(model))
    head, mark, crc = telegram.rpartition(b"!")
    assert head.startswith(b"/" + model.identification.encode() + b"\r\n\r\n")
    assert telegram.count(b"\n") == telegram.count(b"\r\n")
    assert crc.endswith(b"\r\n")
    if model.has_crc:
        assert int(crc, 16) == crc16(head + mark)
    else:
        assert crc == b"\r\n"
    for line in head.decode().split("\r\n")[2:-1]:
        assert re.fullmatch(r"([0-9]-[0-9]:[0-9.]+(\*255)?)?(\([^()]*\))+", line), line


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_moves_on(model: Model) -> None:
    household = household_of(model)
    builder = TelegramBuilder.create(model, household)
    before = builder.plain()
    assert builder.plain() == before
    household.advance(86_400)
    after = builder.plain()
    assert after != before
    assert values(after).keys() == values(before).keys()


@pytest.mark.parametrize("name", ["ace4000", "austria", "hungary"])
def test_the_total_is_the_sum_of_the_tariffs(name: str) -> None:
    household = household_of(MODELS[name])
    household.advance(90_000)
    found = values(build_telegram(name, household))
    suffix = "*255" if name == "ace4000" else ""
    for kind in (1, 2):
        total, first, second = (amount(found[f"1-0:{kind}.8.{tariff}{suffix}"]) for tariff in range(3))
        assert total == first + second


def test_tariffs_have_the_numbers_of_the_country() -> None:
    noon = datetime(2026, 2, 18, 11, tzinfo=UTC)
    assert values(build_telegram("dsmr5", household_of(MODELS["dsmr5"], noon)))["0-0:96.14.0"] == "(0002)"
    assert values(build_telegram("emucs", household_of(MODELS["emucs"], noon)))["0-0:96.14.0"] == "(0001)"


def test_import_and_export_exclude_each_other() -> None:
    noon = datetime(2026, 6, 18, 11, tzinfo=UTC)
    household = household_of(MODELS["dsmr5"], noon)
    is_exporting = set()
    for _ in range(24):
        household.advance(3600)
        found = values(build_telegram("dsmr5", household))
        imported, exported = amount(found["1-0:1.7.0"]), amount(found["1-0:2.7.0"])
        assert not imported * exported
        assert household.snapshot().net_power == 1000 * (imported - exported)
        is_exporting.add(exported > 0)
    assert is_exporting == {True, False}


@pytest.mark.parametrize(
    ("name", "interval"), [("dsmr5", 300), ("emucs", 300), ("dsmr42", 3600), ("dsmr30", 3600), ("dsmr22", 86_400)]
)
def test_gas_is_read_in_its_own_rhythm(name: str, interval: int) -> None:
    household = household_of(MODELS[name], START - timedelta(seconds=7))
    builder = TelegramBuilder.create(name, household, "gas")
    readings = set()
    for _ in range(9):
        slot_lines = builder.plain().decode().partition("\r\n0-1:" if name != "dsmr22" else "\r\n7-0:")[2]
        readings.add(slot_lines.partition("!")[0])
        household.advance(interval // 3)
    assert 3 <= len(readings) <= 4


def test_readings_of_an_hour_are_marked_with_the_season() -> None:
    model = MODELS["dsmr42"]
    household = household_of(model, datetime(2026, 10, 24, 22, 0, tzinfo=UTC))
    builder = TelegramBuilder.create(model, household)
    stamps = []
    for _ in range(4):
        household.advance(3600)
        stamps.append(values(builder.plain())["0-1:24.2.1"][1:14])
    assert stamps == ["261025010000S", "261025020000S", "261025020000W", "261025030000W"]


def test_the_ace4000_sends_a_day_of_hours() -> None:
    household = household_of(MODELS["ace4000"], START - timedelta(days=2))
    household.advance_to(START)
    telegram = build_telegram("ace4000", household).decode()
    hours = re.findall(r"7-0:23\.1\.0\*255\(([0-9.]+)\*m3\)\((\S+) (\d\d):00:00\)", telegram)
    assert [int(hour) for _, _, hour in hours] == list(range(24))
    by_time = sorted(hours, key=lambda row: (row[1], row[2]))
    assert [Decimal(row[0]) for row in by_time] == sorted(Decimal(row[0]) for row in hours)


def test_mbus_meters_in_any_order_and_number() -> None:
    household = household_of(MODELS["dsmr5"])
    household.advance(86_400)
    telegram = build_telegram("dsmr5", household, mbus="water,gas,gas,heating,cooling@6,electricity")
    found = values(telegram)
    types = {reference[2]: value for reference, value in found.items() if reference.endswith("24.1.0")}
    assert types == {"1": "(007)", "2": "(003)", "3": "(003)", "4": "(004)", "6": "(010)", "7": "(002)"}
    assert found["0-4:24.2.1"].endswith("*GJ)")
    assert found["0-7:24.2.1"].endswith("*kWh)")
    assert found["0-2:24.2.1"] != found["0-3:24.2.1"]
    assert found["0-2:96.1.0"] != found["0-3:96.1.0"]


def test_slots_without_a_meter() -> None:
    found = values(
        build_telegram("dsmr5", household_of(MODELS["dsmr5"]), mbus="gas:unregistered,gas:ghost,gas:dead,gas")
    )
    assert found["0-1:96.1.0"] == "()"
    assert "0-1:24.2.1" not in found
    assert found["0-2:24.2.1"] == "(700101010000W)(00000000)"
    assert found["0-3:24.2.1"] < found["0-4:24.2.1"]
    assert values(build_telegram("emucs", household_of(MODELS["emucs"])))["0-3:96.3.10"] == "(0)"


@pytest.mark.parametrize("name", ["dsmr5", "dsmr42", "dsmr404", "smarty_lu"])
@pytest.mark.parametrize("state", ["unregistered", "ghost"])
def test_slots_without_a_meter_are_announced(name: str, state: str) -> None:
    found = values(build_telegram(name, household_of(MODELS[name]), mbus=f"gas:{state}"))
    assert found["0-1:24.1.0"] == "(003)"


def test_a_dead_meter_stands_still() -> None:
    household = household_of(MODELS["dsmr5"])
    builder = TelegramBuilder.create("dsmr5", household, "gas:dead,gas")
    before = values(builder.plain())
    household.advance(2 * 86_400)
    after = values(builder.plain())
    assert after["0-1:24.2.1"] == before["0-1:24.2.1"]
    assert after["0-2:24.2.1"] != before["0-2:24.2.1"]


def test_belgian_water_and_gas_have_references_of_their_own() -> None:
    found = values(build_telegram("emucs", household_of(MODELS["emucs"])))
    assert "0-1:24.2.3" in found
    assert "0-2:24.2.1" in found
    assert found["0-0:98.1.0"].startswith("(13)(1-0:1.6.0)(1-0:1.6.0)(")
    assert found["0-0:96.1.4"] == "(50221)"


@pytest.mark.parametrize("text", ["oil", "gas@x", "gas@0", "gas@10", "gas@1,water@1", "gas:broken"])
def test_impossible_mbus_meters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.rsplit(",", maxsplit=1)[-1]):
        make_slots(text, 1, START)


def test_models_without_mbus_refuse_meters() -> None:
    with pytest.raises(ValueError, match="no M-Bus"):
        TelegramBuilder.create("sweden", household_of(MODELS["sweden"]), "gas")


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ValueError, match="no meter model 'dsmr9'"):
        build_telegram("dsmr9", household_of(MODELS["dsmr5"]))


@pytest.mark.parametrize("name", ["smarty_lu", "austria"])
def test_encrypted_models(name: str, decrypt: Decrypt) -> None:
    model = MODELS[name]
    builder = TelegramBuilder.create(model, household_of(model))
    assert model.authentication_key
    frames = [builder.telegram() for _ in range(3)]
    for frame in frames:
        assert decrypt(frame, EXAMPLE_DECRYPTION_KEY, model.authentication_key) == builder.plain()
    counters = [frame[14:18] for frame in frames]
    assert counters == sorted(set(counters))
    assert len({frame[2:10] for frame in frames}) == 1


def test_keys_may_be_given(decrypt: Decrypt) -> None:
    builder = TelegramBuilder.create("austria", household_of(MODELS["austria"]))
    builder.decryption_key, builder.authentication_key = b"d" * 16, b"a" * 16
    assert decrypt(builder.telegram(), b"d" * 16, b"a" * 16) == builder.plain()


def test_identifiers_are_invented_and_recognisable() -> None:
    assert invent_identifier("E", 123) == "E00SIM00000000123"
    assert len(invent_identifier("1S", 10**12 + 5)) == 17
    telegram = build_telegram("dsmr5", household_of(MODELS["dsmr5"]), identifier="E1", text=b"Hi")
    assert values(telegram)["0-0:96.1.1"] == "(4531)"
    assert values(telegram)["0-0:96.13.0"] == "(4869)"


def test_slot_states_have_names() -> None:
    slots = make_slots("gas:dead@3,water@1:unregistered, heating", 1, START)
    assert [(slot.channel, slot.state) for slot in slots] == [
        (3, SlotState.DEAD),
        (1, SlotState.UNREGISTERED),
        (4, SlotState.REGISTERED),
    ]
