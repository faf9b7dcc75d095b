"""A replaced meter: it is believed after three telegrams, shown, and the owner is asked."""

from dataclasses import replace
from datetime import timedelta
import json
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util.dt import utcnow
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1 import async_remove_config_entry_device
from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    DOMAIN,
    LOGGER,
)
from custom_components.dsmr_p1.diagnostics import async_get_config_entry_diagnostics
from custom_components.dsmr_p1.entity.descriptions import PRESENTATIONS
from custom_components.dsmr_p1.p1 import Quantity
from custom_components.dsmr_p1.p1.wire.replay import PROVING_TELEGRAMS
from custom_components.dsmr_p1.port.display import TOTALS
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY, SlotState, make_slots
from simulator.telegram import seal
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.replacing import (
    EVERY_TELEGRAM,
    EXPORT,
    GAS,
    ISSUES,
    LOW,
    NOW,
    TOTAL,
    Calendar,
    another_gas_meter,
    another_main_meter,
    answer,
    issue,
    let_gas_meter_die,
    send,
)
from tests.p1.captures import telegram

POWER = ("electricity", "emeter_actual_delivery")


@pytest.fixture(autouse=True)
async def _repairs(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "repairs", {})


@pytest.fixture
async def house(make_house: MakeHouse, calendar: Calendar) -> House:
    house = await make_house("dsmr5", "gas")
    house.configure(options=EVERY_TELEGRAM)
    await house.set_up()
    return house


def test_held_back_is_what_the_recorder_sums_up() -> None:
    summed = {
        quantity for quantity, shown in PRESENTATIONS.items() if shown.state_class and "total" in shown.state_class
    }
    assert summed == TOTALS
    assert Quantity.POWER not in TOTALS


async def test_another_meter_is_believed_after_three_telegrams_and_the_owner_is_asked(house: House) -> None:
    before, old = house.value(*LOW), house.builder.identifier
    house.builder.household.replace_meter(5_000)
    another_main_meter(house)
    for _ in range(2):
        await house.send()
        assert house.value(*LOW) == before
        assert issue(house) is None
    await house.send()
    assert float(house.value(*LOW)) == pytest.approx(5, abs=1)
    found = issue(house)
    assert found is not None
    assert found.is_fixable
    assert found.is_persistent
    assert found.translation_key == "meter_changed"
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number == old
    question = house.coordinator.meters.question_of("electricity")
    assert question is not None
    told = question.describe("electricity")
    assert (told["old_meter"], told["new_meter"]) == (old, house.builder.identifier)
    assert told["since"].startswith(str(NOW.year))
    assert f"{float(before):.3f} → {float(house.value(*LOW)):.3f} kWh" in told["readings"]


async def test_a_meter_that_was_known_by_its_model_is_the_same(hass: HomeAssistant, make_house: MakeHouse) -> None:
    """So it was with 1.0.0, of a Kaifa in Poland."""

    def sent(energy: int, *serial_number: str) -> bytes:
        return telegram(f"1-0:1.8.1({energy}*kWh)", "0-0:96.1.1(4D413330394D)", *serial_number)

    house = await make_house()
    house.configure(options=EVERY_TELEGRAM)
    await house.set_up(sent(340))
    hass.config_entries.async_update_entry(house.entry, unique_id="MA309M")
    for energy in range(341, 345):
        await house.send(sent(energy, "0-0:96.1.0(3330303030313031)"))
        assert issue(house) is None
    assert house.value(*LOW) == "344"
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number == house.entry.unique_id == "30000101"


async def test_a_garbled_identifier_asks_nobody(house: House) -> None:
    before, value, power = house.builder.identifier, house.value(*LOW), house.value(*POWER)
    house.builder.household.advance(86_400)
    for number in range(5):
        another_main_meter(house, number)
        await house.send()
    assert issue(house) is None
    assert house.value(*LOW) == value
    assert house.value(*POWER) != power
    house.builder.identifier = before
    await house.send()
    assert house.value(*LOW) != value
    # Twice is not three times, and nothing is left of it.
    for _ in range(2):
        another_main_meter(house)
        await send(house, 2)
        house.builder.identifier = before
        await house.send()
    assert issue(house) is None


async def test_a_telegram_without_identifier_is_neither_meter(house: House) -> None:
    value, told = house.value(*LOW), house.builder.identifier.encode().hex().upper().encode()
    another_main_meter(house)
    house.builder.household.advance(86_400)
    await send(house, 2)
    telegram = house.builder.telegram()
    garbled = house.builder.identifier.encode().hex().upper().encode()
    assert garbled in telegram
    assert told not in telegram
    lines = b"\r\n".join(line for line in telegram.split(b"\r\n") if garbled not in line)
    await house.send(seal(lines[: lines.rindex(b"!") + 1]))
    assert house.value(*LOW) == value
    await send(house, 2)
    assert house.value(*LOW) == value
    await house.send()
    assert house.value(*LOW) != value


async def test_an_odd_identifier_holds_nothing_once_the_meter_sends_none(house: House) -> None:
    value = house.value(*LOW)
    another_main_meter(house)
    house.builder.household.advance(86_400)
    await house.send()
    assert house.value(*LOW) == value
    identifier = house.builder.identifier.encode().hex().upper().encode()
    for _ in range(4):
        house.pass_time(10)
        lines = b"\r\n".join(line for line in house.builder.telegram().split(b"\r\n") if identifier not in line)
        await house.send(seal(lines[: lines.rindex(b"!") + 1]))
    assert issue(house) is None
    assert house.value(*LOW) != value


async def test_the_old_meter_takes_the_question_back(house: House, caplog: pytest.LogCaptureFixture) -> None:
    before = house.builder.identifier
    another_main_meter(house)
    await send(house, 3)
    house.builder.identifier = before
    await send(house, 2)
    assert issue(house) is not None
    await house.send()
    assert issue(house) is None
    told = [record.message for record in caplog.records if record.levelname == "INFO" and "P1 port" in record.message]
    assert len(told) == 2
    assert "SIM" not in "".join(told)
    await house.reload(house.builder.telegram())
    await send(house, 3)
    assert issue(house) is None


async def test_the_old_meter_is_back_after_one_with_a_register_that_it_did_not_show(house: House) -> None:
    """What is taken out for the other meter ends in no error, with which the test would fail where it is torn down."""
    before = house.builder.identifier
    lines = [line for line in house.builder.telegram().split(b"\r\n") if not line.startswith(b"1-0:2.8.")]
    await house.send(seal(b"\r\n".join(lines)[: -len(b"0000\r\n")]))
    assert house.value(*EXPORT) == STATE_UNKNOWN
    another_main_meter(house)
    await send(house, 3)
    assert issue(house) is not None
    assert house.value(*EXPORT) != STATE_UNKNOWN
    house.builder.identifier = before
    await send(house, 3)
    assert issue(house) is None
    assert house.value(*EXPORT) != STATE_UNKNOWN


async def test_a_replacement_keeps_everything(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    old = house.builder.identifier
    hass.config_entries.async_update_entry(house.entry, unique_id=old)
    entities, device_id = house.entities(), house.device_id("electricity")
    another_main_meter(house)
    await send(house, 3)
    await answer(hass_client, house, "replacement")
    assert issue(house) is None
    await house.send()
    assert house.value(*LOW) not in (STATE_UNKNOWN, STATE_UNAVAILABLE)
    assert house.entry.unique_id == house.builder.identifier
    assert {key: entity.entity_id for key, entity in house.entities().items()} == {
        key: entity.entity_id for key, entity in entities.items()
    }
    device = house.device("electricity")
    assert device is not None
    assert device.id == device_id
    assert device.serial_number == house.builder.identifier
    await house.reload(house.builder.telegram())
    assert house.value(*LOW) not in (STATE_UNKNOWN, STATE_UNAVAILABLE)
    await send(house, 3)
    assert issue(house) is None


async def test_a_mistake_changes_nothing(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator, calendar: Calendar
) -> None:
    another_main_meter(house)
    await send(house, 3)
    await answer(hass_client, house, "mistake")
    await send(house, 4)
    assert issue(house) is None
    assert house.value(*LOW) != STATE_UNKNOWN
    await house.reload(house.builder.telegram())
    await send(house, 3)
    assert issue(house) is None
    assert house.value(*LOW) != STATE_UNKNOWN
    # Another one is asked about at once, the same one after a long time.
    house.builder.identifier = "E0099SIM000000001"
    await send(house, 3)
    assert issue(house) is not None
    await answer(hass_client, house, "mistake")
    calendar.tick(timedelta(days=91))
    await house.reload(house.builder.telegram())
    await send(house, 3)
    assert issue(house) is not None


async def test_an_additional_meter_is_one_of_its_own(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    before, device_id = house.entity_id(*GAS), house.device_id("mbus_1")
    assert before is not None
    another_gas_meter(house, 5_000)
    await send(house, 3)
    await answer(hass_client, house, "additional", "mbus_1")
    await house.send()
    await hass.async_block_till_done()
    assert house.entity_id(*GAS) not in (None, before)
    assert float(house.value(*GAS)) == pytest.approx(5, abs=1)
    assert house.device_id("mbus_1") != device_id
    # The old ones stay aside, and can be removed.
    aside = dr.async_get(hass).async_get(device_id)
    assert aside is not None
    state = hass.states.get(before)
    assert state is not None
    assert state.state == STATE_UNAVAILABLE
    await house.reload(house.builder.telegram())
    assert float(house.value(*GAS)) == pytest.approx(5, abs=1)
    await send(house, 3)
    assert issue(house, "mbus_1") is None


@pytest.mark.parametrize("is_noisy", [False, True], ids=["quiet", "noise in between"])
async def test_who_does_not_answer_for_a_day_has_a_new_meter(
    house: House, calendar: Calendar, *, is_noisy: bool
) -> None:
    another_main_meter(house)
    await send(house, 3)
    calendar.tick(timedelta(hours=23))
    if is_noisy:
        another_main_meter(house, 8)
        await send(house, 3)
        another_main_meter(house)
        await send(house, 3)
    await house.send()
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number != house.builder.identifier
    calendar.tick(timedelta(hours=1, minutes=1))
    await house.send()
    assert issue(house) is None
    told = issue(house, prefix="adopted")
    assert told is not None
    assert not told.is_fixable
    assert told.translation_key == "meter_adopted"
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number == house.builder.identifier


@pytest.mark.parametrize("telegrams", [2, 3], ids=["before it is believed", "while the owner is asked"])
async def test_a_restart_in_the_middle(house: House, hass_client: ClientSessionGenerator, telegrams: int) -> None:
    another_main_meter(house)
    await send(house, telegrams)
    await house.reload(house.builder.telegram())
    assert (issue(house) is None) == (telegrams < 3)
    await send(house, 2)
    assert house.value(*LOW) != STATE_UNKNOWN
    await answer(hass_client, house, "replacement")
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number == house.builder.identifier


async def test_a_new_meter_beside_a_dead_one(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    entity_id, device_id = house.entity_id(*GAS), house.device_id("mbus_1")
    let_gas_meter_die(house)
    await send(house, 4)
    assert house.value("mbus_2", "m3meter_value") != STATE_UNKNOWN
    assert issue(house, "mbus_2") is None
    house.pass_time(8 * 86_400)
    await send(house, 3)
    found = issue(house, "mbus_2")
    assert found is not None
    assert found.translation_key == "meter_beside_dead"
    await house.reload(house.builder.telegram())
    await answer(hass_client, house, "replacement", "mbus_2")
    await eventually(lambda: house.entry.state is ConfigEntryState.LOADED and house.is_listening)
    await send(house, 2)
    assert house.entity_id("mbus_2", "m3meter_value") == entity_id
    assert house.device_id("mbus_2") == device_id
    assert house.slots() == {"p1", "electricity", "mbus_2"}
    assert float(house.value("mbus_2", "m3meter_value")) < 200
    await house.reload(house.builder.telegram())
    await send(house, 3)
    assert house.slots() == {"p1", "electricity", "mbus_2"}
    assert issue(house, "mbus_2") is None


async def replace_the_dead_one(house: House, hass_client: ClientSessionGenerator) -> None:
    """Let the gas meter die, and say that the one beside it has replaced it."""
    let_gas_meter_die(house)
    await send(house, 3)
    house.pass_time(8 * 86_400)
    await send(house, 3)
    await answer(hass_client, house, "replacement", "mbus_2")
    await eventually(lambda: house.entry.state is ConfigEntryState.LOADED and house.is_listening)


async def test_another_new_meter_beside_a_dead_one(house: House, hass_client: ClientSessionGenerator) -> None:
    """The place of the dead one had another dead meter years ago, which was replaced too."""
    await replace_the_dead_one(house, hass_client)
    # It is connected to the channel of the one it has replaced.
    house.builder.slots = (replace(house.builder.slots[1], channel=1),)
    await send(house, 4)
    assert house.slots() == {"p1", "electricity", "mbus_1"}
    let_gas_meter_die(house, seed=6)
    await send(house, 4)
    house.pass_time(8 * 86_400)
    await send(house, 3)
    assert issue(house, "mbus_2") is not None


async def test_a_crash_before_the_registries_are_written(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    """The record says that the dead meter was replaced, and the registries do not know it yet."""
    entity_id, device_id, manager = house.entity_id(*GAS), house.device_id("mbus_1"), hass.config_entries
    assert entity_id is not None
    await replace_the_dead_one(house, hass_client)
    assert await manager.async_unload(house.entry.entry_id)
    entities = er.async_get(hass)
    for entity in er.async_entries_for_device(entities, device_id, include_disabled_entities=True):
        entities.async_update_entity(entity.entity_id, new_unique_id=entity.unique_id.replace("_mbus_2_", "_mbus_1_"))
    identifiers = {(DOMAIN, f"{house.entry.entry_id}_mbus_1")}
    dr.async_get(hass).async_update_device(device_id, new_identifiers=identifiers)
    own = entities.async_get_or_create(
        "sensor", DOMAIN, house.unique_id("mbus_2", "m3meter_value"), config_entry=house.entry
    )
    assert own.entity_id != entity_id
    assert await manager.async_setup(house.entry.entry_id)
    await eventually(lambda: house.is_listening)
    await send(house, 3)
    assert house.entity_id("mbus_2", "m3meter_value") == entity_id
    assert house.device_id("mbus_2") == device_id
    assert house.slots() == {"p1", "electricity", "mbus_2"}
    assert entities.async_get(own.entity_id) is None
    assert float(house.value("mbus_2", "m3meter_value")) < 200


@pytest.mark.parametrize("choice", ["additional", "mistake"])
async def test_a_new_meter_that_has_replaced_none(
    house: House, hass_client: ClientSessionGenerator, choice: str
) -> None:
    entities = set(house.entities())
    let_gas_meter_die(house)
    await send(house, 3)
    house.pass_time(8 * 86_400)
    await send(house, 3)
    await answer(hass_client, house, choice, "mbus_2")
    await send(house, 4)
    assert issue(house, "mbus_2") is None
    assert entities < set(house.entities())
    assert house.slots() == {"p1", "electricity", "mbus_1", "mbus_2"}


async def test_a_dead_meter_that_lives_takes_the_question_back(house: House) -> None:
    alive = house.builder.slots[0]
    let_gas_meter_die(house)
    await send(house, 3)
    house.pass_time(8 * 86_400)
    await send(house, 3)
    assert issue(house, "mbus_2") is not None
    house.builder.slots = (alive, house.builder.slots[1])
    await house.send()
    assert issue(house, "mbus_2") is None


async def test_a_meter_without_readings_for_a_day_is_dead(house: House, calendar: Calendar) -> None:
    let_gas_meter_die(house)
    await send(house, 3)
    dead, other = house.builder.slots
    house.builder.slots = (dead.with_state(SlotState.UNREGISTERED), other)
    await send(house, 4)
    assert issue(house, "mbus_2") is None
    calendar.tick(timedelta(hours=25))
    await send(house, 3)
    assert issue(house, "mbus_2") is not None


async def test_another_meter_on_another_channel_is_asked_about(
    house: House, hass_client: ClientSessionGenerator
) -> None:
    entity_id, before = house.entity_id(*GAS), house.value(*GAS)
    let_gas_meter_die(house)
    house.builder.slots = house.builder.slots[1:]
    await send(house, 2)
    # The only gas meter has gone on, with what it showed.
    assert house.entity_id("mbus_2", "m3meter_value") == entity_id
    assert house.value("mbus_2", "m3meter_value") == before
    await house.send()
    assert float(house.value("mbus_2", "m3meter_value")) < 200
    await answer(hass_client, house, "replacement", "mbus_2")


async def test_a_question_moves_with_its_meter(house: House, hass_client: ClientSessionGenerator) -> None:
    another_gas_meter(house, 5_000)
    await send(house, 3)
    (slot,) = house.builder.slots
    house.builder.slots = (replace(slot, channel=2),)
    await send(house, 2)
    assert issue(house, "mbus_1") is None
    await answer(hass_client, house, "replacement", "mbus_2")
    assert float(house.value("mbus_2", "m3meter_value")) < 200


async def test_the_right_one_of_two_meters_is_taken_for_the_replaced_one(
    make_house: MakeHouse, calendar: Calendar, hass_client: ClientSessionGenerator
) -> None:
    """A third gas meter, beside two, has replaced none; a second one only the other gas meter."""
    house = await make_house("dsmr5", "gas,water")
    house.configure(options=EVERY_TELEGRAM)
    await house.set_up()
    entity_id = house.entity_id(*GAS)
    gas, water = house.builder.slots
    (other,) = make_slots("gas@3", 5, house.builder.household.now)
    last = gas.reading(house.builder.household, 300)
    dead = replace(gas, state=SlotState.DEAD, until=last.time, offset=last.value)
    house.builder.slots = (dead, water, other.start_at(house.builder.household, 3_000))
    await send(house, 3)
    house.pass_time(8 * 86_400)
    await send(house, 3)
    await answer(hass_client, house, "replacement", "mbus_3")
    await eventually(lambda: house.entry.state is ConfigEntryState.LOADED and house.is_listening)
    await send(house, 2)
    assert house.entity_id("mbus_3", "m3meter_value") == entity_id
    assert house.slots() == {"p1", "electricity", "mbus_2", "mbus_3"}


async def test_the_old_device_can_be_removed(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    device_id = house.device_id("electricity")
    another_main_meter(house)
    await send(house, 3)
    await answer(hass_client, house, "additional")
    await house.send()
    assert house.value(*LOW) != STATE_UNKNOWN
    aside, live = dr.async_get(hass).async_get(device_id), house.device("electricity")
    assert aside is not None
    assert live is not None
    assert await async_remove_config_entry_device(hass, house.entry, aside)
    assert not await async_remove_config_entry_device(hass, house.entry, live)


async def test_what_was_told_of_an_adopted_meter_goes_by_itself(
    hass: HomeAssistant, house: House, calendar: Calendar
) -> None:
    another_main_meter(house)
    await send(house, 3)
    calendar.tick(timedelta(days=1, minutes=1))
    await house.send()
    for days in (1, 31):
        assert issue(house, prefix="adopted") is not None
        calendar.tick(timedelta(days=days))
        async_fire_time_changed(hass, utcnow() + timedelta(hours=1, seconds=1), fire_all=True)
        await hass.async_block_till_done()
    assert issue(house, prefix="adopted") is None


async def test_two_entries_never_share_a_meter(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    hass.config_entries.async_update_entry(house.entry, unique_id=house.builder.identifier)
    old = house.entry.unique_id
    another_main_meter(house)
    MockConfigEntry(domain=DOMAIN, unique_id=house.builder.identifier, data={**house.entry.data}).add_to_hass(hass)
    await send(house, 3)
    await answer(hass_client, house, "replacement")
    assert house.entry.unique_id == old


async def test_an_answer_that_comes_too_late(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    before = house.builder.identifier
    another_main_meter(house)
    await send(house, 3)
    client = await hass_client()
    found = issue(house)
    assert found is not None
    url = "/api/repairs/issues/fix"
    step = await (await client.post(url, json={"handler": DOMAIN, "issue_id": found.issue_id})).json()
    step = await (await client.post(f"{url}/{step['flow_id']}", json={"next_step_id": "additional"})).json()
    house.builder.identifier = before
    await send(house, 3)
    step = await (await client.post(f"{url}/{step['flow_id']}", json={})).json()
    assert (step["type"], step["reason"]) == ("abort", "settled")
    assert step["reason"] in ISSUES["meter_changed"]["fix_flow"]["abort"]


async def test_another_meter_that_tells_no_identifier_is_known_by_its_system_title(
    hass: HomeAssistant, make_house: MakeHouse, calendar: Calendar, hass_client: ClientSessionGenerator
) -> None:
    house = await make_house("austria")
    house.configure(
        data={
            CONF_BRIDGE_TYPE: BRIDGE_SMARTY,
            CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex(),
            CONF_ADDITIONAL_KEY: EXAMPLE_AUTHENTICATION_KEY.hex(),
        },
        options=EVERY_TELEGRAM,
    )
    await house.set_up()
    old = house.builder.system_title
    hass.config_entries.async_update_entry(house.entry, unique_id=old.hex())
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number is None
    house.builder.household.replace_meter(5_000)
    house.builder.system_title = bytes(range(8))
    await send(house, 3)
    assert float(house.value(*TOTAL)) == pytest.approx(10, abs=1)
    found = issue(house)
    assert found is not None
    assert bytes(range(8)).hex() not in str(found)
    await house.reload(house.builder.telegram())
    client = await hass_client()
    response = await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": found.issue_id})
    response = await client.post(
        f"/api/repairs/issues/fix/{(await response.json())['flow_id']}", json={"next_step_id": "replacement"}
    )
    response = await client.post(f"/api/repairs/issues/fix/{(await response.json())['flow_id']}", json={})
    assert (await response.json())["type"] == "create_entry"
    await house.send()
    assert house.value(*TOTAL) != STATE_UNKNOWN
    assert house.entry.unique_id == bytes(range(8)).hex()
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number is None
    await house.reload(house.builder.telegram())
    await send(house, 3)
    assert issue(house) is None
    assert house.value(*TOTAL) != STATE_UNKNOWN


@pytest.fixture
async def encrypted(make_house: MakeHouse, calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("custom_components.dsmr_p1.p1.wire.replay.PROVING_SECONDS", 0.0)
    house = await make_house("smarty_lu", "gas")
    keys = {CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()}
    house.configure(data=keys, options=EVERY_TELEGRAM)
    await house.set_up()
    return house


async def replace_under_the_same_identifier(house: House) -> bytes:
    """Let a meter with other registers take the place under the same identifier, and prove itself."""
    house.builder.household.replace_meter(5_000)
    house.builder.system_title = bytes(range(8))
    await send(house, PROVING_TELEGRAMS - 1)
    assert house.coordinator.port.reader.heard.rejected == {"authentication": PROVING_TELEGRAMS - 1}
    return house.builder.system_title


async def test_another_system_title_under_the_same_identifier_is_another_meter(
    encrypted: House, caplog: pytest.LogCaptureFixture
) -> None:
    house, old = encrypted, encrypted.builder.system_title
    before = house.value(*TOTAL)
    new = await replace_under_the_same_identifier(house)
    for _ in range(2):
        await house.send()
        assert house.value(*TOTAL) == before
        assert issue(house) is None
    await house.send()
    found = issue(house)
    assert found is not None
    assert found.translation_key == "meter_changed"
    assert float(house.value(*TOTAL)) == pytest.approx(10, abs=1)
    question = house.coordinator.meters.question_of("electricity")
    assert question is not None
    told = question.describe("electricity")
    assert (told["old_meter"], told["new_meter"]) == (old.hex(), new.hex())
    assert f"{float(before):.3f} → {float(house.value(*TOTAL)):.3f} kWh" in told["readings"]
    diagnostics = await async_get_config_entry_diagnostics(house.hass, house.entry)
    lines = "\n".join(record.message for record in caplog.records if record.name == LOGGER.name)
    for shown in (str(found), json.dumps(diagnostics, default=str), lines):
        assert old.hex() not in shown
        assert new.hex() not in shown
    # The meter of before takes the question back, also after a restart.
    await house.reload()
    house.builder.system_title = old
    await send(house, 3)
    assert issue(house) is None
    [known] = [meter for meter in house.coordinator.port.meters.values() if meter.slot == "electricity"]
    assert known.system_title == old.hex()


@pytest.mark.parametrize("choice", ["replacement", "additional", "mistake"])
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_the_answers_about_another_system_title(
    encrypted: House, hass_client: ClientSessionGenerator, choice: str, *, is_restarted: bool
) -> None:
    house, entity_id = encrypted, encrypted.entity_id(*TOTAL)
    old, identifier = house.builder.system_title, house.builder.identifier
    house.hass.config_entries.async_update_entry(house.entry, unique_id=identifier)
    new = await replace_under_the_same_identifier(house)
    await send(house, 3)
    if is_restarted:
        await house.reload(house.builder.telegram())
    await answer(hass_client, house, choice, private=new.hex())
    await send(house, 2)
    device = house.device("electricity")
    assert device is not None
    assert device.serial_number == identifier
    assert house.entry.unique_id == identifier
    assert (house.entity_id(*TOTAL) == entity_id) == (choice != "additional")
    known = house.coordinator.port.meters["electricity"]
    assert known.system_title == (old if choice == "mistake" else new).hex()
    await house.reload(house.builder.telegram())
    await send(house, 3)
    assert issue(house) is None
    assert float(house.value(*TOTAL)) == pytest.approx(10, abs=1)


async def test_a_meter_with_another_identifier_and_another_system_title_is_asked_about_once(
    encrypted: House, hass_client: ClientSessionGenerator
) -> None:
    house = encrypted
    another_main_meter(house)
    house.builder.system_title = bytes(range(8))
    await send(house, 3)
    await answer(hass_client, house, "replacement")
    await send(house, 3)
    known = house.coordinator.port.meters["electricity"]
    assert (known.equipment_identifier, known.system_title) == (house.builder.identifier, bytes(range(8)).hex())
    await house.reload(house.builder.telegram())
    await send(house, 3)
    assert issue(house) is None


async def test_the_system_title_of_a_meter_that_was_stored_without_one_is_learned(
    encrypted: House, hass_storage: dict[str, Any]
) -> None:
    house = encrypted
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]
    [meter] = [meter for meter in stored["meters"] if meter["slot"] == "electricity"]
    assert meter["system_title"] == house.builder.system_title.hex()
    meter["system_title"] = None
    stored["guard"]["electricity"]["identity"] = house.builder.identifier
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.send()
    assert float(house.value(*TOTAL)) > 0
    assert issue(house) is None
    await replace_under_the_same_identifier(house)
    await send(house, 3)
    assert issue(house) is not None


async def test_questions_of_a_disabled_port_rest(hass: HomeAssistant, house: House) -> None:
    another_main_meter(house)
    await send(house, 3)
    assert issue(house) is not None
    await hass.config_entries.async_set_disabled_by(house.entry.entry_id, ConfigEntryDisabler.USER)
    await hass.async_block_till_done()
    assert issue(house) is None
    await hass.config_entries.async_set_disabled_by(house.entry.entry_id, None)
    await hass.async_block_till_done()
    assert house.entry.state is ConfigEntryState.LOADED
    assert issue(house) is not None


@pytest.mark.parametrize("is_beside_dead", [False, True])
async def test_an_open_question_is_asked_anew_after_a_start(
    hass: HomeAssistant, house: House, *, is_beside_dead: bool
) -> None:
    slot = "electricity"
    if is_beside_dead:
        slot = "mbus_2"
        let_gas_meter_die(house)
        await send(house, 3)
        house.pass_time(8 * 86_400)
    else:
        another_main_meter(house)
    await send(house, 3)
    found = issue(house, slot)
    assert found is not None
    ir.async_delete_issue(hass, DOMAIN, found.issue_id)
    await house.reload()
    anew = issue(house, slot)
    assert anew is not None
    assert anew.translation_key == found.translation_key
    assert anew.translation_placeholders == found.translation_placeholders


async def test_disabled_entities_of_an_additional_meter_are_there_at_once(
    house: House, hass_client: ClientSessionGenerator
) -> None:
    before = {name: entity.disabled for name, entity in house.entities().items() if name.startswith("mbus_1_")}
    assert True in before.values()
    another_gas_meter(house, 5_000)
    await send(house, 3)
    await answer(hass_client, house, "additional", "mbus_1")
    await house.send()
    after = {name: entity.disabled for name, entity in house.entities().items() if name.startswith("mbus_1_")}
    assert after == before


@pytest.mark.usefixtures("recorder_mock")
async def test_identifiers_that_alternate_pile_nothing_up(house: House) -> None:
    registers, before = 0, house.value(*LOW)
    changes = house.coordinator.port.record.replaced.changes
    for number in range(10):
        another_main_meter(house, 7 + number % 2)
        await send(house, 3)
        house.pass_time(60)
        registers = registers or len(changes["electricity"].steps)
        assert len(changes["electricity"].steps) == registers
    assert len(house.coordinator.port.record.corrections) <= registers
    amounts = {step.statistic_id: step.amount for step in changes["electricity"].steps}
    assert amounts[house.entity_id(*LOW) or ""] == pytest.approx(float(house.value(*LOW)) - float(before), abs=1)
