"""Calm: meters to which nothing happens but what happens in ten years, and a guard that must hold nothing of it."""

from random import Random
from typing import Final

from p1 import Keys
from p1.registers.guard import Begun
from simulator import EXAMPLE_DECRYPTION_KEY, MODELS, PUBLIC_AUTHENTICATION_KEY, Model

from .ports import STARTS, GuardedPort, simulated

_TELEGRAMS: Final = 1200
"""Telegrams of a household, before the next one has its turn."""
_GAPS: Final = (60, 600, 3600, 86400, 3 * 86400, 21 * 86400)
_LATEST: Final = 60


def watch(checks: int, seed: int) -> list[str]:
    """Check so many telegrams of all models, and return what the guard held, in words."""
    alarms: list[str] = []
    models = [*MODELS.values()]
    turn = 0
    while checks > 0:
        drawn = Random(f"{seed} {turn}")
        count = min(checks, _TELEGRAMS)
        alarms += _live(models[turn % len(models)], drawn, count)
        checks -= count
        turn += 1
    return alarms


def _live(model: Model, drawn: Random, count: int) -> list[str]:
    """Let a household live, from shortly before midnight or a change of time on."""
    start = drawn.choice(STARTS)
    builder = simulated(model, drawn.randrange(10**6), start)
    keys = Keys(EXAMPLE_DECRYPTION_KEY, _additional_key(model))
    port = GuardedPort(keys if model.authentication_key else None, start)
    alarms = []
    for number in range(count):
        gap = drawn.choice(_GAPS) if number > 3 and drawn.random() < 0.02 else int(model.period)
        builder.household.advance(gap)
        if number > 3 and drawn.random() < 0.002:
            port.restart()
        sent = (builder.household.now - start).total_seconds()
        # It may come late, and never before the one before.
        port.passed = max(port.passed, sent + drawn.uniform(0, _LATEST))
        if not port.feed(builder.telegram()):
            alarms.append(f"{model.name}: no telegram at {builder.household.now}")
        alarms += [
            f"{model.name}, {builder.household.now}: {event}"
            for event in port.guard.events()
            if not isinstance(event, Begun)
        ]
    return alarms


def _additional_key(model: Model) -> bytes | None:
    return None if model.authentication_key == PUBLIC_AUTHENTICATION_KEY else model.authentication_key
