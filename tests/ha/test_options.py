"""The options: what can be preferred, and that a change of it takes effect."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import CONF_METER, CONF_METER_TYPE, CONF_RECEIVED_TIMEOUT, CONF_REFRESH
from custom_components.dsmr_p1.flow.options_flow import fitting_types
from custom_components.dsmr_p1.p1.catalog import METER_TYPES, MeterKind, Role
from custom_components.dsmr_p1.storage.store import KnownMeter
from tests.ha.flow_driver import (
    TRANSLATIONS,
    RefusedError,
    Step,
    answer,
    begin_options,
    check_texts,
    choices,
    fields,
    over_rest,
    suggested,
    told,
)
from tests.ha.house import House, MakeHouse


@pytest.fixture(autouse=True)
async def rest(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> None:
    """Take every step through Home Assistant's REST interface."""
    await over_rest(hass, hass_client)


async def choose(hass: HomeAssistant, house: House, *inputs: dict[str, Any]) -> Step:
    """Open the options and answer one step after the other."""
    result = await begin_options(hass, house.entry)
    for user_input in inputs:
        check_texts(result, "options")
        result = await answer(hass, result, user_input)
    check_texts(result, "options")
    await hass.async_block_till_done()
    return result


def to(step: str) -> dict[str, str]:
    return {"next_step_id": step}


async def test_received_timeout(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    result = await choose(hass, house, to("general"))
    assert fields(result)[CONF_RECEIVED_TIMEOUT]["default"] == 120
    before = house.coordinator
    result = await choose(hass, house, to("general"), {CONF_RECEIVED_TIMEOUT: 300})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert house.entry.options == {CONF_RECEIVED_TIMEOUT: 300}
    assert house.coordinator is not before
    assert house.coordinator.port.received_timeout == 300
    # A meter that sends every ten seconds may be late.
    with pytest.raises(RefusedError):
        await choose(hass, house, to("general"), {CONF_RECEIVED_TIMEOUT: 29})
    # Nothing else is forgotten, and what stands there is shown.
    result = await choose(hass, house, to("general"))
    assert fields(result)[CONF_RECEIVED_TIMEOUT]["default"] == 300


async def test_meter(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    result = await choose(hass, house, to("meters"))
    meters = choices(fields(result)[CONF_METER])
    assert meters == [
        {"value": "p1", "label": "P1 port"},
        {"value": "electricity", "label": "Electricity meter"},
        {"value": "mbus_1", "label": "Gas meter on M-Bus channel 1"},
        {"value": "mbus_2", "label": "Water meter on M-Bus channel 2"},
    ]
    gas = {CONF_METER: "mbus_1"}
    result = await choose(hass, house, to("meters"), gas)
    assert told(result) == {
        "meter": "Gas meter on M-Bus channel 1",
        "type": "DSMR V5 m3 meter (gas or water)",
        "refresh": "60",
        "totals": "60",
    }
    types = choices(fields(result)[CONF_METER_TYPE])
    assert types == ["automatic", "gas_v3_0", "m3_v4", "m3_v5_0", "gas_emucs_v1_0"]

    result = await choose(hass, house, to("meters"), gas, {CONF_REFRESH: 0, CONF_METER_TYPE: "m3_v4"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert house.entry.options == {CONF_REFRESH: {"mbus_1": 0}, CONF_METER_TYPE: {"mbus_1": "m3_v4"}}
    await house.send()
    assert house.coordinator.port.meters["mbus_1"].chosen_type_id == "m3_v4"

    # Another meter beside it; what was chosen for the first is shown again, with the type that is detected.
    await choose(hass, house, to("meters"), {CONF_METER: "electricity"}, {CONF_REFRESH: 5})
    assert house.entry.options[CONF_REFRESH] == {"mbus_1": 0, "electricity": 5}
    await house.send()
    result = await choose(hass, house, to("meters"), gas)
    assert suggested(result)[CONF_REFRESH] == 0
    assert suggested(result)[CONF_METER_TYPE] == "m3_v4"
    assert told(result)["type"] == "DSMR V5 m3 meter (gas or water)"

    # Back to what is detected, at its own pace.
    await choose(hass, house, to("meters"), gas, {CONF_METER_TYPE: "automatic"})
    assert house.entry.options == {CONF_REFRESH: {"electricity": 5}}
    await choose(hass, house, to("meters"), {CONF_METER: "electricity"}, {})
    assert house.entry.options == {}


async def test_type_that_fits_no_longer(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    house.configure(options={CONF_METER_TYPE: {"mbus_1": "gj_v5_0"}})
    await house.set_up()
    result = await choose(hass, house, to("meters"), {CONF_METER: "mbus_1"})
    assert suggested(result)[CONF_METER_TYPE] == "automatic"


async def test_no_meters(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    result = await choose(hass, house, to("meters"))
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    # The entry went away while the dialog was open.
    result = await answer(hass, result, {CONF_METER: "p1"})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "no_meters"


async def test_meter_that_went_away(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    result = await choose(hass, house, to("meters"))
    house.coordinator.meters.async_forget("mbus_1")
    result = await answer(hass, result, {CONF_METER: "mbus_1"})
    assert result["reason"] == "no_meters"


async def test_meters_that_are_only_known_from_before(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr22")
    await house.set_up()
    await house.reload()
    assert house.coordinator.port.reading is None
    result = await choose(hass, house, to("meters"), {CONF_METER: "gas"})
    assert told(result)["meter"] == "Gas meter"
    assert {"gas_v2_1", "gas_v2_2", "gas_v3_0"} < set(choices(fields(result)[CONF_METER_TYPE]))


def meter(role: Role, kind: MeterKind, mbus_channel: int) -> KnownMeter:
    return KnownMeter(slot="any", role=role, kind=kind, type_id="any", mbus_channel=mbus_channel)


@pytest.mark.parametrize(
    ("known", "fitting"),
    [
        (meter(Role.PORT, MeterKind.DEVICE, -1), {"device_v2_v3", "device_v4", "device_v5", "device_emucs_v1_0"}),
        (
            meter(Role.MBUS, MeterKind.HEATING, 4),
            {"heating_ace4000", "gj_v3_0", "gj_v4", "gj_v5_0"},
        ),
        (
            meter(Role.MBUS, MeterKind.ELECTRICITY, 2),
            {"slave_electricity2_ace4000", "slave_electricity_v4", "slave_electricity_v5"},
        ),
        (
            meter(Role.MBUS, MeterKind.GENERIC, 1),
            {row.id for row in METER_TYPES if row.role is Role.MBUS and row.mbus_channel in (None, 1)},
        ),
    ],
)
def test_types_that_fit(known: KnownMeter, fitting: set[str]) -> None:
    assert {row.id for row in fitting_types(known)} == fitting


def test_every_type_has_a_name() -> None:
    names = TRANSLATIONS["selector"]["meter_type"]["options"]
    assert names == {"automatic": "Automatic"} | {row.id: row.name for row in METER_TYPES}
    assert set(TRANSLATIONS["selector"]["meter_kind"]["options"]) == set(MeterKind)
