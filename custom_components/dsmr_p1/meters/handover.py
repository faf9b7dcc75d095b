"""From an old meter's registers to a new one's: what is held back, and how it is shown again.

The recorder and the sensors of costs compare a register with what it showed before. Of another meter that is no use but
a step. So nothing that a meter counts is shown while it is not certain which meter it is, and when a new meter goes on
as the old one, its registers come back in this order:

1. The recorder sums up the last that the old meter has shown.
2. The statistics of the registers are told to count on from what the new meter showed first.
3. With a telegram: the registers show what the new meter showed first. What sensors of costs book in that moment is
   nothing but the step, and is left out of their statistics. Where there are any, that waits until there is a price,
   and until all five minutes that are over are summed up: the step is left out by rewriting the row of the last ones.
4. The registers show the telegram. From what the new meter showed first to that was real use, and is booked as such.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..p1 import Presented, Unit, channel_type
from ..port.display import TOTALS
from ..port.state import Port
from ..port.store import Change, Registers, known_channel
from .costs import Bookings, async_price_entities, cost_sensors, is_known
from .recorded import EVENT_COMPILED, async_count_on, async_leave_out, is_recording, latest_compiled, latest_ended

HELD: Final = TOTALS
"""What is held back."""
LONGEST_WAIT: Final = timedelta(days=1)
"""How long a price is waited for after the answer."""
LONGEST_SUM: Final = timedelta(hours=6)
"""How long the next sum of the recorder is waited for: more than the repair of a large database takes."""


def registers_of(values: Mapping[str, Presented]) -> Registers:
    """Return what the registers of a meter show, by channel id, with their units."""
    return {
        channel_id: (shown.value, None if shown.unit is None else shown.unit.value)
        for channel_id, shown in values.items()
        if shown.channel.quantity in HELD and isinstance(shown.value, Decimal)
    }


class Handover:
    """The registers of one port that are held back."""

    def __init__(self, port: Port) -> None:
        """Continue from what was stored of the port."""
        self._display = port.display
        self._hass: HomeAssistant = port.hass
        self._entry = port.entry
        self._changes = port.record.replaced.changes
        self._compiled_until: datetime | None = None
        self._prices: Mapping[str, str] = {}
        self._counting_on: dict[str, Change] = {}
        self._started = dt_util.utcnow()

    @callback
    def async_start(self) -> None:
        """Begin to follow the recorder."""
        self._entry.async_on_unload(self._hass.bus.async_listen(EVENT_COMPILED, self._follow_recorder))
        self.resume()

    def shown(self, slot: str, values: Mapping[str, Presented]) -> Mapping[str, Presented]:
        """Return the values of a meter without its registers, where these are held back."""
        if slot not in self._changes:
            return values
        return {channel_id: shown for channel_id, shown in values.items() if shown.channel.quantity not in HELD}

    # The statistics of registers

    async def _follow_recorder(self, _: Event) -> None:
        self._prices = await async_price_entities(self._hass)
        self._compiled_until = latest_compiled()
        self.resume()

    @callback
    def resume(self) -> None:
        """Let statistics count on with new meters, where all that the old ones showed is summed up."""
        for slot, change in self._changes.items():
            if not change.is_replacement or self._counting_on.get(slot) == change:
                continue
            if not is_recording(self._hass):
                self._counting_on[slot] = change
            elif change.registers and self._compiled_until is not None and self._compiled_until > change.since:
                entities = self._entities(change)
                registers = {entities[channel_id]: change.registers[channel_id] for channel_id in entities}
                async_count_on(
                    self._hass,
                    {entity_id: (float(value), unit) for entity_id, (value, unit) in registers.items()},
                    partial(self._counting_on.__setitem__, slot, change),
                )

    def _entities(self, change: Change) -> dict[str, str]:
        """Return the entities of the registers of a new meter, by channel id."""
        registry, prefix = er.async_get(self._hass), f"{self._entry.entry_id}_{change.slot}_"
        found = {
            channel_id: registry.async_get_entity_id("sensor", DOMAIN, prefix + channel_id)
            for channel_id in change.registers
        }
        return {channel_id: entity_id for channel_id, entity_id in found.items() if entity_id is not None}

    # The registers themselves

    @callback
    def follow(self, change: Change) -> None:
        """Show the registers of a new meter that was just heard, unless anything is to be waited for."""
        if not self._is_seen():
            return
        now, answered = dt_util.utcnow(), change.answered or self._started
        is_recorder_gone = now - max(answered, self._compiled_until or self._started) >= LONGEST_SUM
        is_counted_on = self._counting_on.get(change.slot) == change
        if is_recorder_gone or (
            is_counted_on and self._can_be_left_out(change, needs_price=now - answered < LONGEST_WAIT)
        ):
            self._show(change)

    def _is_seen(self) -> bool:
        """Whether what is shown now is shown by entities, and noticed by sensors of costs."""
        # Sensors of costs take note of nothing while Home Assistant stops.
        return self._display.is_available and self._hass.state is CoreState.running

    def _can_be_left_out(self, change: Change, *, needs_price: bool) -> bool:
        """Whether what sensors of costs book now is the step, and can be left out of the next sum.

        Without a price they take the step for use once there is one.
        """
        registers = cost_sensors(self._hass, self._entities(change).values())
        if not registers:
            return True
        prices = [self._prices[register] for register in registers if register in self._prices] if needs_price else []
        return self._compiled_until == latest_ended() and all(is_known(self._hass, price) for price in prices)

    def _show(self, change: Change) -> None:
        sensors = cost_sensors(self._hass, self._entities(change).values())
        if sensors:
            bookings = Bookings(self._hass, sensors.values())
            self._show_first(change)
            if booked := bookings.until_now():
                async_leave_out(self._hass, booked)
        del self._changes[change.slot]
        self._counting_on.pop(change.slot, None)
        self._display.expire(change.slot)

    def _show_first(self, change: Change) -> None:
        """Let entities show what the new meter showed first."""
        slot = change.slot
        first = {
            channel_id: Presented(channel_type(channel_id), value, None if unit is None else Unit(unit), None)
            for channel_id, (value, unit) in change.registers.items()
            if known_channel(channel_id) is not None
        }
        self._display.show({slot: {**self._display.values.get(slot, {}), **first}})
