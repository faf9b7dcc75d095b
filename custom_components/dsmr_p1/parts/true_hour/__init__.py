"""True hours: meters that are read once an hour or a day, booked in the hours in which they measured."""

from typing import Final

from ..part import Part
from .booker import async_start_true_hour
from .dialog import TrueHourSteps
from .settings import CONF_TRUE_HOUR

PART: Final = Part(CONF_TRUE_HOUR, TrueHourSteps, async_start_true_hour)
