"""The telegrams that are read: a simulated household, second by second."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from random import Random
import re
from typing import Final

from simulator import MODELS, Household, TelegramBuilder, seal
from simulator.encryption import EXAMPLE_DECRYPTION_KEY

_START: Final = datetime(2026, 3, 3, 17, 30, tzinfo=timezone(timedelta(hours=1)))
_NUMBER: Final = re.compile(rb"\((\d+)\.?(\d*)\*(kWh|kW|V|A|m3)\)")
_IDENTIFIER: Final = re.compile(rb"(\d-\d:96\.1\.[01]\()([0-9A-F]+)([0-9A-F]{8}\))")
_POWER: Final = re.compile(rb"1-0:1\.7\.0\((\d+\.\d+)\*kW\)")

DECRYPTION_KEY: Final = EXAMPLE_DECRYPTION_KEY
LUXEMBOURG_LENGTH: Final = 1216
"""Bytes of an encrypted telegram of Luxembourg with all that the grid operators let it have."""


def household(
    model: str, count: int, *, mbus: str | None = None, text: bytes = b"", stands: bool = False
) -> list[bytes]:
    """Return as many telegrams of a model as asked for, one a second.

    `mbus` are its M-Bus meters where they are not the model's own, `text` is the grid operator's message. A household
    that `stands` still sends the same telegram again and again.
    """
    row = MODELS[model]
    house = Household(seed=1, start=_START, region=row.region, phases=row.phases)
    builder = TelegramBuilder.create(row, house, mbus)
    builder.text = text
    telegrams: list[bytes] = []
    for _ in range(count):
        if not (stands and telegrams):
            house.advance(1)
        telegrams.append(builder.telegram())
    return telegrams


def luxembourg(count: int, *, stands: bool = False) -> list[bytes]:
    """Return encrypted telegrams of `LUXEMBOURG_LENGTH` bytes: three M-Bus meters, and a message."""
    mbus = "gas,water,heating"
    missing = LUXEMBOURG_LENGTH - len(household("smarty_lu", 1, mbus=mbus)[0])
    return household("smarty_lu", count, mbus=mbus, text=b"x" * (missing // 2), stands=stands)


def every_number_changed(telegrams: Sequence[bytes]) -> list[bytes]:
    """Return the telegrams with each measured number replaced by another of as many digits: no household does so."""
    random = Random(1)

    def another(match: re.Match[bytes]) -> bytes:
        whole, places, unit = match.groups()
        digits = [b"%0*d" % (len(part), random.randrange(10 ** len(part))) if part else b"" for part in (whole, places)]
        return b"(" + b".".join(digit for digit in digits if digit) + b"*" + unit + b")"

    return [seal(_NUMBER.sub(another, telegram[: telegram.rindex(b"!")])) for telegram in telegrams]


def in_pieces(telegrams: Sequence[bytes], size: int) -> list[bytes]:
    """Return the same bytes as they come from a slow line: `size` at a time, the last piece of each shorter."""
    return [telegram[start : start + size] for telegram in telegrams for start in range(0, len(telegram), size)]


def of_house(telegram: bytes, number: int) -> bytes:
    """Return a telegram as the same meters would send it in another house: with identifiers of its own."""
    digits = f"{number:04d}".encode().hex().encode()

    def another(match: re.Match[bytes]) -> bytes:
        head, text, tail = match.groups()
        return bytes(head + text + digits + tail[-1:])

    return seal(_IDENTIFIER.sub(another, telegram[: telegram.rindex(b"!")]))


def power_of(telegram: bytes) -> float:
    """Return the power drawn from the grid that a telegram holds, in kW. Raises ValueError where it holds none."""
    found = _POWER.search(telegram)
    if found is None:
        raise ValueError("the telegram has no power")
    return float(found[1])
