"""Follows the telegrams of a port, and passes on the events of its meters.

The state of a meter in its first telegram is not an event. The last state is stored, so that events during a stop of
Home Assistant, such as a power failure, are passed on with the first telegram.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from homeassistant.core import CALLBACK_TYPE

from ..p1 import CosemValue, Meter, MeterProfile, Quantity, Reading, Role, channel_type, present
from ..p1.meters.identity import identity_of, is_another
from ..port.captures import Capture
from ..port.state import Port
from ..storage.store import KnownMeter, Seen
from .kinds import DETAILS, EVENTS, LIST, WATCHED, Change, Event, EventDescription, failures, text_of

_MOST_WAITING: Final = 10
"""The most events of one kind that are kept for an entity that does not exist yet."""

type _Key = tuple[str, str]
"""The slot of a meter, and the key of a kind of events."""


class _Last(NamedTuple):
    """The last telegram of a meter: its profile, the channels related to events, and their values."""

    profile: MeterProfile
    watched: tuple[str, ...]
    values: tuple[CosemValue | None, ...]


def kinds_of(meter: KnownMeter) -> Iterator[EventDescription]:
    """Yield the kinds of events of a meter; none for M-Bus meters, which only count."""
    if meter.role is not Role.MBUS:
        names = {channel_type(channel_id).name for channel_id in meter.channels}
        yield from (description for description in EVENTS if description.channels & names)


class Follower:
    """Compares each telegram of a port with the one before."""

    def __init__(self, port: Port) -> None:
        self._port = port
        port.record.seen = {slot: seen for slot, seen in port.record.seen.items() if slot in port.meters}
        self._last: dict[str, _Last] = {}
        self._listeners: dict[_Key, Callable[[Event], None]] = {}
        self._waiting: dict[_Key, deque[Event]] = {}

    def listen(self, slot: str, key: str, listener: Callable[[Event], None]) -> CALLBACK_TYPE:
        """Call a listener with the events of one kind of a meter, beginning with those that came before it subscribed.

        Returns the function that removes the listener.
        """
        self._listeners[slot, key] = listener
        for event in self._waiting.pop((slot, key), ()):
            listener(event)
        return partial(self._listeners.__delitem__, (slot, key))

    def take(self, capture: Capture) -> None:
        """Compare a telegram, without counters that are held back."""
        if isinstance(capture.event, Reading) and self._port.reading is not None:
            for meter in self._port.reading.meters:
                if meter.profile.role is not Role.MBUS and self._is_news(meter):
                    self._compare(meter, self._port.reading.system_title)

    def _is_news(self, meter: Meter) -> bool:
        """Whether anything related to events has changed since the last telegram, which is rare."""
        slot, profile = meter.profile.slot, meter.profile
        last = self._last.get(slot)
        if last is None or last.profile is not profile:
            names = profile.channel_types.items()
            last = _Last(profile, tuple(channel_id for channel_id, row in names if row.name in WATCHED), ())
        values = tuple(map(meter.channels.get, last.watched))
        if values == last.values:
            return False
        self._last[slot] = last._replace(values=values)
        return True

    def _compare(self, meter: Meter, system_title: bytes | None) -> None:
        profile, seen = meter.profile, self._port.record.seen
        identity = identity_of(meter, system_title)
        channels = {channel_id: shown for channel_id, shown in present(meter).items() if shown.channel.name in WATCHED}
        before = seen.get(profile.slot)
        if before is None or is_another(before.identifier, identity):
            before = Seen(identity, {})
        has_list = any(shown.channel.name == LIST for shown in channels.values())
        values = {
            channel_id: text_of(shown)
            for channel_id, shown in channels.items()
            # A counter without value waits for a second telegram; its last value is kept until then.
            if shown.channel.name not in DETAILS
            and not (shown.value is None and shown.channel.quantity is Quantity.COUNTER)
        }
        seen[profile.slot] = Seen(
            identity or before.identifier,
            {**before.values, **values},
            frozenset(failures(channels)) if has_list else before.failures,
        )
        known = self._port.meters.get(profile.slot)
        change = Change(before, channels, None if known is None else known.low_tariff)
        for description in EVENTS:
            for event in description.find(change):
                self._pass_on((profile.slot, description.key), event)

    def _pass_on(self, key: _Key, event: Event) -> None:
        listener = self._listeners.get(key)
        if listener is not None:
            listener(event)
        else:
            self._waiting.setdefault(key, deque(maxlen=_MOST_WAITING)).append(event)
