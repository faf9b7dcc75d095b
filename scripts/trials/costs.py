"""What each part costs with every telegram, as JSON: scripts/bench starts this where Home Assistant is.

It is the time of the part itself; what Home Assistant takes to write a state that has changed is apart.

The telegrams are handed over in batches, each to another port first that is not measured: 500 decoded telegrams are
more than a cache holds, and in a house the decoder has just made the only one. Each batch counts with the least time of
all rounds, in which no other program was in between.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
import gc
import json
import sys
import time
from typing import Any, Final

from custom_components.dsmr_p1.p1 import Decoder, Keys, Reading
from custom_components.dsmr_p1.parts import PARTS
from simulator import Household, TelegramBuilder, find_model
from simulator.encryption import EXAMPLE_DECRYPTION_KEY

from .rig import hand_over, know_meters, port_in_home

TELEGRAMS: Final = 500
BATCH: Final = 20
MODELS: Final = {"dsmr5": "DSMR 5", "emucs": "e-MUCS", "smarty_lu": "Luxembourg"}
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "relay": {"relay_port": 0, "relay_address": "127.0.0.1", "relay_clients": 10},
    "headroom": {"headroom_fuse": 25, "headroom_grid": "with_neutral"},
    "headroom without neutral": {"headroom_fuse": 25, "headroom_grid": "without_neutral"},
    "coach": {"coach_tariff": "capacity", "coach_least": 2.5, "coach_price": 50.0},
    "true_hour": {"true_hour_since": "2026-03-01T00:00:00+00:00"},
}
"""The settings of each part that is measured, whose key is the first word; the relay has no client."""


async def _batches(label: str, readings: Sequence[Reading]) -> list[float]:
    """Return the seconds that each batch takes, of the port and of the part; without one if there is no label."""
    part = next((part for part in PARTS if part.key == label.partition(" ")[0]), None)
    options = {} if part is None else {part.key: OPTIONS[label]}
    async with port_in_home(options) as other, port_in_home(options) as measured:
        for coordinator in (other, measured):
            know_meters(coordinator, readings[0])
            for entity in () if part is None else await part.start(coordinator) or ():
                entity.hass = coordinator.hass
                vars(entity)["async_write_ha_state"] = lambda: None
                await entity.async_added_to_hass()
            # It begins an hour, which the recorder books; a quarter begins later.
            hand_over(coordinator, readings[0])
            await coordinator.hass.async_block_till_done()
        gc.collect()
        seconds = []
        for first in range(0, len(readings), BATCH):
            batch = readings[first : first + BATCH]
            for reading in batch:
                hand_over(other, reading)
            start = time.perf_counter()
            for reading in batch:
                hand_over(measured, reading)
            seconds.append(time.perf_counter() - start)
    return seconds


def _readings(name: str) -> list[Reading]:
    household = Household(seed=1, start=datetime(2026, 3, 3, 16, 40, tzinfo=UTC))
    builder = TelegramBuilder.create(find_model(name), household, "gas")
    decoder = Decoder(Keys(EXAMPLE_DECRYPTION_KEY))
    readings: list[Reading] = []
    for _ in range(TELEGRAMS):
        household.advance(1)
        readings += [event for event in decoder.feed(builder.telegram()) if isinstance(event, Reading)]
    return readings


async def _costs(rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of each part for a telegram."""
    keys = {part.key for part in PARTS}
    labels = ["", *(label for label in OPTIONS if label.partition(" ")[0] in keys)]
    found: dict[str, list[float]] = {}
    for name, label in MODELS.items():
        readings = _readings(name)
        taken: dict[str, list[list[float]]] = {label: [] for label in labels}
        for _ in range(rounds):
            for of_label in labels:
                taken[of_label].append(await _batches(of_label, readings))
        least = {key: sum(map(min, zip(*times, strict=True))) for key, times in taken.items()}
        without = least.pop("")
        for key, seconds in least.items():
            found[f"{key}, {label}"] = [max(0.0, seconds - without) / len(readings) * 1e6]
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_costs(int(sys.argv[1])))))
