"""Listening: examines a port with the reader, within a bounded time.

Silence alone decides nothing before a meter must have sent a telegram: meters of DSMR 2 to 4 and in Luxembourg send
every ten seconds. If the first serial settings are wrong, the first burst may be incomplete, the second one is garbage,
and the third is the first good telegram, at most 31 seconds after the port was opened. Listening ends earlier when the
result is certain.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from homeassistant.util import dt as dt_util

from ..p1 import (
    Decoder,
    Keys,
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
from ..p1.heard import Hint
from ..p1.reader import Opener, P1Reader, PortFailed
from ..p1.wire.frames import EncryptedFrame

ENOUGH_TELEGRAMS: Final = 2
"""Telegrams after which the result is certain: the second one determines the period."""
ENOUGH_OCTETS: Final = 16_384
"""Bytes without a good telegram after which the result is certain: sixteen telegrams of the usual size."""
_ENOUGH_REJECTED: Final[Mapping[RejectReason, int]] = {
    # A missing key is certain at once. One damaged telegram looks like a wrong key; two in a row are unlikely.
    RejectReason.NO_KEY: 1,
    RejectReason.DECRYPTION: 2,
    RejectReason.AUTHENTICATION: 2,
    RejectReason.UNSUPPORTED_ENCRYPTION: 2,
    RejectReason.NOT_P1: 3,
}
_FRAMES_KEPT: Final = 4
_ENOUGH_LOST: Final = 2
"""Losses of a port without any data after which the result is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds to wait: until the port is open, for the first byte, for a telegram, and after that for the next one.

    All but the last count from the start. `tick` is the interval of progress updates.
    """

    open: float = 10
    byte: float = 35
    telegram: float = 44
    another: float = 12
    tick: float = 1

    def within(self, seconds: float) -> Patience:
        """Return a patience that ends after `seconds`, unless telegrams are coming."""
        return replace(
            self, open=min(self.open, seconds), byte=min(self.byte, seconds), telegram=min(self.telegram, seconds)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenResult:
    """The result of listening; `settings` are None if the remote end of a network has the serial settings.

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
        """The failure of the port itself; None if it is open, or was while bytes came."""
        if self.failure is not None:
            return self.failure.fault
        if self.octets:
            return None
        if self.lost:
            return PortFault.CLOSED
        return None if self.opened else PortFault.UNREACHABLE

    @property
    def damaged(self) -> int:
        """The number of rejected telegrams."""
        return sum(self.rejected.values())

    @property
    def is_encrypted(self) -> bool:
        """Whether there are encrypted telegrams on the port."""
        if self.reading is not None:
            return self.reading.authentication is not None
        return bool(self.frames)

    @property
    def error(self) -> str | None:
        """The error key, None if telegrams were read. `no_key` is not an error, but leads to the form for keys."""
        damaged = sum(count for reason, count in self.rejected.items() if reason.is_damage and not reason.is_torn)
        # The first that applies, the most certain first.
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
    def unique_id(self) -> str | None:
        """The unique id of the port: the main meter's identifier, or the system title of an encrypted port."""
        if self.reading is None:
            return None
        title = self.reading.system_title
        mains = (meter.profile for meter in self.reading.meters if meter.profile.role is Role.MAIN)
        identifier = next((profile.equipment_identifier for profile in mains), None)
        return identifier or (None if title is None else title.hex())


type Tell = Callable[[ListenResult, float], None]
"""Called with the result so far, and the elapsed part of the time, from 0 to 1."""


def open_frames(heard: ListenResult, keys: Keys, *, must_verify: bool) -> ListenResult | None:
    """Return the result, decrypted with keys entered later; None if they decrypt none of the stored frames.

    `must_verify`: a tag has verified on this port before, so telegrams without a verified tag are rejected.
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
    opener: Opener | None = None,
) -> ListenResult:
    """Listen until the result is certain or the time is over, and close the port.

    `must_verify`: a tag has verified on this port before, so encrypted telegrams without a verified tag are rejected.
    Plain ones are accepted, since the owner decides about them. `opener` opens a port that the reader cannot open.
    """
    listener = _Listener(
        P1Reader(
            port,
            keys=keys,
            settings=settings,
            memory=PortMemory(tag_verified=must_verify, allows_plain=True),
            time_zone=dt_util.get_default_time_zone(),
            opener=opener,
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
        # The reader closes its port when it is cancelled while it waits for bytes.
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)


class _Listener:
    """Collects the events of a reader until the result is certain."""

    def __init__(self, reader: P1Reader, *, was_verified: bool) -> None:
        self.settled = asyncio.Event()
        self._reader = reader
        self._was_verified = was_verified
        self._reading: Reading | None = None
        self._failure: PortError | None = None
        self._frames: deque[EncryptedFrame] = deque(maxlen=_FRAMES_KEPT)
        self._has_ended = False

    async def collect(self) -> None:
        """Collect events until cancelled: if it ended by itself, it could be cancelled before the port is closed."""
        try:
            async for event in self._reader.events():
                match event:
                    case PortFailed(error, was_open=False):
                        self._failure = error
                    case Reading():
                        self._reading = event
                    case Rejected() if (frame := self._reader.decoder.last_encrypted) and frame not in self._frames:
                        self._frames.append(frame)
                if self.is_settled:
                    self.settled.set()
        finally:
            self._has_ended = True
            self.settled.set()

    def deadline(self, started: float, patience: Patience) -> float:
        heard = self._reader.heard
        if heard.last_telegram_at is not None:
            return heard.last_telegram_at + patience.another
        if heard.octets:
            return started + patience.telegram
        return started + (patience.byte if heard.opened else patience.open)

    @property
    def heard(self) -> ListenResult:
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

    @property
    def is_settled(self) -> bool:
        heard = self._reader.heard
        if self._failure is not None or self._has_ended:
            return True
        if heard.telegrams:
            return heard.telegrams >= ENOUGH_TELEGRAMS
        if heard.octets >= ENOUGH_OCTETS or (heard.lost >= _ENOUGH_LOST and not heard.octets):
            return True
        return any(heard.rejected[reason] >= enough for reason, enough in _ENOUGH_REJECTED.items())
