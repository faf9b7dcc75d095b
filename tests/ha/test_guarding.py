"""The guard in Home Assistant: what is shown of a register that says something wrong, and what the owner is asked."""

from collections.abc import Iterator
from copy import deepcopy
import re
from typing import Any
from unittest.mock import patch

from homeassistant.components.energy.data import async_get_manager
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import CONF_REFRESH, DOMAIN
from custom_components.dsmr_p1.sums.costs import number_of
from tests.ha.house import House, MakeHouse
from tests.ha.pace import Clock
from tests.ha.replacing import EVERY_TELEGRAM, GAS, LOW, TOTAL, send

PRICE = "sensor.price"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    """The clock that the guard goes by, moved by hand."""
    clock = Clock()
    with patch("custom_components.dsmr_p1.coordinator.monotonic", clock):
        yield clock


async def a_house(make_house: MakeHouse, model: str = "dsmr5", mbus: str | None = "gas") -> House:
    house = await make_house(model, mbus)
    house.configure(options=EVERY_TELEGRAM)
    await house.set_up()
    return house


def with_register(house: House, reference: bytes, digits: bytes) -> bytes:
    """Return the next telegram with another number in a register."""
    line = re.compile(re.escape(reference) + rb"((?:\([^)]*\))*\()[0-9.]+\*")
    body, times = line.subn(lambda found: reference + found[1] + digits + b"*", house.builder.body())
    assert times == 1
    return house.builder.finish(body)


@pytest.mark.parametrize("digits", [b"000000.000", b"999999.999", b"013026.312"])
async def test_one_wrong_number_is_not_shown(make_house: MakeHouse, digits: bytes) -> None:
    house = await a_house(make_house)
    before = house.value(*LOW), house.value(*TOTAL)
    await house.send(with_register(house, b"1-0:1.8.1", digits))
    assert (house.value(*LOW), house.value(*TOTAL)) == before
    await house.send()
    assert (house.value(*LOW), house.value(*TOTAL)) == before


@pytest.mark.parametrize("digits", [b"00000.000", b"99999.999"])
async def test_one_wrong_reading_of_gas_is_not_shown(make_house: MakeHouse, digits: bytes) -> None:
    house = await a_house(make_house)
    before = house.value(*GAS)
    house.pass_time(300)
    await house.send(with_register(house, b"0-1:24.2.1", digits))
    assert house.value(*GAS) == before
    house.pass_time(300)
    await house.send()
    assert float(house.value(*GAS)) == pytest.approx(float(before), abs=1)


async def test_a_flipped_bit_without_checksum_is_not_shown(make_house: MakeHouse) -> None:
    house = await a_house(make_house, "dsmr22", None)
    before = house.value(*LOW)
    assert float(before) > 0
    good = house.builder.telegram()
    place = good.index(b"1-0:1.8.1(") + len(b"1-0:1.8.1(")
    for bit in range(4):
        flipped = bytearray(good)
        flipped[place] ^= 1 << bit
        await house.send(bytes(flipped))
        assert house.value(*LOW) == before
        await house.send(good)
        assert house.value(*LOW) == before


async def test_a_first_total_needs_two_telegrams(make_house: MakeHouse) -> None:
    house = await make_house()
    setup = await house.start_setup()
    house.port.write(house.builder.telegram())
    assert await setup
    await house.hass.async_block_till_done()
    assert house.value(*LOW) == house.value(*TOTAL) == STATE_UNKNOWN
    await house.send()
    assert float(house.value(*LOW)) > 0


async def test_the_last_good_reading_outlives_a_restart(make_house: MakeHouse) -> None:
    house = await a_house(make_house)
    before = house.value(*LOW)
    await house.reload(with_register(house, b"1-0:1.8.1", b"000000.000"))
    assert house.value(*LOW) == before


async def step(house: House, clock: Clock, digits: bytes = b"900000.000") -> None:
    """Let a register jump, and stay where it is."""
    for _ in range(32):
        clock.now += 10
        await house.send(with_register(house, b"1-0:1.8.1", digits))


async def fix(hass_client: ClientSessionGenerator, found: ir.IssueEntry, choice: str) -> None:
    client = await hass_client()
    response = await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": found.issue_id})
    flow: dict[str, Any] = await response.json()
    assert flow["menu_options"] == ["real", "mistake"]
    assert "900000.0" in str(flow["description_placeholders"])
    url = f"/api/repairs/issues/fix/{flow['flow_id']}"
    flow = await (await client.post(url, json={"next_step_id": choice})).json()
    assert flow["step_id"] == choice
    flow = await (await client.post(url, json={})).json()
    assert flow["type"] == "create_entry"


@pytest.mark.usefixtures("recorder_mock")
@pytest.mark.parametrize(("choice", "is_put_back"), [("real", True), ("mistake", False)])
async def test_a_step_is_taken_out_and_asked_about(
    hass: HomeAssistant,
    make_house: MakeHouse,
    clock: Clock,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    choice: str,
    *,
    is_put_back: bool,
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    house = await a_house(make_house, mbus="")
    before, total = float(house.value(*LOW)), float(house.value(*TOTAL))
    await step(house, clock)
    assert float(house.value(*LOW)) == 900_000
    amounts = {each.statistic_id: each.amount for each in house.coordinator.port.record.corrections}
    assert amounts == {
        house.entity_id(*LOW): pytest.approx(900_000 - before),
        house.entity_id(*TOTAL): pytest.approx(float(house.value(*TOTAL)) - total),
    }
    await hass.config_entries.async_unload(house.entry.entry_id)
    # An earlier version stored less of a step.
    [stored] = hass_storage[f"{DOMAIN}.{house.entry.entry_id}"]["data"]["odd_steps"]
    del stored["unbooked"], stored["is_answered"]
    await house.reload()
    issue_id = f"step_electricity_{LOW[1]}_{house.entry.entry_id}"
    found = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert found is not None
    await fix(hass_client, found, choice)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None
    assert not house.coordinator.port.record.odd_steps
    left = sum(each.amount for each in house.coordinator.port.record.corrections)
    assert left == pytest.approx(0 if is_put_back else sum(amounts.values()))


@pytest.mark.parametrize("digits", [b"900000.000", b"000001.000"], ids=["up", "down"])
async def test_a_step_that_was_shown_is_not_taken_back_after_a_crash(
    make_house: MakeHouse, clock: Clock, hass_storage: dict[str, Any], digits: bytes
) -> None:
    """The reading before it would be added to the statistics, as that of another meter."""
    house = await a_house(make_house, mbus=None)
    await house.reload()
    await send(house, 2)
    await step(house, clock, digits)
    key = f"{DOMAIN}.{house.entry.entry_id}"
    written = deepcopy(hass_storage[key])
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    hass_storage[key] = written
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.send(with_register(house, b"1-0:1.8.1", digits))
    assert float(house.value(*LOW)) == float(digits)


@pytest.mark.usefixtures("recorder_mock")
async def test_a_step_of_a_counter_is_taken_out_and_asked_about(make_house: MakeHouse, clock: Clock) -> None:
    house = await a_house(make_house, mbus="")
    before = house.value("electricity", "emeter_power_failures")
    for _ in range(32):
        clock.now += 10
        body, times = re.subn(rb"(?<=96\.7\.21\()\d+", b"99999", house.builder.body())
        assert times == 1
        await house.send(house.builder.finish(body))
    assert house.value("electricity", "emeter_power_failures") == "99999"
    [found] = house.coordinator.port.record.corrections
    assert found.statistic_id == house.entity_id("electricity", "emeter_power_failures")
    assert found.amount == 99999 - int(before)
    issue_id = f"step_electricity_emeter_power_failures_{house.entry.entry_id}"
    question = ir.async_get(house.hass).async_get_issue(DOMAIN, issue_id)
    assert question is not None
    assert question.translation_placeholders is not None
    assert question.translation_placeholders["before"] == before
    assert question.translation_placeholders["after"] == "99999"


@pytest.mark.usefixtures("recorder_mock")
@pytest.mark.parametrize(("unit", "size"), [("kWh", 1), ("MWh", 1000)])
async def test_a_step_after_silence_is_taken_out(make_house: MakeHouse, clock: Clock, unit: str, size: int) -> None:
    house = await a_house(make_house, mbus="")
    entity_id = house.entity_id(*LOW)
    assert entity_id
    er.async_get(house.hass).async_update_entity_options(entity_id, "sensor", {"unit_of_measurement": unit})
    await house.hass.async_block_till_done()
    before = float(house.value(*LOW))
    for _ in range(4):
        await send_odd(house, clock)
    house.coordinator.port.display.set_unavailable()
    assert house.value(*LOW) == STATE_UNAVAILABLE
    clock.now += 900
    await send_odd(house, clock)
    assert float(house.value(*LOW)) == 900_000 / size
    [found] = [each for each in house.coordinator.port.record.corrections if each.statistic_id == entity_id]
    assert found.amount == pytest.approx(900_000 / size - before, abs=0.001)
    assert found.unit == unit


@pytest.mark.usefixtures("recorder_mock", "all_enabled")
@pytest.mark.parametrize("line", ["1-0:1.8.1({})", "1-0:1.8.1({}*Wh)", "1-0:9.8.0({}*VAh)"])
@pytest.mark.parametrize("jump", [900_000, 0])
async def test_a_step_after_silence_is_taken_out_whatever_its_unit_is(
    make_house: MakeHouse, clock: Clock, line: str, jump: int
) -> None:
    house = await make_house("dsmr5", "")
    house.configure(options=EVERY_TELEGRAM)

    def telegram(number: int) -> bytes:
        sent = b"\r\n" + line.format(f"{number:010.3f}").encode()
        body = re.sub(rb"\r\n1-0:1\.8\.1\([^)]*\)", lambda _: sent, house.builder.body())
        return house.builder.finish(body)

    await house.set_up(telegram(7654), telegram(7654))
    [before] = [state for state in house.hass.states.async_all("sensor") if number_of(state) in (7.654, 7654)]
    entity_id, shown = before.entity_id, float(before.state)
    for _ in range(4):
        clock.now += 10
        await house.send(telegram(jump))
    house.coordinator.port.display.set_unavailable()
    clock.now += 900
    await house.send(telegram(jump))
    assert number_of(house.hass.states.get(entity_id)) == jump * shown / 7654
    assert corrected(house, entity_id) == pytest.approx(max(jump - 7654, 0) * shown / 7654)


@pytest.mark.usefixtures("recorder_mock")
@pytest.mark.parametrize("digits", [b"900000.000", b"000001.000"], ids=["up", "down"])
async def test_use_that_was_not_shown_before_a_step_counts(make_house: MakeHouse, clock: Clock, digits: bytes) -> None:
    house = await make_house("dsmr5", "")
    house.configure(options={CONF_REFRESH: {"electricity": 86_400}})
    await house.set_up()
    shown = float(house.value(*LOW))
    clock.now += 3600
    await send_odd(house, clock, f"{shown + 10:010.3f}".encode())
    assert float(house.value(*LOW)) == shown
    for _ in range(32):
        await send_odd(house, clock, digits)
    assert float(house.value(*LOW)) == float(digits)
    added = float(digits) - (shown if float(digits) > shown else 0)
    assert corrected(house, house.entity_id(*LOW)) == pytest.approx(added - 10)


@pytest.mark.usefixtures("recorder_mock")
async def test_what_a_new_tariff_has_counted_before_is_no_use(make_house: MakeHouse, clock: Clock) -> None:
    house = await a_house(make_house, mbus="")
    await house.send()
    before, cost = float(house.value(*TOTAL)), await enter_a_price(house, TOTAL)
    for _ in range(5):
        clock.now += 10
        body = house.builder.body().replace(b"1-0:2.8.1(", b"1-0:1.8.3(050000.000*kWh)\r\n1-0:2.8.1(")
        await house.send(house.builder.finish(body))
    assert float(house.value(*TOTAL)) == pytest.approx(before + 50_000)
    assert corrected(house, house.entity_id(*TOTAL)) == pytest.approx(50_000)
    assert corrected(house, cost) == pytest.approx(50_000 * 0.25)
    assert not house.coordinator.port.record.odd_steps


async def test_steps_without_end_are_not_kept_without_end(make_house: MakeHouse, clock: Clock) -> None:
    house = await a_house(make_house, mbus="")
    for number in range(12):
        for _ in range(4):
            clock.now += 130
            await house.send(with_register(house, b"1-0:1.8.1", b"900000.000" if number % 2 else b"000001.000"))
    steps = house.coordinator.port.record.odd_steps
    assert len(steps) == 10
    assert steps[-1].after == f"{house.value(*LOW)} kWh"


async def enter_a_price(house: House, register: tuple[str, str] = LOW) -> str:
    """Enter a price from an entity on the energy dashboard, and return the sensor of costs of a register."""
    energy = house.entity_id(*register)
    assert energy is not None
    assert await async_setup_component(house.hass, "energy", {})
    await house.hass.async_block_till_done()
    house.hass.states.async_set(PRICE, "0.25")
    source: Any = {
        "type": "grid",
        "stat_energy_from": energy,
        "stat_energy_to": None,
        "stat_cost": None,
        "stat_compensation": None,
        "entity_energy_price": PRICE,
        "number_energy_price": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0.0,
    }
    preferences: Any = {"energy_sources": [source]}
    await (await async_get_manager(house.hass)).async_update(preferences)
    await house.hass.async_block_till_done()
    assert house.hass.states.get(f"{energy}_cost")
    return f"{energy}_cost"


async def send_odd(house: House, clock: Clock, digits: bytes = b"900000.000") -> None:
    clock.now += 10
    await house.send(with_register(house, b"1-0:1.8.1", digits))


def corrected(house: House, statistic_id: str | None) -> float:
    assert statistic_id
    corrections = house.coordinator.port.record.corrections
    return sum(each.amount for each in corrections if each.statistic_id == statistic_id)


@pytest.mark.usefixtures("recorder_mock")
async def test_what_a_step_costs_is_taken_out_at_once(make_house: MakeHouse, clock: Clock) -> None:
    house = await a_house(make_house, mbus="")
    cost = await enter_a_price(house)
    before = float(house.value(*LOW))
    await step(house, clock)
    assert corrected(house, cost) == pytest.approx((900_000 - before) * 0.25)


@pytest.mark.usefixtures("recorder_mock")
@pytest.mark.parametrize("digits", [b"900000.000", b"000001.000"], ids=["up", "down"])
@pytest.mark.parametrize("answered", [None, "mistake", "real"])
async def test_what_a_step_costs_is_taken_out_when_it_is_booked(
    make_house: MakeHouse, clock: Clock, answered: str | None, digits: bytes
) -> None:
    house = await a_house(make_house, mbus="")
    cost, before, after = await enter_a_price(house), float(house.value(*LOW)), float(digits)
    house.hass.states.async_set(PRICE, "unavailable")
    for _ in range(32):
        await send_odd(house, clock, digits)
    assert float(house.value(*LOW)) == after
    assert corrected(house, cost) == 0
    steps = house.coordinator.keeper.steps
    if answered:
        steps.async_answer(*LOW, is_real=answered == "real")
    await house.reload(with_register(house, b"1-0:1.8.1", digits))
    await send_odd(house, clock, digits)
    house.hass.states.async_set(PRICE, "0.25")
    await send_odd(house, clock, f"{after + 0.1:010.3f}".encode())
    added = after - before if after > before else after
    expected = 0.0 if answered == "real" else added * 0.25
    assert corrected(house, cost) == pytest.approx(expected)
    if answered is None:
        house.coordinator.keeper.steps.async_answer(*LOW, is_real=True)
        assert corrected(house, cost) == pytest.approx(0)
    assert not house.coordinator.port.record.odd_steps


@pytest.mark.usefixtures("recorder_mock")
async def test_what_two_steps_cost_is_taken_out_together(make_house: MakeHouse, clock: Clock) -> None:
    house = await a_house(make_house, mbus="")
    cost, before = await enter_a_price(house), float(house.value(*LOW))
    house.hass.states.async_set(PRICE, "unavailable")
    for digits in (b"800000.000", b"800000.500", b"900000.000"):
        for _ in range(32):
            await send_odd(house, clock, digits)
    house.hass.states.async_set(PRICE, "0.25")
    await send_odd(house, clock, b"900000.100")
    assert corrected(house, cost) == pytest.approx((900_000 - 0.5 - before) * 0.25)


@pytest.mark.usefixtures("recorder_mock")
async def test_costs_that_begin_anew_are_not_waited_for(make_house: MakeHouse, clock: Clock) -> None:
    house = await a_house(make_house, mbus="")
    cost = await enter_a_price(house)
    house.hass.states.async_set(PRICE, "unavailable")
    await step(house, clock)
    [found] = house.coordinator.port.record.odd_steps
    assert found.unbooked
    house.hass.states.async_set(cost, "0.0", {"last_reset": "2026-01-12T10:00:00+00:00"})
    await send_odd(house, clock)
    [found] = house.coordinator.port.record.odd_steps
    assert not found.unbooked
