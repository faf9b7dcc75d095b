"""Event entities of meters. `events` detects the events."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Final, override

from homeassistant.components.event import EventEntity
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .coordinator import P1ConfigEntry, P1Coordinator
from .entity import P1Entity
from .events.follower import Follower, kinds_of
from .events.kinds import Event, EventDescription
from .storage.store import KnownMeter

PARALLEL_UPDATES = 0
_APART: Final = 0.002
"""The fewest seconds between two events of one kind."""


async def async_setup_entry(
    hass: HomeAssistant, entry: P1ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up an entity for each kind of event of the known meters, and of meters that are added later."""
    coordinator = entry.runtime_data
    follower = Follower(coordinator.port)

    @callback
    def start(_: HomeAssistant) -> None:
        entry.async_on_unload(coordinator.port.subscribe(follower.take))

    # Automations do not run earlier, and events during a stop of Home Assistant are for them too.
    entry.async_on_unload(async_at_started(hass, start))
    known: Mapping[str, KnownMeter] = {}
    added: set[tuple[str, str]] = set()

    @callback
    def follow() -> None:
        nonlocal known, added
        if known is coordinator.port.meters:
            return
        known = coordinator.port.meters
        found = {(slot, kind.key): kind for slot, meter in known.items() for kind in kinds_of(meter)}
        fresh = found.keys() - added
        # A removed meter may come back.
        added = {key for key in added if key[0] in known} | fresh
        async_add_entities([P1Event(coordinator, follower, key[0], found[key]) for key in sorted(fresh)])

    entry.async_on_unload(coordinator.async_add_listener(follow))
    follow()


class P1Event(P1Entity, EventEntity):
    """One kind of event of a meter. It stays available while the port is not: past events remain true."""

    entity_description: EventDescription

    def __init__(
        self, coordinator: P1Coordinator, follower: Follower, slot: str, description: EventDescription
    ) -> None:
        super().__init__(coordinator, slot, description.key)
        self.entity_description = description
        self._follower = follower
        self._waiting: deque[Event] = deque()
        self._cancel: CALLBACK_TYPE = lambda: None
        self._attr_translation_key = description.key

    @property
    @override
    def available(self) -> bool:
        return True

    @override
    async def async_added_to_hass(self) -> None:
        # It does not listen to the coordinator: its state is written only when an event occurs.
        # Automations see an event only if the state changes.
        self.async_write_ha_state()
        self.async_on_remove(self._follower.listen(self.slot, self.entity_description.key, self._on_event))

    @override
    async def async_will_remove_from_hass(self) -> None:
        self._cancel()

    @callback
    def _on_event(self, event: Event) -> None:
        """Trigger an event, or queue it: the state is a time in milliseconds, so two events must not share one."""
        if self._waiting or self.state == dt_util.utcnow().isoformat(timespec="milliseconds"):
            self._waiting.append(event)
            if len(self._waiting) == 1:
                self._trigger_later()
        else:
            self._trigger(event)

    def _trigger_later(self) -> None:
        job = HassJob(self._trigger_next, cancel_on_shutdown=True)
        self._cancel = async_call_later(self.hass, _APART, job)

    @callback
    def _trigger_next(self, _: datetime) -> None:
        self._trigger(self._waiting.popleft())
        if self._waiting:
            self._trigger_later()

    def _trigger(self, event: Event) -> None:
        self._trigger_event(event.type, event.facts)
        self.async_write_ha_state()
