"""Continuity: meters that are upgraded, moved or swapped keep their devices, entities and history."""

from dataclasses import replace
from typing import Any

from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.dsmr_p1.const import CONF_METER_TYPE, CONF_REFRESH, DOMAIN
from custom_components.dsmr_p1.meters.continuity import Moves, settle
from custom_components.dsmr_p1.p1 import MeterKind, Role, Unit
from custom_components.dsmr_p1.storage.store import KnownMeter
from simulator import Slot, TelegramBuilder, find_model
from tests.ha.house import House, MakeHouse

REGISTER = {"gas": "gmeter_24h_delivery_v2", "mbus_1": "m3meter_value"}


def upgrade(house: House, model: str) -> None:
    """Let the meter become another model overnight: the same household, the same meters behind it."""
    house.pass_time(8 * 3600)
    builder = house.builder
    house.builder = TelegramBuilder.create(find_model(model), builder.household, "")
    house.builder.identifier = builder.identifier
    house.builder.slots = builder.slots


@pytest.mark.parametrize("restart", [False, True], ids=["while running", "while stopped"])
async def test_an_upgrade_from_dsmr_2_to_4_to_5(
    hass: HomeAssistant, make_house: MakeHouse, all_enabled: None, *, restart: bool
) -> None:
    house = await make_house("dsmr22")
    await house.set_up()
    assert house.slots() == {"p1", "electricity", "gas"}
    gas_id = house.entity_id("gas", "gmeter_24h_delivery_v2")
    gas_time_id = house.entity_id("gas", "gmeter_24h_delivery_v2_timestamp")
    gas_device = house.device("gas")
    import_id = house.entity_id("electricity", "emeter_delivery_tariff1")
    switch_id = house.entity_id("electricity", "emeter_switch_position")
    before = float(house.value("gas", "gmeter_24h_delivery_v2"))
    assert gas_id is not None
    assert gas_device is not None

    for model in ("dsmr42", "dsmr5"):
        upgrade(house, model)
        if restart:
            await house.reload(house.builder.telegram())
        else:
            await house.send()
        # The gas meter of before had another register: a first total is shown when a second telegram agrees.
        await house.send()
        assert house.slots() == {"p1", "electricity", "mbus_1"}
        assert house.entity_id("mbus_1", "m3meter_value") == gas_id
        assert house.entity_id("mbus_1", "m3meter_value_timestamp") == gas_time_id
        assert house.entity_id("gas", "gmeter_24h_delivery_v2") is None
        device = house.device("mbus_1")
        assert device is not None
        assert device.id == gas_device.id
        assert device.model == "DSMR 5"
        assert float(house.value("mbus_1", "m3meter_value")) >= before
        assert house.entity_id("electricity", "emeter_delivery_tariff1") == import_id
        assert house.entity_id("electricity", "emeter_switch_position") == switch_id
    # The compensated register is sent no more, and nothing goes on as it.
    state = house.state("mbus_1", "gmeter_24h_delivery_compensated_v2_timestamp")
    assert state.state == "unavailable"
    assert state.attributes["restored"]
    assert "gas" not in house.coordinator.port.meters
    await house.reload(house.builder.telegram())
    assert house.entity_id("mbus_1", "m3meter_value") == gas_id
    assert house.slots() == {"p1", "electricity", "mbus_1"}


async def test_nothing_false_is_shown_meanwhile(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr22")
    await house.set_up()
    gas_id = house.entity_id("gas", "gmeter_24h_delivery_v2")
    assert gas_id is not None
    states: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        states.append("removed" if new is None else new.state)

    async_track_state_change_event(hass, gas_id, note)
    upgrade(house, "dsmr5")
    await house.send()
    assert states[-1] == house.value("mbus_1", "m3meter_value")
    assert set(states[:-1]) <= {"unavailable"}


async def test_what_the_owner_chose_goes_with_the_meter(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr22")
    house.configure(options={CONF_REFRESH: {"gas": 0, "electricity": 5}, CONF_METER_TYPE: {"gas": "gas_v2_1"}})
    await house.set_up()
    gas_id = house.entity_id("gas", "gmeter_24h_delivery_v2")
    assert gas_id is not None
    er.async_get(hass).async_update_entity(gas_id, name="Our gas")
    device = house.device("gas")
    assert device is not None
    dr.async_get(hass).async_update_device(device.id, name_by_user="Cellar")
    upgrade(house, "dsmr5")
    await house.send()
    assert house.entry.options == {
        CONF_REFRESH: {"mbus_1": 0, "electricity": 5},
        CONF_METER_TYPE: {"mbus_1": "gas_v2_1"},
    }
    assert house.state("mbus_1", "m3meter_value").name == "Our gas"
    device = house.device("mbus_1")
    assert device is not None
    assert device.name_by_user == "Cellar"


async def test_a_fresh_entry_in_the_way_is_removed(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr22")
    await house.set_up()
    gas_id = house.entity_id("gas", "gmeter_24h_delivery_v2")
    devices, entities = dr.async_get(hass), er.async_get(hass)
    fresh_device = devices.async_get_or_create(
        config_entry_id=house.entry.entry_id, identifiers={(DOMAIN, f"{house.entry.entry_id}_mbus_1")}, name="Fresh"
    )
    entities.async_get_or_create(
        "sensor",
        DOMAIN,
        house.unique_id("mbus_1", "m3meter_value"),
        config_entry=house.entry,
        device_id=fresh_device.id,
    )
    alone = entities.async_get_or_create(
        "sensor", DOMAIN, house.unique_id("mbus_1", "m3meter_value_timestamp"), config_entry=house.entry
    )
    upgrade(house, "dsmr5")
    await house.send()
    assert house.entity_id("mbus_1", "m3meter_value") == gas_id
    assert devices.async_get(fresh_device.id) is None
    assert entities.async_get(alone.entity_id) is None
    assert house.slots() == {"p1", "electricity", "mbus_1"}


def on_channel(slot: Slot, channel: int) -> Slot:
    return replace(slot, channel=channel)


async def test_a_meter_that_moves_to_another_channel(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    water_id, gas_id = house.entity_id("mbus_2", "m3meter_value"), house.entity_id("mbus_1", "m3meter_value")
    gas, water = house.builder.slots
    house.builder.slots = (gas, on_channel(water, 4))
    await house.send()
    assert house.slots() == {"p1", "electricity", "mbus_1", "mbus_4"}
    assert house.entity_id("mbus_4", "m3meter_value") == water_id
    assert house.entity_id("mbus_1", "m3meter_value") == gas_id


async def test_two_meters_that_change_places(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    ids = [house.entity_id(slot, "m3meter_value") for slot in ("mbus_1", "mbus_2")]
    devices = [house.device_id(slot) for slot in ("mbus_1", "mbus_2")]
    values = [house.value(slot, "m3meter_value") for slot in ("mbus_1", "mbus_2")]
    gas, water = house.builder.slots
    house.builder.slots = (on_channel(water, 1), on_channel(gas, 2))
    seen: list[str] = []
    assert ids[0] is not None

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        seen.append("removed" if new is None else new.state)

    async_track_state_change_event(hass, ids[0], note)
    await house.send()
    assert [house.entity_id(slot, "m3meter_value") for slot in ("mbus_2", "mbus_1")] == ids
    assert [house.device_id(slot) for slot in ("mbus_2", "mbus_1")] == devices
    assert [house.value(slot, "m3meter_value") for slot in ("mbus_2", "mbus_1")] == values
    assert house.state("mbus_2", "m3meter_value").attributes["device_class"] == "gas"
    assert values[1] not in seen


async def test_a_second_meter_of_a_kind_is_no_continuation(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    gas_id = house.entity_id("mbus_1", "m3meter_value")
    house.builder = TelegramBuilder.create(find_model("dsmr5"), house.builder.household, "gas,gas")
    for _ in range(3):
        await house.send()
    assert house.slots() == {"p1", "electricity", "mbus_1", "mbus_2"}
    assert house.entity_id("mbus_1", "m3meter_value") == gas_id
    assert house.entity_id("mbus_2", "m3meter_value") not in (gas_id, None)


# The decision, without Home Assistant.


def meter(
    slot: str,
    *channels: str,
    kind: MeterKind = MeterKind.GAS,
    role: Role = Role.MBUS,
    equipment_identifier: str | None = None,
) -> KnownMeter:
    return KnownMeter(
        slot=slot,
        role=role,
        kind=kind,
        type_id=kind,
        mbus_channel=0,
        equipment_identifier=equipment_identifier,
        channels=dict.fromkeys(channels),
    )


def of(*meters: KnownMeter) -> dict[str, KnownMeter]:
    return {meter.slot: meter for meter in meters}


def test_nothing_moves_where_nothing_changed() -> None:
    known = of(meter("mbus_1", "m3meter_value", equipment_identifier="G1"))
    settled, moves = settle(known, known)
    assert settled == known
    assert not moves


def test_what_is_missing_stays_known() -> None:
    known = of(
        meter("mbus_1", "m3meter_value", "meter_device_type", equipment_identifier="G1"),
        meter("mbus_2", "m3meter_value"),
    )
    settled, moves = settle(known, of(meter("mbus_1", "m3meter_value")))
    assert not moves
    assert set(settled["mbus_1"].channels) == {"m3meter_value", "meter_device_type"}
    assert settled["mbus_1"].equipment_identifier == "G1"
    assert "mbus_2" in settled


def test_a_unit_is_learned_and_not_forgotten() -> None:
    known = of(meter("mbus_1", "genmeter_value_v3"))
    seen = of(replace(meter("mbus_1"), channels={"genmeter_value_v3": Unit.KILO_WATT_HOUR}))
    settled, _ = settle(known, seen)
    assert settled["mbus_1"].channels == {"genmeter_value_v3": Unit.KILO_WATT_HOUR}
    settled, _ = settle(settled, known)
    assert settled["mbus_1"].channels == {"genmeter_value_v3": Unit.KILO_WATT_HOUR}


def test_a_channel_goes_on_as_one_with_the_same_meaning() -> None:
    _, moves = settle(of(meter("mbus_1", "gmeter_value_v3")), of(meter("mbus_1", "m3meter_value")))
    assert moves == Moves({}, {("mbus_1", "gmeter_value_v3"): "m3meter_value"})


def test_what_had_no_row_goes_on_as_the_row_that_it_got() -> None:
    known = of(meter("mbus_1", "m3meter_value", "obis_0_n_24_2_2", kind=MeterKind.HEATING))
    settled, moves = settle(known, of(meter("mbus_1", "m3meter_value", "heat_flow", kind=MeterKind.HEATING)))
    assert moves == Moves({}, {("mbus_1", "obis_0_n_24_2_2"): "heat_flow"})
    assert set(settled["mbus_1"].channels) == {"m3meter_value", "heat_flow"}


def test_a_damaged_reference_replaces_none_that_is_known() -> None:
    known = of(meter("mbus_1", "m3meter_value", "heat_flow", kind=MeterKind.HEATING))
    settled, moves = settle(known, of(meter("mbus_1", "m3meter_value", "obis_0_n_24_2_18", kind=MeterKind.HEATING)))
    assert not moves
    assert set(settled["mbus_1"].channels) == {"m3meter_value", "heat_flow", "obis_0_n_24_2_18"}


async def test_a_stored_object_without_a_row_becomes_the_one_that_the_catalog_has_now(
    hass: HomeAssistant, hass_storage: dict[str, Any], make_house: MakeHouse
) -> None:
    house = await make_house("dsmr5")
    house.builder.extra_lines = ["1-0:1.8.5(000012.345*kWh)"]
    await house.set_up()
    await hass.config_entries.async_unload(house.entry.entry_id)
    # What a version that knows no fifth tariff has left behind: its store, and an entity that the owner has renamed.
    stored = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]
    (channels,) = [known["channels"] for known in stored["meters"] if known["slot"] == "electricity"]
    channels["obis_1_0_1_8_5"] = channels.pop("emeter_delivery_tariff5")
    entities = er.async_get(hass)
    entity_id = house.entity_id("electricity", "emeter_delivery_tariff5")
    assert entity_id is not None
    entities.async_update_entity(
        entity_id, new_unique_id=house.unique_id("electricity", "obis_1_0_1_8_5"), name="Fifth tariff"
    )
    await house.reload(house.builder.telegram())
    assert house.entity_id("electricity", "emeter_delivery_tariff5") == entity_id
    assert house.entity_id("electricity", "obis_1_0_1_8_5") is None
    assert house.state("electricity", "emeter_delivery_tariff5").name == "Fifth tariff"
    assert house.value("electricity", "emeter_delivery_tariff5") == "12.345"


def test_a_channel_that_is_still_sent_goes_on_as_itself() -> None:
    settled, moves = settle(
        of(meter("mbus_1", "gmeter_last_value")), of(meter("mbus_1", "gmeter_last_value", "m3meter_value"))
    )
    assert not moves
    assert set(settled["mbus_1"].channels) == {"gmeter_last_value", "m3meter_value"}


def test_the_only_one_of_its_kind_has_moved_without_any_identifier() -> None:
    _, moves = settle(of(meter("gas", "gmeter_24h_delivery_v2")), of(meter("mbus_2", "m3meter_value")))
    assert moves == Moves({"gas": "mbus_2"}, {("gas", "gmeter_24h_delivery_v2"): "m3meter_value"})


def test_of_two_of_a_kind_nobody_knows_which_has_moved() -> None:
    known = of(meter("mbus_1", "m3meter_value"), meter("mbus_2", "m3meter_value"))
    settled, moves = settle(known, of(meter("mbus_2", "m3meter_value"), meter("mbus_3", "m3meter_value")))
    assert not moves
    assert set(settled) == {"mbus_1", "mbus_2", "mbus_3"}


def test_another_kind_is_another_meter() -> None:
    known = of(meter("mbus_1", "m3meter_value"))
    _, moves = settle(known, of(meter("mbus_2", "m3meter_value", kind=MeterKind.WATER)))
    assert not moves


def test_a_slot_whose_meter_went_away_has_a_new_one() -> None:
    known = of(meter("mbus_1", "m3meter_value", "meter_device_type", equipment_identifier="G1"))
    seen = of(
        meter("mbus_1", "m3meter_value", equipment_identifier="W7", kind=MeterKind.WATER),
        meter("mbus_2", "m3meter_value", equipment_identifier="G1"),
    )
    settled, moves = settle(known, seen)
    assert moves == Moves({"mbus_1": "mbus_2"}, {})
    assert settled["mbus_1"].kind is MeterKind.WATER
    assert set(settled["mbus_1"].channels) == {"m3meter_value"}
    assert set(settled["mbus_2"].channels) == {"m3meter_value", "meter_device_type"}


def test_an_identifier_that_two_meters_share_moves_nobody() -> None:
    known = of(meter("mbus_1", "m3meter_value", equipment_identifier="G1"))
    seen = of(
        meter("mbus_1", "m3meter_value", equipment_identifier="G1"),
        meter("mbus_2", "m3meter_value", equipment_identifier="G1"),
    )
    settled, moves = settle(known, seen)
    assert not moves
    assert set(settled) == {"mbus_1", "mbus_2"}


def test_the_main_meter_stays_where_it_is() -> None:
    main = meter(
        "electricity", "emeter_delivery_tariff1", role=Role.MAIN, equipment_identifier="E1", kind=MeterKind.ELECTRICITY
    )
    _, moves = settle(of(main), of(replace(main, equipment_identifier="E2")))
    assert not moves
