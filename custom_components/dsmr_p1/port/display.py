"""What the entities of a port show, and when those of each meter are due to be updated."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback

from ..const import CONF_REFRESH
from ..p1 import Presented, Role
from .store import KnownMeter

type Values = Mapping[str, Presented]
"""What the entities of one meter show, by channel id."""

_LONGEST_REFRESH: Final = 60.0
_DEFAULT_REFRESH: Final = 10.0
_EARLY: Final = 0.5
"""Seconds that a telegram may come early and still be the one that is due: meters and cables are not that punctual."""


class Display:
    """What entities show: `values` by slot; `is_available` is false while no telegrams come.

    Whoever changes either calls `publish` afterwards; `on_change` passes that on to the entities.
    """

    def __init__(self, entry: ConfigEntry) -> None:
        """Start without values, and unavailable."""
        self.values: Mapping[str, Values] = {}
        self.is_available = False
        self.on_change: Callable[[], None] = lambda: None
        self._entry = entry
        self._updated_at: dict[str, float] = {}

    @callback
    def show(self, values: Mapping[str, Values]) -> None:
        """Show values of some meters, by slot; the others keep theirs. Whatever shows values is available."""
        self.values = {**self.values, **values}
        self.is_available = True
        self.publish()

    @callback
    def set_unavailable(self) -> None:
        """Make the entities unavailable; their values are kept."""
        self.is_available = False
        self.publish()

    @callback
    def drop(self, slots: Collection[str]) -> None:
        """Drop the values of meters that are no longer in these slots."""
        self.values = {slot: values for slot, values in self.values.items() if slot not in slots}

    @callback
    def publish(self) -> None:
        """Let the entities write what they show now."""
        self.on_change()

    def refresh_of(self, meter: KnownMeter) -> float:
        """Return the seconds between two updates of a meter's entities; 0 for every telegram."""
        chosen = self._entry.options.get(CONF_REFRESH, {}).get(meter.slot)
        if chosen is not None:
            return float(chosen)
        if meter.type is not None and meter.type.refresh is not None:
            return min(float(meter.type.refresh), _LONGEST_REFRESH)
        return _LONGEST_REFRESH if meter.role is Role.MBUS else _DEFAULT_REFRESH

    def pick_due(self, meters: Mapping[str, KnownMeter], now: float) -> Iterator[str]:
        """Return the slots of the meters that are to be updated with the telegram of this moment."""
        for slot, meter in meters.items():
            interval = self.refresh_of(meter)
            updated_at = self._updated_at.get(slot)
            is_due = updated_at is None or now - updated_at >= interval - min(_EARLY, interval / 2)
            if is_due or not self.is_available:
                self._updated_at[slot] = now
                yield slot

    @callback
    def expire(self, slot: str) -> None:
        """Update the entities of a meter with the next telegram, whenever they were updated last."""
        self._updated_at.pop(slot, None)
