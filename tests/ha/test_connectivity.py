"""Whether the meter is heard, as one entity that is always there."""

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.dsmr_p1.const import DOMAIN
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.pace import wait_in_vain


def entity_id(house: House) -> str:
    unique_id = f"{house.entry.entry_id}_p1_connectivity"
    found = er.async_get(house.hass).async_get_entity_id("binary_sensor", DOMAIN, unique_id)
    assert found is not None
    return found


def value(house: House) -> str:
    state = house.hass.states.get(entity_id(house))
    assert state is not None
    return state.state


async def test_one_outage_is_two_changes(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    assert value(house) == STATE_ON
    changes: list[str] = []

    def note(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == entity_id(house) and event.data["new_state"] is not None:
            changes.append(event.data["new_state"].state)

    hass.bus.async_listen("state_changed", note)
    await house.send()
    await wait_in_vain(hass)
    assert house.value("electricity", "emeter_actual_delivery") == STATE_UNAVAILABLE
    assert value(house) == STATE_OFF
    await house.send()
    await house.send()
    assert value(house) == STATE_ON
    assert changes == [STATE_OFF, STATE_ON]


async def test_it_is_there_while_the_port_is_not(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    house.port.unplug()
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    await eventually(lambda: value(house) == STATE_OFF)
    house.port.replug()
    await house.send()
    assert value(house) == STATE_ON


async def test_it_is_not_known_before_the_first_telegram(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    await house.reload()
    assert value(house) == STATE_UNKNOWN
    await house.send()
    assert value(house) == STATE_ON


async def test_it_is_enabled(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    entry = er.async_get(house.hass).async_get(entity_id(house))
    assert entry is not None
    assert entry.disabled_by is None
    assert entry.device_id == house.device_id("p1")
