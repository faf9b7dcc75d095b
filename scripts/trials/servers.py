"""Servers that Home Assistant writes to, each started in a folder of its own and stopped in the end.

PostgreSQL is what `scripts/setup databases` installs, Mosquitto and InfluxDB what `scripts/setup servers` unpacks.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import pwd
import shutil
import subprocess
from typing import Final

import aiohttp

from demonstration.children import start_child, stop_child
from demonstration.errors import DemonstrationError
from demonstration.home import HOST, choose_http_port
from demonstration.patience import until

START_LIMIT: Final = 30.0
DATABASE: Final = "homes"
_UNPACKED: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dsmr_p1" / "servers"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its name, its address, its TCP port, and its process."""

    name: str
    address: str
    port: int
    pid: int


@asynccontextmanager
async def postgresql(folder: Path) -> AsyncIterator[Server]:
    """Run PostgreSQL with one empty database; the address is what the recorder takes as `db_url`."""
    make, serve = map(_installed, ("initdb", "postgres"))
    # Its programs refuse to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    data = folder / "data"
    options = ["-D", str(data), "-U", "home", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    made = await asyncio.to_thread(
        subprocess.run, [make, *options], user=user, cwd=folder, capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise DemonstrationError(f"PostgreSQL makes no database: {made.stderr}")
    command = [serve, "-D", str(data), "-k", str(folder), "-c", f"listen_addresses={HOST}"]
    port = choose_http_port(None)
    as_user = ["setpriv", f"--reuid={user}", "--clear-groups", "--"] if os.geteuid() == 0 else []
    async with _running("PostgreSQL", folder, [*as_user, *command, "-p", str(port)], port) as pid:
        # The database of every new server; its name is that of the server's own user elsewhere.
        yield Server("PostgreSQL", f"postgresql://home@{HOST}:{port}/postgres", port, pid)


@asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[Server]:
    """Run Mosquitto; everybody on this machine may connect."""
    port = choose_http_port(None)
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} {HOST}\nallow_anonymous true\nuser root\nmax_queued_messages 0\n")
    async with _running("Mosquitto", folder, [_unpacked("usr/sbin/mosquitto"), "-c", str(settings)], port) as pid:
        yield Server("Mosquitto", f"mqtt://{HOST}:{port}", port, pid)


@asynccontextmanager
async def influxdb(folder: Path) -> AsyncIterator[Server]:
    """Run InfluxDB with an empty database called `DATABASE`."""
    port, rpc = choose_http_port(None), choose_http_port(None)
    settings = folder / "influxdb.conf"
    settings.write_text(
        f'reporting-disabled = true\nbind-address = "{HOST}:{rpc}"\n'
        f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
        f'[http]\nbind-address = "{HOST}:{port}"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n'
    )
    command = [_unpacked("usr/bin/influxd"), "run", "-config", str(settings)]
    async with _running("InfluxDB", folder, command, port) as pid:
        address = f"http://{HOST}:{port}"
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{address}/query", data={"q": f"CREATE DATABASE {DATABASE}"}) as answer,
        ):
            answer.raise_for_status()
        yield Server("InfluxDB", address, port, pid)


def _installed(program: str) -> str:
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    found = shutil.which(program, path=os.pathsep.join([os.environ["PATH"], *folders]))
    if found is None:
        raise DemonstrationError(f"there is no {program}: scripts/setup databases installs PostgreSQL")
    return found


def _unpacked(program: str) -> str:
    if not (_UNPACKED / program).exists():
        raise DemonstrationError(f"there is no {Path(program).name}: scripts/setup servers fetches it")
    return str(_UNPACKED / program)


@asynccontextmanager
async def _running(name: str, folder: Path, command: list[str], port: int) -> AsyncIterator[int]:
    """Run a program until the end, and yield its process id once it accepts connections."""
    libraries = os.pathsep.join(map(str, (_UNPACKED / "usr" / "lib").glob("*-linux-gnu*")))
    log = folder / f"{name}.log"

    async def accepts() -> bool:
        if child.returncode is not None:
            raise DemonstrationError(f"{name} does not start: {log.read_text(errors='replace')[-2000:]}")
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            return False
        writer.close()
        return True

    with log.open("wb") as output:
        child = await start_child(command, output=output, environment={"LD_LIBRARY_PATH": libraries})
    try:
        if not await until(accepts, START_LIMIT):
            raise DemonstrationError(f"{name} accepts no connections")
        yield child.pid
    finally:
        await stop_child(child)
