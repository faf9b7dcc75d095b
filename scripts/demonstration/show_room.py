"""The houses that can be chosen: a meter, and what hangs on its M-Bus."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A house to look at. `mbus` lists its M-Bus meters where they are not those of the model."""

    title: str
    model: str
    description: str = ""
    mbus: str | None = None


DEFAULT_HOUSE: Final = "dutch"
HOUSES: Final = {
    "dutch": Exhibit("Dutch house", "dsmr5", "DSMR 5 with three phases, gas, water and solar panels", "gas,water"),
    "belgian": Exhibit("Belgian house", "emucs", "capacity tariff: quarter-hour demand and monthly peaks", "gas,water"),
    "luxembourg": Exhibit("Luxembourg house", "smarty_lu", "encrypted, with gas", "gas"),
    "austrian": Exhibit("Austrian house", "austria", "encrypted with two keys, whole watt-hours"),
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
