"""Sensors: what every meter shows, and how."""

from collections.abc import Iterator, Mapping
from itertools import chain
import json
from pathlib import Path
import re
from typing import Any

from homeassistant import const as home_assistant
from homeassistant.components.sensor import DEVICE_CLASS_STATE_CLASSES, SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS
from homeassistant.const import DEGREE, STATE_UNKNOWN, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.dsmr_p1.const import CONF_ADDITIONAL_KEY, CONF_DECRYPTION_KEY, CONF_REFRESH
from custom_components.dsmr_p1.entity.descriptions import LEVELS, PRESENTATIONS, describe, home_unit, translation_key
from custom_components.dsmr_p1.p1 import CHANNELS, ChannelType, Level, MeterKind, Quantity, Role, Unit, channel_type
from custom_components.dsmr_p1.p1.cosem.units import HOME_UNITS
from custom_components.dsmr_p1.sensor import ATTR_FULL_TEXT
from custom_components.dsmr_p1.storage.store import KnownMeter
from custom_components.dsmr_p1.watch.line_health import DESCRIPTIONS
from simulator import MODELS, SlotState
from tests.ha.house import House, MakeHouse
from tests.p1.captures import CAPTURES, following, keys_of, load

INTEGRATION = Path(__file__).parent.parent.parent / "custom_components" / "dsmr_p1"
ENGLISH: Mapping[str, Any] = json.loads((INTEGRATION / "translations" / "en.json").read_text())
NAMES: Mapping[str, Any] = ENGLISH["entity"]["sensor"]
OF_PARTS = ("coach_", "headroom_", "true_hour_")
ICONS: Mapping[str, Any] = json.loads((INTEGRATION / "icons.json").read_text())["entity"]["sensor"]


def shown(house: House) -> dict[str, Any]:
    """Give the devices and entities of an entry, as far as they do not depend on the run."""
    devices = {}
    for device in dr.async_entries_for_config_entry(dr.async_get(house.hass), house.entry.entry_id):
        assert isinstance(device, dr.DeviceEntry)
        (identifier,) = (identifier for _, identifier in device.identifiers)
        via = None if device.via_device_id is None else dr.async_get(house.hass).async_get(device.via_device_id)
        devices[identifier.removeprefix(f"{house.entry.entry_id}_")] = {
            "name": device.name,
            "manufacturer": device.manufacturer,
            "model": device.model,
            "serial_number": device.serial_number,
            "sw_version": device.sw_version,
            "via": None if via is None else via.name,
        }
    entities = {}
    for key, entity in sorted(house.entities().items()):
        state = house.hass.states.get(entity.entity_id)
        assert state is not None
        entities[key] = " | ".join(
            str(part)
            for part in (
                state.name,
                state.state,
                entity.unit_of_measurement,
                entity.original_device_class,
                (entity.capabilities or {}).get("state_class"),
                entity.entity_category,
            )
            if part is not None
        )
    return {"devices": devices, "entities": entities}


@pytest.mark.parametrize("capture", CAPTURES)
async def test_a_capture_in_home_assistant(
    hass: HomeAssistant, make_house: MakeHouse, all_enabled: None, snapshot: SnapshotAssertion, capture: str
) -> None:
    await stand_with(hass, capture)
    house = await make_house()
    keys = keys_of(capture)
    if keys is not None:
        entered = {CONF_DECRYPTION_KEY: keys.decryption_key.hex()}
        if keys.additional_key is not None:
            entered[CONF_ADDITIONAL_KEY] = keys.additional_key.hex()
        house.configure(data=entered)
    await house.set_up(load(capture), None if keys is None else following(load(capture), keys))
    assert shown(house) == snapshot


async def stand_with(hass: HomeAssistant, name: str) -> None:
    """Let Home Assistant stand where a meter abroad does, as the last word of its name tells."""
    abroad = {"finland": "Europe/Helsinki", "lithuania": "Europe/Vilnius", "hungary": "Europe/Budapest"}
    zone = abroad.get(name.partition(".")[0].rpartition("_")[2])
    if zone is not None:
        await hass.config.async_set_time_zone(zone)
        hass.config.country = None


@pytest.mark.parametrize("model", [name for name, model in MODELS.items() if model.authentication_key is None])
async def test_a_simulated_model_in_home_assistant(
    hass: HomeAssistant, make_house: MakeHouse, all_enabled: None, snapshot: SnapshotAssertion, model: str
) -> None:
    await stand_with(hass, model)
    house = await make_house(model, solar_peak=4000)
    await house.set_up()
    assert shown(house) == snapshot


async def test_what_is_enabled_by_itself(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    entities = house.entities()
    for channel_id, disabled, category in (
        ("electricity_emeter_delivery_tariff1", False, None),
        ("electricity_emeter_power_failures", False, EntityCategory.DIAGNOSTIC),
        ("electricity_emeter_voltage_sags_l1", True, EntityCategory.DIAGNOSTIC),
        ("electricity_emeter_actual_delivery", False, None),
        ("electricity_emeter_instant_power_delivery_l2", False, None),
        ("electricity_emeter_instant_voltage_l1", True, None),
        ("electricity_emeter_instant_current_l1", True, None),
        ("mbus_1_meter_equipment_identifier", True, EntityCategory.DIAGNOSTIC),
        ("mbus_1_m3meter_value", False, None),
        ("mbus_1_m3meter_value_timestamp", True, EntityCategory.DIAGNOSTIC),
        ("p1_p1_version_output", True, EntityCategory.DIAGNOSTIC),
        ("p1_p1_text_string", True, EntityCategory.DIAGNOSTIC),
    ):
        assert entities[channel_id].disabled is disabled
        assert entities[channel_id].entity_category is category
    house = await make_house("smarty_lu", "")
    house.configure(data={CONF_DECRYPTION_KEY: house.builder.decryption_key.hex()})
    await house.set_up()
    total = house.entities()["electricity_emeter_delivery_tariff0"]
    assert total.disabled
    assert total.entity_category is None


async def test_net_power_and_totals_come_first(make_house: MakeHouse) -> None:
    # Pages of areas have entities in the order in which they were registered.
    house = await make_house("dsmr5")
    await house.set_up()
    entities = er.async_entries_for_config_entry(er.async_get(house.hass), house.entry.entry_id)
    sensors = [entity for entity in entities if entity.domain == "sensor" and "_electricity_" in entity.unique_id]
    assert [entity.original_name for entity in sensors][:3] == ["Net power", "Energy import", "Energy export"]


@pytest.mark.parametrize(("model", "name"), [("emucs", "Gas meter Reading"), ("dsmr5", "Gas meter Reading")])
async def test_the_only_reading_of_a_meter_is_just_that(make_house: MakeHouse, model: str, name: str) -> None:
    house = await make_house(model, "gas")
    await house.set_up()
    assert house.state("mbus_1", "gmeter_last_value" if model == "emucs" else "m3meter_value").name == name


async def test_the_port_shows_its_version(make_house: MakeHouse) -> None:
    for model, version in (("dsmr5", "DSMR 5.0"), ("dsmr22", None), ("emucs", "e-MUCS 2.1")):
        house = await make_house(model)
        await house.set_up()
        device = house.device("p1")
        assert device is not None
        assert device.sw_version == version
        assert device.model is not None


async def test_the_energy_dashboard_can_take_it(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water,heating", solar_peak=4000)
    await house.set_up()
    for slot, channel_id, device_class, unit in (
        ("electricity", "emeter_delivery_tariff1", "energy", "kWh"),
        ("electricity", "emeter_production_tariff2", "energy", "kWh"),
        ("electricity", "energy_import_total", "energy", "kWh"),
        ("mbus_1", "m3meter_value", "gas", "m³"),
        ("mbus_2", "m3meter_value", "water", "m³"),
        ("mbus_3", "gjmeter_value_v4", "energy", "GJ"),
    ):
        attributes = house.state(slot, channel_id).attributes
        assert attributes["device_class"] == device_class
        assert attributes["unit_of_measurement"] == unit
        assert attributes["state_class"] == SensorStateClass.TOTAL_INCREASING
    power = house.state("electricity", "power_net").attributes
    assert (power["device_class"], power["state_class"], power["unit_of_measurement"]) == ("power", "measurement", "W")


@pytest.mark.parametrize(
    ("model", "first", "indicator"),
    [
        ("dsmr5", "Electricity meter Tariff 1 import (low)", {"1": "Low", "2": "Normal"}),
        ("emucs", "Electricity meter Tariff 1 import (normal)", {"1": "Normal", "2": "Low"}),
        ("lithuania", "Electricity meter Tariff 1 import", {"1": "Tariff 1", "2": "Tariff 2"}),
    ],
)
async def test_tariffs_are_named_as_the_country_does(
    make_house: MakeHouse, model: str, first: str, indicator: dict[str, str]
) -> None:
    house = await make_house(model)
    await house.set_up()
    assert house.state("electricity", "emeter_delivery_tariff1").name == first
    if house.entity_id("electricity", "emeter_tariff_indicator") is not None:
        key = house.entities()["electricity_emeter_tariff_indicator"].translation_key
        assert key is not None
        assert NAMES[key]["state"].items() >= indicator.items()
        assert house.value("electricity", "emeter_tariff_indicator") in {"1", "2", "3", "4"}


async def test_a_position_that_no_standard_has(make_house: MakeHouse) -> None:
    house = await make_house("smarty_lu", "")
    house.configure(
        data={CONF_DECRYPTION_KEY: house.builder.decryption_key.hex()}, options={CONF_REFRESH: {"electricity": 0}}
    )
    await house.set_up()
    sent = house.builder.body()
    house.builder.extra_lines = []
    before = house.value("electricity", "emeter_switch_position")
    assert before in {"0", "1", "2"}
    line = re.search(rb"0-0:96\.3\.10\(\d\)", sent)
    assert line is not None
    changed = sent.replace(line[0], b"0-0:96.3.10(7)")
    await house.send(house.builder.envelop(house.builder.finish(changed)))
    state = house.state("electricity", "emeter_switch_position")
    assert state.state == "7"
    assert state.attributes["options"] == ["0", "1", "2", "7"]


async def test_texts_short_long_and_none(hass: HomeAssistant, make_house: MakeHouse, all_enabled: None) -> None:
    house = await make_house("dsmr5")
    house.configure(options={CONF_REFRESH: {"p1": 0}})
    await house.set_up()
    assert house.value("p1", "p1_text_string") == STATE_UNKNOWN
    house.builder.text = b"Power will be off on Tuesday"
    await house.send()
    assert house.value("p1", "p1_text_string") == "Power will be off on Tuesday"
    assert ATTR_FULL_TEXT not in house.state("p1", "p1_text_string").attributes
    house.builder.text = b"0123456789" * 102
    await house.send()
    state = house.state("p1", "p1_text_string")
    assert state.state == ("0123456789" * 26)[:255]
    assert state.attributes[ATTR_FULL_TEXT] == "0123456789" * 102
    assert ATTR_FULL_TEXT in state.state_info["unrecorded_attributes"]  # type: ignore[index]


async def test_channels_and_meters_that_come_later(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water:unregistered")
    await house.set_up()
    assert house.slots() == {"p1", "electricity", "mbus_1"}
    opened = house.coordinator.port.reader.heard.opened
    house.builder.slots = (
        house.builder.slots[0],
        house.builder.slots[1].register_meter(house.builder.household),
    )
    for _ in range(3):
        await house.send()
    assert house.slots() == {"p1", "electricity", "mbus_1", "mbus_2"}
    await house.send()
    assert house.state("mbus_2", "m3meter_value").attributes["device_class"] == "water"
    assert float(house.value("mbus_2", "m3meter_value")) == 0
    assert house.entity_id("electricity", "power_factor") is None
    house.builder.extra_lines = ["1-0:14.7.0(50.01*Hz)"]
    for _ in range(3):
        await house.send()
    assert house.entity_id("electricity", "frequency") is not None
    assert house.coordinator.port.reader.heard.opened == opened


async def test_the_failure_log_grows(make_house: MakeHouse, all_enabled: None) -> None:
    house = await make_house("dsmr5", "")
    telegram = house.builder.body()
    log = re.search(rb"1-0:99\.97\.0[^\r]*", telegram)
    assert log is not None

    def with_log(entries: bytes) -> bytes:
        assert log is not None
        return house.builder.finish(telegram.replace(log[0], b"1-0:99.97.0" + entries))

    await house.set_up(with_log(b"(0)(0-0:96.7.19)"))
    assert house.entity_id("electricity", "emeter_power_failure_log_timestamp0") is None
    for _ in range(3):
        await house.send(with_log(b"(1)(0-0:96.7.19)(240528183422S)(0000005621*s)"))
    assert house.value("electricity", "emeter_power_failure_log_timestamp0") == "2024-05-28T16:34:22+00:00"
    assert house.value("electricity", "emeter_power_failure_log_duration0") == "5621"
    both = b"(2)(0-0:96.7.19)(240528183422S)(0000005621*s)(231030031108W)(0000000009*s)"
    for _ in range(3):
        await house.send(with_log(both))
    assert house.value("electricity", "emeter_power_failure_log_duration1") == "9"


async def test_two_meters_of_a_kind_have_their_channel_in_the_name(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,gas,water,electricity")
    await house.set_up()
    names = {slot: device.name for slot in house.slots() if (device := house.device(slot)) is not None}
    assert names == {
        "p1": "P1 port",
        "electricity": "Electricity meter",
        "mbus_1": "Gas meter 1",
        "mbus_2": "Gas meter 2",
        "mbus_3": "Water meter",
        "mbus_4": "Electricity meter 4",
    }


async def test_what_is_missing_from_one_telegram_is_unknown(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    body = house.builder.body()
    line = re.search(rb"1-0:1\.7\.0[^\n]*\n", body)
    assert line is not None
    await house.send(house.builder.finish(body.replace(line[0], b"")))
    assert house.value("electricity", "emeter_actual_delivery") == STATE_UNKNOWN
    assert house.value("electricity", "emeter_actual_production") != STATE_UNKNOWN
    slots, house.builder.slots = house.builder.slots, ()
    await house.send()
    assert house.value("electricity", "emeter_actual_delivery") != STATE_UNKNOWN
    assert house.value("mbus_1", "m3meter_value") == STATE_UNKNOWN
    house.builder.slots = slots
    await house.send()
    assert house.value("mbus_1", "m3meter_value") != STATE_UNKNOWN


async def test_a_dead_meter_becomes_unknown_and_a_ghost_none(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water:ghost")
    await house.set_up()
    assert "mbus_2" not in house.slots()
    house.builder.slots = (house.builder.slots[0].with_state(SlotState.GHOST),)
    await house.send()
    assert house.value("mbus_1", "m3meter_value") == STATE_UNKNOWN


# What each row of the catalog is shown as.


def rows() -> Iterator[ChannelType]:
    """Return every channel of the catalog, of lists one for all entries, and one that it does not know."""
    return chain(CHANNELS.values(), [channel_type("obis_1_0_1_8_77")])


def concrete(channel: ChannelType) -> str:
    # An entry behind those that have a row of their own.
    return channel.id.replace("[x]", "99")


def meter_with(
    channel: ChannelType,
    role: Role = Role.MAIN,
    unit: Unit | None = None,
    *,
    kind: MeterKind = MeterKind.ELECTRICITY,
    low_tariff: int | None = None,
) -> KnownMeter:
    return KnownMeter(
        slot="electricity",
        role=role,
        kind=kind,
        type_id=kind,
        mbus_channel=0,
        low_tariff=low_tariff,
        channels={concrete(channel): unit or channel.unit},
    )


@pytest.mark.parametrize("kind", MeterKind)
def test_each_channel_obeys_home_assistant(kind: MeterKind) -> None:
    for row in rows():
        obeys_home_assistant(row, kind)


def obeys_home_assistant(row: ChannelType, kind: MeterKind) -> None:
    description = describe(meter_with(row, kind=kind), concrete(row))
    device_class, unit = description.device_class, description.native_unit_of_measurement
    if device_class in DEVICE_CLASS_UNITS:
        assert unit in DEVICE_CLASS_UNITS[device_class]
    if device_class in DEVICE_CLASS_STATE_CLASSES and description.state_class is not None:
        assert description.state_class in DEVICE_CLASS_STATE_CLASSES[device_class]
    if unit is not None:
        assert description.suggested_display_precision is not None
    assert (description.options is not None) is (device_class is SensorDeviceClass.ENUM)
    assert (description.entity_category, description.entity_registry_enabled_default) == LEVELS[row.level]


def test_registers_only_rise() -> None:
    registers = {Quantity.ENERGY, Quantity.HEAT, Quantity.REACTIVE_ENERGY, Quantity.VOLUME, Quantity.COUNTER}
    for row in rows():
        description = describe(meter_with(row), concrete(row))
        if row.quantity in registers:
            assert description.state_class is SensorStateClass.TOTAL_INCREASING, row.id
        if row.quantity is Quantity.REGISTER:
            assert description.state_class is SensorStateClass.TOTAL, row.id


def test_a_channel_is_described_the_same_each_time() -> None:
    for row in rows():
        assert describe(meter_with(row), concrete(row)) == describe(meter_with(row), concrete(row))


def test_every_table_is_complete() -> None:
    assert set(PRESENTATIONS) == set(Quantity)
    assert set(LEVELS) == set(Level)


def test_units_are_spelled_as_home_assistant_does() -> None:
    names = [name for name in dir(home_assistant) if name.startswith("UnitOf")]
    known = {unit.value for name in names for unit in getattr(home_assistant, name)} | {DEGREE}
    # Home Assistant has no unit of apparent energy.
    assert {home_unit(unit) for unit in set(Unit) - set(HOME_UNITS)} - known == {"VAh", "kVAh"}


def test_a_register_of_unknown_kind_is_shown_by_its_unit() -> None:
    (row,) = (row for row in rows() if row.id == "genmeter_value_v3")

    def of(unit: Unit | None, kind: MeterKind = MeterKind.GENERIC) -> tuple[object, object, object]:
        description = describe(meter_with(row, Role.MBUS, unit, kind=kind), row.id)
        return description.device_class, description.state_class, description.native_unit_of_measurement

    rising = SensorStateClass.TOTAL_INCREASING
    assert of(Unit.KILO_WATT_HOUR) == (SensorDeviceClass.ENERGY, rising, "kWh")
    assert of(Unit.GIGA_JOULE) == (SensorDeviceClass.ENERGY, rising, "GJ")
    assert of(Unit.CUBIC_METRE) == (SensorDeviceClass.VOLUME, rising, "m³")
    assert of(Unit.CUBIC_METRE, MeterKind.GAS) == (SensorDeviceClass.GAS, rising, "m³")
    assert of(Unit.VOLT) == (None, rising, "V")
    assert of(None) == (None, rising, None)


@pytest.mark.parametrize("unit", [unit for unit in Unit if unit not in HOME_UNITS])
def test_an_object_without_a_row_is_shown_by_its_unit(unit: Unit) -> None:
    row = channel_type("obis_1_0_1_8_77")
    description = describe(meter_with(row, unit=unit), row.id)
    device_class = description.device_class
    if device_class is not None:
        assert description.native_unit_of_measurement in DEVICE_CLASS_UNITS[device_class]
        assert description.state_class in DEVICE_CLASS_STATE_CLASSES[device_class]
    total = unit.dimension in {"energy", "heat", "volume", "reactive energy"}
    assert (description.state_class is SensorStateClass.TOTAL_INCREASING) is total
    assert not description.entity_registry_enabled_default
    assert description.translation_placeholders == {"index": "1-0:1.8.77"}


async def test_an_object_without_a_row_is_an_entity(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5")
    house.builder.extra_lines = ["1-0:1.9.77(000012.345*kWh)", "1-0:71.9.0(0.005*kA)", "1-0:99.55.2(text)"]
    await house.set_up()
    registry = er.async_get(hass)
    for channel_id, name in (("obis_1_0_1_9_77", "1-0:1.9.77"), ("obis_1_0_71_9_0", "1-0:71.9.0")):
        entity_id = house.entity_id("electricity", channel_id)
        assert entity_id is not None
        entry = registry.async_get(entity_id)
        assert entry is not None
        assert entry.disabled_by is er.RegistryEntryDisabler.INTEGRATION
        assert entry.original_name == name
    shown = house.coordinator.port.record.meters["electricity"].channels
    assert (shown["obis_1_0_1_9_77"], shown["obis_1_0_71_9_0"]) == (Unit.KILO_WATT_HOUR, Unit.AMPERE)
    assert "obis_1_0_99_55_2" not in shown


# Translations and icons.


def keys_in_use() -> set[str]:
    return {translation_key(row, low_tariff) for row in rows() for low_tariff in (None, 1, 2)}


def test_every_name_is_translated_and_every_translation_used() -> None:
    # The parts have names of their own, and can be deleted.
    names = {name for name in NAMES if not name.startswith(OF_PARTS)}
    assert names == keys_in_use() | {description.key for description in DESCRIPTIONS}


@pytest.mark.parametrize("low_tariff", [None, 1, 2])
def test_names_ask_for_what_they_are_given(low_tariff: int | None) -> None:
    for row in rows():
        entry = NAMES[translation_key(row, low_tariff)]
        asked = set(re.findall(r"\{(\w+)\}", entry["name"]))
        description = describe(meter_with(row, low_tariff=low_tariff), concrete(row))
        assert asked == set(description.translation_placeholders or {}), row.id
        if description.options is not None:
            # A tariff that was taken over goes on with the words that it had.
            words = {"low", "normal"} if row.quantity is Quantity.TARIFF else set()
            assert set(entry["state"]) == set(description.options) | words, row.id


def test_no_two_channels_of_a_meter_have_one_name() -> None:
    texts = [NAMES[name]["name"] for name in {row.name for row in rows()}]
    assert len(texts) == len(set(texts))


def test_every_icon_is_needed_and_there() -> None:
    without_class = (None, SensorDeviceClass.ENUM)
    needed: set[str | None] = {row.key for row in DESCRIPTIONS if row.device_class in without_class}
    for row in rows():
        for low_tariff in (None, 1, 2):
            description = describe(meter_with(row, low_tariff=low_tariff), concrete(row))
            if description.device_class in without_class:
                needed.add(description.translation_key)
    assert {name for name in ICONS if not name.startswith(OF_PARTS)} == needed


def test_icons_are_icons() -> None:
    for key, icon in ICONS.items():
        assert all(name.startswith("mdi:") for name in chain([icon["default"]], icon.get("state", {}).values())), key
        assert icon["default"] not in icon.get("state", {}).values(), key
        assert set(icon.get("state", {})) <= set(NAMES[key].get("state", {})), key


def test_devices_are_named() -> None:
    kinds = {kind for kind in MeterKind if kind is not MeterKind.DEVICE}
    assert set(ENGLISH["device"]) == {"p1", *kinds, *(f"{kind}_channel" for kind in kinds)}
