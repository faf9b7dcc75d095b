"""The houses that can be chosen: a meter, what hangs on its M-Bus, and the parts that are switched on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

type Parts = Mapping[str, Mapping[str, Any]]
"""The parts that are switched on, and what is answered to the forms of their options."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A house to look at.

    `mbus` lists its M-Bus meters where they are not those of the model. `has_homewizard` is whether it is read through
    HomeWizard's P1 meter and not by a cable.
    """

    title: str
    model: str
    description: str = ""
    mbus: str | None = None
    parts: Parts = field(default_factory=dict)
    has_homewizard: bool = False

    @property
    def true_hours(self) -> dict[str, float]:
        """Return the kinds of meters that are booked in their true hours, and the price of a unit of each."""
        prefix = "true_hour_price_"
        answers = self.parts.get("true_hour", {}).items()
        return {name.removeprefix(prefix): price for name, price in answers if name.startswith(prefix)}


DEFAULT_HOUSE: Final = "dutch"
HOUSES: Final = {
    "dutch": Exhibit(
        "Dutch house",
        "dsmr5",
        "DSMR 5 with three phases, gas, water and solar panels; relay",
        "gas,water",
        # The TCP port is one that is free.
        {"relay": {"relay_address": "127.0.0.1", "relay_clients": 10}},
    ),
    "belgian": Exhibit(
        "Belgian house",
        "emucs",
        "capacity tariff: quarter-hour demand and monthly peaks; main fuse",
        "gas,water",
        {
            "headroom": {"headroom_fuse": 25, "headroom_grid": "with_neutral"},
            "coach": {"coach_tariff": "capacity", "coach_least": 2.5, "coach_price": 52.5},
        },
    ),
    "luxembourg": Exhibit(
        "Luxembourg house",
        "smarty_lu",
        "encrypted, with gas; reference power",
        "gas",
        {"coach": {"coach_tariff": "reference", "coach_reference": "3", "coach_price": 0.1139}},
    ),
    "austrian": Exhibit("Austrian house", "austria", "encrypted with two keys, whole watt-hours"),
    "homewizard": Exhibit(
        "HomeWizard house",
        "dsmr404",
        "DSMR 4 through HomeWizard's P1 meter; gas once an hour, booked in its true hours",
        "gas",
        {"true_hour": {"true_hour_on": True, "true_hour_price_gas": 1.25}},
        has_homewizard=True,
    ),
    "heat": Exhibit("District heating", "warmtelink", "heat only, no electricity"),
    "museum": Exhibit("Museum", "ace4000", "ACE4000 of 2009 at 9600 7E1, with gas and water", "gas,water"),
    "many": Exhibit(
        "Many meters",
        "dsmr5",
        "DSMR 5 with gas, water, heat and a second electricity meter",
        "gas,water,heating,electricity",
    ),
}
NAMELESS: Final = Exhibit("Smart meter", "")
"""A port or captures of which nothing is known beforehand."""


def exhibit_of_model(model: str) -> Exhibit:
    """Return the house of the show room that has this meter, or one with nothing but the meter."""
    return next((exhibit for exhibit in HOUSES.values() if exhibit.model == model), Exhibit(model, model))


def list_houses() -> str:
    """Return the houses, one on a line."""
    return "".join(f"{name:<12}{exhibit.description}\n" for name, exhibit in HOUSES.items())
