"""What each part costs with every telegram, as JSON: scripts/bench starts this where Home Assistant is.

It is the processor time of the part itself; what Home Assistant takes to write a state that has changed is apart.
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
from custom_components.dsmr_p1.parts.part import Part
from simulator import Household, TelegramBuilder, find_model
from simulator.encryption import EXAMPLE_DECRYPTION_KEY

from .rig import hand_over, know_meters, port_in_home

TELEGRAMS: Final = 500
MODELS: Final = {"dsmr5": "DSMR 5", "emucs": "e-MUCS", "smarty_lu": "Luxembourg"}
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "relay": {"relay_port": 0, "relay_address": "127.0.0.1", "relay_clients": 10},
    "headroom": {"headroom_fuse": 25, "headroom_grid": "with_neutral"},
    "coach": {"coach_tariff": "capacity", "coach_least": 2.5, "coach_price": 50.0},
}
"""The settings of each part that is measured; the relay has no client."""


async def _microseconds(part: Part | None, readings: Sequence[Reading]) -> float:
    """Return the processor time for a telegram, of the port and of the part."""
    options = {} if part is None else {part.key: OPTIONS[part.key]}
    async with port_in_home(options) as coordinator:
        know_meters(coordinator, readings[0])
        entities = [] if part is None else await part.start(coordinator)
        for entity in entities:
            entity.hass = coordinator.hass
            vars(entity)["async_write_ha_state"] = lambda: None
            await entity.async_added_to_hass()
        gc.collect()
        start = time.thread_time()
        for reading in readings:
            hand_over(coordinator, reading)
        used = time.thread_time() - start
        del entities
    return used / len(readings) * 1e6


def _readings(name: str) -> list[Reading]:
    household = Household(seed=1, start=datetime(2026, 3, 3, 16, 30, tzinfo=UTC))
    builder = TelegramBuilder.create(find_model(name), household, "gas")
    decoder = Decoder(Keys(EXAMPLE_DECRYPTION_KEY))
    readings: list[Reading] = []
    for _ in range(TELEGRAMS):
        household.advance(1)
        readings += [event for event in decoder.feed(builder.telegram()) if isinstance(event, Reading)]
    return readings


async def _costs(rounds: int) -> dict[str, list[float]]:
    heard = {label: _readings(name) for name, label in MODELS.items()}
    parts = [part for part in PARTS if part.key in OPTIONS]
    found: dict[str, list[float]] = {f"{part.key}, {label}": [] for part in parts for label in heard}
    for _ in range(rounds):
        for label, readings in heard.items():
            without = await _microseconds(None, readings)
            for part in parts:
                found[f"{part.key}, {label}"].append(max(0.0, await _microseconds(part, readings) - without))
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_costs(int(sys.argv[1])))))
