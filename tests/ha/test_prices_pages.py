"""The pages about prices: Home Assistant takes what is to be pasted, and it does what the page says."""

from datetime import datetime, timedelta
from pathlib import Path
import re
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.dsmr_p1.const import CONF_REFRESH
from tests.ha.house import MakeHouse
from tests.p1.captures import telegram

DOCS = Path(__file__).parents[2] / "docs"
# What waits for a time of day goes on waiting.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])
YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
NET, PRICE, MARKET = (
    "sensor.electricity_meter_net_power",
    "sensor.electricity_price",
    "sensor.nord_pool_nl_current_price",
)


@pytest.fixture
def switched(hass: HomeAssistant) -> list[str]:
    """Collect what is switched."""
    calls: list[str] = []

    @callback
    def take(call: ServiceCall) -> None:
        calls.append(call.service)

    for service in ("turn_on", "turn_off"):
        hass.services.async_register("switch", service, take)
    return calls


async def paste(hass: HomeAssistant, page: str) -> None:
    """Set up all that a page has to paste."""
    automations = []
    for text in YAML.findall((DOCS / f"{page}.md").read_text(encoding="utf-8")):
        content: Any = parse_yaml(text)
        if "alias" in content:
            automations.append(content)
        else:
            for domain in content:
                assert await async_setup_component(hass, domain, content)
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    assert [state.state for state in hass.states.async_all("automation")] == ["on"] * len(automations)


class Day:
    """The time, which only passes when a test says so."""

    def __init__(self, hass: HomeAssistant, freezer: Any, zone: str) -> None:
        self._hass, self._freezer, self._zone = hass, freezer, ZoneInfo(zone)

    async def be(self, when: str) -> None:
        self._freezer.move_to(datetime.fromisoformat(when).replace(tzinfo=self._zone))
        async_fire_time_changed(self._hass)
        await self._hass.async_block_till_done()


def price(hass: HomeAssistant) -> float:
    state = hass.states.get(PRICE)
    assert state is not None
    return float(state.state)


def flow(watts: int) -> bytes:
    """Give a telegram with power from the grid, or to it."""
    imported, exported = max(watts, 0) / 1000, max(-watts, 0) / 1000
    return telegram(
        "1-3:0.2.8(50)",
        "0-0:1.0.0(270501120000S)",
        f"1-0:1.7.0({imported:06.3f}*kW)",
        f"1-0:2.7.0({exported:06.3f}*kW)",
    )


async def test_surplus(hass: HomeAssistant, make_house: MakeHouse, switched: list[str]) -> None:
    async def wait(seconds: int) -> None:
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
        await hass.async_block_till_done()

    house = await make_house()
    # As the page says: with every telegram.
    house.configure(options={CONF_REFRESH: {"electricity": 0}})
    await house.set_up(flow(100))
    assert house.entity_id("electricity", "power_net") == NET
    await paste(hass, "net-metering")
    # A boiler of 2 kW would take from the grid.
    await house.send(flow(-1500))
    await wait(61)
    assert switched == []
    await house.send(flow(-2500))
    await wait(50)
    assert switched == []
    await wait(61)
    assert switched == ["turn_on"]
    # The boiler itself is no shortage.
    await house.send(flow(-500))
    await house.send(flow(100))
    await wait(31)
    assert switched == ["turn_on"]
    await house.send(flow(500))
    await wait(31)
    assert switched == ["turn_on", "turn_off"]


async def test_cheap_quarters(hass: HomeAssistant, freezer: Any, switched: list[str]) -> None:
    day = Day(hass, freezer, "Europe/Amsterdam")
    await day.be("2026-12-01T12:01:00")
    hass.states.async_set(MARKET, "0.02")
    await paste(hass, "dynamic-prices")
    assert price(hass) == pytest.approx(0.1815)
    await day.be("2026-12-01T12:15:05")
    assert switched == ["turn_on"]
    hass.states.async_set(MARKET, "0.1")
    await hass.async_block_till_done()
    await day.be("2026-12-01T12:30:05")
    assert switched == ["turn_on", "turn_off"]
    hass.states.async_set(MARKET, "unavailable")
    await hass.async_block_till_done()
    await day.be("2026-12-01T12:45:05")
    assert switched == ["turn_on", "turn_off", "turn_off"]


@pytest.mark.parametrize(
    ("month", "prices", "calls", "noon"),
    [(7, [0.25, 0.23, 0.25], ["on", "off"], "summer_noon"), (1, [0.25] * 3, [], "other")],
)
async def test_summer_at_noon(
    hass: HomeAssistant, freezer: Any, switched: list[str], month: int, prices: list[float], calls: list[str], noon: str
) -> None:
    await hass.config.async_set_time_zone("Europe/Vienna")
    day = Day(hass, freezer, "Europe/Vienna")
    await day.be(f"2027-{month:02}-05T09:59:00")
    await paste(hass, "summer-price")
    seen, tariffs = [], []
    for time in ("09:59:01", "10:00:01", "16:00:01"):
        await day.be(f"2027-{month:02}-05T{time}")
        seen.append(price(hass))
        tariff = hass.states.get("select.grid_import")
        assert tariff is not None
        tariffs.append(tariff.state)
    assert seen == prices
    assert tariffs[1:] == [noon, "other"]
    assert switched == [f"turn_{call}" for call in calls]
