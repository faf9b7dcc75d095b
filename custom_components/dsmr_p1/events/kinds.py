"""The kinds of events, as a table: which channels show that something happened, and what they say of it.

A meter sends no events: it counts them, and keeps a list of the long power failures. So an event is what differs from
what was seen before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from homeassistant.components.event import EventEntityDescription

from ..p1 import Presented
from ..storage.store import Seen

LIST: Final = "power_failure_log_entries"
"""The name of the channel that is there where a meter sends a list of its long power failures, be it empty."""


class Event(NamedTuple):
    """Something that happened: the type of the event, and the facts."""

    type: str
    facts: dict[str, Any]


class Change(NamedTuple):
    """What was seen of a meter before, and its channels as they are now.

    `low_tariff` is the number of the tariff for the cheap hours, None where the numbers have no such meaning.
    """

    before: Seen
    channels: Mapping[str, Presented]
    low_tariff: int | None

    def changed(self, *names: str) -> Iterator[tuple[Presented, str, str]]:
        """Return the channels with one of these names that show something else now, with what they showed and show."""
        for channel_id, shown in self.channels.items():
            before = self.before.values.get(channel_id)
            if shown.channel.name in names and before is not None and before != text_of(shown):
                yield shown, before, text_of(shown)

    def risen(self, name: str) -> int:
        """Return by how much a counter has risen; 0 where it was reset, or is seen for the first time."""
        return sum(_rise(before, now) for _, before, now in self.changed(name))


def _rise(before: str, now: str) -> int:
    return max(0, int(now) - int(before)) if before.isdecimal() and now.isdecimal() else 0


def failures(channels: Mapping[str, Presented]) -> dict[str, tuple[datetime, int]]:
    """Return the entries of a meter's list of long power failures: when power came back, and the seconds without.

    The keys tell them apart, also when it turns out that the meter's clock is that of another time zone.
    """
    ends = [shown.value for shown in channels.values() if shown.channel.name == "power_failure_log_timestamp"]
    durations = [shown.value for shown in channels.values() if shown.channel.name == "power_failure_log_duration"]
    return {
        f"{end.replace(tzinfo=None).isoformat()} {duration}": (end, int(duration))
        for end, duration in zip(ends, durations, strict=True)
        if isinstance(end, datetime) and isinstance(duration, Decimal)
    }


@dataclass(frozen=True, kw_only=True)
class EventDescription(EventEntityDescription):
    """A kind of events. `channels` are the names of the channels that show them, `find` works out what happened."""

    channels: frozenset[str]
    find: Callable[[Change], Iterator[Event]]


def text_of(shown: Presented) -> str:
    """Return what a channel shows as text, as it is stored; nothing where it shows nothing."""
    return "" if shown.value is None else str(shown.value)


def _messages(change: Change) -> Iterator[Event]:
    """Return the message that is new: its text, and the code that came with it."""
    text = "\n".join(now for _, _, now in change.changed("text_message", "text_message_number") if now)
    code = "".join(now for _, _, now in change.changed("text_code"))
    if text or code:
        yield Event("received", {"message": text or code} | ({"code": code} if code else {}))


def _power_failures(change: Change) -> Iterator[Event]:
    """Return the power failures that are new: the long ones as the meter's list tells them, and how many others.

    Every long failure is among all failures. One that the meter counted but did not list has no time.
    """
    listed = change.before.failures
    new = [] if listed is None else sorted(one for key, one in failures(change.channels).items() if key not in listed)
    for ended, seconds in new:
        started = ended - timedelta(seconds=seconds)
        facts = {"started": started.isoformat(), "ended": ended.isoformat(), "duration": seconds, "count": 1}
        yield Event("long_power_failure", facts)
    long = max(change.risen("long_power_failures"), len(new))
    if long > len(new):
        yield Event("long_power_failure", {"count": long - len(new)})
    others = change.risen("power_failures") - long
    if others > 0:
        yield Event("power_failure", {"count": others})


def _voltage(change: Change) -> Iterator[Event]:
    """Return the sags and swells that are new, a phase at a time, with how long and how deep the last one was."""
    for event_type in ("sag", "swell"):
        for shown, before, now in change.changed(f"voltage_{event_type}s"):
            risen = _rise(before, now)
            if risen:
                phase = shown.channel.index
                measured = {
                    fact: float(other.value)
                    for other in change.channels.values()
                    for name, fact in (("duration", "duration"), ("magnitude", "voltage"))
                    if other.channel.name == f"voltage_{event_type}_{name}"
                    and other.channel.index == phase
                    and isinstance(other.value, Decimal)
                }
                yield Event(event_type, {"phase": phase, "count": risen, **measured})


def _tariffs(change: Change) -> Iterator[Event]:
    """Return the tariff that is in force now, and the one before; which is the cheap one, where that is known."""
    for _, before, now in change.changed("tariff"):
        facts = {"tariff": now, "previous_tariff": before}
        if change.low_tariff is not None and now in _RATES:
            facts["rate"] = "low" if now == str(change.low_tariff) else "normal"
        yield Event("changed", facts)


_RATES: Final = ("1", "2")

EVENTS: Final = (
    EventDescription(
        key="message",
        event_types=["received"],
        channels=frozenset({"text_message", "text_message_number", "text_code"}),
        find=_messages,
    ),
    EventDescription(
        key="power_failure",
        event_types=["power_failure", "long_power_failure"],
        channels=frozenset({"power_failures", "long_power_failures", LIST}),
        find=_power_failures,
    ),
    EventDescription(
        key="voltage_disturbance",
        event_types=["sag", "swell"],
        channels=frozenset({"voltage_sags", "voltage_swells"}),
        find=_voltage,
    ),
    EventDescription(
        key="tariff_change",
        event_types=["changed"],
        channels=frozenset({"tariff"}),
        find=_tariffs,
    ),
)
"""All kinds of events; a meter has those of which it sends a channel."""

DETAILS: Final = frozenset(
    {
        "power_failure_log_timestamp",
        "power_failure_log_duration",
        "voltage_sag_duration",
        "voltage_sag_magnitude",
        "voltage_swell_duration",
        "voltage_swell_magnitude",
    }
)
"""The names of the channels that say more of an event, and show none by themselves."""
WATCHED: Final = DETAILS.union(*(description.channels for description in EVENTS))
"""The names of all channels that have to do with events."""
