"""A HomeWizard P1 meter from its discovery to its entities: a fake of the device, written from its documentation."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_address
import json
import logging
from pathlib import Path
from socket import AF_INET, AI_NUMERICHOST
from typing import Any
from unittest.mock import patch

from aiohttp.abc import ResolveResult
from homeassistant.config_entries import SOURCE_IGNORE, SOURCE_ZEROCONF, ConfigEntryState
from homeassistant.const import CONF_PORT, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import (
    BRIDGE_DSMR,
    CONF_BRIDGE_TYPE,
    CONF_READER_SERIAL,
    CONF_RECEIVED_TIMEOUT,
    DOMAIN,
)
from custom_components.dsmr_p1.diagnostics import async_get_config_entry_diagnostics
from custom_components.dsmr_p1.port.address import READER_PORTS, candidates
from simulator import HomeWizardPort, serving
from tests.ha.flow_driver import (
    QUICK,
    Step,
    begin,
    check_texts,
    enter,
    finish,
    is_open,
    look,
    make_meter,
    over_rest,
    sending,
    start,
)
from tests.ha.house import House, eventually, make_builder
from tests.ha.test_homewizard import certificate
from tests.ha.test_repairs import Clock, key, look as look_at_port

SERIAL = "5c2fafaabbcc"
TOKEN = "0123456789ABCDEF0123456789ABCDEF"
PATIENT = replace(QUICK, open=9)
METER = "E00SIM00760415315"


@pytest.fixture(autouse=True)
def quick(socket_enabled: None) -> Iterator[None]:
    with (
        patch("custom_components.dsmr_p1.flow.listen_step.NETWORK_PATIENCE", PATIENT),
        patch("custom_components.dsmr_p1.flow.listen_step.HOST_PATIENCE", PATIENT),
        patch("custom_components.dsmr_p1.homewizard.transport.PACE", 0.02),
        patch("custom_components.dsmr_p1.homewizard.device.USUAL_PORTS", (0, 0)),
    ):
        yield


@pytest.fixture
def device() -> Iterator[HomeWizardPort]:
    """A device on the port of this machine that stands for port 80."""
    with (
        HomeWizardPort() as port,
        patch("custom_components.dsmr_p1.homewizard.device.USUAL_PORTS", (port.address[1], port.address[1])),
        patch("custom_components.dsmr_p1.port.serial_ports.USUAL_PORTS", (port.address[1], port.address[1])),
        serving(port),
    ):
        yield port


@pytest.fixture
def names() -> Iterator[None]:
    """Every name is one of this machine."""

    async def resolve(_: object, host: str, port: int = 0, **__: object) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=AF_INET, proto=0, flags=AI_NUMERICHOST)
        ]

    with patch("aiohttp.resolver.AsyncResolver.resolve", resolve):
        yield


@pytest.fixture
async def rest(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> None:
    await over_rest(hass, hass_client)


def announcement(
    host: str = "127.0.0.1", version: int = 1, name: str = "p1meter-AABBCC", **properties: Any
) -> ZeroconfServiceInfo:
    """What a device announces."""
    shared = {"product_name": "P1 Meter", "product_type": "HWE-P1", "serial": SERIAL}
    own = {"api_enabled": "1", "path": "/api/v1"} if version == 1 else {"api_version": "2.0.0", "id": "appliance/x"}
    service = "_hwenergy._tcp.local." if version == 1 else "_homewizard._tcp.local."
    return ZeroconfServiceInfo(
        ip_address=ip_address(host),
        ip_addresses=[ip_address(host)],
        port=80 if version == 1 else 443,
        hostname=f"{name}.local.",
        type=service,
        name=f"{name}.{service}",
        properties=shared | own | properties,
    )


async def discover(hass: HomeAssistant, found: ZeroconfServiceInfo) -> Step:
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=found)
    step = dict(result) if result["type"] is FlowResultType.ABORT else await look(hass, result)
    check_texts(step)
    return step


async def make_entry(hass: HomeAssistant, device: HomeWizardPort) -> MockConfigEntry:
    """Make an entry from what is found, as an owner does."""
    async with sending(make_meter(device)):
        result = await finish(hass, await enter(hass, await discover(hass, announcement()), {}))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry: MockConfigEntry = result["result"]
    return entry


# Discovery


@pytest.mark.usefixtures("rest")
@pytest.mark.parametrize("version", [1, 2])
async def test_device_is_confirmed_and_asked_for_a_telegram(
    hass: HomeAssistant, device: HomeWizardPort, version: int
) -> None:
    result = await discover(hass, announcement(version=version))
    assert result["step_id"] == "zeroconf_confirm"
    assert result["description_placeholders"]["name"] == "HomeWizard P1 Meter"
    assert not device.requests, "nothing is asked before the owner has confirmed"
    async with sending(make_meter(device)):
        result = await enter(hass, result, {})
        assert METER in result["description_placeholders"]["meters"]
        result = await finish(hass, result)
    assert result["data"] == {
        CONF_PORT: "homewizard://127.0.0.1",
        CONF_BRIDGE_TYPE: BRIDGE_DSMR,
        CONF_READER_SERIAL: SERIAL,
    }
    assert result["result"].unique_id == METER
    assert result["result"].state is ConfigEntryState.LOADED
    # It announces itself again and again.
    for version_then in (1, 2):
        assert (await discover(hass, announcement(version=version_then)))["reason"] == "already_configured"


@pytest.mark.usefixtures("rest")
@pytest.mark.parametrize(
    "found",
    [
        announcement(product_type="HWE-SKT"),
        announcement(version=2, product_type="HWE-BAT"),
        announcement(api_enabled="0"),
        announcement(serial=""),
    ],
    ids=["socket", "battery", "switched off", "without a serial number"],
)
async def test_what_has_no_telegrams_is_not_offered(hass: HomeAssistant, found: ZeroconfServiceInfo) -> None:
    assert (await discover(hass, found))["reason"] == "no_p1_reader"


@pytest.mark.usefixtures("rest")
async def test_both_services_of_a_device_are_one_offer(hass: HomeAssistant) -> None:
    assert (await discover(hass, announcement()))["step_id"] == "zeroconf_confirm"
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement(version=2)
    )
    assert result["reason"] == "already_in_progress"


@pytest.mark.usefixtures("rest")
async def test_device_that_was_ignored(hass: HomeAssistant) -> None:
    await discover(hass, announcement())
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IGNORE}, data={"unique_id": f"homewizard_{SERIAL}", "title": "P1 Meter"}
    )
    assert (await discover(hass, announcement()))["reason"] == "already_configured"
    assert (await discover(hass, announcement("127.0.0.2", serial="5c2fafddeeff")))["step_id"] == "zeroconf_confirm"


@pytest.mark.usefixtures("rest")
async def test_entry_follows_its_device_to_another_address(hass: HomeAssistant, device: HomeWizardPort) -> None:
    entry = await make_entry(hass, device)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: "homewizard://localhost"})
    async with sending(make_meter(device)):
        result = await discover(hass, announcement())
        await hass.async_block_till_done()
    assert result["reason"] == "already_configured"
    assert entry.data[CONF_PORT] == "homewizard://127.0.0.1"
    assert entry.data[CONF_READER_SERIAL] == SERIAL
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.port.path == "homewizard://127.0.0.1"


@pytest.mark.usefixtures("rest")
@pytest.mark.parametrize(
    ("port", "then"),
    [
        (f"homewizard://:{TOKEN}@127.0.0.3:8443", f"homewizard://:{TOKEN}@[fd00::1]:8443"),
        (f"homewizard://{TOKEN}@127.0.0.3", f"homewizard://{TOKEN}@[fd00::1]"),
        ("homewizard://p1meter-aabbcc.local", "homewizard://p1meter-aabbcc.local"),
        ("homewizard://[fd00::1]:81", "homewizard://[fd00::1]:81"),
        ("socket://127.0.0.3:23", "socket://127.0.0.3:23"),
    ],
)
async def test_what_stays_of_an_address(hass: HomeAssistant, port: str, then: str) -> None:
    data = {CONF_PORT: port, CONF_BRIDGE_TYPE: BRIDGE_DSMR, CONF_READER_SERIAL: SERIAL}
    entry = MockConfigEntry(domain=DOMAIN, data=data)
    entry.add_to_hass(hass)
    assert (await discover(hass, announcement("fd00::1")))["reason"] == "already_configured"
    assert entry.data == {**data, CONF_PORT: then}
    assert entry.state is ConfigEntryState.NOT_LOADED


@pytest.mark.usefixtures("rest", "names")
async def test_device_stays_known_while_the_port_stays(hass: HomeAssistant, device: HomeWizardPort) -> None:
    entry = await make_entry(hass, device)
    async with sending(make_meter(device)):
        await finish(
            hass,
            await enter(hass, await begin(hass, entry), {CONF_PORT: f"homewizard://127.0.0.1:{device.address[1]}"}),
        )
        assert entry.data[CONF_READER_SERIAL] == SERIAL
        # By another name it may be another device.
        await finish(hass, await enter(hass, await begin(hass, entry), {CONF_PORT: "homewizard://localhost"}))
    assert CONF_READER_SERIAL not in entry.data


@pytest.mark.usefixtures("rest")
@pytest.mark.parametrize(
    "port", ["homewizard://127.0.0.1", "homewizard://p1meter-aabbcc.local", "socket://127.0.0.1:2001"]
)
async def test_device_of_an_entry_that_was_typed_is_not_offered(hass: HomeAssistant, port: str) -> None:
    other = MockConfigEntry(domain=DOMAIN, data={CONF_PORT: "/dev/ttyUSB0", CONF_BRIDGE_TYPE: BRIDGE_DSMR})
    entry = MockConfigEntry(domain=DOMAIN, data={CONF_PORT: port, CONF_BRIDGE_TYPE: BRIDGE_DSMR})
    ignored = MockConfigEntry(domain=DOMAIN, data={}, source=SOURCE_IGNORE, unique_id="ignored")
    for each in (ignored, other, entry):
        each.add_to_hass(hass)
    assert (await discover(hass, announcement()))["reason"] == "already_configured"
    assert entry.data == {CONF_PORT: port, CONF_BRIDGE_TYPE: BRIDGE_DSMR, CONF_READER_SERIAL: SERIAL}
    assert CONF_READER_SERIAL not in other.data


@pytest.mark.usefixtures("rest")
async def test_meter_that_a_cable_reads_is_offered_once(
    hass: HomeAssistant, device: HomeWizardPort, make_house: Any
) -> None:
    house: House = await make_house()
    house.entry = MockConfigEntry(domain=DOMAIN, data=dict(house.entry.data), unique_id=METER)
    await house.set_up()
    async with sending(make_meter(device)):
        result = await enter(hass, await discover(hass, announcement()), {})
    assert result["reason"] == "already_configured"
    assert house.entry.data[CONF_PORT] == house.port.path
    assert (await discover(hass, announcement()))["reason"] == "already_configured"
    # Wherever the device is, the cable stays.
    assert (await discover(hass, announcement("127.0.0.3")))["reason"] == "already_configured"
    assert house.entry.data[CONF_PORT] == house.port.path


@pytest.mark.usefixtures("rest")
async def test_typing_the_address_ends_the_offer(hass: HomeAssistant, device: HomeWizardPort) -> None:
    offer = await discover(hass, announcement())
    other = await discover(hass, announcement("127.0.0.9", serial="5c2fafddeeff"))
    async with sending(make_meter(device)):
        result = await finish(hass, await start(hass, {CONF_PORT: "homewizard://127.0.0.1"}))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert not is_open(hass, offer)
    assert is_open(hass, other)


# Typing its address


@pytest.mark.usefixtures("rest")
async def test_bare_address_is_tried_as_a_homewizard_too(hass: HomeAssistant, device: HomeWizardPort) -> None:
    with patch("custom_components.dsmr_p1.port.address.READER_PORTS", (READER_PORTS[0]._replace(number=1),)):
        assert candidates("127.0.0.1") == ("socket://127.0.0.1:1", "homewizard://127.0.0.1")
        async with sending(make_meter(device)):
            result = await finish(hass, await start(hass, {CONF_PORT: "127.0.0.1"}))
    assert result["data"][CONF_PORT] == "homewizard://127.0.0.1"


@pytest.mark.usefixtures("rest")
@pytest.mark.parametrize("typed", ["homewizard://127.0.0.1", "127.0.0.1"])
async def test_local_interface_that_is_switched_off(hass: HomeAssistant, device: HomeWizardPort, typed: str) -> None:
    device.is_switched_on = False
    with patch("custom_components.dsmr_p1.port.address.READER_PORTS", (READER_PORTS[0]._replace(number=1),)):
        async with sending(make_meter(device)):
            result = await start(hass, {CONF_PORT: typed})
            assert result["errors"] == {"base": "cannot_open", CONF_PORT: "switched_off"}
            device.is_switched_on = True
            result = await enter(hass, result, {CONF_PORT: typed})
    assert result["step_id"] == "confirm"


@pytest.mark.usefixtures("rest")
async def test_device_without_a_telegram(hass: HomeAssistant, device: HomeWizardPort) -> None:
    result = await start(hass, {CONF_PORT: "homewizard://127.0.0.1"})
    assert result["errors"] == {"base": "no_data", CONF_PORT: "silent_homewizard"}


@pytest.mark.usefixtures("rest")
async def test_other_device(hass: HomeAssistant, device: HomeWizardPort) -> None:
    device.product = "HWE-SKT"
    async with sending(make_meter(device)):
        result = await start(hass, {CONF_PORT: "homewizard://127.0.0.1"})
    assert result["errors"] == {"base": "cannot_open", CONF_PORT: "other_device"}
    assert result["description_placeholders"]["host"] == "127.0.0.1"


@pytest.mark.usefixtures("rest")
async def test_version_2_with_its_token(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.dsmr_p1")
    context = certificate(tmp_path, monkeypatch, trusted=True)
    with HomeWizardPort(token=TOKEN, context=context) as device, serving(device):
        host, number = device.address
        async with sending(make_meter(device)):
            result = await start(hass, {CONF_PORT: f"homewizard://:{'0' * 32}@{host}:{number}"})
            assert result["errors"] == {"base": "cannot_open", CONF_PORT: "unauthorized"}
            result = await enter(hass, result, {CONF_PORT: device.path})
            assert result["description_placeholders"]["port"] == f"homewizard://{host}:{number}"
            entry = (await finish(hass, result))["result"]
            assert entry.state is ConfigEntryState.LOADED
            device.token = "F" * 32
            reader = entry.runtime_data.port.reader
            await eventually(lambda: reader.heard.failed)
    found = json.dumps(await async_get_config_entry_diagnostics(hass, entry))
    assert "does not accept the token" in caplog.text
    assert TOKEN not in found + caplog.text + entry.title


# Reading it


@pytest.fixture
async def house(hass: HomeAssistant, device: HomeWizardPort) -> AsyncIterator[House]:
    """A house whose meter is read by a device."""
    house = House(hass, device, make_builder("dsmr5"))  # type: ignore[arg-type]
    yield house
    if house.entry.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(house.entry.entry_id)
        await hass.async_block_till_done()


@pytest.fixture
def clock(hass: HomeAssistant) -> Iterator[Clock]:
    clock = Clock()
    with (
        patch("custom_components.dsmr_p1.watch.conditions.monotonic", clock),
        patch("custom_components.dsmr_p1.watch.issues.monotonic", clock),
    ):
        yield clock


async def set_up(house: House) -> None:
    """Set the entry up with two telegrams, of which the second is a second later."""
    house.pass_time(1)
    first = house.builder.telegram()
    house.pass_time(1)
    await house.set_up(first, house.builder.telegram())


async def test_values_come_and_go_with_the_telegrams(hass: HomeAssistant, house: House) -> None:
    house.configure(options={CONF_RECEIVED_TIMEOUT: 1})
    await set_up(house)
    before = house.value("electricity", "energy_import_total")
    assert float(before) > 0
    # The meter is silent, and the device goes on handing out its last telegram.
    await eventually(lambda: house.value("electricity", "energy_import_total") == STATE_UNAVAILABLE)
    house.pass_time(10)
    await house.send()
    assert house.value("electricity", "energy_import_total") != STATE_UNAVAILABLE


async def test_local_interface_that_is_switched_off_later(house: House, device: HomeWizardPort, clock: Clock) -> None:
    house.configure(options={CONF_RECEIVED_TIMEOUT: 1})
    await set_up(house)
    device.is_switched_on = False
    await eventually(lambda: not house.is_listening)
    await look_at_port(house, clock)
    await look_at_port(house, clock, 130)
    assert key(house, "port") == "port_switched_off"
    device.is_switched_on = True
    house.pass_time(1)
    house.port.write(house.builder.telegram())
    await eventually(lambda: house.is_listening)
    await look_at_port(house, clock)
    assert key(house, "port") is None


async def test_first_set_up_without_the_device(hass: HomeAssistant, house: House, device: HomeWizardPort) -> None:
    device.is_switched_on = False
    house.configure(data={CONF_READER_SERIAL: SERIAL})
    house.entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(house.entry.entry_id)
    assert house.entry.state is ConfigEntryState.SETUP_RETRY
    assert house.entry.reason is not None
    assert "the local interface of the device is switched off" in house.entry.reason
    found = json.dumps(await async_get_config_entry_diagnostics(hass, house.entry))
    assert SERIAL not in found
