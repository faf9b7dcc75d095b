"""Limits for the meters and channels of a port, whatever is sent on it.

A new meter is accepted with the third telegram that has it, since noise and forgeries that pass the checksum do not
last. The number of meters and values is limited to those of a large house, so that nobody can fill the registries of
Home Assistant from the line.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from ..const import MOST_CHANNELS, MOST_METERS
from ..p1 import Role
from ..storage.store import KnownMeter
from .continuity import Moves

CERTAIN: Final = 3
"""Telegrams in a row with a meter and the same identifier before the meter is accepted."""


class Newcomers:
    """New meters of a port that are not accepted yet."""

    def __init__(self) -> None:
        """Initialize without meters."""
        self._telegrams: Mapping[tuple[str, str | None], int] = {}

    def __bool__(self) -> bool:
        """Whether the next telegram must be checked too."""
        return bool(self._telegrams)

    def uncertain(
        self, known: Mapping[str, KnownMeter], seen: Mapping[str, KnownMeter], moves: Moves
    ) -> Collection[str]:
        """Return the slots of the new meters in a telegram that are not accepted yet.

        A known meter that has moved to another slot is accepted. On an unknown port the meters of the first telegram
        are.
        """
        keys = {
            (slot, meter.equipment_identifier)
            for slot, meter in (seen.items() if known else ())
            if slot not in known and slot not in moves.slots.values()
        }
        telegrams = {key: self._telegrams.get(key, 0) + 1 for key in keys}
        self._telegrams = {key: number for key, number in telegrams.items() if number < CERTAIN}
        return {slot for slot, _ in self._telegrams}


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
