"""The energy dashboard: what a household finds on it after a click, and what stays as it was."""

from typing import Any
from unittest.mock import patch

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.dsmr_p1.const import CONF_ENERGY_DASHBOARD, DOMAIN
from custom_components.dsmr_p1.services import SERVICE_ADD_TO_ENERGY_DASHBOARD
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.pace import wait_in_vain
from tests.ha.test_events import quiet

LOW, LOW_BACK = ("electricity", "emeter_delivery_tariff1"), ("electricity", "emeter_production_tariff1")
NORMAL, NORMAL_BACK = ("electricity", "emeter_delivery_tariff2"), ("electricity", "emeter_production_tariff2")
TOTAL, TOTAL_BACK = ("electricity", "energy_import_total"), ("electricity", "energy_export_total")
POWER = ("electricity", "power_net")
GAS, WATER = ("mbus_1", "m3meter_value"), ("mbus_2", "m3meter_value")
ELSEWHERE = "sensor.other_meter_import"
SOLAR = {"type": "solar", "stat_energy_from": "sensor.solar", "config_entry_solar_forecast": None}
DEVICE = {"stat_consumption": "sensor.washing_machine"}


class Dashboard:
    """The energy dashboard as its owner sees and changes it, over the websocket."""

    def __init__(self, hass: HomeAssistant, client: Any) -> None:
        self._hass = hass
        self._client = client

    async def _command(self, name: str, **data: Any) -> Any:
        await self._client.send_json_auto_id({"type": f"energy/{name}", **data})
        answer = await self._client.receive_json()
        return answer["result"] if answer["success"] else answer["error"]["code"]

    async def preferences(self) -> Any:
        return await self._command("get_prefs")

    async def sources(self) -> list[dict[str, Any]]:
        """Give the sources without what is not filled in."""
        found = await self.preferences()
        if found == "not_found":
            return []
        return [{key: value for key, value in one.items() if value is not None} for one in found["energy_sources"]]

    async def save(self, *sources: dict[str, Any], devices: tuple[dict[str, Any], ...] = ()) -> None:
        await self._command("save_prefs", energy_sources=list(sources), device_consumption=list(devices))

    async def complaints(self) -> list[Any]:
        return [issues for group in (await self._command("validate")).values() for issues in group if issues]

    async def add(self, house: House, context: Context | None = None) -> list[str]:
        data = {"config_entry_id": house.entry.entry_id}
        response: Any = await self._hass.services.async_call(
            DOMAIN, SERVICE_ADD_TO_ENERGY_DASHBOARD, data, blocking=True, return_response=True, context=context
        )
        added: list[str] = response["added"]
        return added


@pytest.fixture
async def dashboard(recorder_mock: Recorder, hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> Dashboard:
    assert await async_setup_component(hass, "energy", {})
    return Dashboard(hass, await hass_ws_client(hass))


def entity(house: House, channel: tuple[str, str]) -> str:
    found = house.entity_id(*channel)
    assert found is not None, channel
    return found


def grid(
    house: House, imported: tuple[str, str], exported: tuple[str, str] | None, power: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Give a connection to the grid as it stands on the dashboard."""
    source = {"type": "grid", "stat_energy_from": entity(house, imported), "cost_adjustment_day": 0.0}
    if exported is not None:
        source["stat_energy_to"] = entity(house, exported)
    if power is not None:
        source["stat_rate"] = entity(house, power)
        source["power_config"] = {"stat_rate": entity(house, power)}
    return source


def consumed(house: House, kind: str, register: tuple[str, str]) -> dict[str, Any]:
    return {"type": kind, "stat_energy_from": entity(house, register)}


async def with_wish(make_house: MakeHouse, *args: Any, first: bytes | None = None, **household: Any) -> House:
    """Set a house up whose owner wished for the dashboard."""
    house = await make_house(*args, **household)
    house.configure(data={CONF_ENERGY_DASHBOARD: True})
    await house.set_up(first)
    return house


async def test_a_wish_at_set_up_is_carried_out(
    hass: HomeAssistant, make_house: MakeHouse, dashboard: Dashboard
) -> None:
    house = await with_wish(make_house, "dsmr5", "gas,water", solar_peak=5000)
    await house.send()
    assert await dashboard.sources() == [
        grid(house, LOW, LOW_BACK, POWER),
        grid(house, NORMAL, NORMAL_BACK),
        consumed(house, "gas", GAS),
        consumed(house, "water", WATER),
    ]
    # Home Assistant has nothing against it, once there are statistics.
    now = dt_util.utcnow()
    do_adhoc_statistics(hass, start=now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0))
    await async_wait_recording_done(hass)
    assert await dashboard.complaints() == []


async def test_what_the_owner_takes_away_stays_away(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await with_wish(make_house, "dsmr5", "")
    await house.send()
    assert len(await dashboard.sources()) == 2
    await dashboard.save()
    await house.send()
    await house.reload(house.builder.telegram())
    await house.send()
    assert await dashboard.sources() == []


async def test_without_a_wish_nothing_happens(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up()
    await house.send()
    assert await dashboard.sources() == []


async def test_a_wish_waits_for_all_values(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    with_gas, slots = house.builder.telegram(), house.builder.slots
    house.builder.slots = ()
    without = house.builder.telegram()
    house.hass.config_entries.async_update_entry(house.entry, data={**house.entry.data, CONF_ENERGY_DASHBOARD: True})
    await house.reload(without)
    await house.send(without)
    assert await dashboard.sources() == []
    house.builder.slots = slots
    await house.send(with_gas)
    await house.send(house.builder.telegram())
    assert [one["type"] for one in await dashboard.sources()] == ["grid", "grid", "gas"]


async def test_a_wish_does_not_wait_for_ever(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    house.builder.slots = ()
    house.hass.config_entries.async_update_entry(house.entry, data={**house.entry.data, CONF_ENERGY_DASHBOARD: True})
    with patch("custom_components.dsmr_p1.energy_dashboard.additions.PATIENCE", 0.0):
        await house.reload(house.builder.telegram())
        await house.send()
        await house.send()
    assert {one["type"] for one in await dashboard.sources()} == {"grid"}


async def test_a_wish_waits_for_a_dashboard(
    recorder_mock: Recorder, hass: HomeAssistant, hass_ws_client: WebSocketGenerator, make_house: MakeHouse
) -> None:
    house = await with_wish(make_house, "dsmr5", "")
    await house.send()
    assert await async_setup_component(hass, "energy", {})
    dashboard = Dashboard(hass, await hass_ws_client(hass))
    assert await dashboard.sources() == []
    await house.send()
    assert len(await dashboard.sources()) == 2


async def test_nothing_is_added_twice(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "gas", solar_peak=5000)
    await house.set_up()
    added = await dashboard.add(house)
    assert added == sorted(entity(house, one) for one in (LOW, LOW_BACK, NORMAL, NORMAL_BACK, POWER, GAS))
    before = await dashboard.preferences()
    assert await dashboard.add(house) == []
    assert await dashboard.preferences() == before


async def test_what_is_there_stays_as_it_is(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    own = {**grid(house, LOW, None), "number_energy_price": 0.31, "name": "At night"}
    await dashboard.save(SOLAR, own, devices=(DEVICE,))
    before = await dashboard.preferences()
    await dashboard.add(house)
    after = await dashboard.preferences()
    assert after["energy_sources"][:2] == before["energy_sources"]
    assert after["device_consumption"] == [DEVICE]
    assert (await dashboard.sources())[2:] == [
        grid(house, NORMAL, NORMAL_BACK, POWER),
        consumed(house, "gas", GAS),
    ]


@pytest.mark.parametrize("power", [{"stat_rate": "POWER"}, {"power_config": {"stat_rate_inverted": "POWER"}}])
async def test_a_power_that_is_there_is_not_added(
    make_house: MakeHouse, dashboard: Dashboard, power: dict[str, Any]
) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up()
    told: Any = {
        key: entity(house, POWER) if value == "POWER" else {"stat_rate_inverted": entity(house, POWER)}
        for key, value in power.items()
    }
    await dashboard.save({**grid(house, LOW, LOW_BACK), **told})
    assert await dashboard.add(house) == sorted(entity(house, one) for one in (NORMAL, NORMAL_BACK))


@pytest.mark.parametrize("counted", [TOTAL, TOTAL_BACK], ids=["imported", "exported"])
async def test_the_tariffs_are_not_added_to_their_total(
    make_house: MakeHouse, dashboard: Dashboard, counted: tuple[str, str]
) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up()
    await dashboard.save({"type": "grid", "stat_energy_from": entity(house, counted), "cost_adjustment_day": 0.0})
    assert await dashboard.add(house) == []


async def test_a_device_does_not_count_twice(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "gas,water")
    await house.set_up()
    await dashboard.save(devices=({"stat_consumption": entity(house, WATER)},))
    await dashboard.add(house)
    assert [one["type"] for one in await dashboard.sources()] == ["grid", "grid", "gas"]


async def test_what_comes_from_elsewhere_is_left_to_its_owner(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    other = {"type": "grid", "stat_energy_from": ELSEWHERE, "cost_adjustment_day": 0.0}
    await dashboard.save(other)
    assert await dashboard.add(house) == [entity(house, GAS)]
    assert await dashboard.sources() == [other, consumed(house, "gas", GAS)]


async def test_a_second_port_is_added_to_the_first(make_house: MakeHouse, dashboard: Dashboard) -> None:
    first, second = await make_house("dsmr5", ""), await make_house("dsmr5", "")
    await first.set_up()
    await second.set_up()
    await dashboard.add(first)
    await dashboard.add(second)
    assert len(await dashboard.sources()) == 4


async def test_a_meter_without_tariffs_and_without_export(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up(
        quiet({"1-0:1.8.1": None, "1-0:1.8.2": None, "0-0:96.14.0": None, "1-0:1.8.0": "(003184.402*kWh)"})
    )
    await dashboard.add(house)
    power = ("electricity", "emeter_actual_delivery")
    assert await dashboard.sources() == [grid(house, TOTAL, None, power)]


@pytest.mark.parametrize(("counted", "connections"), [("(000000.000*kWh)", 2), ("(000000.007*kWh)", 3)])
async def test_a_third_tariff_only_where_it_has_counted(
    make_house: MakeHouse, dashboard: Dashboard, counted: str, connections: int
) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up(quiet({"1-0:1.8.3": counted, "1-0:2.8.3": "(000000.000*kWh)"}))
    await dashboard.add(house)
    assert len(await dashboard.sources()) == connections


async def test_belgian_gas(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("emucs", "gas")
    await house.set_up()
    await dashboard.add(house)
    assert (await dashboard.sources())[-1] == consumed(house, "gas", ("mbus_1", "gmeter_last_value"))


async def test_heat_has_no_place_on_it(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "heating")
    await house.set_up()
    await dashboard.add(house)
    assert {one["type"] for one in await dashboard.sources()} == {"grid"}


async def test_water_without_a_volume_is_no_source(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house()
    await house.set_up(
        quiet({"0-1:24.1.0": "(007)", "0-1:96.1.0": "(5730)", "0-1:24.2.1": "(260218170000W)(00012.5*GJ)"})
    )
    assert "mbus_1" in house.coordinator.port.meters
    await dashboard.add(house)
    assert {one["type"] for one in await dashboard.sources()} == {"grid"}


async def test_what_is_disabled_is_left_out(make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up()
    for channel in (LOW, NORMAL_BACK, POWER):
        er.async_get(house.hass).async_update_entity(entity(house, channel), disabled_by=er.RegistryEntryDisabler.USER)
    await house.hass.async_block_till_done()
    await dashboard.add(house)
    assert await dashboard.sources() == [grid(house, NORMAL, None)]


# The action's errors.


async def test_only_administrators_may_add(
    make_house: MakeHouse, dashboard: Dashboard, hass_read_only_user: MockUser
) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up()
    with pytest.raises(Unauthorized):
        await dashboard.add(house, Context(user_id=hass_read_only_user.id))
    assert await dashboard.sources() == []


async def test_home_assistant_without_a_dashboard(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up()
    with pytest.raises(HomeAssistantError) as caught:
        await Dashboard(hass, None).add(house)
    assert caught.value.translation_key == "no_energy_dashboard"


async def test_a_port_that_is_silent(hass: HomeAssistant, make_house: MakeHouse, dashboard: Dashboard) -> None:
    house = await make_house("dsmr5", "")
    await house.set_up()
    await wait_in_vain(hass, 125)
    with pytest.raises(HomeAssistantError) as caught:
        await dashboard.add(house)
    assert caught.value.translation_key == "silent"


@pytest.fixture
def _refusing(hass_storage: dict[str, Any]) -> None:
    """Let the dashboard have something that Home Assistant would not take today."""
    broken = {"type": "gas", "stat_energy_from": 5}
    data = {"energy_sources": [broken], "device_consumption": [], "device_consumption_water": []}
    hass_storage["energy"] = {"version": 1, "minor_version": 3, "key": "energy", "data": data}


@pytest.mark.usefixtures("_refusing")
async def test_home_assistant_does_not_take_it(
    make_house: MakeHouse, dashboard: Dashboard, caplog: pytest.LogCaptureFixture
) -> None:
    house = await with_wish(make_house, "dsmr5", "")
    before = await dashboard.preferences()
    await house.send()
    await eventually(lambda: "was not added to the energy dashboard" in caplog.text)
    with pytest.raises(HomeAssistantError) as caught:
        await dashboard.add(house)
    assert caught.value.translation_key == "energy_dashboard_refused"
    assert await dashboard.preferences() == before
