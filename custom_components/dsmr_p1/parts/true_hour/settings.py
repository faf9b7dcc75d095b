"""The settings of true hours, as they are kept in the options of an entry; without them nothing is booked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from ...p1 import MeterKind

CONF_TRUE_HOUR: Final = "true_hour"
CONF_ON: Final = "true_hour_on"
CONF_SINCE: Final = "true_hour_since"
"""When it was switched on."""
PRICES: Final = {
    kind: f"true_hour_price_{kind}" for kind in (MeterKind.GAS, MeterKind.HEATING, MeterKind.COOLING, MeterKind.WATER)
}
"""The kinds of meters that are booked, and the keys of their prices per unit."""


class Settings(NamedTuple):
    """When hours were switched on, and the prices per unit of each kind of meter, in the currency of Home Assistant."""

    since: datetime
    prices: Mapping[MeterKind, float]


def settings_of(options: Mapping[str, Any]) -> Settings | None:
    """Return the settings in the options of an entry; None where true hours are not wanted."""
    stored = options.get(CONF_TRUE_HOUR)
    if stored is None:
        return None
    prices = {kind: float(stored[key]) for kind, key in PRICES.items() if key in stored}
    return Settings(datetime.fromisoformat(stored[CONF_SINCE]), prices)
