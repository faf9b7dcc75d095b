"""What an owner sees when something has gone wrong: in the dialog that adds a port, and in repairs of one that is read.

The repairs that come after a minute are prepared at first, and looked at in the end.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
import fcntl
import os
import re
import socket
import threading
from urllib.parse import urlsplit

import pytest

from demonstration.frontend import PHONE, Frontend

from .conftest import ENTRIES, NetworkMeter, add_entry, meter, texts, until
from .test_frontend import DIALOG, FORM, text_of
from .test_set_up import ask_for_port, submit

OPTIONS = "config/config_entries/options/flow"
REPAIR = "dialog-repairs-issue"
OTHER_KEY = "0F" * 16
TEXTS = texts("en")
ISSUES = TEXTS["issues"]


class House:
    """A meter whose entry is set up."""

    def __init__(self, frontend: Frontend, found: NetworkMeter) -> None:
        self.meter = found
        self.frontend = frontend
        self.entry_id = add_entry(frontend, found)

    def choose(self, *answers: dict[str, object]) -> None:
        """Change the options, which sets the entry up again."""
        step = self.frontend.request("POST", OPTIONS, {"handler": self.entry_id})
        for answer in answers:
            step = self.frontend.request("POST", f"{OPTIONS}/{step['flow_id']}", answer)
        assert step["type"] == "create_entry", step

    def shows(self, unit: str) -> bool:
        """Return whether there is a value in a unit."""
        rows = self.frontend.command("config/entity_registry/list")
        ours = {row["entity_id"] for row in rows if row["config_entry_id"] == self.entry_id}
        return any(
            state["entity_id"] in ours
            and state["attributes"].get("unit_of_measurement") == unit
            and state["state"] not in ("unknown", "unavailable")
            for state in self.frontend.command("get_states")
        )

    def has_repair(self) -> bool:
        issues = self.frontend.command("repairs/list_issues")["issues"]
        return any(self.entry_id in issue["issue_id"] for issue in issues)

    def open_repair(self, title: str, dialog: str) -> None:
        """Open a repair on a phone as soon as it is there."""
        until(self.has_repair, f"there is no repair: {title}")
        self.frontend.resize(PHONE)
        self.frontend.open("/config/repairs")
        self.frontend.open_by(title, dialog)


@contextmanager
def house_of(frontend: Frontend, *arguments: str) -> Iterator[House]:
    with meter(*arguments) as found:
        house = House(frontend, found)
        yield house
        frontend.request("DELETE", f"{ENTRIES}/{house.entry_id}")
        frontend.resize()


@pytest.fixture(scope="module", autouse=True)
def silent(frontend: Frontend) -> Iterator[House]:
    """A meter that has sent nothing any more since it was set up."""
    with house_of(frontend, "--model", "dsmr5", "--seed", "21") as house:
        house.choose({"next_step_id": "general"}, {"received_timeout": 30})
        house.meter.command("silence 3600")
        yield house


@pytest.fixture(scope="module", autouse=True)
def with_another_key(frontend: Frontend, silent: House) -> Iterator[House]:
    """An encrypted meter that was replaced by one with another key."""
    with ExitStack() as stack:
        first = ExitStack()
        house = first.enter_context(house_of(frontend, "--model", "smarty_lu", "--seed", "22", "--period", "2"))
        house.meter.command("quit")
        number = str(urlsplit(house.meter.url).port)
        stack.callback(first.close)
        stack.enter_context(
            meter("--model", "smarty_lu", "--seed", "22", "--tcp", number, "--decryption-key", OTHER_KEY)
        )
        yield house


@pytest.fixture
def garbage() -> Iterator[str]:
    """An address at which something speaks that is no meter."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    while not stopped.wait(0.5):
                        connection.sendall(b"temperature 21.5, humidity 48\r\n" * 8)

    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        stopped.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def busy_cable() -> Iterator[str]:
    """A cable that another program reads, which holds the lock that serial ports have."""
    master, slave = os.openpty()
    fcntl.flock(slave, fcntl.LOCK_EX)
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_a_replaced_meter(frontend: Frontend) -> None:
    with house_of(frontend, "--model", "dsmr5", "--mbus", "gas", "--seed", "23") as house:
        until(lambda: house.shows("m³"), "the gas meter shows nothing")
        house.meter.command("replace gas 3")
        found = ISSUES["meter_changed"]
        step = found["fix_flow"]["step"]
        house.open_repair(found["title"].format(meter="Gas meter"), DIALOG)
        # Both serial numbers in a sentence, and the readings as a list.
        frontend.see(re.compile(r"G00SIM\d{8,} instead of G00SIM\d{8,}"), within=DIALOG)
        frontend.see(re.compile(r"^Reading: [\d.]+ → 3\.\d{3} m³$"), within=f"{DIALOG} li")
        assert frontend.cut_texts(DIALOG) == []
        frontend.screenshot("repair_replaced")
        frontend.click(step["init"]["menu_options"]["replacement"])
        frontend.see(step["replacement"]["title"], within=DIALOG)
        frontend.screenshot("repair_replaced_answer")
        frontend.press("Submit", within=DIALOG)
        until(lambda: not house.has_repair(), "the question is still open")


def test_a_relay_whose_port_is_taken(frontend: Frontend) -> None:
    with (
        house_of(frontend, "--model", "dsmr5", "--seed", "24") as house,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        number = server.getsockname()[1]
        relay = {"relay_port": number, "relay_address": "127.0.0.1", "relay_clients": 10}
        house.choose({"next_step_id": "relay"}, relay)
        house.open_repair(ISSUES["relay_taken"]["title"], REPAIR)
        frontend.see(re.compile(rf"127\.0\.0\.1, TCP port {number}:"), within=REPAIR)
        assert frontend.cut_texts(REPAIR) == []
        frontend.screenshot("repair_relay")


def test_a_reader_that_speaks_something_else(frontend: Frontend, garbage: str) -> None:
    ask_for_port(frontend, "en")
    submit(frontend, garbage)
    frontend.see(text_of(TEXTS["config"]["progress"]["listen_data"]), within=DIALOG)
    frontend.see(text_of(TEXTS["config"]["error"]["garbage_network"]), within=FORM)
    frontend.screenshot("garbage")


def test_a_busy_cable(frontend: Frontend, busy_cable: str) -> None:
    ask_for_port(frontend, "en")
    submit(frontend, busy_cable)
    frontend.see(text_of(TEXTS["config"]["error"]["busy"]), within=FORM)
    frontend.screenshot("busy")


def test_silence(frontend: Frontend, silent: House) -> None:
    found = ISSUES["no_data"]
    silent.open_repair(found["title"], REPAIR)
    frontend.see(re.compile(re.escape(f"The port {silent.meter.url} is open")), within=REPAIR)
    assert frontend.cut_texts(REPAIR) == []
    frontend.screenshot("repair_silence")


def test_another_key(frontend: Frontend, with_another_key: House) -> None:
    step = TEXTS["config"]["step"]["reauth_confirm"]
    with_another_key.open_repair("Authentication expired for DSMR P1 (Luxembourg)", DIALOG)
    frontend.see(step["title"], within=DIALOG)
    frontend.screenshot("repair_key")
    key = f"{FORM} input[name=decryption_key]"
    frontend.fill(key, "00" * 16)
    frontend.press("Submit", within=DIALOG)
    frontend.see(text_of(TEXTS["config"]["error"]["wrong_key"]), within=FORM)
    assert frontend.cut_texts(DIALOG) == []
    frontend.screenshot("repair_wrong_key")
    frontend.fill(key, OTHER_KEY)
    frontend.press("Submit", within=DIALOG)
    until(lambda: not with_another_key.has_repair(), "the key is still asked for")
