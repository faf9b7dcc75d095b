"""The command line of scripts/import-history."""

import argparse
import asyncio
from collections.abc import Sequence
import getpass
import os
from pathlib import Path
import sys
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import HistoryError
from .exports import COLUMNS, Wanted, read
from .home_assistant import connected
from .joining import join

TOKEN: Final = "HOME_ASSISTANT_TOKEN"  # noqa: S105 - the name of a variable


def main() -> int:
    """Import a file; the exit code is 0 if what it has is written, or there was nothing to write."""
    arguments = parse(sys.argv[1:])
    try:
        token = os.environ.get(TOKEN) or getpass.getpass("Long-lived access token of Home Assistant: ")
        print(asyncio.run(run(arguments, token)))
    except HistoryError as error:
        print(f"import-history: {error}", file=sys.stderr)
        return 1
    except EOFError, KeyboardInterrupt:
        print("import-history: nothing was chosen", file=sys.stderr)
        return 1
    return 0


async def run(arguments: argparse.Namespace, token: str) -> str:
    """Import a file, and return what was done. Raises HistoryError where that is not possible."""
    async with connected(arguments.url, token) as home_assistant:
        metadata = await home_assistant.statistic(arguments.statistic)
        unit = metadata["statistics_unit_of_measurement"] or ""
        name = arguments.time_zone or await home_assistant.time_zone()
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise HistoryError(f"there is no time zone '{name}'") from error
        used = read(arguments.file, Wanted(unit, zone, arguments.column, arguments.item, arguments.unit))
        first = await home_assistant.first(metadata)
        joined = join(used, first)
        rows = joined.rows
        lines = [
            f"{arguments.statistic}: {len(used)} hours in the file, {len(rows)} before {first.start:%Y-%m-%d %H:%M} UTC"
        ]
        if rows:
            total = sum(hour.amount for hour in used[: len(rows)])
            lines += [
                f"  first {rows[0].start:%Y-%m-%d %H:%M} UTC, sum {rows[0].sum + joined.lift:.3f} {unit}",
                f"  last  {rows[-1].start:%Y-%m-%d %H:%M} UTC, sum {rows[-1].sum + joined.lift:.3f} {unit}",
                f"  {total:.3f} {unit} in all; the sums that exist are raised by {joined.lift:.3f} {unit}",
            ]
        if arguments.dry_run:
            return "\n".join([*lines, "Nothing was written (--dry-run)."])
        if rows or joined.lift:
            await home_assistant.write(metadata, joined)
            return "\n".join([*lines, "Written."])
        return "\n".join([*lines, "Nothing to write: Home Assistant has these hours."])


def parse(given: Sequence[str]) -> argparse.Namespace:
    """Return what was chosen on the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/import-history",
        description="Imports what openHAB or DSMR-reader has kept of a register as statistics of Home Assistant, "
        f"before what is there. The token is taken from {TOKEN}, or asked for.",
    )
    parser.add_argument("file", type=Path, help="readings of openHAB, or hours or days of DSMR-reader")
    parser.add_argument(
        "--statistic", required=True, metavar="ID", help="the entity whose statistics are continued backwards"
    )
    parser.add_argument("--url", default="http://homeassistant.local:8123", help="Home Assistant (%(default)s)")
    parser.add_argument("--item", help="the item, where a file of openHAB has several")
    parser.add_argument("--column", choices=COLUMNS, help="what is wanted of a file of DSMR-reader")
    parser.add_argument("--unit", help="the unit of numbers without one, where it is not the usual one")
    parser.add_argument("--time-zone", help="of times without one (that of Home Assistant)")
    parser.add_argument("--dry-run", action="store_true", help="write nothing; print what would be written")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
