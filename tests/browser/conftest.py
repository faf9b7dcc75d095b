"""A running demonstration, a browser in front of it, and more meters to set up."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import importlib.util
import json
import os
from pathlib import Path
import re
import subprocess
import sys
import time
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FLOWS = "config/config_entries/flow"
ENTRIES = "config/config_entries/entry"
PATIENCE = 120.0
"""Seconds in which something happens in Home Assistant: a repair for silence takes 30 s, and up to a minute more."""

if importlib.util.find_spec("playwright") is None:
    # The ordinary test run has no browser.
    collect_ignore_glob = ["test_*.py"]
else:
    from demonstration.children import guarded
    from demonstration.frontend import Browser, Frontend, open_browser
    from demonstration.home import choose_http_port


@dataclass(frozen=True)
class NetworkMeter:
    """A simulated meter on the network, its key, and what tells it to do something."""

    url: str
    decryption_key: str
    command: Callable[[str], None]


@contextmanager
def program(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module of scripts/."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        guarded([sys.executable, "-m", *command]),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if re.search(pattern, said):
            return said
    pytest.fail(f"it ended too early: {said}")


@contextmanager
def demonstration(*arguments: str) -> Iterator[str]:
    """The address of a Home Assistant in which meters have been set up."""
    with program("demonstration", "--http-port", str(choose_http_port(None)), *arguments) as process:
        said = read_until(process, "Ctrl-C")
        match = re.search(r"Open (\S+) ", said)
        assert match
        yield match[1]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with open_browser(ROOT / ".dev" / "screenshots") as browser:
        yield browser


@pytest.fixture(scope="session")
def frontend(browser: Browser) -> Iterator[Frontend]:
    """The Dutch house, in which the owner has logged in."""
    with demonstration() as url:
        frontend = browser.log_in(url)
        yield frontend
        assert frontend.errors == []


def entries(frontend: Frontend, *domains: str) -> list[str]:
    return [
        entry["entry_id"]
        for domain in domains or ("dsmr_p1", "dsmr")
        for entry in frontend.command("config_entries/get", domain=domain)
    ]


@pytest.fixture
def tidy(frontend: Frontend) -> Iterator[Frontend]:
    """The Dutch house, from which entries that a test adds are removed: ports that are gone have repairs."""
    before = entries(frontend)
    yield frontend
    for entry in entries(frontend):
        if entry not in before:
            frontend.request("DELETE", f"{ENTRIES}/{entry}")


@pytest.fixture(scope="module")
def show_room(browser: Browser) -> Iterator[Frontend]:
    """Houses in which parts are switched on, in another Home Assistant."""
    with demonstration("--house", "belgian", "luxembourg", "homewizard") as url:
        frontend = browser.log_in(url)
        yield frontend
        assert frontend.errors == []


def texts(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (ROOT / f"custom_components/dsmr_p1/translations/{language}.json").read_text(encoding="utf-8")
    )
    return found


@pytest.fixture
def belgian_meter() -> Iterator[NetworkMeter]:
    with meter("--model", "emucs", "--mbus", "gas,water", "--seed", "8") as found:
        yield found


@pytest.fixture
def encrypted_meter() -> Iterator[NetworkMeter]:
    with meter("--model", "smarty_lu", "--mbus", "gas", "--seed", "7", "--period", "2") as found:
        yield found


@contextmanager
def meter(*arguments: str) -> Iterator[NetworkMeter]:
    with program("simulator", "--tcp", "0", *arguments) as process:
        said = read_until(process, "additional key" if "smarty_lu" in arguments else "port:")
        found = dict(re.findall(r"^(port|decryption key): (\S+)", said, re.MULTILINE))

        def command(line: str) -> None:
            print(line, file=process.stdin, flush=True)

        yield NetworkMeter(found["port"], found.get("decryption key", ""), command)


def until(is_so: Callable[[], object], what: str) -> None:
    ends = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < ends, what
        time.sleep(0.5)


def add_entry(frontend: Frontend, found: NetworkMeter) -> str:
    """Set a meter up, and return the id of its entry; what its owner would see on the way is tested elsewhere."""
    before = entries(frontend, "dsmr_p1")
    path = f"{FLOWS}/{frontend.request('POST', FLOWS, {'handler': 'dsmr_p1'})['flow_id']}"
    answers: dict[str, dict[str, Any]] = {"user": {"port": found.url, "bridge_type": "auto"}, "confirm": {}}
    answers["keys"] = {"decryption_key": found.decryption_key}
    while len(entries(frontend, "dsmr_p1")) == len(before):
        until(lambda: frontend.request("GET", path)["type"] == "form", "the meter is not heard")
        frontend.request("POST", path, answers.pop(frontend.request("GET", path)["step_id"]))
    [entry] = set(entries(frontend, "dsmr_p1")) - set(before)
    return entry


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what could be seen when a test failed."""
    report = yield
    shown = getattr(item, "funcargs", {})
    if report.failed and (frontend := shown.get("show_room") or shown.get("frontend")):
        frontend.screenshot("failed")
    return report
