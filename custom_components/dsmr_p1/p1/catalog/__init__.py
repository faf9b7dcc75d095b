"""The catalog: the objects that meters send, as data, and the look-ups in it.

All of it is built once and immutable.
"""

from collections.abc import Mapping
import re
from types import MappingProxyType
from typing import Final

from ..cosem.obis import Obis
from .makers import MAKERS, X25_TELEGRAMS
from .meters import METER_TYPES
from .model import ChannelType, Level, MeterKind, MeterType, ObjectType, Quantity, Role
from .objects import DERIVED_CHANNELS, METER_OBJECTS, PORT_OBJECTS
from .uncatalogued import is_counted, on_any_channel, uncatalogued, uncatalogued_channel
from .versions import VERSION_CHANNELS, written_version

__all__ = [
    "CHANNELS", "CHANNEL_IDS", "CRC_VERSIONS", "DERIVED_CHANNELS", "DEVICE_TYPES", "HISTORY", "IDENTIFIERS",
    "IDENTIFIER_LETTERS", "MAKERS", "MEDIA", "METER_OBJECTS", "METER_TYPES", "PORT_IDS", "PORT_OBJECTS",
    "VERSION_CHANNELS", "X25_TELEGRAMS", "ChannelType", "Level", "MeterKind", "MeterType", "ObjectType", "Quantity",
    "Role", "candidates", "channel_type", "is_counted", "meter_type", "on_any_channel", "successors", "uncatalogued",
    "written_version",
]  # fmt: skip

# fmt: off
DEVICE_TYPES: Final[Mapping[int, MeterKind]] = MappingProxyType({
    2:  MeterKind.ELECTRICITY,
    3:  MeterKind.GAS,
    4:  MeterKind.HEATING,      # heat, measured at the outlet
    6:  MeterKind.WATER,        # warm water
    7:  MeterKind.WATER,
    10: MeterKind.COOLING,      # measured at the outlet
    11: MeterKind.COOLING,      # measured at the inlet
    12: MeterKind.HEATING,      # heat, measured at the inlet
    13: MeterKind.HEATING,      # heat and cooling in one meter
    21: MeterKind.WATER,        # hot water
    22: MeterKind.WATER,        # cold water
})
"""The device type of an M-Bus meter (EN 13757-3 table 3) -> its kind."""

MEDIA: Final[Mapping[int, MeterKind]] = MappingProxyType({
    5: MeterKind.HEATING,
    6: MeterKind.COOLING,
    7: MeterKind.GAS,
    8: MeterKind.WATER,
})
"""Value group A of the meters of DSMR 2 -> their kind. DSMR 2 has heat on 5 and cooling on 6, the reverse of IEC
62056-61."""

CRC_VERSIONS: Final[Mapping[str, int]] = MappingProxyType({"p1_version_output": 40, "p1_emucs_version_output": 0})
"""The objects that declare the version of a standard -> the first version whose telegrams always have a checksum."""

CHANNEL_IDS: Final[Mapping[tuple[str, Role, MeterKind], str]] = MappingProxyType({
    # The object               in a meter of this role and kind -> the channel, where it has another id than the object;
    # `[x]` in it stands for an M-Bus channel, without which the object keeps its own.
    **{("emeter_equipment_identifier", Role.MBUS, kind): "meter_equipment_identifier" for kind in MeterKind},
    ("emeter_equipment_identifier", Role.MBUS, MeterKind.GENERIC):          "gmeter_equipment_identifier",
    ("meter_equipment_identifier",  Role.MBUS, MeterKind.GENERIC):          "gmeter_equipment_identifier",
    ("emeter_equipment_identifier", Role.PORT, MeterKind.DEVICE):           "meter_equipment_identifier",
    ("meter_valve_switch_position", Role.MAIN, MeterKind.ELECTRICITY):      "emeter_switch_position",
    ("meter_valve_switch_position", Role.MBUS, MeterKind.ELECTRICITY):      "meter_switch_position",
    **{("emeter_switch_position", Role.MBUS, kind): "meter_switch_position" for kind in MeterKind},
    # Belgian meters report the switches of M-Bus channels without a meter: these belong to the port.
    ("emeter_switch_position", Role.PORT, MeterKind.DEVICE):                "mbus_switch_position[x]",
    # 0-n:24.2.3 is the uncorrected volume of a gas meter only; water has nothing to correct.
    **{(f"gmeter_last_value{part}", Role.MBUS, kind): f"m3meter_value{part}"
       for part in ("", "_timestamp") for kind in (MeterKind.WATER, MeterKind.GENERIC)},
})
# fmt: on

IDENTIFIER_LETTERS: Final[Mapping[str, MeterKind]] = MappingProxyType({"G": MeterKind.GAS, "W": MeterKind.WATER})
"""The start of the identifier of a Dutch meter (DSMR P1 annex: the code of the meter) -> its kind."""

IDENTIFIERS: Final = (
    "meter_equipment_identifier",
    "emeter_equipment_identifier",
    "gmeter_equipment_identifier_v2",
    "hmeter_equipment_identifier_v2_2",
    "cmeter_equipment_identifier_v2_2",
    "wmeter_equipment_identifier_v2_2",
    "emeter_equipment_identifier_v2_x",
    "meter_serial_number",
    "meter_number",
    "device_number",
)
"""The objects with the identifier of a meter, the most reliable first.

Of a meter that sends both, 0-0:96.1.0 is the serial number and 0-0:96.1.1 the model.
"""

HISTORY: Final = "_history"
"""The suffix of the channel ids of older values, if a meter sends several of one object: `<id>_history0` and on."""

PORT_IDS: Final = frozenset(row.id for row in PORT_OBJECTS)
"""The objects about the P1 port itself."""

# The objects by their references, without the channel where they may stand on any: those of the main meter and of the
# M-Bus, but for a few on a channel of their own, such as the second firmware.
_BY_REFERENCE: Final[dict[tuple[int | None, ...], tuple[ObjectType, ...]]] = {}
for _object in (*PORT_OBJECTS, *METER_OBJECTS):
    _obis = Obis.parse(_object.reference.replace("n", "0"))
    _reference = _obis if _obis.b or _object.id in PORT_IDS else _object.key
    _BY_REFERENCE[_reference] = (*_BY_REFERENCE.get(_reference, ()), _object)

# Channels that objects have under another id only.
_RENAMED: Final = (
    ChannelType("meter_switch_position", Quantity.POSITION, None, Level.DIAGNOSTIC, "switch_position"),
    ChannelType("mbus_switch_position[x]", Quantity.POSITION, None, Level.RARE, "mbus_switch_position", "[x]"),
    ChannelType("gmeter_equipment_identifier", Quantity.IDENTIFIER, None, Level.RARE, "equipment_identifier"),
)
CHANNELS: Final[Mapping[str, ChannelType]] = MappingProxyType({channel.id: channel for channel in (
    *(channel for row in (*PORT_OBJECTS, *METER_OBJECTS) for channel in (row.channel, *row.parts)),
    *_RENAMED,
    *DERIVED_CHANNELS,
)})  # fmt: skip
"""All channels by id; `[x]` in an id stands for the number of a list entry."""

_METER_TYPES: Final = {row.id: row for row in METER_TYPES}
_NUMBERED: Final = re.compile(r"(.*?)(\d+)")


def candidates(obis: Obis) -> tuple[ObjectType, ...]:
    """Return the objects that a reference may stand for: on any M-Bus channel, except for the port's own."""
    a, b, c, d, e, _ = obis
    return _BY_REFERENCE.get(Obis(a, b, c, d, e), ()) or _BY_REFERENCE.get((a, c, d, e), ())


def meter_type(type_id: str) -> MeterType | None:
    """Return the meter type of the specification with an id; None if the id is only a kind."""
    return _METER_TYPES.get(type_id)


def channel_type(channel_id: str) -> ChannelType:
    """Return the channel with an id, numbered list entries included. Raises KeyError if there is none."""
    if found := CHANNELS.get(channel_id) or uncatalogued_channel(channel_id):
        return found
    if (match := _NUMBERED.fullmatch(channel_id)) is None:
        raise KeyError(channel_id)
    name, number = match.groups()
    if pattern := CHANNELS.get(f"{name}[x]"):
        index = pattern.index.replace("[x]", number)
        return ChannelType(channel_id, pattern.quantity, pattern.unit, pattern.level, pattern.name, index)
    if name.endswith(HISTORY):
        base = channel_type(name.removesuffix(HISTORY))
        return ChannelType(channel_id, base.quantity, base.unit, Level.RARE, f"{base.name}_history", number)
    raise KeyError(channel_id)


def successors(channel_id: str, role: Role, kind: MeterKind) -> tuple[str, ...]:
    """Return the channels that an object without a row has become, in a meter of a role and kind, since it has rows."""
    if (found := uncatalogued_channel(channel_id)) is None:
        return ()
    rows = candidates(Obis.parse(found.index.replace("n", "1")))
    return tuple(CHANNEL_IDS.get((row.id, role, kind), row.id) for row in rows)
