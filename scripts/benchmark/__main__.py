"""The command line of scripts/bench."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import gc
import json
from statistics import median
import sys
import time

from p1 import Keys

from . import streams
from .contestants import Run, dsmr_parser, dsmr_parser_encrypted, this_project


@dataclass(frozen=True, slots=True)
class Match:
    """Two contestants on the same telegrams; `least` is the ratio that must be reached, where one is set."""

    name: str
    telegrams: Callable[[int], list[bytes]]
    ours: Run
    theirs: Run
    least: float | None = None


def _matches() -> Sequence[Match]:
    decryption_key, authentication_key = streams.DECRYPTION_KEY, streams.AUTHENTICATION_KEY
    keys = Keys(decryption_key, authentication_key)
    return (
        Match(
            "DSMR 5 stream, a household second by second",
            lambda count: streams.household("dsmr5", count),
            this_project(),
            dsmr_parser(),
            15,
        ),
        Match(
            "DSMR 5 stream, every number changed",
            lambda count: streams.every_number_changed(streams.household("dsmr5", count)),
            this_project(),
            dsmr_parser(),
            15,
        ),
        Match(
            "encrypted stream, Austria",
            lambda count: streams.household("austria", count),
            this_project(keys),
            dsmr_parser_encrypted(decryption_key.hex(), authentication_key.hex()),
        ),
    )


def _seconds(run: Run, telegrams: Sequence[bytes]) -> float:
    gc.collect()
    start = time.perf_counter()
    if not run(telegrams):
        raise SystemExit("bench: a contestant has read nothing")
    return time.perf_counter() - start


def main() -> int:
    """Run the matches, the contestants in turns, and print the ratios; 1 where one is below its bound."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="This project beside dsmr_parser 1.11.2, as ratios."
    )
    parser.add_argument(
        "--telegrams", type=int, default=500, metavar="N", help="telegrams a round (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, metavar="N", help="rounds, of which the median counts (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a ratio is below its bound")
    arguments = parser.parse_args()
    results = {}
    failed = False
    for match in _matches():
        telegrams = match.telegrams(arguments.telegrams)
        rounds = [(_seconds(match.ours, telegrams), _seconds(match.theirs, telegrams)) for _ in range(arguments.rounds)]
        ours, theirs = (median(times) / len(telegrams) * 1e6 for times in zip(*rounds, strict=True))
        ratio = median(their / our for our, their in rounds)
        failed = failed or (match.least is not None and ratio < match.least)
        results[match.name] = {
            "bytes": len(telegrams[-1]),
            "microseconds": round(ours, 1),
            "dsmr_parser_microseconds": round(theirs, 1),
            "times_faster": round(ratio, 1),
            "at_least": match.least,
        }
        if not arguments.json:
            bound = "" if match.least is None else f" (at least {match.least:g})"
            print(
                f"{match.name}: {ratio:.1f} times faster{bound}; {ours:.1f} µs against {theirs:.1f} µs a telegram",
                flush=True,
            )
    if arguments.json:
        print(json.dumps(results, indent=1))
    return 1 if failed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
