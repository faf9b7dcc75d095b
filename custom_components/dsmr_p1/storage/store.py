"""The record of a port, stored over restarts: its meters, with all data for their entities.

With it the entities of an entry exist right after a start, also while the port is unavailable. Values are not stored:
a reading of yesterday is not the state of today.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..p1 import ChannelType, MeterKind, MeterType, PortMemory, Role, Unit, channel_type, meter_type
from .replaced import Correction, OddStep, Replaced, own_fields, renamed

STORAGE_VERSION: Final = 1
_MEMORY: Final = ("sends_crc", "tag_verified", "tariffs", "is_certain", "main_meter", "frame_counters")
"""What is stored of the memory of a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMeter:
    """The constant data of a meter.

    `type_id` is the type that was detected, `chosen_type_id` the one by which the owner overrules it. `channels` are
    the ids of all channels it ever sent, with the units of their values. `low_tariff` is the number of the tariff for
    the cheap hours, None if the numbers have no such meaning. `system_title` is that of an encrypted main meter, in
    hexadecimal digits.
    """

    slot: str
    role: Role
    kind: MeterKind
    type_id: str
    chosen_type_id: str | None = None
    mbus_channel: int
    equipment_identifier: str | None = None
    system_title: str | None = field(default=None, repr=False)
    low_tariff: int | None = None
    manufacturer: str | None = None
    channels: Mapping[str, Unit | None] = field(default_factory=dict)

    @property
    def type(self) -> MeterType | None:
        """The row of the type in use; None if no type of the specification fits."""
        return meter_type(self.chosen_type_id or self.type_id)

    def identities(self, other: KnownMeter) -> tuple[str, str] | None:
        """Return the identities of this meter and another one for comparison; None if they cannot be compared.

        These are the identifiers, or the system titles if a meter sends no identifier or only the titles differ.
        """
        identifiers = self.equipment_identifier, other.equipment_identifier
        titles = self.system_title, other.system_title
        pairs = [(one, two) for one, two in (identifiers, titles) if one is not None and two is not None]
        return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0] if pairs else None)

    def as_dict(self) -> dict[str, Any]:
        """Return the data for storage."""
        stored = asdict(self)
        return {"type": stored.pop("type_id"), "chosen_type": stored.pop("chosen_type_id"), **stored}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data. Channels that this version does not know are skipped."""
        channels = {
            channel_id: None if unit is None else Unit(unit)
            for channel_id, unit in stored["channels"].items()
            if known_channel(channel_id) is not None
        }
        own = own_fields(cls, stored) | {"type_id": stored["type"], "chosen_type_id": stored["chosen_type"]}
        return cls(**{**own, "role": Role(own["role"]), "kind": MeterKind(own["kind"]), "channels": channels})


def known_channel(channel_id: str) -> ChannelType | None:
    """Return the catalog's row of a channel; None if it has none."""
    try:
        return channel_type(channel_id)
    except KeyError:
        return None


@dataclass(frozen=True, slots=True)
class Seen:
    """The last values of a meter that show events: counters, messages, the tariff.

    `identifier` is that of the meter, with its system title if it encrypts, None if it sends none. `values` are by
    channel id, as text. `failures` identify the power failures of the meter's list, None if it has sent no list.
    """

    identifier: str | None
    values: Mapping[str, str]
    failures: frozenset[str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the data for storage."""
        return asdict(self) | {"failures": None if self.failures is None else sorted(self.failures)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data."""
        failures = stored["failures"]
        return cls(stored["identifier"], stored["values"], None if failures is None else frozenset(failures))


@dataclass(slots=True)
class PortRecord:
    """All stored data of a port.

    `acknowledged` are the conditions that the owner has acknowledged, which are not raised again. `device`
    identifies the USB device of the port: vendor, product and serial number. `time_zone` is the zone by which
    the clock of the meter is right, None if that is the assumed one. `seen` are the last values for events, by slot.
    `is_on_dashboard`: the meters were added to the energy dashboard, as the owner wished. `corrections` of statistics
    wait for the recorder. `guard` are the last good readings, as the room `guarding` writes them, and `odd_steps` the
    steps that the owner is asked about.
    """

    meters: Mapping[str, KnownMeter] = field(default_factory=dict)
    memory: PortMemory = field(default_factory=PortMemory)
    replaced: Replaced = field(default_factory=Replaced)
    acknowledged: set[str] = field(default_factory=set)
    device: tuple[str, ...] | None = None
    time_zone: str | None = None
    seen: dict[str, Seen] = field(default_factory=dict)
    is_on_dashboard: bool = False
    corrections: list[Correction] = field(default_factory=list)
    guard: Mapping[str, Any] = field(default_factory=dict)
    odd_steps: list[OddStep] = field(default_factory=list)

    @property
    def urgent(self) -> tuple[object, ...]:
        """The parts that must not be lost: answers of the owner, and amounts to correct in the statistics."""
        replaced = self.replaced
        said = self.acknowledged, replaced.snoozed, replaced.retired
        return *said, replaced.changes, replaced.unbooked, self.corrections, self.odd_steps

    def rename(self, name: Callable[[str], str]) -> None:
        """Replace the entity ids of amounts that wait."""
        replaced = self.replaced
        self.corrections[:] = renamed(self.corrections, name)
        replaced.unbooked[:] = renamed(replaced.unbooked, name)
        replaced.changes.update(renamed(replaced.changes, name))
        self.odd_steps[:] = renamed(self.odd_steps, name)

    def copy(self) -> PortRecord:
        """Return an independent copy: the reader keeps changing the memory of the port."""
        return replace(
            self,
            memory=deepcopy(self.memory),
            replaced=deepcopy(self.replaced),
            acknowledged=set(self.acknowledged),
            seen=dict(self.seen),
            corrections=list(self.corrections),
            odd_steps=list(self.odd_steps),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the data for storage."""
        return {
            "meters": [meter.as_dict() for meter in self.meters.values()],
            "memory": {name: getattr(self.memory, name) for name in _MEMORY} | {"tariffs": sorted(self.memory.tariffs)},
            "replaced": self.replaced.as_dict(),
            "acknowledged": sorted(self.acknowledged),
            "device": self.device,
            "time_zone": self.time_zone,
            "seen": {slot: seen.as_dict() for slot, seen in self.seen.items()},
            "is_on_dashboard": self.is_on_dashboard,
            "corrections": [asdict(correction) for correction in self.corrections],
            "guard": self.guard,
            "odd_steps": [asdict(step) for step in self.odd_steps],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data."""
        meters = [KnownMeter.from_dict(meter) for meter in stored["meters"]]
        memory = own_fields(PortMemory, stored["memory"])
        tariffs = set(memory["tariffs"])
        return cls(
            {meter.slot: meter for meter in meters},
            PortMemory(**{"is_certain": bool(tariffs), **memory, "tariffs": tariffs}),
            Replaced.from_dict(stored["replaced"]) if "replaced" in stored else Replaced(),
            set(stored.get("acknowledged", ())),
            tuple(device) if (device := stored.get("device")) else None,
            stored.get("time_zone"),
            {slot: Seen.from_dict(seen) for slot, seen in stored.get("seen", {}).items()},
            stored.get("is_on_dashboard", False),
            [Correction.from_dict(correction) for correction in stored.get("corrections", ())],
            stored.get("guard", {}),
            [OddStep.from_dict(step) for step in stored.get("odd_steps", ())],
        )


class PortStore:
    """The storage of one config entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store: Store[dict[str, Any]] = Store(hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}")
        self._entities = er.async_get(hass)

    async def async_load(self) -> PortRecord:
        """Return the stored record; an empty one the first time."""
        stored = await self._store.async_load()
        record = PortRecord() if stored is None else PortRecord.from_dict(stored)
        # The statistics of an entity that was deleted meanwhile stay under its name.
        deleted = {entity.id: entity.entity_id for entity in self._entities.deleted_entities.values()}
        record.rename(
            lambda text: entity.entity_id if (entity := self._entities.async_get(text)) else deleted.get(text, text)
        )
        return record

    async def async_save(self, record: PortRecord) -> None:
        """Write the record."""
        await self._store.async_save(self._stored(record))

    @callback
    def async_save_later(self, record: Callable[[], PortRecord], seconds: float) -> None:
        """Write the record after some seconds, or earlier when Home Assistant stops."""
        self._store.async_delay_save(lambda: self._stored(record()), seconds)

    def _stored(self, record: PortRecord) -> dict[str, Any]:
        """Return what is written: entities by registry id, which stays where one is renamed while nothing is loaded."""
        written = record.copy()
        written.rename(lambda text: entity.id if (entity := self._entities.async_get(text)) else text)
        return written.as_dict()

    async def async_remove(self) -> None:
        """Remove the file."""
        await self._store.async_remove()
