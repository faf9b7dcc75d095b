"""A meter at a port: it lets time pass for the household and sends telegrams, by hand or at its own pace.

By hand there is no thread: `advance` moves the household, `send_telegram` sends. `start` gives the meter a thread
that does both until `stop`, which joins it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
import heapq
import threading
import time
from typing import Final, Self

from .faults import Faults, Stage
from .models import find_model
from .playback import Playback
from .ports import Port
from .telegram import TelegramBuilder

PULSE: Final = 0.02
"""Seconds between two looks at the port and at the clock."""


class SimulatedMeter:
    """A household's meter, or a playback of captures, at a P1 port."""

    def __init__(
        self,
        source: TelegramBuilder | Playback,
        port: Port,
        *,
        period: float | None = None,
        speed: float = 1.0,
        seed: int = 1,
        is_paced: bool = False,
    ) -> None:
        """Put a meter at a port.

        `period` is the real time between two telegrams in seconds, None for the model's own. `speed` is how many
        seconds pass in the household in one second. `is_paced` sends a telegram as slowly as the line does, instead
        of all at once.
        """
        self.source = source
        self.port = port
        self.faults = Faults(seed)
        self.speed = speed
        self.lock = threading.RLock()
        self._period = period
        self._is_paced = is_paced
        self._silent_until = 0.0
        self._replug_at: float | None = None
        self._scheduled: list[tuple[datetime, int, Callable[[], object]]] = []
        self._scheduled_count = 0
        self._outgoing = bytearray()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._follow_model()

    @property
    def builder(self) -> TelegramBuilder:
        """Return the household's meter; captures have none."""
        if isinstance(self.source, Playback):
            raise ValueError("this works on a simulated household only, not on captures")  # noqa: TRY004 - an error of the user
        return self.source

    @property
    def period(self) -> float:
        """Return the seconds between two telegrams."""
        if self._period is not None:
            return self._period
        return 10 if isinstance(self.source, Playback) else self.source.model.period

    @period.setter
    def period(self, seconds: float) -> None:
        self._period = seconds

    def advance(self, seconds: int) -> None:
        """Let time pass in the household; what was scheduled within that time happens."""
        if isinstance(self.source, Playback):
            return
        household = self.builder.household
        end = household.now + timedelta(seconds=seconds)
        while self._scheduled and self._scheduled[0][0] <= end:
            instant, _, action = heapq.heappop(self._scheduled)
            household.advance_to(instant)
            action()
        household.advance_to(end)

    def compose(self) -> bytes:
        """Return the next telegram as it goes onto the line, with the faults that are switched on."""
        if isinstance(self.source, Playback):
            return self.faults.apply(Stage.LINE, self.source.telegram())
        body = self.faults.apply(Stage.BODY, self.source.body())
        telegram = self.faults.apply(Stage.TELEGRAM, self.source.finish(body))
        return self.faults.apply(Stage.LINE, self.source.envelop(telegram))

    def send_telegram(self) -> bytes:
        """Send one telegram about the household as it is now, and return the bytes sent."""
        with self.lock:
            telegram = self.compose()
            self.port.write(telegram)
            return telegram

    def step(self) -> bytes:
        """Let one period pass in the household and send its telegram."""
        self.advance(max(1, round(self.period * self.speed)))
        return self.send_telegram()

    def schedule(self, seconds: float, action: Callable[[], object]) -> None:
        """Have something done when this much time has passed in the household."""
        self._scheduled_count += 1
        instant = self.builder.household.now + timedelta(seconds=seconds)
        heapq.heappush(self._scheduled, (instant, self._scheduled_count, action))

    def silence(self, seconds: float) -> None:
        """Send nothing for a while of real time; 0 ends the silence."""
        self._silent_until = time.monotonic() + seconds

    def unplug(self, seconds: float | None = None) -> None:
        """Pull the cable, for a while of real time or until `replug`."""
        self._replug_at = None if seconds is None else time.monotonic() + seconds
        self._outgoing.clear()
        self.port.unplug()

    def replug(self, path: str | None = None) -> None:
        """Put the cable back, perhaps under another path."""
        self._replug_at = None
        self.port.replug(path)

    def upgrade(self, name: str) -> None:
        """Become another model, as after an update overnight or the visit of a technician."""
        self.builder.model = find_model(name)
        self.builder.clock.region = self.builder.model.region
        self._follow_model()

    def start(self) -> None:
        """Send at the meter's own pace from now on, in a thread."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="simulated meter")
        self._thread.start()

    def stop(self) -> None:
        """Stop sending; the thread has ended when this returns."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _follow_model(self) -> None:
        """Give the port the line settings of the model; captures are delivered as they are."""
        if isinstance(self.source, TelegramBuilder):
            self.port.settings = self.source.model.settings

    def _run(self) -> None:
        before = due = time.monotonic()
        passed = 0.0
        while not self._stopped.is_set():
            with self.lock:
                now = time.monotonic()
                passed += (now - before) * self.speed
                self.advance(int(passed))
                passed -= int(passed)
                if self._replug_at is not None and now >= self._replug_at:
                    self.replug()
                if now >= due:
                    due = max(due + self.period, now)
                    if now >= self._silent_until:
                        self._outgoing = bytearray(self.compose())
                self._send(now - before)
                self.port.service(0)
                before = now
            self._stopped.wait(PULSE)

    def _send(self, seconds: float) -> None:
        """Send what the line carries in this time, or everything."""
        settings = self.port.settings
        count = len(self._outgoing)
        if self._is_paced and settings is not None:
            count = min(count, int(seconds / settings.character_time) + 1)
        if count:
            self.port.write(bytes(self._outgoing[:count]))
            del self._outgoing[:count]
