"""Only what changed: what is written with a telegram, what is only reported, and what costs rows in the database."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from custom_components.dsmr_p1.const import CONF_REFRESH, DOMAIN
from simulator import MODELS
from tests.ha.house import House, MakeHouse
from tests.ha.pace import Clock

POWER = ("electricity", "emeter_actual_delivery")
TARIFF1 = ("electricity", "emeter_delivery_tariff1")
TOTAL = ("electricity", "energy_import_total")
TARIFF = ("electricity", "emeter_tariff_indicator")
GAS = ("mbus_1", "m3meter_value")
A_MINUTE = 6


@callback
def _any(_: object) -> bool:
    """Listen to all reports: Home Assistant wants to be told which."""
    return True


class Writes:
    """How often each entity was written with a change, and how often reported without one."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.changed: Counter[str] = Counter()
        self.reported: Counter[str] = Counter()
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._count(self.changed))
        hass.bus.async_listen(EVENT_STATE_REPORTED, self._count(self.reported), event_filter=_any)

    def _count(self, counter: Counter[str]) -> Callable[[Event[Any]], None]:
        @callback
        def count(event: Event[Any]) -> None:
            counter[event.data["entity_id"]] += 1

        return count

    def of(self, house: House, channel: tuple[str, str]) -> tuple[int, int]:
        entity_id = house.entity_id(*channel)
        assert entity_id is not None
        return self.changed[entity_id], self.reported[entity_id]


async def send_every_ten_seconds(house: House, clock: Clock, times: int, telegram: bytes | None = None) -> None:
    for _ in range(times):
        clock.now += 10
        if telegram is None:
            house.pass_time(10)
        await house.send(telegram)


async def test_totals_go_once_a_minute_and_the_rest_at_the_pace_of_the_meter(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    first = house.value(*TOTAL)
    for _ in range(A_MINUTE - 1):
        before = house.value(*POWER)
        clock.now += 10
        house.pass_time(3600)
        await house.send()
        assert house.value(*POWER) != before
        assert house.value(*TOTAL) == first
    clock.now += 10
    house.pass_time(3600)
    await house.send()
    assert house.value(*TOTAL) != first


async def test_what_has_not_changed_is_reported_where_integrals_need_it_and_left_alone_elsewhere(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("dsmr5", "gas")
    telegram = house.builder.telegram()
    await house.set_up(telegram)
    writes = Writes(hass)
    await send_every_ten_seconds(house, clock, 2 * A_MINUTE, telegram)
    assert not writes.changed
    assert writes.of(house, POWER) == (0, 2 * A_MINUTE)
    for total in (TARIFF1, TOTAL, GAS):
        assert writes.of(house, total) == (0, 2), total
    assert writes.of(house, TARIFF) == (0, 0)
    disabled = {entity.entity_id for entity in house.entities().values() if entity.disabled}
    assert disabled
    assert not disabled & set(writes.reported)


async def test_a_value_that_comes_back_unchanged_in_a_new_telegram_is_not_written(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("dsmr5")
    await house.set_up()
    writes = Writes(hass)
    await send_every_ten_seconds(house, clock, A_MINUTE)
    changed, reported = writes.of(house, POWER)
    assert changed
    assert changed + reported == A_MINUTE
    assert writes.of(house, TARIFF) == (0, 0)


async def test_a_chosen_pace_holds_for_totals_and_the_rest(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("dsmr5", "gas")
    house.configure(options={CONF_REFRESH: {"electricity": 20}})
    telegram = house.builder.telegram()
    await house.set_up(telegram)
    writes = Writes(hass)
    await send_every_ten_seconds(house, clock, A_MINUTE, telegram)
    assert writes.of(house, POWER) == writes.of(house, TOTAL) == (0, A_MINUTE // 2)
    assert writes.of(house, GAS) == (0, 1)


async def test_a_state_that_something_else_has_written_is_put_right(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("dsmr5")
    telegram = house.builder.telegram()
    await house.set_up(telegram)
    await send_every_ten_seconds(house, clock, 1, telegram)
    before = house.state(*POWER)
    hass.states.async_set(before.entity_id, "99", {"friendly_name": "Mine"})
    await send_every_ten_seconds(house, clock, 1, telegram)
    assert (house.state(*POWER).state, house.state(*POWER).attributes) == (before.state, before.attributes)
    er.async_get(hass).async_update_entity(before.entity_id, name="Use")
    await hass.async_block_till_done()
    await send_every_ten_seconds(house, clock, 2, telegram)
    assert house.state(*POWER).name == "Use"


async def test_one_telegram_brings_the_first_value_of_everything(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    for _ in range(2):
        shown = {
            key: state.state
            for key, entity in house.entities().items()
            if not entity.disabled and (state := hass.states.get(entity.entity_id)) is not None
        }
        assert STATE_UNAVAILABLE not in shown.values()
        assert {key for key, state in shown.items() if state == STATE_UNKNOWN} <= {"p1_p1_text_string"}
        assert f"{TOTAL[0]}_{TOTAL[1]}" in shown
        # As after a restart: the entities are there before the telegram is.
        await house.reload(house.builder.telegram())


async def test_the_power_of_a_phase_is_enabled_where_there_are_three(make_house: MakeHouse) -> None:
    model = next(name for name, model in MODELS.items() if model.phases == 1 and model.authentication_key is None)
    house = await make_house(model)
    await house.set_up()
    phase = house.entities()["electricity_emeter_instant_power_delivery_l1"]
    assert phase.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert "electricity_emeter_instant_power_delivery_l2" not in house.entities()


async def test_what_an_installation_has_enabled_stays_enabled(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house("dsmr5")
    house.entry.add_to_hass(hass)
    channel = ("electricity", "emeter_instant_voltage_l1")
    registry = er.async_get(hass)
    registry.async_get_or_create("sensor", DOMAIN, house.unique_id(*channel), config_entry=house.entry)
    await house.set_up()
    assert float(house.value(*channel)) > 200


async def test_the_database_grows_by_2100_rows_an_hour_at_most(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("dsmr5", "gas", solar_peak=4000)
    await house.set_up()
    writes = Writes(hass)
    await send_every_ten_seconds(house, clock, 10 * A_MINUTE)
    assert 6 * writes.changed.total() <= 2100, writes.changed


async def test_what_has_changed_is_written_before_the_rest_is_reported(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    """An automation that waits for the power waits for nothing else."""
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    order: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        order.append(str(event.event_type))

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    hass.bus.async_listen(EVENT_STATE_REPORTED, note, event_filter=_any)
    clock.now += 60
    house.pass_time(60)
    await house.send()
    assert set(order) == {EVENT_STATE_CHANGED, EVENT_STATE_REPORTED}
    assert order == sorted(order, key=(EVENT_STATE_CHANGED, EVENT_STATE_REPORTED).index)
