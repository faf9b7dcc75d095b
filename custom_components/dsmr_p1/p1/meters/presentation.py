"""Presentation: converts the values as sent into values for display.

A value is scaled, exactly, to the unit of its channel; placeholders become None; impossible entries of the power
failure log are dropped, and the others renumbered. `Meter.channels` has the values as they were sent.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
import re
from typing import Final, NamedTuple

from ..catalog import HISTORY, ChannelType, Quantity, channel_type
from ..cosem.units import HOME_UNITS, Unit, convert, is_convertible
from ..cosem.values import CosemValue, Value, number_of_words
from ..telegrams.telegram import CLOCK_SET, is_placeholder
from .detection import Meter, is_identifier
from .limits import is_no_threshold

_STATES: Final = frozenset({Quantity.TARIFF, Quantity.POSITION})
_FAILURE: Final = "emeter_power_failure_log_"
_IMPOSSIBLE_DURATION: Final = 2**31 - 1
_HIDDEN: Final = re.compile(rf"{HISTORY}\d+")


class Presented(NamedTuple):
    """A channel for display: its row of the catalog, the value in the row's unit, and the time of the reading."""

    channel: ChannelType
    value: Value
    unit: Unit | None
    timestamp: datetime | None


def present(meter: Meter, last: tuple[Meter, Mapping[str, Presented]] | None = None) -> Mapping[str, Presented]:
    """Return the channels of a meter by id; none for a meter that is announced but not registered.

    `last` is the same meter as it was presented before: channels whose values are still the same objects are then the
    same objects too.
    """
    if not meter.profile.registered:
        return {}
    if last is not None and last[0].profile is meter.profile:
        before, presented = last
        if before is meter:
            return presented
        changed = [i for i, value in meter.channels.items() if value is not before.channels[i]]
        if not any(i.startswith(_FAILURE) for i in changed):
            return {**presented, **{i: _channel(meter, i) for i in changed if i in presented}}
    presented = {}
    log = False
    for channel_id in meter.channels:
        if channel_id.startswith(_FAILURE) and channel_id != f"{_FAILURE}entries":
            log = True
        elif not _HIDDEN.search(channel_id):
            presented[channel_id] = _channel(meter, channel_id)
    if log:
        presented.update((shown.channel.id, shown) for shown in _failure_log(meter))
    return presented


def _channel(meter: Meter, channel_id: str) -> Presented:
    value = meter.channels[channel_id]
    row = meter.profile.channel_types.get(channel_id) or channel_type(channel_id)
    is_none = f"{channel_id}_timestamp" in meter.channels and is_placeholder(value)
    return _present(row, value._replace(value=None) if is_none else value)


def _present(row: ChannelType, value: CosemValue) -> Presented:
    number = value.value
    if isinstance(number, str) and row.quantity in _STATES:
        number = number_of_words(number)
    unit = row.unit or (value.unit and HOME_UNITS.get(value.unit, value.unit))
    if value.unit is not None and (unit is None or not is_convertible(value.unit, unit)):
        unit = value.unit
    if not isinstance(number, Decimal):
        return Presented(row, None if _is_none(row, number) else number, unit, value.timestamp)
    if row.quantity.is_threshold and is_no_threshold(number):
        return Presented(row, None, row.unit, value.timestamp)
    if value.unit is not None and unit is not None:
        number = convert(number, value.unit, unit)
    return Presented(row, number, unit, value.timestamp)


def _is_none(row: ChannelType, value: Value) -> bool:
    """Whether a value is a placeholder: the time of a clock that was never set, an identifier of zeros or dashes."""
    if isinstance(value, datetime):
        return value.year < CLOCK_SET
    return row.quantity is Quantity.IDENTIFIER and isinstance(value, str) and not is_identifier(value)


def _failure_log(meter: Meter) -> Iterator[Presented]:
    """Return the possible entries: at a time when the clock was set, and shorter than an overflowed counter."""
    place = number = 0
    while (when := meter.channels.get(f"{_FAILURE}timestamp{place}")) is not None:
        duration = meter.channels[f"{_FAILURE}duration{place}"]
        place += 1
        is_set = isinstance(when.value, datetime) and when.value.year >= CLOCK_SET
        if is_set and isinstance(duration.value, Decimal) and duration.value < _IMPOSSIBLE_DURATION:
            yield _present(channel_type(f"{_FAILURE}timestamp{number}"), when)
            yield _present(channel_type(f"{_FAILURE}duration{number}"), duration)
            number += 1
