"""The headroom of the phases: worked out by hand, and through the front door."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import CONF_RECEIVED_TIMEOUT, CONF_REFRESH, DOMAIN
from custom_components.dsmr_p1.parts.headroom.phases import Grid, Phases, is_overloaded, told_fuse, told_grid
from custom_components.dsmr_p1.parts.headroom.settings import CONF_HEADROOM, CONF_HEADROOM_FUSE, CONF_HEADROOM_GRID
from tests.ha.flow_driver import Step, answer, begin_options, check_texts, over_rest, suggested
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.pace import wait_in_vain
from tests.p1.captures import DSMR22, MINIMAL, channels, load, telegram

WITH, WITHOUT = Grid.WITH_NEUTRAL, Grid.WITHOUT_NEUTRAL
OF_PHASE = (
    ("31.7.0", "51.7.0", "71.7.0"),
    ("21.7.0", "41.7.0", "61.7.0"),
    ("22.7.0", "42.7.0", "62.7.0"),
    ("32.7.0", "52.7.0", "72.7.0"),
)


def lines(*phases: tuple[str, str, str, str]) -> list[str]:
    """Return the lines of phases, each with its amperes, kilowatts in, kilowatts out and volts; "" is not sent."""
    units = ("A", "kW", "kW", "V")
    return [
        f"1-0:{OF_PHASE[what][number]}({text}*{units[what]})"
        for number, values in enumerate(phases)
        for what, text in enumerate(values)
        if text
    ]


def sent(*more: str) -> bytes:
    return telegram(*MINIMAL, *more)


def found(grid: Grid, *more: str) -> dict[str, float | None]:
    meter = channels(sent(*more))
    values = Phases(meter, grid).follow(meter)
    return {name: None if value is None else round(value, 3) for name, value in values.items()}


@pytest.mark.parametrize(
    ("phase", "amperes"),
    [
        # 1.150 kW at 230.0 V are 5 A, whether a meter rounds or cuts off.
        (("005", "01.150", "00.000", "230.0"), 5.0),
        (("007", "01.840", "00.000", "230.0"), 8.0),
        # 0.920 kW out.
        (("004", "00.000", "00.920", "230.0"), -4.0),
        # A motor: 2 A move 0.230 kW, and 2 A are 1.5 A at least. It is no import, as far as is known.
        (("002", "00.230", "00.000", "230.0"), 1.5),
        (("002", "00.000", "00.230", "230.0"), -1.5),
        (("000", "00.000", "00.000", "230.0"), 0.0),
        # Hundredths of amperes are the meter's own, and power has the direction only.
        (("002.22", "00.438", "00.000", "240.9"), 2.22),
        (("002.22", "00.000", "00.438", "240.9"), -2.22),
        # DSMR 4 has no voltage.
        (("005", "01.380", "00.000", ""), 6.0),
        # A phase that is dead has no current that could be divided by nothing.
        (("000", "00.000", "00.000", "000.0"), 0.0),
        (("", "01.150", "00.000", "230.0"), 5.0),
        (("", "01.150", "", "230.0"), 5.0),
        (("006", "", "", ""), 6.0),
    ],
)
def test_one_phase(phase: tuple[str, str, str, str], amperes: float) -> None:
    assert found(WITH, *lines(phase)) == {"l1": amperes}
    assert found(WITHOUT, *lines(phase)) == {"l1": amperes}


def test_units_are_those_that_are_sent() -> None:
    # Austria sends watts, and a meter with transformers milliamperes, which are not rounded to amperes.
    assert found(WITH, "1-0:21.7.0(1150*W)", "1-0:32.7.0(230.0*V)") == {"l1": 5.0}
    assert found(WITH, "1-0:21.7.0(0.1150*kW)", "1-0:31.7.0(791*mA)", "1-0:32.7.0(230.0*V)") == {"l1": 0.791}


def test_an_empty_value_is_none() -> None:
    assert found(WITH, *lines(("", "01.150", "00.000", "230.0")), "1-0:31.7.0()") == {"l1": 5.0}
    assert found(WITH, "1-0:31.7.0()", "1-0:21.7.0()") == {"l1": None}


def test_the_only_phase_has_the_power_of_the_house() -> None:
    total = ("1-0:1.7.0(00.000*kW)", "1-0:2.7.0(01.150*kW)")
    assert found(WITH, *total, *lines(("", "", "", "230.0"))) == {"l1": -5.0}
    # Of three phases it is nobody's.
    three = lines(("003", "", "", "230.0"), ("004", "", "", "230.0"), ("", "", "", "230.0"))
    assert found(WITH, *total, *three) == {"l1": 3.0, "l2": 4.0, "l3": None}


def test_three_phases_are_each_their_own() -> None:
    three = lines(
        ("010", "02.300", "00.000", "230.0"), ("003", "00.000", "00.693", "231.0"), ("000", "00.058", "00.000", "232.0")
    )
    assert found(WITH, *three) == {"l1": 10.0, "l2": -3.0, "l3": 0.25}
    assert found(WITH) == {}


# In a grid without neutral, U12 is 30° ahead of L1 and U32 30° behind L3. The loads have a power factor of 1.
BALANCED = (
    ("016.00", "03.187", "00.000", "230.0"),
    ("", "00.000", "00.000", "000.0"),
    ("016.00", "03.187", "00.000", "230.0"),
)
# 10 A from L1 to L3 alone: each element sees half of 2.3 kW, and nothing comes back in L2.
ACROSS = (
    ("010.00", "01.150", "00.000", "230.0"),
    ("000.00", "00.000", "00.000", "000.0"),
    ("010.00", "01.150", "00.000", "230.0"),
)
# 10 A from L1 to L2, and 10 A from L3 to L2, 60° apart: 17.32 A come back.
TWO = (
    ("010.00", "02.300", "00.000", "230.0"),
    ("000.00", "00.000", "00.000", "000.0"),
    ("010.00", "02.300", "00.000", "230.0"),
)
ONE = (("012.00", "02.760", "00.000", "230.0"), ("", "00.000", "00.000", ""), ("000.00", "00.000", "00.000", "230.0"))


@pytest.mark.parametrize(
    ("phases", "second"), [(BALANCED, 16.0), (ACROSS, 0.0), (TWO, 17.321), (ONE, 12.0)], ids=["all", "13", "2", "12"]
)
def test_without_neutral_the_second_comes_of_the_others(
    phases: tuple[tuple[str, str, str, str], ...], second: float
) -> None:
    values = found(WITHOUT, *lines(*phases))
    assert values["l2"] == pytest.approx(second, abs=0.01)
    assert (values["l1"], values["l3"]) == (float(phases[0][0]), float(phases[2][0]))
    # The same sent back into the grid.
    back = tuple((amperes, out, power, volts) for amperes, power, out, volts in phases)
    assert found(WITHOUT, *lines(*back)) == values


def test_without_neutral_a_current_that_is_sent_is_believed() -> None:
    # From a house in Belgium: whoever divides power by voltage finds 0.77 A, 0 A and 11.38 A.
    three = lines(
        ("001.05", "00.177", "00.000", "230.5"),
        ("012.73", "00.000", "00.000", ""),
        ("011.87", "02.623", "00.000", "230.5"),
    )
    assert found(WITHOUT, *three) == {"l1": 1.05, "l2": 12.73, "l3": 11.87}
    # No sign is a direction: L1 sends back, and L3 imports.
    three = lines(
        ("005.00", "00.000", "01.150", "230.0"), ("008.00", "", "", ""), ("010.00", "02.300", "00.000", "230.0")
    )
    assert found(WITHOUT, *three) == {"l1": 5.0, "l2": 8.0, "l3": 10.0}
    # What was cut off of whole amperes.
    three = lines(("009", "02.254", "", "230.0"), ("000", "", "", ""), ("000", "00.000", "", "230.0"))
    assert found(WITHOUT, *three) == {"l1": 9.8, "l2": 9.8, "l3": 0.0}


def test_without_neutral_and_power_the_second_is_the_most_it_can_be() -> None:
    three = lines(("003.00", "", "", "230.0"), ("000.00", "", "", ""), ("004.00", "", "", "230.0"))
    assert found(WITHOUT, *three) == {"l1": 3.0, "l2": 7.0, "l3": 4.0}
    # Power without current says too little.
    three = lines(("", "01.000", "", "230.0"), ("", "00.000", "", ""), ("", "01.000", "", "230.0"))
    assert found(WITHOUT, *three) == {"l1": None, "l2": None, "l3": None}


def test_an_overload_is_over_when_all_are_clearly_below() -> None:
    is_on: bool | None = None
    for *known, is_all, expected in (
        (20.0, -3.0, True, False),
        (20.1, -3.0, True, True),
        (19.5, -3.0, True, True),
        (19.0, -3.0, True, False),
        (19.5, -3.0, True, False),
        # Solar panels overload a fuse too.
        (1.0, -20.1, True, True),
        (1.0, -19.1, True, True),
        (1.0, False, None),
        (21.0, False, True),
        (False, None),
    ):
        is_on = is_overloaded(20, known, is_all=bool(is_all), was=bool(is_on))
        assert is_on is expected, known


@pytest.mark.parametrize(
    ("more", "fuse"),
    [
        (("1-0:31.4.0(040.00*A)",), 40.0),
        (("1-0:31.4.0(65.0*A,-65.0*A)",), 65.0),
        (("1-0:31.4.0(040*A)", "1-0:51.4.0(032*A)", "1-0:71.4.0(040*A)"), 32.0),
        (("0-0:17.0.0(0025*A)",), 25.0),
        # All nines are none.
        (("0-0:17.0.0(999.9*kW)", "1-0:31.4.0(999*A)"), None),
        # 3 × 25 A × 230 V = 17.25 kVA; of a power, too.
        (("0-0:17.0.0(17.250*kVA)", *lines(*3 * [("001", "", "", "230.0")])), 25.0),
        (("0-0:17.0.0(17.3*kW)", *lines(*3 * [("001", "", "", "230.0")])), 25.0),
        (("0-0:17.0.0(09.2*kW)", *lines(("001", "", "", "230.0"))), 40.0),
        # √3 × 40 A × 230 V = 15.9 kVA.
        (("0-0:17.0.0(15.935*kVA)", *lines(*BALANCED)), 40.0),
        (("0-0:17.0.0(17.3*kW)",), None),
        ((), None),
    ],
)
def test_the_fuse_that_a_meter_tells(more: tuple[str, ...], fuse: float | None) -> None:
    assert told_fuse(channels(sent(*more))) == fuse


def test_the_grid_that_a_meter_shows() -> None:
    def grid(*phases: tuple[str, str, str, str]) -> Grid:
        return told_grid(channels(sent(*lines(*phases))))

    assert grid(*BALANCED) is WITHOUT
    # L2 has a current and no power.
    assert grid(ACROSS[0], ("010", "00.000", "00.000", "230.0"), ACROSS[2]) is WITHOUT
    assert grid(*3 * [ACROSS[0]]) is WITH
    assert grid(ACROSS[0]) is WITH
    # All are dead: nothing is shown.
    assert grid(*3 * [("000", "00.000", "00.000", "000.0")]) is WITH


# Through the front door.


def options(fuse: float = 25, grid: Grid = WITH) -> dict[str, Any]:
    return {CONF_HEADROOM: {CONF_HEADROOM_FUSE: fuse, CONF_HEADROOM_GRID: grid.value}}


def entities(house: House) -> dict[str, str]:
    """Return the entities of the headroom by unique id without the entry's."""
    prefix = f"{house.entry.entry_id}_electricity_headroom_"
    registry = er.async_get(house.hass)
    return {
        entity.unique_id.removeprefix(prefix): entity.entity_id
        for entity in er.async_entries_for_config_entry(registry, house.entry.entry_id)
        if entity.unique_id.startswith(prefix)
    }


def state(house: House, key: str) -> State:
    shown = house.hass.states.get(entities(house)[key])
    assert shown is not None
    return shown


def shown(house: House) -> dict[str, str]:
    return {key: state(house, key).state for key in entities(house)}


THREE = sent(
    *lines(
        ("010", "02.300", "00.000", "230.0"), ("003", "00.000", "00.690", "230.0"), ("000", "00.000", "00.000", "230.0")
    )
)
OVER = sent(
    *lines(
        ("026", "06.000", "00.000", "230.0"), ("003", "00.000", "00.690", "230.0"), ("000", "00.000", "00.000", "230.0")
    )
)


async def test_it_is_off_until_it_is_wanted(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up(THREE)
    assert not entities(house)


async def test_every_telegram_is_shown_whatever_the_pace(make_house: MakeHouse) -> None:
    house = await make_house()
    house.configure(options={**options(), CONF_REFRESH: {"electricity": 3600}})
    await house.set_up(THREE)
    assert shown(house) == {"l1": "15.0", "l2": "28.0", "l3": "25.0", "smallest": "15.0", "overloaded": "off"}
    assert state(house, "l2").name.endswith("Headroom L2")
    assert state(house, "smallest").attributes["unit_of_measurement"] == "A"
    await house.send(OVER)
    # 6 kW at 230 V are 26.09 A.
    assert shown(house) == {"l1": "-1.1", "l2": "28.0", "l3": "25.0", "smallest": "-1.1", "overloaded": "on"}
    await house.send(OVER.replace(b"X", b"Y"))
    assert state(house, "overloaded").state == "on"
    # A value that is missing is no headroom.
    await house.send(sent(*lines(("", "", "", "230.0"), ("003", "00.000", "00.690", "230.0"))))
    assert shown(house) == {
        "l1": "unknown",
        "l2": "28.0",
        "l3": "unknown",
        "smallest": "unknown",
        "overloaded": "unknown",
    }
    await house.send(telegram("0-0:1.0.0(240311084500W)", "0-0:96.14.0(0001)"))
    assert set(shown(house).values()) == {"unknown"}


async def test_one_phase_and_no_neutral(make_house: MakeHouse) -> None:
    house = await make_house()
    house.configure(options=options(40))
    await house.set_up(sent(*lines(("005", "01.150", "00.000", "230.0"))))
    assert shown(house) == {"l1": "35.0", "smallest": "35.0", "overloaded": "off"}
    house = await make_house()
    house.configure(options=options(40, WITHOUT))
    await house.set_up(sent(*lines(*TWO)))
    assert shown(house) == {"l1": "30.0", "l2": "22.7", "l3": "30.0", "smallest": "22.7", "overloaded": "off"}


async def test_it_is_there_as_the_port_is(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    house.configure(options=options())
    await house.set_up(THREE)
    history: list[str] = []
    smallest = entities(house)["smallest"]

    def take(event: Any) -> None:
        if event.data["entity_id"] == smallest:
            history.append(event.data["new_state"].state)

    hass.bus.async_listen("state_changed", take)
    await wait_in_vain(hass)
    assert set(shown(house).values()) == {"unavailable"}
    await house.send(OVER)
    # What was before the outage is never shown after it.
    assert history == ["unavailable", "-1.1"]
    # From what is stored the phases are known before a telegram comes.
    await house.reload()
    assert set(shown(house).values()) == {"unavailable"}
    await house.send(THREE)
    assert shown(house)["smallest"] == "15.0"


async def choose(hass: HomeAssistant, house: House, user_input: Mapping[str, Any] | None) -> Step:
    """Open the options at the headroom, and answer."""
    result = await answer(hass, await begin_options(hass, house.entry), {"next_step_id": CONF_HEADROOM})
    check_texts(result, "options")
    if user_input is not None:
        result = await answer(hass, result, user_input)
        await hass.async_block_till_done()
    return result


async def test_the_options_switch_it_on_and_off(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse
) -> None:
    await over_rest(hass, hass_client)
    house = await make_house()
    house.configure(options={CONF_RECEIVED_TIMEOUT: 60})
    await house.set_up(sent("1-0:31.4.0(040.00*A)", *lines(*BALANCED)))
    wanted = {CONF_HEADROOM_FUSE: 40, CONF_HEADROOM_GRID: "without_neutral"}
    assert suggested(await choose(hass, house, None)) == wanted
    result = await choose(hass, house, {**wanted, CONF_HEADROOM_FUSE: 35})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert house.entry.options == {CONF_RECEIVED_TIMEOUT: 60, CONF_HEADROOM: {**wanted, CONF_HEADROOM_FUSE: 35}}
    await house.send(sent(*lines(*BALANCED)))
    assert shown(house)["l1"] == "19.0"
    # What was corrected stays.
    assert suggested(await choose(hass, house, None)) == {**wanted, CONF_HEADROOM_FUSE: 35}
    await choose(hass, house, {CONF_HEADROOM_GRID: "without_neutral"})
    assert house.entry.options == {CONF_RECEIVED_TIMEOUT: 60}
    assert not entities(house)


@pytest.mark.parametrize(
    ("country", "told", "fuse"), [("NL", (), 25), ("NL", ("1-0:31.4.0(035*A)",), 35), ("SE", (), None)]
)
async def test_the_usual_fuse_of_a_country_is_filled_in(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    make_house: MakeHouse,
    country: str,
    told: tuple[str, ...],
    fuse: float | None,
) -> None:
    await over_rest(hass, hass_client)
    hass.config.country = country
    house = await make_house()
    await house.set_up(sent(*told, *lines(ACROSS[0])))
    wanted = {CONF_HEADROOM_FUSE: fuse, CONF_HEADROOM_GRID: "with_neutral"}
    assert suggested(await choose(hass, house, None)) == wanted


async def test_a_meter_that_sends_nothing_of_its_phases_is_told_so(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse
) -> None:
    await over_rest(hass, hass_client)
    house = await make_house()
    house.configure(options=options())
    await house.set_up(load(DSMR22))
    # It was wanted of another meter, and can be switched off.
    assert not entities(house)
    await choose(hass, house, {CONF_HEADROOM_GRID: "with_neutral"})
    assert (await choose(hass, house, None))["reason"] == "no_meters"
    await house.send(load(DSMR22))
    assert (await choose(hass, house, None))["reason"] == "headroom_no_phases"
    await hass.config_entries.async_unload(house.entry.entry_id)
    assert (await choose(hass, house, None))["reason"] == "no_meters"
    assert DOMAIN in hass.config.components


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_the_automation_of_the_page(hass: HomeAssistant, make_house: MakeHouse) -> None:
    page = (Path(__file__).parents[2] / "docs/headroom.md").read_text(encoding="utf-8")
    pasted: Any = parse_yaml(page.partition("```yaml\n")[2].partition("```")[0])
    currents: list[float] = []
    hass.services.async_register("keba", "set_current", lambda call: currents.append(call.data["current"]))
    kept: list[float] = []
    hass.services.async_register("input_number", "set_value", lambda call: kept.append(call.data["value"]))
    house = await make_house()
    house.configure(options=options())
    await house.set_up(THREE)
    assert entities(house)["smallest"] == "sensor.electricity_meter_smallest_headroom"
    hass.states.async_set("input_number.charger", "12")
    assert await async_setup_component(hass, "automation", {"automation": pasted})

    async def send(telegram: bytes, count: int) -> None:
        # What is still running is the pause.
        house.port.write(telegram)
        await eventually(lambda: len(kept) == count)
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=16))
        await hass.async_block_till_done()

    # 6 kW on L1 are 26.1 A, 1.1 A too much: 12 - 1.1 - 1.
    await send(OVER, 1)
    # 15 A are left, and the charger has no more than 16.
    await send(THREE, 2)
    assert currents == kept == [9.9, 16]
