"""A Home Assistant of its own: its folder, its process, its log."""

import asyncio
from collections.abc import AsyncIterator, Iterator
import contextlib
from contextlib import asynccontextmanager
from itertools import pairwise
import json
import os
from pathlib import Path
import re
import signal
import socket
import sys
from typing import Any, Final

from .children import start_child, stop_child
from .errors import DemonstrationError

DOMAIN: Final = "dsmr_p1"
HOST: Final = "127.0.0.1"
RESTART_CODE: Final = 100
"""With it Home Assistant asks whoever started it to start it again."""
ROOT: Final = Path(__file__).parents[2]

PLACE: Final = """\
homeassistant:
  name: Demo
  latitude: 52.09
  longitude: 5.12
  elevation: 5
  unit_system: metric
  time_zone: Europe/Amsterdam
  currency: EUR
  country: NL
  language: en
"""
"""Where it stands, as its configuration has it."""
# No default_config: bluetooth, cloud and the rest have no business here. No http either: what stands there is on trial
# and is taken back after five minutes, so the address is put where Home Assistant itself keeps it.
CONFIGURATION: Final = f"""\
{PLACE}\
recorder:
  commit_interval: 1
history:
logbook:
energy:
usb:
logger:
  default: warning
  logs:
    custom_components.dsmr_p1: info
"""
_ENTRY: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\S* (\w+) \(", re.MULTILINE)
# This integration, and not a folder of that name in which Home Assistant lies.
_OURS: Final = re.compile(rf"custom_components[./]{DOMAIN}\b|(?<![\w/.-]){DOMAIN}\b")
_NOT_TESTED: Final = "has not been tested by Home Assistant"


def choose_http_port(wanted: int | None) -> int:
    """Return a TCP port that is free: this one, or any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise DemonstrationError(
                f"port {wanted} is taken ({error.strerror}): choose another one with --http-port"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def write_configuration(folder: Path, http_port: int, configuration: str = CONFIGURATION) -> None:
    """Make the folder in which Home Assistant lives, with this integration in it."""
    storage = folder / ".storage"
    storage.mkdir(parents=True)
    (folder / "custom_components").mkdir()
    (folder / "custom_components" / DOMAIN).symlink_to(ROOT / "custom_components" / DOMAIN)
    (folder / "configuration.yaml").write_text(configuration)
    _store(storage / "http", version=1, content={"server_host": [HOST], "server_port": http_port})
    # What remains to be done is to create the owner; the other steps would look for devices on the network.
    _store(storage / "onboarding", version=4, content={"done": ["core_config", "analytics", "integration"]})


def _store(path: Path, *, version: int, content: dict[str, Any]) -> None:
    path.write_text(json.dumps({"version": version, "key": path.name, "data": content}))


def _shortened(entry: str) -> str:
    """Return an entry of the log with the ends of its traceback only."""
    lines = entry.splitlines()
    return "\n".join(lines if len(lines) <= 10 else [*lines[:1], "  ...", *lines[-8:]])


class Home:
    """A running Home Assistant."""

    def __init__(self, folder: Path, http_port: int, python: Path | None = None) -> None:
        """Take the folder of `write_configuration`, and the Python whose Home Assistant it is; this one otherwise."""
        self._program = (python or Path(sys.executable)).parent / "hass"
        self.url = f"http://{HOST}:{http_port}"
        self.log = folder / "console.log"
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[int] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Home]:
        """Start Home Assistant, start it again when it asks for that, and stop it in the end."""
        self._watcher = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            self._watcher.cancel()
            if self._process is not None:
                await stop_child(self._process)

    async def ended(self) -> int:
        """Wait until Home Assistant has ended by itself, for good, and return its exit code."""
        if self._watcher is None:
            raise RuntimeError("not started")
        return await asyncio.shield(self._watcher)

    async def kill(self) -> None:
        """End Home Assistant without a word, as a power failure does."""
        self.signal(signal.SIGKILL)
        await self.ended()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to Home Assistant and all that it has started, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    @property
    def pid(self) -> int:
        """The process that runs."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether Home Assistant has ended by itself."""
        return self._watcher is not None and self._watcher.done()

    def complaints(self) -> Iterator[str]:
        """Yield what the log holds against this integration: errors, tracebacks, and use of what is going away."""
        text = self.log.read_text(errors="replace")
        found = 0
        starts = [*(match.start() for match in _ENTRY.finditer(text)), len(text)]
        for start, end in pairwise(starts):
            found += 1
            entry = text[start:end].strip()
            level = entry.split(maxsplit=3)[2]
            if level in {"WARNING", "ERROR", "CRITICAL"} and _OURS.search(entry) and _NOT_TESTED not in entry:
                yield _shortened(entry)
        if not found:
            yield "nothing: it cannot be read, or is written in another way than it used to be"

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    async def _run(self) -> int:
        while True:
            with self.log.open("ab") as output:
                self._process = await start_child(
                    [self._program, "-c", self.folder, "--log-no-color"],
                    output=output,
                    environment={"PYTHONUNBUFFERED": "1"},
                )
            code = await self._process.wait()
            if code != RESTART_CODE:
                return code
