"""The costs that Home Assistant works out from a register and a price.

Where the owner enters a price, its energy integration adds a sensor of costs. That one keeps the register's last state,
and books what lies between it and the next one as soon as there is a price: between the last state of an old meter and
the first of a new one, what nobody used. How much that is follows from what the sensor shows before and after.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final

from homeassistant.components.sensor import ATTR_LAST_RESET, SensorStateClass
from homeassistant.core import HomeAssistant, State, callback

from ..storage.replaced import UnbookedCost

_ENERGY: Final = "energy"
_BEGUN_ANEW: Final = 0.9
"""A register that shows less than this share of what it showed before has begun anew, for everybody who adds it up."""


@callback
def cost_sensors(hass: HomeAssistant, registers: Iterable[str]) -> dict[str, str]:
    """Return the sensors of the costs of registers, by the entity of the register."""
    # What the energy integration keeps for the dashboard, and tells everybody who asks it over the websocket.
    known: Mapping[str, str] = hass.data.get(_ENERGY, {}).get("cost_sensors", {})
    return {register: known[register] for register in registers if register in known}


def added(register: State, before: float, after: float) -> float:
    """Return what the recorder, and a sensor of costs, add between two states of a register."""
    is_increasing = register.attributes.get("state_class") == SensorStateClass.TOTAL_INCREASING
    return after if is_increasing and after < _BEGUN_ANEW * before else after - before


def booked(waiting: UnbookedCost, cost: State) -> float:
    """Return what a sensor of costs has booked since it was waited for; it may have begun anew with the register."""
    has_begun_anew = waiting.last_reset != cost.attributes.get(ATTR_LAST_RESET)
    return (number_of(cost) or 0.0) - (0.0 if has_begun_anew else waiting.cost_before)


def number_of(state: State | None) -> float | None:
    """Return the number that a state is; None where it is none."""
    try:
        found = float("nan" if state is None else state.state)
    except ValueError:
        return None
    return found if isfinite(found) else None
