"""The costs that Home Assistant works out from a register and a price.

Where the owner enters a price, its energy integration adds a sensor of costs. That one keeps the register's last state,
and books what lies between it and the next one. Between the last state of an old meter and the first of a new one lies
what nobody used, and it is booked all the same: the whole new register where that is much lower, the difference where
it is not. How much it is follows from what the sensor of costs shows before and after.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final

from homeassistant.components.energy import async_get_manager
from homeassistant.components.sensor import ATTR_LAST_RESET
from homeassistant.core import HomeAssistant, State, callback

_ENERGY: Final = "energy"
# A register in a source of the energy dashboard -> the entity that tells its price, where the price is not fixed.
_PRICES: Final = {
    "stat_energy_from": "entity_energy_price",
    "stat_energy_to": "entity_energy_price_export",
}


async def async_price_entities(hass: HomeAssistant) -> dict[str, str]:
    """Return the entities that tell the prices of registers, by the entity of the register."""
    if _ENERGY not in hass.config.components:
        return {}
    preferences = (await async_get_manager(hass)).data
    sources: list[Mapping[str, Any]] = [] if preferences is None else [*preferences["energy_sources"]]
    return {
        register: price
        for source in sources
        for of_register, of_price in _PRICES.items()
        if (register := source.get(of_register)) is not None and (price := source.get(of_price)) is not None
    }


@callback
def is_known(hass: HomeAssistant, price: str) -> bool:
    """Whether an entity tells a price at the moment: without one, no sensor of costs takes note of anything."""
    return number_of(hass.states.get(price)) is not None


@callback
def cost_sensors(hass: HomeAssistant, registers: Iterable[str]) -> dict[str, str]:
    """Return the sensors of the costs of registers, by the entity of the register."""
    # What the energy integration keeps for the dashboard, and tells everybody who asks it over the websocket.
    known: Mapping[str, str] = hass.data.get(_ENERGY, {}).get("cost_sensors", {})
    return {register: known[register] for register in registers if register in known}


class Bookings:
    """What sensors of costs book from now on."""

    def __init__(self, hass: HomeAssistant, sensors: Iterable[str]) -> None:
        """Remember what they show now."""
        self._hass = hass
        self._before = {sensor: hass.states.get(sensor) for sensor in sensors}

    @callback
    def until_now(self) -> dict[str, float]:
        """Return what each of them has booked since."""
        booked = {sensor: _booked(before, self._hass.states.get(sensor)) for sensor, before in self._before.items()}
        return {sensor: amount for sensor, amount in booked.items() if amount}


def _booked(before: State | None, after: State | None) -> float:
    total, stood_at = number_of(after), number_of(before)
    if after is None or total is None:
        return 0.0
    if before is None or stood_at is None:
        return total
    has_begun_anew = before.attributes.get(ATTR_LAST_RESET) != after.attributes.get(ATTR_LAST_RESET)
    return total if has_begun_anew else total - stood_at


def number_of(state: State | None) -> float | None:
    """Return the number that a state is; None where it is none."""
    try:
        found = float("nan" if state is None else state.state)
    except ValueError:
        return None
    return found if isfinite(found) else None
