"""Phase headroom: the amperes that each phase has left below the main fuse."""

from typing import Final

from ..part import Part
from .dialog import HeadroomSteps
from .entities import async_start_headroom
from .settings import CONF_HEADROOM

PART: Final = Part(CONF_HEADROOM, HeadroomSteps, async_start_headroom)
