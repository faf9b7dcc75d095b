"""The command line of scripts/bench."""

import argparse
import asyncio
from collections.abc import Callable, Iterable, Sequence
import json
import os
import platform
import sys
import time
from typing import Final

from .decoding import measure_decoding, measure_memory
from .instructions import measure_instructions
from .living import measure_defaults, measure_growth, measure_home, measure_imports
from .measures import Measure, Measures
from .options import PAGE, PARTS, parse_arguments
from .parts import measure_parts
from .plot import draw, growth
from .reading import measure_reading
from .report import as_json, as_text, table_of_measures, table_of_targets, write_page
from .targets import misses
from .trees import ROOT, Tree, find_trees, measure_shape

PLOT: Final = ROOT / "docs/images/growth.svg"

type Part = Callable[[list[Tree], argparse.Namespace], Iterable[Measure]]

MEASURED_BY: Final[dict[str, Part]] = {
    "shape": lambda trees, _: measure_shape(trees),
    "memory": lambda trees, _: measure_memory(trees, telegrams=300),
    "decoding": lambda trees, asked: measure_decoding(trees, telegrams=100, rounds=asked.rounds),
    "instructions": lambda trees, asked: measure_instructions(trees, asked.against),
    "reading": lambda trees, asked: measure_reading(trees, telegrams=200, rounds=asked.rounds),
    "parts": lambda trees, asked: measure_parts(trees, rounds=asked.rounds),
    "home": lambda trees, _: asyncio.run(measure_home(trees, rounds=4)),
    "defaults": lambda trees, _: asyncio.run(measure_defaults(trees, rounds=2)),
    "growth": lambda trees, _: asyncio.run(measure_growth(trees, seconds=12)),
    "start": lambda trees, _: measure_imports(trees, rounds=3),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the figures; 1 where a bound is missed and that was asked for."""
    asked = parse_arguments(arguments)
    try:
        trees = find_trees(asked.against)
    except FileNotFoundError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    measures: Measures = {}
    for name in asked.only or PARTS:
        start = time.monotonic()
        print(f"Measuring: {name}", flush=True)
        measures |= {measure.key: measure for measure in MEASURED_BY[name](trees, asked)}
        print(f"  {time.monotonic() - start:.0f} s", flush=True)
    print("\n" + as_text(table_of_measures(measures)))
    print("\n" + as_text(table_of_targets(measures)))
    write_files(asked, measures)
    return 1 if asked.check and misses(measures) else 0


def write_files(asked: argparse.Namespace, measures: Measures) -> None:
    """Write what the command line asks for."""
    machine = {"Python": platform.python_version(), "cores": str(os.cpu_count()), "system": platform.machine()}
    if asked.json:
        asked.json.write_text(json.dumps(as_json(measures, machine), indent=1) + "\n")
    lines = growth(measures)
    for plot in filter(None, (asked.plot, PLOT if asked.page else None)):
        if lines:
            plot.write_text(draw(lines, across="bridges, a telegram a second each", up="% of a core"))
    if asked.page:
        write_page(PAGE, measures, machine)
