"""The command line of scripts/fuzz."""

import argparse
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Final

from .target import seeds, try_bytes

CRASHES: Final = Path(__file__).parents[2] / ".dev" / "crashes"
LONGEST: Final = 9000
"""Bytes of an input: a telegram of 8 KiB is the longest that is kept."""
SLOW: Final = 10
"""Seconds for one input that count as never ending."""


def main() -> int:
    """Fuzz, and return the exit status: 1 where something was raised."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description="Bytes through the decoder, the detection of meters and the guard, guided by what code they reach. "
        "It begins with our captures. Nothing may be raised, nor take ten seconds.",
    )
    parser.add_argument("--runs", type=int, default=-1, metavar="N", help="how many inputs (default: no end)")
    parser.add_argument("--seconds", type=int, default=0, metavar="N", help="for how long (default: no end)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="read the input of a crash once more")
    asked = parser.parse_args()
    if asked.repeat is not None:
        try_bytes(asked.repeat.read_bytes())
        print("nothing was raised")
        return 0
    return _fuzz(asked.runs, asked.seconds, asked.seed)


def _fuzz(runs: int, seconds: int, seed: int) -> int:
    CRASHES.mkdir(parents=True, exist_ok=True)
    before = set(CRASHES.iterdir())
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for name, octets in seeds().items():
            (Path(folder) / name).write_bytes(octets)
        arguments = [f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}"]
        arguments += [f"-timeout={SLOW}", f"-artifact_prefix={CRASHES}/", "-print_final_stats=1", folder]
        status = subprocess.run([sys.executable, "-m", "fuzzing.guided", *arguments], check=False).returncode
    for crash in sorted(set(CRASHES.iterdir()) - before):
        print(f"WRONG: to repeat it: scripts/fuzz --repeat {crash}")
    if not status:
        print("nothing was raised")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
