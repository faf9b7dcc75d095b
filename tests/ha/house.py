"""A simulated meter on a pty, and the entry that reads it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.dsmr_p1.const import BRIDGE_DSMR, CONF_BRIDGE_TYPE, DOMAIN
from custom_components.dsmr_p1.coordinator import P1Coordinator
from custom_components.dsmr_p1.watch.line_health import DESCRIPTIONS
from simulator import Household, Model, PtyPort, TelegramBuilder, find_model

START = datetime(2026, 2, 18, 16, 20, tzinfo=UTC)
PATIENCE = 40.0
"""Seconds of real time within which what a test waits for has happened, on the slowest machine."""
LINE_HEALTH = frozenset({"p1_connectivity", *(f"p1_{description.key}" for description in DESCRIPTIONS)})
"""The entities that tell of the line and not of a meter, by unique id without the entry's."""


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until something has happened: look, and let the loop run, in turn."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


@dataclass
class House:
    """A simulated meter on a pty, and the entry that reads it."""

    hass: HomeAssistant
    port: PtyPort
    builder: TelegramBuilder
    entry: MockConfigEntry = field(init=False)

    def __post_init__(self) -> None:
        self.entry = MockConfigEntry(
            domain=DOMAIN, title="P1", data={CONF_PORT: self.port.path, CONF_BRIDGE_TYPE: BRIDGE_DSMR}
        )

    def configure(self, *, data: dict[str, Any] | None = None, options: dict[str, Any] | None = None) -> None:
        """Give the entry what a user would have chosen; before it is set up."""
        self.entry = MockConfigEntry(
            domain=DOMAIN, title="P1", data={**self.entry.data, **(data or {})}, options=options or {}
        )

    @property
    def coordinator(self) -> P1Coordinator:
        coordinator = self.entry.runtime_data
        assert isinstance(coordinator, P1Coordinator)
        return coordinator

    @property
    def is_listening(self) -> bool:
        """Tell whether the reader has the port open."""
        coordinator = getattr(self.entry, "runtime_data", None)
        if coordinator is None:
            return False
        heard = coordinator.port.reader.heard
        return bool(heard.opened > heard.lost)

    async def start_setup(self) -> asyncio.Task[bool]:
        """Begin to set up the entry, and wait until the port is open: opening it throws away what came before."""
        if self.hass.config_entries.async_get_entry(self.entry.entry_id) is None:
            self.entry.add_to_hass(self.hass)
        setup = self.hass.async_create_task(self.hass.config_entries.async_setup(self.entry.entry_id))
        await eventually(lambda: setup.done() or self.is_listening)
        return setup

    async def set_up(self, telegram: bytes | None = None, again: bytes | None = None) -> None:
        """Set the entry up with a telegram and the same again, as a total is shown when a second one agrees with it.

        An encrypted telegram is never believed twice: of a given one the next must be given too, or there is none.
        """
        setup = await self.start_setup()
        self.port.write(self.builder.telegram() if telegram is None else telegram)
        await eventually(lambda: setup.done() or self.coordinator.port.reader.heard.telegrams)
        heard = self.coordinator.port.reader.heard
        if telegram is None or again is not None or not heard.is_encrypted:
            self.port.write(again or telegram or self.builder.telegram())
            await eventually(lambda: heard.telegrams > 1)
        async with asyncio.timeout(PATIENCE):
            assert await setup
        assert self.entry.state is ConfigEntryState.LOADED
        await self.hass.async_block_till_done()

    async def send(self, telegram: bytes | None = None) -> None:
        """Send a telegram, and wait until Home Assistant has dealt with it."""
        await eventually(lambda: self.is_listening)
        heard = self.coordinator.port.reader.heard
        before = heard.telegrams + heard.rejected.total()
        self.port.write(self.builder.telegram() if telegram is None else telegram)
        await eventually(lambda: heard.telegrams + heard.rejected.total() > before)
        await self.hass.async_block_till_done()

    async def reload(self, telegram: bytes | None = None) -> None:
        """Set the entry up again, as after a restart, with what is stored."""
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.hass.async_block_till_done()
        await eventually(lambda: self.is_listening)
        if telegram is not None:
            await self.send(telegram)

    def pass_time(self, seconds: int) -> None:
        """Let time pass in the household."""
        self.builder.household.advance(seconds)

    def unique_id(self, slot: str, channel_id: str) -> str:
        return f"{self.entry.entry_id}_{slot}_{channel_id}"

    def entity_id(self, slot: str, channel_id: str) -> str | None:
        """Give the entity id of a channel; None where it has no entity."""
        return er.async_get(self.hass).async_get_entity_id("sensor", DOMAIN, self.unique_id(slot, channel_id))

    def state(self, slot: str, channel_id: str) -> State:
        """Give the state of a channel's entity."""
        entity_id = self.entity_id(slot, channel_id)
        assert entity_id is not None, (slot, channel_id)
        state = self.hass.states.get(entity_id)
        assert state is not None, entity_id
        return state

    def value(self, slot: str, channel_id: str) -> str:
        return self.state(slot, channel_id).state

    def event(self, slot: str, key: str) -> State:
        """Give the state of the entity of a kind of events."""
        entity_id = er.async_get(self.hass).async_get_entity_id("event", DOMAIN, self.unique_id(slot, key))
        assert entity_id is not None, (slot, key)
        state = self.hass.states.get(entity_id)
        assert state is not None, entity_id
        return state

    def device(self, slot: str) -> dr.DeviceEntry | None:
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, f"{self.entry.entry_id}_{slot}"), self.entry.entry_id
        )
        assert device is None or isinstance(device, dr.DeviceEntry)
        return device

    def device_id(self, slot: str) -> str:
        """Give the id of the device in a slot, in Home Assistant's registry."""
        device = self.device(slot)
        assert device is not None, slot
        return device.id

    def slots(self) -> set[str]:
        """Give the slots that have a device."""
        prefix = f"{self.entry.entry_id}_"
        return {
            identifier.removeprefix(prefix)
            for device in dr.async_entries_for_config_entry(dr.async_get(self.hass), self.entry.entry_id)
            for _, identifier in device.identifiers
        }

    def entities(self) -> dict[str, er.RegistryEntry]:
        """Give the registry entries of channels, which are sensors, by unique id without the entry's."""
        prefix = f"{self.entry.entry_id}_"
        found = [
            entity
            for entity in er.async_entries_for_config_entry(er.async_get(self.hass), self.entry.entry_id)
            if entity.domain == "sensor"
        ]
        entities = {entity.unique_id.removeprefix(prefix): entity for entity in found}
        return {key: entity for key, entity in entities.items() if key not in LINE_HEALTH}


type MakeHouse = Callable[..., Awaitable[House]]


def make_builder(model: Model | str, mbus: str | None = None, **household: Any) -> TelegramBuilder:
    """Give the meter of a model in a household of its own."""
    if isinstance(model, str):
        model = find_model(model)
    lived_in = Household(seed=1, start=START, region=model.region, phases=model.phases, **household)
    return TelegramBuilder.create(model, lived_in, mbus)


@asynccontextmanager
async def house_on(hass: HomeAssistant, builder: TelegramBuilder, link: Path) -> AsyncIterator[House]:
    """Give a house on a pty behind a link, and clear it away afterwards."""
    with PtyPort(link=link) as port:
        house = House(hass, port, builder)
        yield house
        if house.entry.state is ConfigEntryState.LOADED:
            await hass.config_entries.async_unload(house.entry.entry_id)
            await hass.async_block_till_done()
