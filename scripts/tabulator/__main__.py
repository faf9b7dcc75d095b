"""The command line of scripts/tables."""

import argparse
import json
from pathlib import Path
import sys
from typing import Final

from .channels import channels_page
from .meters import meters_page
from .public_ids import LostIdError, with_new_ids

ROOT: Final = Path(__file__).parent.parent.parent
_TRANSLATIONS: Final = ROOT / "custom_components/dsmr_p1/translations/en.json"
_PUBLIC_IDS: Final = ROOT / "tests/p1/public_ids.txt"


def main() -> int:
    """Write the files, or check that they are what would be written; the exit code is 1 if they are not."""
    arguments = _parser().parse_args()
    try:
        files = generated()
    except LostIdError as error:
        print(f"tables: public ids are lost: {error}", file=sys.stderr)
        return 1
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        name = path.relative_to(ROOT)
        if arguments.check:
            print(f"tables: {name} is not what the catalog says: run scripts/tables", file=sys.stderr)
        else:
            path.write_text(files[path], encoding="utf-8")
            print(f"tables: {name} written")
    return 1 if arguments.check and stale else 0


def generated() -> dict[Path, str]:
    """Give all files that follow from the catalog. Raises LostIdError where the catalog breaks a promise."""
    names = json.loads(_TRANSLATIONS.read_text(encoding="utf-8"))["entity"]["sensor"]
    return {
        ROOT / "docs/meters.md": meters_page(),
        ROOT / "docs/channels.md": channels_page(names),
        _PUBLIC_IDS: with_new_ids(_PUBLIC_IDS.read_text(encoding="utf-8")),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/tables",
        description="Writes docs/meters.md and docs/channels.md from the catalog, and adds new ids to the public ones.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    return parser


if __name__ == "__main__":
    sys.exit(main())
