"""The values that the entities of a port show, and the pace of their updates."""

from collections.abc import Callable, Collection, Mapping
from math import inf
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback

from ..const import CONF_REFRESH
from ..p1 import Presented, Quantity, Role
from ..storage.store import KnownMeter

type Values = Mapping[str, Presented]
"""The values of the entities of one meter, by channel id."""

TOTALS: Final = frozenset({
    Quantity.ENERGY, Quantity.HEAT, Quantity.REACTIVE_ENERGY, Quantity.APPARENT_ENERGY, Quantity.VOLUME,
    Quantity.REGISTER, Quantity.COUNTER,
})  # fmt: skip
"""Quantities that a meter counts for life, and the recorder sums up."""
_TOTALS_REFRESH: Final = 60.0
_LONGEST_REFRESH: Final = 60.0
_DEFAULT_REFRESH: Final = 10.0
_EARLY: Final = 0.5
"""Seconds that a telegram may come early and still be due: meters and cables are not exactly punctual."""


class Display:
    """The values of the entities: `values` by slot; `is_available` is false while no telegrams come.

    After a change of either, `publish` updates the entities; the coordinator sets it. `due_totals` are the slots of the
    meters whose totals are updated with this telegram, changed or not.
    """

    def __init__(self, entry: ConfigEntry) -> None:
        self.values: Mapping[str, Values] = {}
        self.is_available = False
        self.due_totals: set[str] = set()
        self.publish: Callable[[], None] = lambda: None
        self._entry = entry
        self._due_at: dict[str, tuple[float, float]] = {}
        self._paces_for: tuple[object, object] | None = None
        self._paces: Mapping[str, tuple[float, float]] = {}

    @callback
    def show(self, values: Mapping[str, Values]) -> None:
        """Update the values of some meters, by slot; the others keep theirs. This makes the entities available."""
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
        """Remove the values of meters that are no longer in these slots."""
        self.values = {slot: values for slot, values in self.values.items() if slot not in slots}

    @callback
    def move(self, slots: Mapping[str, str]) -> None:
        """Move the values of meters to other slots, old slot -> new, all at once."""
        self.values = {
            slots.get(slot, slot): values
            for slot, values in self.values.items()
            if slot not in slots.values() or slot in slots
        }

    def totals_refresh_of(self, meter: KnownMeter) -> float:
        """Return the seconds between two updates of a meter's totals; 0 for every telegram."""
        return self._chosen_refresh(meter, _TOTALS_REFRESH)

    def refresh_of(self, meter: KnownMeter) -> float:
        """Return the seconds between two updates of a meter's other entities; 0 for every telegram."""
        usual = _LONGEST_REFRESH if meter.role is Role.MBUS else _DEFAULT_REFRESH
        if meter.type is not None and meter.type.refresh is not None:
            usual = min(meter.type.refresh, _LONGEST_REFRESH)
        return self._chosen_refresh(meter, usual)

    def _chosen_refresh(self, meter: KnownMeter, usual: float) -> float:
        return float(self._entry.options.get(CONF_REFRESH, {}).get(meter.slot, usual))

    def pick_due(self, meters: Mapping[str, KnownMeter], now: float) -> list[str]:
        """Return the slots of the meters that this telegram updates, and set those whose totals are due too."""
        options = self._entry.options
        if self._paces_for is None or self._paces_for[0] is not meters or self._paces_for[1] is not options:
            self._paces_for = meters, options
            self._paces = {
                slot: (_pace(self.refresh_of(meter)), _pace(self.totals_refresh_of(meter)))
                for slot, meter in meters.items()
            }
        if not self.is_available:
            self._due_at.clear()
        due, self.due_totals = [], set()
        for slot, (pace, totals_pace) in self._paces.items():
            values_at, totals_at = self._due_at.get(slot, _AT_ONCE)
            if now >= values_at:
                due.append(slot)
                if now >= totals_at:
                    self.due_totals.add(slot)
                    totals_at = now + totals_pace
                self._due_at[slot] = now + pace, totals_at
        return due

    @callback
    def expire(self, slot: str) -> None:
        """Make the entities of a meter due with the next telegram, whenever they were updated last."""
        self._due_at.pop(slot, None)


_AT_ONCE: Final = (-inf, -inf)


def _pace(refresh: float) -> float:
    """Return the seconds after which a telegram is due that may come early."""
    return refresh - min(_EARLY, refresh / 2)
