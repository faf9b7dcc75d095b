"""What a part is: a room of its own that listens to the telegrams of a port, and is off until its owner wants it.

A part is a folder beside this file with a `PART`. Nothing else knows it, so that it can be deleted as a whole.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, override

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.core import HomeAssistant, callback

from ..coordinator import P1Coordinator
from ..entity import P1Entity


@dataclass(frozen=True, slots=True)
class Part:
    """A part: how it is asked for, and how it starts.

    `key` is the key of its settings in the options of the entry, its choice in the menu of the options, and the first
    of its `steps` there. `start` starts it where the options have settings, and returns its entities; what it has
    started ends with the entry. `remove` removes what it has stored for an entry, by the id of the entry; None if it
    stores nothing.
    """

    key: str
    steps: type[PartSteps]
    start: Callable[[P1Coordinator], Awaitable[Iterable[P1Entity]]]
    remove: Callable[[HomeAssistant, str], Awaitable[None]] | None = None


class PartSteps(OptionsFlowWithReload):
    """The steps of the options flow that ask for the settings of a part."""

    def keep(self, key: str, settings: Mapping[str, Any] | None) -> ConfigFlowResult:
        """Store the settings of a part, which is started anew with them; None switches it off."""
        options = {name: kept for name, kept in self.config_entry.options.items() if name != key}
        return self.async_create_entry(data=options if settings is None else {**options, key: dict(settings)})


class Source(Protocol):
    """What the entities of a part show; `listeners` are called where there is news."""

    listeners: list[Callable[[], None]]

    def follow(self) -> None:
        """Follow the last telegram, once."""


class PartEntity(P1Entity):
    """An entity of a part, on the device of the meter in a slot; it writes its state when its value is another one."""

    def __init__(self, coordinator: P1Coordinator, slot: str, source: Source, part: str, key: str) -> None:
        """Initialize the entity; `key` distinguishes the entities of a part."""
        super().__init__(coordinator, slot, f"{part}_{key}")
        self._attr_translation_key = f"{part}_{key}"
        self._source = source
        self._was_available = False

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._was_available = self.coordinator.last_update_success
        self._take()
        self._source.listeners.append(self._update)
        self.async_on_remove(lambda: self._source.listeners.remove(self._update))

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        # The coordinator calls at the pace of its own entities; of these, only an outage and its end concern this one.
        if self.coordinator.last_update_success is not self._was_available:
            self._was_available = self.coordinator.last_update_success
            # After an outage, the first telegram is shown and not the last one before.
            self._source.follow()
            super()._handle_coordinator_update()

    @callback
    def _update(self) -> None:
        if self._take():
            self.async_write_ha_state()

    @abstractmethod
    def _take(self) -> bool:
        """Take the value that is to be shown, and return whether it is another one."""
