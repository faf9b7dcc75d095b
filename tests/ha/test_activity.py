"""What Activity says of a house: what happened in it, and nothing else."""

from collections import Counter
from datetime import timedelta
from http import HTTPStatus

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.ha.house import House, MakeHouse
from tests.ha.pace import Clock, wait_in_vain

STEP = 900
DAY = 86_400
TARIFF = "sensor.electricity_meter_active_tariff"


@pytest.fixture
async def house(recorder_mock: Recorder, hass: HomeAssistant, clock: Clock, make_house: MakeHouse) -> House:
    """A Belgian house with gas and water, and Activity, whose page in the browser is not needed."""
    hass.config.components.add("frontend")
    assert await async_setup_component(hass, "logbook", {})
    house = await make_house("emucs", "gas,water")
    await house.set_up()
    return house


async def activity(house: House, hass_client: ClientSessionGenerator) -> list[tuple[str, str]]:
    """Return the lines about entities, oldest first: which one, and its state."""
    await async_wait_recording_done(house.hass)
    now = dt_util.utcnow()
    client = await hass_client()
    response = await client.get(
        f"/api/logbook/{(now - timedelta(hours=1)).isoformat()}",
        params={"end_time": (now + timedelta(hours=1)).isoformat()},
    )
    assert response.status == HTTPStatus.OK
    return [(line["entity_id"], line["state"]) for line in await response.json() if "entity_id" in line]


async def test_a_day_is_what_happened(house: House, clock: Clock, hass_client: ClientSessionGenerator) -> None:
    assert await activity(house, hass_client) == []
    for _ in range(0, DAY, STEP):
        house.pass_time(STEP)
        clock.now += STEP
        await house.send()
    lines = await activity(house, hass_client)
    assert [line for line in lines if line[0] == TARIFF] == [(TARIFF, "2"), (TARIFF, "1")]
    assert Counter(entity_id for entity_id, _ in lines) == {TARIFF: 2, "event.electricity_meter_tariff_change": 2}


async def test_an_outage_is_two_lines(house: House, hass_client: ClientSessionGenerator) -> None:
    await wait_in_vain(house.hass)
    await house.send()
    await house.send()
    lines = await activity(house, hass_client)
    connectivity = "binary_sensor.p1_port_connectivity"
    assert [line for line in lines if line[0] == connectivity] == [(connectivity, "off"), (connectivity, "on")]
    # Home Assistant itself tells of every sensor of words, and of no other.
    words = (TARIFF, "sensor.electricity_meter_switch_position", "sensor.gas_meter_valve_position")
    assert Counter(entity_id for entity_id, _ in lines) == dict.fromkeys((connectivity, *words), 2)
