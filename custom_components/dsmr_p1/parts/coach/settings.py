"""The settings of a coach, as they are kept in the options of an entry; without them there is none."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

CONF_COACH: Final = "coach"
CONF_TARIFF: Final = "coach_tariff"
CONF_LEAST: Final = "coach_least"
CONF_REFERENCE: Final = "coach_reference"
CONF_PRICE: Final = "coach_price"

OFF: Final = "off"
CAPACITY: Final = "capacity"
REFERENCE: Final = "reference"

DEFAULT_LEAST: Final = 2.5
"""The kW that a month counts with at least (Flanders; VREG, tariff methodology 2025-2028)."""
REFERENCES: Final = (3, 7, 12, 17, 27, 43, 70, 100, 150, 200)
"""The classes of reference power in kW at low voltage (Luxembourg; tariffs of the network operators, 2026)."""
KILO: Final = 1000.0
_YEAR: Final = 12
TARIFF_OF: Final[Mapping[str, str]] = {"BE": CAPACITY, "LU": REFERENCE}
"""What the quarters are billed by, by country."""


class Settings(NamedTuple):
    """What quarters are billed by.

    `tariff` is CAPACITY, by the peaks of months, or REFERENCE, by the energy above a power. `power` is in W: what
    every month counts with at least, or the reference power. `price` is for a kW and a year, or for a kWh above the
    reference power; None if it is not known.
    """

    tariff: str
    power: float
    price: float | None

    def limit(self, peak: float) -> float:
        """Return the mean power that costs nothing more in a month with this peak so far."""
        return self.power if self.tariff == REFERENCE else max(self.power, peak)

    def cost(self, average: float, excess: float) -> float | None:
        """Return what the month costs, by its average peak in W or by its excess in Wh; None without price."""
        if self.price is None:
            return None
        return self.price / KILO * (excess if self.tariff == REFERENCE else average / _YEAR)


def settings_of(options: Mapping[str, Any]) -> Settings | None:
    """Return the settings in the options of an entry; None where no coach is wanted."""
    coach = options.get(CONF_COACH)
    if coach is None:
        return None
    power = coach[CONF_REFERENCE if coach[CONF_TARIFF] == REFERENCE else CONF_LEAST]
    return Settings(coach[CONF_TARIFF], float(power) * KILO, coach.get(CONF_PRICE))
