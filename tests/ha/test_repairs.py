"""Repairs: raised when something has lasted, cleared when it is cured, and carried out from their dialogs."""

from collections.abc import Iterator
from datetime import timedelta
import json
import logging
from pathlib import Path
import re
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from homeassistant.components.usb import USBDevice
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.const import CONF_PORT, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import serialx

from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_METER_TYPE,
    CONF_RECEIVED_TIMEOUT,
    DOMAIN,
)
from custom_components.dsmr_p1.p1.reader import P1Reader
from custom_components.dsmr_p1.repairs import FIXES, QUESTIONS
from custom_components.dsmr_p1.watch.conditions import CONDITIONS, FIXABLE
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY
from tests.ha.house import House, MakeHouse, eventually

POWER = ("electricity", "emeter_actual_delivery")
LOGGER = "custom_components.dsmr_p1"
ISSUES = json.loads(
    (Path(__file__).parents[2] / "custom_components/dsmr_p1/translations/en.json").read_text(encoding="utf-8")
)["issues"]
SECRET = re.compile(r"SIM\d+|[0-9A-F]{24,}|hunter2")
LONG = {CONF_RECEIVED_TIMEOUT: 86_400}


class Clock:
    """The clock by which conditions last, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    clock = Clock()
    with (
        patch("custom_components.dsmr_p1.watch.conditions.monotonic", clock),
        patch("custom_components.dsmr_p1.watch.issues.monotonic", clock),
    ):
        yield clock


@pytest.fixture(autouse=True)
async def _repairs(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "repairs", {})


async def look(house: House, clock: Clock, seconds: float = 0, times: int = 1) -> None:
    """Let time pass, and let the port be looked at."""
    for _ in range(times):
        clock.now += seconds / times
        async_fire_time_changed(house.hass, dt_util.utcnow() + timedelta(seconds=61))
        await house.hass.async_block_till_done(wait_background_tasks=False)


def issue(house: House, topic: str) -> ir.IssueEntry | None:
    return ir.async_get(house.hass).async_get_issue(DOMAIN, f"{topic}_{house.entry.entry_id}")


def key(house: House, topic: str) -> str | None:
    """Give what the owner is told of a topic, after checking that the text is there, and tells no secret."""
    found = issue(house, topic)
    if found is None:
        return None
    assert found.translation_key is not None
    texts = ISSUES[found.translation_key]
    told = found.translation_placeholders or {}
    assert ("fix_flow" in texts) == found.is_fixable
    assert ("description" in texts) != found.is_fixable
    for text in (texts["title"], texts.get("description", "")):
        assert set(re.findall(r"{(\w+)}", text)) <= set(told)
        assert not SECRET.search(text.format(**told))
    assert not SECRET.search(str(found))
    return found.translation_key


async def fix(hass_client: ClientSessionGenerator, house: House, topic: str) -> dict[str, Any]:
    """Open the dialog of an issue, check its text, and submit it."""
    client = await hass_client()
    found = issue(house, topic)
    assert found is not None
    assert found.translation_key is not None
    response = await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": found.issue_id})
    step: dict[str, Any] = await response.json()
    assert step["type"] == "form", step
    text = ISSUES[found.translation_key]["fix_flow"]["step"][step["step_id"]]["description"]
    told = text.format(**step["description_placeholders"])
    assert not SECRET.search(told)
    response = await client.post(f"/api/repairs/issues/fix/{step['flow_id']}", json={})
    result: dict[str, Any] = await response.json()
    await house.hass.async_block_till_done()
    return result


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == LOGGER and record.levelno >= logging.INFO]


# The port


async def test_a_port_that_is_gone_for_long(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory()
    await house.set_up()
    house.port.unplug()
    await eventually(lambda: not house.coordinator.watch.evidence.is_open)
    await look(house, clock)
    await look(house, clock, 110)
    assert key(house, "port") is None
    await look(house, clock, 20)
    assert key(house, "port") == "port_gone"
    found = issue(house, "port")
    assert found is not None
    assert not found.is_fixable
    house.port.replug()
    await eventually(lambda: house.is_listening)
    await house.send()
    await look(house, clock)
    assert key(house, "port") is None


def usb_device(path: str, serial: str = "A10K3") -> USBDevice:
    return USBDevice(
        device=path, vid="0403", pid="6001", serial_number=serial, manufacturer="FTDI", description="P1 cable"
    )


async def test_a_cable_under_another_path(
    hass: HomeAssistant,
    house_factory: MakeHouse,
    clock: Clock,
    tmp_path: Path,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = await house_factory()
    before = house.port.path
    with patch("homeassistant.components.usb.scan_serial_ports", return_value=[usb_device(before)]):
        await house.set_up()
        await look(house, clock)
        await eventually(lambda: house.coordinator.port.record.device)
    entities = set(house.entities())
    caplog.clear()
    moved = str(tmp_path / "ttyUSB_elsewhere")
    house.port.unplug()
    await eventually(lambda: house.coordinator.port.reader.heard.failed)
    house.port.replug(moved)
    with patch("homeassistant.components.usb.scan_serial_ports", return_value=[usb_device(moved)]):
        await look(house, clock)
        await eventually(lambda: house.coordinator.watch.evidence.moved_to)
        await look(house, clock, 700)
        assert key(house, "port") == "port_moved"
        result = await fix(hass_client, house, "port")
    assert result["type"] == "create_entry"
    assert issue(house, "port") is None
    assert house.entry.data[CONF_PORT] == moved
    await eventually(lambda: house.is_listening)
    await house.send()
    assert house.value(*POWER) != STATE_UNAVAILABLE
    assert set(house.entities()) == entities
    assert told(caplog) == []


async def test_a_cable_that_nothing_tells_from_others_is_not_looked_for(
    house_factory: MakeHouse, clock: Clock, tmp_path: Path
) -> None:
    house = await house_factory()
    with patch("homeassistant.components.usb.scan_serial_ports", return_value=[usb_device(house.port.path, "0001")]):
        await house.set_up()
        await look(house, clock, times=2)
    assert house.coordinator.port.record.device is None


async def test_a_list_of_ports_that_fails_is_no_harm(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory()
    await house.set_up()
    with patch("homeassistant.components.usb.scan_serial_ports", side_effect=OSError):
        await look(house, clock, times=2)
    assert house.coordinator.port.record.device is None
    with patch("homeassistant.components.usb.scan_serial_ports", return_value=[usb_device(house.port.path)]):
        await look(house, clock)
        await eventually(lambda: house.coordinator.port.record.device)


async def test_the_new_path_may_be_taken_already(
    hass: HomeAssistant, house_factory: MakeHouse, clock: Clock, tmp_path: Path, hass_client: ClientSessionGenerator
) -> None:
    house = await house_factory()
    before, moved = house.port.path, str(tmp_path / "ttyUSB_elsewhere")
    with patch("homeassistant.components.usb.scan_serial_ports", return_value=[usb_device(before)]):
        await house.set_up()
        await look(house, clock)
        await eventually(lambda: house.coordinator.port.record.device)
    house.port.unplug()
    await eventually(lambda: not house.coordinator.watch.evidence.is_open)
    with patch("homeassistant.components.usb.scan_serial_ports", return_value=[usb_device(moved)]):
        await look(house, clock)
        await eventually(lambda: house.coordinator.watch.evidence.moved_to)
        await look(house, clock, 700)
    MockConfigEntry(domain=DOMAIN, data={CONF_PORT: moved}).add_to_hass(hass)
    result = await fix(hass_client, house, "port")
    assert (result["type"], result["reason"]) == ("abort", "already_configured")
    assert result["reason"] in ISSUES["port_moved"]["fix_flow"]["abort"]
    assert house.entry.data[CONF_PORT] == before


async def test_a_port_that_somebody_else_has(hass: HomeAssistant, house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory()
    await house.set_up()
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    other = serialx.serial_for_url(house.port.path)
    other.open()
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    await eventually(lambda: house.coordinator.port.reader.heard.failed)
    await look(house, clock)
    await look(house, clock, 700)
    assert key(house, "port") == "port_busy"
    other.close()
    await eventually(lambda: house.is_listening)
    await house.send()
    await look(house, clock)
    assert key(house, "port") is None


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", "no_data"),
        (b"\x00\xaa garbage\r\n" * 8, "no_telegram"),
        ("damaged", "no_good_telegram"),
        (b"/EGM5G35\r\n\r\n\x00\x82\x00\x30\x30" + bytes(range(128, 175)) + b"!2138\r\n", "unsupported_encryption"),
    ],
)
async def test_no_telegram_for_long(house_factory: MakeHouse, clock: Clock, octets: bytes | str, expected: str) -> None:
    house = await house_factory()
    await house.set_up()
    heard = house.coordinator.port.reader.heard
    if octets == "damaged":
        octets = house.builder.telegram().replace(b"1.7.0(", b"1.7.0(9", 1)

    async def send() -> None:
        before, rejected = heard.octets, heard.rejected.total()
        if isinstance(octets, bytes) and octets:
            house.port.write(octets)
            await eventually(lambda: heard.octets > before)
            await eventually(lambda: expected != "no_good_telegram" or heard.rejected.total() > rejected)

    await send()
    await look(house, clock, 110)
    assert key(house, "port") is None
    await send()
    await look(house, clock, 20)
    assert key(house, "port") == expected
    # Where nothing comes any more, that is what is wrong.
    await look(house, clock, 250)
    assert key(house, "port") == "no_data"
    await house.send()
    await look(house, clock)
    assert key(house, "port") is None


async def test_a_silent_port_is_not_gone_while_it_is_opened_anew(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory()
    with (
        patch("custom_components.dsmr_p1.p1.watchdog.FIRST_SHORTEST", 2),
        patch("custom_components.dsmr_p1.p1.watchdog.SHORTEST", 0.5),
    ):
        await house.set_up()
        heard = house.coordinator.port.reader.heard
        await eventually(lambda: heard.lost)
        assert not house.is_listening
        await look(house, clock, 130)
    assert key(house, "port") == "no_data"
    # What is really gone then, is told.
    house.port.unplug()
    await eventually(lambda: heard.failed)
    await look(house, clock)
    assert key(house, "port") == "port_gone"


async def test_damaged_telegrams_above_a_rate(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory()
    await house.set_up()
    good = house.builder.telegram()
    bad = good.replace(b"1.7.0(", b"1.7.0(9", 1)
    for number in range(47):
        await house.send(bad if number % 6 == 0 else good)
    await look(house, clock)
    assert key(house, "damage") is None
    await house.send(bad)
    await look(house, clock)
    assert key(house, "damage") == "damaged_crc"
    for _ in range(140):
        await house.send(good)
    await look(house, clock)
    assert key(house, "damage") is None


# Keys


@pytest.mark.parametrize("is_reconfiguring", [False, True])
async def test_a_wrong_key_at_run_time_and_then_the_right_one(
    hass: HomeAssistant,
    house_factory: MakeHouse,
    clock: Clock,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
    is_reconfiguring: bool,
) -> None:
    house = await house_factory("smarty_lu")
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()})
    await house.set_up()
    entities = set(house.entities())
    new_key = bytes(range(16))
    house.builder.decryption_key = new_key
    with patch("custom_components.dsmr_p1.coordinator.KEY_PATIENCE", 0):
        for _ in range(4):
            await house.send()
    flows = hass.config_entries.flow.async_progress()
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]
    await look(house, clock, 130)
    await house.send()
    await look(house, clock, 700)
    # Home Assistant says so already.
    assert key(house, "key") is None
    assert key(house, "port") is None
    hass.config_entries.flow.async_abort(flows[0]["flow_id"])
    await house.send()
    await look(house, clock)
    await house.send()
    await look(house, clock, 700)
    assert key(house, "key") == "wrong_key"
    if is_reconfiguring:
        opened = await house.entry.start_reconfigure_flow(hass)
        result = await fix(hass_client, house, "key")
        assert result["next_flow"] == ["config_flow", opened["flow_id"]]
        return
    result = await fix(hass_client, house, "key")
    assert result["type"] == "create_entry"
    (flow,) = hass.config_entries.flow.async_progress()
    # The dialog goes on with the keys: nothing is fixed yet.
    assert result["next_flow"] == ["config_flow", flow["flow_id"]]
    assert flow["context"]["source"] == SOURCE_REAUTH
    await hass.config_entries.flow.async_configure(flow["flow_id"], {CONF_DECRYPTION_KEY: new_key.hex()})
    await hass.async_block_till_done()
    await eventually(lambda: house.entry.state is ConfigEntryState.LOADED and house.is_listening)
    await house.send()
    assert house.value("electricity", "emeter_actual_delivery") != STATE_UNAVAILABLE
    assert set(house.entities()) == entities
    await look(house, clock)
    assert key(house, "key") is None
    assert new_key.hex() not in caplog.text.lower()


async def test_plain_telegrams_on_an_encrypted_port_lead_to_reconfigure(
    hass: HomeAssistant, house_factory: MakeHouse, clock: Clock, hass_client: ClientSessionGenerator
) -> None:
    house = await house_factory("smarty_lu")
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()})
    await house.set_up()
    before = house.value(*POWER)
    for _ in range(3):
        house.pass_time(10)
        await house.send(house.builder.plain())
    assert house.value(*POWER) == before
    await look(house, clock, 100)
    assert key(house, "proof") is None
    # What is believed in between starts the two minutes again.
    await house.send()
    await look(house, clock, 100)
    assert key(house, "proof") is None
    for _ in range(3):
        await house.send(house.builder.plain())
    await look(house, clock, 30)
    assert key(house, "proof") == "not_proven"
    for _ in range(20):
        await house.send(house.builder.plain())
    await look(house, clock, 700)
    assert key(house, "proof") == "not_proven"
    assert key(house, "port") is None
    # It is no question of keys.
    assert not hass.config_entries.flow.async_progress()
    result = await fix(hass_client, house, "proof")
    assert result["type"] == "create_entry"
    (flow,) = hass.config_entries.flow.async_progress()
    assert result["next_flow"] == ["config_flow", flow["flow_id"]]
    assert flow["context"]["source"] == SOURCE_RECONFIGURE
    assert flow["context"]["entry_id"] == house.entry.entry_id
    await look(house, clock)
    assert key(house, "proof") == "not_proven"
    await house.send()
    await look(house, clock)
    assert key(house, "proof") is None


async def test_a_tag_that_is_not_verified_is_explained_once(
    house_factory: MakeHouse, clock: Clock, hass_client: ClientSessionGenerator, hass_storage: dict[str, Any]
) -> None:
    house = await house_factory("smarty_lu")
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()})
    house.builder.authentication_key = EXAMPLE_AUTHENTICATION_KEY
    await house.set_up()
    await look(house, clock)
    assert key(house, "tag") == "tag_not_verified"
    await fix(hass_client, house, "tag")
    # What the owner has said is not lost, whatever happens next.
    assert hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]["acknowledged"] == ["tag_not_verified"]
    await look(house, clock, 10)
    assert key(house, "tag") is None
    await house.reload(house.builder.telegram())
    await look(house, clock, 10)
    assert key(house, "tag") is None


# The meters


async def test_a_meter_that_is_not_registered(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory("dsmr5", "gas:unregistered,water")
    house.configure(options=LONG)
    await house.set_up()
    await look(house, clock)
    assert key(house, "unregistered") is None
    await look(house, clock, 3700)
    assert key(house, "unregistered") == "unregistered"
    found = issue(house, "unregistered")
    assert found is not None
    assert (found.translation_placeholders or {})["channels"] == "1"
    slots = house.builder.slots
    house.builder.slots = (slots[0].register_meter(house.builder.household), slots[1])
    await house.send()
    await look(house, clock)
    assert key(house, "unregistered") is None


async def test_a_leftover_beside_a_live_meter_is_no_issue(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory("dsmr5", "gas:unregistered,gas")
    house.configure(options=LONG)
    await house.set_up()
    await look(house, clock)
    await look(house, clock, 3700)
    assert key(house, "unregistered") is None


async def test_a_type_that_does_not_fit(
    house_factory: MakeHouse, clock: Clock, hass_client: ClientSessionGenerator
) -> None:
    house = await house_factory("dsmr5", "gas,water")
    house.configure(options={**LONG, CONF_METER_TYPE: {"mbus_1": "gas_v3_0", "mbus_2": "m3_v5_0"}})
    await house.set_up()
    await look(house, clock)
    await look(house, clock, 700)
    assert key(house, "type") == "type_misfit"
    result = await fix(hass_client, house, "type")
    assert result["type"] == "create_entry"
    assert house.entry.options[CONF_METER_TYPE] == {"mbus_2": "m3_v5_0"}
    await eventually(lambda: house.entry.state is ConfigEntryState.LOADED and house.is_listening)
    await house.send()
    await look(house, clock)
    await look(house, clock, 700)
    assert key(house, "type") is None


@pytest.mark.parametrize(("hours", "expected"), [(2, "clock_fast"), (-30, "clock_slow")])
async def test_a_clock_that_is_wrong(house_factory: MakeHouse, clock: Clock, hours: int, expected: str) -> None:
    house = await house_factory()
    house.configure(options=LONG)
    household = house.builder.household
    household.advance_to(dt_util.utcnow())
    house.builder.clock.offset = hours * 3600
    await house.set_up()
    await look(house, clock)
    assert key(house, "clock") is None
    await look(house, clock, 700)
    assert key(house, "clock") == expected
    house.builder.clock.offset = 60
    await house.send()
    await look(house, clock)
    assert key(house, "clock") is None


async def test_unknown_objects_can_be_reported_or_ignored(
    house_factory: MakeHouse, clock: Clock, hass_client: ClientSessionGenerator
) -> None:
    house = await house_factory()
    house.configure(options=LONG)
    house.builder.extra_lines = ["1-0:99.55.2(E0026SIM4711)"]
    await house.set_up()
    await look(house, clock)
    await look(house, clock, 3700)
    assert key(house, "unknown") == "unknown_objects"
    found = issue(house, "unknown")
    assert found is not None
    assert found.learn_more_url is not None
    assert "99.55.2" in found.learn_more_url
    assert "4711" not in str(found)
    # What it takes to tell the country and the type, and no number that names anybody.
    report = parse_qs(urlsplit(found.learn_more_url).query)["body"][0]
    assert f"First line: /{house.builder.model.identification[:4]}" in report
    assert "1-0:1.8.1 kWh" in report
    assert "0-0:96.1.1" in report
    assert house.hass.config.time_zone in report
    await fix(hass_client, house, "unknown")
    await house.reload(house.builder.telegram())
    await look(house, clock)
    await look(house, clock, 3700)
    assert key(house, "unknown") is None
    house.builder.extra_lines.append("1-0:99.56.0(1)")
    await house.send()
    await look(house, clock)
    await look(house, clock, 3700)
    assert key(house, "unknown") == "unknown_objects"
    found = issue(house, "unknown")
    assert found is not None
    assert (found.translation_placeholders or {})["references"] == "1-0:99.56.0"


async def test_a_damaged_encrypted_telegram_and_silence_is_no_wrong_key(
    hass: HomeAssistant, house_factory: MakeHouse, clock: Clock
) -> None:
    house = await house_factory("smarty_lu")
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()})
    await house.set_up()
    damaged = bytearray(house.builder.telegram())
    damaged[200] ^= 1
    await house.send(bytes(damaged))
    assert house.coordinator.port.reader.heard.rejected
    for seconds in (130, 130, 700):
        await look(house, clock, seconds)
    assert key(house, "key") is None
    assert key(house, "port") == "no_data"
    assert not hass.config_entries.flow.async_progress()


async def test_wrong_keys_and_then_silence_is_silence(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory("smarty_lu")
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()})
    await house.set_up()
    house.builder.decryption_key = bytes(range(16))
    for seconds in (0, 130, 700):
        for _ in range(2):
            await house.send()
        await look(house, clock, seconds)
    assert key(house, "key") == "wrong_key"
    assert key(house, "port") is None
    for seconds in (130, 130, 700):
        await look(house, clock, seconds)
    assert key(house, "key") is None
    assert key(house, "port") == "no_data"


async def test_one_cause_is_told_once(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory()
    await house.set_up()
    bad = house.builder.telegram().replace(b"1.7.0(", b"1.7.0(9", 1)
    for _ in range(60):
        await house.send(bad)
    await look(house, clock)
    assert key(house, "damage") == "damaged_crc"
    for seconds in (130, 700):
        await house.send(bad)
        await look(house, clock, seconds)
    assert key(house, "damage") is None
    assert key(house, "port") == "no_good_telegram"


# All of them


async def test_nothing_is_wrong_with_a_port_on_which_all_is_well(house_factory: MakeHouse, clock: Clock) -> None:
    house = await house_factory("dsmr5", "gas,water")
    house.configure(options=LONG)
    house.builder.household.advance_to(dt_util.utcnow())
    await house.set_up()
    for _ in range(60):
        await house.send()
    await look(house, clock)
    await look(house, clock, 80_000)
    await house.send()
    await look(house, clock)
    assert not [found for domain, found in ir.async_get(house.hass).issues if domain == DOMAIN]


async def test_a_removed_entry_takes_its_issues_with_it(
    hass: HomeAssistant, house_factory: MakeHouse, clock: Clock
) -> None:
    house = await house_factory("dsmr5", "gas:unregistered")
    house.configure(options=LONG)
    await house.set_up()
    await look(house, clock)
    await look(house, clock, 3700)
    assert key(house, "unregistered")
    await hass.config_entries.async_remove(house.entry.entry_id)
    await hass.async_block_till_done()
    assert issue(house, "unregistered") is None


async def test_a_dialog_of_a_port_that_is_not_set_up(
    hass: HomeAssistant, house_factory: MakeHouse, clock: Clock, hass_client: ClientSessionGenerator
) -> None:
    house = await house_factory("smarty_lu")
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()})
    house.builder.authentication_key = EXAMPLE_AUTHENTICATION_KEY
    await house.set_up()
    await look(house, clock)
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    result = await fix(hass_client, house, "tag")
    assert result["type"] == "abort"
    assert result["reason"] in ISSUES["tag_not_verified"]["fix_flow"]["abort"]
    assert issue(house, "tag") is not None


async def test_a_second_bridge_on_the_same_port(
    hass: HomeAssistant, house_factory: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await house_factory()
    await house.set_up()
    entities = set(house.entities())
    caplog.clear()
    second = MockConfigEntry(domain=DOMAIN, title="P1 again", data={**house.entry.data})
    second.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(second.entry_id)
    assert second.state is ConfigEntryState.SETUP_RETRY
    for _ in range(3):
        house.pass_time(60)
        await house.send()
    assert house.value(*POWER) != STATE_UNAVAILABLE
    assert house.entry.state is ConfigEntryState.LOADED
    assert set(house.entities()) == entities
    # Home Assistant says once why the second one waits, and nobody else says anything.
    (line,) = told(caplog)
    assert "not ready yet" in line
    await hass.config_entries.async_remove(second.entry_id)
    await hass.async_block_till_done()


def test_every_issue_has_its_texts() -> None:
    source = (Path(__file__).parents[2] / "custom_components/dsmr_p1/watch/conditions.py").read_text(encoding="utf-8")
    keys = {found for found in re.findall(r'"([a-z0-9_]+)"', source) if found in ISSUES}
    others = {
        "odd_step", "meter_changed", "meter_beside_dead", "meter_adopted", "both_read", "left_behind",
        "nothing_to_give_back", "statistics_left", "relay_taken",
    }  # fmt: skip
    assert keys | others == set(ISSUES)
    for name, texts in ISSUES.items():
        assert texts["title"]
        assert ("fix_flow" in texts) == (name in FIXABLE or name in {**FIXES, **QUESTIONS})
        for step in texts.get("fix_flow", {}).get("step", {}).values():
            assert step["title"]
            assert step["description"]
    assert {condition.topic for condition in CONDITIONS} == {
        "port", "damage", "key", "proof", "tag", "unregistered", "type", "clock", "unknown", "full",
        "flood",
    }  # fmt: skip


@pytest.fixture
def house_factory(make_house: MakeHouse) -> Iterator[MakeHouse]:
    """Give houses whose reader tries again at once."""
    init = P1Reader.__init__

    def impatient(reader: P1Reader, port: str, **kwargs: Any) -> None:
        init(reader, port, **{**kwargs, "first_delay": 0.05})

    with patch.object(P1Reader, "__init__", impatient):
        yield make_house
