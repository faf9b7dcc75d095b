"""Bounds: what a port may bring with it, whatever is sent on it.

A meter is new with the third telegram that has it: noise and forgeries that a checksum does not find come and go. And a
port has no more meters and values than a large house has, so that nobody can fill the registries of Home Assistant from
the line.
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
"""Telegrams in a row that have a meter, with the same identifier, before it is believed to be there."""


class Newcomers:
    """Meters that are new on a port, and not certain yet."""

    def __init__(self) -> None:
        """Start with none."""
        self._telegrams: Mapping[tuple[str, str | None], int] = {}

    def __bool__(self) -> bool:
        """Whether the next telegram has to be looked at too."""
        return bool(self._telegrams)

    def uncertain(
        self, known: Mapping[str, KnownMeter], seen: Mapping[str, KnownMeter], moves: Moves
    ) -> Collection[str]:
        """Return the slots of the meters in a telegram that are new and not certain yet.

        A known meter that has moved to another slot is not. On a port of which nothing is known the first telegram is
        believed.
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
    """Return the meters of a port without those, and those channels, that are too many; what was known stays."""
    before = {moves.slots.get(slot, slot): len(meter.channels) for slot, meter in known.items()}
    mbus = sorted((slot for slot in settled if settled[slot].role is Role.MBUS), key=lambda slot: slot not in before)
    left_out = set(mbus[MOST_METERS:]) - before.keys()
    meters = {slot: meter for slot, meter in settled.items() if slot not in left_out}
    kept = {slot: min(before.get(slot, 0), len(meter.channels)) for slot, meter in meters.items()}
    room = max(0, MOST_CHANNELS - sum(kept.values()))
    for slot, meter in meters.items():
        # What was known stands first.
        most = kept[slot] + room
        room -= min(room, len(meter.channels) - kept[slot])
        if len(meter.channels) > most:
            meters[slot] = replace(meter, channels=dict(islice(meter.channels.items(), most)))
    return meters
