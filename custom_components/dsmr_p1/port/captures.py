"""Captures: the last telegrams of a port as received, good and bad, in a form that can be passed on.

A capture is the exact text, or base64 if it is not text. Saved to a file it has the bytes that the port sent:
`scripts/inspect` reads it and `scripts/simulate --telegram` plays it. For an encrypted telegram it is the text inside.

To share it with others, identifiers of a household are replaced, and possible ones are masked: see `p1.masking`.
"""

from base64 import b64encode
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..p1 import Reading, Rejected
from ..p1.masking import octets_of, shareable
from ..p1.reader import Superseded

MOST_GOOD: Final = 3
MOST_BAD: Final = 5


class Capture(NamedTuple):
    """A telegram, or bytes that looked like one, and the time it came.

    Of telegrams that came at once, as after a stall, only the newest is shown (`is_newest`).
    """

    event: Reading | Rejected
    received: datetime
    is_newest: bool = True

    def as_dict(self, secret: bytes | None) -> JsonObjectType:
        """Return the capture as it is, or anonymised with a secret.

        There is neither text nor base64 if an encrypted telegram could not be decrypted.
        """
        rejected = self.event if isinstance(self.event, Rejected) else None
        octets = octets_of(self.event) if secret is None else shareable(self.event, secret)
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


class Captures:
    """The last telegrams of a port."""

    def __init__(self) -> None:
        self.good: deque[Capture] = deque(maxlen=MOST_GOOD)
        self.bad: deque[Capture] = deque(maxlen=MOST_BAD)
        self._listeners: list[Callable[[Capture], None]] = []

    @callback
    def add(self, event: object) -> None:
        """Store a telegram, or bytes taken for one, and call the listeners."""
        is_newest = not isinstance(event, Superseded)
        event = event.reading if isinstance(event, Superseded) else event
        if not isinstance(event, (Reading, Rejected)):
            return
        capture = Capture(event, dt_util.utcnow(), is_newest)
        (self.bad if isinstance(event, Rejected) else self.good).append(capture)
        for listener in self._listeners:
            listener(capture)

    @callback
    def subscribe(self, listener: Callable[[Capture], None]) -> CALLBACK_TYPE:
        """Call a listener with every further telegram, good or bad; return the function that removes the listener."""
        self._listeners = [*self._listeners, listener]

        @callback
        def unsubscribe() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return unsubscribe
