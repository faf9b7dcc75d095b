"""The relay: bytes in at a pty, and out at a TCP port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
import socket
from typing import Any

from dsmr_parser.clients.protocol import create_tcp_dsmr_reader
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_RECEIVED_TIMEOUT,
    DOMAIN,
)
from custom_components.dsmr_p1.p1 import Reading
from custom_components.dsmr_p1.parts.relay.server import MOST_SAID, MOST_WAITING
from custom_components.dsmr_p1.parts.relay.settings import (
    CONF_RELAY,
    CONF_RELAY_ADDRESS,
    CONF_RELAY_CLIENTS,
    CONF_RELAY_PORT,
)
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY
from tests.ha.flow_driver import Step, answer, begin_options, check_texts, over_rest
from tests.ha.house import PATIENCE, House, MakeHouse, eventually
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


def clients_of(house: House) -> int:
    """Give how many clients are connected, as the loop has them: a new one is known a little later."""
    listeners = [each.__self__ for each in house.coordinator.port.captures.__dict__["_listeners"]]
    return next(len(each.__dict__["_clients"]) for each in listeners if "_clients" in vars(each))


@asynccontextmanager
async def reading(number: int) -> AsyncIterator[asyncio.StreamReader]:
    """Connect as other programs do."""
    reader, writer = await asyncio.open_connection(HOST, number)
    try:
        yield reader
    finally:
        writer.close()


async def read(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readexactly(size)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Tell whether the other side has hung up, after whatever it has sent."""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionResetError):
            await reader.read(-1)
    return True


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
        await eventually(lambda: clients_of(house) == 2)
        # What is damaged is nobody's.
        await house.send(load(DSMR5).replace(b"!", b"!0"))
        await house.send(sent)
        await house.send(sent)
        assert await read(one, 2 * len(sent)) == 2 * sent
        assert await read(other, 2 * len(sent)) == 2 * sent


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
        await eventually(lambda: clients_of(house) == 1)
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
    try:
        await eventually(lambda: clients_of(house) == 1)
        await house.send(load(DSMR5))
        await eventually(lambda: heard)
    finally:
        transport.close()
    (own,) = decode(load(DSMR5))
    assert isinstance(own, Reading)
    power = next(obj for obj in own.telegram.objects if str(obj.obis) == "1-0:1.7.0")
    assert heard[0].CURRENT_ELECTRICITY_USAGE.value == power.values[0].value


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
            await eventually(lambda: clients_of(house) == 11)
            sent = 0
            while clients_of(house) > 1:
                assert sent < 40 * MOST_WAITING
                await house.send(long)
                sent += len(long)
                assert await read(reader, len(long)) == long
            # What they were sent ends with a part of a telegram at most, and nothing behind it.
            assert sent > MOST_WAITING
            await house.send(long)
            assert await read(reader, len(long)) == long
    finally:
        for sock in lazy:
            sock.close()


async def test_one_too_many_is_turned_away(make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free, clients=1, first=load(DSMR5))
    async with reading(free) as first:
        await eventually(lambda: clients_of(house) == 1)
        async with reading(free) as second:
            assert await is_closed(second)
        await house.send(load(DSMR5))
        assert await read(first, len(load(DSMR5))) == load(DSMR5)
    # The place is free when the first has gone.
    await eventually(lambda: clients_of(house) == 0)
    async with reading(free) as third:
        await eventually(lambda: clients_of(house) == 1)
        await house.send(load(DSMR5))
        assert await read(third, len(load(DSMR5))) == load(DSMR5)


async def test_one_who_talks_is_turned_away(make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free)
    reader, writer = await asyncio.open_connection(HOST, free)
    with closing(writer):
        writer.write(bytes(MOST_SAID))
        await eventually(lambda: clients_of(house) == 1)
        await house.send(load(DSMR5))
        assert await read(reader, len(load(DSMR5))) == load(DSMR5)
        writer.write(b"?")
        assert await is_closed(reader)


async def test_it_ends_with_the_entry_and_comes_back(hass: HomeAssistant, make_house: MakeHouse, free: int) -> None:
    house = await relayed(make_house, free)
    async with reading(free) as reader:
        await eventually(lambda: clients_of(house) == 1)
        assert await hass.config_entries.async_unload(house.entry.entry_id)
        assert await is_closed(reader)
    assert await is_refused(free)
    await house.reload()
    async with reading(free) as reader:
        await eventually(lambda: clients_of(house) == 1)
        await house.send(load(DSMR5))
        assert await read(reader, len(load(DSMR5))) == load(DSMR5)
    # It is off again where it is no longer wanted.
    hass.config_entries.async_update_entry(house.entry, options={CONF_RECEIVED_TIMEOUT: 60})
    await house.reload()
    assert await is_refused(free)


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
        await eventually(lambda: clients_of(house) == 1)
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
    house = await make_house()
    house.configure(options={CONF_RECEIVED_TIMEOUT: 60})
    await house.set_up()
    assert await is_refused(free)
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
    hass.config_entries.async_update_entry(other, options={})
    with closing(socket.create_server((HOST, 0))) as taken:
        everywhere = {
            **wanted,
            CONF_RELAY_PORT: taken.getsockname()[1],
            CONF_RELAY_ADDRESS: "0.0.0.0",  # noqa: S104 - nobody starts it
        }
        await choose(hass, house.entry, everywhere, {})
        assert house.entry.options[CONF_RELAY] == everywhere
