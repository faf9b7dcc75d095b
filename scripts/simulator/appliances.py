"""What stands in the house and when it runs."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Appliance:
    """Something that draws power for a while.

    `stages` are (watts, shortest, longest minutes), one after the other; `hours` are spans of the wall clock in which
    it is started; `phase` 0 means all phases. `water_minutes` of each stage draw water at eight litres a minute.
    """

    name: str
    phase: int
    times_per_day: float
    hours: tuple[tuple[float, float], ...]
    stages: tuple[tuple[int, int, int], ...]
    water_minutes: int = 0
    is_submetered: bool = False


_ANY: Final = ((0.0, 23.9),)
_DAY: Final = ((8.0, 20.0),)
_MEALS: Final = ((7.0, 8.0), (12.0, 12.8), (17.3, 18.6))
_EVENING: Final = ((18.5, 20.5),)

# fmt: off
APPLIANCES: Final = (
    Appliance("refrigerator",    1, 30.0, _ANY,            ((95, 9, 18),)),
    Appliance("freezer",         2, 20.0, _ANY,            ((110, 8, 16),)),
    Appliance("kettle",          1,  5.5, _MEALS,          ((2050, 2, 4),)),
    Appliance("hob",             0,  1.0, ((17.3, 18.4),), ((3600, 6, 12), (1400, 10, 30))),
    Appliance("oven",            2,  0.4, ((17.0, 18.2),), ((2300, 8, 12), (1100, 20, 45))),
    Appliance("microwave",       1,  1.4, _MEALS,          ((1250, 2, 8),)),
    Appliance("washing machine", 3,  0.6, _DAY,            ((160, 5, 5), (2050, 12, 22), (290, 55, 80)), 2),
    Appliance("tumble dryer",    3,  0.35, ((10.0, 21.0),), ((820, 60, 110),)),
    Appliance("dishwasher",      2,  0.7, _EVENING,        ((70, 8, 8), (2000, 14, 18), (90, 30, 40), (2000, 9, 9)), 1),
    Appliance("television",      1,  1.0, ((19.0, 20.5),), ((130, 90, 200),)),
    Appliance("computer",        2,  0.8, ((8.5, 10.0),),  ((95, 180, 460),)),
    Appliance("vacuum cleaner",  1,  0.3, _DAY,            ((850, 12, 35),)),
    Appliance("heat pump boiler", 3, 1.0, ((1.0, 4.0),),   ((540, 70, 150),), 0, is_submetered=True),
)
# fmt: on
