"""Removes the step between the registers of an old and a new meter from the statistics.

The recorder and the cost sensors sum differences of a register. Between the last reading of the old meter and the first
of the new one the difference is not consumption but a step. Its size is known once the new registers are shown, and
`corrections` removes it; the step in the costs as soon as the cost sensors book it. All of this is stored, and undone
if the owner answers that the meter was not replaced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from homeassistant.components.recorder.history import state_changes_during_period
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import CoreState, HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..p1 import Presented
from ..port.devices import sensor_of
from ..port.display import TOTALS, Values
from ..port.state import Port
from ..storage.replaced import Change, Step
from ..storage.store import KnownMeter
from ..sums.corrections import Corrections, period_of
from ..sums.costs import added, cost_of, find_booked, number_of, unbooked_cost

_LOOKED_BACK: Final = timedelta(days=10)
_STATES_LOOKED_AT: Final = 50


def registers_of(values: Values) -> dict[str, Presented]:
    """Return the registers among the values of a meter, by channel id."""
    return {channel_id: shown for channel_id, shown in values.items() if shown.channel.quantity in TOTALS}


def merged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps of a change in order; several of a register within the same five minutes are one."""
    found: dict[tuple[str, datetime], Step] = {}
    for step in steps:
        at = step.statistic_id, period_of(step.at)
        last = found.get(at)
        found[at] = step if last is None else replace(last, first=step.first, amount=last.amount + step.amount)
    return tuple(found.values())


class Handover:
    """The steps between the registers of old and new meters of one port."""

    def __init__(self, port: Port, corrections: Corrections) -> None:
        self._port = port
        self._hass: HomeAssistant = port.hass
        self._corrections = corrections
        self._changes = port.record.replaced.changes
        self._unbooked = port.record.replaced.unbooked
        self._looked_up: dict[str, float | None] = {}

    def take_over(self, slot: str, values: Values, returned: Mapping[str, float] | None = None) -> list[Step] | None:
        """Show the values of another meter, and return the steps of its registers; None if it must be tried again.

        `returned` are the last states of registers of a meter that is back, from before they were taken over; the
        difference to these is consumption. `follow_costs` finds the bookings of cost sensors.
        """
        hass = self._hass
        # Cost sensors do not book before Home Assistant has started, nor while it stops.
        befores = self._last_states(slot, values) if hass.state is CoreState.running else None
        if befores is None:
            return None
        costs = {register: cost_of(hass, register) for register in befores}
        self._port.display.show({slot: values})
        steps = []
        for register, before in befores.items():
            state = hass.states.get(register)
            first = number_of(state)
            if before is None or first is None or state is None:
                continue
            used = 0.0 if returned is None else first - returned.get(register, first)
            amount, unit = added(state, before, first) - used, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
            self._corrections.async_add(register, amount, unit, state.last_updated)
            steps.append(Step(register, unit, state.last_updated, before, first, amount))
            if (cost := costs[register]) is not None:
                self._wait_for_cost(slot, steps[-1], cost, used, is_back=returned is not None)
        return steps

    def _last_states(self, slot: str, values: Values) -> dict[str, float | None] | None:
        """Return the last states of registers by entity id; None while these are looked up or an entity is created."""
        found: dict[str, float | None] = {}
        for channel_id in registers_of(values):
            entity = sensor_of(self._hass, self._port.entry.entry_id, slot, channel_id)
            if entity is None or entity.disabled:
                continue
            state = self._hass.states.get(entity.entity_id)
            if state is None:
                return None
            number = number_of(state)
            found[entity.entity_id] = self._looked_up.get(entity.entity_id) if number is None else number
        unknown = {entity_id for entity_id, number in found.items() if number is None} - self._looked_up.keys()
        if unknown and "recorder" in self._hass.config.components:
            self._port.entry.async_create_task(self._hass, self._async_look_up(unknown), f"{DOMAIN} last states")
            return None
        self._looked_up.clear()
        return found

    async def _async_look_up(self, entity_ids: Iterable[str]) -> None:
        """Look up the last numeric states of entities that have had none since the start."""
        now = dt_util.utcnow()
        for entity_id in entity_ids:
            look_up = partial(
                state_changes_during_period, self._hass, now - _LOOKED_BACK, now, entity_id,
                no_attributes=True, descending=True, limit=_STATES_LOOKED_AT,
            )  # fmt: skip
            states = await get_instance(self._hass).async_add_executor_job(look_up)
            numbers = (number_of(state) for state in states.get(entity_id, ()))
            self._looked_up[entity_id] = next((number for number in numbers if number is not None), None)

    # Bookings of cost sensors

    def _wait_for_cost(self, slot: str, step: Step, cost: State, used: float, *, is_back: bool) -> None:
        """Wait for the booking of a step by a cost sensor. Without a price it books later, and only once."""
        for waiting in self._unbooked:
            if waiting.register == step.statistic_id:
                self._unbooked.remove(waiting)
                if not is_back:
                    self._unbooked.append(waiting.continued(step.before, step.first))
                return
        self._unbooked.append(unbooked_cost(slot, step.statistic_id, step.before, step.first, used, cost))

    def follow_costs(self) -> None:
        """Remove the amounts booked for steps from the statistics of costs."""
        for waiting in list(self._unbooked):
            found = find_booked(self._hass, waiting)
            if found is None:
                continue
            cost, amount, excess = found
            self._unbooked.remove(waiting)
            unit = cost.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
            self._corrections.async_add(waiting.sensor, excess, unit, cost.last_updated)
            if (change := self._changes.get(waiting.slot)) is not None:
                first = (number_of(cost) or 0.0) - amount + excess
                step = Step(waiting.sensor, unit, cost.last_updated, waiting.cost_before, first, excess)
                self._changes[waiting.slot] = replace(change, steps=merged([*change.steps, step]))

    # Undoing

    def forget_costs(self, slot: str) -> None:
        """Stop waiting for costs of a meter."""
        self._unbooked[:] = [waiting for waiting in self._unbooked if waiting.slot != slot]

    def put_back(self, change: Change) -> None:
        """Add the steps of a change to the statistics again: there was no other meter."""
        for step in change.steps:
            self._corrections.async_add(step.statistic_id, -step.amount, step.unit, step.at)

    def describe(self, change: Change, known: KnownMeter) -> dict[str, str]:
        """Return the identifiers of both meters of a change, with the last reading of one and the first of the next."""
        registry = er.async_get(self._hass)
        befores: dict[str, float] = {}
        readings: dict[str, str] = {}
        for step in change.steps:
            entity = registry.async_get(step.statistic_id)
            # Counters of failures are not read from a display.
            if entity is not None and entity.platform == DOMAIN and step.unit:
                name = entity.name or entity.original_name or entity.entity_id
                before = befores.setdefault(name, step.before)
                readings[name] = f"- {name}: {before:.3f} → {step.first:.3f} {step.unit}"
        return {
            "old_meter": (None if change.is_title else known.equipment_identifier) or known.system_title or "?",
            "new_meter": change.identifier,
            "since": dt_util.as_local(change.since).strftime("%Y-%m-%d %H:%M"),
            "readings": "\n".join(readings.values()) or "- ?",
        }

    def last_of(self, change: Change) -> dict[str, float | None]:
        """Return the current states of the registers and cost sensors of a change."""
        return {step.statistic_id: number_of(self._hass.states.get(step.statistic_id)) for step in change.steps}

    def take_out(self, change: Change, last: Mapping[str, float | None]) -> None:
        """Remove everything that another meter has added so far from the statistics; `last` are its last states."""
        taking_out = self._async_take_out(change, dt_util.utcnow(), last)
        self._port.entry.async_create_task(self._hass, taking_out, f"{DOMAIN} take out")

    async def _async_take_out(self, change: Change, until: datetime, last: Mapping[str, float | None]) -> None:
        for statistic_id in last:
            steps = [step for step in change.steps if step.statistic_id == statistic_id]
            ends = [*((step.at, step.before) for step in steps[1:]), (until, last[statistic_id])]
            for step, (end, state) in zip(steps, ends, strict=True):
                await self._corrections.async_take_out(statistic_id, step.unit, (step.at, step.first), (end, state))
