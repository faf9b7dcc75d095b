"""Listening: what is on a port, found out with the one reader and within a bounded time.

Nothing is decided by silence alone before a meter must have spoken: those of DSMR 2 to 4 and in Luxembourg send every
ten seconds, and where the first line settings are the wrong ones, the first burst may be heard in part, the second as
garbage, and the third is the first good telegram, at most 31 seconds after the port was opened. What is beyond doubt
earlier ends the listening earlier.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from homeassistant.util import dt as dt_util

from ..p1 import (
    Authentication,
    Decoder,
    Keys,
    Meter,
    PortBusyError,
    PortError,
    PortFault,
    PortMemory,
    Reading,
    Rejected,
    RejectReason,
    Role,
    SerialSettings,
)
from ..p1.frames import EncryptedFrame
from ..p1.heard import Hint
from ..p1.reader import P1Reader, PortFailed

ENOUGH_TELEGRAMS: Final = 2
"""Telegrams after which there is no doubt: the second tells the period."""
ENOUGH_OCTETS: Final = 16_384
"""Bytes without one good telegram among them that settle the matter: sixteen telegrams of the usual size."""
_ENOUGH_REJECTED: Final[Mapping[RejectReason, int]] = {
    # A key can be asked for at once. One damaged telegram looks as if a key were wrong, two in a row do not happen.
    RejectReason.NO_KEY: 1,
    RejectReason.DECRYPTION: 2,
    RejectReason.AUTHENTICATION: 2,
    RejectReason.UNSUPPORTED_ENCRYPTION: 2,
    RejectReason.NOT_P1: 3,
}
_FRAMES_KEPT: Final = 4
_ENOUGH_LOST: Final = 2
"""Times that a port was lost before anything was received, which settle that it will be again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds to wait: until the port is open, for the first byte, for a telegram, and from there for the next one.

    All but the last count from the start. `tick` is how often the progress is told.
    """

    open: float = 10
    byte: float = 35
    telegram: float = 45
    another: float = 12
    tick: float = 1

    def within(self, seconds: float) -> Patience:
        """Return a patience that ends after some seconds, whatever was heard, except while telegrams come."""
        return replace(
            self, open=min(self.open, seconds), byte=min(self.byte, seconds), telegram=min(self.telegram, seconds)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenResult:
    """What was heard on a port; `settings` are None where the far end of a network has the line.

    `was_verified`: a tag had verified on this port before.
    """

    port: str
    settings: SerialSettings | None = None
    octets: int = 0
    telegrams: int = 0
    rejected: Mapping[RejectReason, int] = field(default_factory=dict)
    period: float | None = None
    is_telnet: bool = False
    reading: Reading | None = None
    frames: tuple[EncryptedFrame, ...] = ()
    failure: PortError | None = None
    opened: int = 1
    lost: int = 0
    was_verified: bool = False

    @property
    def fault(self) -> PortFault | None:
        """What is wrong with the port itself; None where it is open, or has been while bytes came."""
        if self.failure is not None:
            return self.failure.fault
        if self.octets:
            return None
        if self.lost:
            return PortFault.CLOSED
        return None if self.opened else PortFault.UNREACHABLE

    @property
    def damaged(self) -> int:
        """The number of telegrams that were not believed."""
        return sum(self.rejected.values())

    @property
    def is_encrypted(self) -> bool:
        """Whether there are encrypted telegrams on the port."""
        if self.reading is not None:
            return self.reading.authentication is not None
        return bool(self.frames)

    @property
    def error(self) -> str | None:
        """The key of what is wrong, None where telegrams were read. `no_key` is no error, but a question."""
        damaged = sum(count for reason, count in self.rejected.items() if reason.is_damage and not reason.is_torn)
        # The first that holds; what proves more stands before what proves less.
        causes = {
            None: self.reading is not None,
            "port_in_use": isinstance(self.failure, PortBusyError),
            "cannot_open": self.fault is not None,
            "wrong_additional_key": RejectReason.AUTHENTICATION in self.rejected,
            "wrong_key": RejectReason.DECRYPTION in self.rejected,
            "no_key": RejectReason.NO_KEY in self.rejected,
            "unsupported_encryption": RejectReason.UNSUPPORTED_ENCRYPTION in self.rejected,
            "no_data": not self.octets,
            "not_p1": self.rejected.get(RejectReason.NOT_P1, 0) > damaged or (self.is_telnet and not damaged),
            "crc_errors": damaged,
        }
        return next((cause for cause, holds in causes.items() if holds), "no_telegram")

    @property
    def main_meter(self) -> Meter | None:
        """The main meter; a port may be without."""
        if self.reading is None:
            return None
        return next((meter for meter in self.reading.meters if meter.profile.role is Role.MAIN), None)

    @property
    def unique_id(self) -> str | None:
        """What tells this port from others: the main meter's identifier, or the system title of an encrypted port."""
        if self.main_meter is not None and self.main_meter.profile.equipment_identifier:
            return self.main_meter.profile.equipment_identifier
        if self.reading is not None and self.reading.system_title is not None:
            return self.reading.system_title.hex()
        return None

    @property
    def authentication(self) -> Authentication | None:
        """How far the telegrams are proven genuine; None where they are not encrypted."""
        return None if self.reading is None else self.reading.authentication


type Tell = Callable[[ListenResult, float], None]
"""Takes what has been heard so far, and which part of the time is over, from 0 to 1."""


def open_frames(heard: ListenResult, keys: Keys, *, must_verify: bool) -> ListenResult | None:
    """Return what was heard, read with keys that were not known then; None where they open none of the frames kept.

    `must_verify` tells that a tag has verified on this port before: telegrams without are not believed any more.
    """
    decoder = Decoder(keys, PortMemory(tag_verified=must_verify), time_zone=dt_util.get_default_time_zone())
    events = [event for frame in heard.frames for event in decoder.feed(frame.octets)]
    readings = [event for event in events if isinstance(event, Reading)]
    if not readings:
        return None
    return replace(heard, reading=readings[-1], telegrams=len(readings), rejected={})


async def listen(
    port: str,
    *,
    keys: Keys | None,
    settings: SerialSettings | None,
    patience: Patience,
    tell: Tell,
    must_verify: bool = False,
) -> ListenResult:
    """Listen until it is clear what is on a port, or until it is clear that it will not be. The port is closed then.

    `must_verify` tells that a tag has verified on this port before: encrypted telegrams without are not believed any
    more. Plain ones are, for the owner decides about them.
    """
    listener = _Listener(
        P1Reader(
            port,
            keys=keys,
            settings=settings,
            memory=PortMemory(tag_verified=must_verify, allows_plain=True),
            time_zone=dt_util.get_default_time_zone(),
        ),
        was_verified=must_verify,
    )
    loop = asyncio.get_running_loop()
    started = loop.time()
    collecting = loop.create_task(listener.collect(), name="listening on a P1 port")
    try:
        while not listener.is_settled and (left := listener.deadline(started, patience) - loop.time()) > 0:
            past = loop.time() - started
            tell(listener.heard, past / (past + left))
            with suppress(TimeoutError):
                async with asyncio.timeout(min(patience.tick, left)):
                    await listener.settled.wait()
        if collecting.done():
            collecting.result()
        return listener.heard
    finally:
        # Cancelled while it waits for bytes, the reader closes its port.
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)


class _Listener:
    """Takes the events of a reader, until they settle what is on the port."""

    def __init__(self, reader: P1Reader, *, was_verified: bool) -> None:
        self.settled = asyncio.Event()
        self._reader = reader
        self._was_verified = was_verified
        self._reading: Reading | None = None
        self._failure: PortError | None = None
        self._frames: deque[EncryptedFrame] = deque(maxlen=_FRAMES_KEPT)
        self._has_ended = False

    async def collect(self) -> None:
        """Take events until cancelled."""
        try:
            async for event in self._reader.events():
                match event:
                    case PortFailed(error, was_open=False):
                        self._failure = error
                    case Reading():
                        self._reading = event
                    case Rejected():
                        self._keep_frame()
                if self.is_settled:
                    self.settled.set()
        finally:
            self._has_ended = True
            self.settled.set()

    def deadline(self, started: float, patience: Patience) -> float:
        """Return the time at which to stop, as it looks now."""
        heard = self._reader.heard
        if heard.last_telegram_at is not None:
            return heard.last_telegram_at + patience.another
        if heard.octets:
            return started + patience.telegram
        return started + (patience.byte if heard.opened else patience.open)

    @property
    def heard(self) -> ListenResult:
        """What has been heard so far."""
        heard = self._reader.heard
        return ListenResult(
            port=self._reader.port,
            settings=self._reader.settings,
            octets=heard.octets,
            telegrams=heard.telegrams,
            rejected=dict(heard.rejected),
            period=heard.period,
            is_telnet=Hint.TELNET in heard.hints,
            reading=self._reading,
            frames=tuple(self._frames),
            failure=self._failure,
            opened=heard.opened,
            lost=heard.lost,
            was_verified=self._was_verified,
        )

    def _keep_frame(self) -> None:
        frame = self._reader.last_encrypted
        if frame is not None and frame not in self._frames:
            self._frames.append(frame)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more has to be heard."""
        heard = self._reader.heard
        if self._failure is not None or self._has_ended:
            return True
        if heard.telegrams:
            return heard.telegrams >= ENOUGH_TELEGRAMS
        if heard.lost >= _ENOUGH_LOST and not heard.octets:
            return True
        if heard.octets >= ENOUGH_OCTETS:
            return True
        return any(heard.rejected[reason] >= enough for reason, enough in _ENOUGH_REJECTED.items())
