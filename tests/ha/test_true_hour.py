"""True hours: telegrams in at a pty, and the statistics of a real recorder out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
from threading import Event as ThreadEvent
from typing import Any, Protocol

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.validate import async_validate
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import Statistics, StatisticsMeta
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import get_metadata
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import DOMAIN
from custom_components.dsmr_p1.parts.true_hour.settings import CONF_ON, CONF_SINCE, CONF_TRUE_HOUR
from simulator import Model
from tests.ha.flow_driver import Step, answer, begin_options, check_texts, fields, over_rest
from tests.ha.house import MakeHouse
from tests.ha.replacing import Calendar
from tests.ha.slow_meters import HOUR, START, SlowHouse, hourly, options, slow_house
from tests.ha.test_corrections import Busy

FULL = START.replace(minute=0)
DAY = timedelta(days=1)


class MakeSlow(Protocol):
    """Makes a house with slow meters."""

    async def __call__(
        self, model: Model | str = "dsmr42", mbus: str | None = None, start: datetime = START
    ) -> SlowHouse: ...


@pytest.fixture
async def make_slow(
    recorder_mock: Recorder, hass: HomeAssistant, calendar: Calendar, tmp_path: Path
) -> AsyncIterator[MakeSlow]:
    async with AsyncExitStack() as stack:

        async def make(model: Model | str = "dsmr42", mbus: str | None = None, start: datetime = START) -> SlowHouse:
            return await stack.enter_async_context(slow_house(hass, calendar, tmp_path, model, mbus, start))

        yield make


@pytest.mark.parametrize(
    ("model", "mbus", "slot", "kind", "unit", "unit_class"),
    [
        ("dsmr42", "gas", "mbus_1", "gas", "m³", "volume"),
        ("dsmr30", "gas", "mbus_1", "gas", "m³", "volume"),
        ("dsmr42", "heating", "mbus_1", "heating", "GJ", "energy"),
        ("dsmr42", "cooling", "mbus_1", "cooling", "GJ", "energy"),
        ("dsmr42", "water", "mbus_1", "water", "m³", "volume"),
    ],
)
async def test_what_a_meter_measured_is_booked_in_its_hours(
    hass: HomeAssistant, make_slow: MakeSlow, model: str, mbus: str, slot: str, kind: str, unit: str, unit_class: str
) -> None:
    slow = await make_slow(model, mbus)
    await slow.set_up()
    for _ in range(3):
        await slow.live_on()
        # Without a checksum a reading is shown when it has come twice.
        await slow.send()
    # The reading of four o'clock is where it begins.
    used = slow.used(slow.statistic(slot, kind))
    assert used == {FULL - HOUR: 0, **slow.measured(FULL, FULL + 3 * HOUR)}
    assert kind in {"cooling", "heating"} or any(used.values())
    rows = slow.rows(slow.statistic(slot, kind))
    assert rows[-1]["state"] == slow.read_at(FULL + 3 * HOUR)
    assert rows[-1]["sum"] == pytest.approx(slow.read_at(FULL + 3 * HOUR) - slow.read_at(FULL))
    [(_, metadata)] = (await get_instance(hass).async_add_executor_job(get_metadata, hass)).values()
    assert metadata == {
        "mean_type": StatisticMeanType.NONE,
        "has_mean": False,
        "has_sum": True,
        "name": f"{'Heat' if kind == 'heating' else kind.capitalize()} meter, true hours",
        "source": "dsmr_p1",
        "statistic_id": slow.statistic(slot, kind),
        "unit_class": unit_class,
        "unit_of_measurement": unit,
    }


async def test_a_day_between_readings_is_spread_over_its_hours(make_slow: MakeSlow) -> None:
    slow = await make_slow("dsmr22")
    await slow.set_up()
    midnight = datetime(2026, 2, 17, 23, tzinfo=UTC)
    await slow.live_on(DAY)
    await slow.send()
    used = slow.used(slow.statistic("gas"))
    total = slow.read_at(midnight + DAY) - slow.read_at(midnight)
    assert total > 1
    assert list(used) == [midnight + count * HOUR for count in range(-1, 24)]
    assert used.pop(midnight - HOUR) == 0
    assert list(used.values()) == pytest.approx([total / 24] * 24, abs=2e-6)
    assert slow.rows(slow.statistic("gas"))[-1]["sum"] == pytest.approx(total, abs=1e-6)


async def test_a_gap_is_spread_over_its_hours_and_what_follows_is_not(make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    await slow.live_on(5 * HOUR)
    await slow.live_on()
    begin, end = FULL + HOUR, FULL + 6 * HOUR
    mean = (slow.read_at(end) - slow.read_at(begin)) / 5
    used = slow.used()
    assert list(used.values()) == pytest.approx(
        [0, *slow.measured(FULL, begin).values(), *[mean] * 5, *slow.measured(end, end + HOUR).values()], abs=2e-6
    )


async def test_a_restart_neither_repeats_nor_loses_a_reading(make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    before = slow.rows()
    await slow.restart()
    await slow.send(3)
    assert slow.rows() == before
    slow.house.pass_time(3600)
    await slow.restart()
    await slow.live_on()
    assert slow.used() == {FULL - HOUR: 0, **slow.measured(FULL, FULL + 3 * HOUR)}


async def test_an_older_reading_that_is_shown_after_a_crash_is_in_its_hour(
    make_slow: MakeSlow, hass_storage: dict[str, Any]
) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.house.coordinator.keeper.async_stop()
    stored = hass_storage[f"{DOMAIN}.{slow.house.entry.entry_id}"]["data"]
    guard = deepcopy(stored["guard"])
    for _ in range(2):
        await slow.live_on()
    assert await slow.house.hass.config_entries.async_unload(slow.house.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{slow.house.entry.entry_id}"]["data"]
    stored["guard"] = guard
    builder = slow.house.builder
    [slot] = builder.slots
    # A wrong number comes first, and what was good when the guard was stored is shown in its place.
    builder.slots = (replace(slot, offset=slot.offset + 900_000),)
    await slow.restart()
    assert slow.house.coordinator.port.reading is not slow.house.coordinator.port.sent
    builder.slots = (slot,)
    await slow.live_on()
    assert slow.used() == {FULL - HOUR: 0, **slow.measured(FULL, FULL + 3 * HOUR)}


async def test_a_sum_that_its_owner_has_changed_is_counted_on_from(hass: HomeAssistant, make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    get_instance(hass).async_adjust_statistics(slow.statistic(), FULL - HOUR, 100, "m³")
    await async_wait_recording_done(hass)
    await slow.live_on()
    assert slow.rows()[-1]["sum"] == pytest.approx(100 + slow.read_at(FULL + 2 * HOUR) - slow.read_at(FULL))


async def test_the_cost_of_every_hour_is_booked_at_the_price_of_its_time(
    hass: HomeAssistant, make_slow: MakeSlow
) -> None:
    hass.config.currency = "EUR"
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    cost = f"{slow.statistic()}_cost"
    assert slow.rows(cost) == []
    for price in (1.5, 2):
        hass.config_entries.async_update_entry(slow.house.entry, options=options(gas=price))
        await slow.restart()
        await slow.live_on()
    used = slow.used()
    hours = [FULL + HOUR, FULL + 2 * HOUR]
    assert slow.used(cost) == pytest.approx({
        hours[0]: used[hours[0]] * 1.5,
        hours[1]: used[hours[1]] * 2,
    })  # fmt: skip
    assert slow.rows(cost)[-1]["sum"] == pytest.approx(sum(slow.used(cost).values()))
    metadata = await get_instance(hass).async_add_executor_job(get_metadata, hass)
    assert metadata[cost][1]["unit_of_measurement"] == "EUR"
    assert metadata[cost][1]["unit_class"] is None
    assert metadata[cost][1]["name"] == "Gas meter, true hours, cost"
    # The energy dashboard takes both.
    price_fields = dict.fromkeys(("entity_energy_price", "number_energy_price"))
    source: Any = {"type": "gas", "stat_energy_from": slow.statistic(), "stat_cost": cost, **price_fields}
    assert await async_setup_component(hass, "energy", {})
    await (await async_get_manager(hass)).async_update({"energy_sources": [source], "device_consumption": []})
    assert (await async_validate(hass)).as_dict()["energy_sources"] == [[]]


async def test_a_crash_between_cost_and_consumption_is_made_good(hass: HomeAssistant, make_slow: MakeSlow) -> None:
    slow = await make_slow()
    slow.house.configure(options=options(gas=2))
    await slow.set_up()
    await slow.live_on()
    cost = f"{slow.statistic()}_cost"
    used, costs = slow.used(), slow.used(cost)

    def forget() -> None:
        with session_scope(hass=hass) as session:
            kept = session.query(StatisticsMeta.id).filter_by(statistic_id=slow.statistic()).scalar()
            session.query(Statistics).filter_by(metadata_id=kept, start_ts=FULL.timestamp()).delete()

    await get_instance(hass).async_add_executor_job(forget)
    assert slow.used() != used
    await slow.restart()
    assert slow.used() == used
    assert slow.used(cost) == costs == pytest.approx({hour: 2 * amount for hour, amount in used.items()})


async def test_a_recorder_that_is_slow_gets_every_hour_once(hass: HomeAssistant, make_slow: MakeSlow) -> None:
    slow = await make_slow()
    slow.house.configure(options=options(gas=2))
    await slow.set_up()
    await slow.live_on()
    busy = Busy(ThreadEvent())
    get_instance(hass).queue_task(busy)
    for _ in range(3):
        slow.house.pass_time(3600)
        slow.calendar.move_to(slow.now)
        await slow.house.send()
    busy.go_on.set()
    await slow.live_on()
    measured = slow.measured(FULL, FULL + 5 * HOUR)
    assert slow.used() == {FULL - HOUR: 0, **measured}
    assert slow.used(f"{slow.statistic()}_cost") == pytest.approx(
        {FULL - HOUR: 0, **{hour: 2 * used for hour, used in measured.items()}}
    )


async def test_a_row_without_its_register_is_counted_on_from(hass: HomeAssistant, make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()

    def forget() -> None:
        with session_scope(hass=hass) as session:
            session.query(Statistics).filter_by(start_ts=FULL.timestamp()).update({"state": None, "sum": None})

    await get_instance(hass).async_add_executor_job(forget)
    await slow.restart()
    await slow.live_on()
    await slow.live_on()
    begin = FULL + 2 * HOUR
    assert slow.rows()[-1]["sum"] == pytest.approx(slow.read_at(begin + HOUR) - slow.read_at(begin))


async def test_a_meter_that_loses_its_time_or_its_reading_waits(make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    builder = slow.house.builder
    telegram = builder.body()
    before = slow.rows()
    for changed in (
        re.sub(rb"0-1:24\.2\.1.*\r\n", b"", telegram),
        re.sub(rb"(0-1:24\.2\.1)\(\w+\)", rb"\1(632525252525W)", telegram),
        re.sub(rb"(0-1:24\.2\.1\(\w+\))\(.*\)", rb"\1()", telegram),
    ):
        await slow.house.send(builder.finish(changed))
    await slow.send()
    assert slow.rows() == before
    await slow.live_on()
    assert slow.used() == {FULL - HOUR: 0, **slow.measured(FULL, FULL + 2 * HOUR)}


@pytest.mark.parametrize("litres", [0, 5_000_000], ids=["lower", "higher"])
@pytest.mark.parametrize("is_off", [False, True], ids=["running", "stopped"])
async def test_another_meter_gives_no_step(make_slow: MakeSlow, litres: int, *, is_off: bool) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    builder = slow.house.builder
    last = slow.rows()[-1]["sum"]
    if is_off:
        assert await slow.house.hass.config_entries.async_unload(slow.house.entry.entry_id)
    slow.house.pass_time(1800)
    builder.slots = (builder.slots[0].replace_meter(builder.household, litres),)
    slow.house.pass_time(1800)
    if is_off:
        slow.calendar.move_to(slow.now)
        await slow.restart(send=False)
    await slow.send(6)
    # Until the new meter is certain, nothing is booked; then hours are counted on from it.
    assert slow.rows()[-1]["sum"] == last
    await slow.restart()
    await slow.live_on()
    begin = FULL + 2 * HOUR
    assert slow.rows()[-1]["sum"] == pytest.approx(last + slow.read_at(begin + HOUR) - slow.read_at(begin))
    assert slow.rows()[-1]["state"] == slow.read_at(begin + HOUR)


async def test_a_garbled_identifier_is_no_other_meter(make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    builder = slow.house.builder
    [slot] = builder.slots
    await slow.live_on(timedelta(minutes=10))
    builder.slots = (replace(slot, identifier="G00SIM999999999"),)
    await slow.live_on()
    await slow.send()
    builder.slots = (slot,)
    await slow.send(2)
    await slow.live_on()
    await slow.send()
    assert slow.rows()[-1]["sum"] == pytest.approx(slow.read_at(FULL + 2 * HOUR) - slow.read_at(FULL))


async def test_a_register_that_was_corrected_gives_no_step(make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    builder, last = slow.house.builder, slow.rows()[-1]["sum"]
    [slot] = builder.slots
    builder.slots = (replace(slot, offset=slot.offset + 90_000),)
    for _ in range(3):
        # The guard holds what no gas meter can measure in an hour.
        assert slow.rows()[-1]["sum"] == last
        await slow.live_on()
    assert slow.rows()[-1]["state"] == slow.read_at(FULL + 4 * HOUR)
    assert slow.rows()[-1]["sum"] == last
    await slow.live_on()
    assert slow.rows()[-1]["sum"] == pytest.approx(
        last + next(iter(slow.measured(FULL + 4 * HOUR, FULL + 5 * HOUR).values()))
    )


async def test_one_wrong_reading_is_none(make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    builder = slow.house.builder
    [slot] = builder.slots
    builder.slots = (replace(slot, offset=slot.offset + 90_000),)
    await slow.live_on()
    builder.slots = (slot,)
    await slow.live_on()
    total = slow.read_at(FULL + 3 * HOUR) - slow.read_at(FULL)
    assert slow.rows()[-1]["sum"] == pytest.approx(total)


async def test_a_register_that_falls_is_counted_on_from(make_slow: MakeSlow) -> None:
    slow = await make_slow()
    await slow.set_up()
    await slow.live_on()
    builder, last = slow.house.builder, slow.rows()[-1]["sum"]
    [slot] = builder.slots
    builder.slots = (replace(slot, offset=0),)
    for _ in range(4):
        await slow.live_on()
    # With the third reading it is believed.
    begin = FULL + 4 * HOUR
    assert slow.rows()[-1]["sum"] == pytest.approx(last + slow.read_at(begin + HOUR) - slow.read_at(begin))
    assert last < slow.rows()[-1]["sum"] < last + 100


@pytest.mark.parametrize(
    ("begin", "length"),
    [(datetime(2026, 3, 28, 23, 20, tzinfo=UTC), 23), (datetime(2026, 10, 24, 22, 20, tzinfo=UTC), 25)],
    ids=["spring", "autumn"],
)
async def test_the_nights_of_the_time_change(make_slow: MakeSlow, begin: datetime, length: int) -> None:
    slow = await make_slow("dsmr42", None, begin)
    await slow.set_up()
    for _ in range(length):
        await slow.live_on()
    first = begin.replace(minute=0)
    assert slow.used() == {first - HOUR: 0, **slow.measured(first, first + length * HOUR)}


async def test_two_hours_that_a_clock_does_not_tell_apart_are_one_gap(make_slow: MakeSlow) -> None:
    begin = datetime(2026, 10, 24, 22, 20, tzinfo=UTC)
    slow = await make_slow("dsmr30", None, begin)
    await slow.set_up()
    for _ in range(6):
        await slow.live_on()
        await slow.send()
    first = begin.replace(minute=0)
    measured, used = slow.measured(first, first + 6 * HOUR), slow.used()
    assert list(used) == [first - HOUR, *measured]
    assert sum(used.values()) == pytest.approx(sum(measured.values()))
    assert list(used.values())[-3:] == pytest.approx(list(measured.values())[-3:])


async def test_a_meter_that_is_read_every_five_minutes_is_left_out(make_slow: MakeSlow) -> None:
    slow = await make_slow("dsmr5")
    await slow.set_up()
    for minutes in (5, 5, 60, 5):
        await slow.live_on(timedelta(minutes=minutes))
    assert slow.rows() == []


async def test_a_meter_that_could_be_read_more_often_and_is_not(make_slow: MakeSlow) -> None:
    slow = await make_slow(hourly())
    await slow.set_up()
    # It is not known yet how often it is read.
    await slow.live_on(timedelta(minutes=10))
    assert slow.rows() == []
    await slow.live_on()
    await slow.live_on()
    assert slow.used() == {FULL - HOUR: 0, **slow.measured(FULL, FULL + 2 * HOUR)}


async def test_several_meters_have_statistics_each(make_slow: MakeSlow) -> None:
    slow = await make_slow("dsmr42", "gas,water,electricity")
    await slow.set_up()
    await slow.live_on()
    assert slow.used() == {FULL - HOUR: 0, **slow.measured(FULL, FULL + HOUR)}
    assert slow.used(slow.statistic("mbus_2", "water")) == {FULL - HOUR: 0, **slow.measured(FULL, FULL + HOUR, 1)}
    metadata = await get_instance(slow.house.hass).async_add_executor_job(get_metadata, slow.house.hass)
    assert {statistic for statistic in metadata if ":" in statistic} == {
        slow.statistic(),
        slow.statistic("mbus_2", "water"),
    }


async def test_a_meter_that_moves_keeps_its_statistic(make_slow: MakeSlow) -> None:
    slow = await make_slow("dsmr42", "gas,gas")
    await slow.set_up()
    await slow.live_on()
    builder = slow.house.builder
    one, two = builder.slots

    def booked(number: int, name: str, hours: int, first: int = 0) -> None:
        used = slow.used(slow.statistic(name))
        begin, end = FULL + first * HOUR, FULL + hours * HOUR
        assert used == {begin - HOUR: 0, **slow.measured(begin, end, number)}

    # They change places; what is known of them is stored, and so is whose hours are whose.
    builder.slots = (replace(two, channel=1), replace(one, channel=2))
    await slow.live_on()
    booked(1, "mbus_1", 2)
    booked(0, "mbus_2", 2)
    await slow.restart()
    await slow.live_on()
    booked(1, "mbus_1", 3)
    booked(0, "mbus_2", 3)
    # One that comes to a place whose name is taken has another.
    third = replace(one, channel=1, identifier="G00SIM777777777")
    builder.slots = (third, replace(one, channel=3), replace(two, channel=2))
    await slow.send(3)
    await slow.restart()
    await slow.live_on()
    booked(1, "mbus_1", 4)
    booked(2, "mbus_2", 4)
    booked(0, "mbus_1_2", 4, first=3)


async def test_of_a_heat_meter_the_energy_counts(make_slow: MakeSlow) -> None:
    slow = await make_slow("dsmr42", "gas")
    for minute, energy in ((0, 10), (1, 12)):
        time = f"26021817{minute:02d}00W"
        slow.house.builder.extra_lines = [
            "0-2:24.1.0(004)",
            "0-2:96.1.0(48303053494D303030303030303031)",
            f"0-2:24.2.1({time})({minute:08.3f}*m3)",
            f"0-2:24.2.5({time})({energy:08.3f}*kWh)",
        ]
    assert slow.house.builder.extra_lines
    await slow.set_up()
    await slow.send(3)
    slow.house.builder.extra_lines[2:] = [
        "0-2:24.2.1(260218190000W)(0003.000*m3)",
        "0-2:24.2.5(260218190000W)(0016.000*kWh)",
    ]
    await slow.live_on(2 * HOUR)
    assert list(slow.used(slow.statistic("mbus_2", "heating")).values()) == [
        0,
        pytest.approx(2, abs=0.1),
        pytest.approx(2, abs=0.1),
    ]


async def test_it_is_off_until_it_is_wanted_and_counts_from_then_on(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_slow: MakeSlow
) -> None:
    await over_rest(hass, hass_client)
    slow = await make_slow()
    slow.house.configure(options={})
    await slow.set_up()
    await slow.live_on()
    assert slow.rows() == []
    result = await choose(slow)
    assert set(fields(result)) == {CONF_ON, "true_hour_price_gas"}
    result = await choose(slow, {CONF_ON: True, "true_hour_price_gas": 1.25})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    since = slow.house.entry.options[CONF_TRUE_HOUR][CONF_SINCE]
    assert datetime.fromisoformat(since) >= slow.now
    assert slow.house.entry.options == {CONF_TRUE_HOUR: {CONF_SINCE: since, "true_hour_price_gas": 1.25}}
    await slow.send()
    await slow.restart()
    await slow.live_on()
    assert slow.used() == {FULL: 0, **slow.measured(FULL + HOUR, FULL + 2 * HOUR)}
    # A new price changes nothing else, and no price is none.
    await choose(slow, {CONF_ON: True})
    assert slow.house.entry.options == {CONF_TRUE_HOUR: {CONF_SINCE: since}}
    # What was used while it was off is in no hour.
    await choose(slow, {CONF_ON: False})
    assert slow.house.entry.options == {}
    await slow.send()
    for _ in range(2):
        await slow.live_on()
    before = slow.rows()
    await choose(slow, {CONF_ON: True})
    await slow.send()
    assert slow.rows()[-1]["sum"] == before[-1]["sum"]
    await slow.live_on()
    hour = next(iter(slow.measured(FULL + 4 * HOUR, FULL + 5 * HOUR).values()))
    assert slow.rows()[-1]["sum"] == pytest.approx(before[-1]["sum"] + hour)


async def test_every_meter_begins_with_its_own_reading(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_slow: MakeSlow
) -> None:
    await over_rest(hass, hass_client)
    slow = await make_slow()
    # Heat is read once a day, and was read in the morning.
    slow.house.builder.extra_lines = [
        "0-2:24.1.0(004)",
        "0-2:96.1.0(48303053494D303030303030303031)",
        "0-2:24.2.1(260218080000W)(0010.000*GJ)",
    ]
    await slow.set_up()
    await slow.live_on()
    await choose(slow, {CONF_ON: False})
    await slow.live_on(3 * HOUR)
    before = slow.rows()
    await choose(slow, {CONF_ON: True})
    await slow.send()
    await slow.live_on()
    hour = next(iter(slow.measured(FULL + 4 * HOUR, FULL + 5 * HOUR).values()))
    assert slow.rows()[-1]["sum"] == pytest.approx(before[-1]["sum"] + hour)


async def choose(slow: SlowHouse, *inputs: dict[str, Any]) -> Step:
    """Open the options at true hours and answer one step after the other."""
    result = await begin_options(slow.house.hass, slow.house.entry)
    for user_input in ({"next_step_id": "true_hour"}, *inputs):
        result = await answer(slow.house.hass, result, user_input)
        check_texts(result, "options")
    await slow.house.hass.async_block_till_done()
    return result


@pytest.mark.parametrize(
    ("model", "minutes", "kinds"),
    [
        ("dsmr42", 0, {"gas"}),
        ("dsmr22", 0, {"gas"}),
        ("dsmr5", 0, None),
        (hourly(), 0, {"gas"}),
        (hourly(), 45, None),
        ("dsmr5_none", 0, None),
    ],
)
async def test_it_is_offered_where_there_is_a_slow_meter(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    make_slow: MakeSlow,
    model: Model | str,
    minutes: int,
    kinds: set[str] | None,
) -> None:
    await over_rest(hass, hass_client)
    slow = await (make_slow("dsmr42", "") if model == "dsmr5_none" else make_slow(model))
    slow.house.configure(options={})
    await slow.set_up()
    await slow.live_on(timedelta(minutes=minutes))
    result = await choose(slow)
    if kinds is None:
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "true_hour_no_meter"
    else:
        assert set(fields(result)) == {CONF_ON, *(f"true_hour_price_{kind}" for kind in kinds)}


async def test_a_meter_whose_readings_have_no_time_is_not_offered(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_slow: MakeSlow
) -> None:
    await over_rest(hass, hass_client)
    slow = await make_slow(hourly())
    slow.house.configure(options={})
    builder = slow.house.builder
    timeless = builder.finish(re.sub(rb"(0-1:24\.2\.1)\(\w+\)", rb"\1(632525252525W)", builder.body()))
    slow.calendar.move_to(slow.now)
    await slow.house.set_up(timeless)
    await slow.house.send(timeless)
    assert slow.house.value("mbus_1", "m3meter_value") == str(slow.read_at(FULL))
    assert (await choose(slow))["reason"] == "true_hour_no_meter"


async def test_it_can_be_switched_off_whatever_there_is(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_slow: MakeSlow
) -> None:
    await over_rest(hass, hass_client)
    slow = await make_slow()
    slow.house.configure(options=options(gas=1.25))
    await slow.set_up()
    assert await hass.config_entries.async_unload(slow.house.entry.entry_id)
    assert set(fields(await choose(slow))) == {CONF_ON, "true_hour_price_gas"}
    await choose(slow, {CONF_ON: False})
    assert slow.house.entry.options == {}
    assert (await choose(slow))["reason"] == "no_meters"


async def test_there_are_no_statistics_without_a_recorder(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse
) -> None:
    await over_rest(hass, hass_client)
    house = await make_house("dsmr42")
    house.configure(options=options())
    await house.set_up()
    await house.send()
    result = await choose(SlowHouse(house, Calendar()))
    assert result["reason"] == "true_hour_no_recorder"
