"""The coach: bytes in at a pty, and out as states. One Wh in a quarter of an hour is a mean of 4 W."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_RECEIVED_TIMEOUT,
    DOMAIN,
)
from simulator import EXAMPLE_DECRYPTION_KEY
from tests.ha.flow_driver import Step, answer, begin_options, check_texts, over_rest, suggested
from tests.ha.house import House, MakeHouse
from tests.ha.pace import Clock, wait_in_vain
from tests.ha.test_blueprints import automate, notes
from tests.p1.captures import telegram

__all__ = ["notes"]

CAPACITY = {"coach_tariff": "capacity", "coach_least": 2.5, "coach_price": 60}
REFERENCE = {"coach_tariff": "reference", "coach_reference": "3", "coach_price": 0.12}
NOON = datetime(2025, 11, 2, 12, tzinfo=UTC)
"""In Flanders and Luxembourg it is one o'clock."""
BELGIAN = "FLU5\\253700601_A"


def sent(passed: int, register: int, watts: int, identification: str = BELGIAN, **objects: str) -> bytes:
    """Give a telegram some seconds after noon: the import in Wh and in W."""
    local = NOON + timedelta(seconds=passed, hours=1)
    return telegram(
        f"0-0:1.0.0({local:%y%m%d%H%M%S}W)",
        "0-0:96.1.1(3153414731313030303030303030363031)",
        f"1-0:1.8.1({register / 1000:010.3f}*kWh)",
        "1-0:1.8.2(000500.000*kWh)",
        "1-0:2.8.1(000000.000*kWh)",
        "1-0:2.8.2(000000.000*kWh)",
        "0-0:96.14.0(0001)",
        f"1-0:1.7.0({watts / 1000:06.3f}*kW)",
        "1-0:2.7.0(00.000*kW)",
        *(f"{_REFERENCES[name]}{value}" for name, value in objects.items()),
        identification=identification,
    )


_REFERENCES = {"demand": "1-0:1.4.0", "peak": "1-0:1.6.0", "peaks": "0-0:98.1.0"}
PEAKS = (
    "(3)(1-0:1.6.0)(1-0:1.6.0)(250901000000S)(250817180000S)(01.900*kW)"
    "(251001000000S)(250917181500S)(03.500*kW)(251101000000W)(251025024500W)(05.100*kW)"
)


async def coached(make_house: MakeHouse, coach: Mapping[str, Any], first: bytes, **model: Any) -> House:
    house = await make_house(**model)
    house.configure(options={"coach": dict(coach)})
    await house.set_up(first)
    return house


def states(house: House) -> dict[str, str]:
    """Give the states of the coach by key."""
    prefix = f"{house.entry.entry_id}_electricity_coach_"
    found = {}
    for entity in er.async_entries_for_config_entry(er.async_get(house.hass), house.entry.entry_id):
        if entity.unique_id.startswith(prefix) and (state := house.hass.states.get(entity.entity_id)) is not None:
            found[entity.unique_id.removeprefix(prefix)] = state.state
    return found


def number(house: House, key: str) -> float:
    return float(states(house)[key])


def listeners_of(house: House) -> list[Any]:
    """Give what is called with every telegram."""
    listeners: list[Any] = house.coordinator.port.captures.__dict__["_listeners"]
    return listeners


async def test_a_flemish_quarter_from_the_registers(make_house: MakeHouse) -> None:
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 3600))
    # 3.6 kW are 1 Wh a second.
    for passed in range(10, 300, 10):
        await house.send(sent(passed, 1_000_000 + passed, 3600))
    await house.send(sent(300, 1_000_300, 3600))
    assert number(house, "quarter_mean") == pytest.approx(3.6, abs=0.001)
    assert number(house, "quarter_forecast") == pytest.approx(3.6, abs=0.001)
    # 2.5 kW are 625 Wh; the 325 Wh that are left make 1.95 kW for ten minutes.
    assert number(house, "available_power") == pytest.approx(1.95, abs=0.001)
    assert states(house)["peak_at_risk"] == "on"
    assert states(house)["month_peak"] == states(house)["month_peak_time"] == "unknown"
    assert number(house, "average_peak") == 2.5
    assert number(house, "month_cost") == 12.5
    # Nothing more is used: 300 Wh in a quarter are 1.2 kW. Too soon after the last telegram, it is not yet shown.
    await house.send(sent(301, 1_000_300, 0))
    assert states(house)["peak_at_risk"] == "on"
    await house.send(sent(310, 1_000_301, 0))
    assert states(house)["peak_at_risk"] == "off"
    assert number(house, "quarter_forecast") == pytest.approx(1.2, abs=0.005)
    # Then 3 kW in all.
    await house.send(sent(895, 1_000_750, 0))
    await house.send(sent(900, 1_000_750, 0))
    assert number(house, "month_peak") == pytest.approx(3, abs=0.001)
    assert states(house)["month_peak_time"] == "2025-11-02T12:15:00+00:00"
    assert number(house, "average_peak") == pytest.approx(3, abs=0.001)
    assert number(house, "month_cost") == 15
    assert number(house, "available_power") == pytest.approx(3, abs=0.001)
    assert "month_excess" not in states(house)


async def test_where_in_its_wh_a_register_is_costs_two_watts_at_most(make_house: MakeHouse) -> None:
    # 2 kW from 0.95 Wh on, which no register of whole Wh shows: in the end it has risen by one more than it was used.
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 2000))
    for passed in range(10, 901, 10):
        await house.send(sent(passed, 1_000_000 + (3420 + passed * 2000) // 3600, 2000))
    assert number(house, "month_peak") == pytest.approx(2, abs=0.0025)


async def test_the_numbers_of_the_meter_itself_come_first(make_house: MakeHouse, clock: Clock) -> None:
    own = {"peak": "(251101190000W)(03.412*kW)", "peaks": PEAKS}
    # Five minutes of 3 kW are 250 Wh, of which the meter tells 1 kW of a whole quarter.
    house = await coached(make_house, CAPACITY, sent(300, 1_000_000, 3000, demand="(01.000*kW)", **own))
    assert number(house, "month_peak") == 3.412
    assert states(house)["month_peak_time"] == "2025-11-01T18:00:00+00:00"
    # (3.412 + 5.1 + 3.5 + 2.5) / 4: one month is below the least.
    assert number(house, "average_peak") == pytest.approx(3.628)
    assert number(house, "month_cost") == 18.14
    assert number(house, "quarter_mean") == 3
    assert number(house, "quarter_forecast") == 3
    # 3.412 kW are 853 Wh; 603 Wh in ten minutes.
    assert number(house, "available_power") == pytest.approx(3.618)
    # A quarter of 4 kW by the registers is no peak where the meter says so itself.
    await house.send(sent(895, 1_000_750, 5000, demand="(04.000*kW)", **own))
    await house.send(sent(900, 1_000_757, 5000, demand="(04.000*kW)", **own))
    assert number(house, "month_peak") == 3.412
    # A stale peak at the beginning of a month is that of the month before.
    month = 29 * 86_400
    clock.now += month
    await house.send(sent(month, 1_010_000, 500, **{**own, "peak": "(251130190000W)(04.000*kW)"}))
    assert states(house)["month_peak"] == "unknown"
    assert number(house, "average_peak") == pytest.approx((2.5 + 4 + 5.1 + 3.5 + 2.5) / 5, abs=0.001)
    await house.send(sent(month + 10, 1_010_001, 500, **{**own, "peak": "(251201000000W)(00.000*kW)"}))
    assert number(house, "average_peak") == pytest.approx((2.5 + 4 + 5.1 + 3.5 + 2.5) / 5, abs=0.001)
    # A peak without time is of this month.
    await house.send(sent(month + 20, 1_010_002, 500, **{**own, "peak": "(000101000000W)(02.700*kW)"}))
    assert number(house, "month_peak") == 2.7
    assert states(house)["month_peak_time"] == "unknown"


async def test_a_meter_without_anything_in_its_peak(make_house: MakeHouse) -> None:
    own = {"peak": "(632525252525S)(00.000*kW)", "peaks": "(0)"}
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 3600, **own))
    await house.send(sent(895, 1_000_895, 3600, **own))
    await house.send(sent(900, 1_000_900, 3600, **own))
    assert number(house, "month_peak") == pytest.approx(3.6, abs=0.001)
    assert number(house, "month_cost") == 18
    await house.send(sent(910, 1_000_910, 3600, **own))
    assert number(house, "month_peak") == pytest.approx(3.6, abs=0.001)
    # As soon as the meter knows one, it is believed.
    await house.send(sent(920, 1_000_920, 3600, **{**own, "peak": "(251102131500W)(03.604*kW)"}))
    assert number(house, "month_peak") == 3.604


async def test_a_luxembourg_house_over_its_reference_power(make_house: MakeHouse) -> None:
    house = await coached(make_house, REFERENCE, sent(0, 1_000_000, 0))
    # 4 kW are 250 Wh beyond 3 kW.
    await house.send(sent(895, 1_000_990, 4000))
    await house.send(sent(900, 1_001_000, 4000))
    assert number(house, "month_excess") == pytest.approx(0.25, abs=0.002)
    assert number(house, "month_cost") == 0.03
    assert number(house, "month_peak") == pytest.approx(4, abs=0.008)
    # Every quarter counts by itself.
    assert number(house, "available_power") == 3
    assert states(house)["peak_at_risk"] == "on"
    # It is over when the forecast is 5 % below, so that it does not flicker.
    await house.send(sent(910, 1_001_005, 2900))
    assert states(house)["peak_at_risk"] == "on"
    await house.send(sent(920, 1_001_012, 2800))
    assert states(house)["peak_at_risk"] == "off"
    await house.send(sent(930, 1_001_020, 2900))
    assert states(house)["peak_at_risk"] == "off"
    assert "average_peak" not in states(house)


async def test_an_encrypted_meter_is_coached(make_house: MakeHouse) -> None:
    house = await make_house("smarty_lu")
    house.configure(
        data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()},
        options={"coach": {"coach_tariff": "reference", "coach_reference": "12"}},
    )
    await house.set_up()
    before = house.builder.household.snapshot()
    house.pass_time(900 - int(before.time.timestamp()) % 900)
    await house.send()
    start = sum(house.builder.household.snapshot().imported)
    house.pass_time(900)
    await house.send()
    used = sum(house.builder.household.snapshot().imported) - start
    assert number(house, "month_peak") == pytest.approx(used * 4 / 1000, abs=0.001)
    assert "month_cost" not in states(house)


@pytest.mark.parametrize("seconds", [590, 900], ids=["in the quarter", "at its end"])
async def test_a_restart_within_a_quarter_loses_nothing(
    make_house: MakeHouse, hass_storage: dict[str, Any], seconds: int
) -> None:
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 3600))
    await house.send(sent(10, 1_000_010, 3600))
    await house.reload(sent(seconds, 1_000_000 + seconds, 3600))
    assert f"{DOMAIN}.{house.entry.entry_id}.coach" in hass_storage
    await house.send(sent(895, 1_000_895, 3600)) if seconds < 895 else None
    await house.send(sent(900, 1_000_900, 3600))
    assert number(house, "month_peak") == pytest.approx(3.6, abs=0.001)


async def test_what_was_before_an_outage_is_not_shown_after_it(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 3600))
    await house.send(sent(10, 1_000_010, 3600))
    entity_id = er.async_get(hass).async_get_entity_id(
        "binary_sensor", DOMAIN, house.unique_id("electricity", "coach_peak_at_risk")
    )
    assert entity_id is not None
    seen: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        assert event.data["new_state"] is not None
        seen.append(event.data["new_state"].state)

    async_track_state_change_event(hass, entity_id, note)
    await wait_in_vain(hass)
    assert seen == ["unavailable"]
    await house.send(sent(300, 1_000_050, 100))
    assert seen == ["unavailable", "off"]


async def test_a_lost_quarter_makes_no_peak(make_house: MakeHouse) -> None:
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 3600))
    await house.send(sent(10, 1_000_010, 3600))
    await house.send(sent(2000, 1_009_000, 3600))
    assert number(house, "month_peak") == pytest.approx(0.04, abs=0.005)
    assert states(house)["quarter_mean"] == states(house)["peak_at_risk"] == "unknown"


async def test_a_register_that_is_held_back_makes_no_peak(make_house: MakeHouse, clock: Clock) -> None:
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 3600))
    await house.send(sent(10, 1_000_010, 3600))
    # What the quarter comes to is unknown at once, and not what it was.
    await house.send(sent(15, 9_000_000, 3600))
    assert {states(house)[key] for key in ("peak_at_risk", "quarter_forecast", "available_power")} == {"unknown"}
    # After some time it is believed that the register stands elsewhere. What it rose is no use of any quarter.
    passed = 20
    while float(house.value("electricity", "energy_import_total")) < 9000:
        assert passed < 20 * 900
        assert states(house)["month_peak"] == "unknown"
        clock.now += 300
        await house.send(sent(passed, 9_000_000, 3600))
        passed += 300
    end = passed - passed % 900 + 900
    await house.send(sent(end, 9_000_001, 3600))
    assert number(house, "month_peak") < 3.7
    # Where the telegram has no register at all, nothing is counted.
    await house.send(telegram("0-0:1.0.0(251102131510W)", "1-0:1.7.0(03.600*kW)", identification=BELGIAN))
    await house.send(sent(end + 20, 9_000_030, 3600))
    assert states(house)["quarter_mean"] == "unknown"


async def test_nothing_of_it_is_there_until_it_is_wanted(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await make_house()
    await house.set_up(sent(0, 1_000_000, 3600))
    assert states(house) == {}
    assert f"{DOMAIN}.{house.entry.entry_id}.coach" not in hass_storage
    listeners = len(listeners_of(house))
    hass.config_entries.async_update_entry(house.entry, options={"coach": CAPACITY})
    await house.reload(sent(10, 1_000_010, 3600))
    assert len(states(house)) == 8
    assert len(listeners_of(house)) == listeners + 1
    # Another tariff has other entities, and has counted nothing until now.
    await house.send(sent(900, 1_004_000, 3600))
    hass.config_entries.async_update_entry(house.entry, options={"coach": REFERENCE})
    await house.reload(sent(910, 1_004_010, 3600))
    assert number(house, "month_excess") == 0
    assert set(states(house)) == {
        "quarter_mean", "quarter_forecast", "available_power", "month_peak", "month_peak_time", "month_excess",
        "month_cost", "peak_at_risk",
    }  # fmt: skip
    hass.config_entries.async_update_entry(house.entry, options={})
    await house.reload(sent(920, 1_004_020, 3600))
    assert states(house) == {}
    assert len(listeners_of(house)) == listeners
    # What was added up stays until the port goes.
    key = f"{DOMAIN}.{house.entry.entry_id}.coach"
    assert key in hass_storage
    assert await hass.config_entries.async_remove(house.entry.entry_id)
    await hass.async_block_till_done()
    assert key not in hass_storage


async def test_entities_stay_where_the_coach_cannot_be_started(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 3600))
    entities = er.async_get(hass)
    entity_id = house.entity_id("electricity", "coach_month_peak")
    assert entity_id is not None
    entities.async_update_entity(entity_id, name="Piek")
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    hass_storage[f"{DOMAIN}.{house.entry.entry_id}.coach"]["data"] = {"quarters": {}}
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    await hass.async_block_till_done()
    assert states(house)["month_peak"] == "unavailable"
    assert entities.entities[entity_id].name == "Piek"


async def choose(hass: HomeAssistant, entry: ConfigEntry, *inputs: dict[str, Any]) -> Step:
    """Open the options at the coach and answer one step after the other."""
    result = await begin_options(hass, entry)
    for user_input in ({"next_step_id": "coach"}, *inputs):
        result = await answer(hass, result, user_input)
        check_texts(result, "options")
    await hass.async_block_till_done()
    return result


async def test_the_options_switch_it_on_and_off(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse
) -> None:
    await over_rest(hass, hass_client)
    house = await make_house()
    house.configure(options={CONF_RECEIVED_TIMEOUT: 60})
    await house.set_up(sent(0, 1_000_000, 3600))
    # The meter is Belgian, whatever Home Assistant's country is.
    assert suggested(await choose(hass, house.entry)) == {"coach_tariff": "capacity"}
    result = await choose(hass, house.entry, {"coach_tariff": "capacity"}, {"coach_least": 2.5, "coach_price": 60})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert house.entry.options == {CONF_RECEIVED_TIMEOUT: 60, "coach": CAPACITY}
    await house.send(sent(10, 1_000_010, 3600))
    assert number(house, "month_cost") == 12.5
    # What was chosen is shown, for its own tariff only.
    assert suggested(await choose(hass, house.entry)) == {"coach_tariff": "capacity"}
    result = await choose(hass, house.entry, {"coach_tariff": "capacity"})
    assert suggested(result) == {"coach_least": 2.5, "coach_price": 60}
    result = await choose(hass, house.entry, {"coach_tariff": "reference"})
    assert suggested(result) == {"coach_reference": None, "coach_price": None}
    await choose(hass, house.entry, {"coach_tariff": "reference"}, {"coach_reference": "12"})
    assert house.entry.options["coach"] == {"coach_tariff": "reference", "coach_reference": "12"}
    await choose(hass, house.entry, {"coach_tariff": "off"})
    assert house.entry.options == {CONF_RECEIVED_TIMEOUT: 60}


@pytest.mark.parametrize(("country", "tariff"), [("LU", "reference"), ("BE", "capacity"), ("NL", "off"), ("US", "off")])
async def test_the_country_suggests_a_tariff(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse, country: str, tariff: str
) -> None:
    await over_rest(hass, hass_client)
    hass.config.country = country
    house = await make_house()
    await house.set_up(sent(0, 1_000_000, 3600, "TST5\\TEST"))
    await hass.config_entries.async_unload(house.entry.entry_id)
    assert suggested(await choose(hass, house.entry)) == {"coach_tariff": tariff}


async def test_a_port_without_an_electricity_meter_is_told_so(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse
) -> None:
    await over_rest(hass, hass_client)
    house = await make_house("warmtelink")
    await house.set_up()
    assert (await choose(hass, house.entry))["reason"] == "coach_no_electricity"
    # What was wanted of a meter that is gone can be switched off.
    hass.config_entries.async_update_entry(house.entry, options={"coach": CAPACITY})
    await house.reload(house.builder.telegram())
    await choose(hass, house.entry, {"coach_tariff": "off"})
    assert house.entry.options == {}


async def test_an_automation_of_the_blueprint(
    hass: HomeAssistant, make_house: MakeHouse, tmp_path: Path, notes: list[str]
) -> None:
    house = await coached(make_house, CAPACITY, sent(0, 1_000_000, 1000))
    entities = er.async_get(hass)

    def entity(domain: str, key: str) -> str:
        found = entities.async_get_entity_id(domain, DOMAIN, house.unique_id("electricity", f"coach_{key}"))
        assert found is not None
        return found

    await automate(
        hass, tmp_path, "peak",
        {"at_risk": entity("binary_sensor", "peak_at_risk"), "available": entity("sensor", "available_power"),
         "minutes": 0},
    )  # fmt: skip
    await house.send(sent(10, 1_000_010, 3600))
    assert notes == ["This quarter of an hour is going to cost more. Up to 2.5 kW may be drawn until it ends."]
    await house.send(sent(20, 1_000_020, 500))
    assert len(notes) == 1


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_the_automation_of_the_page(hass: HomeAssistant, make_house: MakeHouse) -> None:
    page = (Path(__file__).parents[2] / "docs/coach.md").read_text(encoding="utf-8")
    pasted: Any = parse_yaml(page.partition("```yaml\n")[2].partition("```")[0])
    amperes: list[float] = []
    hass.services.async_register("number", "set_value", lambda call: amperes.append(float(call.data["value"])))

    async def run(wallbox: str) -> None:
        hass.states.async_set("sensor.wallbox_power", wallbox, {"unit_of_measurement": "W"})
        (automation,) = hass.states.async_entity_ids("automation")
        when = {"entity_id": automation, "skip_condition": False}
        await hass.services.async_call("automation", "trigger", when, blocking=True)
        await hass.async_block_till_done()

    # 10 kW may be drawn all the time; 5 kW are, of which the car takes 4.14 kW: 6 A.
    house = await coached(make_house, {**CAPACITY, "coach_least": 10}, sent(0, 1_000_000, 5000))
    await house.send(sent(10, 1_000_014, 5000))
    assert number(house, "available_power") == pytest.approx(10.06, abs=0.01)
    hass.states.async_set("switch.wallbox", "on")
    assert await async_setup_component(hass, "automation", {"automation": pasted})
    await run("4140")
    # 10.06 - 0.86 kW are 13.3 A.
    assert amperes == [13]
    await run("0")
    assert amperes == [13, 7]
