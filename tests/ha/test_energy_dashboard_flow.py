"""The dialog's last page: what it says that it would add to the energy dashboard, and that it is done."""

from collections.abc import Iterator
from itertools import combinations
import json
from pathlib import Path
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.dsmr_p1.const import CONF_ENERGY_DASHBOARD
from simulator import PtyPort
from tests.ha.flow_driver import answer, begin, enter, fields, finish, make_meter, sending, start, told
from tests.ha.house import eventually
from tests.ha.test_energy_dashboard import ELSEWHERE, Dashboard

SENTENCES = json.loads(
    (Path(__file__).parents[2] / "custom_components/dsmr_p1/translations/en.json").read_text(encoding="utf-8")
)["selector"]["energy_dashboard"]["options"]


@pytest.fixture
async def dashboard(recorder_mock: Recorder, hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> Dashboard:
    assert await async_setup_component(hass, "energy", {})
    return Dashboard(hass, await hass_ws_client(hass))


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(link=tmp_path / "ttyP1") as pty:
        yield pty


async def is_done(entry: ConfigEntry[Any]) -> None:
    await eventually(lambda: entry.runtime_data.port.record.is_on_dashboard)


async def test_one_click_fills_the_dashboard(hass: HomeAssistant, port: PtyPort, dashboard: Dashboard) -> None:
    async with sending(make_meter(port, mbus="gas,water")):
        result = await start(hass, {CONF_PORT: port.path})
        assert fields(result)[CONF_ENERGY_DASHBOARD]["default"] is False
        assert told(result)["energy_dashboard"] == SENTENCES["gas_grid_water"]
        result = await answer(hass, result, {CONF_ENERGY_DASHBOARD: True})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await is_done(result["result"])
    assert [one["type"] for one in await dashboard.sources()] == ["grid", "grid", "gas", "water"]


async def test_who_does_not_click_keeps_the_dashboard(hass: HomeAssistant, port: PtyPort, dashboard: Dashboard) -> None:
    async with sending(make_meter(port)):
        result = await finish(hass, await start(hass, {CONF_PORT: port.path}))
        entry = result["result"]
        assert CONF_ENERGY_DASHBOARD not in entry.data
        telegrams = entry.runtime_data.port.reader.heard.telegrams
        await eventually(lambda: entry.runtime_data.port.reader.heard.telegrams > telegrams + 2)
        # What is set up is changed in another dialog, which does not ask.
        result = await enter(hass, await begin(hass, entry), {CONF_PORT: port.path})
        assert CONF_ENERGY_DASHBOARD not in fields(result)
        await finish(hass, result)
    assert await dashboard.sources() == []


async def test_what_comes_from_elsewhere_is_not_offered(
    hass: HomeAssistant, port: PtyPort, dashboard: Dashboard
) -> None:
    await dashboard.save({"type": "grid", "stat_energy_from": ELSEWHERE, "cost_adjustment_day": 0.0})
    async with sending(make_meter(port, mbus="gas")):
        result = await start(hass, {CONF_PORT: port.path})
        assert told(result)["energy_dashboard"] == SENTENCES["gas"]


async def test_where_nothing_can_be_added_nothing_is_offered(
    hass: HomeAssistant, port: PtyPort, dashboard: Dashboard
) -> None:
    await dashboard.save({"type": "grid", "stat_energy_from": ELSEWHERE, "cost_adjustment_day": 0.0})
    async with sending(make_meter(port, mbus="")):
        result = await start(hass, {CONF_PORT: port.path})
        assert CONF_ENERGY_DASHBOARD not in fields(result)


async def test_without_a_dashboard_nothing_is_offered(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        result = await start(hass, {CONF_PORT: port.path})
        assert CONF_ENERGY_DASHBOARD not in fields(result)


async def test_a_wish_that_waits_outlasts_another_port(hass: HomeAssistant, port: PtyPort) -> None:
    async with sending(make_meter(port)):
        entry = (await finish(hass, await start(hass, {CONF_PORT: port.path})))["result"]
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_ENERGY_DASHBOARD: True})
        await finish(hass, await enter(hass, await begin(hass, entry), {CONF_PORT: port.path}))
        assert entry.data[CONF_ENERGY_DASHBOARD] is True


def test_there_is_a_sentence_for_every_house() -> None:
    kinds = ("gas", "grid", "water")
    assert set(SENTENCES) == {"_".join(some) for number in (1, 2, 3) for some in combinations(kinds, number)}
