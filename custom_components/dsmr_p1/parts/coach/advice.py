"""The advice: what the entities show of the quarter that runs and its month. Power is in W, energy in Wh."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from ..part import Shown
from .months import Months, Peak, over
from .quarters import Quarters
from .settings import KILO, Settings

HYSTERESIS: Final = 0.05
"""The part of the power that costs nothing by which the forecast is below it before a peak is no longer at risk."""


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

    def shown(self) -> dict[str, Shown]:
        """Return the values of the entities, by their keys."""
        power, time = (None, None) if self.peak is None else self.peak
        return {
            "quarter_mean": _kilo(self.mean),
            "quarter_forecast": _kilo(self.forecast),
            "available_power": _kilo(self.available),
            "peak_at_risk": self.is_at_risk,
            "month_peak": _kilo(power),
            "month_peak_time": None if time is None else datetime.fromtimestamp(time, UTC),
            "average_peak": _kilo(self.average),
            "month_excess": _kilo(self.excess),
            "month_cost": None if self.cost is None else round(self.cost, 2),
        }


def _kilo(value: float | None) -> float | None:
    return None if value is None else round(value) / KILO


def advise(
    quarters: Quarters, months: Months, settings: Settings, month: str, *, was_at_risk: bool | None, least: float = 0.0
) -> Advice:
    """Return the numbers at the time of the last telegram, in the month of the quarter that runs.

    A peak that `was_at_risk` is so until the forecast is clearly below what costs nothing. The excess is `least` at
    least: a meter of energy does not fall, also when the end of a quarter turns out to have been a little lower.
    """
    peak = months.peaks.get(month)
    limit = settings.limit(0.0 if peak is None else peak.power)
    forecast = quarters.forecast
    average = months.average(month, settings.power)
    excess = max(months.excess(month) + over(quarters.energy, settings.power), least)
    return Advice(
        mean=quarters.mean,
        forecast=forecast,
        available=quarters.available(limit),
        is_at_risk=None if forecast is None else forecast > (limit * (1 - HYSTERESIS) if was_at_risk else limit),
        peak=peak,
        average=average,
        excess=excess,
        cost=settings.cost(average, excess),
    )
