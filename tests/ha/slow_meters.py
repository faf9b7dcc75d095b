"""A house whose meters are read once an hour or a day, its clock, and what the recorder has of its hours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    statistics_during_period,
)

from custom_components.dsmr_p1.parts.true_hour.settings import CONF_SINCE, CONF_TRUE_HOUR
from simulator import Household, Model, TelegramBuilder, find_model
from tests.ha.house import House, house_on
from tests.ha.replacing import Calendar

START = datetime(2026, 2, 18, 16, 20, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hourly(name: str = "dsmr5") -> Model:
    """Give a model whose M-Bus meters are read once an hour, though it could be more often."""
    model = find_model(name)
    assert model.slots is not None
    return replace(model, slots=replace(model.slots, interval=3600))


def options(**prices: float) -> dict[str, Any]:
    stored = {f"true_hour_price_{kind}": price for kind, price in prices.items()}
    return {CONF_TRUE_HOUR: {CONF_SINCE: LONG_AGO.isoformat(), **stored}}


class SlowHouse:
    """A house and the time in it."""

    def __init__(self, house: House, calendar: Calendar) -> None:
        self.house, self.calendar = house, calendar

    @property
    def now(self) -> datetime:
        return self.house.builder.household.now

    def statistic(self, slot: str = "mbus_1", kind: str = "gas") -> str:
        return f"dsmr_p1:{self.house.entry.entry_id.lower()}_{slot}_{kind}"

    def read_at(self, instant: datetime, number: int = 0) -> float:
        """Give the register of a meter at a time."""
        household = self.house.builder.household
        return float(self.house.builder.slots[number].reading_at(household, instant).amount)

    async def set_up(self) -> None:
        self.calendar.move_to(self.now)
        await self.house.set_up()
        # It begins when the entry is set up, with the next telegram.
        await self.send()

    async def live_on(self, length: timedelta = HOUR) -> None:
        """Let time pass without a telegram, and send one."""
        self.house.pass_time(int(length.total_seconds()))
        await self.send()

    async def send(self, times: int = 1) -> None:
        self.calendar.move_to(self.now)
        for _ in range(times):
            await self.house.send()
        await async_wait_recording_done(self.house.hass)

    async def restart(self, *, send: bool = True) -> None:
        await self.house.reload()
        if send:
            await self.send()

    def rows(self, statistic_id: str | None = None) -> list[dict[str, Any]]:
        statistic_id = statistic_id or self.statistic()
        wanted: Any = {"state", "sum", "change"}
        found: Any = statistics_during_period(
            self.house.hass,
            LONG_AGO,
            period="hour",
            statistic_ids={statistic_id},
            types=wanted,
        )
        return list(found.get(statistic_id, []))

    def used(self, statistic_id: str | None = None) -> dict[datetime, float]:
        """Give what was used in every hour that is booked, by its start."""
        return {datetime.fromtimestamp(row["start"], UTC): round(row["change"], 6) for row in self.rows(statistic_id)}

    def measured(self, first: datetime, last: datetime, number: int = 0) -> dict[datetime, float]:
        """Give what the meter has measured in every hour from one to another."""
        hours = [first + count * HOUR for count in range(int((last - first) / HOUR))]
        return {hour: round(self.read_at(hour + HOUR, number) - self.read_at(hour, number), 6) for hour in hours}


@asynccontextmanager
async def slow_house(
    hass: HomeAssistant, calendar: Calendar, folder: Path, model: Model | str = "dsmr42", mbus: str | None = None,
    start: datetime = START,
) -> AsyncIterator[SlowHouse]:  # fmt: skip
    """Give a house that is not set up yet, with true hours on."""
    if isinstance(model, str):
        model = find_model(model)
    household = Household(seed=1, start=start, region=model.region, phases=model.phases)
    async with house_on(hass, TelegramBuilder.create(model, household, mbus), folder / "ttyP1") as house:
        house.configure(options=options())
        yield SlowHouse(house, calendar)
