"""The command line of scripts/faults."""

import argparse
import sys
import time
from typing import Final

from .calm import watch
from .kinds import KINDS
from .ports import sources
from .trial import Result, try_kind

_FORM: Final = "{:28}{:13}{:>10}{:>11}{:>10}{:>9}{:>9}{:>6}{:>11}{:>9}"
_HEADING: Final = (
    "kind", "ports", "telegrams", "registers", "by most", "others", "strange", "lost", "exceptions", "memory",
)  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/faults",
        description="Faulty telegrams through the protocol core with its guard, as the integration uses them. Shown "
        "are, by kind and port, the wrong registers and by how much at most, other wrong numbers, channels that no "
        "meter has, good telegrams that gave nothing, exceptions, and bytes of memory that 56 faults more cost one "
        "port. The exit code is 1 where docs/reliability.md does not say so.",
    )
    parser.add_argument("--telegrams", type=int, default=20_000, help="faulty telegrams, over all kinds (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same faults (%(default)s)")
    parser.add_argument("--kind", default="", help="only kinds whose name has this in it")
    parser.add_argument("--calm", type=int, metavar="N", help="no faults: N telegrams of which nothing may be held")
    return parser.parse_args()


def _row(result: Result) -> str:
    return _FORM.format(
        result.kind.name, result.group, result.telegrams, result.registers, f"{result.most.normalize():f}",
        result.others, result.strange, result.lost, result.exceptions, result.growth,
    )  # fmt: skip


def _campaign(telegrams: int, seed: int, part: str) -> bool:
    """Print what becomes of faults of all kinds; whether it is what is stated."""
    streams = sources(seed)
    chosen = [(kind, group) for kind in KINDS if part in kind.name for group in kind.groups]
    print(_FORM.format(*_HEADING))
    results = []
    for kind, group in chosen:
        ports = [source for source in streams if source.group == group]
        result = try_kind(kind, group, ports, -(-telegrams // len(chosen)), seed)
        results.append(result)
        print(_row(result), flush=True)
        for example in [] if result.is_stated else result.examples:
            print(f"    {example}")
    print(f"{sum(result.telegrams for result in results)} faulty telegrams")
    return all(result.is_stated for result in results)


def main() -> int:
    """Run."""
    arguments, started = _arguments(), time.monotonic()
    if arguments.calm is None:
        is_good = _campaign(arguments.telegrams, arguments.seed, arguments.kind)
    else:
        alarms = watch(arguments.calm, arguments.seed)
        is_good = not alarms
        for alarm in alarms[:20]:
            print(alarm)
        print(f"{arguments.calm} checks, {len(alarms)} false alarms")
    print(f"seed {arguments.seed}, {time.monotonic() - started:.0f} s")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
