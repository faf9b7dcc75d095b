"""What is known of a port for good, kept over a restart: its meters, with all that their entities are made of.

With it the entities of an entry are there at once after a start, also while the port is not. Values are not kept: what
a meter said yesterday is no state of today.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..p1 import ChannelType, MeterKind, MeterType, PortMemory, Role, Unit, channel_type, meter_type
from .replaced import Correction, Replaced

STORAGE_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMeter:
    """A meter as far as it stays the same from telegram to telegram.

    `type_id` is the type that was detected, `chosen_type_id` the one by which the owner overrules it. `channels` are
    the ids of all channels it ever sent, with the units of their values. `low_tariff` is the number of the tariff for
    the cheap hours, None where the numbers have no such meaning. `system_title` is that of an encrypted main meter that
    tells no identifier, in hexadecimal digits.
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
        """The row of the type that counts; None where no type of the specification fits."""
        return meter_type(self.chosen_type_id or self.type_id)

    def identities(self, other: KnownMeter) -> tuple[str, str] | None:
        """Return what tells whether another meter is the same as this one: of both; None where nothing does."""
        if self.equipment_identifier is not None and other.equipment_identifier is not None:
            return self.equipment_identifier, other.equipment_identifier
        if self.system_title is not None and other.system_title is not None:
            return self.system_title, other.system_title
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return what is written to storage."""
        return {
            "slot": self.slot,
            "role": self.role,
            "kind": self.kind,
            "type": self.type_id,
            "chosen_type": self.chosen_type_id,
            "mbus_channel": self.mbus_channel,
            "equipment_identifier": self.equipment_identifier,
            "system_title": self.system_title,
            "low_tariff": self.low_tariff,
            "manufacturer": self.manufacturer,
            "channels": dict(self.channels),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was written. Channels that this version does not know are left out."""
        return cls(
            slot=stored["slot"],
            role=Role(stored["role"]),
            kind=MeterKind(stored["kind"]),
            type_id=stored["type"],
            chosen_type_id=stored["chosen_type"],
            mbus_channel=stored["mbus_channel"],
            equipment_identifier=stored["equipment_identifier"],
            system_title=stored.get("system_title"),
            low_tariff=stored["low_tariff"],
            manufacturer=stored["manufacturer"],
            channels={
                channel_id: None if unit is None else Unit(unit)
                for channel_id, unit in stored["channels"].items()
                if known_channel(channel_id) is not None
            },
        )


def known_channel(channel_id: str) -> ChannelType | None:
    """Return the catalog's row of a channel; None where it has none."""
    try:
        return channel_type(channel_id)
    except KeyError:
        return None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen last of a meter, as far as it shows that something happened: counters, messages, the tariff.

    `identifier` is that of the meter, None where it tells none. `values` are by channel id, as text. `failures` tell
    the power failures of the meter's list apart, None where it has sent no list.
    """

    identifier: str | None
    values: Mapping[str, str]
    failures: frozenset[str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what is written to storage."""
        return {
            "identifier": self.identifier,
            "values": dict(self.values),
            "failures": None if self.failures is None else sorted(self.failures),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was written."""
        failures = stored["failures"]
        return cls(stored["identifier"], stored["values"], None if failures is None else frozenset(failures))


@dataclass(slots=True)
class PortRecord:
    """All that is kept of a port.

    `acknowledged` are the conditions that the owner has taken note of, and that nobody is told about again. `device`
    tells the USB device of the port from others: vendor, product and serial number. `time_zone` is the zone by which
    the clock of the meter is right, None where that is the assumed one. `seen` is by slot what was seen last.
    `is_on_dashboard`: the meters were added to the energy dashboard, as the owner wished. `corrections` of statistics
    wait for the recorder. `guard` are the last good readings, and `odd_steps` the steps that the owner is asked about,
    both as the room `guarding` writes them.
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
    odd_steps: tuple[Mapping[str, Any], ...] = ()

    @property
    def urgent(self) -> tuple[object, ...]:
        """What must not be lost: what the owner has said, and what the statistics have too much of, or may have."""
        replaced = self.replaced
        said = self.acknowledged, replaced.snoozed, replaced.retired
        return *said, replaced.changes, replaced.unbooked, self.corrections, self.odd_steps

    def copy(self) -> PortRecord:
        """Return a copy that stays as it is: the memory of a port is the reader's, and goes on changing."""
        memory = replace(self.memory, tariffs=set(self.memory.tariffs), frame_counters=dict(self.memory.frame_counters))
        return replace(
            self,
            memory=memory,
            replaced=self.replaced.copy(),
            acknowledged=set(self.acknowledged),
            seen=dict(self.seen),
            corrections=list(self.corrections),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what is written to storage."""
        return {
            "meters": [meter.as_dict() for meter in self.meters.values()],
            "memory": {
                "sends_crc": self.memory.sends_crc,
                "tag_verified": self.memory.tag_verified,
                "tariffs": sorted(self.memory.tariffs),
                "main_meter": self.memory.main_meter,
                "frame_counters": self.memory.frame_counters,
            },
            "replaced": self.replaced.as_dict(),
            "acknowledged": sorted(self.acknowledged),
            "device": self.device,
            "time_zone": self.time_zone,
            "seen": {slot: seen.as_dict() for slot, seen in self.seen.items()},
            "is_on_dashboard": self.is_on_dashboard,
            "corrections": [asdict(correction) for correction in self.corrections],
            "guard": self.guard,
            "odd_steps": self.odd_steps,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was written."""
        meters = [KnownMeter.from_dict(meter) for meter in stored["meters"]]
        memory = stored["memory"]
        return cls(
            {meter.slot: meter for meter in meters},
            PortMemory(
                memory["sends_crc"],
                memory["tag_verified"],
                set(memory["tariffs"]),
                memory.get("main_meter"),
                dict(memory.get("frame_counters", {})),
            ),
            Replaced.from_dict(stored["replaced"]) if "replaced" in stored else Replaced(),
            set(stored.get("acknowledged", ())),
            tuple(device) if (device := stored.get("device")) else None,
            stored.get("time_zone"),
            {slot: Seen.from_dict(seen) for slot, seen in stored.get("seen", {}).items()},
            stored.get("is_on_dashboard", False),
            [Correction.from_dict(correction) for correction in stored.get("corrections", ())],
            stored.get("guard", {}),
            tuple(stored.get("odd_steps", ())),
        )


class PortStore:
    """The storage of one entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file; nothing is read yet."""
        self._store: Store[dict[str, Any]] = Store(hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}")

    async def async_load(self) -> PortRecord:
        """Read what is known of the port; nothing, the first time."""
        stored = await self._store.async_load()
        return PortRecord() if stored is None else PortRecord.from_dict(stored)

    async def async_save(self, record: PortRecord) -> None:
        """Write what is known of the port."""
        await self._store.async_save(record.as_dict())

    @callback
    def async_save_later(self, record: Callable[[], PortRecord], seconds: float) -> None:
        """Write what is known of the port by then after some seconds, or when Home Assistant stops before."""
        self._store.async_delay_save(lambda: record().as_dict(), seconds)

    async def async_remove(self) -> None:
        """Remove all that was written."""
        await self._store.async_remove()
