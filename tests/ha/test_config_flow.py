"""Setting up a port: every way through the user flow, and from every error to an entry."""

import asyncio
from collections.abc import Iterator
import errno
from pathlib import Path
import re
import socket
from typing import Any
from unittest.mock import patch

from homeassistant.components.frontend.storage import async_user_store
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import (
    BRIDGE_DSMR,
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_SERIAL_SETTINGS,
    DOMAIN,
)
from custom_components.dsmr_p1.port.address import ReaderPort
from simulator import (
    EXAMPLE_AUTHENTICATION_KEY,
    EXAMPLE_DECRYPTION_KEY,
    TELNET_GREETING,
    PtyPort,
    TcpPort,
    seal,
)
from tests.ha.flow_driver import (
    CLIENT,
    QUICK,
    TRANSLATIONS,
    answer,
    begin,
    close,
    enter,
    fields,
    finish,
    is_open,
    listened,
    look,
    make_meter,
    over_rest,
    sending,
    start,
    suggested,
    told,
)
from tests.ha.house import eventually

KEY = EXAMPLE_DECRYPTION_KEY.hex().upper()
SECOND_KEY = EXAMPLE_AUTHENTICATION_KEY.hex().upper()
ADVICE = {
    "address", "busy", "busy_by", "busy_network", "cannot_open_cable", "cannot_open_network", "closed", "damaged_cable",
    "damaged_network", "garbage_cable", "garbage_network", "gone", "no_permission", "other_device", "other_protocol",
    "refused", "refused_everywhere", "silent_cable", "silent_homewizard", "silent_network", "switched_off", "telnet",
    "unauthorized", "unknown_host", "unreachable",
}  # fmt: skip
OTHER_KEY = "0" * 31 + "1"


@pytest.fixture(autouse=True)
async def rest(patient: None, hass: HomeAssistant, hass_client: ClientSessionGenerator) -> None:
    """Take every step through Home Assistant's REST interface."""
    await over_rest(hass, hass_client)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(link=tmp_path / "ttyP1") as pty:
        yield pty


async def test_what_a_meter_says_is_no_markup(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    hostile = "`<img src=x>![](//x)"
    meter.builder.identifier = hostile
    meter.builder.extra_lines = ["0-0:96.1.4(<b>**50217**</b>)"]
    async with sending(meter):
        result = await start(hass, {CONF_PORT: port.path})
        assert result["step_id"] == "confirm"
        texts = told(result)
        assert texts["protocol"] == "e-MUCS 1.7"
        assert "`<img src=x>![](//x)`" in texts["meters"]
        await close(hass, result)


@pytest.mark.parametrize(
    ("chosen", "of_browser", "expected"),
    [
        (None, None, "Gas meter"),
        (None, "de-AT,de;q=0.9,nl;q=0.8", "Gaszähler"),
        ("nl", "de-AT,de;q=0.9", "Gasmeter"),
        ("is", "de-AT,de;q=0.9", "Gas meter"),
    ],
)
async def test_the_readings_are_in_the_language_of_the_user(
    hass: HomeAssistant,
    port: PtyPort,
    hass_admin_user: MockUser,
    chosen: str | None,
    of_browser: str | None,
    expected: str,
) -> None:
    if chosen is not None:
        store = await async_user_store(hass, hass_admin_user.id)
        await store.async_set_item("language", {"language": chosen, "number_format": "language"})
    if of_browser is not None:
        hass.data[CLIENT].session.headers["Accept-Language"] = of_browser
    async with sending(make_meter(port)):
        result = await start(hass, {CONF_PORT: port.path})
        assert f"**{expected}" in told(result)["readings"]
        result = await finish(hass, result)
    # All users see the title.
    assert result["title"] == "DSMR P1 (Netherlands)"


async def test_plain_meter(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    async with sending(meter, 0.5):
        result = await start(hass, {CONF_PORT: port.path})
        assert result["type"] is FlowResultType.FORM
        assert result["step_id"] == "confirm"
        texts = told(result)
        assert texts["port"] == port.path
        assert texts["settings"] == "115200 8N1"
        assert texts["protocol"] == "DSMR 5.0"
        assert texts["country"] == "NL"
        assert texts["encryption"] == "–"
        assert int(texts["telegrams"]) >= 2
        assert texts["damaged"] == "0"
        assert texts["period"].endswith(" s")
        assert texts["meters"] == "0: E00SIM00760415315 · 1: G00SIM00697998055"
        electricity, gas = texts["readings"].splitlines()
        assert re.fullmatch(
            r"- \*\*Electricity meter:\*\* [\d.]+ kWh \(1\) \+ [\d.]+ kWh \(2\) used, "
            r"[\d.]+ kWh \(1\) \+ [\d.]+ kWh \(2\) returned, at the moment [\d.]+ kW",
            electricity,
        )
        assert re.fullmatch(r"- \*\*Gas meter.*:\*\* [\d.]+ m³, read at 2026-11-0\d \d\d:\d\d", gas)
        assert texts["notes"] == ""
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "DSMR P1 (Netherlands)"
    assert result["data"] == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR}
    assert result["options"] == {}
    entry = result["result"]
    assert entry.unique_id == "E00SIM00760415315"
    assert entry.state is ConfigEntryState.LOADED


async def test_fixed_line_settings(hass: HomeAssistant, port: PtyPort) -> None:
    settings = {"baudrate": 115200, "databits": 8, "parity": "N", "stopbits": 1.5}
    async with sending(make_meter(port, "dsmr42")):
        result = await start(hass, {CONF_PORT: port.path, CONF_SERIAL_SETTINGS: {"parity": "E"}})
        assert result["errors"] == {"base": "baudrate_missing"}
        settings["stopbits"] = 1
        result = await enter(hass, result, {CONF_PORT: port.path, CONF_SERIAL_SETTINGS: settings})
        assert told(result)["settings"] == "115200 8N1"
        result = await finish(hass, result)
    assert result["data"] == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR, **settings}


async def test_old_meter_is_found_at_other_settings(hass: HomeAssistant, port: PtyPort) -> None:
    patience = type(QUICK)(byte=5, telegram=10, another=1, tick=0.05)
    with patch("custom_components.dsmr_p1.flow.listen_step.PATIENCE", patience):
        async with sending(make_meter(port, "dsmr22"), interval=0.7):
            result = await start(hass, {CONF_PORT: port.path})
            texts = told(result)
            assert texts["settings"] == "9600 8N1"
            assert texts["protocol"] == "DSMR 2 / 3"
            assert texts["readings"].splitlines()[1].startswith("- **Gas meter:** ")
            result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "baudrate" not in result["data"]


async def test_meters_with_nothing_behind_them_are_told(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port, "emucs")):
        texts = told(await start(hass, {CONF_PORT: port.path}))
    assert texts["protocol"] == "e-MUCS 2.1"
    assert texts["country"] == "BE"
    port.replug()
    async with sending(make_meter(port, "dsmr5", mbus="gas:ghost,water")):
        result = await start(hass, {CONF_PORT: port.path})
    texts = told(result)
    assert "- **Gas meter on M-Bus channel 1:** announced, but not registered" in texts["readings"]
    assert "ask the grid operator to register it" in texts["notes"]


async def test_port_without_electricity(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port, "warmtelink")
    good = meter.compose()
    meter.faults.enable("wrong-crc")
    damaged = [meter.compose()] * 5
    meter.faults.disable("wrong-crc")
    with patch.object(meter, "compose", lambda: damaged.pop() if damaged else good):
        async with sending(meter):
            result = await start(hass, {CONF_PORT: port.path})
            assert "Heat meter on M-Bus channel 1" in told(result)["readings"]
            assert "Many telegrams are damaged" in told(result)["notes"]
            result = await finish(hass, result)
    assert result["title"] == "DSMR P1 (Netherlands)"
    assert result["result"].unique_id is None


async def test_meter_of_which_nothing_new_comes_is_told(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port, mbus="water")
    telegram = seal(re.sub(rb"24\.2\.1\(\d{12}", b"24.2.1(260901120000", meter.builder.body()))
    with patch.object(meter, "compose", lambda: telegram):
        async with sending(meter):
            result = await start(hass, {CONF_PORT: port.path})
    assert "no new reading since 2026-09-01" in told(result)["readings"]


@pytest.mark.parametrize(
    ("model", "keys", "title", "encryption"),
    [
        ("smarty_lu", {CONF_DECRYPTION_KEY: KEY}, "DSMR P1 (Luxembourg)", "default_key"),
        ("austria", {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}, "DSMR P1 (Austria)", "additional_key"),
        ("austria", {CONF_DECRYPTION_KEY: KEY}, "DSMR P1 (Austria)", "not_verified"),
    ],
)
async def test_encrypted_meter(
    hass: HomeAssistant, port: PtyPort, model: str, keys: dict[str, str], title: str, encryption: str
) -> None:
    meter = make_meter(port, model)
    async with sending(meter):
        result = await start(hass, {CONF_PORT: port.path})
        assert result["step_id"] == "keys"
        assert result["errors"] == {}
        result = await enter(hass, result, keys)
        assert encryption in told(result)["encryption"]
        result = await finish(hass, result)
    assert result["title"] == title
    assert result["data"] == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_SMARTY, **keys}
    if model == "austria":
        assert result["result"].unique_id == meter.builder.system_title.hex()
    else:
        assert result["result"].unique_id == meter.builder.identifier


@pytest.mark.parametrize(
    "entered",
    [
        (KEY.lower(), SECOND_KEY),
        (" 0x" + KEY, ":".join(re.findall("..", SECOND_KEY))),
        (" ".join(re.findall("....", KEY)), "0X" + SECOND_KEY.lower() + "\n"),
        (SECOND_KEY, KEY),
    ],
    ids=["lower case", "colons", "blanks", "swapped"],
)
async def test_keys_as_people_paste_them(hass: HomeAssistant, port: PtyPort, entered: tuple[str, str]) -> None:
    async with sending(make_meter(port, "austria")):
        result = await start(hass, {CONF_PORT: port.path})
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: entered[0], CONF_ADDITIONAL_KEY: entered[1]})
        result = await finish(hass, result)
    assert result["data"][CONF_DECRYPTION_KEY] == KEY
    assert result["data"][CONF_ADDITIONAL_KEY] == SECOND_KEY


@pytest.mark.parametrize(
    ("keys", "errors"),
    [
        ({CONF_DECRYPTION_KEY: "12345"}, {CONF_DECRYPTION_KEY: "invalid_key"}),
        ({CONF_DECRYPTION_KEY: "  "}, {CONF_DECRYPTION_KEY: "invalid_key"}),
        ({CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: "x" * 32}, {CONF_ADDITIONAL_KEY: "invalid_key"}),
        ({CONF_DECRYPTION_KEY: OTHER_KEY}, {CONF_DECRYPTION_KEY: "wrong_key"}),
        ({CONF_DECRYPTION_KEY: OTHER_KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}, {CONF_DECRYPTION_KEY: "wrong_key"}),
        ({CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: OTHER_KEY}, {CONF_ADDITIONAL_KEY: "wrong_additional_key"}),
        ({CONF_DECRYPTION_KEY: OTHER_KEY, CONF_ADDITIONAL_KEY: KEY}, {CONF_ADDITIONAL_KEY: "wrong_additional_key"}),
    ],
)
async def test_wrong_keys(hass: HomeAssistant, port: PtyPort, keys: dict[str, str], errors: dict[str, str]) -> None:
    async with sending(make_meter(port, "austria")):
        result = await start(hass, {CONF_PORT: port.path})
        result = await enter(hass, result, keys)
        assert result["step_id"] == "keys"
        assert result["errors"] == errors
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY})
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_who_insists_on_a_key_is_listened_to(hass: HomeAssistant, port: PtyPort) -> None:
    """The one telegram that was kept may be damaged; the next ones tell."""
    meter = make_meter(port, "austria")
    meter.faults.enable("flips", 0.02)
    async with sending(meter):
        result = await start(hass, {CONF_PORT: port.path})
        assert result["step_id"] == "keys"
        keys = {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}
        result = await enter(hass, result, keys)
        assert result["errors"] == {CONF_DECRYPTION_KEY: "wrong_key"}
        meter.faults.disable("flips")
        result = await enter(hass, result, keys)
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("key", "second_key", "errors"),
    [
        (OTHER_KEY, None, {CONF_DECRYPTION_KEY: "wrong_key"}),
        (KEY, OTHER_KEY, {CONF_ADDITIONAL_KEY: "wrong_additional_key"}),
    ],
)
async def test_wrong_keys_that_are_only_noticed_while_listening(
    hass: HomeAssistant, port: PtyPort, key: str, second_key: str | None, errors: dict[str, str]
) -> None:
    keys = {CONF_DECRYPTION_KEY: key} | ({CONF_ADDITIONAL_KEY: second_key} if second_key else {})
    async with sending(make_meter(port, "austria")):
        result = await start(hass, {CONF_PORT: port.path})
        result = await enter(hass, result, keys)
        assert result["errors"] == errors
        result = await enter(hass, result, keys)
        assert result["step_id"] == "keys"
        assert result["errors"] == errors
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_keys_are_asked_for_where_the_user_says_smarty(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        result = await start(hass, {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_SMARTY})
        assert result["step_id"] == "keys"
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})
        assert told(result)["encryption"] == "–"
        result = await finish(hass, result)
    assert result["data"] == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: KEY}


async def test_port_that_does_not_exist(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    entered = {CONF_PORT: str(tmp_path / "none"), CONF_BRIDGE_TYPE: BRIDGE_DSMR, CONF_SERIAL_SETTINGS: {}}
    result = await start(hass, entered)
    assert result["step_id"] == "user"
    assert result["errors"]["base"] == "cannot_open"
    assert result["errors"][CONF_PORT] == "gone"
    assert "Error" not in str(told(result))
    assert suggested(result)[CONF_PORT] == entered[CONF_PORT]
    assert suggested(result)[CONF_BRIDGE_TYPE] == BRIDGE_DSMR
    await _recover(hass, result, port)


async def test_port_that_another_program_reads(hass: HomeAssistant, port: PtyPort) -> None:
    other = await begin(hass)
    other = await answer(hass, other, {CONF_PORT: port.path})
    await eventually(port.reader_present)
    # The meter is silent so far, so that the other dialog listens on, however slow the machine is.
    result = await start(hass, {CONF_PORT: port.path})
    assert result["errors"]["base"] == "port_in_use"
    async with sending(make_meter(port)):
        await close(hass, await listened(hass, other))
    await _recover(hass, result, port)


@pytest.mark.usefixtures("quick")
async def test_silent_port(hass: HomeAssistant, port: PtyPort) -> None:
    result = await start(hass, {CONF_PORT: port.path})
    assert result["errors"]["base"] == "no_data"
    await _recover(hass, result, port)


async def test_port_that_is_lost_at_once(hass: HomeAssistant, port: PtyPort, socket_enabled: None) -> None:
    def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    result = await start(hass, {CONF_PORT: f"socket://127.0.0.1:{number}"})
    assert result["errors"]["base"] == "cannot_open"
    server.close()
    await _recover(hass, result, port)


@pytest.mark.usefixtures("quick")
async def test_port_that_sends_noise(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    with patch.object(meter, "compose", lambda: bytes(range(128, 256)) * 8):
        async with sending(meter):
            result = await start(hass, {CONF_PORT: port.path})
    assert result["errors"]["base"] == "no_telegram"
    assert int(told(result)["octets"]) > 1000
    await _recover(hass, result, port)


async def test_port_that_encrypts_in_a_form_that_is_not_supported(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    cipher = bytes.fromhex("0082003030") + bytes(4) + bytes(range(128, 171))
    with patch.object(meter, "compose", lambda: b"/EGM5G35\r\n\r\n" + cipher + b"!2138\r\n"):
        async with sending(meter):
            result = await start(hass, {CONF_PORT: port.path})
    assert result["errors"] == {"base": "unsupported_encryption"}
    await _recover(hass, result, port)


@pytest.mark.parametrize(("fault", "error"), [("wrong-crc", "crc_errors"), ("hdlc", "not_p1")])
async def test_port_that_sends_nothing_good(hass: HomeAssistant, port: PtyPort, fault: str, error: str) -> None:
    meter = make_meter(port)
    meter.faults.enable(fault)
    async with sending(meter):
        result = await start(hass, {CONF_PORT: port.path})
        assert result["step_id"] == "user"
        assert result["errors"]["base"] == error
        meter.faults.disable(fault)
        result = await enter(hass, result, {CONF_PORT: port.path})
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("quick")
async def test_telnet_is_recognised(hass: HomeAssistant, socket_enabled: None) -> None:
    with TcpPort(greeting=TELNET_GREETING) as tcp:
        meter = make_meter(tcp)
        with patch.object(meter, "compose", bytes):
            async with sending(meter):
                result = await start(hass, {CONF_PORT: tcp.path})
        assert result["errors"]["base"] == "not_p1"
        assert result["errors"][CONF_PORT] == "telnet"
        async with sending(meter):
            result = await enter(hass, result, {CONF_PORT: tcp.path})
            texts = told(result)
            assert texts["settings"] == "–"
            assert "raw mode" in texts["notes"]
            result = await finish(hass, result)
            assert result["type"] is FlowResultType.CREATE_ENTRY
            await hass.config_entries.async_unload(result["result"].entry_id)


async def test_unexpected_error(hass: HomeAssistant, port: PtyPort, caplog: pytest.LogCaptureFixture) -> None:
    with patch("custom_components.dsmr_p1.flow.listen_step.listen", side_effect=RuntimeError("unheard of")):
        result = await start(hass, {CONF_PORT: port.path})
    assert result["errors"] == {"base": "unknown"}
    assert "unheard of" in caplog.text
    await _recover(hass, result, port)


async def test_secrets_of_an_address_are_not_shown(hass: HomeAssistant, caplog: pytest.LogCaptureFixture) -> None:
    port = "socket://user:secret1@host:1/?key=secret2"
    with patch("serialx.open_serial_connection", side_effect=OSError(f"no way to {port}")):
        result = await start(hass, {CONF_PORT: port})
    assert result["errors"]["base"] == "cannot_open"
    assert told(result)["port"] == "socket://host:1/"
    assert "secret" not in str(told(result))
    assert "secret" not in caplog.text
    await close(hass, result)


async def test_address_of_an_entry(hass: HomeAssistant) -> None:
    entered = {CONF_PORT: "socket://p1.local:2323", CONF_BRIDGE_TYPE: BRIDGE_DSMR}
    MockConfigEntry(domain=DOMAIN, data=entered).add_to_hass(hass)
    result = await start(hass, {CONF_PORT: "tcp://P1.local:2323/"})
    assert result["reason"] == "already_configured"
    with patch("serialx.open_serial_connection", side_effect=OSError):
        result = await start(hass, {CONF_PORT: "rfc2217://p1.local:2323"})
    assert result["errors"]["base"] == "cannot_open"
    await close(hass, result)


async def test_port_of_an_entry(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    MockConfigEntry(domain=DOMAIN, data={CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR}).add_to_hass(hass)
    alias = tmp_path / "alias"
    alias.symlink_to(port.path)
    for path in (port.path, str(alias)):
        result = await start(hass, {CONF_PORT: path})
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "already_configured"


async def test_meter_of_an_entry(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    async with sending(make_meter(port)):
        entry = (await finish(hass, await start(hass, {CONF_PORT: port.path})))["result"]
        with PtyPort(link=tmp_path / "second") as second:
            # Another cable to the same meter: the first is still heard.
            async with sending(make_meter(second)):
                result = await start(hass, {CONF_PORT: second.path})
            assert result["reason"] == "already_configured"
            assert entry.data[CONF_PORT] == port.path
    assert await hass.config_entries.async_unload(entry.entry_id)
    port.unplug()
    with PtyPort(link=tmp_path / "third") as third:
        # The cable was put elsewhere.
        async with sending(make_meter(third)):
            result = await start(hass, {CONF_PORT: third.path})
            await hass.async_block_till_done()
        assert result["reason"] == "already_configured"
        assert entry.data[CONF_PORT] == third.path


async def test_entry_that_moves_takes_what_was_entered(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    """What was fixed for the old port goes, and keys and line settings of the new one come with it."""
    settings = {"baudrate": 115200, "databits": 8, "parity": "N", "stopbits": 1}
    meter = make_meter(port, "austria")
    async with sending(meter):
        result = await start(hass, {CONF_PORT: port.path, CONF_SERIAL_SETTINGS: settings})
        entry = (await finish(hass, await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})))["result"]
    port.unplug()
    with PtyPort(link=tmp_path / "second") as second:
        meter = make_meter(second, "austria")
        meter.builder.decryption_key = bytes.fromhex(OTHER_KEY)
        async with sending(meter):
            result = await start(hass, {CONF_PORT: second.path, CONF_SERIAL_SETTINGS: {"baudrate": 115200}})
            keys = {CONF_DECRYPTION_KEY: OTHER_KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}
            result = await enter(hass, result, keys)
            await hass.async_block_till_done()
            assert result["reason"] == "already_configured"
            assert entry.data == {
                CONF_PORT: second.path, CONF_BRIDGE_TYPE: BRIDGE_SMARTY, "baudrate": 115200, **keys
            }  # fmt: skip
            await eventually(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data.last_update_success)
            assert await hass.config_entries.async_unload(entry.entry_id)


async def test_two_dialogs_about_one_meter(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        first = await start(hass, {CONF_PORT: port.path})
        second = await start(hass, {CONF_PORT: port.path})
        assert second["step_id"] == "confirm"
        await finish(hass, second)
    assert not is_open(hass, first)
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_two_dialogs_about_one_port_of_which_the_meter_tells_no_identifier(
    hass: HomeAssistant, port: PtyPort
) -> None:
    async with sending(make_meter(port, "sweden")):
        first = await start(hass, {CONF_PORT: port.path})
        second = await start(hass, {CONF_PORT: port.path})
        result = await finish(hass, second)
        assert result["result"].unique_id is None
        result = await enter(hass, first, {})
        assert result["reason"] == "already_configured"


async def test_form_that_is_asked_for_while_the_entry_is_made(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    async with sending(meter):
        result = await start(hass, {CONF_PORT: port.path})
        asked_before = asyncio.create_task(look(hass, result))
        await asyncio.sleep(0)
        ending = asyncio.create_task(answer(hass, result, {}))
        await eventually(lambda: hass.config_entries.async_entries(DOMAIN))
        again = await look(hass, result)
        assert (await asked_before)["step_id"] == again["step_id"] == "confirm"
        assert (await ending)["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()


async def test_closing_the_dialog_frees_the_port(hass: HomeAssistant, port: PtyPort) -> None:
    result = await begin(hass)
    result = await answer(hass, result, {CONF_PORT: port.path})
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    await eventually(port.reader_present)
    await close(hass, result)
    await eventually(lambda: not port.reader_present())


async def test_progress_is_told(hass: HomeAssistant, port: PtyPort) -> None:
    shares: list[float] = []
    hass.bus.async_listen("data_entry_flow_progress_update", lambda event: shares.append(event.data["progress"]))
    actions: list[str] = []
    meter = make_meter(port)
    meter.faults.enable("wrong-crc")
    async with sending(meter):
        result = await begin(hass)
        result = await answer(hass, result, {CONF_PORT: port.path})
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            actions.append(result["progress_action"])
            assert told(result) == {"port": f"`{port.path}`"}
            await asyncio.sleep(0.05)
            result = await look(hass, result)
    assert list(dict.fromkeys(actions)) == ["listen", "listen_data"]
    assert shares[0] < 0.1
    assert 0 <= min(shares) <= max(shares) <= 1
    await close(hass, result)


async def test_over_http(hass: HomeAssistant, port: PtyPort, hass_client: ClientSessionGenerator) -> None:
    for component in ("config", "usb"):
        assert await async_setup_component(hass, component, {})
    client = await hass_client()
    base = "/api/config/config_entries/flow"

    async def post(path: str, content: dict[str, Any]) -> dict[str, Any]:
        response = await client.post(base + path, json=content)
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer

    step = await post("", {"handler": DOMAIN})
    assert [field["name"] for field in step["data_schema"]] == [CONF_PORT, CONF_BRIDGE_TYPE, CONF_SERIAL_SETTINGS]
    path = f"/{step['flow_id']}"
    async with sending(make_meter(port, "austria")):
        step = await post(path, {CONF_PORT: port.path, CONF_BRIDGE_TYPE: "auto", CONF_SERIAL_SETTINGS: {}})
        while step["type"] == "progress":
            await asyncio.sleep(0.05)
            step = await (await client.get(base + path)).json()
        assert step["step_id"] == "keys"
        step = await post(path, {CONF_DECRYPTION_KEY: OTHER_KEY})
        assert step["errors"] == {CONF_DECRYPTION_KEY: "wrong_key"}
        # Asking again, as the browser does, does not make the error go away.
        assert (await (await client.get(base + path)).json())["errors"] == step["errors"]
        step = await post(path, {CONF_DECRYPTION_KEY: KEY})
        while step["type"] == "progress":
            await asyncio.sleep(0.05)
            step = await (await client.get(base + path)).json()
        assert step["step_id"] == "confirm"
        step = await post(path, {})
        await hass.async_block_till_done()
    assert step["type"] == "create_entry"


def test_every_text_has_its_use() -> None:
    """The errors of the flows are those that are written down, neither more nor less."""
    assert set(TRANSLATIONS["config"]["error"]) == {
        *ADVICE,
        "baudrate_missing",
        "cannot_open",
        "crc_errors",
        "invalid_key",
        "no_data",
        "no_free_port",
        "no_telegram",
        "not_p1",
        "port_in_use",
        "unknown",
        "unsupported_encryption",
        "wrong_additional_key",
        "wrong_key",
    }


@pytest.fixture
def host_ports() -> Iterator[list[ReaderPort]]:
    """Let a bare host be tried on the ports that a test puts here."""
    ports: list[ReaderPort] = []
    with patch("custom_components.dsmr_p1.port.address.READER_PORTS", ports):
        yield ports


async def _closed_port() -> int:
    """Give the number of a port on which nobody listens."""
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    number: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return number


@pytest.mark.usefixtures("quick")
async def test_bare_host_is_tried_on_the_ports_of_network_readers(
    hass: HomeAssistant, host_ports: list[ReaderPort], socket_enabled: None
) -> None:
    """One refuses, one is something silent, and one is the meter: that one is shown, and kept."""
    with TcpPort() as silent, TcpPort() as tcp:
        numbers = (await _closed_port(), *(int(port.path.rpartition(":")[2]) for port in (silent, tcp)))
        host_ports += [ReaderPort(number, "", "") for number in numbers]
        async with sending(make_meter(tcp)):
            result = await start(hass, {CONF_PORT: " 127.0.0.1 "})
            assert result["step_id"] == "confirm"
            assert told(result)["port"] == f"socket://127.0.0.1:{numbers[2]}"
            result = await finish(hass, result)
            assert result["data"][CONF_PORT] == f"socket://127.0.0.1:{numbers[2]}"
            await hass.config_entries.async_unload(result["result"].entry_id)


async def test_host_with_the_number_of_its_port(hass: HomeAssistant, socket_enabled: None) -> None:
    with TcpPort() as tcp:
        typed = tcp.path.partition("://")[2]
        async with sending(make_meter(tcp)):
            result = await finish(hass, await start(hass, {CONF_PORT: typed}))
            assert result["data"][CONF_PORT] == f"socket://{typed}"
            await hass.config_entries.async_unload(result["result"].entry_id)


async def test_host_that_refuses(
    hass: HomeAssistant, port: PtyPort, host_ports: list[ReaderPort], socket_enabled: None
) -> None:
    host_ports += [ReaderPort(await _closed_port(), "", ""), ReaderPort(await _closed_port(), "", "")]
    result = await start(hass, {CONF_PORT: f"127.0.0.1:{host_ports[0].number}"})
    assert result["errors"] == {"base": "cannot_open", CONF_PORT: "refused"}
    result = await enter(hass, result, {CONF_PORT: "127.0.0.1"})
    assert result["errors"] == {"base": "cannot_open", CONF_PORT: "refused_everywhere"}
    assert told(result)["host"] == "127.0.0.1"
    assert str(host_ports[1].number) in told(result)["ports"]
    await _recover(hass, result, port)


async def test_host_that_nobody_knows(hass: HomeAssistant, port: PtyPort) -> None:
    with patch("serialx.open_serial_connection", side_effect=socket.gaierror(-2, "Name or service not known")) as tried:
        result = await start(hass, {CONF_PORT: "p1-raeder.local"})
    assert result["errors"] == {"base": "cannot_open", CONF_PORT: "unknown_host"}
    assert tried.call_count == 1
    assert told(result)["host"] == "p1-raeder.local"
    await _recover(hass, result, port)


@pytest.mark.usefixtures("quick")
async def test_host_that_does_not_answer(hass: HomeAssistant, port: PtyPort) -> None:
    async def hang(**_: object) -> None:
        await asyncio.sleep(60)

    with patch("serialx.open_serial_connection", hang):
        result = await start(hass, {CONF_PORT: "192.168.1.20:23"})
    assert result["errors"] == {"base": "cannot_open", CONF_PORT: "unreachable"}
    await _recover(hass, result, port)


@pytest.mark.usefixtures("quick")
async def test_reader_that_is_silent(hass: HomeAssistant, port: PtyPort, socket_enabled: None) -> None:
    with TcpPort() as tcp:
        result = await start(hass, {CONF_PORT: tcp.path})
    assert result["errors"] == {"base": "no_data", CONF_PORT: "silent_network"}
    await _recover(hass, result, port)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "no_permission"),
        (OSError(errno.EIO, "Input/output error"), "gone"),
        (ValueError("unsupported"), "cannot_open_cable"),
    ],
)
async def test_cable_that_cannot_be_opened(hass: HomeAssistant, port: PtyPort, error: Exception, advice: str) -> None:
    with patch("serialx.open_serial_connection", side_effect=error):
        result = await start(hass, {CONF_PORT: port.path})
    assert result["errors"] == {"base": "cannot_open", CONF_PORT: advice}
    assert "`" not in str(told(result))
    await _recover(hass, result, port)


@pytest.mark.parametrize("typed", ["http://192.168.1.20", "my meter", "socket://host:one"])
async def test_what_is_no_port(hass: HomeAssistant, port: PtyPort, typed: str) -> None:
    result = await start(hass, {CONF_PORT: typed})
    assert result["errors"] == {"base": "cannot_open", CONF_PORT: "address"}
    assert suggested(result)[CONF_PORT] == typed
    await _recover(hass, result, port)


async def test_right_key_opens_what_was_heard(hass: HomeAssistant, port: PtyPort) -> None:
    """The meter is silent by now, and no port is opened again."""
    async with sending(make_meter(port, "austria")):
        result = await start(hass, {CONF_PORT: port.path})
        assert result["step_id"] == "keys"
    with patch("serialx.open_serial_connection", side_effect=OSError) as opened:
        result = await answer(hass, result, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY})
    assert result["step_id"] == "confirm"
    assert "kWh" in told(result)["readings"]
    assert not opened.called
    await close(hass, result)


async def test_unknown_meter_is_named_as_such(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    telegram = seal(
        b"/XYZ5\\2026\r\n\r\n0-0:1.0.0(261102130000W)\r\n1-0:1.8.1(000123.456*kWh)\r\n"
        b"0-1:24.1.0(011)\r\n0-1:24.2.1(261102130000W)(00042.000*m3)\r\n"
    )
    with patch.object(meter, "compose", lambda: telegram):
        async with sending(meter):
            texts = told(await start(hass, {CONF_PORT: port.path}))
    assert "not known yet" in texts["notes"]
    assert "issues/new?title=Unknown+meter" in texts["notes"]
    assert "123.456 kWh used" in texts["readings"]
    assert "123.456" not in texts["notes"]
    assert texts["country"] == "–"


async def _recover(hass: HomeAssistant, result: Any, port: PtyPort) -> None:
    """End what began with an error at an entry."""
    async with sending(make_meter(port)):
        result = await enter(hass, result, {CONF_PORT: port.path})
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(("address", "kind"), [("socket://127.0.0.1:1", "text"), ("/dev/none", "serial_port")])
async def test_an_address_that_was_typed_is_corrected_as_text(
    hass: HomeAssistant, socket_enabled: None, address: str, kind: str
) -> None:
    result = await start(hass, {CONF_PORT: address})
    assert result["errors"]["base"] == "cannot_open"
    assert next(iter(fields(result))) == CONF_PORT
    assert kind in fields(result)[CONF_PORT]["selector"]
    assert suggested(result)[CONF_PORT] == address
