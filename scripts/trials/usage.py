"""What programs use: processor time and memory, from the kernel's own accounts."""

from contextlib import suppress
from dataclasses import dataclass
import os
from pathlib import Path
import time
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Places in /proc/PID/stat after the name, from 0. The times are those of the process and of its children that ended.
_PARENT, _TIMES, _RESIDENT = 1, slice(11, 15), 21


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds so far of a program and all it has started, their resident bytes, and when that was."""

    seconds: float
    resident: int
    at: float

    def share_since(self, before: Usage) -> float:
        """Return the share of one core since an earlier look."""
        return (self.seconds - before.seconds) / (self.at - before.at)


def usage_of(pid: int) -> Usage:
    """Return what a process and its descendants use."""
    processes = _processes()
    family = {pid} & processes.keys()
    while children := {own for own, fields in processes.items() if int(fields[_PARENT]) in family} - family:
        family |= children
    ticks = sum(sum(map(int, processes[own][_TIMES])) for own in family)
    resident = sum(int(processes[own][_RESIDENT]) for own in family) * _PAGE
    return Usage(ticks / _TICKS, resident, time.monotonic())


def _processes() -> dict[int, list[str]]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    return found
