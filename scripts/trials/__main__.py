"""The entry point of scripts/endurance.

Trials are imported when they run: one of them replaces the clock before Home Assistant is imported.
"""

import argparse
import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
import sys
from typing import Any, Final

from demonstration.errors import DemonstrationError

from .clock import FastClock

INTERRUPTED = 130
SPRING: Final = datetime(2026, 3, 15, tzinfo=UTC)
"""The first day of a soak: a month from here has the night in which the clocks change."""


def main() -> int:
    """Run a trial, and return the exit status: 1 where something failed."""
    parser = argparse.ArgumentParser(
        prog="endurance", description="Trials of endurance; each prints what it did, and ends with 0 or 1."
    )
    trials = parser.add_subparsers(dest="trial", required=True)
    kill = trials.add_parser("kill", help="kill -9 a real Home Assistant again and again while it reads a meter")
    kill.add_argument("--times", type=int, default=100, metavar="N", help="how often (default: %(default)s)")
    kill.set_defaults(start=lambda asked: _of("kills").Kills(asked.times, asked.seed).run())
    transports = trials.add_parser("transports", help="faults of serial ports and network readers, on ptys and TCP")
    transports.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="how often, all at the same time (default: %(default)s)"
    )
    transports.set_defaults(start=lambda asked: _of("transports").try_transports(asked.rounds, asked.seed))
    soak = trials.add_parser("soak", help="days of a real Home Assistant with recorder, as fast as they go")
    soak.add_argument("--days", type=int, default=30, metavar="N", help="how many (default: %(default)s)")
    soak.add_argument(
        "--every", type=int, default=10, metavar="SECONDS", help="between two telegrams (default: %(default)s)"
    )
    soak.set_defaults(start=lambda asked: _soak(asked.days, asked.seed, asked.every))
    relay = trials.add_parser("relay", help="a day of telegrams through the relay")
    relay.add_argument("--clients", type=int, default=100, metavar="N", help="who reads (default: %(default)s)")
    relay.set_defaults(start=lambda asked: _of("relay").try_relay(asked.clients, asked.seed))
    homes = trials.add_parser("homes", help="many ports on the network, read into PostgreSQL, MQTT and InfluxDB")
    homes.add_argument("--ports", type=int, default=100, metavar="N", help="how many (default: %(default)s)")
    homes.add_argument(
        "--period", type=float, default=1, metavar="S", help="seconds between two telegrams (default: %(default)s)"
    )
    homes.add_argument(
        "--seconds", type=float, default=120, metavar="S", help="how long to measure (default: %(default)s)"
    )
    homes.set_defaults(start=lambda asked: _of("homes").Homes(asked.ports, asked.period, asked.seconds).run())
    over = trials.add_parser("take-over", help="a real Home Assistant whose dsmr is taken over, given back, and again")
    over.add_argument(
        "--house",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; may be repeated (a wrong name lists all)",
    )
    over.add_argument("--python", type=Path, metavar="PATH", help="the Python with the Home Assistant to try")
    over.add_argument(
        "--quick", action="store_true", help="wait for the recorder's five minutes at the start and in the end only"
    )
    over.set_defaults(start=_take_over)
    ways = trials.add_parser("ways-in", help="beside HomeWizard's integration, with imported histories, in a real one")
    ways.add_argument("--python", type=Path, metavar="PATH", help="the Python with the Home Assistant to try")
    ways.set_defaults(start=lambda asked: _of("ways_in").WaysIn(asked.python).run())
    for trial in (kill, transports, soak, relay):
        trial.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    asked = parser.parse_args()
    try:
        work: Coroutine[Any, Any, int] | int = asked.start(asked)
        return work if isinstance(work, int) else _run(work)
    except DemonstrationError as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return INTERRUPTED


def _of(trial: str) -> Any:  # noqa: ANN401 - a module
    return import_module(f"trials.{trial}")


def _take_over(asked: argparse.Namespace) -> Coroutine[Any, Any, int]:
    houses = list(_of("old_houses").HOUSES)
    if unknown := [name for name in asked.house if name not in houses]:
        raise DemonstrationError(f"there is no house {unknown[0]}; there are {', '.join(houses)}")
    work: Coroutine[Any, Any, int] = (
        _of("take_over").TakeOvers(asked.house or houses, asked.python, is_quick=asked.quick).run()
    )
    return work


def _soak(days: int, seed: int, every: int) -> int:
    """Let days pass in this process: whatever takes the time from a module must be imported after the clock."""
    clock = FastClock(SPRING)
    clock.install()
    run: int = _of("soak").Soak(clock, days, seed, every).run()
    return run


def _run(work: Coroutine[Any, Any, int]) -> int:
    status: int = asyncio.run(import_module("demonstration.cli").run_until_signal(work))
    return status


if __name__ == "__main__":
    sys.exit(main())
