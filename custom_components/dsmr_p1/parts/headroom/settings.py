"""The settings of the headroom, as they are kept in the options of an entry; without them there is none."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .phases import Grid

CONF_HEADROOM: Final = "headroom"
CONF_HEADROOM_FUSE: Final = "headroom_fuse"
CONF_HEADROOM_GRID: Final = "headroom_grid"

USUAL_FUSES: Final[Mapping[str, float]] = {"NL": 25.0}
"""The amperes of the usual connection of a house, by country, where meters tell none.

In the Netherlands 3 × 25 A; of those with a single phase, of 25 to 40 A, the least (Westland Infra, "De aansluiting").
"""


class Settings(NamedTuple):
    """The main fuse of each phase, in amperes, and the kind of grid."""

    fuse: float
    grid: Grid


def settings_of(options: Mapping[str, Any]) -> Settings | None:
    """Return the settings in the options of an entry; None where no headroom is wanted."""
    headroom = options.get(CONF_HEADROOM)
    return None if headroom is None else Settings(headroom[CONF_HEADROOM_FUSE], Grid(headroom[CONF_HEADROOM_GRID]))
