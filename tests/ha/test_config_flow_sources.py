"""The other ways into the flow: a cable that is plugged in, the scan of free ports, reconfiguration and new keys."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import override
from unittest.mock import patch

from homeassistant.components.usb import SerialDevice, USBDevice
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USB,
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.service_info.usb import UsbServiceInfo
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_config_flow,
    mock_integration,
    mock_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.dsmr_p1.const import (
    BRIDGE_DSMR,
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_SERIAL_SETTINGS,
    DOMAIN,
)
from custom_components.dsmr_p1.flow.listening import Patience
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY, PtyPort
from tests.ha.flow_driver import (
    PATIENT,
    Step,
    answer,
    begin,
    check_texts,
    close,
    enter,
    finish,
    is_open,
    listened,
    listening,
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
async def rest(patient: None, hass: HomeAssistant, hass_client: ClientSessionGenerator) -> None:
    """Take every step through Home Assistant's REST interface."""
    await over_rest(hass, hass_client)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(link=tmp_path / "ttyP1") as pty:
        yield pty


@pytest.fixture
def other_port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(link=tmp_path / "ttyOther") as pty:
        yield pty


async def set_up(hass: HomeAssistant, port: PtyPort, keys: dict[str, str] | None = None) -> ConfigEntry:
    """Make an entry of what sends on a port."""
    result = await start(hass, {CONF_PORT: port.path})
    if keys:
        result = await enter(hass, result, keys)
    entry: ConfigEntry = (await finish(hass, result))["result"]
    assert entry.state is ConfigEntryState.LOADED
    return entry


# A cable that is plugged in.


def cable(path: str) -> UsbServiceInfo:
    return UsbServiceInfo(
        device=path, vid="0403", pid="6001", serial_number="P1A2B3C4", manufacturer="SmartCable", description="P1 cable"
    )


async def discover(hass: HomeAssistant, path: str) -> Step:
    found = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USB}, data=cable(path))
    # The owner opens the dialog of what was found, if there is anything to decide.
    result = dict(found) if found["type"] is FlowResultType.ABORT else await look(hass, found)
    check_texts(result)
    return result


@pytest.mark.usefixtures("quick")
async def test_cable_is_confirmed_and_listened_to(
    hass: HomeAssistant, port: PtyPort, hass_ws_client: WebSocketGenerator
) -> None:
    result = await discover(hass, port.path)
    assert result["step_id"] == "usb_confirm"
    # What the page with the integrations shows of it.
    websocket = await hass_ws_client(hass)
    await websocket.send_json_auto_id({"type": "config_entries/flow/progress"})
    (flow,) = (await websocket.receive_json())["result"]
    assert (flow["handler"], flow["flow_id"], flow["step_id"]) == (DOMAIN, result["flow_id"], "usb_confirm")
    assert flow["context"]["title_placeholders"] == {"name": "P1 cable"}
    # Nothing is heard: nothing is made.
    result = await enter(hass, result, {})
    assert result["step_id"] == "usb_confirm"
    assert result["errors"]["base"] == "no_data"
    async with sending(make_meter(port)):
        result = await enter(hass, result, {})
        result = await finish(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR}
    assert result["result"].unique_id == "E00SIM00760415315"


async def test_cable_of_an_encrypted_meter(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port, "smarty_lu")):
        result = await enter(hass, await discover(hass, port.path), {})
        assert result["step_id"] == "keys"
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})
        result = await finish(hass, result)
    assert result["data"][CONF_BRIDGE_TYPE] == BRIDGE_SMARTY


async def test_cable_of_an_entry(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        await set_up(hass, port)
    result = await discover(hass, port.path)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_cable_that_was_ignored(hass: HomeAssistant, port: PtyPort) -> None:
    result = await discover(hass, port.path)
    unique_id = hass.config_entries.flow.async_get(result["flow_id"])["context"]["unique_id"]
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IGNORE}, data={"unique_id": unique_id, "title": "P1 cable"}
    )
    assert (await discover(hass, port.path))["reason"] == "already_configured"
    # Who asks for it gets it nevertheless.
    async with sending(make_meter(port)):
        await set_up(hass, port)


async def test_cable_in_another_socket(hass: HomeAssistant, port: PtyPort, other_port: PtyPort) -> None:
    async with sending(make_meter(port)):
        entry = await set_up(hass, port)
    port.unplug()
    async with sending(make_meter(other_port)):
        result = await enter(hass, await discover(hass, other_port.path), {})
        assert result["reason"] == "already_configured"
        await hass.async_block_till_done()
        assert entry.data[CONF_PORT] == other_port.path
        assert entry.state is ConfigEntryState.LOADED
        await eventually(lambda: entry.runtime_data.last_update_success)


async def test_cable_that_the_owner_sets_up_himself(hass: HomeAssistant, port: PtyPort) -> None:
    discovered = await discover(hass, port.path)
    async with sending(make_meter(port)):
        await set_up(hass, port)
    assert not is_open(hass, discovered)


async def test_path_that_stays(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    by_id = tmp_path / "usb-P1_cable-if00"
    by_id.symlink_to(port.path)
    with patch("homeassistant.components.usb.get_serial_by_id", return_value=str(by_id)):
        async with sending(make_meter(port)):
            entry = await set_up(hass, port)
    assert entry.data[CONF_PORT] == str(by_id)


# The scan.


def devices(*ports: PtyPort) -> list[USBDevice | SerialDevice]:
    return [
        USBDevice(
            device=port.path,
            vid="0403",
            pid="6001",
            serial_number=f"serial{number}",
            manufacturer="FTDI",
            description=f"Cable {number}",
        )
        for number, port in enumerate(ports)
    ]


@pytest.fixture
def plugged(port: PtyPort, other_port: PtyPort) -> Iterator[list[USBDevice | SerialDevice]]:
    found = devices(other_port, port)
    with patch("homeassistant.components.usb.scan_serial_ports", lambda: list(found)):
        yield found


@pytest.mark.usefixtures("quick")
async def test_free_ports_are_named_then_tried(
    hass: HomeAssistant, port: PtyPort, other_port: PtyPort, plugged: list[USBDevice | SerialDevice]
) -> None:
    result = await start(hass, {})
    assert result["step_id"] == "scan"
    assert told(result)["ports"].splitlines() == [
        f"- `{other_port.path}` FTDI Cable 0",
        f"- `{port.path}` FTDI Cable 1",
    ]
    assert not other_port.reader_present()
    async with sending(make_meter(port)):
        result = await enter(hass, result, {})
        assert told(result)["port"] == port.path
        result = await finish(hass, result)
    assert result["data"][CONF_PORT] == port.path


@pytest.mark.usefixtures("quick")
async def test_scan_finds_an_encrypted_meter(
    hass: HomeAssistant, port: PtyPort, plugged: list[USBDevice | SerialDevice]
) -> None:
    async with sending(make_meter(port, "smarty_lu")):
        result = await enter(hass, await start(hass, {CONF_PORT: ""}), {})
        assert result["step_id"] == "keys"
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})
        result = await finish(hass, result)
    assert result["data"][CONF_PORT] == port.path


@pytest.mark.usefixtures("quick")
async def test_scan_that_finds_nothing_tells_the_most_it_heard(
    hass: HomeAssistant, port: PtyPort, other_port: PtyPort, plugged: list[USBDevice | SerialDevice]
) -> None:
    meter = make_meter(other_port)
    meter.faults.enable("wrong-crc")
    async with sending(meter):
        result = await enter(hass, await start(hass, {}), {})
    assert result["step_id"] == "user"
    assert result["errors"]["base"] == "crc_errors"
    assert told(result)["port"] == other_port.path
    async with sending(make_meter(port)):
        result = await finish(hass, await enter(hass, result, {CONF_PORT: port.path}))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_claimed_ports_are_left_alone(
    hass: HomeAssistant, port: PtyPort, other_port: PtyPort, plugged: list[USBDevice | SerialDevice], tmp_path: Path
) -> None:
    mock_integration(hass, MockModule("radio", partial_manifest={"dependencies": ["usb"]}))
    alias = tmp_path / "radio"
    alias.symlink_to(other_port.path)
    MockConfigEntry(domain="radio", data={"device": {"path": other_port.path}}).add_to_hass(hass)
    result = await start(hass, {})
    assert told(result)["ports"] == f"- `{port.path}` FTDI Cable 1"
    # Claimed between the naming and the trying.
    MockConfigEntry(domain="radio", data={"device": {"path": port.path}}).add_to_hass(hass)
    result = await enter(hass, result, {})
    assert result["step_id"] == "user"
    assert result["errors"] == {"base": "no_free_port"}
    result = await enter(hass, result, {})
    assert result["step_id"] == "user"
    assert result["errors"] == {"base": "no_free_port"}
    async with sending(make_meter(port)):
        result = await finish(hass, await enter(hass, result, {CONF_PORT: port.path}))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_port_that_another_integration_has_discovered(
    hass: HomeAssistant, port: PtyPort, other_port: PtyPort, plugged: list[USBDevice | SerialDevice]
) -> None:
    class RadioFlow(ConfigFlow):
        @override
        async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
            return self.async_show_form(step_id="usb")

    mock_integration(hass, MockModule("radio"))
    mock_platform(hass, "radio.config_flow")
    with mock_config_flow("radio", RadioFlow):
        await hass.config_entries.flow.async_init("radio", context={"source": SOURCE_USB}, data=cable(other_port.path))
        ours = await discover(hass, port.path)
        result = await start(hass, {})
        assert told(result)["ports"] == f"- `{port.path}` FTDI Cable 1"
        await close(hass, result)
        await close(hass, ours)


# Reconfiguration.


async def reconfigure(hass: HomeAssistant, entry: ConfigEntry) -> Step:
    result = await begin(hass, entry)
    assert result["step_id"] == "reconfigure"
    return result


async def test_reconfigure_the_same_port(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        entry = await set_up(hass, port)
        result = await reconfigure(hass, entry)
        assert suggested(result)[CONF_PORT] == port.path
        settings = {"baudrate": 115200, "databits": "8", "parity": "n", "stopbits": "1"}
        result = await enter(hass, result, {CONF_PORT: port.path, CONF_SERIAL_SETTINGS: settings})
        assert result["step_id"] == "confirm"
        await eventually(lambda: entry.state is ConfigEntryState.LOADED)
        result = await answer(hass, result, {})
        await hass.async_block_till_done()
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "reconfigure_successful"
        fixed = {"baudrate": 115200, "databits": 8, "parity": "N", "stopbits": 1}
        assert entry.data == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR, **fixed}
        assert entry.state is ConfigEntryState.LOADED
        # The settings stand in the form, and go when they are taken out of it.
        result = await reconfigure(hass, entry)
        assert suggested(result)[CONF_SERIAL_SETTINGS] == settings
        result = await enter(hass, result, {CONF_PORT: port.path})
        await answer(hass, result, {})
        await hass.async_block_till_done()
    assert entry.data == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR}


@pytest.mark.usefixtures("quick")
async def test_reconfigure_to_another_port(hass: HomeAssistant, port: PtyPort, other_port: PtyPort) -> None:
    async with sending(make_meter(port)):
        entry = await set_up(hass, port)
        result = await reconfigure(hass, entry)
        result = await enter(hass, result, {CONF_PORT: other_port.path})
        assert result["step_id"] == "reconfigure"
        assert result["errors"]["base"] == "no_data"
        # The entry goes on meanwhile.
        assert entry.state is ConfigEntryState.LOADED
        async with sending(make_meter(other_port)):
            result = await enter(hass, result, {CONF_PORT: other_port.path})
            result = await answer(hass, result, {})
            await hass.async_block_till_done()
            assert result["reason"] == "reconfigure_successful"
            assert entry.data[CONF_PORT] == other_port.path
            assert entry.state is ConfigEntryState.LOADED


async def test_reconfigure_to_another_meter(hass: HomeAssistant, port: PtyPort, other_port: PtyPort) -> None:
    async with sending(make_meter(port)), sending(make_meter(other_port, seed=2)):
        entry = await set_up(hass, port)
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: other_port.path})
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "unique_id_mismatch"
        assert entry.data[CONF_PORT] == port.path


async def test_reconfigure_after_the_meter_was_replaced(hass: HomeAssistant, port: PtyPort) -> None:
    """The new meter speaks at another speed than was fixed for the old one: the port is the same, and so is the entry.

    What became of the old meter is asked while the entry runs.
    """
    with listening(PATIENT):
        async with sending(make_meter(port, "dsmr22"), interval=0.7):
            fixed = {"baudrate": 9600, "databits": "7", "parity": "e", "stopbits": "1"}
            result = await start(hass, {CONF_PORT: port.path, CONF_SERIAL_SETTINGS: fixed})
            entry = (await finish(hass, result))["result"]
        identity = entry.unique_id
        assert identity is not None
        port.replug()
        async with sending(make_meter(port, seed=2)):
            result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
            assert told(result)["settings"] == "115200 8N1"
            assert identity not in told(result)["meters"]
            result = await enter(hass, result, {})
            await hass.async_block_till_done()
            assert result["reason"] == "reconfigure_successful"
            assert entry.data == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR}
            assert entry.unique_id == identity
            question = f"meter_electricity_{entry.entry_id}"
            await eventually(lambda: ir.async_get(hass).async_get_issue(DOMAIN, question) is not None)


async def test_reconfigure_to_the_meter_of_another_entry_on_the_same_port(
    hass: HomeAssistant, port: PtyPort, other_port: PtyPort
) -> None:
    async with sending(make_meter(port)), sending(make_meter(other_port, seed=2)):
        entry = await set_up(hass, port)
        await set_up(hass, other_port)
    port.replug()
    # The cables were exchanged.
    async with sending(make_meter(port, seed=2)):
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
    assert result["reason"] == "unique_id_mismatch"


async def test_reconfigure_to_the_port_of_another_entry(
    hass: HomeAssistant, port: PtyPort, other_port: PtyPort
) -> None:
    async with sending(make_meter(port)), sending(make_meter(other_port, seed=2)):
        entry = await set_up(hass, port)
        await set_up(hass, other_port)
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: other_port.path})
        assert result["errors"]["base"] == "port_in_use"
        result = await enter(hass, result, {CONF_PORT: port.path})
        assert result["step_id"] == "confirm"
        await close(hass, result)


async def test_reconfigure_an_entry_without_identity(hass: HomeAssistant, port: PtyPort, other_port: PtyPort) -> None:
    async with sending(make_meter(port)):
        known = await set_up(hass, port)
        nameless = MockConfigEntry(
            domain=DOMAIN,
            data={CONF_PORT: other_port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR},
            disabled_by=ConfigEntryDisabler.USER,
        )
        nameless.add_to_hass(hass)
        # Its port turns out to be the meter of another entry.
        async with sending(make_meter(other_port)):
            result = await enter(hass, await reconfigure(hass, nameless), {CONF_PORT: other_port.path})
            assert result["reason"] == "unique_id_mismatch"
        # Or a meter of its own, by which it is known from now on.
        other_port.replug()
        async with sending(make_meter(other_port, seed=2)):
            result = await enter(hass, await reconfigure(hass, nameless), {CONF_PORT: other_port.path})
            await answer(hass, result, {})
            await hass.async_block_till_done()
    assert nameless.unique_id is not None
    assert nameless.unique_id != known.unique_id


async def test_reconfigure_does_not_do_without_proof(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port, "austria")
    async with sending(meter):
        entry = await set_up(hass, port, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY})
        result = await reconfigure(hass, entry)
        meter.builder.authentication_key = bytes.fromhex(OTHER_KEY)
        result = await enter(hass, result, {CONF_PORT: port.path})
        assert result["step_id"] == "keys"
        assert result["errors"] == {CONF_ADDITIONAL_KEY: "wrong_additional_key"}
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})
        assert result["errors"] == {CONF_ADDITIONAL_KEY: "wrong_additional_key"}
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: OTHER_KEY})
        assert result["step_id"] == "confirm"
        await answer(hass, result, {})
        await hass.async_block_till_done()
        assert entry.data[CONF_ADDITIONAL_KEY] == OTHER_KEY


async def test_reconfigure_does_not_do_without_proof_while_the_entry_is_not_set_up(
    hass: HomeAssistant, port: PtyPort
) -> None:
    meter = make_meter(port, "austria")
    async with sending(meter):
        entry = await set_up(hass, port, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY})
        assert await hass.config_entries.async_unload(entry.entry_id)
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
        assert result["step_id"] == "confirm"
        await close(hass, result)
        meter.builder.authentication_key = bytes.fromhex(OTHER_KEY)
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
        assert result["errors"] == {CONF_ADDITIONAL_KEY: "wrong_additional_key"}
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})
        assert result["errors"] == {CONF_ADDITIONAL_KEY: "wrong_additional_key"}
        await close(hass, result)


@pytest.mark.parametrize("is_set_up", [True, False])
async def test_reconfigure_alone_lifts_the_demand_for_encryption(
    hass: HomeAssistant, port: PtyPort, is_set_up: bool
) -> None:
    meter = make_meter(port, "austria")
    plain = make_meter(port, "dsmr5")
    plain.builder.identifier = meter.builder.identifier
    async with sending(meter):
        entry = await set_up(hass, port, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY})
        await eventually(lambda: entry.runtime_data.last_update_success)
    async with sending(plain):
        await eventually(lambda: entry.runtime_data.port.reader.heard.rejected["authentication"])
        heard = entry.runtime_data.port.reader.heard.telegrams
        await eventually(lambda: entry.runtime_data.port.reader.heard.rejected["authentication"] > 3)
        assert entry.runtime_data.port.reader.heard.telegrams == heard
        # Neither a reload nor a dialog that is closed lifts it.
        assert await hass.config_entries.async_reload(entry.entry_id)
        if not is_set_up:
            assert await hass.config_entries.async_unload(entry.entry_id)
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
        assert result["step_id"] == "confirm"
        assert told(result)["encryption"] == "–"
        assert "authenticated before, and are plain now" in told(result)["notes"]
        await close(hass, result)
        if is_set_up:
            await eventually(lambda: entry.runtime_data.port.reader.heard.rejected["authentication"])
            assert not entry.runtime_data.port.reader.heard.telegrams
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
        await answer(hass, result, {})
        await hass.async_block_till_done()
        await eventually(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data.last_update_success)
    assert not entry.runtime_data.port.record.memory.tag_verified


async def test_reconfigure_an_encrypted_port(hass: HomeAssistant, port: PtyPort) -> None:
    keys = {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}
    async with sending(make_meter(port, "austria")):
        entry = await set_up(hass, port, keys)
        result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
        assert result["step_id"] == "confirm"
        await answer(hass, result, {})
        await hass.async_block_till_done()
        assert entry.data == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_SMARTY, **keys}


async def test_entry_goes_on_when_the_dialog_ends_while_listening(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    async with sending(meter):
        entry = await set_up(hass, port)
    result = await reconfigure(hass, entry)
    result = await answer(hass, result, {CONF_PORT: port.path})
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    await eventually(lambda: entry.state is ConfigEntryState.NOT_LOADED)
    await eventually(port.reader_present)
    await close(hass, result)
    await eventually(lambda: entry.state is ConfigEntryState.LOADED)
    async with sending(meter):
        await eventually(lambda: entry.runtime_data.last_update_success)
    await hass.async_block_till_done()


async def test_entry_that_waits_for_its_first_telegram_makes_way(hass: HomeAssistant, port: PtyPort) -> None:
    entry = MockConfigEntry(domain=DOMAIN, data={CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR})
    entry.add_to_hass(hass)
    setting_up = asyncio.create_task(hass.config_entries.async_setup(entry.entry_id))
    await eventually(port.reader_present)
    result = await answer(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
    assert not await setting_up
    await eventually(lambda: entry.state is ConfigEntryState.NOT_LOADED)
    async with sending(make_meter(port)):
        result = await listened(hass, result)
        assert (await finish(hass, result))["reason"] == "reconfigure_successful"
        await eventually(lambda: entry.state is ConfigEntryState.LOADED)


async def test_stop_of_home_assistant_ends_listening(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        entry = await set_up(hass, port)
    result = await reconfigure(hass, entry)
    with patch("custom_components.dsmr_p1.flow.listen_step.PATIENCE", Patience()):
        await answer(hass, result, {CONF_PORT: port.path})
        await eventually(lambda: entry.state is ConfigEntryState.NOT_LOADED)
        await eventually(port.reader_present)
    async with asyncio.timeout(20):
        await hass.async_stop()
    assert entry.state is ConfigEntryState.NOT_LOADED


async def test_stop_of_home_assistant_finds_nothing_left_of_an_entry_that_waits(
    hass: HomeAssistant, port: PtyPort, caplog: pytest.LogCaptureFixture
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, data={CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR})
    entry.add_to_hass(hass)
    setting_up = asyncio.create_task(hass.config_entries.async_setup(entry.entry_id))
    await eventually(port.reader_present)
    await hass.async_stop()
    setting_up.cancel()
    await asyncio.wait([setting_up])
    assert "still running after final writes" not in caplog.text


@pytest.mark.usefixtures("quick")
async def test_entry_goes_on_when_nothing_is_heard(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port)
    async with sending(meter):
        entry = await set_up(hass, port)
    result = await enter(hass, await reconfigure(hass, entry), {CONF_PORT: port.path})
    assert result["errors"]["base"] == "no_data"
    assert entry.state is ConfigEntryState.LOADED
    async with sending(meter):
        await eventually(lambda: entry.runtime_data.last_update_success)


@pytest.mark.usefixtures("quick")
async def test_entry_that_is_removed_while_listening(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        entry = await set_up(hass, port)
    result = await reconfigure(hass, entry)
    result = await answer(hass, result, {CONF_PORT: port.path})
    await eventually(lambda: entry.state is ConfigEntryState.NOT_LOADED)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert hass.config_entries.async_entries(DOMAIN) == []
    await eventually(lambda: not port.reader_present())


# New keys.


async def ask_keys(hass: HomeAssistant, entry: ConfigEntry) -> Step:
    entry.async_start_reauth(hass)
    await hass.async_block_till_done()
    flow = hass.config_entries.flow.async_progress_by_handler(DOMAIN)[0]
    result = await look(hass, flow)
    check_texts(result)
    assert result["step_id"] == "reauth_confirm"
    return result


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ("decryption_key", {CONF_DECRYPTION_KEY: "wrong_key"}),
        ("authentication_key", {CONF_ADDITIONAL_KEY: "wrong_additional_key"}),
    ],
)
async def test_which_key_is_wrong_is_told_at_once(
    hass: HomeAssistant, port: PtyPort, changed: str, errors: dict[str, str]
) -> None:
    keys = {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}
    meter = make_meter(port, "austria")
    async with sending(meter):
        entry = await set_up(hass, port, keys)
        setattr(meter.builder, changed, bytes.fromhex(OTHER_KEY))
        await eventually(lambda: entry.runtime_data.port.reader.heard.rejected)
        result = await ask_keys(hass, entry)
        assert result["errors"] == errors
        assert suggested(result) == keys
        # Asking again, as the browser does, does not make the error go away, neither this nor a later one.
        assert (await ask_keys(hass, entry))["errors"] == errors
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: "12"})
        assert (await ask_keys(hass, entry))["errors"] == {CONF_DECRYPTION_KEY: "invalid_key"}
        replaced = CONF_DECRYPTION_KEY if changed == "decryption_key" else CONF_ADDITIONAL_KEY
        result = await enter(hass, result, keys | {replaced: OTHER_KEY})
        await hass.async_block_till_done()
        assert result["reason"] == "reauth_successful"
        await eventually(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data.last_update_success)


async def test_keys_that_were_never_entered(hass: HomeAssistant, port: PtyPort) -> None:
    """A plain port that is encrypted all at once: no key of the owner's is wrong."""
    async with sending(make_meter(port)):
        entry = await set_up(hass, port)
        result = await ask_keys(hass, entry)
        assert result["errors"] == {}
        await close(hass, result)


async def test_new_keys(hass: HomeAssistant, port: PtyPort) -> None:
    meter = make_meter(port, "austria")
    async with sending(meter):
        entry = await set_up(hass, port, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY})
        meter.builder.decryption_key = bytes.fromhex(OTHER_KEY)
        meter.builder.authentication_key = None
        result = await ask_keys(hass, entry)
        await asyncio.sleep(0.3)
        opened = entry.runtime_data.port.reader.heard.opened
        for entered, error in (
            ({CONF_DECRYPTION_KEY: "12"}, {CONF_DECRYPTION_KEY: "invalid_key"}),
            ({CONF_DECRYPTION_KEY: KEY}, {CONF_DECRYPTION_KEY: "wrong_key"}),
            ({CONF_DECRYPTION_KEY: OTHER_KEY, CONF_ADDITIONAL_KEY: KEY}, {CONF_ADDITIONAL_KEY: "wrong_additional_key"}),
            # What was authenticated once is not believed without authentication again.
            ({CONF_DECRYPTION_KEY: OTHER_KEY}, {CONF_ADDITIONAL_KEY: "wrong_additional_key"}),
        ):
            result = await enter(hass, result, entered)
            assert result["step_id"] == "reauth_confirm"
            assert result["errors"] == error
        # The port was not touched.
        assert entry.runtime_data.port.reader.heard.opened == opened
        keys = {CONF_DECRYPTION_KEY: OTHER_KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}
        result = await enter(hass, result, keys)
        await hass.async_block_till_done()
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "reauth_successful"
        assert entry.data == {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_SMARTY, **keys}
        await eventually(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data.last_update_success)


async def test_new_keys_of_a_port_from_which_nothing_was_kept(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port, "austria")):
        entry = await set_up(hass, port, {CONF_DECRYPTION_KEY: KEY})
    assert await hass.config_entries.async_unload(entry.entry_id)
    result = await ask_keys(hass, entry)
    async with sending(make_meter(port, "austria")):
        result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY, CONF_ADDITIONAL_KEY: SECOND_KEY})
        await hass.async_block_till_done()
    assert result["reason"] == "reauth_successful"
    assert entry.data[CONF_ADDITIONAL_KEY] == SECOND_KEY
    assert entry.state is ConfigEntryState.LOADED
