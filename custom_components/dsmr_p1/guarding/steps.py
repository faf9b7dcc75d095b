"""Steps that consumption does not explain: a register of the same meter jumps, and continues from there.

The amount that the recorder and the cost sensors add for it is removed from the statistics again, and the owner is
asked whether it was real consumption: only then it is added back.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from homeassistant.components.sensor.const import UNIT_CONVERTERS
from homeassistant.const import ATTR_DEVICE_CLASS, ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..p1 import Unit, channel_type
from ..p1.cosem.units import convert, is_convertible
from ..p1.registers.guard import Accepted
from ..port.devices import device_name, sensor_of
from ..port.issues import async_raise, async_withdraw
from ..port.state import Port
from ..storage.replaced import OddStep, UnbookedCost
from ..sums.costs import added, cost_of, find_booked, is_lost, number_of, unbooked_cost

type Correct = Callable[[str, float, str | None, datetime | None], None]
"""Removes an amount in a unit from a statistic, from a time on; None for now."""
type _Prepared = tuple[Accepted, State, State | None]
"""A step that is shown with the current telegram, and the states of the sensor and of its cost sensor before it."""

QUESTION: Final = "odd_step"
_MOST_STEPS: Final = 10
"""Steps of a register that are kept for an answer."""


class OddSteps:
    """The steps of one port about which the owner is asked."""

    def __init__(self, port: Port, correct: Correct) -> None:
        self._port = port
        self._hass: HomeAssistant = port.hass
        self._correct = correct
        self._steps = port.record.odd_steps
        self._prepared: list[_Prepared] = []

    @callback
    def async_start(self) -> None:
        """Raise the repairs of open questions again."""
        for step in self._steps:
            if not step.is_answered:
                self._ask(step)

    def prepare(self, event: Accepted) -> None:
        """Remember the states before a step, which is shown with the current telegram."""
        entity = sensor_of(self._hass, self._port.entry.entry_id, event.slot, event.channel_id)
        state = None if entity is None else self._hass.states.get(entity.entity_id)
        if state is not None:
            self._prepared.append((event, state, cost_of(self._hass, state.entity_id)))

    @callback
    def async_complete(self) -> None:
        """Remove the steps that are shown now from the statistics, and ask about them."""
        if self._prepared:
            prepared, self._prepared = self._prepared, []
            self._take_out(prepared)
            self._port.save()
        self._follow_costs()

    def _take_out(self, prepared: list[_Prepared]) -> None:
        # Channels computed from a register are part of the question about that register.
        amounts: defaultdict[str, list[tuple[str, float, str | None]]] = defaultdict(list)
        unbooked: defaultdict[str, list[UnbookedCost]] = defaultdict(list)
        shown = [
            (event, before, after, good, cost)
            for event, before, cost in prepared
            if (after := self._hass.states.get(before.entity_id)) is not None
            and (good := _last_good(event, before, after)) is not None
        ]
        for event, before, after, good, cost in shown:
            shows, stood_at = number_of(after), number_of(before)
            if shows is None or shows == stood_at:
                continue
            # A state is older than the last good reading where it is updated seldom, and none after a silence.
            stood_at = good if stood_at is None else stood_at
            used = good - stood_at
            if not (amount := added(after, stood_at, shows) - used):
                continue
            unit = after.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
            self._correct(before.entity_id, amount, unit, None)
            amounts[event.slot].append((before.entity_id, amount, unit))
            if cost is not None and not self._is_continued(before.entity_id, good, shows):
                unbooked[event.slot].append(unbooked_cost(event.slot, before.entity_id, stood_at, shows, used, cost))
        for event, before, after, good, _ in shown:
            if event.is_derived:
                continue
            unit = after.attributes.get(ATTR_UNIT_OF_MEASUREMENT, "")
            step = OddStep(
                slot=event.slot,
                channel=event.channel_id,
                at=dt_util.utcnow().isoformat(),
                register=before.name,
                before=f"{round(good, 3):.12g} {unit}".strip(),
                after=f"{after.state} {unit}".strip(),
                amounts=amounts.pop(event.slot, []),
                unbooked=unbooked.pop(event.slot, []),
            )
            self._make_room(event)
            self._steps.append(step)
            self._ask(step)
            LOGGER.info(
                "P1 port %s: %s of %s went from %s to %s, which consumption does not explain",
                self._port.name, event.channel_id, event.slot, step.before, step.after,
            )  # fmt: skip
        # A total that another register has joined: there is nothing to ask, but its costs are waited for.
        self._steps += [OddStep(slot=slot, unbooked=costs, is_answered=True) for slot, costs in unbooked.items()]

    def _make_room(self, event: Accepted) -> None:
        """Remove the oldest step of a register that jumps without end: it stays out."""
        of_register = [
            step for step in self._steps if _is_asked(step, event.slot, event.channel_id) and not step.unbooked
        ]
        if len(of_register) >= _MOST_STEPS:
            self._steps.remove(of_register[0])

    # Amounts that cost sensors book

    def _is_continued(self, register: str, before: float, first: float) -> bool:
        """Whether the costs of an earlier step of a register are waited for: this one is booked with them."""
        continued = [
            replace(
                step,
                unbooked=[
                    cost.continued(before, first) if cost.register == register else cost for cost in step.unbooked
                ],
            )
            for step in self._steps
        ]
        is_continued = continued != self._steps
        self._steps[:] = continued
        return is_continued

    def _follow_costs(self) -> None:
        """Remove the amounts booked for steps from the statistics of costs, at the latest when they are booked."""
        if not any(step.unbooked for step in self._steps):
            return
        followed = [self._with_booked(step) for step in self._steps]
        if followed != self._steps:
            self._steps[:] = [step for step in followed if step.unbooked or not step.is_answered]
            self._port.save()

    def _with_booked(self, step: OddStep) -> OddStep:
        """Return a step with what was booked for it."""
        amounts, unbooked = [*step.amounts], []
        for cost in step.unbooked:
            if (found := find_booked(self._hass, cost)) is not None:
                unit, at = found.cost.attributes.get(ATTR_UNIT_OF_MEASUREMENT), found.cost.last_updated
                self._correct(cost.sensor, found.excess, unit, at)
                amounts.append((cost.sensor, found.excess, unit, at.isoformat()))
            elif not is_lost(cost, self._hass.states.get(cost.sensor)):
                unbooked.append(cost)
        return replace(step, amounts=amounts, unbooked=unbooked)

    @callback
    def async_answer(self, slot: str, channel_id: str, *, is_real: bool) -> None:
        """Apply the answer about the steps of a register: real consumption is added back, an error stays out."""
        left: list[OddStep] = []
        for step in self._steps:
            if not _is_asked(step, slot, channel_id):
                left.append(step)
            elif is_real:
                for entity_id, amount, unit, *at in step.amounts:
                    self._correct(entity_id, -amount, unit, datetime.fromisoformat(at[0] if at else step.at))
            elif step.unbooked:
                left.append(replace(step, is_answered=True))
        self._steps[:] = left
        async_withdraw(self._port, f"step_{slot}_{channel_id}")
        self._port.save()

    def _ask(self, step: OddStep) -> None:
        placeholders = {
            "meter": device_name(self._hass, self._port.entry.entry_id, step.slot),
            "register": step.register,
            "before": step.before,
            "after": step.after,
        }
        data = {"slot": step.slot, "_channel": step.channel}
        async_raise(self._port, f"step_{step.slot}_{step.channel}", QUESTION, placeholders, data)


def _is_asked(step: OddStep, slot: str, channel_id: str) -> bool:
    """Whether the owner is asked about a step, and it is one of this register."""
    return not step.is_answered and (step.slot, step.channel) == (slot, channel_id)


def _last_good(event: Accepted, before: State, after: State) -> float | None:
    """Return the last good reading in the unit of the entity; what was shown last where that cannot be told."""
    number, last = event.before.value, number_of(before)
    sent = event.before.unit or channel_type(event.channel_id).unit
    if not isinstance(number, Decimal):
        return last
    unit = after.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    found = UNIT_CONVERTERS.get(after.attributes.get(ATTR_DEVICE_CLASS))
    if found is not None and {sent, unit} <= found.VALID_UNITS:
        return found.convert(float(number), sent, unit)
    shown = next((one for one in Unit if one == unit), None)
    if sent is not None and shown is not None and is_convertible(sent, shown):
        return float(convert(number, sent, shown))
    # Where nothing is to be converted it is shown as it was sent.
    return float(number) if sent is None or last is None else last
