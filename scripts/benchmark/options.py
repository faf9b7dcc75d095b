"""What the command line of scripts/bench may say."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .trees import ROOT

PAGE: Final = ROOT / "docs/performance.md"
# Memory comes before anything has filled the caches of Python. The last one imports what is installed when Home
# Assistant's own integration is first started.
PARTS: Final = (
    "shape", "memory", "decoding", "instructions", "reading", "parts", "home", "defaults", "growth", "start",
)  # fmt: skip


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a mistake in it ends the program."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="This project beside dsmr_parser and beside Home Assistant's own integration, as ratios.",
    )
    add = parser.add_argument
    add("--only", action="append", choices=PARTS, metavar="NAME", help=f"a part (repeatable): {', '.join(PARTS)}")
    add("--against", type=Path, metavar="DIR", help="another checkout of this project, measured in the same run")
    add("--rounds", type=_positive, default=15, metavar="N", help="rounds of the core's parts (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write everything as JSON")
    add("--plot", type=Path, metavar="FILE", help="write the plot of growth as SVG")
    add("--page", action="store_true", help=f"write the figures into {PAGE.relative_to(ROOT)}, and the plot beside it")
    add("--check", action="store_true", help="exit with 1 where a target that was measured is not met")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1, please")
    return value
