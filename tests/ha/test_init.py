"""Entries: set up, unloaded, removed."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from tests.ha.house import MakeHouse


async def test_it_works(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    for k, e in sorted(house.entities().items()):
        s = hass.states.get(e.entity_id)
        print(k, e.entity_id, s and s.state, s and s.attributes.get("unit_of_measurement"))
    print(house.slots())
    await house.send()
