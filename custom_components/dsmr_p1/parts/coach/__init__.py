"""The quarter-hour coach: what the running quarter comes to, and what the month costs that is billed by its peaks."""

from typing import Final

from ..part import Part
from .dialog import CoachSteps
from .entities import async_start_coach
from .settings import CONF_COACH

PART: Final = Part(CONF_COACH, CoachSteps, async_start_coach)
