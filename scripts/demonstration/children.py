"""Programs that this one starts, and that never outlive it."""

import asyncio
from collections.abc import Mapping, Sequence
import contextlib
import os
from pathlib import Path
import shutil
import signal
from typing import IO, Final

KILL_AFTER: Final = 15.0
"""Seconds that a program has to end by itself: Home Assistant takes ten when a browser is still connected."""


def guarded(command: Sequence[str | Path]) -> list[str | Path]:
    """Return a command that the kernel ends when this program dies without a word, where that can be had."""
    return [*(("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()), *command]


async def start_child(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
) -> asyncio.subprocess.Process:
    """Start a program in a session of its own, so that a Ctrl-C at the terminal reaches only this one."""
    return await asyncio.create_subprocess_exec(
        *guarded(command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )


async def stop_child(child: asyncio.subprocess.Process) -> None:
    """End a program, kindly if it lets us."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILL_AFTER):
                await child.wait()
