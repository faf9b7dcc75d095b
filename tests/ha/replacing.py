"""What the tests of replaced meters share: the time, the questions, and the books of the recorder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from time import monotonic, time
from typing import Any

from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    statistics_during_period,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import CONF_REFRESH, DOMAIN
from custom_components.dsmr_p1.sums.corrections import EVENT_COMPILED, Corrections
from simulator import SlotState, make_slots
from tests.ha.house import House

# Twenty minutes before an hour is full, so that its books are closed on the way; half a minute into five that are to be
# summed up. Hours ago, as a new database takes the five minutes before the real time for summed up already.
NOW = datetime.fromtimestamp(time() // 3600 * 3600 - 2 * 3600 - 1200 + 30, UTC)
LOW = ("electricity", "emeter_delivery_tariff1")
TOTAL = ("electricity", "energy_import_total")
EXPORT = ("electricity", "energy_export_total")
GAS = ("mbus_1", "m3meter_value")
ISSUES = json.loads(
    (Path(__file__).parents[2] / "custom_components/dsmr_p1/translations/en.json").read_text(encoding="utf-8")
)["issues"]
REGISTER = "sensor.register"
KWH = {"device_class": "energy", "state_class": "total_increasing", "unit_of_measurement": "kWh"}
EVERY_TELEGRAM = {CONF_REFRESH: {"p1": 0, "electricity": 0, "mbus_1": 0, "mbus_2": 0}}


class Calendar:
    """What time it is, said by the test; ports and timeouts go by real time."""

    def __init__(self) -> None:
        self.move_to(NOW)

    def move_to(self, instant: datetime) -> None:
        self._ahead = instant.timestamp() - monotonic()

    def tick(self, delta: timedelta) -> None:
        self._ahead += delta.total_seconds()

    def time(self) -> float:
        return monotonic() + self._ahead

    def utcnow(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)


def issue(house: House, slot: str = "electricity", prefix: str = "meter") -> ir.IssueEntry | None:
    return ir.async_get(house.hass).async_get_issue(DOMAIN, f"{prefix}_{slot}_{house.entry.entry_id}")


def another_main_meter(house: House, number: int = 7) -> None:
    house.builder.identifier = f"E00{number:02d}SIM000000001"


def another_gas_meter(house: House, litres: int) -> None:
    house.builder.slots = (house.builder.slots[0].replace_meter(house.builder.household, litres),)


def let_gas_meter_die(house: House, seed: int = 5) -> None:
    """Let the gas meter be taken away and another one come on the next channel, as technicians do."""
    household = house.builder.household
    (slot,) = house.builder.slots
    last = slot.reading(household, 300)
    (other,) = make_slots("gas@2", seed, household.now)
    house.builder.slots = (
        replace(slot, state=SlotState.DEAD, until=last.time, offset=last.value),
        other.start_at(household, 3_000),
    )


async def send(house: House, times: int) -> None:
    for _ in range(times):
        await house.send()


async def answer(
    hass_client: ClientSessionGenerator, house: House, choice: str, slot: str = "electricity", private: str = "SIM"
) -> None:
    """Answer as the owner does, through the dialog."""
    client = await hass_client()
    found = issue(house, slot)
    assert found is not None
    response = await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": found.issue_id})
    step: dict[str, Any] = await response.json()
    assert step["type"] == "menu", step
    assert found.translation_key is not None
    texts = ISSUES[found.translation_key]["fix_flow"]["step"]
    assert set(step["menu_options"]) == set(texts["init"]["menu_options"]) == set(texts) - {"init"}
    shown = [text["description"].format(**step["description_placeholders"]) for text in texts.values()]
    # Identifiers are told in the dialog only: the issue itself is part of diagnostics.
    assert private in "".join(shown)
    assert private not in str(found)
    response = await client.post(f"/api/repairs/issues/fix/{step['flow_id']}", json={"next_step_id": choice})
    step = await response.json()
    assert step["type"] == "form", step
    assert step["step_id"] == choice
    response = await client.post(f"/api/repairs/issues/fix/{step['flow_id']}", json={})
    step = await response.json()
    assert step["type"] == "create_entry", step
    await house.hass.async_block_till_done()


class Book:
    """The recorder's statistics of a sensor, and the time that they go by."""

    def __init__(self, house: House, calendar: Calendar, entity_id: str) -> None:
        self.house = house
        self.calendar = calendar
        self.entity_id = entity_id
        self.start = NOW.replace(second=0)

    async def compile(self, *, send: bool = True) -> None:
        """Let five minutes end, and the recorder sum them up; the next five begin with a telegram."""
        hass = self.house.hass
        await async_wait_recording_done(hass)
        self.calendar.move_to(self.start + timedelta(minutes=5, seconds=10))
        do_adhoc_statistics(hass, start=self.start)
        await async_wait_recording_done(hass)
        hass.bus.async_fire(EVENT_COMPILED)
        await hass.async_block_till_done()
        await async_wait_recording_done(hass)
        self.start += timedelta(minutes=5)
        if send:
            self.house.pass_time(300)
            await self.house.send()
            await async_wait_recording_done(hass)

    def rows(self, period: Any = "5minute", entity_id: str | None = None) -> list[Any]:
        entity_id = entity_id or self.entity_id
        found = statistics_during_period(
            self.house.hass,
            NOW - timedelta(hours=2),
            period=period,
            statistic_ids={entity_id},
            types={"state", "sum"},
        )
        return list(found.get(entity_id, []))

    def total(self) -> float:
        return float(self.rows()[-1]["sum"])


class Ledger:
    """A register that others show, and what the recorder has added up of it."""

    def __init__(self, house: House, calendar: Calendar) -> None:
        self.house = house
        self.book = Book(house, calendar, REGISTER)

    @property
    def corrections(self) -> Corrections:
        return self.house.coordinator.meters.corrections

    def show(self, value: float) -> None:
        self.house.hass.states.async_set(REGISTER, str(value), KWH)

    async def compile(self, times: int = 1) -> None:
        for _ in range(times):
            await self.book.compile(send=False)

    def sums(self, period: str = "5minute") -> list[float]:
        return [row["sum"] for row in self.book.rows(period)]

    @property
    def pending(self) -> list[Any]:
        return list(self.house.coordinator.port.record.corrections)
