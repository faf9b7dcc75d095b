"""The advice: what the entities show of the quarter that runs and its month. Power is in W, energy in Wh."""

from typing import NamedTuple

from .months import Months, Peak, over
from .quarters import Quarters
from .settings import Settings


class Advice(NamedTuple):
    """The numbers at one time.

    `mean`, `forecast` and `available` are of the quarter that runs, None if its beginning is unknown, and so is
    `is_at_risk`: the forecast is more than costs nothing. `peak` is that of this month so far, None if no quarter of it
    is over. `average` is that of the last twelve months' peaks, `excess` this month's energy above the reference power.
    """

    mean: float | None
    forecast: float | None
    available: float | None
    is_at_risk: bool | None
    peak: Peak | None
    average: float
    excess: float
    cost: float | None


def advise(quarters: Quarters, months: Months, settings: Settings, month: str) -> Advice:
    """Return the numbers at the time of the last telegram, in the month of the quarter that runs."""
    peak = months.peaks.get(month)
    limit = settings.limit(0.0 if peak is None else peak.power)
    forecast = quarters.forecast
    average = months.average(month, settings.power)
    excess = months.excess(month) + over(quarters.energy, settings.power)
    return Advice(
        mean=quarters.mean,
        forecast=forecast,
        available=quarters.available(limit),
        is_at_risk=None if forecast is None else forecast > limit,
        peak=peak,
        average=average,
        excess=excess,
        cost=settings.cost(average, excess),
    )
