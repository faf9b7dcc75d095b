"""The command line of scripts/inspect."""

import argparse
from collections import Counter
import json
import os
import sys
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from p1 import KeyFormatError, Keys, Reading, Rejected, RejectReason, parse_key
from p1.heard import Hint

from .report import as_json, as_text
from .sources import SourceError, read

DEFAULT_SECONDS: Final = 30.0

# What to do about it, by what went wrong most.
_CURES: Final = {
    RejectReason.CRC: "the checksum of every telegram is wrong: look at the cable, its length and the reader's power",
    RejectReason.NO_KEY: "the telegrams are encrypted: give the key of your grid operator with --decryption-key",
    RejectReason.DECRYPTION: "the decryption key is wrong: it does not open the telegrams",
    RejectReason.AUTHENTICATION: "the additional key is wrong: the decryption key fits, but the tag does not verify",
    RejectReason.MALFORMED: "what looks like telegrams is damaged",
    RejectReason.TRUNCATED: "no telegram is complete",
    RejectReason.OVERSIZED: "no telegram ends within 8 KiB",
    RejectReason.UNSUPPORTED_ENCRYPTION: "this meter encrypts its telegrams in a form that is not supported",
    RejectReason.NOT_P1: "this is another protocol (HDLC, M-Bus or a stream without telegrams), not a P1 port",
}


def main() -> int:
    """Inspect the sources of the command line; the exit code is 0 if at least one telegram was decoded."""
    arguments = _parser().parse_args()
    try:
        keys = _keys(arguments.decryption_key, arguments.additional_key)
    except KeyFormatError as error:
        print(f"inspect: {error}", file=sys.stderr)
        return 1
    readings: list[Reading] = []
    rejected: list[Rejected] = []
    hints: set[Hint] = set()
    failed = False
    for source in arguments.sources:
        try:
            for event in read(source, keys, arguments.seconds, hints, arguments.time_zone):
                if isinstance(event, Reading):
                    readings.append(event)
                else:
                    rejected.append(event)
        except SourceError as error:
            print(f"inspect: {error}", file=sys.stderr)
            failed = True
    if arguments.json:
        print(json.dumps(as_json(readings, rejected), indent=1, ensure_ascii=False))
    else:
        print("\n".join(as_text(readings, rejected)))
    if not readings and (rejected or not failed):
        print(f"inspect: no telegram: {_cure(rejected, hints)}", file=sys.stderr)
    return 0 if readings else 1


def _cure(rejected: list[Rejected], hints: set[Hint]) -> str:
    """Say why there is no telegram, and what to do."""
    if Hint.TELNET in hints:
        return "the network reader speaks telnet: set it to pass on raw bytes"
    if rejected:
        reason, _ = Counter(event.reason for event in rejected).most_common(1)[0]
        return _CURES[reason]
    return "no P1 telegram begins in these bytes; wrong speed, or an inverted line?"


def _keys(decryption_key: str | None, additional_key: str | None) -> Keys | None:
    """Read the keys of the command line. Raises KeyFormatError."""
    if decryption_key is None:
        if additional_key is not None:
            raise KeyFormatError("an additional key is of use only together with a decryption key")
        return None
    return Keys(parse_key(decryption_key), None if additional_key is None else parse_key(additional_key))


def _seconds(text: str) -> float:
    """Read a time to listen. Raises ValueError where it is none."""
    seconds = float(text)
    if not seconds > 0:
        raise ValueError(text)
    return seconds


def _time_zone(name: str) -> ZoneInfo:
    """Look up a time zone. Raises ArgumentTypeError where there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(f"no time zone is called {name!r}; an example is Europe/Brussels") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/inspect",
        description="Tells what is in captures or on a port: telegrams, meters, channels, and what was rejected.",
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a file of raw bytes, - for standard input, a device path or a URL",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--decryption-key", metavar="HEX", help="32 hexadecimal digits, for an encrypted port")
    parser.add_argument("--additional-key", metavar="HEX", help="32 hexadecimal digits, the meter's authentication key")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=DEFAULT_SECONDS,
        metavar="N",
        help="how long to listen to a port (default: %(default)g)",
    )
    parser.add_argument(
        "--time-zone",
        type=_time_zone,
        metavar="ZONE",
        help="where the meter stands, such as Europe/Helsinki (default: that of the country which the telegram proves,"
        " else Central European time)",
    )
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
