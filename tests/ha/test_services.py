"""Actions: telegrams on request, as they came or fit for strangers; and every way in which that can fail."""

import asyncio
from base64 import b64decode
from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.dsmr_p1.const import BRIDGE_SMARTY, CONF_BRIDGE_TYPE, CONF_DECRYPTION_KEY, DOMAIN
from custom_components.dsmr_p1.services import (
    MOST,
    SERVICE_ADD_TO_ENERGY_DASHBOARD,
    SERVICE_CAPTURE_TELEGRAMS,
    SERVICE_TAKE_OVER,
)
from simulator import EXAMPLE_DECRYPTION_KEY
from tests.ha.house import House, MakeHouse, eventually
from tests.p1.captures import read

ACTIONS = {SERVICE_CAPTURE_TELEGRAMS, SERVICE_ADD_TO_ENERGY_DASHBOARD, SERVICE_TAKE_OVER}
INTEGRATION = Path(__file__).parents[2] / "custom_components" / "dsmr_p1"


@pytest.fixture
def impatient() -> Iterator[None]:
    with patch("custom_components.dsmr_p1.services.PATIENCE", 0.5):
        yield


def waiting(house: House) -> int:
    """Give how many calls wait for telegrams of a port; the one that always listens is that of the events."""
    return len(house.coordinator.port.captures._listeners) - 1


async def call(hass: HomeAssistant, **data: Any) -> list[dict[str, Any]]:
    response: Any = await hass.services.async_call(
        DOMAIN, SERVICE_CAPTURE_TELEGRAMS, data, blocking=True, return_response=True
    )
    telegrams: list[dict[str, Any]] = response["telegrams"]
    return telegrams


async def capture(house: House, *telegrams: bytes, **data: Any) -> list[dict[str, Any]]:
    """Call the action, and send telegrams while it waits."""
    task = asyncio.create_task(call(house.hass, config_entry_id=house.entry.entry_id, **data))
    await eventually(lambda: waiting(house))
    for telegram in telegrams:
        await house.send(telegram)
    return await task


async def test_one_telegram_anonymised(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    telegram = house.builder.telegram()
    [found] = await capture(house, telegram)
    assert set(found) == {"received", "reason", "authentication", "bytes", "text"}
    assert found["reason"] is None
    assert found["bytes"] == len(telegram)
    octets = found["text"].encode()
    assert len(octets) == len(telegram)
    for identifier in (house.builder.identifier, house.builder.slots[0].identifier):
        assert identifier.encode() not in octets
        assert identifier.encode().hex().upper().encode() not in octets
    shown, sent = read(octets), read(telegram)
    assert [meter.profile.slot for meter in shown.meters] == [meter.profile.slot for meter in sent.meters]
    assert shown.meters[1].channels["emeter_delivery_tariff1"] == sent.meters[1].channels["emeter_delivery_tariff1"]
    assert not waiting(house)


async def test_as_it_came(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    telegrams = [house.builder.telegram() for _ in range(2)]
    found = await capture(house, *telegrams, count=2, anonymised=False)
    assert [one["text"].encode() for one in found] == telegrams


async def test_damaged_ones_are_given_too(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    damaged = house.builder.telegram().replace(b"1.7.0(", b"1.7.0(9", 1)
    noisy = house.builder.telegram().replace(b"1.7.0(", b"1.7.0(\xff", 1)
    found = await capture(house, damaged, noisy, count=2, anonymised=False)
    assert [one["reason"] for one in found] == ["crc", "crc"]
    assert found[0]["text"].encode() in damaged
    assert b64decode(found[1]["base64"]) in noisy


async def test_what_is_in_an_encrypted_one(make_house: MakeHouse) -> None:
    house = await make_house("smarty_lu")
    house.configure(
        data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()},
    )
    await house.set_up()
    telegram = house.builder.telegram()
    house.builder.decryption_key = bytes(16)
    good, bad = await capture(house, telegram, house.builder.telegram(), count=2)
    assert good["authentication"] == "default_key"
    assert read(good["text"].encode()).meters[1].profile.type_id.startswith("electricity_smarty")
    assert bad["reason"] == "decryption"
    assert bad["text"] is None
    assert bad["bytes"] > 100
    assert EXAMPLE_DECRYPTION_KEY.hex() not in json.dumps([good, bad]).lower()


async def test_fewer_where_no_more_come(make_house: MakeHouse, impatient: None) -> None:
    house = await make_house()
    await house.set_up()
    assert len(await capture(house, house.builder.telegram(), count=3)) == 1


async def test_nothing_comes(hass: HomeAssistant, make_house: MakeHouse, impatient: None) -> None:
    house = await make_house()
    await house.set_up()
    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, config_entry_id=house.entry.entry_id)
    assert caught.value.translation_key == "capture_timed_out"
    assert "no telegram was received" in str(caught.value).lower()
    assert not waiting(house)


@pytest.mark.parametrize("count", [-1, 0, MOST + 1])
async def test_a_count_out_of_range(hass: HomeAssistant, make_house: MakeHouse, count: int) -> None:
    house = await make_house()
    await house.set_up()
    with pytest.raises(ServiceValidationError) as caught:
        await call(hass, config_entry_id=house.entry.entry_id, count=count)
    assert caught.value.translation_key == "capture_count"
    assert str(caught.value) == "The number of telegrams to capture must be from 1 to 100"


async def test_the_action_is_there_before_any_port(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    assert hass.services.has_service(DOMAIN, SERVICE_CAPTURE_TELEGRAMS)
    with pytest.raises(ServiceValidationError) as caught:
        await call(hass)
    assert caught.value.translation_key == "service_found_no_config_entry_for_domain"


async def test_the_only_port_need_not_be_named(make_house: MakeHouse, hass: HomeAssistant) -> None:
    house = await make_house()
    await house.set_up()
    task = asyncio.create_task(call(hass))
    await eventually(lambda: waiting(house))
    await house.send()
    assert len(await task) == 1


async def test_a_port_that_is_not_there(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    await hass.config_entries.async_unload(house.entry.entry_id)
    other = MockConfigEntry(domain="other", title="Other")
    other.add_to_hass(hass)
    for entry_id, key in (
        (house.entry.entry_id, "service_config_entry_not_loaded"),
        (other.entry_id, "service_config_entry_wrong_domain"),
        ("nonsense", "service_config_entry_not_found"),
    ):
        with pytest.raises(ServiceValidationError) as caught:
            await call(hass, config_entry_id=entry_id)
        assert caught.value.translation_key == key


def test_every_text_is_there() -> None:
    described: Any = load_yaml_dict(str(INTEGRATION / "services.yaml"))
    texts = json.loads((INTEGRATION / "translations" / "en.json").read_text(encoding="utf-8"))["services"]
    icons = json.loads((INTEGRATION / "icons.json").read_text(encoding="utf-8"))["services"]
    assert set(described) == set(texts) == set(icons) == ACTIONS
    for action, description in described.items():
        assert texts[action]["name"]
        assert texts[action]["description"]
        assert set(description["fields"]) == set(texts[action]["fields"])
        assert all(field["name"] and field["description"] for field in texts[action]["fields"].values())
    assert described[SERVICE_CAPTURE_TELEGRAMS]["fields"]["count"]["selector"]["number"]["max"] == MOST
