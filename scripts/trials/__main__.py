"""The entry point of scripts/endurance."""

import argparse
import asyncio
import sys

from demonstration.cli import run_until_signal
from demonstration.errors import DemonstrationError

from .kills import Kills
from .transports import try_transports

INTERRUPTED = 130


def main() -> int:
    """Run a trial, and return the exit status: 1 where something failed."""
    parser = argparse.ArgumentParser(
        prog="endurance", description="Trials of endurance; each prints what it did, and ends with 0 or 1."
    )
    trials = parser.add_subparsers(dest="trial", required=True)
    kill = trials.add_parser("kill", help="kill -9 a real Home Assistant again and again while it reads a meter")
    kill.add_argument("--times", type=int, default=100, metavar="N", help="how often (default: %(default)s)")
    transports = trials.add_parser("transports", help="faults of serial ports and network readers, on ptys and TCP")
    transports.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="how often, all at the same time (default: %(default)s)"
    )
    for trial in (kill, transports):
        trial.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    asked = parser.parse_args()
    work = Kills(asked.times, asked.seed).run() if asked.trial == "kill" else try_transports(asked.rounds, asked.seed)
    try:
        return asyncio.run(run_until_signal(work))
    except DemonstrationError as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
