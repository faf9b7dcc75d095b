"""Instructions for a telegram, counted by valgrind's cachegrind: the one figure that no busy machine disturbs.

A process that reads many telegrams is compared with one that reads fewer, so that starting Python does not count.
"""

from collections.abc import Iterator, Sequence
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Final

from .decoding import MATCHES, read
from .measures import LIBRARY, Measure
from .trees import Tree, find_trees

_FEW: Final = 20
_MANY: Final = 120
_BETWEEN: Final = b"\0"
_COUNT: Final = re.compile(r"I\s+refs:\s+([\d,]+)")
_LIMIT: Final = 300


def measure_instructions(trees: Sequence[Tree], against: Path | None) -> Iterator[Measure]:
    """Yield the instructions for a DSMR 5 telegram; nothing where there is no valgrind."""
    if shutil.which("valgrind") is None:
        print("  instructions are left out: there is no valgrind", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stream = Path(folder) / "stream"
        stream.write_bytes(_BETWEEN.join(MATCHES[0].telegrams(_MANY)))
        samples = {side: [_count(side, stream, against)] for side in (*(tree.side for tree in trees), LIBRARY)}
    yield Measure("instructions", "instructions, DSMR 5", "thousand a telegram", samples, as_speed=True)


def _count(side: str, stream: Path, against: Path | None) -> float:
    running = [_start(side, stream, telegrams, against) for telegrams in (_FEW, _MANY)]
    few, many = (_instructions(process) for process in running)
    return (many - few) / (_MANY - _FEW) / 1000


def _start(side: str, stream: Path, telegrams: int, against: Path | None) -> subprocess.Popen[str]:
    counted = [sys.executable, "-m", __name__, side, str(stream), str(telegrams), str(against or "")]
    return subprocess.Popen(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *counted],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


def _instructions(process: subprocess.Popen[str]) -> int:
    """Return what cachegrind has counted. Raises ChildProcessError where it has not."""
    text, _ = process.communicate(timeout=_LIMIT)
    found = _COUNT.search(text)
    if process.returncode or found is None:
        raise ChildProcessError(f"cachegrind counted nothing:\n{text[-2000:]}")
    return int(found[1].replace(",", ""))


def main() -> None:
    """Read telegrams as the side that the command line names: what is counted."""
    side, stream, telegrams, against = sys.argv[1:]
    trees = find_trees(Path(against) if against else None)
    read(MATCHES[0].contestants(trees)[side], (), Path(stream).read_bytes().split(_BETWEEN)[: int(telegrams)])


if __name__ == "__main__":
    main()
