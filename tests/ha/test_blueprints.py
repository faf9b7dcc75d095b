"""Blueprints: Home Assistant imports each, and an automation of it does what it says."""

import asyncio
from collections.abc import Callable
from pathlib import Path
import shutil
from typing import Any
from urllib.parse import quote

from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.ha.house import House, MakeHouse
from tests.ha.test_events import MESSAGE, NEW_FAILURE, OLD_FAILURE, POWER_FAILURE, TARIFF, VOLTAGE, quiet

ROOT = Path(__file__).parents[2]
BLUEPRINTS = sorted((ROOT / "blueprints/automation/dsmr_p1").glob("*.yaml"))
PAGE = (ROOT / "docs/automations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_home_assistant_imports_it(path: Path) -> None:
    data = yaml_util.load_yaml_dict(path)
    blueprint = Blueprint(data, path=path.name, expected_domain="automation", schema=AUTOMATION_BLUEPRINT_SCHEMA)
    assert blueprint.validate() is None
    source = blueprint.metadata["source_url"]
    assert source.endswith(f"/blob/main/{path.relative_to(ROOT)}")
    assert f"blueprint_url={quote(source, safe='')}" in PAGE
    assert f"(../{path.relative_to(ROOT)})" in PAGE


def test_all_are_there() -> None:
    assert {path.stem for path in BLUEPRINTS} == {
        "connectivity",
        "headroom",
        "message",
        "peak",
        "power_failure",
        "tariff_change",
        "voltage",
    }


@pytest.fixture
def notes(hass: HomeAssistant) -> list[str]:
    """Collect the notifications that a household gets."""
    texts: list[str] = []

    @callback
    def take(call: ServiceCall) -> None:
        texts.append(call.data["message"])

    hass.services.async_register("notify", "persistent_notification", take)
    return texts


@pytest.fixture
async def house(make_house: MakeHouse) -> House:
    house = await make_house()
    await house.set_up(quiet({"0-0:96.13.1": "()"}))
    await house.send(quiet({"0-0:96.13.1": "()"}))
    return house


async def automate(hass: HomeAssistant, folder: Path, name: str, inputs: dict[str, Any]) -> None:
    """Make an automation of a blueprint, as a household does after it was imported."""
    hass.config.config_dir = str(folder)
    shutil.copytree(ROOT / "blueprints", folder / "blueprints")
    blueprint = {"path": f"dsmr_p1/{name}.yaml", "input": inputs}
    assert await async_setup_component(hass, "automation", {"automation": {"use_blueprint": blueprint}})
    await hass.async_block_till_done()
    assert len(hass.states.async_entity_ids("automation")) == 1


@pytest.mark.parametrize(
    ("name", "event", "inputs", "changes", "texts"),
    [
        ("message", MESSAGE, {}, {"0-0:96.13.0": "(48616C6C6F)"}, ["Hallo"]),
        (
            "power_failure",
            POWER_FAILURE,
            {},
            {
                "0-0:96.7.21": "(00009)",
                "0-0:96.7.9": "(00002)",
                "1-0:99.97.0": f"(2)(0-0:96.7.19){NEW_FAILURE}{OLD_FAILURE}",
            },
            [
                "There was no power from 2026-02-18 16:55 to 2026-02-18 17:10.",
                "Power failures counted by the meter: 1.",
            ],
        ),
        (
            "power_failure",
            POWER_FAILURE,
            {"event_types": ["long_power_failure"]},
            {"0-0:96.7.21": "(00010)", "0-0:96.7.9": "(00002)"},
            ["Long power failures counted by the meter: 1."],
        ),
        (
            "voltage",
            VOLTAGE,
            {},
            {"1-0:32.32.0": "(00004)", "1-0:32.36.0": "(00001)"},
            ["Voltage sag on L1, 1 time(s).", "Voltage swell on L1, 1 time(s)."],
        ),
        ("tariff_change", TARIFF, {}, {"0-0:96.14.0": "(0001)"}, ["Tariff 1 (low) is in force now."]),
        ("tariff_change", TARIFF, {"tariffs": ["low"]}, {"0-0:96.14.0": "(0001)"}, ["Tariff 1 (low) is in force now."]),
        ("tariff_change", TARIFF, {"tariffs": ["3"]}, {"0-0:96.14.0": "(0003)"}, ["Tariff 3 is in force now."]),
        ("tariff_change", TARIFF, {"tariffs": ["normal", "3"]}, {"0-0:96.14.0": "(0001)"}, []),
    ],
)
async def test_an_automation_of_it(
    hass: HomeAssistant,
    house: House,
    tmp_path: Path,
    notes: list[str],
    name: str,
    event: tuple[str, str],
    inputs: dict[str, Any],
    changes: dict[str, str | None],
    texts: list[str],
) -> None:
    await automate(hass, tmp_path, name, {"meter_event": house.event(*event).entity_id, **inputs})
    await house.send(quiet())
    assert notes == []
    await house.send(quiet(changes))
    assert notes == texts


async def test_how_deep_a_sag_was_is_told(
    hass: HomeAssistant, make_house: MakeHouse, tmp_path: Path, notes: list[str]
) -> None:
    house = await make_house()
    objects = {"1-0:32.33.0": "(00012*s)", "1-0:32.34.0": "(171.3*V)"}
    await house.set_up(quiet(objects))
    await house.send(quiet(objects))
    await automate(hass, tmp_path, "voltage", {"meter_event": house.event(*VOLTAGE).entity_id, "event_types": ["sag"]})
    await house.send(quiet({**objects, "1-0:32.32.0": "(00004)", "1-0:32.36.0": "(00001)"}))
    assert notes == ["Voltage sag on L1, 1 time(s), 171.3 V, 12.0 s."]


async def test_a_silent_meter_and_one_that_is_heard_again(
    hass: HomeAssistant, tmp_path: Path, notes: list[str], freezer: Any
) -> None:
    entity = "binary_sensor.p1_port_connectivity"
    await automate(hass, tmp_path, "connectivity", {"connectivity": entity, "minutes": 10})

    async def be(state: str, seconds: int) -> None:
        hass.states.async_set(entity, state)
        await hass.async_block_till_done()
        freezer.tick(seconds)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    await be("on", 60)
    await be("off", 300)
    await be("on", 60)
    assert notes == []
    await be("off", 601)
    assert notes == ["The smart meter has been silent for 10 minutes. Look at the cable."]
    await be("on", 60)
    assert notes[1:] == ["The smart meter is heard again."]


async def test_a_charger_gets_what_the_main_fuse_leaves(
    hass: HomeAssistant, tmp_path: Path, notes: list[str], freezer: Any
) -> None:
    charger, headroom = "number.charger", "sensor.electricity_meter_smallest_headroom"
    paused: list[float] = []
    hass.services.async_register("notify", "pause", lambda call: paused.append(call.data["left"]))

    @callback
    def set_value(call: ServiceCall) -> None:
        assert call.data["entity_id"] == [charger]
        hass.states.async_set(charger, str(float(call.data["value"])))

    hass.services.async_register("number", "set_value", set_value)
    hass.states.async_set(charger, "16.0")
    hass.states.async_set(headroom, "0.5")
    inputs = {"headroom": headroom, "charger": charger, "most": 16, "margin": 1, "settle": 15, "rise": 60}
    too_little = [{"action": "notify.pause", "data": {"left": "{{ left }}"}}]
    await automate(hass, tmp_path, "headroom", {**inputs, "too_little": too_little})

    async def let_run(is_done: Callable[[], bool] = lambda: False) -> None:
        # What is still running is the pause, and it does not end before time passes.
        for _ in range(1000):
            if is_done():
                return
            await asyncio.sleep(0)

    def current() -> float:
        state = hass.states.get(charger)
        assert state is not None
        return float(state.state)

    async def leave(amperes: str, after: int) -> None:
        # The pause must have begun before time passes.
        await let_run()
        freezer.tick(after)
        async_fire_time_changed(hass)
        await let_run()
        hass.states.async_set(headroom, amperes)

    async def expect(wanted: float) -> None:
        await let_run(lambda: current() == wanted)
        assert current() == wanted

    async def expect_no_change() -> None:
        before = current()
        await let_run()
        assert current() == before

    # The oven is on: at once 16 - 3.4 - 1, and not again before the charger has followed.
    await leave("-3.4", 1)
    await expect(11)
    await leave("-3.3", 5)
    await expect_no_change()
    await leave("1.6", 11)
    await expect_no_change()
    # The oven is off: more, but not yet.
    await leave("4.6", 20)
    await expect_no_change()
    await leave("4.7", 30)
    await expect(14)
    # Never more than the charger may, and never less than a car needs.
    await leave("20.0", 61)
    await expect(16)
    assert not paused
    await leave("-14.0", 16)
    await expect(6)
    await let_run(lambda: bool(paused))
    await leave("-2.0", 16)
    await let_run(lambda: len(paused) > 1)
    assert paused == [-14.0, -2.0]
    await leave("30.0", 61)
    await expect(16)
    # A silent meter leaves the least.
    await leave("unavailable", 16)
    await expect(6)
