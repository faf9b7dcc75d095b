"""A replaced meter, and the costs that Home Assistant works out: its statistics have what was used, at its price."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from threading import Event
from typing import Any, override

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import import_statistics
from homeassistant.components.recorder.tasks import RecorderTask, StatisticsTask
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.meters import recorded
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.replacing import (
    EVERY_TELEGRAM,
    GAS,
    NOW,
    TOTAL,
    Book,
    Calendar,
    another_gas_meter,
    another_main_meter,
    answer,
    issue,
    let_gas_meter_die,
    send,
)

EXPORT = ("electricity", "energy_export_total")
PRICE = 0.25
PRICE_ENTITY = "sensor.price"
LOWER_AND_HIGHER = pytest.mark.parametrize("share", [0, 0.5, 0.95, 3], ids=["zero", "lower", "a bit lower", "higher"])
"""What the new register shows first, as a share of what the old one showed last. Below 0.9 it counts as begun anew."""


@pytest.fixture(autouse=True)
async def _energy(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "repairs", {})
    assert await async_setup_component(hass, "energy", {})


class Owner:
    """Somebody who has entered prices, and gets another meter."""

    def __init__(self, house: House, client: ClientSessionGenerator, calendar: Calendar) -> None:
        self.house = house
        self.hass = house.hass
        self._client = client
        self._calendar = calendar

    async def start(self, register: tuple[str, str], prices: dict[str, Any] | None = None) -> None:
        """Set the meters up, and the energy dashboard; and let the recorder sum up what they show."""
        await self.house.set_up()
        self.register = register
        self.energy = self.entity_id(register)
        self.costs = f"{self.energy}_{'compensation' if register is EXPORT else 'cost'}"
        self.book = Book(self.house, self._calendar, self.energy)
        await self.enter({"number": PRICE} if prices is None else prices)
        await self.book.compile()

    def entity_id(self, register: tuple[str, str]) -> str:
        entity_id = self.house.entity_id(*register)
        assert entity_id is not None
        return entity_id

    async def enter(self, price: dict[str, Any]) -> None:
        """Enter prices on the energy dashboard: fixed ones, or from an entity; without any, there are no costs."""
        fixed, told = price.get("number"), price.get("entity")
        grid: Any = {
            "type": "grid",
            "stat_energy_from": self.entity_id(TOTAL),
            "stat_energy_to": self.entity_id(EXPORT),
            "stat_cost": None,
            "stat_compensation": None,
            "entity_energy_price": told,
            "number_energy_price": fixed,
            "entity_energy_price_export": told,
            "number_energy_price_export": fixed,
            "cost_adjustment_day": 0.0,
        }
        gas: Any = {
            "type": "gas",
            "stat_energy_from": self.entity_id(GAS),
            "stat_cost": None,
            "entity_energy_price": told,
            "number_energy_price": fixed,
        }
        manager = await async_get_manager(self.hass)
        preferences: Any = {"energy_sources": [grid, gas] if price else []}
        await manager.async_update(preferences)
        await self.hass.async_block_till_done()

    @property
    def slot(self) -> str:
        return self.register[0]

    def value(self) -> float:
        return float(self.house.value(*self.register))

    async def get_another_meter(self, share: float) -> None:
        """Let a technician come; what the old meter has counted until then is shown."""
        self.used_before = self.value() - float(self.book.rows()[0]["state"])
        self.begins_at = share * self.value()
        if self.slot == "electricity":
            # In two tariffs.
            self.house.builder.household.replace_meter(round(self.begins_at * 500))
            another_main_meter(self.house)
        else:
            another_gas_meter(self.house, round(self.begins_at * 1000))
        await send(self.house, 3)
        assert issue(self.house, self.slot) is not None

    async def answer(self, choice: str = "replacement") -> None:
        await answer(self._client, self.house, choice, self.slot)

    async def live_on(self, times: int = 5) -> None:
        for _ in range(times):
            await self.book.compile()
        await self.book.compile(send=False)

    def check_use(self) -> None:
        """Find no more use in the statistics than there was."""
        used = self.used_before + self.value() - self.begins_at
        assert self.book.total() == pytest.approx(used, abs=0.01)
        assert 0.01 < used < 20

    def check_costs(self, price: float = PRICE) -> None:
        """Find in the statistics of costs what is in those of use, at its price, in every row."""
        for period in ("5minute", "hour"):
            uses = {row["start"]: row["sum"] for row in self.book.rows(period)}
            costs = {row["start"]: row["sum"] for row in self.book.rows(period, self.costs)}
            assert len(uses.keys() & costs.keys()) >= (4 if period == "5minute" else 1)
            assert max(costs) == max(uses)
            for start in uses.keys() & costs.keys():
                assert costs[start] == pytest.approx(uses[start] * price, abs=1e-6), (period, start)
            for before, after in pairwise(costs[start] for start in sorted(costs)):
                assert after >= before - 1e-6


@pytest.fixture
async def owner(make_house: MakeHouse, hass_client: ClientSessionGenerator, calendar: Calendar) -> Owner:
    house = await make_house("dsmr5", "gas", solar_peak=5000)
    house.configure(options=EVERY_TELEGRAM)
    return Owner(house, hass_client, calendar)


@LOWER_AND_HIGHER
@pytest.mark.parametrize(("register", "hour"), [(TOTAL, 0), (EXPORT, 19), (GAS, 0)], ids=["import", "export", "gas"])
@pytest.mark.parametrize("compiled", [1, 2, 3], ids=["in the hour", "last in the hour", "with the hour"])
async def test_costs_are_those_of_the_use(
    owner: Owner, register: tuple[str, str], hour: int, share: float, compiled: int
) -> None:
    owner.house.pass_time(3600 * hour)
    await owner.start(register)
    for _ in range(compiled - 1):
        await owner.book.compile()
    await owner.get_another_meter(share)
    await owner.answer()
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


@LOWER_AND_HIGHER
async def test_a_price_that_an_entity_tells(owner: Owner, share: float) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, "0.25", {"unit_of_measurement": "EUR/m³"})
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.book.compile()
    await owner.get_another_meter(share)
    owner.hass.states.async_set(PRICE_ENTITY, "0.5", {"unit_of_measurement": "EUR/m³"})
    await owner.answer()
    await owner.live_on()
    owner.check_use()
    total = owner.book.rows(entity_id=owner.costs)[-1]["sum"]
    assert total == pytest.approx(owner.used_before * 0.25 + (owner.book.total() - owner.used_before) * 0.5, abs=0.002)


@LOWER_AND_HIGHER
async def test_registers_wait_for_a_price_that_is_not_known(owner: Owner, share: float) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.get_another_meter(share)
    owner.hass.states.async_set(PRICE_ENTITY, STATE_UNAVAILABLE)
    await owner.answer()
    for _ in range(3):
        await owner.book.compile()
        assert owner.house.value(*GAS) == STATE_UNKNOWN
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.house.send()
    assert owner.house.value(*GAS) != STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


async def test_no_price_is_waited_for_longer_than_a_day(owner: Owner, calendar: Calendar) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.get_another_meter(0)
    owner.hass.states.async_remove(PRICE_ENTITY)
    await owner.answer()
    await owner.book.compile()
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    calendar.tick(timedelta(days=1, minutes=1))
    await owner.house.send()
    assert owner.house.value(*GAS) != STATE_UNKNOWN


@LOWER_AND_HIGHER
async def test_a_restart_between_the_answer_and_the_next_sum(owner: Owner, share: float) -> None:
    """What costs are restored with, where they are, is what the old meter showed."""
    await owner.start(GAS)
    await owner.get_another_meter(share)
    await owner.answer()
    owner.hass.set_state(CoreState.stopping)
    await owner.enter({})
    owner.hass.set_state(CoreState.running)
    await owner.enter({"number": PRICE})
    await owner.house.reload(owner.house.builder.telegram())
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


@LOWER_AND_HIGHER
async def test_costs_whose_last_state_is_purged(owner: Owner, share: float) -> None:
    """A gas meter of which nothing was used for long is replaced in summer."""
    await owner.start(GAS)
    await owner.book.compile()
    await owner.get_another_meter(share)
    await owner.answer()
    await async_wait_recording_done(owner.hass)
    purged = {"entity_id": [owner.costs], "keep_days": 0}
    await owner.hass.services.async_call("recorder", "purge_entities", purged, blocking=True)
    await async_wait_recording_done(owner.hass)
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


@LOWER_AND_HIGHER
async def test_a_price_that_is_entered_while_registers_are_held_back(owner: Owner, share: float) -> None:
    await owner.start(GAS, {})
    await owner.get_another_meter(share)
    await owner.enter({"number": PRICE})
    await owner.answer()
    await owner.live_on()
    owner.check_use()
    total = owner.book.rows(entity_id=owner.costs)[-1]["sum"]
    assert total == pytest.approx((owner.book.total() - owner.used_before) * PRICE, abs=0.002)


@LOWER_AND_HIGHER
@pytest.mark.parametrize("compiled", [0, 1])
async def test_nobody_answers(owner: Owner, calendar: Calendar, share: float, compiled: int) -> None:
    await owner.start(GAS)
    await owner.get_another_meter(share)
    for _ in range(compiled):
        await owner.book.compile()
    owner.book.start += timedelta(days=1)
    calendar.move_to(owner.book.start + timedelta(minutes=1))
    await send(owner.house, 2)
    assert issue(owner.house, "mbus_1", "adopted") is not None
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


async def test_a_meter_that_goes_on_as_the_dead_one_beside_it(owner: Owner) -> None:
    await owner.start(GAS)
    await owner.book.compile()
    owner.used_before = owner.value() - float(owner.book.rows()[0]["state"])
    let_gas_meter_die(owner.house)
    await owner.house.send()
    owner.house.pass_time(8 * 86_400)
    await send(owner.house, 3)
    await owner.book.compile()
    owner.register = ("mbus_2", GAS[1])
    owner.begins_at = owner.value()
    await owner.answer()
    await eventually(lambda: owner.house.entry.state is ConfigEntryState.LOADED and owner.house.is_listening)
    await send(owner.house, 2)
    assert owner.house.entity_id(*owner.register) == owner.energy
    assert owner.house.value(*owner.register) == STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


async def test_a_port_that_is_silent_when_the_recorder_is_ready(owner: Owner) -> None:
    await owner.start(GAS)
    await owner.get_another_meter(3)
    await owner.answer()
    for _ in range(3):
        await owner.book.compile(send=False)
    owner.house.coordinator.port.display.set_unavailable()
    assert owner.house.value(*GAS) == STATE_UNAVAILABLE
    await owner.house.send()
    await owner.live_on()
    owner.check_use()
    owner.check_costs()
    assert owner.book.start > NOW + timedelta(minutes=30)


# What comes in between.


@LOWER_AND_HIGHER
@pytest.mark.parametrize("before", range(5), ids=lambda number: f"after {number} sums")
async def test_five_minutes_that_are_over_and_not_summed_up(
    owner: Owner, calendar: Calendar, share: float, before: int
) -> None:
    """The recorder sums up ten seconds later, once behind the end of an hour; the answer and a telegram come before."""
    await owner.start(GAS)
    await owner.get_another_meter(share)
    for _ in range(before):
        await owner.book.compile()
    await async_wait_recording_done(owner.hass)
    calendar.move_to(owner.book.start + timedelta(minutes=5, seconds=3))
    await owner.answer()
    for _ in range(3):
        await async_wait_recording_done(owner.hass)
        await owner.hass.async_block_till_done()
        await owner.house.send()
        assert owner.house.value(*GAS) == STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


@dataclass(slots=True)
class Busy(RecorderTask):
    """What keeps the recorder from anything else, until it is told to go on."""

    go_on: Event

    @override
    def run(self, instance: Recorder) -> None:
        assert self.go_on.wait(20)


@LOWER_AND_HIGHER
async def test_a_recorder_that_is_busy_until_the_next_sum(owner: Owner, calendar: Calendar, share: float) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.get_another_meter(share)
    owner.hass.states.async_set(PRICE_ENTITY, STATE_UNAVAILABLE)
    await owner.answer()
    await owner.book.compile()
    await async_wait_recording_done(owner.hass)
    busy = Busy(Event())
    get_instance(owner.hass).queue_task(busy)
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.house.send()
    assert owner.house.value(*GAS) != STATE_UNKNOWN
    calendar.move_to(owner.book.start + timedelta(minutes=5, seconds=10))
    get_instance(owner.hass).queue_task(StatisticsTask(owner.book.start, fire_events=True))
    busy.go_on.set()
    await async_wait_recording_done(owner.hass)
    await owner.hass.async_block_till_done()
    owner.book.start += timedelta(minutes=5)
    owner.house.pass_time(300)
    await owner.house.send()
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


@LOWER_AND_HIGHER
async def test_a_database_that_is_busy(owner: Owner, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """What the recorder does about a database that is locked is not to do it, and to say so."""
    tried: list[str] = []

    def import_if_not_busy(*arguments: Any) -> bool:
        statistic_id = arguments[1]["statistic_id"]
        tried.append(statistic_id)
        return tried.count(statistic_id) % 3 == 0 and import_statistics(*arguments)

    monkeypatch.setattr(recorded, "import_statistics", import_if_not_busy)
    await owner.start(GAS)
    await owner.get_another_meter(share)
    await owner.answer()
    await owner.live_on()
    owner.check_use()
    owner.check_costs()
    assert tried.count(owner.energy) == 3
    # A register that begins at zero costs nothing.
    assert tried.count(owner.costs) == (3 if share else 0)


@pytest.mark.parametrize("is_restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("telegrams", [1, 3], ids=["noise", "a mistake"])
async def test_yet_another_identifier_after_the_answer(owner: Owner, telegrams: int, is_restarted: bool) -> None:
    await owner.start(GAS)
    await owner.get_another_meter(3)
    await owner.answer()
    new = owner.house.builder.slots
    another_gas_meter(owner.house, 0)
    await send(owner.house, telegrams)
    if telegrams > 1:
        assert issue(owner.house, "mbus_1") is not None
        await owner.answer("mistake")
    if is_restarted:
        await owner.house.reload(owner.house.builder.telegram())
    owner.house.builder.slots = new
    await send(owner.house, 2)
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


async def test_a_meter_that_is_replaced_and_comes_back(owner: Owner) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.get_another_meter(3)
    first = owner.house.builder.slots
    owner.hass.states.async_set(PRICE_ENTITY, STATE_UNAVAILABLE)
    await owner.answer()
    await owner.book.compile()
    another_gas_meter(owner.house, 50_000)
    await send(owner.house, 3)
    await owner.answer()
    await owner.book.compile()
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.house.send()
    assert owner.house.value(*GAS) != STATE_UNKNOWN
    await owner.book.compile()
    owner.house.builder.slots = first
    await send(owner.house, 3)
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    await owner.answer()
    await owner.house.send()
    await owner.live_on()
    assert 0 <= owner.book.total() < 3
    total = owner.book.rows(entity_id=owner.costs)[-1]["sum"]
    assert total == pytest.approx(owner.book.total() * PRICE, abs=1e-6)


async def test_nothing_is_shown_while_home_assistant_stops(owner: Owner) -> None:
    await owner.start(GAS)
    await owner.get_another_meter(3)
    await owner.answer()
    owner.hass.set_state(CoreState.stopping)
    await owner.book.compile()
    await send(owner.house, 2)
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    owner.hass.set_state(CoreState.running)
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


async def test_a_price_that_never_comes_and_a_start_every_day(owner: Owner, calendar: Calendar) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.get_another_meter(0)
    owner.hass.states.async_remove(PRICE_ENTITY)
    await owner.answer()
    for _ in range(2):
        await owner.book.compile()
        assert owner.house.value(*GAS) == STATE_UNKNOWN
        owner.book.start += timedelta(hours=14)
        calendar.move_to(owner.book.start + timedelta(seconds=30))
        await owner.house.reload(owner.house.builder.telegram())
        await send(owner.house, 2)
        assert owner.house.value(*GAS) == STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()


@LOWER_AND_HIGHER
@pytest.mark.parametrize("is_old", [False, True], ids=["this version", "the version before"])
async def test_home_assistant_is_off_for_more_than_a_day_after_the_answer(
    owner: Owner, calendar: Calendar, share: float, is_old: bool
) -> None:
    await owner.start(GAS)
    await owner.get_another_meter(share)
    await owner.answer()
    if is_old:
        # What the version before wrote does not tell when it was answered.
        changes = owner.house.coordinator.port.record.replaced.changes
        changes["mbus_1"] = replace(changes["mbus_1"], answered=None)
        owner.house.coordinator.port.save()
    owner.book.start += timedelta(hours=25)
    calendar.move_to(owner.book.start + timedelta(seconds=30))
    await owner.house.reload(owner.house.builder.telegram())
    await send(owner.house, 2)
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


async def test_a_recorder_that_sums_up_nothing_is_not_waited_for_for_ever(owner: Owner, calendar: Calendar) -> None:
    await owner.start(GAS)
    await owner.get_another_meter(3)
    await owner.answer()
    calendar.tick(timedelta(hours=5, minutes=59))
    await send(owner.house, 2)
    assert owner.house.value(*GAS) == STATE_UNKNOWN
    calendar.tick(timedelta(minutes=2))
    await send(owner.house, 2)
    assert owner.house.value(*GAS) != STATE_UNKNOWN
