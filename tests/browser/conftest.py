"""A running demonstration, a browser in front of it, and more meters to set up."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import importlib.util
import json
import os
from pathlib import Path
import re
import subprocess
import sys
from typing import IO, Any

import pytest

ROOT = Path(__file__).parents[2]

if importlib.util.find_spec("playwright") is None:
    # The ordinary test run has no browser.
    collect_ignore_glob = ["test_*.py"]
else:
    from demonstration.children import guarded
    from demonstration.frontend import Browser, Frontend, open_browser
    from demonstration.home import choose_http_port


@dataclass(frozen=True)
class NetworkMeter:
    """A simulated meter on the network, and its key."""

    url: str
    decryption_key: str


@contextmanager
def program(*command: str) -> Iterator[IO[str]]:
    """Run a module of scripts/ and give what it prints."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        guarded([sys.executable, "-m", *command]),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.terminate()


def read_until(output: IO[str], pattern: str) -> str:
    said = ""
    for line in output:
        said += line
        if re.search(pattern, said):
            return said
    pytest.fail(f"it ended too early: {said}")


@contextmanager
def demonstration(*arguments: str) -> Iterator[str]:
    """The address of a Home Assistant in which meters have been set up."""
    with program("demonstration", "--http-port", str(choose_http_port(None)), *arguments) as output:
        said = read_until(output, "Ctrl-C")
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
            frontend.request("DELETE", f"config/config_entries/entry/{entry}")


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
    with program("simulator", "--tcp", "0", *arguments) as output:
        said = read_until(output, "additional key" if "smarty_lu" in arguments else "port:")
        found = dict(re.findall(r"^(port|decryption key): (\S+)", said, re.MULTILINE))
        yield NetworkMeter(found["port"], found.get("decryption key", ""))


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
