"""Setting up a port: every way through the user flow, and from every error to an entry."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
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
from simulator import (
    EXAMPLE_AUTHENTICATION_KEY,
    EXAMPLE_DECRYPTION_KEY,
    TELNET_GREETING,
    PtyPort,
    TcpPort,
    seal,
)
from tests.ha.flow_driver import (
    QUICK,
    TRANSLATIONS,
    answer,
    begin,
    close,
    enter,
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
OTHER_KEY = "0" * 31 + "1"


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Let nobody wait for a meter longer than these meters need."""
    with (
        patch("custom_components.dsmr_p1.flow.listen_step.PATIENCE", QUICK),
        patch("custom_components.dsmr_p1.flow.listen_step.NETWORK_PATIENCE", QUICK),
        patch("custom_components.dsmr_p1.flow.listen_step.SCAN_PATIENCE", QUICK),
        patch("custom_components.dsmr_p1.flow.listen_step.HOST_PATIENCE", QUICK),
    ):
        yield


@pytest.fixture(autouse=True)
async def rest(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> None:
    """Take every step through Home Assistant's REST interface."""
    await over_rest(hass, hass_client)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(link=tmp_path / "ttyP1") as pty:
        yield pty


async def test_plain_meter(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    async with sending(meter):
        result = await start(hass, {CONF_PORT: port.path})
        assert result["type"] is FlowResultType.FORM
        assert result["step_id"] == "confirm"
        texts = told(result)
        assert texts["port"] == f"`{port.path}`"
        assert texts["settings"] == "115200 8N1"
        assert texts["protocol"] == "DSMR 5.0"
        assert texts["country"] == "Netherlands"
        assert texts["encryption"] == "none"
        assert int(texts["telegrams"]) >= 2
        assert texts["damaged"] == "0"
        assert texts["period"] == "one every 0 s"
        assert texts["meters"].splitlines() == [
            "- Electricity meter: DSMR V5 Electricity meter, identifier `E00SIM00760415315`",
            "- Gas meter on M-Bus channel 1: DSMR V5 m3 meter (gas or water), identifier `G00SIM00697998055`",
        ]
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
            assert texts["protocol"] == "DSMR, the meter tells no version"
            assert texts["meters"].splitlines()[1].startswith("- Gas meter: DSMR V2.2 Gas meter, identifier")
            result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "baudrate" not in result["data"]


async def test_meters_with_nothing_behind_them_are_told(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port, "emucs")):
        texts = told(await start(hass, {CONF_PORT: port.path}))
    assert texts["protocol"] == "e-MUCS 2.1"
    assert texts["country"] == "Belgium"
    port.replug()
    async with sending(make_meter(port, "dsmr5", mbus="gas:ghost,water")):
        result = await start(hass, {CONF_PORT: port.path})
    texts = told(result)
    assert "- Gas meter on M-Bus channel 1: announced, but not registered; identifier not told" in texts["meters"]
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
            assert "Heat meter on M-Bus channel 1" in told(result)["meters"]
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
    assert "no new reading since 2026-09-01" in told(result)["meters"]


@pytest.mark.parametrize(
    ("model", "keys", "title", "encryption"),
    [
        ("smarty_lu", {CONF_DECRYPTION_KEY: KEY}, "DSMR P1 (Luxembourg)", "published key"),
        ("austria", {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}, "DSMR P1 (Austria)", "additional key"),
        ("austria", {CONF_DECRYPTION_KEY: KEY}, "DSMR P1 (Austria)", "not proven genuine"),
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
        assert told(result)["encryption"] == "none"
        result = await finish(hass, result)
    assert result["data"] == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: KEY}


async def test_port_that_does_not_exist(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    entered = {CONF_PORT: str(tmp_path / "none"), CONF_BRIDGE_TYPE: BRIDGE_DSMR, CONF_SERIAL_SETTINGS: {}}
    result = await start(hass, entered)
    assert result["step_id"] == "user"
    assert result["errors"]["base"] == "cannot_open"
    assert "FileNotFoundError" in told(result)["cause"]
    assert suggested(result)[CONF_PORT] == entered[CONF_PORT]
    assert suggested(result)[CONF_BRIDGE_TYPE] == BRIDGE_DSMR
    await _recover(hass, result, port)


async def test_port_that_another_program_reads(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        other = await begin(hass)
        other = await answer(hass, other, {CONF_PORT: port.path})
        await eventually(port.reader_present)
        result = await start(hass, {CONF_PORT: port.path})
        assert result["errors"]["base"] == "port_in_use"
        await close(hass, await listened(hass, other))
    await _recover(hass, result, port)


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


async def test_telnet_is_recognised(hass: HomeAssistant, socket_enabled: None) -> None:
    with TcpPort(greeting=TELNET_GREETING) as tcp:
        meter = make_meter(tcp)
        with patch.object(meter, "compose", bytes):
            async with sending(meter):
                result = await start(hass, {CONF_PORT: tcp.path})
        assert result["errors"]["base"] == "not_p1"
        assert "raw mode" in told(result)["recognised"]
        async with sending(meter):
            result = await enter(hass, result, {CONF_PORT: tcp.path})
            texts = told(result)
            assert texts["settings"] == "set at the other end of the network"
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
    assert "no way to socket://host:1" in told(result)["cause"]
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
    texts: list[dict[str, str]] = []
    meter = make_meter(port)
    meter.faults.enable("wrong-crc")
    async with sending(meter):
        result = await begin(hass)
        result = await answer(hass, result, {CONF_PORT: port.path})
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            assert result["progress_action"] == "listen"
            texts.append(dict(told(result)))
            await asyncio.sleep(0.05)
            result = await look(hass, result)
    assert texts[0]["octets"] == "0"
    assert texts[0]["settings"] == "line settings to be found"
    assert texts[-1]["settings"] == "115200 8N1"
    assert int(texts[-1]["octets"]) > 1000
    assert int(texts[-1]["damaged"]) > 1
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


async def _recover(hass: HomeAssistant, result: Any, port: PtyPort) -> None:
    """End what began with an error at an entry."""
    async with sending(make_meter(port)):
        result = await enter(hass, result, {CONF_PORT: port.path})
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
