"""Coming over from Home Assistant's own `dsmr`, the real one, and going back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

from homeassistant.components import dsmr
from homeassistant.components.dsmr.sensor import SENSORS, SENSORS_MBUS_DEVICE_TYPE
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import Event, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.helpers.entity import entity_sources
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import BRIDGE_DSMR, CONF_BRIDGE_TYPE, CONF_TAKE_OVER, DOMAIN
from custom_components.dsmr_p1.flow.listening import Patience
from custom_components.dsmr_p1.p1 import MeterKind, present
from custom_components.dsmr_p1.takeover.core_entries import async_is_set_up, async_unload_core, core_entries, core_port
from custom_components.dsmr_p1.takeover.keys import CHANNELS, GAS, LEFT
from custom_components.dsmr_p1.takeover.moving import async_move_back
from custom_components.dsmr_p1.takeover.record import RecordStore
from simulator import EXAMPLE_DECRYPTION_KEY, Port, PtyPort, SimulatedMeter
from tests.ha.flow_driver import answer, begin, close, enter, make_meter, sending, told
from tests.ha.house import eventually
from tests.ha.replacing import EVERY_TELEGRAM

KEY = EXAMPLE_DECRYPTION_KEY.hex().upper()
COUNTRIES = [
    ("dsmr5", "gas,water", {"dsmr_version": "5"}),
    ("dsmr30", "gas", {"dsmr_version": "2.2"}),
    ("emucs", "gas,water", {"dsmr_version": "5B"}),
    ("smarty_lu", None, {"dsmr_version": "MSn", "encryption_key": KEY}),
    ("austria", None, {"dsmr_version": "SAGEMCOM_T210_D_R", "encryption_key": KEY}),
    ("sweden", None, {"dsmr_version": "5S"}),
]


pytestmark = pytest.mark.usefixtures("without_waiting")


class Core:
    """An entry of `dsmr` that reads a simulated meter."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, meter: SimulatedMeter) -> None:
        self.hass, self.entry, self.meter = hass, entry, meter

    def entities(self) -> list[er.RegistryEntry]:
        return er.async_entries_for_config_entry(er.async_get(self.hass), self.entry.entry_id)

    async def reads(self) -> None:
        """Wait until it has shown the values of a telegram."""

        def is_shown() -> bool:
            used = [entity for entity in self.entities() if not entity.disabled]
            states = [self.hass.states.get(entity.entity_id) for entity in used]
            return bool(used) and all(state is not None and state.state != "unavailable" for state in states)

        await eventually(is_shown)
        await self.hass.async_block_till_done()

    def rows(self) -> dict[str, Any]:
        """Return what the registries have of the entry, without when it changed."""
        devices = dr.async_entries_for_config_entry(dr.async_get(self.hass), self.entry.entry_id)
        rows: tuple[er.RegistryEntry | dr.DeviceEntry, ...] = (*self.entities(), *devices)
        return {row.id: without_times(row) for row in rows}

    def serial(self, kind: str) -> str:
        """Return the unique id of the reading of a meter on the M-Bus."""
        found = (entity.unique_id for entity in self.entities() if entity.entity_id.startswith(f"sensor.{kind}"))
        return next(found)

    def key(self, key: str) -> er.RegistryEntry:
        return next(entity for entity in self.entities() if entity.unique_id.endswith(key))


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what is not the same any more, by the id of the row."""
    assert before.keys() == after.keys()
    return {
        key: {name: (row[name], after[key][name]) for name in row if row[name] != after[key][name]}
        for key, row in before.items()
        if row != after[key]
    }


def devices_of(hass: HomeAssistant, entry: ConfigEntry) -> list[dr.DeviceEntry]:
    return dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)


def entry_of(registry: er.EntityRegistry, entity_id: str) -> er.RegistryEntry:
    row = registry.async_get(entity_id)
    assert row is not None
    return row


def is_shown(hass: HomeAssistant, entity_id: str) -> bool:
    state = hass.states.get(entity_id)
    return state is not None and state.state not in ("unavailable", "unknown")


def state_of(entry: ConfigEntry) -> ConfigEntryState:
    return entry.state


def disabled_by(entry: ConfigEntry) -> ConfigEntryDisabler | None:
    return entry.disabled_by


def without_times(row: Any) -> Any:
    return (
        {name: value for name, value in row.extended_dict.items() if name not in ("modified_at", "created_at")}
        if isinstance(row, er.RegistryEntry)
        else {
            name: getattr(row, name)
            for name in (
                "id",
                "identifiers",
                "name",
                "name_by_user",
                "area_id",
                "labels",
                "model",
                "manufacturer",
                "serial_number",
                "config_entry_id",
                "disabled_by",
                "via_device_id",
            )
        }
    )


@asynccontextmanager
async def core_on_a_meter(
    hass: HomeAssistant, port: Port, model: str, mbus: str | None, data: dict[str, Any]
) -> AsyncIterator[Core]:
    """Set up `dsmr` through its own flow, on a meter that sends."""
    meter = make_meter(port, model, mbus=mbus)
    async with sending(meter):
        flow = await hass.config_entries.flow.async_init("dsmr", context={"source": "user"})
        given = {CONF_PORT: port.path, "dsmr_version": data["dsmr_version"]}
        result = await hass.config_entries.flow.async_configure(flow["flow_id"], given)
        if "encryption_key" in data:
            result = await hass.config_entries.flow.async_configure(
                flow["flow_id"], {"encryption_key": data["encryption_key"]}
            )
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        entry = result["result"]
        await hass.async_block_till_done()
        core = Core(hass, entry, meter)
        await core.reads()
        yield core
        for ours in hass.config_entries.async_entries(DOMAIN):
            await hass.config_entries.async_unload(ours.entry_id)
        if entry.state is ConfigEntryState.LOADED:
            await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_block_till_done()


def make_entry(core: Core, port: PtyPort) -> MockConfigEntry:
    """Return an entry as the flow makes it."""
    data = {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR, CONF_TAKE_OVER: core.entry.entry_id}
    return MockConfigEntry(domain=DOMAIN, data=data)


async def choose(hass: HomeAssistant, core: Core) -> dict[str, Any]:
    """Choose the take-over in the menu, and wait for what is heard."""
    step = await begin(hass)
    assert step["step_id"] == "start"
    assert step["menu_options"] == ["take_over", "user"]
    step = await enter(hass, step, {"next_step_id": "take_over"})
    await core.reads()
    return step


async def take_over(hass: HomeAssistant, core: Core) -> ConfigEntry:
    step = await choose(hass, core)
    assert step["step_id"] == "confirm", step
    step = await answer(hass, step, {CONF_TAKE_OVER: True})
    await hass.async_block_till_done()
    entry: ConfigEntry = step["result"]
    assert entry.state is ConfigEntryState.LOADED
    return entry


@pytest.mark.parametrize(("model", "mbus", "data"), COUNTRIES, ids=[model for model, *_ in COUNTRIES])
async def test_there_and_back(
    hass: HomeAssistant, port: PtyPort, model: str, mbus: str | None, data: dict[str, Any]
) -> None:
    async with core_on_a_meter(hass, port, model, mbus, data) as core:
        power = core.key("current_electricity_usage")
        registry = er.async_get(hass)
        registry.async_update_entity(power.entity_id, name="Our power", icon="mdi:flash", new_entity_id="sensor.ours")
        registry.async_update_entity(core.key("electricity_delivery").entity_id, hidden_by=er.RegistryEntryHider.USER)
        await hass.async_block_till_done()
        before = core.rows()
        units = {row.id: (row.entity_id, row.unit_of_measurement) for row in core.entities() if not row.disabled}
        entry = await take_over(hass, core)
        assert disabled_by(core.entry) is ConfigEntryDisabler.USER
        # Totals are shown, and their decimals with them, when telegrams agree.
        await eventually(lambda: entry.runtime_data.port.reader.heard.telegrams > 2)
        await hass.async_block_till_done()
        moved = {row.id: row for row in er.async_entries_for_config_entry(registry, entry.entry_id)}
        left = {row.id for row in core.entities()}
        assert [units[one] for one in units if one not in moved] == []
        assert all(registry.async_get(row_entity) is not None for row_entity, _ in units.values())
        assert {one: (moved[one].entity_id, moved[one].unit_of_measurement) for one in units} == units
        assert all(before[one]["disabled_by"] == "integration" for one in left)
        # One device a meter: those of before, and the port's.
        ours = {device.id for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)}
        assert {row.id for row in dr.async_entries_for_config_entry(dr.async_get(hass), core.entry.entry_id)} == set()
        [own] = ours - before.keys()
        assert {device.via_device_id for device in devices_of(hass, entry) if device.id != own} == {own}
        state = hass.states.get("sensor.ours")
        assert state is not None
        assert float(state.state) >= 0
        # A restart changes nothing.
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        after = {row.id: without_times(row) for row in er.async_entries_for_config_entry(registry, entry.entry_id)}
        assert after == {one: without_times(row) for one, row in moved.items()}
        # And back.
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        assert disabled_by(core.entry) is None
        assert state_of(core.entry) is ConfigEntryState.LOADED
        await core.reads()
        assert differences(before, core.rows()) == {}
        # And over again.
        entry = await take_over(hass, core)
        assert units.keys() <= {row.id for row in er.async_entries_for_config_entry(registry, entry.entry_id)}


@pytest.mark.parametrize(("model", "mbus", "data"), COUNTRIES, ids=[model for model, *_ in COUNTRIES])
async def test_one_telegram_after_the_move_all_is_shown_again(
    hass: HomeAssistant, port: PtyPort, model: str, mbus: str | None, data: dict[str, Any]
) -> None:
    async with core_on_a_meter(hass, port, model, mbus, data) as core:
        used = {row.id: row.entity_id for row in core.entities() if not row.disabled}
        shown_before = {one for one in used.values() if is_shown(hass, one)}
        assert len(shown_before) > 2
        step, moved = core.meter.step, set[str]()

        def on_update(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
            if event.data["action"] == "update" and "platform" in event.data["changes"]:
                moved.add(event.data["entity_id"])

        hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, on_update)
        # From the move on the meter is silent: what is shown then is what was heard before.
        with patch.object(core.meter, "step", lambda: None if moved else step()):
            entry = await take_over(hass, core)
            assert moved >= shown_before
            heard = entry.runtime_data.port.reader.heard
            # What was still on the way is read.
            await asyncio.sleep(0.1)
            telegrams = heard.telegrams
            step()
            await eventually(lambda: heard.telegrams > telegrams)
            await hass.async_block_till_done()
            assert heard.telegrams == telegrams + 1
            assert [one for one in sorted(shown_before) if not is_shown(hass, one)] == []


async def test_the_words_of_the_tariff_stay(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        tariff = core.key("electricity_active_tariff")
        await eventually(lambda: hass.states.get(tariff.entity_id))
        before = hass.states.get(tariff.entity_id)
        entry = await take_over(hass, core)
        after = hass.states.get(tariff.entity_id)
        assert before is not None
        assert after is not None
        assert before.state == after.state
        assert after.attributes["options"] == ["low", "normal"]
        await hass.config_entries.async_reload(entry.entry_id)
        await eventually(lambda: (now := hass.states.get(tariff.entity_id)) and now.state == before.state)


def test_every_key_goes_on_or_is_named() -> None:
    keys = {description.key for description in SENSORS}
    assert keys == CHANNELS.keys() | LEFT | {key for key in GAS if key in keys}
    assert not CHANNELS.keys() & LEFT
    readings = {description.key for row in SENSORS_MBUS_DEVICE_TYPE.values() for description in row}
    assert readings == {"gas_reading", "heat_reading", "water_reading"}


async def test_which_entries_can_be_taken_over(hass: HomeAssistant) -> None:
    legacy = MockConfigEntry(domain="dsmr", data={"host": "10.0.0.2", "port": 2323})
    for entry in (
        legacy,
        MockConfigEntry(domain="dsmr", data={"port": "/dev/x", "protocol": "rfxtrx_dsmr_protocol"}),
        MockConfigEntry(domain="dsmr", data={"port": "/dev/y"}, disabled_by=ConfigEntryDisabler.USER),
        (taken := MockConfigEntry(domain="dsmr", data={"port": "/dev/z"})),
        MockConfigEntry(domain=DOMAIN, data={CONF_PORT: "/dev/q", CONF_TAKE_OVER: taken.entry_id}),
    ):
        entry.add_to_hass(hass)
    assert core_entries(hass) == [legacy]
    assert core_port(legacy) == "socket://10.0.0.2:2323"


async def test_one_telegram_of_a_slow_meter_is_enough(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        step, sent_at = core.meter.step, [0.0]

        def step_slowly() -> None:
            if hass.loop.time() - sent_at[0] > 3:
                sent_at[0] = hass.loop.time()
                step()

        with (
            patch("custom_components.dsmr_p1.flow.listen_step.PATIENCE", Patience(tick=0.05)),
            patch("custom_components.dsmr_p1.flow.listen_step.CORE_ANOTHER", 0.05),
            patch.object(core.meter, "step", step_slowly),
        ):
            found = await enter(hass, await begin(hass), {"next_step_id": "take_over"})
        assert found["step_id"] == "confirm"
        assert told(found)["telegrams"] == "1"
        await close(hass, found)


async def test_the_old_entry_reads_on_after_it_was_put_aside_twice_at_once(
    hass: HomeAssistant, port: PtyPort, caplog: pytest.LogCaptureFixture
) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        step = core.meter.step
        power = core.key("current_electricity_usage").entity_id
        # It has shown nothing yet when it is put aside again.
        with patch.object(core.meter, "step"):
            for _ in range(2):
                await async_unload_core(hass, core.entry)
                await hass.config_entries.async_setup(core.entry.entry_id)
                await hass.async_block_till_done()
        assert "does not generate unique IDs" not in caplog.text
        step()
        await core.reads()
        assert "does not generate unique IDs" not in caplog.text
        shown = hass.states.get(power)
        core.meter.advance(3600)
        await eventually(lambda: (now := hass.states.get(power)) and shown and now.state != shown.state)
        await async_unload_core(hass, core.entry)
        await hass.async_block_till_done()
        assert power not in entity_sources(hass)


async def test_an_entry_that_is_being_reloaded_is_put_aside_too(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        set_up, has_port = dsmr.async_setup_entry, asyncio.Event()

        async def set_up_slowly(hass: HomeAssistant, entry: ConfigEntry) -> bool:
            is_set_up = await set_up(hass, entry)
            await eventually(port.reader_present)
            has_port.set()
            await asyncio.sleep(0.5)
            return is_set_up

        with patch("homeassistant.components.dsmr.async_setup_entry", set_up_slowly):
            hass.config_entries.async_schedule_reload(core.entry.entry_id)
            await has_port.wait()
            step = await choose(hass, core)
        assert step["step_id"] == "confirm", step
        await close(hass, step)
        await eventually(lambda: core.entry.state is ConfigEntryState.LOADED)


async def test_an_entry_that_is_long_in_being_set_up_is_not_waited_for() -> None:
    entry = MockConfigEntry(domain="dsmr", state=ConfigEntryState.LOADED)
    assert await async_is_set_up(entry)
    with patch("custom_components.dsmr_p1.takeover.core_entries._RELOADED_WITHIN", 0.05):
        async with entry.setup_lock:
            assert not await async_is_set_up(entry)


@pytest.mark.parametrize("ending", ["declined", "closed"])
async def test_nothing_changes_unless_it_is_wanted(hass: HomeAssistant, port: PtyPort, ending: str) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        before = core.rows()
        step = await choose(hass, core)
        assert int(told(step)["count"]) > 5
        assert told(step)["left_count"] == "0"
        if ending == "declined":
            step = await answer(hass, step, {CONF_TAKE_OVER: False})
            assert step["reason"] == "take_over_declined"
        else:
            await close(hass, step)
        await eventually(lambda: core.entry.state is ConfigEntryState.LOADED)
        assert core.rows() == before
        assert not hass.config_entries.async_entries(DOMAIN)


async def test_without_a_telegram_the_old_one_reads_on(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        before = core.rows()
        with (
            patch("custom_components.dsmr_p1.coordinator.FIRST_TELEGRAM_LIMIT", 0.3),
            patch.object(core.meter, "step"),
        ):
            entry = MockConfigEntry(domain=DOMAIN, data={CONF_PORT: port.path, CONF_TAKE_OVER: core.entry.entry_id})
            entry.add_to_hass(hass)
            await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()
            assert entry.state is ConfigEntryState.SETUP_RETRY
            assert core.entry.state is ConfigEntryState.LOADED
            assert core.rows() == before


async def test_with_a_wrong_key_the_old_one_reads_on(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[3]) as core:
        data = {**core.entry.data, "encryption_key": KEY[::-1]}
        hass.config_entries.async_update_entry(core.entry, data=data)
        before = core.rows()
        step = await enter(hass, await begin(hass), {"next_step_id": "take_over"})
        assert (step["step_id"], step["errors"]) == ("keys", {"decryption_key": "wrong_key"})
        await close(hass, step)
        await eventually(lambda: core.entry.state is ConfigEntryState.LOADED)
        assert core.rows() == before
        entry = make_entry(core, port)
        entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(entry, data={**entry.data, "decryption_key": KEY[::-1]})
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.state is not ConfigEntryState.LOADED
        assert core.entry.state is ConfigEntryState.LOADED
        assert core.rows() == before


_TAKE_OVER = "custom_components.dsmr_p1.takeover"
CRASHES = {
    "before it is recorded": (f"{_TAKE_OVER}.record.RecordStore.async_save", 0),
    "before anything": (f"{_TAKE_OVER}.moving._move_entity", 0),
    "after two entities": (f"{_TAKE_OVER}.moving._move_entity", 2),
    "after all entities": (f"{_TAKE_OVER}.moving._move_device", 0),
    "after one device": (f"{_TAKE_OVER}.moving._move_device", 1),
    "within a device": (f"{_TAKE_OVER}.moving.device_in", 0),
    "before dsmr is disabled": ("homeassistant.config_entries.ConfigEntries.async_set_disabled_by", 0),
    "before it is recorded as done": (f"{_TAKE_OVER}.record.RecordStore.async_save", 1),
    "after all": (f"{_TAKE_OVER}.takeover.async_tell_left", 0),
}
"""Where it crashes: at a call of something, after so many calls of it that went well."""


def crashes(name: str, calls: int) -> Any:
    """Let a function of a module or a class fail after so many calls."""
    works, left = resolve_name(name), iter(range(calls))

    def crash(*arguments: Any, **named: Any) -> Any:
        if next(left, None) is None:
            raise RuntimeError("crash")
        return works(*arguments, **named)

    return patch(name, crash)


@pytest.mark.parametrize("broken", CRASHES)
@pytest.mark.parametrize("core_first", [False, True], ids=["ours first", "dsmr first"])
async def test_a_crash_is_finished_or_undone(
    hass: HomeAssistant, port: PtyPort, broken: str, *, core_first: bool
) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        before = core.rows()
        used = {row.id for row in core.entities() if not row.disabled}
        entry = make_entry(core, port)
        entry.add_to_hass(hass)
        with crashes(*CRASHES[broken]):
            await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()
        assert state_of(entry) is ConfigEntryState.SETUP_ERROR
        await start_again(hass, core, entry, core_first=core_first)
        assert used <= {row.id for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)}
        assert disabled_by(core.entry) is ConfigEntryDisabler.USER
        await give_back(hass, core, entry)
        assert differences(before, core.rows()) == {}


async def start_again(hass: HomeAssistant, core: Core, entry: ConfigEntry, *, core_first: bool) -> None:
    """Set ours up as at the next start of Home Assistant, where the old entry may be set up, and read, before it."""
    if core_first and disabled_by(core.entry) is None:
        if state_of(core.entry) is ConfigEntryState.NOT_LOADED:
            await hass.config_entries.async_setup(core.entry.entry_id)
        await core.reads()
        await hass.async_block_till_done()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(entry) is ConfigEntryState.LOADED


async def give_back(hass: HomeAssistant, core: Core, entry: ConfigEntry) -> None:
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    await core.reads()


@pytest.mark.parametrize("saved", ["nothing", "entities"])
@pytest.mark.parametrize("core_first", [False, True], ids=["ours first", "dsmr first"])
async def test_a_crash_before_the_registries_are_written(
    hass: HomeAssistant, port: PtyPort, saved: str, *, core_first: bool
) -> None:
    """Home Assistant writes its registries some seconds later, and each on its own."""
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        before = core.rows()
        used = {row.id for row in core.entities() if not row.disabled}
        entry = await take_over(hass, core)
        await hass.config_entries.async_unload(entry.entry_id)
        record = await RecordStore(hass, entry.entry_id).async_load()
        assert record is not None
        assert record.is_done
        if saved == "nothing":
            async_move_back(hass, record)
        else:
            registry, devices = er.async_get(hass), dr.async_get(hass)
            for row in er.async_entries_for_config_entry(registry, entry.entry_id):
                registry.async_update_entity(row.entity_id, device_id=None)
            for moved in record.devices:
                devices.async_update_device(
                    moved.device_id,
                    new_config_entry_id=core.entry.entry_id,
                    new_identifiers={(domain, name) for domain, name in moved.identifiers},
                )
        if core_first:
            # Nor was the entry written yet.
            await hass.config_entries.async_set_disabled_by(core.entry.entry_id, None)
            await hass.async_block_till_done()
        await start_again(hass, core, entry, core_first=core_first)
        assert used <= {row.id for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)}
        assert disabled_by(core.entry) is ConfigEntryDisabler.USER
        assert {row.id for row in dr.async_entries_for_config_entry(dr.async_get(hass), core.entry.entry_id)} == set()
        await give_back(hass, core, entry)
        assert differences(before, core.rows()) == {}


async def test_another_meters_register_stays_behind(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        gas, power = core.key(core.serial("gas")), core.key("electricity_used_tariff_1")
        before = core.rows()
        await hass.config_entries.async_unload(core.entry.entry_id)
        hass.states.async_set(gas.entity_id, "1", {"unit_of_measurement": "m³"})
        ours = make_entry(core, port)
        ours.add_to_hass(hass)
        assert await hass.config_entries.async_setup(ours.entry_id)
        await hass.async_block_till_done()
        registry = er.async_get(hass)
        assert entry_of(registry, gas.entity_id).platform == "dsmr"
        assert entry_of(registry, power.entity_id).platform == DOMAIN
        issue = ir.async_get(hass).async_get_issue(DOMAIN, f"left_behind_{ours.entry_id}")
        assert issue is not None
        assert gas.entity_id in (issue.translation_placeholders or {})["entities"]
        # Before the next telegram there is nothing to compare, which is no reason to believe it.
        assert await hass.config_entries.async_reload(ours.entry_id)
        await hass.async_block_till_done()
        assert entry_of(registry, gas.entity_id).platform == "dsmr"
        await hass.config_entries.async_remove(ours.entry_id)
        await hass.async_block_till_done()
        await core.reads()
        assert differences(before, core.rows()) == {}


def gas_sent(entry: ConfigEntry) -> float:
    """Return what the last telegram says of the gas."""
    [gas] = [meter for meter in entry.runtime_data.port.sent.meters if meter.profile.kind is MeterKind.GAS]
    return max(float(str(shown.value)) for shown in present(gas).values() if isinstance(shown.value, Decimal))


@pytest.mark.parametrize("is_in_time", [True, False], ids=["within a day", "later"])
async def test_a_value_that_did_not_fit_is_compared_again_for_a_day(
    hass: HomeAssistant, port: PtyPort, *, is_in_time: bool
) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        registry, gas = er.async_get(hass), core.key(core.serial("gas"))
        before = core.rows()
        shown = hass.states.get(gas.entity_id)
        assert shown is not None
        await hass.config_entries.async_unload(core.entry.entry_id)
        # The first telegram is behind what the old entity showed last.
        hass.states.async_set(gas.entity_id, str(float(shown.state) + 0.1), {"unit_of_measurement": "m³"})
        entry = make_entry(core, port)
        entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(entry, options=EVERY_TELEGRAM)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        issue_id = f"left_behind_{entry.entry_id}"
        assert entry_of(registry, gas.entity_id).platform == "dsmr"
        assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is not None
        if not is_in_time:
            with patch("custom_components.dsmr_p1.takeover.takeover._COMPARED", 0):
                core.meter.advance(6 * 3600)
                await eventually(lambda: gas_sent(entry) > float(shown.state) + 0.1)
                heard = entry.runtime_data.port.reader.heard.telegrams
                await eventually(lambda: entry.runtime_data.port.reader.heard.telegrams > heard + 3)
                await hass.async_block_till_done()
            assert entry_of(registry, gas.entity_id).platform == "dsmr"
            return
        core.meter.advance(6 * 3600)
        await eventually(lambda: entry_of(registry, gas.entity_id).platform == DOMAIN)
        await eventually(lambda: entry.state is ConfigEntryState.LOADED)
        assert entry_of(registry, gas.entity_id).device_id == gas.device_id
        await eventually(lambda: ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None)
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        await core.reads()
        assert differences(before, core.rows()) == {}


async def test_the_port_chosen_is_that_of_the_old_entry(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        step = await begin(hass)
        step = await answer(hass, step, {"next_step_id": "user"})
        assert step["step_id"] == "user"
        step = await enter(hass, step, {CONF_PORT: port.path, "bridge_type": "auto"})
        assert step["step_id"] == "confirm"
        assert told(step)["entry"] == core.entry.title
        await close(hass, step)


async def test_one_of_several_is_chosen(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        other = MockConfigEntry(domain="dsmr", title="other", data={"host": "10.0.0.2", "port": 2323})
        other.add_to_hass(hass)
        step = await answer(hass, await begin(hass), {"next_step_id": "take_over"})
        assert step["step_id"] == "core_entry"
        gone = await answer(hass, await begin(hass), {"next_step_id": "take_over"})
        step = await enter(hass, step, {"entry": core.entry.entry_id})
        assert step["step_id"] == "confirm"
        await close(hass, step)
        await hass.config_entries.async_remove(other.entry_id)
        gone = await answer(hass, gone, {"entry": other.entry_id})
        assert gone["reason"] == "nothing_to_take_over"
        last = await begin(hass)
        await hass.config_entries.async_set_disabled_by(core.entry.entry_id, ConfigEntryDisabler.USER)
        last = await answer(hass, last, {"next_step_id": "take_over"})
        assert last["reason"] == "nothing_to_take_over"


async def test_the_old_entry_is_deleted_meanwhile(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        entry = await take_over(hass, core)
        await hass.config_entries.async_remove(core.entry.entry_id)
        await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
        await hass.config_entries.async_remove(entry.entry_id)
        issues = ir.async_get(hass)
        assert issues.async_get_issue(DOMAIN, f"nothing_to_give_back_{core.entry.entry_id}") is not None


async def test_the_old_entry_is_enabled_meanwhile(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        used = {row.id for row in core.entities() if not row.disabled}
        entry = await take_over(hass, core)
        await hass.config_entries.async_set_disabled_by(core.entry.entry_id, None)
        await hass.async_block_till_done()
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        assert used <= {row.id for row in core.entities()}


async def test_what_was_taken_over_is_remembered_when_it_is_reconfigured(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        entry = await take_over(hass, core)
        step = await enter(hass, await begin(hass, entry), {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR})
        step = await answer(hass, step, {})
        assert step["reason"] == "reconfigure_successful"
        await hass.async_block_till_done()
        assert entry.data[CONF_TAKE_OVER] == core.entry.entry_id


async def test_a_meter_that_comes_later_is_taken_over_then(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        registry = er.async_get(hass)
        water, gas = core.key(core.serial("water")), core.key(core.serial("gas"))
        registry.async_update_entity(water.entity_id, name="Our water")
        before = core.rows()
        everything, core.meter.source = core.meter.source, make_meter(port, "dsmr5", mbus="gas").source
        entry = make_entry(core, port)
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert entry_of(registry, gas.entity_id).platform == DOMAIN
        assert entry_of(registry, water.entity_id).platform == "dsmr"
        issue_id = f"left_behind_{entry.entry_id}"
        assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is not None
        core.meter.source = everything
        await eventually(lambda: entry_of(registry, water.entity_id).platform == DOMAIN)
        await eventually(
            lambda: (state := hass.states.get(water.entity_id)) and state.state not in ("unavailable", "unknown")
        )
        assert entry_of(registry, water.entity_id).device_id == water.device_id
        assert water.device_id is not None
        device = dr.async_get(hass).async_get(water.device_id)
        assert isinstance(device, dr.DeviceEntry)
        assert device.model == "DSMR 5"
        assert device.config_entry_id == entry.entry_id
        assert device.disabled_by is None
        assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None
        # A restart changes nothing any more.
        moved = without_times(registry.async_get(water.entity_id))
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        assert without_times(registry.async_get(water.entity_id)) == moved
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        await core.reads()
        assert differences(before, core.rows()) == {}


@asynccontextmanager
async def both(
    hass: HomeAssistant, port: PtyPort, tmp_path: Path, *, is_same: bool = True
) -> AsyncIterator[tuple[Core, ConfigEntry]]:
    """Let both integrations read, each on a port of its own."""
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        with PtyPort(link=tmp_path / "ttyP2") as second:
            meter = make_meter(second, "dsmr5", mbus="gas,water", seed=1 if is_same else 2)
            if is_same:
                meter.source = core.meter.source
            async with sending(meter):
                data = {CONF_PORT: second.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR}
                entry = MockConfigEntry(domain=DOMAIN, data=data)
                entry.add_to_hass(hass)
                assert await hass.config_entries.async_setup(entry.entry_id)
                await hass.async_block_till_done()
                await core.reads()
                yield core, entry
                for ours in hass.config_entries.async_entries(DOMAIN):
                    await hass.config_entries.async_unload(ours.entry_id)


async def take_over_later(hass: HomeAssistant, core: Core, **data: str) -> None:
    await hass.services.async_call(DOMAIN, "take_over", {"dsmr_entry": core.entry.entry_id, **data}, blocking=True)
    await hass.async_block_till_done()


async def test_an_owner_of_both_takes_over_by_the_repair(
    hass: HomeAssistant, port: PtyPort, tmp_path: Path, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    async with both(hass, port, tmp_path) as (core, entry):
        before = core.rows()
        used = {row.id for row in core.entities() if not row.disabled}
        issue_id = f"both_read_{entry.entry_id}"
        issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
        assert issue is not None
        assert int((issue.translation_placeholders or {})["count"]) == len(used)
        client = await hass_client()
        response = await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id})
        step = await response.json()
        assert step["step_id"] == "confirm"
        assert step["description_placeholders"]["entry"] == core.entry.title
        response = await client.post(f"/api/repairs/issues/fix/{step['flow_id']}", json={})
        assert (await response.json())["type"] == "create_entry"
        await hass.async_block_till_done()
        assert used <= {row.id for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)}
        assert {device.model for device in devices_of(hass, entry)} == {"DSMR 5"}
        assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        await core.reads()
        assert differences(before, core.rows()) == {}


async def test_the_repair_comes_too_late(
    hass: HomeAssistant, port: PtyPort, tmp_path: Path, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    async with both(hass, port, tmp_path) as (core, entry):
        client = await hass_client()
        issue = {"handler": DOMAIN, "issue_id": f"both_read_{entry.entry_id}"}
        step = await (await client.post("/api/repairs/issues/fix", json=issue)).json()
        await hass.config_entries.async_set_disabled_by(core.entry.entry_id, ConfigEntryDisabler.USER)
        step = await (await client.post(f"/api/repairs/issues/fix/{step['flow_id']}", json={})).json()
        assert step["reason"] == "nothing_to_take_over"
        assert CONF_TAKE_OVER not in entry.data
        assert ir.async_get(hass).async_get_issue(DOMAIN, issue["issue_id"]) is None


async def test_by_the_action(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    async with both(hass, port, tmp_path) as (core, entry):
        used = {row.id for row in core.entities() if not row.disabled}
        ids = {row.entity_id for row in core.entities() if not row.disabled}
        await take_over_later(hass, core)
        ours = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        assert used <= {row.id for row in ours}
        assert ids <= {row.entity_id for row in ours}
        with pytest.raises(ServiceValidationError) as refused:
            await take_over_later(hass, core)
        assert refused.value.translation_key == "has_taken_over"


async def test_another_meter_is_not_taken_over(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    async with both(hass, port, tmp_path, is_same=False) as (core, entry):
        before = core.rows()
        assert ir.async_get(hass).async_get_issue(DOMAIN, f"both_read_{entry.entry_id}") is None
        with pytest.raises(ServiceValidationError) as refused:
            await take_over_later(hass, core, config_entry_id=entry.entry_id)
        assert refused.value.translation_key == "another_meter"
        await hass.config_entries.async_set_disabled_by(core.entry.entry_id, ConfigEntryDisabler.USER)
        with pytest.raises(ServiceValidationError) as refused:
            await take_over_later(hass, core)
        assert refused.value.translation_key == "nothing_to_take_over"
        await hass.config_entries.async_set_disabled_by(core.entry.entry_id, None)
        await core.reads()
        assert core.rows() == before


async def test_the_action_says_that_no_telegram_came(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    async with both(hass, port, tmp_path) as (core, entry):
        before = core.rows()
        with (
            patch("custom_components.dsmr_p1.coordinator.FIRST_TELEGRAM_LIMIT", 0.3),
            patch("simulator.SimulatedMeter.step"),
            pytest.raises(HomeAssistantError) as failed,
        ):
            await take_over_later(hass, core)
        assert failed.value.translation_key == "take_over_failed"
        await hass.async_block_till_done()
        assert core.entry.state is ConfigEntryState.LOADED
        assert core.rows() == before
        assert entry.state is ConfigEntryState.SETUP_RETRY
