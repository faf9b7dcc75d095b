"""A replaced meter, and the statistics of use and costs: they have what was used, at its price, in every row."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.recorder.core import Recorder
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import CONF_DECRYPTION_KEY
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.replacing import (
    EVERY_TELEGRAM,
    EXPORT,
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

    def attach(self, share: float) -> None:
        """Let a technician come; what the old meter has counted until then is shown."""
        self.used_before = self.value() - float(self.book.rows()[0]["state"])
        begins_at = share * self.value()
        if self.slot == "electricity":
            # In two tariffs.
            self.house.builder.household.replace_meter(round(begins_at * 500))
            another_main_meter(self.house)
        else:
            another_gas_meter(self.house, round(begins_at * 1000))

    async def get_another_meter(self, share: float) -> None:
        self.attach(share)
        await send(self.house, 3)
        self.begins_at = self.value()
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

    def check_rows(self, total: float) -> None:
        """Find no more in the statistics than was used, in the end and in no row between."""
        for entity_id, price in ((self.energy, 1), (self.costs, PRICE)):
            rows = self.book.rows(entity_id=entity_id)
            assert rows[-1]["sum"] == pytest.approx(total * price, abs=1e-6)
            for before, after in pairwise(row["sum"] for row in rows):
                assert after >= before - 1e-6
            for hour in self.book.rows("hour", entity_id):
                last = [row for row in rows if row["end"] <= hour["end"]][-1]
                assert hour["sum"] == pytest.approx(last["sum"], abs=1e-6)

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
    await owner.live_on()
    await owner.answer()
    await owner.live_on(1)
    owner.check_use()
    owner.check_costs()


@LOWER_AND_HIGHER
async def test_a_price_that_an_entity_tells(owner: Owner, share: float) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, "0.25", {"unit_of_measurement": "EUR/m³"})
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.book.compile()
    await owner.get_another_meter(share)
    owner.hass.states.async_set(PRICE_ENTITY, "0.5", {"unit_of_measurement": "EUR/m³"})
    await owner.live_on()
    owner.check_use()
    total = owner.book.rows(entity_id=owner.costs)[-1]["sum"]
    assert total == pytest.approx(owner.used_before * 0.25 + (owner.book.total() - owner.used_before) * 0.5, abs=1e-6)


@LOWER_AND_HIGHER
async def test_a_price_that_comes_later(owner: Owner, share: float) -> None:
    """The sensor of costs books the step then, together with what was used since."""
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    await owner.book.compile()
    owner.hass.states.async_set(PRICE_ENTITY, STATE_UNAVAILABLE)
    await owner.get_another_meter(share)
    await owner.answer()
    for _ in range(3):
        await owner.book.compile()
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    owner.house.pass_time(7200)
    await owner.live_on()
    owner.check_use()
    uses, costs = owner.book.rows(), owner.book.rows(entity_id=owner.costs)
    assert costs[-1]["sum"] == pytest.approx(uses[-1]["sum"] * PRICE, abs=1e-6)
    assert [row["sum"] for row in costs] == sorted(row["sum"] for row in costs)


@LOWER_AND_HIGHER
@pytest.mark.parametrize("is_believed", [False, True], ids=["before it is believed", "after"])
async def test_a_restart_in_the_middle(owner: Owner, share: float, *, is_believed: bool) -> None:
    """Entities show nothing then: what the old meter showed last is looked up in the recorder."""
    await owner.start(GAS)
    await owner.book.compile()
    owner.attach(share)
    if is_believed:
        await send(owner.house, 3)
        owner.begins_at = owner.value()
    await owner.house.reload(owner.house.builder.telegram())
    assert is_believed or owner.house.value(*GAS) == STATE_UNKNOWN
    await send(owner.house, 3)
    if not is_believed:
        owner.begins_at = owner.value()
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


@pytest.mark.parametrize("is_disabled", [True, False], ids=["disabled", "failing"])
async def test_a_register_that_is_renamed_while_its_port_is_not_loaded(owner: Owner, *, is_disabled: bool) -> None:
    await owner.start(GAS)
    await owner.book.compile()
    await owner.get_another_meter(3)
    entry, entries = owner.house.entry, owner.hass.config_entries
    working = dict(entry.data)
    if is_disabled:
        await entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    else:
        entries.async_update_entry(entry, data={**working, CONF_DECRYPTION_KEY: "no key"})
        await entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_ERROR
    er.async_get(owner.hass).async_update_entity(owner.energy, new_entity_id="sensor.our_gas")
    owner.energy = owner.book.entity_id = "sensor.our_gas"
    if is_disabled:
        await entries.async_set_disabled_by(entry.entry_id, None)
    else:
        entries.async_update_entry(entry, data=working)
        await owner.house.reload()
    await owner.hass.async_block_till_done()
    await send(owner.house, 3)
    await owner.live_on()
    owner.check_use()


@LOWER_AND_HIGHER
@pytest.mark.parametrize("compiled", [0, 2])
async def test_what_an_additional_meter_has_added_is_taken_out(owner: Owner, share: float, compiled: int) -> None:
    await owner.start(GAS)
    await owner.book.compile()
    await owner.get_another_meter(share)
    for _ in range(compiled):
        await owner.book.compile()
    owner.house.pass_time(3600)
    await owner.house.send()
    await owner.answer("additional")
    await owner.live_on(4)
    owner.check_rows(owner.used_before)


@LOWER_AND_HIGHER
@pytest.mark.parametrize("compiled", [0, 2])
async def test_the_old_meter_comes_back(owner: Owner, share: float, compiled: int) -> None:
    """Its own register tells what was used meanwhile."""
    await owner.start(GAS)
    await owner.book.compile()
    old = owner.house.builder.slots
    began = float(owner.book.rows()[0]["state"])
    await owner.get_another_meter(share)
    for _ in range(compiled):
        await owner.book.compile()
    owner.house.builder.slots = old
    owner.house.pass_time(3600)
    await send(owner.house, 3)
    assert issue(owner.house, "mbus_1") is None
    await owner.live_on()
    owner.check_costs()
    owner.check_rows(owner.value() - began)


@pytest.mark.parametrize("compiled", [0, 2])
async def test_a_mistake_puts_the_step_back(owner: Owner, compiled: int) -> None:
    await owner.start(GAS)
    await owner.book.compile()
    began = float(owner.book.rows()[0]["state"])
    (slot,) = owner.house.builder.slots
    owner.house.builder.slots = (replace(slot, identifier=slot.identifier[:-1] + "9"),)
    owner.house.pass_time(7200)
    await send(owner.house, 3)
    for _ in range(compiled):
        await owner.book.compile()
    await owner.answer("mistake")
    await owner.live_on()
    owner.check_costs()
    owner.check_rows(owner.value() - began)
    await owner.live_on(1)
    assert issue(owner.house, "mbus_1") is None


async def test_a_third_meter_while_the_owner_is_asked(owner: Owner) -> None:
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    await owner.start(GAS, {"entity": PRICE_ENTITY})
    owner.hass.states.async_set(PRICE_ENTITY, STATE_UNAVAILABLE)
    await owner.get_another_meter(3)
    await owner.book.compile()
    used_before, used_between = owner.used_before, owner.value() - owner.begins_at
    await owner.get_another_meter(0.5)
    owner.used_before = used_before + used_between
    await owner.book.compile()
    owner.hass.states.async_set(PRICE_ENTITY, str(PRICE))
    owner.house.pass_time(7200)
    await owner.live_on()
    owner.check_use()
    total = owner.book.rows(entity_id=owner.costs)[-1]["sum"]
    assert total == pytest.approx(owner.book.total() * PRICE, abs=1e-6)
    await owner.answer("additional")
    await owner.live_on(4)
    assert owner.book.total() == pytest.approx(used_before, abs=1e-6)


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
    await owner.answer()
    await eventually(lambda: owner.house.entry.state is ConfigEntryState.LOADED and owner.house.is_listening)
    await send(owner.house, 2)
    assert owner.house.entity_id(*owner.register) == owner.energy
    owner.begins_at = owner.value()
    await owner.live_on()
    owner.check_use()
    owner.check_costs()


# What an earlier version stored: it held registers back until the owner answered, and the recorder was ready.


@LOWER_AND_HIGHER
@pytest.mark.parametrize("is_answered", [False, True], ids=["asked", "answered"])
async def test_a_change_that_an_earlier_version_stored(
    owner: Owner, hass_storage: dict[str, Any], share: float, *, is_answered: bool
) -> None:
    await owner.start(GAS)
    await owner.book.compile()
    entry_id = owner.house.entry.entry_id
    owner.attach(share)
    (slot,) = owner.house.builder.slots
    assert await owner.hass.config_entries.async_unload(entry_id)
    stored = hass_storage[f"dsmr_p1.{entry_id}"]["data"]
    change = {
        "slot": "mbus_1", "identifier": slot.identifier, "since": NOW.isoformat(), "registers": {}, "is_asked": True,
        "is_replacement": is_answered, "answered": None, "before": None,
    }  # fmt: skip
    noise = {**change, "identifier": "noise", "is_asked": False, "is_replacement": False, "before": change}
    stored["replaced"] = {
        "changes": [noise if is_answered else change], "quiet": {}, "arrivals": {}, "asked": [], "buried": {},
    }  # fmt: skip
    if is_answered:
        [gas] = [meter for meter in stored["meters"] if meter["slot"] == "mbus_1"]
        gas["equipment_identifier"] = slot.identifier
    assert await owner.hass.config_entries.async_setup(entry_id)
    await eventually(lambda: owner.house.is_listening)
    await send(owner.house, 4)
    owner.begins_at = owner.value()
    assert (issue(owner.house, "mbus_1") is None) == is_answered
    await owner.live_on()
    owner.check_use()
    owner.check_costs()
