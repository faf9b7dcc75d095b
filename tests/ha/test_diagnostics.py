"""Diagnostics: enough to help a stranger, who can replay what was on the line; and nothing private."""

from base64 import b64decode
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import (
    CONF_ADDITIONAL_KEY,
    CONF_DECRYPTION_KEY,
    CONF_REFRESH,
    DOMAIN,
)
from custom_components.dsmr_p1.diagnostics import async_get_config_entry_diagnostics
from custom_components.dsmr_p1.p1 import Quantity, Reading, Rejected, RejectReason
from custom_components.dsmr_p1.port.captures import MOST_BAD, MOST_GOOD, Capture, Captures
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY
from simulator.playback import Playback
from tests.ha.house import House, MakeHouse
from tests.ha.pace import wait_in_vain
from tests.p1.captures import CAPTURES, DSMR5, MINIMAL, decode, keys_of, load, read, telegram

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SECRET = b"secret"
IDENTIFIER = "E0005001590012345"
HEXADECIMAL = IDENTIFIER.encode().hex().upper()

Found = Any


async def download(house: House, client: ClientSessionGenerator) -> Found:
    return await get_diagnostics_for_config_entry(house.hass, client, house.entry)


def damaged(house: House) -> bytes:
    return house.builder.telegram().replace(b"1.7.0(", b"1.7.0(9", 1)


def octets_of(shown: Found) -> bytes:
    """Give the bytes of a capture, as a stranger gets them back."""
    if "base64" in shown:
        return b64decode(shown["base64"])
    return (shown["text"] or "").encode("ascii")


async def test_what_a_stranger_needs(make_house: MakeHouse, hass_client: ClientSessionGenerator) -> None:
    house = await make_house("dsmr5", "gas,water:unregistered")
    house.configure(options={CONF_REFRESH: {"electricity": 5}})
    await house.set_up()
    await house.send(damaged(house))
    found = await download(house, hass_client)
    assert found["entry"]["state"] == "loaded"
    assert found["entry"]["options"] == {CONF_REFRESH: {"electricity": 5}}
    assert found["is_available"] is True
    assert found["received_timeout"] == 120
    assert found["settings"] == "115200 8N1"
    assert found["heard"]["telegrams"] == 2
    assert found["heard"]["rejected"] == {"crc": 1}
    assert found["heard"]["lost"] == 0
    assert found["heard"]["since_telegram"] >= 0
    assert found["memory"]["sends_crc"] is True
    assert found["memory"]["tag_verified"] is False
    assert [meter["slot"] for meter in found["known_meters"]] == ["p1", "electricity", "mbus_1"]
    assert found["known_meters"][1]["refresh"] == found["known_meters"][1]["totals_refresh"] == 5
    reading = found["last_reading"]
    assert reading["identification"] == "ISK5\\2SIM-1050"
    assert [meter["registered"] for meter in reading["meters"]] == [True, True, True, False]
    assert reading["meters"][1]["channels"]["emeter_delivery_tariff1"]["obis"] == "1-0:1.8.1"
    assert reading["meters"][1]["channels"]["power_net"]["obis"] is None
    assert found["entities"]["with_value"] > 10
    assert found["entities"]["disabled_by_integration"] > 1
    assert found["entities"]["unavailable"] == found["entities"]["missing"] == []


async def test_what_the_owner_is_asked(
    hass: HomeAssistant, make_house: MakeHouse, hass_client: ClientSessionGenerator
) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    found = await download(house, hass_client)
    assert found["issues"] == found["replacement"]["changes"] == []
    house.builder.identifier = IDENTIFIER
    for _ in range(3):
        await house.send()
    found = await download(house, hass_client)
    (issue,) = found["issues"]
    assert issue["topic"] == "meter_electricity"
    assert issue["key"] == "meter_changed"
    assert not issue["is_ignored"]
    (change,) = found["replacement"]["changes"]
    assert change["slot"] == "electricity"
    assert change["is_asked"] is True
    assert change["is_replacement"] is False
    assert change["is_shown"] is True
    assert house.entity_id("electricity", "emeter_delivery_tariff1") in change["steps"]
    assert datetime.fromisoformat(change["since"]).tzinfo is not None
    text = json.dumps(found)
    assert IDENTIFIER not in text
    assert HEXADECIMAL not in text


async def test_entities_that_have_no_value(make_house: MakeHouse, hass_client: ClientSessionGenerator) -> None:
    house = await make_house()
    await house.set_up()
    await wait_in_vain(house.hass)
    assert not house.coordinator.last_update_success
    found = await download(house, hass_client)
    assert "electricity_emeter_actual_delivery" in found["entities"]["unavailable"]
    assert found["is_available"] is False


async def test_the_last_telegrams_can_be_replayed(
    make_house: MakeHouse, hass_client: ClientSessionGenerator, tmp_path: Path
) -> None:
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    for _ in range(4):
        await house.send()
    for _ in range(6):
        await house.send(damaged(house))
    shown = (await download(house, hass_client))["telegrams"]
    assert len(shown["good"]) == MOST_GOOD >= 2
    assert len(shown["bad"]) == MOST_BAD >= 3
    assert {capture["reason"] for capture in shown["bad"]} == {"crc"}
    # As the download itself says how.
    (tmp_path / "download.json").write_text(json.dumps({"data": {"telegrams": shown}}))
    capture = tmp_path / "capture.telegram"
    capture.write_bytes(b"".join(octets_of(one) for one in shown["good"]))
    if shutil.which("jq") is not None:
        by_hand = capture.read_bytes()
        command = shown["replay"].replace("DOWNLOAD", "download.json")
        subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True)  # noqa: ASYNC221
        assert capture.read_bytes() == by_hand
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    inspected = subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-m", "inspector", "--json", str(capture)], env=environment, check=True, capture_output=True
    )
    assert [telegram["crc"] for telegram in json.loads(inspected.stdout)["telegrams"]] == ["valid"] * MOST_GOOD
    played = Playback.from_files([capture])
    readings = decode(played.telegram() for _ in range(MOST_GOOD))
    assert len(readings) == MOST_GOOD
    identifiers = set()
    for reading in readings:
        assert isinstance(reading, Reading)
        assert [meter.profile.slot for meter in reading.meters] == ["p1", "electricity", "mbus_1", "mbus_2"]
        identifiers.add(tuple(meter.profile.equipment_identifier for meter in reading.meters))
    # One household, and not this one.
    [(_, main, *_)] = identifiers
    assert main is not None
    assert main != house.builder.identifier
    assert len(main) == len(house.builder.identifier)
    bad = decode(b"".join(octets_of(one) for one in shown["bad"]))
    assert [event.reason for event in bad if isinstance(event, Rejected)] == [RejectReason.CRC] * MOST_BAD
    # And another one the next time.
    again = (await download(house, hass_client))["telegrams"]
    assert again["good"][0]["received"] == shown["good"][0]["received"]
    assert again["good"][0]["text"] != shown["good"][0]["text"]


@pytest.mark.parametrize("model", ["dsmr5", "dsmr22", "emucs", "smarty_lu", "austria"])
async def test_nothing_private(make_house: MakeHouse, hass_client: ClientSessionGenerator, model: str) -> None:
    house = await make_house(model)
    house.builder.text = b"Dear Mrs Jansen"
    if model in ("smarty_lu", "austria"):
        keys = {
            CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex(),
            CONF_ADDITIONAL_KEY: EXAMPLE_AUTHENTICATION_KEY.hex(),
        }
        house.configure(data=keys)
        house.builder.authentication_key = EXAMPLE_AUTHENTICATION_KEY
    await house.set_up()
    await house.send(house.builder.telegram()[:-300] + house.builder.telegram())
    found = json.dumps(await download(house, hass_client)).lower()
    private = [house.builder.identifier, *(slot.identifier for slot in house.builder.slots), "Dear Mrs Jansen"]
    for text in private:
        assert text.lower() not in found
        assert text.encode().hex().lower() not in found
    for key in (EXAMPLE_DECRYPTION_KEY, EXAMPLE_AUTHENTICATION_KEY, house.builder.system_title):
        assert key.hex() not in found


async def test_a_port_that_is_not_there(
    hass: HomeAssistant, make_house: MakeHouse, hass_client: ClientSessionGenerator
) -> None:
    house = await make_house()
    await house.set_up()
    await hass.config_entries.async_unload(house.entry.entry_id)
    hass.config_entries.async_update_entry(
        house.entry, data={**house.entry.data, CONF_PORT: "socket://me:hunter2@meter.local"}
    )
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    found = await download(house, hass_client)
    assert found["last_reading"] is None
    assert found["port"] == "socket://meter.local"
    assert found["settings"] == "those of the far end"
    assert found["telegrams"]["good"] == found["telegrams"]["bad"] == []
    assert found["heard"]["since_byte"] is None
    assert "hunter2" not in json.dumps(found)


async def test_an_entry_that_is_not_set_up(
    hass: HomeAssistant, make_house: MakeHouse, hass_client: ClientSessionGenerator
) -> None:
    house = await make_house()
    house.configure(data={CONF_PORT: "socket://me:hunter2@meter.local/?key=geheim"})
    house.entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(house.entry.entry_id)
    assert house.entry.state is ConfigEntryState.SETUP_RETRY
    found = await download(house, hass_client)
    assert found["entry"]["state"] == "setup_retry"
    assert found["entry"]["reason_key"] == "cannot_open"
    assert found["entry"]["reason"]
    text = json.dumps(found)
    assert "hunter2" not in text
    assert "geheim" not in text
    untouched = MockConfigEntry(domain=DOMAIN, data=house.entry.data)
    found = await async_get_config_entry_diagnostics(hass, untouched)
    assert found["entry"]["state"] == "not_loaded"
    assert "heard" not in found


# Captures by themselves.


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_capture_is_read_as_before(capture: str) -> None:
    before = read(load(capture), keys_of(capture))
    after = read(octets_of(Capture(before, NOW).as_dict(SECRET)))
    assert after.telegram.has_crc is before.telegram.has_crc
    for one, other in zip(before.meters, after.meters, strict=True):
        assert (one.profile.slot, one.profile.type_id) == (other.profile.slot, other.profile.type_id)
        assert one.channels.keys() == other.channels.keys()
        for channel_id, channel in one.profile.channel_types.items():
            if channel.quantity not in (Quantity.IDENTIFIER, Quantity.TEXT):
                assert one.channels[channel_id] == other.channels[channel_id]


@pytest.mark.parametrize("capture", CAPTURES)
def test_no_identifier_is_left_in_a_capture(capture: str) -> None:
    reading = read(load(capture), keys_of(capture))
    text = octets_of(Capture(reading, NOW).as_dict(SECRET)).decode("latin-1").upper()
    for meter in reading.meters:
        identifier = meter.profile.equipment_identifier
        if identifier is not None:
            assert identifier.upper() not in text
            assert identifier.encode().hex().upper() not in text


@pytest.mark.parametrize("capture", [name for name in CAPTURES if name.endswith(".telegram")])
def test_as_it_came(capture: str) -> None:
    octets = load(capture)
    shown = octets_of(Capture(read(octets), NOW).as_dict(None))
    assert read(shown).telegram.text == read(octets).telegram.text
    assert read(shown).telegram.has_crc is read(octets).telegram.has_crc


@pytest.mark.parametrize("place", range(0, 900, 7))
def test_no_identifier_survives_damage(place: int) -> None:
    octets = load(DSMR5)
    private = [
        meter.profile.equipment_identifier.encode()
        for meter in read(octets).meters
        if meter.profile.equipment_identifier is not None
    ]
    for broken in (
        octets[:place] + octets[place + 5 :],
        octets[:place] + b"\r\n" + octets[place:],
        octets[: place + 9],
    ):
        for event in decode(broken):
            shown = octets_of(Capture(event, NOW).as_dict(SECRET)).upper()
            for identifier in private:
                # A quarter of an identifier tells nobody from his neighbours.
                text, digits = identifier.upper(), identifier.hex().upper().encode()
                assert not any(text[start : start + 13] in shown for start in range(len(text) - 12))
                assert not any(digits[start : start + 26] in shown for start in range(len(digits) - 25))


def test_other_protocols_show_their_head_only() -> None:
    hdlc = b"\x7e\xa0\x84\xce\xff\x03\x13\x12\x8b\xe6\xe7\x00\xdb\x08KFM12345" + bytes(200)
    shown = Capture(Rejected(RejectReason.NOT_P1, len(hdlc), hdlc), NOW).as_dict(SECRET)
    assert octets_of(shown) == hdlc[:12]
    assert shown["bytes"] == len(hdlc)
    envelope = b"\xdb\x08KFM12345\x82\x01\x00\x30"
    assert not octets_of(Capture(Rejected(RejectReason.TRUNCATED, 14, envelope), NOW).as_dict(SECRET))
    torn = b"/ISK5\r\n" + envelope
    assert b"KFM" not in octets_of(Capture(Rejected(RejectReason.TRUNCATED, 21, torn), NOW).as_dict(SECRET))


def test_a_malformed_one_ends_as_a_telegram_does() -> None:
    twice = telegram(*MINIMAL, "1-0:1.8.1(000300.000*kWh)")
    [event] = decode(twice)
    assert isinstance(event, Rejected)
    assert octets_of(Capture(event, NOW).as_dict(SECRET)).endswith(b"\r\n!\r\n")


def test_only_telegrams_are_kept() -> None:
    captures = Captures()
    seen: list[Capture] = []
    unsubscribe = captures.subscribe(seen.append)
    captures.add("nonsense")
    captures.add(Rejected(RejectReason.CRC, 0))
    unsubscribe()
    captures.add(Rejected(RejectReason.CRC, 0))
    assert len(captures.bad) == 2
    assert len(seen) == 1
