"""Limits for the meters and channels of a port, whatever is sent on it.

A new meter or channel is accepted with the third telegram that has it, since noise and forgeries that pass the checksum
do not last. The number of meters and values is limited to those of a large house, so that nobody can fill the
registries of Home Assistant from the line.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from ..const import MOST_CHANNELS, MOST_METERS
from ..p1 import Role
from ..storage.store import KnownMeter
from .continuity import Moves

CERTAIN: Final = 3
"""Telegrams with a new meter or channel before it is accepted: of a meter in a row, with the same identifier.

Channels need not come in a row, since a meter may send some of them only now and then.
"""
_MOST_CANDIDATES: Final = 500
"""New channels whose telegrams are counted: more than fit into one telegram."""


class Newcomers:
    """New meters and channels of a port that are not accepted yet."""

    def __init__(self) -> None:
        self._telegrams: Mapping[tuple[str, str | None], int] = {}
        self._channels: dict[tuple[str, str], int] = {}
        self._are_channels_held = False

    def __bool__(self) -> bool:
        """Whether the next telegram must be checked too."""
        return bool(self._telegrams) or self._are_channels_held

    def certain(
        self, known: Mapping[str, KnownMeter], seen: Mapping[str, KnownMeter], moves: Moves, *, has_crc: bool
    ) -> dict[str, KnownMeter]:
        """Return the meters of a telegram without the meters and channels that are not accepted yet.

        A known meter that has moved to another slot is accepted, and so is a channel that continues as another one. On
        an unknown port the meters of the first telegram are. Without checksum the guard has waited for new channels.
        """
        keys = {
            (slot, meter.equipment_identifier)
            for slot, meter in (seen.items() if known else ())
            if slot not in known and slot not in moves.slots.values()
        }
        telegrams = {key: self._telegrams.get(key, 0) + 1 for key in keys}
        self._telegrams = {key: number for key, number in telegrams.items() if number < CERTAIN}
        uncertain = {slot for slot, _ in self._telegrams}
        certain = {slot: meter for slot, meter in seen.items() if slot not in uncertain}
        self._are_channels_held = False
        moved = {*moves.slots, *moves.slots.values()}
        for slot, meter in certain.items() if has_crc else ():
            if slot not in known or slot in moved:
                continue
            continued = {new for (old_slot, _), new in moves.channels.items() if old_slot == slot}
            new = meter.channels.keys() - known[slot].channels.keys() - continued
            held = {channel_id for channel_id in sorted(new) if not self._is_certain(slot, channel_id)}
            if held:
                self._are_channels_held = True
                channels = {channel_id: unit for channel_id, unit in meter.channels.items() if channel_id not in held}
                certain[slot] = replace(meter, channels=channels)
        return certain

    def _is_certain(self, slot: str, channel_id: str) -> bool:
        """Count a telegram with a new channel, and return whether these are enough."""
        telegrams = self._channels.pop((slot, channel_id), 0) + 1
        self._channels[slot, channel_id] = telegrams
        while len(self._channels) > _MOST_CANDIDATES:
            del self._channels[next(iter(self._channels))]
        return telegrams >= CERTAIN


def bounded(settled: Mapping[str, KnownMeter], known: Mapping[str, KnownMeter], moves: Moves) -> dict[str, KnownMeter]:
    """Return the meters of a port without meters and channels above the limits; known ones are kept."""
    before = {moves.slots.get(slot, slot): len(meter.channels) for slot, meter in known.items()}
    mbus = sorted((slot for slot in settled if settled[slot].role is Role.MBUS), key=lambda slot: slot not in before)
    left_out = set(mbus[MOST_METERS:]) - before.keys()
    meters = {slot: meter for slot, meter in settled.items() if slot not in left_out}
    kept = {slot: min(before.get(slot, 0), len(meter.channels)) for slot, meter in meters.items()}
    room = max(0, MOST_CHANNELS - sum(kept.values()))
    for slot, meter in meters.items():
        # Known meters come first.
        most = kept[slot] + room
        room -= min(room, len(meter.channels) - kept[slot])
        if len(meter.channels) > most:
            meters[slot] = replace(meter, channels=dict(islice(meter.channels.items(), most)))
    return meters
