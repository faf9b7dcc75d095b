"""Captures: the last telegrams of a port as they came, good and bad, in a form in which they can be passed on.

A capture is given as text, to the letter, or in base64 where it is none. Saved to a file it is what the port sent:
`scripts/inspect` reads it and `scripts/simulate --telegram` plays it. Of an encrypted telegram it is the text inside.

Before it is passed on to a stranger, what identifies a household is replaced by `p1.anonymise`, and whatever may do so
is masked here, digit by digit and letter by letter: the values of objects that are not known, and the pieces of lines
of which the reference was lost.
"""

from base64 import b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
import re
from typing import Final

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..p1 import Obis, Quantity, Reading, Rejected, RejectReason
from ..p1.anonymise import anonymise
from ..p1.catalog import candidates
from ..p1.checksums import telegram_checksums

MOST_GOOD: Final = 3
MOST_BAD: Final = 5

_PRIVATE: Final = frozenset({Quantity.IDENTIFIER, Quantity.TEXT})
_VALUES: Final = re.compile(r"(?:\([^()]*\)|\(\([^()]*\)\))+[ \x00]*")
_VALUE: Final = re.compile(r"(?<=\()[^()]*(?=\))")
_DIGIT: Final = re.compile(r"[0-9]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_HEXADECIMAL: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){4,}\)?")
_HEXADECIMAL_DIGIT: Final = re.compile(r"[0-9A-Fa-f]")
_ENDS: Final = re.compile(r"(/.*|![0-9A-Fa-f]{0,4}[ \x00]*|\([0-9]{1,8}[.,][0-9]+\)|[ \x00]*)")
"""The first line, the last, a blank one, and the number that stands on a line of its own in DSMR 3."""
_MOMENT: Final = r"[0-9]{2}(?:0[0-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[01][0-9]|2[0-4])[0-5][0-9][0-5][0-9]"
_REFERENCE: Final = r"[0-9]{1,3}-[0-9]{1,3}:[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_PLAIN_REFERENCE: Final = re.compile(rf"{_REFERENCE}(?:[.*][0-9]{{1,3}})?")
_UNIT: Final = r"[^0-9*]{1,6}[23]?"
_ANYWHERE: Final = rf"{_MOMENT}[WS]|{_REFERENCE}"
# The values that stay, of objects that are known to be nobody's secret, and of those that are not known at all.
_PUBLIC: Final = re.compile(
    rf"|-?[0-9]{{1,10}}(?:[.,][0-9]+)?(?:\*{_UNIT})?|-?[0-9]{{1,10}}[.,][0-9]+ ?{_UNIT}|{_ANYWHERE}|{_MOMENT}"
    r"|[0-9]{12}[WS]|[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}|.{1,8}"
)
_HARMLESS: Final = re.compile(rf"|-?[0-9]{{1,8}}(?:[.,][0-9]+)?\*{_UNIT}|{_ANYWHERE}|.{{1,4}}")
_ENVELOPE_START: Final = b"\xdb\x08"
_SYSTEM_TITLE: Final = re.compile(rb"(?<=\xDB\x08)[\x00-\xFF]{1,8}")
_SHOWN_OF_OTHERS: Final = 32
"""Bytes that tell another protocol, and not yet who is speaking."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A telegram, or what looked like one, and when it came."""

    event: Reading | Rejected
    received: datetime

    def as_dict(self, secret: bytes | None) -> JsonObjectType:
        """Give the capture as it is, or anonymised with a secret.

        There is neither text nor base64 where an encrypted telegram could not be opened.
        """
        rejected = self.event if isinstance(self.event, Rejected) else None
        octets = self._octets if secret is None else self._shareable(secret)
        shown: JsonObjectType = {
            "received": self.received.isoformat(),
            "reason": None if rejected is None else rejected.reason.value,
            "authentication": None if isinstance(self.event, Rejected) else self.event.authentication,
            "bytes": len(octets) if rejected is None else rejected.size,
        }
        if octets.isascii():
            shown["text"] = octets.decode("ascii") or None
        else:
            shown["base64"] = b64encode(octets).decode("ascii")
        return shown

    @property
    def _octets(self) -> bytes:
        if isinstance(self.event, Rejected):
            octets = self.event.octets
            # A line end tells it from the next telegram.
            is_open = octets and self.event.reason is not RejectReason.NOT_P1 and not octets.endswith((b"\r", b"\n"))
            return octets + b"\r\n" if is_open else octets
        telegram = self.event.telegram
        return _closed(telegram.text, has_crc=telegram.has_crc)

    def _shareable(self, secret: bytes) -> bytes:
        if isinstance(self.event, Reading):
            telegram = self.event.telegram
            # Closed anew, so that the checksum is right before identifiers are replaced, and hence afterwards.
            return anonymise(_closed(_masked(telegram.text), has_crc=telegram.has_crc), secret)
        if self.event.reason is RejectReason.NOT_P1 or self.event.octets.startswith(_ENVELOPE_START):
            return self.event.octets.partition(_ENVELOPE_START)[0][:_SHOWN_OF_OTHERS]
        return anonymise(_masked(_SYSTEM_TITLE.sub(b"", self._octets)), secret)


class Captures:
    """The last telegrams of a port."""

    def __init__(self) -> None:
        """Start with none."""
        self.good: deque[Capture] = deque(maxlen=MOST_GOOD)
        self.bad: deque[Capture] = deque(maxlen=MOST_BAD)
        self._listeners: list[Callable[[Capture], None]] = []

    @callback
    def add(self, event: object) -> None:
        """Keep what came from the port, where it is a telegram or was taken for one, and pass it on."""
        if not isinstance(event, (Reading, Rejected)):
            return
        capture = Capture(event, dt_util.utcnow())
        (self.bad if isinstance(event, Rejected) else self.good).append(capture)
        for listener in self._listeners:
            listener(capture)

    @callback
    def subscribe(self, listener: Callable[[Capture], None]) -> CALLBACK_TYPE:
        """Have every capture passed on from now on; give what ends that."""
        self._listeners = [*self._listeners, listener]

        @callback
        def unsubscribe() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return unsubscribe


def masked_line(line: str) -> str:
    """Mask what of a line may be private and is no value of an object that is known to be.

    Those are left as they are: `p1.anonymise` replaces them by others that look the same.
    """
    if _ENDS.fullmatch(line):
        return line
    reference, parenthesis, values = line.partition("(")
    try:
        rows = candidates(Obis.parse(reference.strip()))
    except ValueError:
        return _mask(line)
    is_private = any(row.channel.quantity in _PRIVATE for row in rows)
    if is_private and not _PLAIN_REFERENCE.fullmatch(reference):
        return reference + _mask(parenthesis + values)
    values = parenthesis + values
    is_whole = _VALUES.fullmatch(values) is not None
    kept = ""
    if is_private:
        # The first value is left to be replaced, also where it goes on in the next line.
        first, end, values = values.partition(")")
        kept = first + end
    if not is_whole:
        return reference + kept + _mask(values)
    harmless = _PUBLIC if rows and not is_private else _HARMLESS
    masked = _VALUE.sub(lambda value: value[0] if harmless.fullmatch(value[0]) else _mask(value[0]), values)
    return reference + kept + masked


def _masked(octets: bytes) -> bytes:
    """Mask the lines of a telegram, whole or damaged; the line ends stay."""
    pieces = re.split(r"([\r\n]+)", octets.decode("latin-1"))
    return "".join([piece if number % 2 else masked_line(piece) for number, piece in enumerate(pieces)]).encode(
        "latin-1"
    )


def _mask(text: str) -> str:
    if _HEXADECIMAL.fullmatch(text):
        # A text spelled in hexadecimal digits stays one.
        return _HEXADECIMAL_DIGIT.sub("5", text)
    return _LETTER.sub("X", _DIGIT.sub("0", text))


def _closed(text: bytes, *, has_crc: bool) -> bytes:
    """Give a telegram with its last line: a checksum is computed anew, as only right ones are ever read."""
    checksum = b"%04X" % next(telegram_checksums(text)) if has_crc else b""
    return text + checksum + b"\r\n"
