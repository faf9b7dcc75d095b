"""The relay: bytes in at a pty, and out at a TCP port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from datetime import timedelta
from functools import partial
import json
import os
from pathlib import Path
import socket
import sys
from typing import Any
from unittest.mock import patch

from dsmr_parser.clients.protocol import create_tcp_dsmr_reader
from homeassistant.components.network import async_get_announce_addresses
from homeassistant.components.zeroconf.const import DATA_INSTANCE
from homeassistant.components.zeroconf.models import HaAsyncZeroconf, HaZeroconf
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.const import CONF_PORT, STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_RECEIVED_TIMEOUT,
    CONF_REFRESH,
    DOMAIN,
)
from custom_components.dsmr_p1.p1 import Reading
from custom_components.dsmr_p1.parts.relay.announcement import SERVICE
from custom_components.dsmr_p1.parts.relay.server import MOST_SAID, MOST_WAITING
from custom_components.dsmr_p1.parts.relay.settings import (
    CONF_RELAY,
    CONF_RELAY_ADDRESS,
    CONF_RELAY_CLIENTS,
    CONF_RELAY_PORT,
)
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY, SimulatedMeter
from tests.ha.flow_driver import Step, answer, begin_options, check_texts, over_rest, sending
from tests.ha.house import PATIENCE, House, MakeHouse, eventually
from tests.ha.pace import wait_in_vain
from tests.p1.captures import DSMR5, DSMR22, decode, load, telegram

HOST = "127.0.0.1"

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture
def free() -> int:
    """Give a TCP port that nobody listens on."""
    with closing(socket.create_server((HOST, 0))) as server:
        number: int = server.getsockname()[1]
        return number


def options(number: int, clients: int = 10) -> dict[str, Any]:
    return {CONF_RELAY: {CONF_RELAY_PORT: number, CONF_RELAY_ADDRESS: HOST, CONF_RELAY_CLIENTS: clients}}


async def settle() -> None:
    """Let the loop see who has connected or gone: the system has it before, and a telegram takes longer."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def reading(number: int) -> AsyncIterator[asyncio.StreamReader]:
    """Connect as other programs do."""
    reader, writer = await asyncio.open_connection(HOST, number)
    await settle()
    try:
        yield reader
    finally:
        writer.close()
        await settle()


async def read(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readexactly(size)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Tell whether the other side has hung up, after whatever it has sent."""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionResetError):
            await reader.read(-1)
    return True


async def read_to_end(sock: socket.socket) -> bytes:
    """Read what is left for a client, until the other side has hung up."""
    seen = b""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionResetError):
            while octets := await asyncio.get_running_loop().sock_recv(sock, 65_536):
                seen += octets
    return seen


async def relayed(make_house: MakeHouse, number: int, *, clients: int = 10, first: bytes | None = None) -> House:
    house = await make_house()
    house.configure(options=options(number, clients))
    await house.set_up(first)
    return house


async def is_refused(number: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, number)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


@pytest.mark.parametrize("capture", [DSMR5, DSMR22])
async def test_a_telegram_goes_on_byte_for_byte(make_house: MakeHouse, free: int, capture: str) -> None:
    sent = load(capture)
    house = await relayed(make_house, free, first=sent)
    async with reading(free) as one, reading(free) as other:
        # What is damaged is nobody's.
        await house.send(load(DSMR5).replace(b"!", b"!0"))
        await house.send(sent)
        await house.send(sent)
        assert await read(one, 2 * len(sent)) == 2 * sent
        assert await read(other, 2 * len(sent)) == 2 * sent


async def test_each_of_those_that_come_at_once_goes_on(make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free)
    telegrams = []
    # As many as a pty takes.
    for _ in range(3):
        house.pass_time(1)
        telegrams.append(house.builder.telegram())
    sent = b"".join(telegrams)
    async with reading(free) as reader:
        house.port.write(sent)
        assert await read(reader, len(sent)) == sent


@pytest.mark.parametrize("model", ["smarty_lu", "austria"])
async def test_an_encrypted_telegram_goes_on_as_its_text_with_a_right_checksum(
    make_house: MakeHouse, free: int, model: str
) -> None:
    house = await make_house(model)
    keys = {CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex(), CONF_ADDITIONAL_KEY: EXAMPLE_AUTHENTICATION_KEY.hex()}
    if model == "smarty_lu":
        del keys[CONF_ADDITIONAL_KEY]
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, **keys}, options=options(free))
    await house.set_up()
    async with reading(free) as reader:
        await house.send()
        text = await read(reader, len(house.builder.plain()))
    assert text == house.builder.plain()
    (decoded,) = decode(text)
    assert isinstance(decoded, Reading)
    assert decoded.telegram.has_crc


async def test_another_parser_reads_it(make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free, first=load(DSMR5))
    heard: list[Any] = []
    transport, _ = await create_tcp_dsmr_reader(HOST, free, "5", heard.append)
    await settle()
    try:
        await house.send(load(DSMR5))
        await eventually(lambda: heard)
    finally:
        transport.close()
    (own,) = decode(load(DSMR5))
    assert isinstance(own, Reading)
    power = next(obj for obj in own.telegram.objects if str(obj.obis) == "1-0:1.7.0")
    assert heard[0].CURRENT_ELECTRICITY_USAGE.value == power.values[0].value


async def test_the_inspector_reads_it(make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free)
    command = ("-m", "inspector", "--seconds", "4", f"socket://{HOST}:{free}")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "scripts")}
    async with sending(SimulatedMeter(house.builder, house.port)):
        inspector = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await inspector.communicate()
    assert inspector.returncode == 0, told.decode()
    assert house.builder.model.identification in told.decode()
    assert "1-0:1.8.1" in told.decode() or "emeter_delivery_tariff1" in told.decode()


# The parser of `dsmr` leaves the timer of its last connection.
@pytest.mark.parametrize("expected_lingering_timers", [True])
@pytest.mark.parametrize(
    ("model", "version"), [("dsmr5", "5"), ("emucs", "5B"), ("smarty_lu", "5L")], ids=["nl", "be", "encrypted"]
)
async def test_core_shows_the_same_numbers(
    hass: HomeAssistant, make_house: MakeHouse, free: int, model: str, version: str
) -> None:
    house = await make_house(model)
    data = {CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()}
    house.configure(data=data if version == "5L" else {}, options={**options(free), CONF_REFRESH: {"electricity": 0}})
    await house.set_up()
    given = {CONF_PORT: f"socket://{HOST}:{free}", "dsmr_version": version}
    with patch("homeassistant.components.dsmr.sensor.DEFAULT_TIME_BETWEEN_UPDATE", 0):
        async with sending(SimulatedMeter(house.builder, house.port)):
            flow = await hass.config_entries.flow.async_init("dsmr", context={"source": "user"})
            result = await hass.config_entries.flow.async_configure(flow["flow_id"], given)
            assert result["type"] is FlowResultType.CREATE_ENTRY, result
            entry = result["result"]

            def theirs(key: str) -> float | None:
                """Return the state of the entity of `dsmr` with a key, as a power in kW."""
                entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
                found = next((entity.entity_id for entity in entities if entity.unique_id.endswith(key)), "")
                state = hass.states.get(found)
                return None if state is None or state.state in ("unknown", "unavailable") else float(state.state)

            def shows(key: str, number: float) -> bool:
                return theirs(key) == pytest.approx(number)

            await eventually(lambda: theirs("current_electricity_usage") is not None)
        house.pass_time(60)
        await house.send()
        keys = {
            "current_electricity_usage": "emeter_actual_delivery",
            "current_electricity_delivery": "emeter_actual_production",
            **({} if version == "5L" else {"electricity_used_tariff_1": "emeter_delivery_tariff1"}),
        }
        for key, channel_id in keys.items():
            state = house.state("electricity", channel_id)
            ours = float(state.state) / (1000 if state.attributes["unit_of_measurement"] == "W" else 1)
            await eventually(partial(shows, key, ours))
        await hass.config_entries.async_unload(entry.entry_id)


async def test_those_who_read_nothing_are_disconnected_and_slow_nobody(make_house: MakeHouse, free: int) -> None:
    long = telegram("1-3:0.2.8(50)", "0-0:1.0.0(260218172000W)", f"0-0:96.13.0({'41' * 1000})")
    house = await relayed(make_house, free, clients=11, first=load(DSMR5))
    lazy = []
    for _ in range(10):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (HOST, free))
        lazy.append(sock)
    try:
        async with reading(free) as reader:
            # More than the system keeps for them.
            sent = b""
            while len(sent) < 10 * MOST_WAITING:
                await house.send(long)
                sent += long
                assert await read(reader, len(long)) == long
            # What they were sent ends with a part of a telegram at most, and nothing behind it.
            for sock in lazy:
                seen = await read_to_end(sock)
                assert MOST_WAITING < len(seen) < len(sent)
                assert sent.startswith(seen)
            # Their places are free.
            async with AsyncExitStack() as stack:
                others = [await stack.enter_async_context(reading(free)) for _ in range(10)]
                await house.send(long)
                for other in (reader, *others):
                    assert await read(other, len(long)) == long
    finally:
        for sock in lazy:
            sock.close()


async def test_one_too_many_is_turned_away(make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free, clients=1, first=load(DSMR5))
    async with reading(free) as first:
        async with reading(free) as second:
            assert await is_closed(second)
        await house.send(load(DSMR5))
        assert await read(first, len(load(DSMR5))) == load(DSMR5)
    # The place is free when the first has gone.
    async with reading(free) as third:
        await house.send(load(DSMR5))
        assert await read(third, len(load(DSMR5))) == load(DSMR5)


async def test_one_who_talks_is_turned_away(make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free)
    reader, writer = await asyncio.open_connection(HOST, free)
    with closing(writer):
        writer.write(bytes(MOST_SAID))
        await settle()
        await house.send(load(DSMR5))
        assert await read(reader, len(load(DSMR5))) == load(DSMR5)
        writer.write(b"?")
        assert await is_closed(reader)


async def test_it_ends_with_the_entry_and_comes_back(hass: HomeAssistant, make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free)
    async with reading(free) as reader:
        assert await hass.config_entries.async_unload(house.entry.entry_id)
        assert await is_closed(reader)
    assert await is_refused(free)
    await house.reload()
    async with reading(free) as reader:
        await house.send(load(DSMR5))
        assert await read(reader, len(load(DSMR5))) == load(DSMR5)
    # It is off again where it is no longer wanted.
    hass.config_entries.async_update_entry(house.entry, options={CONF_RECEIVED_TIMEOUT: 60})
    await house.reload()
    assert await is_refused(free)


async def test_an_unplugged_port_is_told_and_its_clients_read_on_when_it_is_back(
    hass: HomeAssistant, make_house: MakeHouse, free: int
) -> None:
    house = await relayed(make_house, free)
    connected = er.async_get(hass).async_get_entity_id("binary_sensor", DOMAIN, house.unique_id("p1", "connectivity"))
    assert connected is not None
    async with reading(free) as before:
        house.port.unplug()
        await eventually(lambda: house.coordinator.port.reader.heard.failed)
        await wait_in_vain(hass)
        assert hass.states.is_state(connected, STATE_OFF)
        async with reading(free) as meanwhile:
            house.port.replug()
            await eventually(lambda: house.is_listening)
            await house.send(load(DSMR5))
            assert hass.states.is_state(connected, STATE_ON)
            for reader in (before, meanwhile):
                assert await read(reader, len(load(DSMR5))) == load(DSMR5)


async def test_a_port_that_is_taken_is_told_until_it_is_free(
    hass: HomeAssistant, make_house: MakeHouse, free: int
) -> None:
    def issue(house: House) -> ir.IssueEntry | None:
        return ir.async_get(hass).async_get_issue(DOMAIN, f"relay_taken_{house.entry.entry_id}")

    async def pass_a_minute() -> None:
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
        await hass.async_block_till_done()

    with closing(socket.create_server((HOST, free))):
        house = await relayed(make_house, free)
        told = issue(house)
        assert told is not None
        assert told.translation_placeholders == {
            "port": house.coordinator.port.name, "address": HOST, "number": str(free)
        }  # fmt: skip
        await pass_a_minute()
        assert issue(house) is not None
    await pass_a_minute()
    assert issue(house) is None
    async with reading(free) as reader:
        await house.send(load(DSMR5))
        assert await read(reader, len(load(DSMR5))) == load(DSMR5)
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    with closing(socket.create_server((HOST, free))):
        await house.reload()
        assert issue(house) is not None
        # Whoever has stopped does not begin again, and nothing is told of what is not wanted.
        hass.config_entries.async_update_entry(house.entry, options={})
        await house.reload()
        assert issue(house) is None
    await pass_a_minute()
    assert await is_refused(free)


async def choose(hass: HomeAssistant, entry: ConfigEntry, *inputs: dict[str, Any]) -> Step:
    """Open the options at the relay and answer one step after the other."""
    result = await begin_options(hass, entry)
    for user_input in ({"next_step_id": "relay"}, *inputs):
        result = await answer(hass, result, user_input)
        check_texts(result, "options")
    await hass.async_block_till_done()
    return result


async def test_the_options_switch_it_on_and_off(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse, free: int
) -> None:
    await over_rest(hass, hass_client)
    assert await async_setup_component(hass, "network", {})
    house = await make_house()
    house.configure(options={CONF_RECEIVED_TIMEOUT: 60})
    await house.set_up()
    assert await is_refused(free)
    # The address that most owners want is told.
    result = await choose(hass, house.entry)
    told = result["description_placeholders"]["addresses"].split(", ")
    assert told == [address for address in await async_get_announce_addresses(hass) if "." in address]
    wanted = {CONF_RELAY_PORT: free, CONF_RELAY_ADDRESS: HOST, CONF_RELAY_CLIENTS: 10}
    result = await choose(hass, house.entry, {**wanted, CONF_RELAY_ADDRESS: "home"})
    assert result["errors"] == {CONF_RELAY_ADDRESS: "no_address"}
    result = await choose(hass, house.entry, {**wanted, CONF_RELAY_ADDRESS: f" {HOST} "})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert house.entry.options == {CONF_RECEIVED_TIMEOUT: 60, CONF_RELAY: wanted}
    assert not await is_refused(free)
    # All interfaces are chosen twice.
    result = await choose(hass, house.entry, {**wanted, CONF_RELAY_PORT: free, CONF_RELAY_ADDRESS: "::"})
    assert result["step_id"] == "relay_everywhere"
    assert house.entry.options[CONF_RELAY] == wanted
    result = await choose(hass, house.entry, {CONF_RELAY_ADDRESS: HOST, CONF_RELAY_CLIENTS: 10})
    assert house.entry.options == {CONF_RECEIVED_TIMEOUT: 60}
    assert await is_refused(free)


async def test_two_ports_have_a_relay_each(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse, free: int
) -> None:
    await over_rest(hass, hass_client)
    house = await make_house()
    other = MockConfigEntry(domain=DOMAIN, data=house.entry.data, options=options(free))
    await house.set_up()
    # It is known, and not set up.
    other.add_to_hass(hass)
    wanted = {CONF_RELAY_PORT: free, CONF_RELAY_ADDRESS: HOST, CONF_RELAY_CLIENTS: 10}
    for address in (HOST, "0.0.0.0"):  # noqa: S104 - it is refused
        result = await choose(hass, house.entry, {**wanted, CONF_RELAY_ADDRESS: address})
        assert result["errors"] == {CONF_RELAY_PORT: "relay_port_taken"}
    # A port that is disabled takes none, and may be never enabled again.
    await hass.config_entries.async_set_disabled_by(other.entry_id, ConfigEntryDisabler.USER)
    with closing(socket.create_server((HOST, 0))) as taken:
        everywhere = {
            **wanted,
            CONF_RELAY_PORT: taken.getsockname()[1],
            CONF_RELAY_ADDRESS: "0.0.0.0",  # noqa: S104 - nobody starts it
        }
        await choose(hass, house.entry, everywhere, {})
        assert house.entry.options[CONF_RELAY] == everywhere


async def test_it_is_announced_as_long_as_it_listens(hass: HomeAssistant, make_house: MakeHouse, free: int) -> None:
    assert await async_setup_component(hass, "network", {})
    found: dict[str, ServiceStateChange] = {}

    def see(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        found[name] = state_change

    # Home Assistant's own, but on the loopback interface, and one of another machine.
    hass.data[DATA_INSTANCE] = HaAsyncZeroconf(zc=HaZeroconf(interfaces=[HOST]))
    hass.config.components.add("zeroconf")
    async with AsyncZeroconf(interfaces=[HOST]) as other:
        browser = AsyncServiceBrowser(other.zeroconf, [SERVICE], handlers=[see])
        house = await make_house()
        everywhere = {CONF_RELAY_PORT: free, CONF_RELAY_ADDRESS: "0.0.0.0", CONF_RELAY_CLIENTS: 10}  # noqa: S104 - on purpose
        house.configure(options={CONF_RELAY: everywhere})
        await house.set_up()
        name = f"DSMR P1 {free}.{SERVICE}"
        await eventually(lambda: found.get(name) is ServiceStateChange.Added)
        info = AsyncServiceInfo(SERVICE, name)
        assert await info.async_request(other.zeroconf, 3000)
        assert info.port == free
        assert info.parsed_addresses() == await async_get_announce_addresses(hass)
        assert info.decoded_properties == {"txtvers": "1", "id": house.entry.entry_id}
        await hass.config_entries.async_unload(house.entry.entry_id)
        await eventually(lambda: found[name] is ServiceStateChange.Removed)
        # Nobody else could read one that is for this machine only.
        found.clear()
        hass.config_entries.async_update_entry(house.entry, options=options(free))
        await house.reload()
        await settle()
        assert not hass.data[DATA_INSTANCE].zeroconf.registry.async_get_service_infos()
        await browser.async_cancel()
    await hass.data[DATA_INSTANCE].ha_async_close()


def test_it_is_not_discovered_here() -> None:
    manifest = json.loads(
        (Path(__file__).parents[2] / "custom_components/dsmr_p1" / "manifest.json").read_text(encoding="utf-8")
    )
    assert SERVICE not in str(manifest.get("zeroconf", ()))
