"""Corrections of statistics: exact in every row, whenever they are known, and made once."""

from dataclasses import dataclass
from datetime import timedelta
from threading import Event as ThreadEvent
from typing import Any, override

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done

from custom_components.dsmr_p1.const import DOMAIN
from custom_components.dsmr_p1.sums.corrections import EVENT_COMPILED, REQUESTED
from tests.ha.house import MakeHouse, eventually
from tests.ha.replacing import KWH, REGISTER, Calendar, Ledger


@pytest.fixture
async def ledger(recorder_mock: Recorder, make_house: MakeHouse, calendar: Calendar) -> Ledger:
    house = await make_house("dsmr5")
    await house.set_up()
    ledger = Ledger(house, calendar)
    ledger.show(1000)
    await ledger.compile()
    return ledger


@pytest.mark.parametrize("value", [0, 500, 950, 3000], ids=["zero", "lower", "a bit lower", "higher"])
@pytest.mark.parametrize("delay", [0, 1, 4], ids=["at once", "one sum later", "an hour later"])
async def test_an_amount_is_taken_out_of_every_row(ledger: Ledger, value: float, delay: int) -> None:
    ledger.show(1001)
    ledger.show(value)
    instant = ledger.book.calendar.utcnow()
    ledger.show(value + 2)
    await ledger.compile(delay)
    ledger.corrections.async_add(REGISTER, value if value < 900 else value - 1001, "kWh", instant)
    await ledger.compile(max(1, 5 - delay))
    assert ledger.sums() == pytest.approx([0, *[3] * (len(ledger.sums()) - 1)], abs=1e-9)
    assert ledger.sums("hour")[-1] == pytest.approx(3, abs=1e-9)
    await ledger.compile()
    assert not ledger.pending


async def test_an_amount_is_converted_to_the_unit_of_the_statistic(ledger: Ledger) -> None:
    ledger.show(3000)
    ledger.corrections.async_add(REGISTER, 2_000_000, "Wh")
    await ledger.compile(2)
    assert ledger.sums() == pytest.approx([0, 0, 0], abs=1e-9)


async def test_an_amount_without_unit_is_taken_out(ledger: Ledger, hass: HomeAssistant) -> None:
    counter, counted = "sensor.counter", {"state_class": "total_increasing"}
    hass.states.async_set(counter, "5", counted)
    await ledger.compile()
    hass.states.async_set(counter, "99999", counted)
    ledger.corrections.async_add(counter, 99994, None)
    await ledger.compile(2)
    assert [row["sum"] for row in ledger.book.rows(entity_id=counter)] == pytest.approx([0, 0, 0])


async def test_an_amount_is_taken_back_by_the_opposite(ledger: Ledger) -> None:
    ledger.show(3000)
    instant = ledger.book.calendar.utcnow()
    ledger.corrections.async_add(REGISTER, 2000, "kWh")
    await ledger.compile(2)
    ledger.corrections.async_add(REGISTER, -2000, "kWh", instant)
    await ledger.compile(2)
    assert ledger.sums() == pytest.approx([0, 2000, 2000, 2000, 2000], abs=1e-9)
    # And both at once: one after the other.
    ledger.show(4000)
    for amount in (1000, -1000, 1000):
        ledger.corrections.async_add(REGISTER, amount, "kWh")
    await ledger.compile(6)
    assert not ledger.pending
    assert ledger.sums()[5:] == pytest.approx([2000] * 6, abs=1e-9)


@pytest.mark.parametrize("is_made", [False, True], ids=["before", "after"])
async def test_a_crash_before_or_after_the_recorder_has_made_it(
    ledger: Ledger, hass: HomeAssistant, hass_storage: dict[str, Any], *, is_made: bool
) -> None:
    """What is stored then says that the recorder was asked; whether it did so is seen in the row."""
    ledger.show(3001)
    ledger.corrections.async_add(REGISTER, 2000, "kWh")
    await ledger.compile()
    assert ledger.sums() == pytest.approx([0, 1], abs=1e-9)
    [stored] = hass_storage[f"{DOMAIN}.{ledger.house.entry.entry_id}"]["data"]["corrections"]
    if not is_made:
        get_instance(hass).async_adjust_statistics(REGISTER, ledger.pending[0].start, 2000, "kWh")
    assert stored["found"] == pytest.approx(2001)
    hass.data.pop(REQUESTED)
    await ledger.house.reload()
    await ledger.compile(2)
    assert ledger.sums() == pytest.approx([0, 1, 1, 1], abs=1e-9)
    assert not ledger.pending


@dataclass(slots=True)
class Busy(RecorderTask):
    """What keeps the recorder from anything else, until it is told to go on."""

    go_on: ThreadEvent

    @override
    def run(self, instance: Recorder) -> None:
        assert self.go_on.wait(20)


async def test_a_recorder_that_is_slow_is_asked_once(ledger: Ledger, hass: HomeAssistant) -> None:
    ledger.show(3001)
    await ledger.compile()
    ledger.corrections.async_add(REGISTER, 2000, "kWh", ledger.book.calendar.utcnow() - timedelta(minutes=5))
    busy = Busy(ThreadEvent())
    get_instance(hass).queue_task(busy)
    for _ in range(3):
        hass.bus.async_fire(EVENT_COMPILED)
        await hass.async_block_till_done()
    busy.go_on.set()
    await ledger.compile(2)
    assert ledger.sums() == pytest.approx([0, 1, 1, 1], abs=1e-9)


async def test_five_minutes_without_a_sum_are_waited_for_but_not_for_ever(ledger: Ledger) -> None:
    ledger.corrections.async_add("sensor.nobody_records", 5, "kWh")
    await ledger.compile(2)
    assert len(ledger.pending) == 1
    ledger.book.start += timedelta(days=10)
    await ledger.compile()
    assert not ledger.pending


async def test_what_is_no_amount_is_not_corrected(ledger: Ledger) -> None:
    ledger.corrections.async_add(REGISTER, 1e-9, "kWh")
    assert not ledger.pending


@pytest.mark.parametrize("is_asked", [False, True], ids=["waits", "asked for"])
async def test_a_correction_follows_an_entity_that_is_renamed(
    ledger: Ledger, hass: HomeAssistant, *, is_asked: bool
) -> None:
    entities = er.async_get(hass)
    hass.states.async_remove(REGISTER)
    entity = entities.async_get_or_create("sensor", "meter", "register", suggested_object_id="register")
    assert entity.entity_id == REGISTER
    ledger.show(3001)
    ledger.corrections.async_add(REGISTER, 2000, "kWh")
    if is_asked:
        await ledger.compile()
    entities.async_update_entity(REGISTER, new_entity_id="sensor.renamed")
    await hass.async_block_till_done()
    await async_wait_recording_done(hass)
    hass.states.async_remove(REGISTER)
    hass.states.async_set("sensor.renamed", "3001", KWH)
    await ledger.compile(3)
    rows = [row["sum"] for row in ledger.book.rows(entity_id="sensor.renamed")]
    assert rows == pytest.approx([0, *[1] * (len(rows) - 1)], abs=1e-9)
    assert not ledger.pending


@pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "not loaded"])
@pytest.mark.parametrize("name", [REGISTER, "sensor.renamed"], ids=["and back", "renamed"])
async def test_an_entity_is_renamed_while_the_recorder_works_on_its_correction(
    ledger: Ledger, hass: HomeAssistant, name: str, *, is_loaded: bool
) -> None:
    """The recorder is asked once, also where the entry is loaded anew before it has done so."""
    entities = er.async_get(hass)
    hass.states.async_remove(REGISTER)
    entities.async_get_or_create("sensor", "meter", "register", suggested_object_id="register")
    ledger.show(3001)
    await ledger.compile()
    ledger.corrections.async_add(REGISTER, 2000, "kWh", ledger.book.calendar.utcnow() - timedelta(minutes=5))
    busy = Busy(ThreadEvent())
    get_instance(hass).queue_task(busy)
    hass.bus.async_fire(EVENT_COMPILED)
    await hass.async_block_till_done()
    if not is_loaded:
        assert await hass.config_entries.async_unload(ledger.house.entry.entry_id)
    hass.states.async_remove(REGISTER)
    entities.async_update_entity(REGISTER, new_entity_id="sensor.renamed")
    if name == REGISTER:
        entities.async_update_entity("sensor.renamed", new_entity_id=REGISTER)
    await hass.async_block_till_done()
    if not is_loaded:
        assert await hass.config_entries.async_setup(ledger.house.entry.entry_id)
        await eventually(lambda: ledger.house.is_listening)
    for _ in range(3):
        hass.bus.async_fire(EVENT_COMPILED)
        await hass.async_block_till_done()
    busy.go_on.set()
    await async_wait_recording_done(hass)
    hass.states.async_set(name, "3001", KWH)
    await ledger.compile(3)
    rows = [row["sum"] for row in ledger.book.rows(entity_id=name)]
    assert rows == pytest.approx([0, *[1] * (len(rows) - 1)], abs=1e-9)
    assert not ledger.pending


async def test_a_correction_is_made_of_an_entity_that_was_deleted_while_nothing_was_loaded(
    ledger: Ledger, hass: HomeAssistant
) -> None:
    """Its statistics are still there, and on the dashboard."""
    entities = er.async_get(hass)
    hass.states.async_remove(REGISTER)
    entities.async_get_or_create("sensor", "meter", "register", suggested_object_id="register")
    ledger.show(3001)
    ledger.corrections.async_add(REGISTER, 2000, "kWh")
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(ledger.house.entry.entry_id)
    entities.async_remove(REGISTER)
    await ledger.compile()
    assert await hass.config_entries.async_setup(ledger.house.entry.entry_id)
    await ledger.compile(2)
    assert ledger.sums() == pytest.approx([0, 1, 1, 1], abs=1e-9)
    assert not ledger.pending
