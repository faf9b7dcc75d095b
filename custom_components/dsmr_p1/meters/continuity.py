"""Continuity: the same meter keeps its entities, whatever it sends them as and wherever on the port it stands.

A meter that is upgraded from DSMR 2 to 5 sends its gas register as another channel, from another slot. The catalog
says which channels mean the same. This module compares the known meters with those in a telegram, and determines which
meter moved to which slot and which channel continues as which; the registries are updated before entities are created.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..const import DOMAIN
from ..p1 import Role, channel_type
from ..p1.catalog import successors
from ..port.devices import device_identifier, device_in
from ..storage.store import KnownMeter

_ASIDE: Final = "~"
"""Suffix of ids while they are exchanged; no slot and no channel has it."""


class Moves(NamedTuple):
    """Moved meters and channels: `slots` from old to new, `channels` from (old slot, old id) to the new id."""

    slots: Mapping[str, str]
    channels: Mapping[tuple[str, str], str]

    def __bool__(self) -> bool:
        """Whether anything moved."""
        return bool(self.slots or self.channels)

    def known_in(self, slot: str, known: Mapping[str, KnownMeter]) -> KnownMeter | None:
        """Return the known meter that is in a slot after the moves; None if that of the slot is new."""
        came_from = {new: old for old, new in self.slots.items()}
        return None if slot in self.slots and slot not in came_from else known.get(came_from.get(slot, slot))


def settle(known: Mapping[str, KnownMeter], seen: Mapping[str, KnownMeter]) -> tuple[dict[str, KnownMeter], Moves]:
    """Return the known meters merged with those in a telegram, and the moves.

    A meter or channel that is missing from the telegram stays known, unless it has moved. Channels that a meter sent in
    another slot by another standard, and no longer sends, are dropped.
    """
    channels: dict[tuple[str, str], str] = {}
    moves = Moves(_moved_slots(known, seen), channels)
    settled = {slot: meter for slot, meter in known.items() if slot not in moves.slots}
    for slot, meter in seen.items():
        before = moves.known_in(slot, known)
        if before is None:
            settled[slot] = meter
            continue
        continued = continued_channels(before, meter)
        channels.update({(before.slot, old): new for old, new in continued.items()})
        is_past = slot != before.slot and before.type_id != meter.type_id
        kept = {
            new: unit
            for channel_id, unit in before.channels.items()
            if (new := continued.get(channel_id, channel_id)) in meter.channels or not is_past
        }
        settled[slot] = replace(
            meter,
            equipment_identifier=meter.equipment_identifier or before.equipment_identifier,
            system_title=meter.system_title or before.system_title,
            manufacturer=meter.manufacturer or before.manufacturer,
            channels=kept | {channel_id: unit or kept.get(channel_id) for channel_id, unit in meter.channels.items()},
        )
    return settled, moves


def _moved_slots(known: Mapping[str, KnownMeter], seen: Mapping[str, KnownMeter]) -> dict[str, str]:
    """Return the M-Bus meters that have moved to another slot, old slot -> new.

    A meter has moved if its identifier is gone from one slot and found in another; a meter without identifier, or with
    another one than before, if it is the only one of its kind and its slot is gone.
    """
    moved: dict[str, str] = {}
    arrived = {slot: meter for slot, meter in seen.items() if meter.role is Role.MBUS}
    for slot, meter in arrived.items():
        if (old := _old_slot(slot, meter.equipment_identifier, known, seen)) is not None:
            moved[old] = slot
    here_before = Counter(meter.kind for meter in known.values() if meter.role is Role.MBUS)
    here_now = Counter(meter.kind for meter in arrived.values())
    gone = {meter.kind: slot for slot, meter in known.items() if meter.role is Role.MBUS and slot not in seen}
    for slot, meter in arrived.items():
        old = gone.get(meter.kind)
        is_the_one = here_before[meter.kind] == here_now[meter.kind] == 1
        if old is not None and is_the_one and slot not in known and slot not in moved.values():
            moved.setdefault(old, slot)
    return moved


def _old_slot(
    slot: str, identifier: str | None, known: Mapping[str, KnownMeter], seen: Mapping[str, KnownMeter]
) -> str | None:
    """Return the slot from which the meter with this identifier has moved; None if it stayed or is new."""
    if identifier is None or (slot in known and known[slot].equipment_identifier == identifier):
        return None
    for old, meter in known.items():
        if old == slot or meter.equipment_identifier != identifier:
            continue
        if old not in seen or seen[old].equipment_identifier not in (None, identifier):
            return old
    return None


def continued_channels(before: KnownMeter, now: KnownMeter) -> dict[str, str]:
    """Return the channels that continue as another one with the same meaning: old id -> new id."""
    gone = {
        channel_type(channel_id).meaning: channel_id for channel_id in before.channels if channel_id not in now.channels
    }
    continued: dict[str, str] = {}
    learned = {new: old for old in gone.values() for new in successors(old, now.role, now.kind)}
    for channel_id in now.channels:
        if channel_id in before.channels:
            continue
        old = learned.get(channel_id) or gone.pop(channel_type(channel_id).meaning, None)
        if old is not None:
            continued[old] = channel_id
    return continued


@callback
def async_move(hass: HomeAssistant, entry_id: str, moves: Moves) -> None:
    """Move registry entries: devices and entities keep their registry ids, so references to them stay valid.

    All of them get temporary ids first, since two meters may have exchanged their slots.
    """
    devices = dr.async_get(hass)
    moving_devices = []
    for old, new in moves.slots.items():
        if (device := device_in(hass, entry_id, old)) is not None:
            devices.async_update_device(device.id, new_identifiers={device_identifier(entry_id, new + _ASIDE)})
            moving_devices.append((device.id, new))
    entities = er.async_get(hass)
    moving_entities = []
    for entity in er.async_entries_for_config_entry(entities, entry_id):
        unique_id = _moved_unique_id(entity.unique_id, entry_id, moves)
        if unique_id != entity.unique_id:
            entities.async_update_entity(entity.entity_id, new_unique_id=f"{unique_id}{_ASIDE}")
            moving_entities.append((entity, unique_id))
    for device_id, new in moving_devices:
        if (in_the_way := device_in(hass, entry_id, new)) is not None:
            devices.async_remove_device(in_the_way.id)
        devices.async_update_device(device_id, new_identifiers={device_identifier(entry_id, new)})
    for entity, unique_id in moving_entities:
        if (fresh := entities.async_get_entity_id(entity.domain, DOMAIN, unique_id)) is not None:
            entities.async_remove(fresh)
        entities.async_update_entity(entity.entity_id, new_unique_id=unique_id)


def _moved_unique_id(unique_id: str, entry_id: str, moves: Moves) -> str:
    for slot in {*moves.slots, *(slot for slot, _ in moves.channels)}:
        prefix = f"{entry_id}_{slot}_"
        if unique_id.startswith(prefix):
            key = unique_id.removeprefix(prefix)
            return f"{entry_id}_{moves.slots.get(slot, slot)}_{moves.channels.get((slot, key), key)}"
    return unique_id
