"""The command line of scripts/demo."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator import MODELS

from .show_room import DEFAULT_HOUSE, HOUSES, Exhibit, exhibit_of_model, list_houses

DEFAULT_HTTP_PORT: Final = 8123
DAYS: Final = 31
DAYS_OF_ALL: Final = 7
"""Where several houses are checked, the past of each is shorter."""
EPILOG: Final = """\
Without --port, --telegram, --model and --house it is a Dutch house with gas, water and solar panels; --check looks at
every house then. Everything lives in a temporary folder and is gone after Ctrl-C. The login is printed; it is the same
every time.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be demonstrated, and how."""

    port: str | None = None
    telegrams: tuple[Path, ...] = ()
    exhibits: tuple[Exhibit, ...] = (HOUSES[DEFAULT_HOUSE],)
    """The houses that are simulated where neither a port nor captures are read."""
    decryption_key: str | None = None
    additional_key: str | None = None
    http_port: int | None = None
    days: int = DAYS
    check: bool = False

    @property
    def has_past(self) -> bool:
        """Whether there are households whose past is known."""
        return self.port is None and not self.telegrams


def parse_options(arguments: Sequence[str] | None) -> Options:
    """Read the command line; a mistake in it ends the program."""
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Home Assistant with this integration, a meter, and a filled energy dashboard.",
        epilog=EPILOG,
    )
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--port", metavar="PORT", help="read a real port instead: a device path or a URL such as socket://"
    )
    what.add_argument(
        "--telegram", action="append", default=[], type=_file, metavar="FILE", help="play captures instead (repeatable)"
    )
    what.add_argument(
        "--model",
        action="append",
        default=[],
        choices=MODELS,
        metavar="NAME",
        help=f"another meter; several make several houses: {', '.join(MODELS)}",
    )
    what.add_argument(
        "--house",
        action="extend",
        nargs="+",
        default=[],
        choices=HOUSES,
        metavar="NAME",
        help=f"a house of the show room, or several: {', '.join(HOUSES)}; --list describes them",
    )
    what.add_argument("--list", action="store_true", help="list the houses of the show room and exit")
    add("--decryption-key", metavar="HEX", help="for meters that encrypt")
    add("--additional-key", metavar="HEX", help="the key for authentication, where the meter has one of its own")
    add("--http-port", type=_port, metavar="N", help=f"where Home Assistant listens (default: {DEFAULT_HTTP_PORT})")
    add("--days", type=_days, metavar="N", help=f"days of the past to fill in (default: {DAYS})")
    add("--check", action="store_true", help="see that all of it works, tell, and exit with 0 or 1")
    found = parser.parse_args(arguments)
    if found.list:
        print(list_houses(), end="")
        parser.exit()
    is_any = found.check and not found.port and not found.telegram
    names = dict.fromkeys(found.house) or (HOUSES if is_any else [DEFAULT_HOUSE])
    exhibits = [exhibit_of_model(name) for name in found.model] or [HOUSES[name] for name in names]
    return Options(
        port=found.port,
        telegrams=tuple(found.telegram),
        exhibits=tuple(exhibits),
        decryption_key=found.decryption_key,
        additional_key=found.additional_key,
        http_port=found.http_port,
        days=found.days or (DAYS_OF_ALL if found.check and len(exhibits) > 1 else DAYS),
        check=found.check,
    )


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path.absolute()


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is no TCP port")
    return port


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 366:
        raise argparse.ArgumentTypeError("between 1 and 366, please")
    return days
