"""A clock that jumps to whatever is due next: Home Assistant lives through a day in seconds.

The event loop, Home Assistant and this integration read the time from it. While a thread works that the event loop has
started, and while something is to arrive, time stands still.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
import importlib
import selectors
import time
from typing import Any, Final, override

_LOOK: Final = 0.002
"""Seconds of real time after which it is looked again whether what is waited for has happened."""
_real_monotonic: Final = time.monotonic


class FastClock:
    """The time: it passes as ever until `is_fast`, and jumps from then on."""

    def __init__(self, start: datetime) -> None:
        self.is_fast = False
        self._began_at = start.timestamp()
        self._passed = 0.0
        self._holding = 0

    def install(self) -> None:
        """Replace the time for everything that is imported from now on."""
        time.time = self.time
        time.monotonic = self.monotonic
        dt_util = importlib.import_module("homeassistant.util.dt")
        for name, replacement in {"utcnow": self.utcnow, "now": self._now}.items():
            setattr(dt_util, name, replacement)
        self._zone: Callable[[], tzinfo] = dt_util.get_default_time_zone

    def time(self) -> float:
        """Return the time of day in seconds."""
        return self._began_at + self._passed

    def monotonic(self) -> float:
        """Return the seconds since the beginning; not zero at first, as some take that for never."""
        return 1000.0 + self._passed

    def utcnow(self) -> datetime:
        """Return the time of day."""
        return datetime.fromtimestamp(self.time(), UTC)

    def _now(self, time_zone: tzinfo | None = None) -> datetime:
        return datetime.fromtimestamp(self.time(), time_zone or self._zone())

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the time for as long as something real happens."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1

    def start_of(self, work: asyncio.Future[Any]) -> None:
        """Stop the time until a future is done."""
        self._holding += 1
        work.add_done_callback(self._release)

    def _release(self, _: object) -> None:
        self._holding -= 1

    @property
    def may_jump(self) -> bool:
        """Whether nothing real is waited for."""
        return self.is_fast and not self._holding

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds


class FastSelector(selectors.DefaultSelector):
    """Waits for files, and lets the clock jump instead of waiting for timers."""

    def __init__(self, clock: FastClock) -> None:
        super().__init__()
        self._clock = clock

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the files that are ready; none after the timeout."""
        clock = self._clock
        if (ready := super().select(0)) or (timeout is not None and timeout <= 0):
            return ready
        if clock.may_jump and timeout is not None:
            clock.advance(timeout)
            return []
        began = _real_monotonic()
        ready = super().select(_LOOK if timeout is None else min(timeout, _LOOK))
        if not clock.is_fast:
            clock.advance(_real_monotonic() - began)
        return ready


class FastLoop(asyncio.SelectorEventLoop):
    """The event loop of a fast clock."""

    def __init__(self, clock: FastClock) -> None:
        super().__init__(FastSelector(clock))
        self._fast_clock = clock

    @override
    def run_in_executor[*Ts, T](
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread; until it is done the clock stands still."""
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._fast_clock.start_of(future)
        return future
