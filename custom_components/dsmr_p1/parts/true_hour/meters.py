"""Which meters of a port have true hours: those whose readings have a time of their own, an hour apart or more."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from ...p1 import Meter, MeterKind, Quantity, Reading, channel_type
from ...port.state import Port
from ...storage.store import KnownMeter
from .settings import PRICES

SHORTEST_GAP: Final = timedelta(minutes=50)
"""Between two readings of an hourly meter, some of which are not punctual; others are read every five minutes."""
_OLD: Final = timedelta(minutes=15)
"""The age that a reading of a meter that is read every five minutes does not reach, even if two readings are lost."""
_DEAD: Final = timedelta(days=7)
"""The age of the last reading of a meter that is no longer there; the slowest are read once a day."""
_HOURLY: Final = 3600
_REGISTERS: Final = (Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER)
_WARMTH: Final = ("heat", "energy")


def register_of(meter: Meter) -> str | None:
    """Return the channel of the register that a bill goes by, if its readings have a time; None if there is none.

    Of a heat meter that is its energy, and not the volume of its water.
    """
    found = [
        channel_id
        for channel_id, row in meter.profile.channel_types.items()
        if row.quantity in _REGISTERS and f"{channel_id}_timestamp" in meter.channels
    ]
    return min(found, key=lambda channel_id: _rank(meter, channel_id), default=None)


def _rank(meter: Meter, channel_id: str) -> tuple[bool, bool]:
    unit = meter.channels[channel_id].unit
    is_thermal = meter.profile.kind in (MeterKind.HEATING, MeterKind.COOLING)
    is_of_water = is_thermal and unit is not None and unit.dimension not in _WARMTH
    return is_of_water, channel_type(channel_id).name != "reading"


def is_slow_type(known: KnownMeter) -> bool:
    """Whether a meter of this type is read once an hour or less often by its standard."""
    return known.type is not None and known.type.refresh is not None and known.type.refresh >= _HOURLY


def slow_kinds(port: Port, reading: Reading) -> set[MeterKind]:
    """Return the kinds of the meters in a telegram that have true hours.

    A meter of a type that may be read every five minutes is one of them if its reading is too old for that.
    """
    found: set[MeterKind] = set()
    now = reading.telegram.timestamp
    for meter in reading.meters:
        known, channel_id = port.meters.get(meter.profile.slot), register_of(meter)
        if known is None or known.kind not in PRICES or channel_id is None:
            continue
        value = meter.channels[channel_id]
        if value.timestamp is None or not isinstance(value.value, Decimal):
            continue
        age = timedelta() if now is None else now - value.timestamp
        if age < _DEAD and (is_slow_type(known) or age >= _OLD):
            found.add(known.kind)
    return found
