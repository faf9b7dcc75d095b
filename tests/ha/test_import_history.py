"""scripts/import-history: files of openHAB and DSMR-reader, imported into a Home Assistant with a recorder."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import async_import_statistics, statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from historian import home_assistant
from historian.__main__ import parse, run
from historian.errors import HistoryError
from historian.exports import Wanted, read
from historian.joining import Existing, join

ENERGY, GAS, POWER = "sensor.energy", "sensor.gas", "sensor.power"
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OURS = [0.25, 0.75, 1.5]
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DSMR_READER = (
    "Hour Start,Electricity 1 (Low Tariff),Electricity 2 (High Tariff),Electricity 1 Returned (Low Tariff),"
    "Electricity 2 Returned (High Tariff),Gas\n"
)


class Home:
    """A Home Assistant that has three hours of some statistics."""

    def __init__(self, hass: HomeAssistant, url: str, token: str, folder: Path) -> None:
        self.hass, self.url, self.token, self.path = hass, url, token, folder / "export.csv"

    async def imports(self, text: str, *arguments: str, statistic: str = ENERGY, token: str | None = None) -> str:
        """Import a file, and return what is said."""
        self.path.write_text(text, encoding="utf-8")
        given = parse([str(self.path), "--statistic", statistic, "--url", self.url, *arguments])
        said = await run(given, token or self.token)
        await async_wait_recording_done(self.hass)
        return said

    def rows(self, statistic: str = ENERGY) -> list[tuple[datetime, float, float, float | None]]:
        """Return the hours: start, sum, what is shown for the hour, register."""
        start = datetime(1971, 1, 1, tzinfo=UTC)
        found = statistics_during_period(self.hass, start, None, {statistic}, "hour", None, {"sum", "change", "state"})
        return [
            (
                datetime.fromtimestamp(row["start"], UTC),
                round(row["sum"] or 0.0, 6),
                round(row["change"] or 0.0, 6),
                row["state"],
            )
            for row in found[statistic]
        ]


@pytest.fixture
async def home(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_access_token: str,
    tmp_path: Path,
    socket_enabled: None,
) -> AsyncIterator[Home]:
    assert await async_setup_component(hass, "websocket_api", {})
    client = await hass_client()
    for statistic, unit, unit_class in ((ENERGY, "kWh", "energy"), (GAS, "m³", "volume"), (POWER, "kW", "power")):
        has_sum = statistic != POWER
        async_import_statistics(
            hass,
            {
                "statistic_id": statistic,
                "source": "recorder",
                "name": None,
                "unit_of_measurement": unit,
                "unit_class": unit_class,
                "has_sum": has_sum,
                "mean_type": StatisticMeanType.NONE if has_sum else StatisticMeanType.ARITHMETIC,
            },
            [
                {"start": FIRST + number * HOUR, "sum": total, "state": 1000 + total}
                if has_sum
                else {"start": FIRST + number * HOUR, "mean": total}
                for number, total in enumerate(OURS)
            ],
        )
    await async_wait_recording_done(hass)
    yield Home(hass, str(client.make_url("")), hass_access_token, tmp_path)
    await client.close()


def openhab(*values: float, start: datetime = FIRST - 4 * HOUR, every: timedelta = HOUR / 2) -> str:
    lines = [f"{int((start + number * every).timestamp() * 1000)},{value}" for number, value in enumerate(values)]
    return "\n".join(["time,value", *lines])


async def test_readings_of_openhab(home: Home) -> None:
    # The last two are in an hour that Home Assistant has.
    said = await home.imports(openhab(900, 901, 903, 906, 910, 910, 911, 912, 2000, 3000))
    assert home.rows() == [
        (FIRST - 4 * HOUR, 1.0, 1.0, 901.0),
        (FIRST - 3 * HOUR, 6.0, 5.0, 906.0),
        (FIRST - 2 * HOUR, 10.0, 4.0, 910.0),
        (FIRST - 1 * HOUR, 12.0, 2.0, 912.0),
        (FIRST, 12.25, 0.25, 1000.25),
        (FIRST + HOUR, 12.75, 0.5, 1000.75),
        (FIRST + 2 * HOUR, 13.5, 0.75, 1001.5),
    ]
    assert "5 hours in the file, 4 before 2026-03-01 12:00 UTC" in said
    assert "12.000 kWh in all" in said
    before = home.rows()
    assert "Nothing to write" in await home.imports(openhab(900, 901, 903))
    assert home.rows() == before


async def test_an_answer_of_openhab(home: Home) -> None:
    data = [
        {"time": int((FIRST - number * HOUR).timestamp() * 1000), "state": f"{900.5 - number}"} for number in (3, 2, 1)
    ]
    await home.imports(json.dumps({"name": "Energy", "datapoints": "3", "data": data}))
    assert home.rows()[:4] == [
        (FIRST - 3 * HOUR, 0, 0, 897.5),
        (FIRST - 2 * HOUR, 1, 1, 898.5),
        (FIRST - HOUR, 2, 1, 899.5),
        (FIRST, 2.25, 0.25, 1000.25),
    ]


async def test_a_dry_run_tells_all_and_writes_nothing(home: Home) -> None:
    before = home.rows()
    said = await home.imports(openhab(900, 901, 903, 906), "--dry-run")
    assert home.rows() == before
    assert said.splitlines() == [
        "sensor.energy: 2 hours in the file, 2 before 2026-03-01 12:00 UTC",
        "  first 2026-03-01 08:00 UTC, sum 1.000 kWh",
        "  last  2026-03-01 09:00 UTC, sum 6.000 kWh",
        "  6.000 kWh in all; the sums that exist are raised by 6.000 kWh",
        "Nothing was written (--dry-run).",
    ]


async def test_an_older_file_goes_before_a_newer_one(home: Home) -> None:
    await home.imports(openhab(900, 901, 903, 906))
    await home.imports(openhab(700, 704, start=FIRST - 10 * HOUR))
    assert [(total, change) for _, total, change, _ in home.rows()][:4] == [(4, 4), (5, 1), (10, 5), (10.25, 0.25)]


async def test_hours_and_days_of_dsmr_reader(home: Home) -> None:
    # Amsterdam: 13:00 is the hour that exists.
    hours = (
        "2026-03-01T11:00:00+01:00,1,2,3,4,0.5",
        "2026-03-01T12:00:00+01:00,1,2,3,4,0.25",
        "2026-03-01T13:00:00+01:00,9,9,9,9,9",
    )
    await home.imports(DSMR_READER + "\n".join(hours), "--column", "electricity2")
    assert home.rows()[:3] == [(FIRST - 2 * HOUR, 2, 2, None), (FIRST - HOUR, 4, 2, None), (FIRST, 4.25, 0.25, 1000.25)]
    days = ("27-02-2026,1,2,3,4,5.5", "2026-02-28,1,2,3,4,")  # in Dutch, and in English
    await home.imports(DSMR_READER + "\n".join(days), "--column", "gas", statistic=GAS)
    assert home.rows(GAS)[:2] == [(datetime(2026, 2, 27, 22, tzinfo=UTC), 5.5, 5.5, None), (FIRST, 5.75, 0.25, 1000.25)]


async def test_what_was_interrupted_is_finished(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant, "AT_ONCE", 2)
    command = home_assistant.HomeAssistant._command
    given = 0

    async def cut(self: home_assistant.HomeAssistant, name: str, **arguments: object) -> Any:
        nonlocal given
        given += name == "recorder/import_statistics"
        if given == 2:
            raise HistoryError("cut")
        return await command(self, name, **arguments)

    text = openhab(900, 901, 903, 906, 910, 910, 911, 912)
    monkeypatch.setattr(home_assistant.HomeAssistant, "_command", cut)
    with pytest.raises(HistoryError, match="cut"):
        await home.imports(text)
    await async_wait_recording_done(home.hass)
    assert [change for *_, change, _ in home.rows()[1:]] == [2, 0.25, 0.5, 0.75]
    monkeypatch.setattr(home_assistant.HomeAssistant, "_command", command)
    await home.imports(text)
    assert [total for _, total, *_ in home.rows()] == [1, 6, 10, 12, 12.25, 12.75, 13.5]


async def test_what_home_assistant_never_writes_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant, "ANSWER_LIMIT", 1.0)
    command = home_assistant.HomeAssistant._command

    async def lose(self: home_assistant.HomeAssistant, name: str, **arguments: object) -> Any:
        return None if name == "recorder/import_statistics" else await command(self, name, **arguments)

    monkeypatch.setattr(home_assistant.HomeAssistant, "_command", lose)
    with pytest.raises(HistoryError, match="has not written everything"):
        await home.imports(openhab(900, 901))


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("", (), "has no rows"),
        ("a,b\n1,2\n", (), "none of the columns"),
        ("time,value\n1772362800000\n", (), "line 2 has 1 columns instead of 2"),
        ('{"data": [{"time": 1}]}', (), "is no answer of openHAB's REST interface"),
        ('{"name": "Energy", "data": []}', (), "has no value"),
        ("time,value\nyesterday,2\n", (), "line 2 has no time: 'yesterday'"),
        ("time,value\n1772362800000,much\n", (), "line 2 has no number: 'much'"),
        ("time,value\n1772362800000,1 m³\n", (), "line 2 is in m³, and the statistic in kWh"),
        ("time,value\n1772362800000,NULL\n", (), "has no value"),
        ("time,value\n1772362800000,9\n1772366400000,8\n", (), "the values fall from 9 to 8 at 2026-03-01 12:00 UTC"),
        ("item,time,state\na,1772362800000,9\nb,1772362800000,9\n", (), "one of the items of the file: a, b"),
        ("item,time,state\na,1772362800000,9\n", ("--item", "c"), "one of the items of the file: a"),
        (DSMR_READER + "2026-02-28,1,2,3,4,5\n", (), "choose with --column"),
        (DSMR_READER + "2026-02-28,-1,2,3,4,5\n", ("--column", "electricity1"), "negative amount: -1"),
        (DSMR_READER + 2 * "2026-02-28,1,2,3,4,5\n", ("--column", "electricity1"), "has already: 2026-02-28"),
        (DSMR_READER + "2026-02-28T10:30:00,1,2,3,4,5\n", ("--column", "electricity1"), "does not begin with an hour"),
        (DSMR_READER + "2026-02-28,1,2,3,4,5\n", ("--column", "gas"), "is in m³, and the statistic in kWh"),
        ("time,value\n1772362800000,1\n", ("--time-zone", "Atlantis"), "no time zone 'Atlantis'"),
        (
            "time,value\n1772362800000,1\n",
            ("--url", "http://127.0.0.1:1"),
            "no Home Assistant answers at http://127.0.0.1:1",
        ),
    ],
)
async def test_bad_input_is_told(home: Home, text: str, arguments: tuple[str, ...], said: str) -> None:
    before = home.rows()
    with pytest.raises(HistoryError) as error:
        await home.imports(text, *arguments)
    assert said in str(error.value)
    assert home.rows() == before


async def test_a_bad_statistic_or_file_is_told(home: Home) -> None:
    text = openhab(900, 901)
    with pytest.raises(HistoryError, match=r"no statistic 'sensor\.none'"):
        await home.imports(text, statistic="sensor.none")
    with pytest.raises(HistoryError, match="is no total"):
        await home.imports(text, statistic=POWER)
    home.path.unlink()
    given = parse([str(home.path), "--statistic", ENERGY, "--url", home.url])
    with pytest.raises(HistoryError, match="cannot be read"):
        await run(given, home.token)


# The web server of the test tools leaves its heartbeat to a connection that was refused.
@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_a_refused_token_is_told(home: Home, expected_lingering_timers: bool) -> None:
    with pytest.raises(HistoryError, match="refuses the token"):
        await home.imports(openhab(900, 901), token="wrong")


def test_units_zones_and_items(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        "item;time;state\na;2026-02-01 10:00:00;1000 Wh\nb;2026-02-01 10:15:00;7\na;2026-02-01T10:30:00;2.5 kWh\n"
    )
    assert read(path, Wanted("kWh", AMSTERDAM, item="a")) == [(datetime(2026, 2, 1, 9, tzinfo=UTC), 1.5, 2.5)]
    assert read(path, Wanted("kWh", AMSTERDAM, item="b", file_unit="Wh"))[0].state == 0.007


def test_the_night_with_an_hour_twice(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("time,value\n2025-10-26 02:30:00,1\n2025-10-26 02:10:00,2\n2025-10-26 03:10:00,4\n")
    found = [(hour.start.hour, hour.amount) for hour in read(path, Wanted("kWh", AMSTERDAM))]
    assert found == [(0, 0), (1, 1), (2, 2)]


def test_nothing_older_is_nothing_to_do() -> None:
    assert join([], Existing(FIRST, 0.25)) == ([], 0, FIRST)
