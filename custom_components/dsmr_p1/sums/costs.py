"""The costs that Home Assistant works out from a register and a price.

Where the owner enters a price, its energy integration adds a sensor of costs. That one keeps the register's last state,
and books what lies between it and the next one as soon as there is a price: between the last state of an old meter and
the first of a new one, what nobody used. How much that is follows from what the sensor shows before and after.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Final, NamedTuple

from homeassistant.components.sensor import ATTR_LAST_RESET, SensorStateClass
from homeassistant.core import HomeAssistant, State

from ..storage.replaced import UnbookedCost

_ENERGY: Final = "energy"
_BEGUN_ANEW: Final = 0.9
"""A register that shows less than this share of what it showed before has begun anew, for everybody who adds it up."""


def cost_of(hass: HomeAssistant, register: str) -> State | None:
    """Return the state of the sensor of the costs of a register; None if it has none."""
    # What the energy integration keeps for the dashboard, and tells everybody who asks it over the websocket.
    known: Mapping[str, str] = hass.data.get(_ENERGY, {}).get("cost_sensors", {})
    return hass.states.get(known[register]) if register in known else None


def added(register: State, before: float, after: float) -> float:
    """Return what the recorder, and a sensor of costs, add between two states of a register."""
    is_increasing = register.attributes.get("state_class") == SensorStateClass.TOTAL_INCREASING
    return after if is_increasing and after < _BEGUN_ANEW * before else after - before


def unbooked_cost(slot: str, register: str, before: float, first: float, used: float, cost: State) -> UnbookedCost:
    """Return the step of a register that its sensor of costs, in this state, has still to book."""
    last_reset = cost.attributes.get(ATTR_LAST_RESET)
    return UnbookedCost(slot, register, before, first, used, cost.entity_id, number_of(cost) or 0.0, last_reset)


class Booked(NamedTuple):
    """What a sensor of costs has booked since it was waited for, and how much of it was no use; the state says when."""

    cost: State
    amount: float
    excess: float


def find_booked(hass: HomeAssistant, waiting: UnbookedCost) -> Booked | None:
    """Return what a sensor of costs has booked for a step; None while it has still to book."""
    register, cost = hass.states.get(waiting.register), hass.states.get(waiting.sensor)
    shows, stands_at = number_of(register), number_of(cost)
    if register is None or shows is None or cost is None or stands_at is None:
        return None
    has_begun_anew = waiting.last_reset != cost.attributes.get(ATTR_LAST_RESET)
    amount = stands_at - (0.0 if has_begun_anew else waiting.cost_before)
    counted = added(register, waiting.before, shows)
    # A sensor of costs begins anew with the register, and with a start too: then it has still to book.
    if not amount and (counted or not has_begun_anew):
        return None
    price = amount / counted if counted else 0.0
    return Booked(cost, amount, price * (counted - waiting.used - (shows - waiting.first)))


def is_lost(waiting: UnbookedCost, cost: State | None) -> bool:
    """Whether a sensor of costs will never book: it has begun anew with Home Assistant, from what is shown now on."""
    return cost is not None and number_of(cost) == 0 and waiting.last_reset != cost.attributes.get(ATTR_LAST_RESET)


def number_of(state: State | None) -> float | None:
    """Return the number that a state is; None where it is none."""
    try:
        found = float("nan" if state is None else state.state)
    except ValueError:
        return None
    return found if isfinite(found) else None
