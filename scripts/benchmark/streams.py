"""The telegrams that are read: a simulated household, second by second."""

from datetime import datetime, timedelta, timezone
from random import Random
import re

from simulator import MODELS, Household, TelegramBuilder, seal
from simulator.encryption import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY

_START = datetime(2026, 3, 3, 17, 30, tzinfo=timezone(timedelta(hours=1)))
_NUMBER = re.compile(rb"\((\d+)\.?(\d*)\*(kWh|kW|V|A|m3)\)")

DECRYPTION_KEY = EXAMPLE_DECRYPTION_KEY
AUTHENTICATION_KEY = EXAMPLE_AUTHENTICATION_KEY


def household(model: str, count: int) -> list[bytes]:
    """Give as many telegrams of a model, one a second."""
    row = MODELS[model]
    house = Household(seed=1, start=_START, region=row.region, phases=row.phases)
    mbus = "gas" if model == "dsmr5" else None
    builder = TelegramBuilder.create(row, house, mbus)
    telegrams = []
    for _ in range(count):
        house.advance(1)
        telegrams.append(builder.telegram())
    return telegrams


def every_number_changed(telegrams: list[bytes]) -> list[bytes]:
    """Give the same telegrams with each measured number replaced by another of as many digits: no household does so."""
    random = Random(1)

    def another(match: re.Match[bytes]) -> bytes:
        whole, places, unit = match.groups()
        digits = [b"%0*d" % (len(part), random.randrange(10 ** len(part))) if part else b"" for part in (whole, places)]
        return b"(" + b".".join(digit for digit in digits if digit) + b"*" + unit + b")"

    return [seal(_NUMBER.sub(another, telegram[: telegram.rindex(b"!")])) for telegram in telegrams]
