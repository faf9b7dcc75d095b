"""The kinds of events, as a table: the channels that show an event, and how its attributes are read.

A meter sends no events: it counts them, and keeps a list of the long power failures. So an event is a difference from
the state before.
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
"""The name of the channel that exists if a meter sends a list of its long power failures, even an empty one."""


class Event(NamedTuple):
    """An event: its type and its attributes."""

    type: str
    facts: dict[str, Any]


class Change(NamedTuple):
    """The state of a meter before, and its channels now.

    `low_tariff` is the number of the tariff for the cheap hours, None if the numbers have no such meaning.
    """

    before: Seen
    channels: Mapping[str, Presented]
    low_tariff: int | None

    def changed(self, *names: str) -> Iterator[tuple[Presented, str, str]]:
        """Yield the channels with one of these names that have changed, with the values before and now."""
        for channel_id, shown in self.channels.items():
            before = self.before.values.get(channel_id)
            if shown.channel.name in names and before is not None and before != text_of(shown):
                yield shown, before, text_of(shown)

    def risen(self, name: str) -> int:
        """Return the increase of a counter; 0 if it was reset or is new."""
        return sum(_rise(before, now) for _, before, now in self.changed(name))


def _rise(before: str, now: str) -> int:
    return max(0, int(now) - int(before)) if before.isdecimal() and now.isdecimal() else 0


def failures(channels: Mapping[str, Presented]) -> dict[str, tuple[datetime, int]]:
    """Return the entries of a meter's list of long power failures: the end, and the duration in seconds.

    The keys identify them even if the meter's clock turns out to be in another time zone.
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
    """A kind of event. `channels` are the names of the channels that show it, `find` detects the events."""

    channels: frozenset[str]
    find: Callable[[Change], Iterator[Event]]


def text_of(shown: Presented) -> str:
    """Return the value of a channel as stored text; empty if it has none."""
    return "" if shown.value is None else str(shown.value)


def _messages(change: Change) -> Iterator[Event]:
    """Yield the new message: its text, and the code that came with it."""
    text = "\n".join(now for _, _, now in change.changed("text_message", "text_message_number") if now)
    code = "".join(now for _, _, now in change.changed("text_code"))
    if text or code:
        yield Event("received", {"message": text or code} | ({"code": code} if code else {}))


def _power_failures(change: Change) -> Iterator[Event]:
    """Yield the new power failures: the long ones as listed by the meter, and the number of others."""
    listed = change.before.failures
    new = [] if listed is None else sorted(one for key, one in failures(change.channels).items() if key not in listed)
    for ended, seconds in new:
        started = ended - timedelta(seconds=seconds)
        facts = {"started": started.isoformat(), "ended": ended.isoformat(), "duration": seconds, "count": 1}
        yield Event("long_power_failure", facts)
    long = max(change.risen("long_power_failures"), len(new))
    if long > len(new):
        # Counted but not listed: without a time.
        yield Event("long_power_failure", {"count": long - len(new)})
    # The counter of all failures includes the long ones.
    others = change.risen("power_failures") - long
    if others > 0:
        yield Event("power_failure", {"count": others})


def _voltage(change: Change) -> Iterator[Event]:
    """Yield the new sags and swells of each phase, with duration and depth of the last one."""
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
    """Yield a change of the tariff, with the tariff now and before, and whether it is the low one if known."""
    for _, before, now in change.changed("tariff"):
        facts = {"tariff": now, "previous_tariff": before}
        if change.low_tariff is not None and now in ("1", "2"):
            facts["rate"] = "low" if now == str(change.low_tariff) else "normal"
        yield Event("changed", facts)


# fmt: off
EVENTS: Final = (
    EventDescription(key="message", event_types=["received"], find=_messages,
                     channels=frozenset({"text_message", "text_message_number", "text_code"})),
    EventDescription(key="power_failure", event_types=["power_failure", "long_power_failure"], find=_power_failures,
                     channels=frozenset({"power_failures", "long_power_failures", LIST})),
    EventDescription(key="voltage_disturbance", event_types=["sag", "swell"], find=_voltage,
                     channels=frozenset({"voltage_sags", "voltage_swells"})),
    EventDescription(key="tariff_change", event_types=["changed"], find=_tariffs, channels=frozenset({"tariff"})),
)
# fmt: on
"""All kinds of events; a meter has those for which it sends a channel."""

DETAILS: Final = frozenset({
    "power_failure_log_timestamp", "power_failure_log_duration",
    "voltage_sag_duration", "voltage_sag_magnitude", "voltage_swell_duration", "voltage_swell_magnitude",
})  # fmt: skip
"""The names of the channels that add details to an event and do not show one by themselves."""
WATCHED: Final = DETAILS.union(*(description.channels for description in EVENTS))
"""The names of all channels related to events."""
