"""What somebody on the line can do: nothing that is sent makes an entity wrong, or anything grow without bounds."""

import asyncio
from datetime import timedelta
import logging
import re
from typing import Any
from unittest.mock import patch

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_REFRESH,
    DOMAIN,
    LOGGER,
    MOST_CHANNELS,
    MOST_METERS,
)
from custom_components.dsmr_p1.port.state import COUNTER_INTERVAL, WRITE_INTERVAL
from custom_components.dsmr_p1.sensor import MOST_EXTRA_OPTIONS
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.replacing import TOTAL, send

EVERY_TELEGRAM = {CONF_REFRESH: {"p1": 0, "electricity": 0, "mbus_1": 0}}


async def encrypted(make_house: MakeHouse, model: str = "smarty_lu") -> House:
    house = await make_house(model)
    keys = {CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()}
    if model == "austria":
        keys[CONF_ADDITIONAL_KEY] = EXAMPLE_AUTHENTICATION_KEY.hex()
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, **keys}, options=EVERY_TELEGRAM)
    await house.set_up()
    return house


async def pass_time(hass: HomeAssistant, seconds: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == LOGGER.name]


def forged(house: House) -> bytes:
    """Return the next telegram of the meter in plain text, as anybody can send it, with a total of 999,999 kWh."""
    plain = house.builder.plain()
    _, found, rest = plain.partition(b"1-0:1.8.0(")
    assert found
    return house.builder.finish(plain.replace(rest[:6], b"999999")[: plain.rindex(b"!") + 1])


async def test_a_forged_plain_telegram_shows_nothing(make_house: MakeHouse) -> None:
    house = await encrypted(make_house)
    before = house.value(*TOTAL)
    for _ in range(2):
        await house.send(forged(house))
        assert house.value(*TOTAL) == before
    # A restart makes no difference.
    await house.reload(forged(house))
    assert not house.coordinator.last_update_success
    await house.send()
    assert float(house.value(*TOTAL)) < 900_000


@pytest.mark.parametrize("model", ["smarty_lu", "austria"])
async def test_a_recorded_telegram_shows_nothing(
    make_house: MakeHouse, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    house = await encrypted(make_house, model)
    recorded = [house.builder.telegram() for _ in range(3)]
    for telegram in recorded:
        await house.send(telegram)
    house.pass_time(36_000)
    await house.send()
    before = house.value(*TOTAL)
    for telegram in recorded:
        await house.send(telegram)
        assert house.value(*TOTAL) == before
    await house.reload(recorded[2])
    assert not house.coordinator.last_update_success
    assert house.coordinator.port.reader.heard.rejected == {"authentication": 1}
    await house.send()
    assert float(house.value(*TOTAL)) >= float(before)
    assert not [line for line in lines(caplog) if house.builder.system_title.hex() in line]


async def test_frame_counters_are_written_once_an_hour(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await encrypted(make_house)
    title = house.builder.system_title.hex()
    key = f"{DOMAIN}.{house.entry.entry_id}"
    # What the first telegrams teach is written before.
    for _ in range(2):
        await house.send()
    await pass_time(hass, WRITE_INTERVAL + 1)

    def stored() -> int:
        counters: dict[str, int] = hass_storage[key]["data"]["memory"]["frame_counters"]
        return counters[title]

    first = stored()
    for _ in range(20):
        await house.send()
    await pass_time(hass, 60)
    assert stored() == first
    await pass_time(hass, COUNTER_INTERVAL + 1)
    await pass_time(hass, WRITE_INTERVAL + 1)
    assert stored() == house.builder.frame_counter
    await house.send()
    assert stored() < house.builder.frame_counter
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    assert stored() == house.builder.frame_counter


async def test_a_meter_that_was_reset_is_believed_and_said(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await encrypted(make_house)
    for _ in range(20):
        house.builder.telegram()
    await house.send()
    monkeypatch.setattr("custom_components.dsmr_p1.p1.wire.replay.PROVING_SECONDS", 0.0)
    house.builder.frame_counter = 0
    for _ in range(9):
        await house.send()
    heard = house.coordinator.port.reader.heard
    assert heard.rejected == {"authentication": 9}
    await house.send()
    await house.send()
    assert heard.rejected == {"authentication": 9}
    assert heard.counter_restarts == 1
    [line] = [line for line in lines(caplog) if "frame counter" in line]
    assert house.builder.system_title.hex() not in line


# What grows.


def writes() -> int:
    """Return how often the integration has written to its storage, which the test tools keep in memory."""
    mock: Any = Store._async_write_data
    return sum(call.args[0].key.startswith(f"{DOMAIN}.") for call in mock.call_args_list)


def mbus_lines(channel: int, identifier: str | None = None) -> list[str]:
    return [
        f"0-{channel}:24.1.0(003)",
        f"0-{channel}:96.1.0({(identifier or f'G{channel:06d}SIM').encode().hex().upper()})",
        f"0-{channel}:24.2.1(260218160000W)(00012.345*m3)",
    ]


async def test_a_channel_that_is_another_each_time_is_no_meter(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    slots, entities = house.slots(), set(house.entities())
    before = writes()
    for channel in range(2, 256):
        house.builder.extra_lines = mbus_lines(channel)
        await house.send()
    assert house.coordinator.port.reader.heard.telegrams == 256
    assert house.slots() == slots
    assert set(house.entities()) == entities
    assert writes() - before <= 1


async def test_a_meter_is_new_with_the_third_telegram(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    for identifier, times in (("GAS1", 2), (None, 1), ("GAS2", 2), ("GAS3", 2)):
        house.builder.extra_lines = [] if identifier is None else mbus_lines(2, identifier)
        for _ in range(times):
            await house.send()
        assert "mbus_2" not in house.slots()
    await house.send()
    assert "mbus_2" in house.slots()
    assert house.value("mbus_2", "m3meter_value") == "12.345"
    device = house.device("mbus_2")
    assert device is not None
    assert device.serial_number == "GAS3"


async def test_a_channel_is_new_with_the_third_telegram(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    entities, before = set(house.entities()), writes()
    # Ever others are none, however many they are.
    for number in range(60):
        house.builder.extra_lines = [f"1-{number}:99.{line}.7(1.5*kWh)" for line in range(20)]
        await house.send()
    assert set(house.entities()) == entities
    assert writes() - before <= 1
    # One that comes now and then needs no more telegrams than one that stays.
    for times in range(1, 4):
        house.builder.extra_lines = []
        await send(house, 2)
        assert set(house.entities()) == entities
        house.builder.extra_lines = ["1-0:97.1.7(1.5*kWh)"]
        await house.send()
        assert len(house.entities()) == len(entities) + (times == 3)
    # What is held is nothing that the next telegram would have to be looked at for.
    house.builder.extra_lines = []
    await house.send()
    assert not house.coordinator.meters._newcomers


async def test_a_channel_that_is_too_much_is_told_for_as_long_as_it_comes(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    house.builder.extra_lines = [f"1-{line % 3}:99.{line // 3}.7(1.5*kWh)" for line in range(290)]
    await send(house, 2)
    assert not house.coordinator.port.is_full
    for _ in range(6):
        await house.send()
        assert house.coordinator.port.is_full
    assert len(house.entities()) == MOST_CHANNELS


async def test_there_are_no_more_meters_than_a_house_has(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    house.builder.extra_lines = [line for channel in range(2, 60) for line in mbus_lines(channel)]
    for _ in range(3):
        await house.send()
    mbus = {slot for slot in house.slots() if slot.startswith("mbus")}
    assert mbus == {f"mbus_{channel}" for channel in range(1, MOST_METERS + 1)}
    assert house.coordinator.port.is_full
    await pass_time(hass, 61)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"full_{house.entry.entry_id}")
    assert issue is not None
    assert issue.translation_key == "too_much"
    # The ones that are known go on.
    house.builder.extra_lines = []
    await house.send()
    await pass_time(hass, 122)
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"full_{house.entry.entry_id}") is None
    assert {slot for slot in house.slots() if slot.startswith("mbus")} == mbus
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]["meters"]
    assert len(stored) == MOST_METERS + 2


async def test_there_are_no_more_entities_than_a_house_has(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    for first in range(0, 250, 50):
        house.builder.extra_lines = [f"1-{first // 50}:99.{line}.7(1.5*kWh)" for line in range(50, 150)]
        for _ in range(3):
            await house.send()
    assert len(house.entities()) == MOST_CHANNELS
    assert house.value(*TOTAL) not in (STATE_UNKNOWN, STATE_UNAVAILABLE)


async def test_identifiers_that_alternate_are_written_now_and_then(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    before = writes()
    identifiers = house.builder.identifier, "E0099SIM000000001"
    for number in range(200):
        house.builder.identifier = identifiers[number % 2]
        await house.send()
    assert writes() - before <= 1
    await pass_time(hass, WRITE_INTERVAL + 1)
    assert writes() - before <= 2
    assert not [key for domain, key in ir.async_get(hass).issues if domain == DOMAIN]
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number == identifiers[0]


async def test_what_changes_is_written_when_the_entry_is_unloaded(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    key = f"{DOMAIN}.{house.entry.entry_id}"
    house.builder.extra_lines = ["1-0:99.1.7(1.5*kWh)"]
    for _ in range(3):
        await house.send()
    assert "99.1.7" not in str(hass_storage[key])
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    assert "99.1.7" in str(hass_storage[key]) or "99_1_7" in str(hass_storage[key])


async def test_a_number_without_end_is_no_value(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture, all_enabled: None
) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    for digits in (300, 400, 16):
        house.builder.extra_lines = [f"0-0:96.14.0({'7' * digits})", f"1-0:99.1.7({'7' * digits}*kWh)"]
        await house.send()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert house.value(*TOTAL) not in (STATE_UNKNOWN, STATE_UNAVAILABLE)


async def test_a_tariff_that_is_another_each_time_is_unknown_in_the_end(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house("dsmr5", "gas")
    house.configure(options=EVERY_TELEGRAM)
    await house.set_up()
    tariff = ("electricity", "emeter_tariff_indicator")
    before = house.state(*tariff).attributes["options"]
    states = []
    for number in range(100, 150):
        body = re.sub(rb"(0-0:96\.14\.0)\(.*\)", rb"\1(%d)" % number, house.builder.body())
        await house.send(house.builder.finish(body))
        states.append(house.value(*tariff))
    assert states[:16] == [str(number) for number in range(100, 116)]
    assert set(states[16:]) == {STATE_UNKNOWN}
    assert len(house.state(*tariff).attributes["options"]) == len(before) + MOST_EXTRA_OPTIONS
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_port_that_floods_is_told(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    with patch("custom_components.dsmr_p1.p1.watchdog.BRAKE_WINDOW", 0.05):
        for _ in range(20):
            house.port.write(b"/" * 30_000)
            await asyncio.sleep(0.02)
        await eventually(lambda: house.coordinator.port.reader.is_slowed)
        await pass_time(hass, 61)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"flood_{house.entry.entry_id}")
    assert issue is not None
    assert issue.translation_key == "flood"
