"""What goes wrong around a take-over: owners who change their minds, two of everything, and what is deleted between."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import entity_sources
import pytest

from custom_components.dsmr_p1.const import CONF_BRIDGE_TYPE, CONF_TAKE_OVER, DOMAIN
from simulator import PtyPort, TcpPort, TelegramBuilder
from tests.ha.flow_driver import answer, begin, close, enter, is_open, look, make_meter, sending
from tests.ha.house import eventually
from tests.ha.replacing import EVERY_TELEGRAM
from tests.ha.test_take_over import (
    COUNTRIES,
    Core,
    choose,
    core_on_a_meter,
    differences,
    disabled_by,
    entry_of,
    give_back,
    is_shown,
    make_entry,
    state_of,
    take_over,
)

pytestmark = pytest.mark.usefixtures("without_waiting")


def used_of(core: Core) -> dict[str, str]:
    return {row.id: row.entity_id for row in core.entities() if not row.disabled}


def of_entry(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, er.RegistryEntry]:
    return {row.id: row for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)}


async def test_an_owner_goes_back_by_hand_and_deletes_ours_then(hass: HomeAssistant, port: PtyPort) -> None:
    """The old entry makes its entities anew, as those of before are ours and disabled."""
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        before = core.rows()
        entry = await take_over(hass, core)
        await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
        await hass.config_entries.async_set_disabled_by(core.entry.entry_id, None)
        await hass.async_block_till_done()
        await core.reads()
        await give_back(hass, core, entry)
        assert state_of(core.entry) is ConfigEntryState.LOADED
        assert differences(before, core.rows()) == {}


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_both_read_a_network_reader_before_ours_is_deleted(hass: HomeAssistant, socket_enabled: None) -> None:
    with TcpPort() as tcp:
        async with core_on_a_meter(hass, tcp, *COUNTRIES[2]) as core:
            registry = er.async_get(hass)
            # It stays behind, and its owner uses it.
            limit = core.key("belgium_max_power_per_phase")
            registry.async_update_entity(limit.entity_id, disabled_by=None, name="Our limit")
            await hass.config_entries.async_reload(core.entry.entry_id)
            await core.reads()
            before = core.rows()
            entry = await take_over(hass, core)
            await hass.config_entries.async_set_disabled_by(core.entry.entry_id, None)
            await hass.async_block_till_done()
            await core.reads()
            await give_back(hass, core, entry)
            assert differences(before, core.rows()) == {}


async def test_what_an_owner_changes_while_ours_reads_stays(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[4]) as core:
        registry, devices = er.async_get(hass), dr.async_get(hass)
        area = ar.async_get(hass).async_create("Cellar")
        entry = await take_over(hass, core)
        power, energy = (continued(hass, entry, f"emeter_{key}") for key in ("actual_delivery", "delivery_tariff1"))
        registry.async_update_entity(power, new_entity_id="sensor.power", name="Power", area_id=area.id)
        registry.async_update_entity("sensor.power", hidden_by=er.RegistryEntryHider.USER, labels={"one"})
        registry.async_update_entity_options("sensor.power", "sensor", {"unit_of_measurement": "kW"})
        registry.async_update_entity(energy, disabled_by=er.RegistryEntryDisabler.USER)
        device_id = entry_of(registry, "sensor.power").device_id
        assert device_id is not None
        devices.async_update_device(device_id, name_by_user="Our meter", area_id=area.id)
        await hass.async_block_till_done()
        await give_back(hass, core, entry)
        shown = entry_of(registry, "sensor.power")
        assert (shown.platform, shown.name, shown.area_id, shown.labels) == ("dsmr", "Power", area.id, {"one"})
        assert shown.hidden_by is er.RegistryEntryHider.USER
        assert shown.options["sensor"]["unit_of_measurement"] == "kW"
        assert entry_of(registry, energy).disabled_by is er.RegistryEntryDisabler.USER
        device = devices.async_get(device_id)
        assert isinstance(device, dr.DeviceEntry)
        assert (device.name_by_user, device.area_id, device.config_entry_id) == (
            "Our meter",
            area.id,
            core.entry.entry_id,
        )


def continued(hass: HomeAssistant, entry: ConfigEntry, channel: str) -> str:
    [found] = [row.entity_id for row in of_entry(hass, entry).values() if row.unique_id.endswith(f"_{channel}")]
    return found


async def test_what_an_owner_deletes_between_does_not_stop_the_rest(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        registry, devices = er.async_get(hass), dr.async_get(hass)
        gas, power = core.key(core.serial("gas")), core.key("current_electricity_usage")
        unused = next(row for row in core.entities() if row.disabled)
        used = used_of(core)
        entry = await take_over(hass, core)
        registry.async_remove(power.entity_id)
        registry.async_remove(unused.entity_id)
        assert gas.device_id is not None
        devices.async_remove_device(gas.device_id)
        await hass.async_block_till_done()
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        await give_back(hass, core, entry)
        assert state_of(core.entry) is ConfigEntryState.LOADED
        back = used_of(core)
        assert set(back.values()) == set(used.values())
        assert not [row for row in registry.entities.values() if row.config_entry_id == entry.entry_id]


async def test_two_entries_on_two_ports(hass: HomeAssistant, port: PtyPort, tmp_path: Path) -> None:
    with PtyPort(link=tmp_path / "ttyP2") as second, patch.object(second, "on_the_line", lambda sent, _: sent):
        async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
            # The house beside it, with another meter.
            meter = make_meter(second, "dsmr5", mbus="gas,water", seed=2)
            async with sending(meter):
                flow = await hass.config_entries.flow.async_init("dsmr", context={"source": "user"})
                given = {CONF_PORT: second.path, "dsmr_version": "5"}
                made = await hass.config_entries.flow.async_configure(flow["flow_id"], given)
                other = Core(hass, made["result"], meter)
                await hass.async_block_till_done()
                await other.reads()
                before = core.rows(), other.rows()
                taken = []
                for one, at in (core, port), (other, second):
                    entry = make_entry(one, at)
                    entry.add_to_hass(hass)
                    assert await hass.config_entries.async_setup(entry.entry_id)
                    await hass.async_block_till_done()
                    taken.append(entry)
                for rows, entry in zip(before, taken, strict=True):
                    assert {key for key in rows if key in of_entry(hass, entry)} >= set(used_ids(rows))
                for one, entry in ((core, taken[0]), (other, taken[1])):
                    await give_back(hass, one, entry)
                assert differences(before[0], core.rows()) == {}
                assert differences(before[1], other.rows()) == {}
                await hass.config_entries.async_unload(other.entry.entry_id)


def used_ids(rows: dict[str, Any]) -> list[str]:
    return [key for key, row in rows.items() if "unique_id" in row and row["disabled_by"] is None]


async def test_two_dialogs_take_it_over_once(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        used = used_of(core)
        dialogs = [await choose(hass, core) for _ in range(2)]
        made = await answer(hass, dialogs[0], {CONF_TAKE_OVER: True})
        await hass.async_block_till_done()
        assert not is_open(hass, dialogs[1])
        assert used.keys() <= of_entry(hass, made["result"]).keys()


@pytest.mark.parametrize("is_gone", [True, False], ids=["deleted", "disabled"])
async def test_the_old_entry_goes_while_the_last_page_is_read(
    hass: HomeAssistant, port: PtyPort, *, is_gone: bool
) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        step = await choose(hass, core)
        if is_gone:
            await hass.config_entries.async_remove(core.entry.entry_id)
        else:
            await hass.config_entries.async_set_disabled_by(core.entry.entry_id, ConfigEntryDisabler.USER)
        await hass.async_block_till_done()
        step = await answer(hass, step, {CONF_TAKE_OVER: True})
        assert step["reason"] == "nothing_to_take_over"
        assert not hass.config_entries.async_entries(DOMAIN)


async def test_the_old_entry_comes_while_the_last_page_is_read(hass: HomeAssistant, port: PtyPort) -> None:
    """It is offered then: a port has one reader."""
    async with sending(make_meter(port, "dsmr5")):
        step = await enter(hass, await begin(hass), {CONF_PORT: port.path, CONF_BRIDGE_TYPE: "auto"})
        assert step["step_id"] == "confirm"
        async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
            step = await answer(hass, step, {})
            assert step["step_id"] == "confirm"
            step = await answer(hass, step, {CONF_TAKE_OVER: True})
            await hass.async_block_till_done()
            assert disabled_by(core.entry) is ConfigEntryDisabler.USER


@pytest.mark.parametrize("is_gone", [True, False], ids=["deleted", "disabled"])
async def test_the_old_entry_goes_before_the_first_telegram(
    hass: HomeAssistant, port: PtyPort, *, is_gone: bool
) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        before = core.rows()
        entry = make_entry(core, port)
        entry.add_to_hass(hass)
        with patch.object(core.meter, "step"):
            setup = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
            await eventually(lambda: core.entry.state is ConfigEntryState.NOT_LOADED)
            if is_gone:
                await hass.config_entries.async_remove(core.entry.entry_id)
            else:
                await hass.config_entries.async_set_disabled_by(core.entry.entry_id, ConfigEntryDisabler.USER)
        assert await setup
        await hass.async_block_till_done()
        assert state_of(entry) is ConfigEntryState.LOADED
        if is_gone:
            assert {row.platform for row in of_entry(hass, entry).values()} == {DOMAIN}
            return
        assert set(used_ids(before)) <= of_entry(hass, entry).keys()
        # It is not enabled by us then, but by its owner.
        await hass.config_entries.async_set_disabled_by(core.entry.entry_id, None)
        await hass.async_block_till_done()
        await give_back(hass, core, entry)
        assert state_of(core.entry) is ConfigEntryState.LOADED
        assert differences(before, core.rows()) == {}


@pytest.mark.parametrize("ending", ["menu", "listening", "key"])
async def test_the_dialog_is_closed_on_the_way(
    hass: HomeAssistant, port: PtyPort, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[3 if ending == "key" else 0]) as core:
        before = core.rows()
        if ending == "key":
            data = {name: value for name, value in core.entry.data.items() if name != "encryption_key"}
            hass.config_entries.async_update_entry(core.entry, data=data)
            # It opens its port anew, and reads without a key.
            await eventually(lambda: "Failed to decrypt" in caplog.text)
        step = await begin(hass)
        if ending == "listening":
            with patch.object(core.meter, "step"):
                step = await answer(hass, step, {"next_step_id": "take_over"})
                await eventually(lambda: core.entry.state is not ConfigEntryState.LOADED)
                step = await look(hass, step)
                await close(hass, step)
        elif ending == "key":
            step = await enter(hass, step, {"next_step_id": "take_over"})
            assert step["step_id"] == "keys"
            await close(hass, step)
        else:
            await close(hass, step)
        await eventually(lambda: core.entry.state is ConfigEntryState.LOADED)
        assert core.rows() == before
        assert not hass.config_entries.async_entries(DOMAIN)


async def test_a_meter_comes_where_another_one_was(hass: HomeAssistant, port: PtyPort) -> None:
    """The gas meter moves to another channel of the M-Bus, and the water meter comes in its place."""
    async with core_on_a_meter(hass, port, "dsmr5", "water,gas", {"dsmr_version": "5"}) as core:
        registry = er.async_get(hass)
        water, gas = core.key(core.serial("water")), core.key(core.serial("gas"))
        before = core.rows()
        builder = core.meter.source
        assert isinstance(builder, TelegramBuilder)
        both = builder.slots
        on_two = next(slot for slot in both if slot.channel == 2)
        builder.slots = (replace(on_two, channel=1),)
        entry = make_entry(core, port)
        entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(entry, options=EVERY_TELEGRAM)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert entry_of(registry, gas.entity_id).platform == DOMAIN
        assert entry_of(registry, water.entity_id).platform == "dsmr"
        put_elsewhere: list[Any] = []

        def on_update(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
            if (
                event.data["action"] == "update"
                and event.data["entity_id"] == gas.entity_id
                and "device_id" in event.data["changes"]
            ):
                put_elsewhere.append(event)

        hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, on_update)
        builder.slots = both
        await eventually(lambda: entry_of(registry, water.entity_id).platform == DOMAIN)
        await eventually(lambda: is_shown(hass, water.entity_id))
        # Helpers on a device are set up again whenever their entity is put on another one.
        assert not put_elsewhere
        assert entry_of(registry, gas.entity_id).device_id == gas.device_id
        assert entry_of(registry, water.entity_id).device_id == water.device_id
        await give_back(hass, core, entry)
        assert differences(before, core.rows()) == {}


async def test_an_entity_that_is_still_loaded_does_not_keep_back_the_rest(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        power = core.key("current_electricity_usage")
        before, used = core.rows(), used_of(core)
        entry = await take_over(hass, core)
        await hass.config_entries.async_unload(entry.entry_id)
        # As one that a platform adds while it is unloaded.
        entity_sources(hass)[power.entity_id] = {"domain": DOMAIN}
        await hass.config_entries.async_remove(entry.entry_id)
        await core.reads()
        after = core.rows()
        assert set(used_of(core).values()) == set(used.values())
        others = before.keys() - {power.id}
        assert differences({one: before[one] for one in others}, {one: after[one] for one in others}) == {}


async def test_the_main_meter_is_replaced_before_ours_is_deleted(hass: HomeAssistant, port: PtyPort) -> None:
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        before = core.rows()
        entry = await take_over(hass, core)
        builder = core.meter.source
        assert isinstance(builder, TelegramBuilder)
        builder.identifier = "E0007SIM000000001"
        await eventually(lambda: entry.runtime_data.port.record.replaced.changes)
        await hass.async_block_till_done()
        await give_back(hass, core, entry)
        assert differences(before, core.rows()) == {}


async def test_in_dutch(hass: HomeAssistant, port: PtyPort) -> None:
    hass.config.language = "nl"
    async with core_on_a_meter(hass, port, *COUNTRIES[0]) as core:
        used, before = used_of(core), core.rows()
        entry = await take_over(hass, core)
        moved = of_entry(hass, entry)
        assert {one: moved[one].entity_id for one in used} == used
        await give_back(hass, core, entry)
        assert differences(before, core.rows()) == {}
