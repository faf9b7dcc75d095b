"""An installation as an earlier version left it is taken over by a real start, and nothing of it is lost.

`stored/` has what Home Assistant and the integration had written: entry, registries and known meters of a household
with a gas and a water meter. The owner has renamed, disabled and chosen things, and is asked about the gas meter.
"""

import json
from pathlib import Path
from typing import Any

from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from custom_components.dsmr_p1.const import DOMAIN
from simulator import PtyPort
from tests.ha.house import eventually, make_builder

STORED = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "stored").glob("*.json"))
}
OWN_IMPORT = "sensor.my_import"


NEW = ("binary_sensor.p1_port_connectivity", "event.")
"""How the ids of entities begin that installations of that time did not have."""


def facts(entities: list[er.RegistryEntry]) -> dict[str, tuple[Any, ...]]:
    """Give what of entities must not change, by entity id."""
    return {
        entity.entity_id: (entity.id, entity.unique_id, entity.disabled_by, entity.name)
        for entity in entities
        if not entity.entity_id.startswith(NEW)
    }


@pytest.mark.parametrize("load_registries", [False])
@pytest.mark.parametrize("name", STORED)
async def test_an_installation_of_before(
    name: str, hass: HomeAssistant, hass_storage: dict[str, Any], tmp_path: Path
) -> None:
    port_path = tmp_path / "ttyP1"
    hass_storage.update(json.loads(STORED[name].replace("PORT", str(port_path))))
    [stored_entry] = hass_storage["core.config_entries"]["data"]["entries"]
    stored_entities = hass_storage["core.entity_registry"]["data"]["entities"]
    stored_devices = hass_storage["core.device_registry"]["data"]["devices"]
    entry_id = stored_entry["entry_id"]
    before = {
        entity["entity_id"]: (entity["id"], entity["unique_id"], entity["disabled_by"], entity["name"])
        for entity in stored_entities
    }
    await async_load_base_functionality(hass)
    with PtyPort(link=port_path) as port:
        assert await async_setup_component(hass, DOMAIN, {})
        await hass.async_block_till_done()
        entry = hass.config_entries.async_get_entry(entry_id)
        assert entry is not None
        assert entry.state is ConfigEntryState.LOADED

        # Before any telegram: all entities and devices are those that were there.
        registry, devices = er.async_get(hass), dr.async_get(hass)
        assert dict(entry.data) == stored_entry["data"]
        assert dict(entry.options) == stored_entry["options"]
        found = er.async_entries_for_config_entry(registry, entry_id)
        assert facts(found) == before
        assert {device.id for device in dr.async_entries_for_config_entry(devices, entry_id)} == {
            device["id"] for device in stored_devices
        }
        state = hass.states.get(OWN_IMPORT)
        assert state is not None
        assert state.state == STATE_UNAVAILABLE
        gas = devices.async_get_device_by_identifier((DOMAIN, f"{entry_id}_mbus_1"), entry_id)
        assert isinstance(gas, dr.DeviceEntry)
        assert gas.name_by_user == "Gas in the cellar"
        # What was open is asked again.
        assert ir.async_get(hass).async_get_issue(DOMAIN, f"meter_mbus_1_{entry_id}") is not None

        builder = make_builder("dsmr42", "gas,water")
        slot, *others = builder.slots
        builder.slots = (slot.replace_meter(builder.household, 3000), *others)
        await eventually(lambda: entry.runtime_data.port.reader.heard.opened)
        port.write(builder.telegram())
        await eventually(lambda: entry.runtime_data.last_update_success)
        # A total is shown when a second telegram agrees with the first.
        port.write(builder.telegram())
        await eventually(lambda: entry.runtime_data.port.reader.heard.telegrams > 1)
        await hass.async_block_till_done()

    state = hass.states.get(OWN_IMPORT)
    assert state is not None
    assert float(state.state) > 0
    found = er.async_entries_for_config_entry(registry, entry_id)
    assert facts(found) == before
    record = entry.runtime_data.port.record
    assert record.acknowledged == {"unknown:1-0:9.9.9"}
    assert record.meters["mbus_2"].chosen_type_id == "m3_v4"
    assert record.replaced.changes.keys() == {"mbus_1"}
    assert await hass.config_entries.async_unload(entry_id)
    await hass.async_block_till_done()
