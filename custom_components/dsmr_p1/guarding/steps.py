"""Steps that consumption does not explain: a register of the same meter jumps, and continues from there.

The amount that the recorder and the cost sensors add for it is removed from the statistics again, and the owner is
asked whether it was real consumption: only then it is added back.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from homeassistant.components.sensor import ATTR_LAST_RESET
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
from ..storage.replaced import UnbookedCost
from ..sums.costs import added, cost_sensors, find_booked, is_lost, number_of

type Correct = Callable[[str, float, str | None, datetime | None], None]
"""Removes an amount in a unit from a statistic, from a time on; None for now."""

QUESTION: Final = "odd_step"
_MOST_STEPS: Final = 10
"""Steps of a register that are kept for an answer."""


class OddSteps:
    """The steps of one port about which the owner is asked."""

    def __init__(self, port: Port, correct: Correct) -> None:
        """Initialize with the stored steps of the port."""
        self._port = port
        self._hass: HomeAssistant = port.hass
        self._correct = correct
        self._prepared: list[tuple[Accepted, State, State | None]] = []

    @callback
    def async_start(self) -> None:
        """Raise the repairs of open questions again."""
        for step in self._port.record.odd_steps:
            if not _is_answered(step):
                self._ask(step)

    def prepare(self, event: Accepted) -> None:
        """Remember the states before a step, which is shown with the current telegram."""
        entity = sensor_of(self._hass, self._port.entry.entry_id, event.slot, event.channel_id)
        state = None if entity is None else self._hass.states.get(entity.entity_id)
        if state is not None:
            cost_id = cost_sensors(self._hass, [state.entity_id]).get(state.entity_id)
            self._prepared.append((event, state, None if cost_id is None else self._hass.states.get(cost_id)))

    @callback
    def async_complete(self) -> None:
        """Remove the steps that are shown now from the statistics, and ask about them."""
        if not self._prepared:
            self._follow_costs()
            return
        prepared, self._prepared = self._prepared, []
        # Channels computed from a register are part of the question about that register.
        amounts: dict[str, list[list[Any]]] = {}
        unbooked: dict[str, list[dict[str, Any]]] = {}
        for event, before, cost_before in prepared:
            after, stood_at = self._hass.states.get(before.entity_id), number_of(before)
            shows, good = number_of(after), _last_good(event, before, after)
            if after is None or shows is None or good is None or shows == stood_at:
                continue
            # A state is older than the last good reading where it is updated seldom, and none after a silence.
            stood_at = good if stood_at is None else stood_at
            used = good - stood_at
            if not (amount := added(after, stood_at, shows) - used):
                continue
            unit = after.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
            self._correct(before.entity_id, amount, unit, None)
            amounts.setdefault(event.slot, []).append([before.entity_id, amount, unit])
            if cost_before is not None and not self._is_merged(before.entity_id, good, shows):
                waiting = UnbookedCost(
                    event.slot, before.entity_id, stood_at, shows, used, cost_before.entity_id,
                    number_of(cost_before) or 0.0, cost_before.attributes.get(ATTR_LAST_RESET),
                )  # fmt: skip
                unbooked.setdefault(event.slot, []).append(asdict(waiting))
        for event, before, _ in prepared:
            after = self._hass.states.get(before.entity_id)
            good = _last_good(event, before, after)
            if event.is_derived or after is None or good is None:
                continue
            step = {
                "slot": event.slot,
                "channel": event.channel_id,
                "at": dt_util.utcnow().isoformat(),
                "register": before.name,
                "before": f"{round(good, 3):.12g} {after.attributes.get(ATTR_UNIT_OF_MEASUREMENT, '')}".strip(),
                "after": _text(after),
                "amounts": amounts.pop(event.slot, []),
                "unbooked": unbooked.pop(event.slot, []),
            }
            self._port.record.odd_steps = (*self._with_room(event), step)
            self._ask(step)
            LOGGER.info(
                "P1 port %s: %s of %s went from %s to %s, which consumption does not explain",
                self._port.name, event.channel_id, event.slot, step["before"], step["after"],
            )  # fmt: skip
        for slot, costs in unbooked.items():
            # A total that another register has joined: there is nothing to ask, but its costs are waited for.
            only_costs = {"slot": slot, "channel": "", "amounts": [], "unbooked": costs, "is_answered": True}
            self._port.record.odd_steps = (*self._port.record.odd_steps, only_costs)
        self._port.save()
        self._follow_costs()

    def _with_room(self, event: Accepted) -> list[Mapping[str, Any]]:
        """Return the steps without the oldest of a register that jumps without end: these stay out."""
        steps = [*self._port.record.odd_steps]
        of_register = [step for step in steps if _is_of(step, event.slot, event.channel_id) and not _unbooked(step)]
        if len(of_register) >= _MOST_STEPS:
            steps.remove(of_register[0])
        return steps

    # Amounts that cost sensors book

    def _is_merged(self, register: str, before: float, first: float) -> bool:
        """Whether the costs of an earlier step of a register are waited for: this one is booked with them."""
        steps, is_merged = [], False
        for step in self._port.record.odd_steps:
            unbooked = [
                replace(waiting, used=waiting.used + before - waiting.first, first=first)
                if waiting.register == register
                else waiting
                for waiting in _unbooked(step)
            ]
            is_merged = is_merged or unbooked != _unbooked(step)
            steps.append({**step, "unbooked": [asdict(waiting) for waiting in unbooked]})
        self._port.record.odd_steps = tuple(steps)
        return is_merged

    def _follow_costs(self) -> None:
        """Remove the amounts booked for steps from the statistics of costs, at the latest when they are booked."""
        steps = self._port.record.odd_steps
        if not any(_unbooked(step) for step in steps):
            return
        followed = tuple(self._with_booked(step) for step in steps)
        if followed != steps:
            self._port.record.odd_steps = tuple(step for step in followed if step["unbooked"] or not _is_answered(step))
            self._port.save()

    def _with_booked(self, step: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a step with what was booked for it."""
        amounts, unbooked = [*step["amounts"]], []
        for waiting in _unbooked(step):
            if (found := find_booked(self._hass, waiting)) is not None:
                unit, at = found.cost.attributes.get(ATTR_UNIT_OF_MEASUREMENT), found.cost.last_updated
                self._correct(waiting.sensor, found.excess, unit, at)
                amounts.append([waiting.sensor, found.excess, unit, at.isoformat()])
            elif not is_lost(waiting, self._hass.states.get(waiting.sensor)):
                unbooked.append(asdict(waiting))
        return {**step, "amounts": amounts, "unbooked": unbooked}

    @callback
    def async_answer(self, slot: str, channel_id: str, *, is_real: bool) -> None:
        """Apply the answer about the steps of a register: real consumption is added back, an error stays out."""
        left: list[Mapping[str, Any]] = []
        for step in self._port.record.odd_steps:
            if not _is_of(step, slot, channel_id):
                left.append(step)
            elif is_real:
                for entity_id, amount, unit, *at in step["amounts"]:
                    self._correct(entity_id, -amount, unit, datetime.fromisoformat(at[0] if at else step["at"]))
            elif _unbooked(step):
                left.append({**step, "is_answered": True})
        self._port.record.odd_steps = tuple(left)
        async_withdraw(self._port, f"step_{slot}_{channel_id}")
        self._port.save()

    def _ask(self, step: Mapping[str, Any]) -> None:
        port, slot = self._port, step["slot"]
        placeholders = {
            "meter": device_name(self._hass, port.entry.entry_id, slot),
            "register": step["register"],
            "before": step["before"],
            "after": step["after"],
        }
        topic = f"step_{slot}_{step['channel']}"
        async_raise(port, topic, QUESTION, placeholders, {"slot": slot, "_channel": step["channel"]})


def _is_of(step: Mapping[str, Any], slot: str, channel_id: str) -> bool:
    return bool(step["slot"] == slot and step["channel"] == channel_id) and not _is_answered(step)


def _is_answered(step: Mapping[str, Any]) -> bool:
    """Whether the owner has called a step an error, and only its costs are waited for."""
    return bool(step.get("is_answered"))


def _unbooked(step: Mapping[str, Any]) -> list[UnbookedCost]:
    return [UnbookedCost(**waiting) for waiting in step.get("unbooked", ())]


def _last_good(event: Accepted, before: State, after: State | None) -> float | None:
    """Return the last good reading in the unit of the entity; what was shown last where that cannot be told."""
    number, last = event.before.value, number_of(before)
    sent = event.before.unit or channel_type(event.channel_id).unit
    if after is None or not isinstance(number, Decimal):
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


def _text(state: State) -> str:
    return f"{state.state} {state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, '')}".strip()
