"""What an owner of Home Assistant's own `dsmr` sees: the offer, what would continue, going back, and the repair."""

from collections.abc import Iterator
import re
from typing import Any

import pytest

from demonstration.frontend import PHONE, Frontend

from .conftest import ENTRIES, FLOWS, NetworkMeter, add_entry, entries, meter, texts, until

DIALOG = "dialog-data-entry-flow"
NOTICE = "dialog-repairs-issue"
HOUR = "2026-01-01T00:00:00+00:00"
LANGUAGES = ("en", "nl", "de")


def beginning_of(text: str) -> re.Pattern[str]:
    """A text as it is shown, up to what is filled in."""
    return re.compile(re.escape(text.partition("{")[0].rstrip(" (")))


class OldEntry:
    """An entry of `dsmr` that reads a simulated meter."""

    def __init__(self, frontend: Frontend, url: str, version: str) -> None:
        self.frontend = frontend
        step = frontend.request("POST", FLOWS, {"handler": "dsmr"})
        step = frontend.request("POST", f"{FLOWS}/{step['flow_id']}", {"port": url, "dsmr_version": version})
        assert step["type"] == "create_entry", step
        self.entry_id = step["result"]["entry_id"]
        until(self.is_shown, "dsmr shows nothing")

    def is_shown(self) -> bool:
        ids = self.entities("dsmr").values()
        states = {state["entity_id"]: state["state"] for state in self.frontend.command("get_states")}
        return bool(ids) and any(states.get(one) not in (None, "unavailable", "unknown") for one in ids)

    def entities(self, platform: str) -> dict[str, str]:
        """Return the entity ids that are used, by registry id."""
        rows = self.frontend.command("config/entity_registry/list")
        return {row["id"]: row["entity_id"] for row in rows if row["platform"] == platform and not row["disabled_by"]}

    def entry(self) -> dict[str, Any]:
        command = "config_entries/get_single"
        found: dict[str, Any] = self.frontend.command(command, entry_id=self.entry_id)["config_entry"]
        return found


@pytest.fixture
def english(tidy: Frontend) -> Iterator[Frontend]:
    """The frontend, in English again in the end."""
    yield tidy
    tidy.choose_language("en")


@pytest.fixture(params=["dsmr5", "belgium"])
def house(request: pytest.FixtureRequest) -> Iterator[tuple[NetworkMeter, str]]:
    """A meter with gas and water, and the version of it in `dsmr`."""
    model, version = {"dsmr5": ("dsmr5", "5"), "belgium": ("emucs", "5B")}[request.param]
    with meter("--model", model, "--mbus", "gas,water", "--seed", "9", "--solar") as found:
        yield found, version


def open_offer(frontend: Frontend, language: str) -> dict[str, Any]:
    """Open the dialog in a language, up to what is offered, and return the texts of the dialog."""
    frontend.choose_language(language)
    found: dict[str, Any] = texts(language)["config"]["step"]
    frontend.open("/config/integrations/dashboard/add?domain=dsmr_p1")
    frontend.press("OK", within="dialog-box")
    frontend.see(found["start"]["title"], within=DIALOG)
    frontend.see(beginning_of(found["start"]["description"]), within=DIALOG)
    frontend.see(found["start"]["menu_options"]["user"], within=DIALOG)
    return found


def take_over(frontend: Frontend, core: OldEntry) -> str:
    """Take an entry over, and return the id of ours."""
    before = set(entries(frontend, "dsmr_p1"))
    step = open_offer(frontend, "en")
    frontend.click(step["start"]["menu_options"]["take_over"])
    frontend.see(step["confirm"]["data"]["take_over"], within=DIALOG)
    frontend.press("Submit", within=DIALOG)
    frontend.see_element("step-flow-create-entry")
    frontend.screenshot("take_over_created")
    frontend.press("Skip and finish", within=DIALOG)
    until(lambda: core.entry()["disabled_by"] == "user", "dsmr was not disabled")
    [entry] = set(entries(frontend, "dsmr_p1")) - before
    return entry


def hours_of(frontend: Frontend, statistic: str) -> list[Any]:
    """Return the hours of a statistic."""
    command = "recorder/statistics_during_period"
    found = frontend.command(command, start_time=HOUR, statistic_ids=[statistic], period="hour")
    hours: list[Any] = found.get(statistic, [])
    return hours


def import_an_hour(frontend: Frontend, statistic: str) -> None:
    """Let the recorder have a statistic at once, and not only after minutes."""
    about = {"source": "recorder", "name": None, "has_sum": True, "mean_type": 0}
    unit = {"unit_of_measurement": "kWh", "unit_class": "energy"}
    hour = {"start": HOUR, "state": 1.0, "sum": 0.0}
    frontend.command("recorder/import_statistics", metadata={"statistic_id": statistic, **about, **unit}, stats=[hour])
    until(lambda: hours_of(frontend, statistic), "the statistic is not stored")


def is_told(frontend: Frontend, key: str) -> bool:
    """Return whether there is a repair."""
    issues = frontend.command("repairs/list_issues")["issues"]
    return any(issue["translation_key"] == key for issue in issues)


def test_the_offer_in_three_languages(english: Frontend, house: tuple[NetworkMeter, str]) -> None:
    url, version = house[0].url, house[1]
    core = OldEntry(english, url, version)
    used = core.entities("dsmr")
    for language in LANGUAGES:
        step = open_offer(english, language)
        english.screenshot(f"take_over_offer_{version}_{language}")
        english.click(step["start"]["menu_options"]["take_over"])
        english.see(step["confirm"]["title"], within=DIALOG)
        english.see(step["confirm"]["data"]["take_over"], within=DIALOG)
        english.see(re.compile(f"^{len(used)} .*{re.escape(url)}"), within=DIALOG)
        english.screenshot(f"take_over_confirm_{version}_{language}")
        english.open("/config/integrations/dashboard")
        until(lambda: core.entry()["state"] == "loaded", "dsmr was not set up again")
    assert core.entities("dsmr") == used


def test_there_and_back(english: Frontend, house: tuple[NetworkMeter, str]) -> None:
    core = OldEntry(english, house[0].url, house[1])
    used = core.entities("dsmr")
    entry = take_over(english, core)
    assert used.items() <= core.entities("dsmr_p1").items()
    assert core.entities("dsmr") == {}
    english.open("/config/integrations/integration/dsmr_p1")
    english.screenshot(f"take_over_integration_{house[1]}")
    english.request("DELETE", f"{ENTRIES}/{entry}")
    until(lambda: core.entry()["disabled_by"] is None, "dsmr was not enabled")
    until(lambda: core.entities("dsmr") == used, "not all was given back")


def test_the_repair_of_an_owner_of_both(english: Frontend) -> None:
    with meter("--model", "dsmr5", "--mbus", "gas,water", "--seed", "10") as found:
        entry = add_entry(english, found)
        core = OldEntry(english, found.url, "5")
        used = core.entities("dsmr")
        english.request("POST", f"{ENTRIES}/{entry}/reload")
        for language in reversed(LANGUAGES):
            english.choose_language(language)
            told = texts(language)["issues"]["both_read"]
            english.open("/config/repairs")
            english.click(told["title"])
            english.see(told["fix_flow"]["step"]["confirm"]["title"], within=DIALOG)
            english.see(beginning_of(told["fix_flow"]["step"]["confirm"]["description"]), within=DIALOG)
            english.screenshot(f"take_over_repair_{language}")
        english.press("Submit", within=DIALOG)
        until(lambda: core.entry()["disabled_by"] == "user", "dsmr was not disabled")
        until(lambda: used.items() <= core.entities("dsmr_p1").items(), "not all was taken over")


def test_what_stays_behind(english: Frontend) -> None:
    """A meter that has gone stays with `dsmr`, and our own statistics stay when ours is deleted."""
    told = texts("nl")["issues"]
    with meter("--model", "dsmr5", "--mbus", "gas,water", "--seed", "11") as found, english.sized(*PHONE):
        core = OldEntry(english, found.url, "5")
        found.command("unregister water")
        entry = take_over(english, core)
        english.choose_language("nl")
        english.open("/config/repairs")
        english.open_by(told["left_behind"]["title"], NOTICE)
        english.see(re.compile("water_consumption"), within=NOTICE)
        assert english.cut_texts(NOTICE) == []
        english.screenshot("repair_left_behind")
        rows = english.command("config/entity_registry/list")
        [extra] = [
            row["entity_id"]
            for row in rows
            if row["config_entry_id"] == entry and "_energy_import" in row["entity_id"] and not row["disabled_by"]
        ]
        import_an_hour(english, extra)
        english.request("DELETE", f"{ENTRIES}/{entry}")
        step = told["statistics_left"]["fix_flow"]["step"]["confirm"]
        until(lambda: is_told(english, "statistics_left"), "what is left is not told")
        english.open("/config/repairs")
        english.open_by(told["statistics_left"]["title"], DIALOG)
        english.see(step["title"], within=DIALOG)
        english.see(extra, within=DIALOG)
        assert english.cut_texts(DIALOG) == []
        english.screenshot("repair_statistics_left")
        english.click_element(f"{DIALOG} ha-button[slot=primaryAction]")
        until(lambda: not hours_of(english, extra), "the statistics are not cleared")
