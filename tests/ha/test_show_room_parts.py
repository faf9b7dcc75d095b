"""The example dashboard of the documentation: each section is shown by a house of the demonstration, with its parts."""

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import BRIDGE_SMARTY, CONF_BRIDGE_TYPE, CONF_DECRYPTION_KEY
from custom_components.dsmr_p1.parts import PARTS
from demonstration.example import EXAMPLE, sections_for
from demonstration.home import choose_http_port
from demonstration.show_room import HOUSES
from simulator import EXAMPLE_DECRYPTION_KEY, find_model
from tests.ha.flow_driver import answer, begin_options, fields, over_rest
from tests.ha.house import House, MakeHouse

SECTIONS = {
    "dutch": ["The P1 port"],
    "belgian": ["What the main fuse leaves", "The quarter of an hour", "The P1 port"],
    "luxembourg": ["The reference power", "The P1 port"],
    "homewizard": ["Gas by true hours", "The P1 port"],
}


def test_all_houses_with_parts_are_looked_at() -> None:
    [view] = load_yaml_dict(str(EXAMPLE))["views"]
    headings = {section["cards"][0]["heading"] for section in view["sections"]}
    assert headings == {heading for shown in SECTIONS.values() for heading in shown}
    assert SECTIONS.keys() == {name for name, exhibit in HOUSES.items() if exhibit.parts}


async def switch_on(house: House, part: str, settings: dict[str, object]) -> None:
    step = await begin_options(house.hass, house.entry)
    step = await answer(house.hass, step, {"next_step_id": part})
    while step["type"] is FlowResultType.FORM:
        assert not step["errors"]
        wanted = {name: value for name, value in settings.items() if name in fields(step)}
        step = await answer(house.hass, step, wanted)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    await house.hass.async_block_till_done()


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("name", SECTIONS)
async def test_a_house_shows_its_sections(
    recorder_mock: Recorder, hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse, name: str
) -> None:
    exhibit = HOUSES[name]
    if exhibit.parts.keys() - {part.key for part in PARTS}:
        pytest.skip("a part that this house shows is deleted")
    house = await make_house(exhibit.model, exhibit.mbus)
    if find_model(exhibit.model).authentication_key is not None:
        house.configure(
            data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex().upper()}
        )
    await over_rest(hass, hass_client)
    await house.set_up()
    for part, settings in exhibit.parts.items():
        await switch_on(
            house, part, {**settings, **({"relay_port": choose_http_port(None)} if part == "relay" else {})}
        )
    await house.send()
    await async_wait_recording_done(hass)
    registry = er.async_get(hass)
    known = {entity.entity_id for entity in er.async_entries_for_config_entry(registry, house.entry.entry_id)}
    statistics = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    known |= {row["statistic_id"] for row in statistics}
    shown = sections_for(known, house.entry.entry_id)
    assert [section["cards"][0]["heading"] for section in shown] == SECTIONS[name]
