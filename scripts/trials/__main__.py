"""The entry point of scripts/endurance."""

import argparse
import asyncio
from collections.abc import Coroutine
import sys
from typing import Any

from demonstration.cli import run_until_signal
from demonstration.errors import DemonstrationError

from .homes import Homes
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
    homes = trials.add_parser("homes", help="many ports on the network, read into PostgreSQL, MQTT and InfluxDB")
    homes.add_argument("--ports", type=int, default=100, metavar="N", help="how many (default: %(default)s)")
    homes.add_argument(
        "--period", type=float, default=1, metavar="S", help="seconds between two telegrams (default: %(default)s)"
    )
    homes.add_argument(
        "--seconds", type=float, default=120, metavar="S", help="how long to measure (default: %(default)s)"
    )
    for trial in (kill, transports):
        trial.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    asked = parser.parse_args()
    try:
        return asyncio.run(run_until_signal(_work(asked)))
    except DemonstrationError as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return INTERRUPTED


def _work(asked: argparse.Namespace) -> Coroutine[Any, Any, int]:
    match asked.trial:
        case "kill":
            return Kills(asked.times, asked.seed).run()
        case "transports":
            return try_transports(asked.rounds, asked.seed)
        case _:
            return Homes(asked.ports, asked.period, asked.seconds).run()


if __name__ == "__main__":
    sys.exit(main())
