"""Corrections are exact on every database that Home Assistant's recorder knows, each as Debian has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
import os
from pathlib import Path
import pwd
import shutil
from socket import socket
import subprocess
from tempfile import mkdtemp
import time
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.helpers.recorder import get_instance
import pytest
import sqlalchemy

from tests.ha.house import MakeHouse
from tests.ha.replacing import REGISTER, Calendar, Ledger

PATIENCE = 60.0
"""Seconds of real time within which a server is ready, on the slowest machine."""


def program(name: str) -> str:
    """Give the path of a server's program; where it is missing, the test is left out."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *map(str, folders)]))
    if found is None:
        pytest.skip(f"{name} is not installed: scripts/setup databases")
    return found


@contextmanager
def running(user: str, *command: str | Path) -> Iterator[None]:
    """Run a server until the end."""
    with subprocess.Popen(command, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.terminate()
            server.wait(PATIENCE)


def owner_of(folder: Path, name: str) -> str:
    """Give the user that a server is to run as: root may not."""
    if os.geteuid():
        return pwd.getpwuid(os.geteuid()).pw_name
    shutil.chown(folder, name)
    return name


def free_port() -> int:
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def database(address: str, maintenance: str, create: str) -> Iterator[str]:
    """Make a database once the server is ready."""
    engine = sqlalchemy.create_engine(address.format(maintenance), isolation_level="AUTOCOMMIT")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text(create))
        except sqlalchemy.exc.OperationalError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            break
    engine.dispose()
    yield address.format("corrections")


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/home.db"


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    install, serve = program("mariadb-install-db"), program("mariadbd")
    user, data, port = owner_of(folder, "nobody"), folder / "data", free_port()
    made: list[str | Path] = [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run(made, user=user, check=True, capture_output=True)
    served: list[str | Path] = [serve, "--no-defaults", f"--datadir={data}", f"--socket={folder}/socket"]
    # Its driver is written in Python, and tests let nobody open a socket but to this address.
    served += ["--bind-address=127.0.0.1", f"--port={port}"]
    with (
        running(user, *served),
        database(
            f"mysql+pymysql://root@127.0.0.1:{port}/{{}}?charset=utf8mb4",
            "mysql",
            "CREATE DATABASE corrections CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        ) as url,
    ):
        yield url


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    install, serve = program("initdb"), program("postgres")
    user, data = owner_of(folder, "postgres"), folder / "data"
    made: list[str | Path] = [install, "-D", data, "-U", "home", "--auth=trust", "--encoding=UTF8"]
    subprocess.run(made, user=user, check=True, capture_output=True)
    with (
        running(user, serve, "-D", data, "-k", folder, "-c", "listen_addresses="),
        database(f"postgresql://home@/{{}}?host={folder}", "postgres", "CREATE DATABASE corrections") as url,
    ):
        yield url


SERVERS = {"SQLite": (sqlite, "sqlite3"), "MariaDB": (mariadb, "pymysql"), "PostgreSQL": (postgresql, "psycopg2")}


@pytest.fixture(params=SERVERS)
def recorder_db_url(
    request: pytest.FixtureRequest, hass_fixture_setup: list[bool], socket_enabled: None
) -> Iterator[str]:
    """Give the recorder a database of its own, on a server of its own."""
    assert not hass_fixture_setup
    serve, driver = SERVERS[request.param]
    if find_spec(driver) is None:
        pytest.skip(f"{driver} is not installed")
    # A socket has a short name.
    folder = Path(mkdtemp(prefix="dsmr"))
    try:
        with serve(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder)


async def rows_of(ledger: Ledger, period: str) -> list[Any]:
    """Give the rows of the register; servers are not asked in the event loop."""
    return await get_instance(ledger.house.hass).async_add_executor_job(ledger.book.rows, period)


async def sums(ledger: Ledger) -> list[float]:
    return [row["sum"] for row in await rows_of(ledger, "5minute")]


async def test_corrections_are_exact(recorder_mock: Recorder, make_house: MakeHouse, calendar: Calendar) -> None:
    house = await make_house("dsmr5")
    await house.set_up()
    ledger = Ledger(house, calendar)
    used = [0.0]
    ledger.show(1000.1)
    await ledger.compile()
    before = 1000.1
    for first in (0.3, 5000.7, 4900.9, 123_456.789, 11.1):
        ledger.show(before + 0.7)
        amount = first if first < 0.9 * (before + 0.7) else first - (before + 0.7)
        ledger.show(first)
        ledger.corrections.async_add(REGISTER, amount, "kWh")
        before = first + 0.013
        ledger.show(before)
        await ledger.compile()
        used.append(used[-1] + 0.713)
        assert await sums(ledger) == pytest.approx(used, abs=1e-6)
    assert len(ledger.pending) == 1
    await ledger.compile()
    assert not ledger.pending
    # What was used in the last five minutes is put back, and taken out again row by row.
    began = calendar.utcnow()
    ledger.show(before + 2)
    await ledger.compile()
    ledger.show(before + 5)
    await ledger.compile()
    assert (await sums(ledger))[-3:] == pytest.approx([used[-1], used[-1] + 2, used[-1] + 5], abs=1e-6)
    await ledger.corrections.async_take_out(REGISTER, "kWh", (began, before), (calendar.utcnow(), before + 5))
    await ledger.compile(3)
    assert not ledger.pending
    assert (await sums(ledger))[-5:] == pytest.approx([used[-1]] * 5, abs=1e-6)
    rows = await rows_of(ledger, "5minute")
    for hour in await rows_of(ledger, "hour"):
        last = [row for row in rows if row["end"] <= hour["end"]][-1]
        assert hour["sum"] == pytest.approx(last["sum"], abs=1e-6)
