"""Decoding: turns the bytes of one port into readings and rejections; the whole core in one object, without I/O.

Rules that outlive a telegram are enforced here: a port that has sent a checksum must always send one, after a verified
tag no telegram is accepted without one, and frame counters must rise. It is also detected here whether the line carries
7 data bits with parity though it is read with 8. In the latter case the highest bit of each byte is the parity
bit; the bytes are then read a second time without it, and a byte of which the parity is wrong makes its telegram
worthless.
"""

from dataclasses import replace
from datetime import tzinfo
import re
from typing import Final, NamedTuple

from ..cosem.values import new
from ..errors import AuthenticationError, DecryptionError, TelegramError
from ..memory import PortMemory
from ..meters.detection import Detection, Meter
from ..telegrams.telegram import CosemObject, Telegram
from ..wire.checksums import SEAL, alike
from ..wire.decryption import Authentication, Decrypted, Keys, decrypt, frame_counter
from ..wire.frames import EncryptedFrame, PlainFrame, Rejected, RejectReason
from ..wire.framing import Framer
from ..wire.replay import FrameCounters, Verdict
from .interpreter import Interpreter

# A byte with even parity -> its 7 data bits; with odd parity -> a control character, which no telegram has.
_STRIP_PARITY: Final = bytes(byte & 0x7F if byte.bit_count() % 2 == 0 else 0x01 for byte in range(256))

_PLAIN: Final = (b"", None, None)
# What may stand behind the `!` of a telegram, to its end.
_END: Final = re.compile(rb"[0-9A-Fa-f]{0,4}[\r\n\x00 ]*")


class Reading(NamedTuple):
    """A telegram and what is in it.

    `authentication` and `system_title` are None if the telegram was not encrypted. `counter_restarted`: it is the
    first one accepted of a meter whose frame counter was reset, or that has another system title than before.
    """

    telegram: Telegram
    detection: Detection
    authentication: Authentication | None = None
    system_title: bytes | None = None
    counter_restarted: bool = False

    @property
    def meters(self) -> tuple[Meter, ...]:
        """The port itself and the meters on it."""
        return self.detection.meters

    @property
    def unknown(self) -> tuple[CosemObject, ...]:
        """The objects that no meter claims."""
        return self.detection.unknown


class Decoder:
    """Turns the bytes of one port into readings.

    `time_zone` is that of the place where the meter stands; without one, it is that of the country which the telegrams
    prove, else Central European time. `last_encrypted` is the last encrypted frame heard, on which new keys can be
    tried. `checks_parity`: the parity of every byte is checked; None before the first telegram, and False for 8N1,
    which has none, and where a device in between has cleared the eighth bit.
    """

    def __init__(
        self, keys: Keys | None = None, memory: PortMemory | None = None, *, time_zone: tzinfo | None = None
    ) -> None:
        self.memory = memory or PortMemory()
        self.last_encrypted: EncryptedFrame | None = None
        self._keys = keys
        self._interpreter = Interpreter(self.memory, time_zone)
        self._counters = FrameCounters(self.memory)
        self._now = 0.0
        self.restart()

    def restart(self) -> None:
        """Discard incomplete frames: the port was reopened, perhaps with other serial settings."""
        self._framer = Framer()
        self._stripped = Framer()
        self._inner = _InnerFramer()
        self.checks_parity: bool | None = None

    def set_time_zone(self, time_zone: tzinfo) -> None:
        """Read the times of all further telegrams in another time zone."""
        self._interpreter.set_zone(time_zone)

    @property
    def is_amid_telegram(self) -> bool:
        """Whether the last bytes are an incomplete telegram."""
        return self._framer.is_amid_telegram or self._stripped.is_amid_telegram

    @property
    def pending(self) -> int:
        """The number of buffered bytes."""
        return self._framer.pending + self._stripped.pending

    def feed(self, octets: bytes, now: float = 0.0) -> list[Reading | Rejected]:
        """Return the readings and rejections that the bytes complete. Never raises, whatever the bytes.

        `now` is a monotonic clock in seconds; without it, no time passes, and a frame counter that was reset is never
        accepted.
        """
        self._now = now
        events: list[Reading | Rejected] = []
        if self.checks_parity is not True and self._framer.receive(octets):
            self._decode(self._framer, events, parity=False)
        if (
            self.checks_parity is not False
            and (self.checks_parity or not octets.isascii() or self._stripped.pending)
            and self._stripped.receive(octets.translate(_STRIP_PARITY))
        ):
            self._decode(self._stripped, events, parity=True)
        return events

    def finish(self) -> list[Reading | Rejected]:
        """Return the remaining readings and rejections when no more bytes will come."""
        events: list[Reading | Rejected] = []
        if self.checks_parity is not True:
            self._decode(self._framer, events, parity=False, final=True)
        if self.checks_parity is not False:
            self._decode(self._stripped, events, parity=True, final=True)
        return events

    def _decode(self, framer: Framer, events: list[Reading | Rejected], *, parity: bool, final: bool = False) -> None:
        """Add the events of a framer, as long as the bytes are read with or without parity as they were sent."""
        while (event := framer.next_event(final=final)) is not None:
            if isinstance(event, PlainFrame):
                result = self._read(event)
            elif isinstance(event, EncryptedFrame):
                result = self._unseal(framer, event)
            else:
                result = event
            if isinstance(result, Reading):
                if self.checks_parity is not parity:
                    # From here on the bytes are read in the way that gives telegrams.
                    self.checks_parity = parity
                    if parity:
                        self._framer = Framer()
                    else:
                        self._stripped = Framer()
            elif self.checks_parity is not parity and (parity or self.checks_parity):
                continue
            events.append(result)

    def _read(self, frame: PlainFrame, decrypted: Decrypted | None = None) -> Reading | Rejected:
        if not frame.has_crc and self.memory.sends_crc:
            return Rejected(RejectReason.CRC, len(frame.text), frame.text)
        if decrypted is None and self.memory.tag_verified and not self.memory.allows_plain:
            return Rejected(RejectReason.AUTHENTICATION, len(frame.text), frame.text)
        try:
            telegram, detection = self._interpreter.read(frame)
        except TelegramError:
            return Rejected(RejectReason.MALFORMED, len(frame.text), frame.text)
        if frame.has_crc:
            self.memory.sends_crc = True
        _, authentication, title = decrypted or _PLAIN
        return new(Reading, (telegram, detection, authentication, title, False))

    def _unseal(self, framer: Framer, frame: EncryptedFrame) -> Reading | Rejected:
        size = len(frame.octets)
        self.last_encrypted = frame
        if self._keys is None:
            return Rejected(RejectReason.NO_KEY, size)
        try:
            decrypted = decrypt(
                frame.octets, self._keys, self._inner.is_telegram, allow_not_verified=not self.memory.tag_verified
            )
        except (DecryptionError, AuthenticationError) as error:
            framer.resume(frame)
            wrong_key = isinstance(error, DecryptionError)
            return Rejected(RejectReason.DECRYPTION if wrong_key else RejectReason.AUTHENTICATION, size)
        title, counter = decrypted.system_title.hex(), frame_counter(frame.octets)
        if self._counters.is_another_title(title):
            return self._read_of_another(decrypted, title, counter, size)
        verdict = self._counters.judge(title, counter, self._now)
        if verdict is Verdict.REPLAYED:
            return Rejected(RejectReason.AUTHENTICATION, size)
        return self._read_inner(decrypted, size, is_restart=verdict is Verdict.RESTARTED)

    def _read_of_another(self, decrypted: Decrypted, title: str, counter: int, size: int) -> Reading | Rejected:
        """Read a telegram under another system title: another meter has another one, the same meter does not."""
        before = self.memory.main_meter
        reading = self._read_inner(decrypted, size)
        if isinstance(reading, Rejected):
            return reading
        is_same = self.memory.tells_apart and before == self.memory.main_meter
        verdict = self._counters.judge(title, counter, self._now, is_suspect=is_same)
        if verdict is Verdict.REPLAYED:
            self._interpreter.forget()
            return Rejected(RejectReason.AUTHENTICATION, size)
        return reading._replace(counter_restarted=verdict is Verdict.RESTARTED)

    def _read_inner(self, decrypted: Decrypted, size: int, *, is_restart: bool = False) -> Reading | Rejected:
        inner = self._inner.frame_in(decrypted.text)
        if inner is None:
            return Rejected(RejectReason.MALFORMED, size)
        reading = self._read(inner, decrypted)
        if isinstance(reading, Rejected):
            return replace(reading, size=size)
        if decrypted.authentication is not Authentication.NOT_VERIFIED:
            self.memory.tag_verified = True
        return reading._replace(counter_restarted=True) if is_restart else reading


class _InnerFramer:
    """Finds the telegrams in decrypted texts."""

    def __init__(self) -> None:
        self._framer = Framer()

    def frame_in(self, text: bytes) -> PlainFrame | None:
        """Return the telegram in a decrypted text; None if the text is not exactly one telegram."""
        # As a rule: one of the meter that sent the last one.
        found = alike(text, 0, self._framer.opening)
        if found is not None and len(found) + SEAL == len(text):
            return PlainFrame(found)
        self._framer.receive(text)
        while (event := self._framer.next_event(final=True)) is not None:
            # It ends with the telegram too: a length with a bit error opens more than one frame.
            if isinstance(event, PlainFrame) and text.startswith(event.text) and _END.fullmatch(text, len(event.text)):
                return event
        return None

    def is_telegram(self, text: bytes) -> bool:
        """Whether a decrypted text is a telegram with a right checksum."""
        frame = self.frame_in(text)
        return frame is not None and frame.has_crc


def fits(frame: EncryptedFrame, keys: Keys) -> Authentication:
    """Try keys on an encrypted frame, without touching the port, and return how far it is authenticated.

    Raises DecryptionError if the decryption key is wrong, AuthenticationError if the additional key is.
    """
    return decrypt(frame.octets, keys, _InnerFramer().is_telegram, allow_not_verified=True).authentication
