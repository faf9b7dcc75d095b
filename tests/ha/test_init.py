"""Entries: set up with the port and without, unloaded, removed; meters that are removed by hand."""

import asyncio
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.dsmr_p1 import async_remove_config_entry_device
from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    DOMAIN,
)
from simulator import EXAMPLE_DECRYPTION_KEY
from tests.ha.house import House, MakeHouse, eventually

WRONG_KEY = "0" * 32


def unavailable(house: House) -> set[bool]:
    """Tell whether the entities are unavailable: the answers that there are."""
    states = (house.hass.states.get(entity.entity_id) for entity in house.entities().values() if not entity.disabled)
    return {state is None or state.state == STATE_UNAVAILABLE for state in states}


async def test_setup_and_unload(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    assert house.slots() == {"p1", "electricity", "mbus_1", "mbus_2"}
    assert unavailable(house) == {False}
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    assert house.entry.state is ConfigEntryState.NOT_LOADED
    assert not house.port.reader_present()
    assert unavailable(house) == {True}


async def test_the_meters_are_there_after_a_restart_without_the_port(
    hass: HomeAssistant, make_house: MakeHouse, all_enabled: None
) -> None:
    house = await make_house("emucs")
    await house.set_up()
    before = {key: entity.as_partial_dict for key, entity in house.entities().items()}
    shown = {key: hass.states.get(entity.entity_id) for key, entity in house.entities().items()}
    devices = house.slots()
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    house.port.unplug()

    assert await hass.config_entries.async_setup(house.entry.entry_id)
    await hass.async_block_till_done()
    assert house.entry.state is ConfigEntryState.LOADED
    assert unavailable(house) == {True}
    assert {key: entity.as_partial_dict | ignored(before[key]) for key, entity in house.entities().items()} == before
    assert house.slots() == devices

    house.port.replug()
    await eventually(lambda: house.is_listening)
    await house.send()
    assert unavailable(house) == {False}
    for key, entity in house.entities().items():
        state, was = hass.states.get(entity.entity_id), shown[key]
        assert state is not None
        assert was is not None
        assert state.state == was.state, key
        assert state.attributes == was.attributes, key


def ignored(entry: dict[str, Any]) -> dict[str, Any]:
    return {"modified_at": entry["modified_at"]}


async def test_a_first_setup_needs_the_port(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    house.port.unplug()
    house.entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(house.entry.entry_id)
    assert house.entry.state is ConfigEntryState.SETUP_RETRY
    assert house.entry.error_reason_translation_key == "cannot_open"
    assert not house.slots()


@pytest.mark.parametrize(("sent", "reason"), [(b"", "no_data"), (b"garbage\r\n", "no_telegram")])
async def test_a_first_setup_needs_a_telegram(
    hass: HomeAssistant, make_house: MakeHouse, sent: bytes, reason: str
) -> None:
    house = await make_house()
    with patch("custom_components.dsmr_p1.coordinator.FIRST_TELEGRAM_LIMIT", 1.5):
        setup = await house.start_setup()
        house.port.write(sent)
        assert not await setup
    assert house.entry.state is ConfigEntryState.SETUP_RETRY
    assert house.entry.error_reason_translation_key == reason
    assert not house.port.reader_present()


@pytest.mark.parametrize("count", [1, 3])
async def test_a_first_setup_with_a_wrong_key_asks_for_another(
    hass: HomeAssistant, make_house: MakeHouse, count: int
) -> None:
    house = await make_house("smarty_lu")
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: WRONG_KEY})
    with patch("custom_components.dsmr_p1.coordinator.FIRST_TELEGRAM_LIMIT", 1.5 if count == 1 else 30):
        setup = await house.start_setup()
        for _ in range(count):
            house.port.write(house.builder.telegram())
            await asyncio.sleep(0.05)
        assert not await setup
    assert house.entry.state is ConfigEntryState.SETUP_ERROR
    assert house.entry.error_reason_translation_key == "key_rejected"
    await hass.async_block_till_done()
    assert [flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()] == [SOURCE_REAUTH]


async def test_keys_that_are_none_are_asked_for(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("smarty_lu")
    house.configure(data={CONF_DECRYPTION_KEY: "secret"})
    house.entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(house.entry.entry_id)
    assert house.entry.error_reason_translation_key == "invalid_key"
    await hass.async_block_till_done()


async def test_an_encrypted_port(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("smarty_lu")
    house.configure(data={CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex(), CONF_ADDITIONAL_KEY: ""})
    await house.set_up()
    assert house.value("electricity", "energy_import_total") != "unknown"


async def test_removing_an_entry_removes_what_is_stored(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await make_house()
    await house.set_up()
    key = f"{DOMAIN}.{house.entry.entry_id}"
    assert [meter["slot"] for meter in hass_storage[key]["data"]["meters"]] == ["p1", "electricity", "mbus_1"]
    assert hass_storage[key]["data"]["memory"]["sends_crc"] is True
    await hass.config_entries.async_remove(house.entry.entry_id)
    await hass.async_block_till_done()
    assert key not in hass_storage
    assert not er.async_entries_for_config_entry(er.async_get(hass), house.entry.entry_id)


async def test_what_an_older_version_cannot_know_is_left_out(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await make_house()
    await house.set_up()
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]["meters"]
    stored[1]["channels"] |= {"invented": None, "invented17": "kWh"}
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    assert "invented" not in house.coordinator.port.meters["electricity"].channels
    assert "invented17" not in house.coordinator.port.meters["electricity"].channels


async def remove_device(house: House, client: Any, slot: str) -> bool:
    device = house.device(slot)
    assert device is not None
    await client.send_json_auto_id(
        {
            "type": "config/device_registry/remove_config_entry",
            "config_entry_id": house.entry.entry_id,
            "device_id": device.id,
        }
    )
    success: bool = (await client.receive_json())["success"]
    await house.hass.async_block_till_done()
    return success


async def test_only_meters_that_are_gone_can_be_removed(
    hass: HomeAssistant, make_house: MakeHouse, hass_ws_client: WebSocketGenerator
) -> None:
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    for slot in ("p1", "electricity", "mbus_1"):
        assert not await remove_device(house, client, slot)
    house.builder.slots = house.builder.slots[:1]
    await house.send()
    assert house.value("mbus_2", "m3meter_value") == "unknown"
    assert await remove_device(house, client, "mbus_2")
    assert house.slots() == {"p1", "electricity", "mbus_1"}
    assert house.entity_id("mbus_2", "m3meter_value") is None
    await house.reload()
    assert house.slots() == {"p1", "electricity", "mbus_1"}
    # Nothing was heard since the start: nobody knows whether the meter is still there.
    assert not await remove_device(house, client, "mbus_1")
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    assert not await remove_device(house, client, "mbus_1")


async def test_devices_of_others_are_not_ours_to_remove(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    stranger = dr.async_get(hass).async_get_or_create(
        config_entry_id=house.entry.entry_id, identifiers={("other", "thing"), (DOMAIN, "thing")}, name="Thing"
    )
    assert not await async_remove_config_entry_device(hass, house.entry, stranger)
