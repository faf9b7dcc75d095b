"""The meters and channels of a port without checksum, where noise invents some and hides others.

A new meter or channel must come in three telegrams in a row, and a missing one is kept for as long. The meters of the
very first telegram are accepted if the second has the same.
"""

from typing import Final

from ..meters.detection import Meter, MeterProfile

_NEW: Final = 3
_FIRST: Final = 2

type _Signature = frozenset[tuple[str, str, str | None, bool, frozenset[str]]]
"""The slot, type, identifier, registration and channels of each meter."""


class SteadyLayout:
    """The meters of one port, and their channels."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}
        self._known: _Signature = frozenset()
        self._other: _Signature = frozenset()
        self._times = 0

    def follow(self, meters: tuple[Meter, ...]) -> tuple[Meter, ...]:
        """Return the meters of a telegram, with the channels that the port is known to have."""
        if not all(self._is_known(meter.profile) for meter in meters) or len(meters) != len(self._meters):
            signature = frozenset(
                (
                    profile.slot,
                    profile.type_id,
                    profile.equipment_identifier,
                    profile.registered,
                    frozenset(profile.sources),
                )
                for profile, _ in meters
            )
            if signature != self._known:
                self._times = self._times + 1 if signature == self._other else 1
                self._other = signature
                if self._times < (_NEW if self._known else _FIRST):
                    heard = {meter.profile.slot: meter for meter in meters}
                    self._meters = {slot: _fill(meter, heard.get(slot)) for slot, meter in self._meters.items()}
                    return tuple(self._meters.values())
                self._known = signature
        self._other = frozenset()
        self._meters = {meter.profile.slot: meter for meter in meters}
        return meters

    def _is_known(self, profile: MeterProfile) -> bool:
        known = self._meters.get(profile.slot)
        return known is not None and known.profile is profile


def _fill(meter: Meter, heard: Meter | None) -> Meter:
    """Return a meter with the channels that a telegram has, and the others unchanged."""
    if heard is None:
        return meter
    channels = {channel_id: heard.channels.get(channel_id, value) for channel_id, value in meter.channels.items()}
    return Meter(meter.profile, channels)
