"""Events: what happened at a meter, from the bytes of two telegrams to the states of `event` entities."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CoreState, Event as BusEvent, EventStateChangedData, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.dsmr_p1.const import DOMAIN
from custom_components.dsmr_p1.events.follower import Follower
from custom_components.dsmr_p1.events.kinds import EVENTS, WATCHED, Event
from custom_components.dsmr_p1.p1 import CHANNELS, Reading
from custom_components.dsmr_p1.port.captures import Capture
from custom_components.dsmr_p1.port.state import Port
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.pace import wait_in_vain
from tests.p1.captures import telegram

INTEGRATION = Path(__file__).parents[2] / "custom_components/dsmr_p1"
OLD_FAILURE = "(230817101522S)(0000000642*s)"
NEW_FAILURE = "(260218171000W)(0000000900*s)"
QUIET = {
    "0-0:96.1.1": "(4530303530303030303030303030353031)",
    "1-0:1.8.1": "(003184.402*kWh)",
    "1-0:1.8.2": "(002905.118*kWh)",
    "0-0:96.14.0": "(0002)",
    "1-0:1.7.0": "(00.412*kW)",
    "0-0:96.7.21": "(00007)",
    "0-0:96.7.9": "(00001)",
    "1-0:99.97.0": f"(1)(0-0:96.7.19){OLD_FAILURE}",
    "1-0:32.32.0": "(00003)",
    "1-0:52.32.0": "(00000)",
    "1-0:72.32.0": "(00000)",
    "1-0:32.36.0": "(00000)",
    "0-0:96.13.0": "()",
}
MESSAGE, POWER_FAILURE, VOLTAGE, TARIFF = (
    ("p1", "message"),
    ("electricity", "power_failure"),
    ("electricity", "voltage_disturbance"),
    ("electricity", "tariff_change"),
)


def quiet(changes: Mapping[str, str | None] | None = None) -> bytes:
    """Give a telegram of a day on which nothing happens, apart from some objects; None leaves one out."""
    objects = {**QUIET, **(changes or {})}
    lines = ("1-3:0.2.8(50)", "0-0:1.0.0(260218172000W)")
    return telegram(*lines, *(f"{reference}{value}" for reference, value in objects.items() if value is not None))


class Heard:
    """All events of a house from now on, as an automation would hear them."""

    def __init__(self, house: House) -> None:
        self.facts: list[dict[str, Any]] = []
        self._known = {(state.entity_id, state.state) for state in house.hass.states.async_all("event")}
        entities = er.async_entries_for_config_entry(er.async_get(house.hass), house.entry.entry_id)
        ids = [entity.entity_id for entity in entities if entity.domain == "event"]
        self._stop = async_track_state_change_event(house.hass, ids, self._on_change)

    def _on_change(self, event: BusEvent[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new is None or new.state in {STATE_UNKNOWN, STATE_UNAVAILABLE}:
            return
        if (key := (new.entity_id, new.state)) not in self._known:
            self._known.add(key)
            ignored = {"event_types", "friendly_name"}
            self.facts.append({name: value for name, value in new.attributes.items() if name not in ignored})

    def take(self) -> list[dict[str, Any]]:
        taken, self.facts = self.facts, []
        return taken


def kind_of(facts: dict[str, Any]) -> tuple[str, str]:
    """Sort by the kind; of two telegrams that come at once on a busy machine, phases may change with either."""
    return str(facts["event_type"]), str(facts.get("phase"))


@pytest.fixture
async def house(make_house: MakeHouse) -> House:
    """Give a house in which a meter was heard."""
    house = await make_house()
    await house.set_up(quiet())
    await house.send(quiet())
    return house


async def test_nothing_is_an_event_that_was_so_when_the_meter_was_first_heard(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up(quiet({"0-0:96.13.0": "(48616C6C6F)"}))
    heard = Heard(house)
    for _ in range(3):
        await house.send(quiet({"0-0:96.13.0": "(48616C6C6F)"}))
    assert heard.take() == []
    for slot, key in (MESSAGE, POWER_FAILURE, VOLTAGE, TARIFF):
        assert house.event(slot, key).state == STATE_UNKNOWN


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        (
            {"0-0:96.13.0": "(48616C6C6F)"},
            [{"event_type": "received", "message": "Hallo"}],
        ),
        (
            {"0-0:96.14.0": "(0001)"},
            [{"event_type": "changed", "tariff": "1", "previous_tariff": "2", "rate": "low"}],
        ),
        (
            {"0-0:96.14.0": "(0003)"},
            [{"event_type": "changed", "tariff": "3", "previous_tariff": "2"}],
        ),
        (
            {"0-0:96.7.21": "(00009)"},
            [{"event_type": "power_failure", "count": 2}],
        ),
        (
            {
                "0-0:96.7.21": "(00009)",
                "0-0:96.7.9": "(00002)",
                "1-0:99.97.0": f"(2)(0-0:96.7.19){NEW_FAILURE}{OLD_FAILURE}",
            },
            [
                {
                    "event_type": "long_power_failure",
                    "started": "2026-02-18T16:55:00+01:00",
                    "ended": "2026-02-18T17:10:00+01:00",
                    "duration": 900,
                    "count": 1,
                },
                {"event_type": "power_failure", "count": 1},
            ],
        ),
        # A failure that the meter counted while its clock was not set is not in the list as far as that can be.
        (
            {
                "0-0:96.7.21": "(00008)",
                "0-0:96.7.9": "(00002)",
                "1-0:99.97.0": f"(2)(0-0:96.7.19){OLD_FAILURE}(000101000001W)(2147483647*s)",
            },
            [{"event_type": "long_power_failure", "count": 1}],
        ),
        (
            {"1-0:32.32.0": "(00004)", "1-0:72.32.0": "(00002)", "1-0:32.36.0": "(00001)"},
            [
                {"event_type": "sag", "phase": "L1", "count": 1},
                {"event_type": "sag", "phase": "L3", "count": 2},
                {"event_type": "swell", "phase": "L1", "count": 1},
            ],
        ),
        # A counter that was reset, and objects that are missing.
        ({"0-0:96.7.21": "(00000)", "1-0:32.32.0": "(00000)"}, []),
        ({"0-0:96.14.0": None, "0-0:96.7.21": None, "1-0:99.97.0": None, "0-0:96.13.0": None}, []),
    ],
)
async def test_an_event_has_the_facts(house: House, changes: dict[str, str | None], facts: list[Any]) -> None:
    heard = Heard(house)
    await house.send(quiet(changes))
    await house.send(quiet(changes))
    # Of several of one kind in one telegram each comes a little later than the one before; others do not wait for it.
    await eventually(lambda: len(heard.facts) >= len(facts))
    assert sorted(heard.take(), key=kind_of) == sorted(facts, key=kind_of)
    await house.send(quiet({**changes, "0-0:96.13.0": "()", "0-0:96.14.0": changes.get("0-0:96.14.0", "(0002)")}))
    assert heard.take() == []


async def test_how_long_and_how_deep_a_sag_was_where_the_meter_tells(make_house: MakeHouse) -> None:
    house = await make_house()
    first = {"1-0:32.33.0": "(00002*s)", "1-0:32.34.0": "(180.5*V)"}
    await house.set_up(quiet(first))
    await house.send(quiet(first))
    heard = Heard(house)
    await house.send(quiet({**first, "1-0:32.33.0": "(00012*s)", "1-0:32.34.0": "(171.3*V)", "1-0:32.32.0": "(00004)"}))
    assert heard.take() == [{"event_type": "sag", "phase": "L1", "count": 1, "duration": 12.0, "voltage": 171.3}]


async def test_a_code_comes_with_its_message(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up(quiet({"0-0:96.13.1": "()"}))
    await house.send(quiet({"0-0:96.13.1": "()"}))
    heard = Heard(house)
    await house.send(quiet({"0-0:96.13.1": "(3031)", "0-0:96.13.0": "(48616C6C6F)"}))
    await house.send(quiet({"0-0:96.13.1": "(3032)", "0-0:96.13.0": "(48616C6C6F)"}))
    assert heard.take() == [
        {"event_type": "received", "message": "Hallo", "code": "01"},
        {"event_type": "received", "message": "02", "code": "02"},
    ]


async def test_what_happened_while_home_assistant_was_off_is_told_once(
    hass: HomeAssistant, house: House, hass_storage: dict[str, Any]
) -> None:
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]["seen"]
    assert stored["electricity"]["values"]["emeter_power_failures"] == "7"
    heard = Heard(house)
    failed = quiet({"0-0:96.7.21": "(00008)"})
    await house.reload(failed)
    assert heard.take() == [{"event_type": "power_failure", "count": 1}]
    heard = Heard(house)
    await house.reload(failed)
    await house.send(failed)
    assert heard.take() == []


async def test_a_counter_that_says_something_odd_once_tells_of_nothing(house: House) -> None:
    heard = Heard(house)
    await house.send(quiet({"0-0:96.7.21": "(99999)"}))
    await house.send(quiet())
    assert heard.take() == []


async def test_automations_hear_what_happened_while_home_assistant_was_off(hass: HomeAssistant, house: House) -> None:
    failed = quiet({"0-0:96.7.21": "(00008)"})
    hass.set_state(CoreState.starting)
    heard = Heard(house)
    await house.reload(failed)
    await house.send(failed)
    assert heard.take() == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await house.send(failed)
    assert heard.take() == [{"event_type": "power_failure", "count": 1}]


async def test_the_last_event_is_there_after_a_start(hass: HomeAssistant, house: House) -> None:
    await house.send(quiet({"0-0:96.14.0": "(0001)"}))
    before = house.event(*TARIFF)
    await house.reload()
    assert house.event(*TARIFF).state == before.state
    assert house.event(*TARIFF).attributes == before.attributes


async def test_a_file_of_before_there_were_events_is_the_beginning(house: House, hass_storage: dict[str, Any]) -> None:
    hass = house.hass
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    await hass.async_block_till_done()
    del hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]["seen"]
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    heard = Heard(house)
    await house.send(quiet({"0-0:96.7.21": "(00008)"}))
    assert heard.take() == []
    await house.send(quiet({"0-0:96.7.21": "(00009)"}))
    assert heard.take() == [{"event_type": "power_failure", "count": 1}]


async def test_another_meter_has_a_past_of_its_own(house: House) -> None:
    heard = Heard(house)
    other = {
        "0-0:96.1.1": "(4530303530303030303030303030353939)",
        "0-0:96.7.21": "(00050)",
        "1-0:32.32.0": "(00099)",
        "1-0:99.97.0": f"(1)(0-0:96.7.19){NEW_FAILURE}",
    }
    for _ in range(5):
        await house.send(quiet(other))
    assert heard.take() == []
    await house.send(quiet({**other, "0-0:96.7.21": "(00051)"}))
    assert heard.take() == [{"event_type": "power_failure", "count": 1}]


async def test_another_time_zone_makes_no_failure_new(hass: HomeAssistant, house: House) -> None:
    heard = Heard(house)
    await hass.config.async_set_time_zone("Europe/Helsinki")
    await house.reload(quiet())
    await house.send(quiet())
    assert heard.take() == []


async def test_events_are_available_whatever_the_port_does(hass: HomeAssistant, house: House) -> None:
    await house.send(quiet({"0-0:96.14.0": "(0001)"}))
    before = [house.event(*key) for key in (MESSAGE, POWER_FAILURE, VOLTAGE, TARIFF)]
    await wait_in_vain(hass)
    assert house.value("electricity", "emeter_actual_delivery") == STATE_UNAVAILABLE
    assert [house.event(*key) for key in (MESSAGE, POWER_FAILURE, VOLTAGE, TARIFF)] == before


async def test_what_was_seen_last_is_written_though_nothing_but_numbers_changes(
    hass: HomeAssistant, house: House, hass_storage: dict[str, Any]
) -> None:
    """Home Assistant may end without a warning, and would tell the same again."""
    time = hass.loop.time
    # A counter is shown with the second telegram that has it. After more than 20 s the port would be opened anew.
    for passed in range(15, 91, 15):
        with patch.object(hass.loop, "time", lambda passed=passed: time() + passed):
            await house.send(quiet({"1-0:32.32.0": "(00004)"}))
    stored = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]["seen"]["electricity"]["values"]
    assert stored["emeter_voltage_sags_l1"] == "4"


async def test_only_the_kinds_that_a_meter_tells_are_there(make_house: MakeHouse) -> None:
    house = await make_house()
    without = {reference: None for reference in QUIET if reference[4:9] in ("32.32", "52.32", "72.32", "32.36")}
    await house.set_up(quiet({**without, "0-0:96.13.0": None}))
    registry = er.async_get(house.hass)

    def kinds() -> set[str]:
        entities = er.async_entries_for_config_entry(registry, house.entry.entry_id)
        prefix = f"{house.entry.entry_id}_"
        return {entity.unique_id.removeprefix(prefix) for entity in entities if entity.domain == "event"}

    assert kinds() == {"electricity_power_failure", "electricity_tariff_change"}
    for _ in range(3):
        await house.send(quiet())
    assert kinds() == {
        "electricity_power_failure",
        "electricity_tariff_change",
        "electricity_voltage_disturbance",
        "p1_message",
    }


async def test_an_entity_that_was_disabled_hears_nothing_old(house: House) -> None:
    registry = er.async_get(house.hass)
    entity_id = house.event(*TARIFF).entity_id
    registry.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await house.reload(quiet())
    for tariff in ("(0001)", "(0002)", "(0001)"):
        await house.send(quiet({"0-0:96.14.0": tariff}))
    registry.async_update_entity(entity_id, disabled_by=None)
    await house.reload(quiet({"0-0:96.14.0": "(0001)"}))
    assert house.event(*TARIFF).state == STATE_UNKNOWN


async def test_an_event_that_comes_before_its_entity_waits_for_it(house: House) -> None:
    failed = quiet({"0-0:96.7.21": "(00008)"})
    port = await Port.async_load(house.hass, house.entry)
    port.async_set_meters(house.coordinator.port.meters)
    follower = Follower(port)
    captures: list[Capture] = []
    house.coordinator.port.subscribe(captures.append)
    await house.send(quiet())
    await house.send(failed[:-6] + b"0000\r\n")
    await house.send(failed)
    for capture in captures:
        if isinstance(capture.event, Reading):
            port.reading = capture.event
        follower.take(capture)
    told: list[Event] = []
    follower.listen(*POWER_FAILURE, told.append)
    assert told == [("power_failure", {"count": 1})]


async def test_a_meter_behind_the_main_meter_tells_no_events(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    await house.send()
    entities = er.async_entries_for_config_entry(er.async_get(house.hass), house.entry.entry_id)
    slots = {entity.unique_id.split("_", 2)[1] for entity in entities if entity.domain == "event"}
    assert slots == {"p1", "electricity"}


# The table.


def entries(name: str, *path: str) -> Any:
    found = json.loads((INTEGRATION / name).read_text(encoding="utf-8"))
    for key in path:
        found = found[key]
    return found


def test_every_kind_is_named_and_has_an_icon() -> None:
    names, icons = entries("translations/en.json", "entity", "event"), entries("icons.json", "entity", "event")
    assert set(names) == set(icons) == {description.key for description in EVENTS}
    for description in EVENTS:
        states = names[description.key]["state_attributes"]["event_type"]["state"]
        assert list(states) == description.event_types


def test_the_table_knows_channels_that_there_are() -> None:
    assert {row.name for row in CHANNELS.values()} >= WATCHED
    assert not {description.key for description in EVENTS} & CHANNELS.keys()
