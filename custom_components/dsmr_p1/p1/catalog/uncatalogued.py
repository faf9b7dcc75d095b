"""Objects outside the catalog: a number with a unit still becomes a channel.

Its id is the reference, so that it stays the same from telegram to telegram and from start to start. Only its unit is
known, not its meaning.
"""

import re
from typing import Final

from ..cosem.obis import Obis
from ..cosem.values import Shape
from .model import ChannelType, Level, ObjectType, Quantity

_BALANCES: Final = ("16", "36", "56", "76")
_ID: Final = re.compile(r"obis_([0-9]{1,3})_([0-9]{1,3}|n)_([0-9]{1,3})_([0-9]{1,3})_([0-9]{1,3})")


def uncatalogued(obis: Obis) -> tuple[ObjectType, ...]:
    """Return the row of an object outside the catalog; none for a register of an earlier period."""
    if obis.f is not None:
        return ()
    reference = str(obis)
    channel_id = "_".join(("obis", *re.split("[-:.]", reference)))
    return (ObjectType(channel_id, reference, Shape.MEASURED, _channel(channel_id, reference)),)


def uncatalogued_channel(channel_id: str) -> ChannelType | None:
    """Return the row of such a channel from its id alone; None if the id is not one of them."""
    if (match := _ID.fullmatch(channel_id)) is None:
        return None
    a, b, c, d, e = match.groups()
    return _channel(channel_id, f"{a}-{b}:{c}.{d}.{e}")


def _channel(channel_id: str, reference: str) -> ChannelType:
    return ChannelType(channel_id, Quantity.MEASURED, None, Level.RARE, "uncatalogued", reference)


def is_counted(channel_id: str) -> bool:
    """Whether such a channel is a total where its unit is that of one.

    Of electricity (1) that is time integral 1 (D is 8) alone, and no balance of import and export (IEC 62056-6-1, value
    groups D and C): the others are counted anew in every period, or fall.
    """
    if (match := _ID.fullmatch(channel_id)) is None:
        return False
    a, _, c, d, _ = match.groups()
    return a != "1" or (d == "8" and c not in _BALANCES)


def on_any_channel(channel_id: str) -> str:
    """Return the id of such a channel in a meter on the M-Bus: the same on whatever channel the meter stands."""
    match = _ID.fullmatch(channel_id)
    if match is None or match[2] == "0":
        return channel_id
    return f"{channel_id[: match.start(2)]}n{channel_id[match.end(2) :]}"
