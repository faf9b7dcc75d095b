"""What is stored of a take-over, before the first change: all that is needed to finish it, and to undo it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..storage.replaced import own_fields

_VERSION: Final = 1


@dataclass(slots=True, kw_only=True)
class MovedEntity:
    """An entity that continues as ours; `unit` is the unit that was fixed so that it stays, None where none was.

    `words` are those for the tariff, by the number that the meter sends. `device_id` is the device it had.
    """

    registry_id: str
    old_unique_id: str
    slot: str
    channel: str
    device_id: str | None
    unit: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class MovedDevice:
    """A device that continues as the meter in a slot, and how it was."""

    device_id: str
    slot: str
    identifiers: list[list[str]]
    name: str | None
    manufacturer: str | None
    model: str | None
    serial_number: str | None


@dataclass(slots=True, kw_only=True)
class LeftEntity:
    """An entity that stays behind, on no device until it is given back; `value` and `unit` are what it showed last."""

    registry_id: str
    device_id: str | None
    reason: str
    value: str | None = None
    unit: str | None = None


@dataclass(slots=True, kw_only=True)
class Record:
    """A take-over of the entry `core`; `was_enabled` tells whether that is enabled again when it is undone.

    `planned_at` is when it was planned, in seconds since 1970.
    """

    core: str
    was_enabled: bool
    entities: list[MovedEntity]
    devices: list[MovedDevice]
    left: list[LeftEntity]
    is_done: bool = False
    planned_at: float = 0

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was written."""
        entities = [MovedEntity(**entity) for entity in stored["entities"]]
        devices = [MovedDevice(**device) for device in stored["devices"]]
        left = [LeftEntity(**entity) for entity in stored["left"]]
        return cls(**{**own_fields(cls, stored), "entities": entities, "devices": devices, "left": left})


class RecordStore:
    """Where the record of an entry is kept."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store: Store[dict[str, Any]] = Store(hass, _VERSION, f"{DOMAIN}.takeover.{entry_id}")

    async def async_load(self) -> Record | None:
        """Return the record; None where nothing was taken over."""
        stored = await self._store.async_load()
        return None if stored is None else Record.from_dict(stored)

    async def async_save(self, record: Record) -> None:
        """Write a record, and return when it is written."""
        await self._store.async_save(asdict(record))

    async def async_remove(self) -> None:
        """Remove the record."""
        await self._store.async_remove()
