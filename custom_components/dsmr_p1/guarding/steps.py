"""Steps that consumption does not explain: a register of the same meter jumps, and continues from there.

The amount that the recorder and the cost sensors add for it is removed from the statistics again, and the owner is
asked whether it was real consumption: only then it is added back.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..p1 import Quantity, channel_type
from ..p1.guard import Accepted
from ..port.devices import device_name
from ..port.state import Port
from ..sums.costs import added, cost_sensors, number_of

type Correct = Callable[[str, float, str | None, datetime | None], None]
"""Removes an amount in a unit from a statistic, from a time on; None for now."""

QUESTION: Final = "odd_step"


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
            self._ask(step)

    def prepare(self, event: Accepted) -> None:
        """Remember the states before a step, which is shown with the current telegram."""
        if channel_type(event.channel_id).quantity is Quantity.COUNTER:
            return
        unique_id = f"{self._port.entry.entry_id}_{event.slot}_{event.channel_id}"
        entity_id = er.async_get(self._hass).async_get_entity_id("sensor", DOMAIN, unique_id)
        state = None if entity_id is None else self._hass.states.get(entity_id)
        if state is not None and number_of(state) is not None:
            cost_id = cost_sensors(self._hass, [state.entity_id]).get(state.entity_id)
            self._prepared.append((event, state, None if cost_id is None else self._hass.states.get(cost_id)))

    @callback
    def async_complete(self) -> None:
        """Remove the steps that are shown now from the statistics, and ask about them."""
        prepared, self._prepared = self._prepared, []
        # Channels computed from a register are part of the question about that register.
        amounts: dict[str, list[list[Any]]] = {}
        for event, before, cost_before in prepared:
            for state in (before, cost_before):
                amount = None if state is None else self._added(state)
                if state is None or not amount:
                    continue
                unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
                self._correct(state.entity_id, amount, unit, None)
                amounts.setdefault(event.slot, []).append([state.entity_id, amount, unit])
        for event, before, _ in prepared:
            after = self._hass.states.get(before.entity_id)
            if event.is_derived or after is None:
                continue
            step = {
                "slot": event.slot,
                "channel": event.channel_id,
                "at": dt_util.utcnow().isoformat(),
                "register": before.name,
                "before": _text(before),
                "after": _text(after),
                "amounts": amounts.pop(event.slot, []),
            }
            self._port.record.odd_steps += (step,)
            self._ask(step)
            LOGGER.info(
                "P1 port %s: %s of %s went from %s to %s, which consumption does not explain",
                self._port.name, event.channel_id, event.slot, step["before"], step["after"],
            )  # fmt: skip
        if prepared:
            self._port.save()

    def _added(self, before: State) -> float | None:
        """Return the amount that the recorder adds, or has added, since a state; None if there is no number."""
        state = self._hass.states.get(before.entity_id)
        one, other = number_of(before), number_of(state)
        return None if one is None or other is None else added(before, one, other)

    @callback
    def async_answer(self, slot: str, channel_id: str, *, is_real: bool) -> None:
        """Apply the answer about the steps of a register: real consumption is added back, an error stays out."""
        for step in self._port.record.odd_steps:
            if is_real and _is_of(step, slot, channel_id):
                for entity_id, amount, unit in step["amounts"]:
                    self._correct(entity_id, -amount, unit, datetime.fromisoformat(step["at"]))
        self._port.record.odd_steps = tuple(
            step for step in self._port.record.odd_steps if not _is_of(step, slot, channel_id)
        )
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(slot, channel_id))
        self._port.save()

    def _ask(self, step: Mapping[str, Any]) -> None:
        port, slot = self._port, step["slot"]
        placeholders = {
            "meter": device_name(self._hass, port.entry.entry_id, slot),
            "register": step["register"],
            "before": step["before"],
            "after": step["after"],
            "port": port.name,
        }
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(slot, step["channel"]),
            data={
                "entry_id": port.entry.entry_id,
                "slot": slot,
                "_channel": step["channel"],
                "condition": QUESTION,
                **placeholders,
            },
            is_fixable=True,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=QUESTION,
            translation_placeholders=placeholders,
        )

    def _issue_id(self, slot: str, channel_id: str) -> str:
        return f"step_{slot}_{channel_id}_{self._port.entry.entry_id}"


def _is_of(step: Mapping[str, Any], slot: str, channel_id: str) -> bool:
    return bool(step["slot"] == slot and step["channel"] == channel_id)


def _text(state: State) -> str:
    return f"{state.state} {state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, '')}".strip()
