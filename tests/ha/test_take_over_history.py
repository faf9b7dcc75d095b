"""What is built on entities of Home Assistant's own `dsmr` goes on: statistics, costs, helpers and automations."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import get_metadata, validate_statistics
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.recorder import get_instance
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    statistics_during_period,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import DOMAIN
from custom_components.dsmr_p1.sums.costs import number_of
from simulator import PtyPort
from tests.ha.house import eventually
from tests.ha.replacing import EVERY_TELEGRAM, NOW, Calendar
from tests.ha.test_take_over import COUNTRIES, Core, core_on_a_meter, take_over

PRICE = 0.25


pytestmark = pytest.mark.usefixtures("without_waiting")


class Owner:
    """Somebody who has built something on the entities of `dsmr`."""

    def __init__(self, hass: HomeAssistant, core: Core, calendar: Calendar) -> None:
        self.hass, self.core, self._calendar = hass, core, calendar
        self._start = NOW.replace(second=0)
        self.energy = core.key("electricity_used_tariff_2").entity_id
        self.power = core.key("current_electricity_usage").entity_id
        self.tariff = core.key("electricity_active_tariff").entity_id
        self.gas = core.key(core.serial("gas")).entity_id
        self.switched: list[Event[Any]] = []
        self.noticed: list[Event[Any]] = []
        self._helpers: list[str] = []
        self._begin = 0.0
        self._counted = self._reading()

    def _reading(self) -> float | None:
        """Return the register; None while it is unavailable or unknown."""
        return number_of(self.hass.states.get(self.energy))

    async def build(self) -> None:
        hass = self.hass
        manager = await async_get_manager(hass)
        grid: Any = {
            "type": "grid",
            "stat_energy_from": self.energy,
            "stat_energy_to": None,
            "stat_cost": None,
            "stat_compensation": None,
            "entity_energy_price": None,
            "number_energy_price": PRICE,
            "entity_energy_price_export": None,
            "number_energy_price_export": None,
            "cost_adjustment_day": 0.0,
        }
        await manager.async_update({"energy_sources": [grid], "device_consumption": []})
        options = {"source": self.energy, "name": "Daily", "cycle": "daily", "offset": 0, "tariffs": []}
        options |= {"net_consumption": False, "delta_values": False, "periodically_resetting": False}
        mean = {
            "entity_id": self.power,
            "name": "Mean",
            "state_characteristic": "mean",
            "sampling_size": 20.0,
            "precision": 2.0,
        }
        for domain, chosen, version in (
            ("utility_meter", options, 2),
            ("statistics", mean | {"keep_last_sample": False, "percentile": 50.0}, 1),
        ):
            helper = MockConfigEntry(domain=domain, title=str(chosen["name"]), options=chosen, version=version)
            helper.add_to_hass(hass)
            assert await hass.config_entries.async_setup(helper.entry_id)
            await hass.async_block_till_done()
            [entity] = er.async_entries_for_config_entry(er.async_get(hass), helper.entry_id)
            self._helpers.append(entity.entity_id)
        device = {"platform": "device", "domain": "sensor", "type": "power", "above": 0.001}
        power = er.async_get(hass).async_get(self.power)
        assert power is not None
        device |= {"device_id": power.device_id, "entity_id": power.id}
        words = {"platform": "state", "entity_id": self.tariff, "to": ["low", "normal"]}
        automations = [
            {"alias": alias, "trigger": trigger, "action": {"event": alias}}
            for alias, trigger in (("tariff", words), ("device", device))
        ]
        assert await async_setup_component(hass, "automation", {"automation": automations})
        hass.bus.async_listen("tariff", self.switched.append)
        hass.bus.async_listen("device", self.noticed.append)
        await hass.async_block_till_done()

    def _not_metered(self) -> float:
        """Return what the register had when the utility meter began."""
        register, meter = (self.hass.states.get(one) for one in (self.energy, self._helpers[0]))
        assert register is not None
        assert meter is not None
        return float(register.state) - float(meter.state)

    async def live_on(self) -> None:
        """Use something for five minutes, and let the recorder sum it up."""
        hass, household = self.hass, self.core.meter.builder.household
        # Right after a start the state is unavailable, and then what it was before.
        self._counted = self._reading() or self._counted
        household.advance(300)
        await eventually(lambda: self._reading() not in (None, self._counted))
        await async_wait_recording_done(hass)
        self._calendar.move_to(self._start + timedelta(minutes=5, seconds=10))
        do_adhoc_statistics(hass, start=self._start)
        await async_wait_recording_done(hass)
        self._start += timedelta(minutes=5)

    def rows(self, entity_id: str) -> list[Any]:
        found = statistics_during_period(
            self.hass, NOW - timedelta(hours=2), period="5minute", statistic_ids={entity_id}, types={"state", "sum"}
        )
        return list(found.get(entity_id, []))

    def check(self, count: int) -> None:
        """Find all that was built where it was, and in the books what the registers have counted."""
        hass = self.hass
        for entity_id in (*self._helpers, f"{self.energy}_cost", "automation.tariff", "automation.device"):
            state = hass.states.get(entity_id)
            assert state is not None, entity_id
            assert state.state not in ("unavailable", "unknown"), entity_id
        assert hass.states.get(f"{self.energy}_cost_2") is None
        self._begin = self._begin or self._not_metered()
        assert self._not_metered() == pytest.approx(self._begin, abs=1e-6)
        rows = self.rows(self.energy)
        assert len(rows) == count
        for before, after in pairwise(rows):
            assert after["sum"] - before["sum"] == pytest.approx(after["state"] - before["state"], abs=1e-6)
            assert after["sum"] > before["sum"]
        costs = self.rows(f"{self.energy}_cost")
        assert costs
        for before, after in pairwise(costs):
            assert after["sum"] >= before["sum"]


async def test_what_was_built_goes_on_there_and_back(
    recorder_mock: Recorder, hass: HomeAssistant, tmp_path: Path, calendar: Calendar
) -> None:
    for component in ("repairs", "energy"):
        assert await async_setup_component(hass, component, {})
    with PtyPort(link=tmp_path / "ttyP1") as port:
        async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
            owner = Owner(hass, core, calendar)
            await owner.build()
            await owner.live_on()
            await owner.live_on()
            owner.check(2)
            cost = er.async_get(hass).async_get(f"{owner.energy}_cost")
            entry = await take_over(hass, core)
            hass.config_entries.async_update_entry(entry, options=EVERY_TELEGRAM)
            noticed = len(owner.noticed)
            await hass.config_entries.async_reload(entry.entry_id)
            await hass.async_block_till_done()
            await owner.live_on()
            await owner.live_on()
            owner.check(4)
            assert len(owner.noticed) > noticed
            switched = len(owner.switched)
            household = core.meter.builder.household
            shown = hass.states.get(owner.tariff)
            assert shown is not None
            household.advance(12 * 3600)
            await eventually(lambda: (now := hass.states.get(owner.tariff)) and now.state != shown.state)
            await hass.async_block_till_done()
            assert len(owner.switched) > switched
            household.advance(12 * 3600)
            noticed = len(owner.noticed)
            await hass.config_entries.async_remove(entry.entry_id)
            await hass.async_block_till_done()
            await core.reads()
            await owner.live_on()
            owner.check(5)
            assert len(owner.noticed) > noticed
            after = er.async_get(hass).async_get(f"{owner.energy}_cost")
            assert cost is not None
            assert after is not None
            assert (after.id, after.unique_id) == (cost.id, cost.unique_id)
            found = await get_instance(hass).async_add_executor_job(validate_statistics, hass)
            moved = {entity.entity_id for entity in core.entities()} | {f"{owner.energy}_cost"}
            assert not moved & found.keys()


@pytest.mark.parametrize("is_core_gone", [False, True], ids=["given back", "nothing to give back to"])
async def test_statistics_of_our_own_entities_are_offered_for_clearing(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    tmp_path: Path,
    calendar: Calendar,
    *,
    is_core_gone: bool,
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    recorder = get_instance(hass)

    async def with_statistics(statistic_ids: set[str]) -> set[str]:
        await async_wait_recording_done(hass)
        found = await recorder.async_add_executor_job(lambda: get_metadata(hass, statistic_ids=statistic_ids))
        return set(found)

    with PtyPort(link=tmp_path / "ttyP1") as port:
        async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
            before = {row.entity_id for row in core.entities()}
            entry = await take_over(hass, core)
            rows = {row.entity_id for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)}
            moved, ours = rows & before, rows - before
            await async_wait_recording_done(hass)
            calendar.move_to(NOW + timedelta(minutes=5))
            do_adhoc_statistics(hass, start=NOW.replace(second=0))
            summed, extra = await with_statistics(moved), await with_statistics(ours)
            assert len(summed) > 5
            assert len(extra) > 1
            if is_core_gone:
                await hass.config_entries.async_remove(core.entry.entry_id)
            await hass.config_entries.async_remove(entry.entry_id)
            await hass.async_block_till_done()
            issue_id = f"{entry.entry_id}_statistics_left"
            issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
            assert issue is not None
            shown = issue.translation_placeholders or {}
            assert set(shown["statistics"].replace("- ", "").replace("`", "").split()) == extra
            # One of the ids is somebody else's by now.
            kept = min(extra)
            hass.states.async_set(kept, "1")
            client = await hass_client()
            asked = {"handler": DOMAIN, "issue_id": issue_id}
            step = await (await client.post("/api/repairs/issues/fix", json=asked)).json()
            assert step["step_id"] == "confirm"
            assert step["description_placeholders"]["statistics"] == shown["statistics"]
            assert await with_statistics(extra) == extra
            step = await (await client.post(f"/api/repairs/issues/fix/{step['flow_id']}", json={})).json()
            assert step["type"] == "create_entry"
            assert await with_statistics(extra) == {kept}
            assert await with_statistics(summed) == summed
            assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None
