"""Grouping: assigns the objects of a telegram to meters, and determines the type of each meter.

The references say where an object belongs: to the port itself, to the main meter, to a channel of the M-Bus, or, in
DSMR 2, to a medium. The kind of the meter on an M-Bus channel follows from its device type (0-n:24.1.0), and the
quantity from the unit: never from the reference alone, since the same reference is gas in one country and water in
another. Its type is then the one of the specification's types of that kind whose required objects are all there; of
several, the one with the most; of equals, the first of the table. Where none fits, the type is the kind.

An M-Bus channel is announced but not registered where it has no reading, or a zero with the time of a clock that was
not set. An identifier alone decides nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from .. import catalog
from ..catalog import MeterKind, MeterType, ObjectType, Quantity, Role
from ..cosem.units import Unit, is_convertible
from ..cosem.values import Shape
from ..telegrams.telegram import REGISTERS, CosemObject, is_placeholder

PORT_SLOT: Final = "p1"
MAIN_SLOT: Final = "electricity"


@dataclass(slots=True)
class Group:
    """The objects that belong to one meter whose type is not determined yet."""

    slot: str
    role: Role
    mbus_channel: int
    kind: MeterKind | None
    members: list[int]


def group_objects(objects: Sequence[CosemObject]) -> tuple[dict[str, Group], list[int]]:
    """Sort the objects by the meter they belong to."""
    groups = {PORT_SLOT: Group(PORT_SLOT, Role.PORT, -1, MeterKind.DEVICE, [])}
    unknown: list[int] = []
    electric = {obj.obis.b for obj in objects if obj.obis.a == 1 and obj.quantity is Quantity.ENERGY}
    # The main meter is on channel 0, or on 1 in countries that count it as the first of the meters.
    slaves = electric - {0 if 0 in electric else min(electric, default=0)}

    def add(line: int, slot: str, role: Role, mbus_channel: int, kind: MeterKind | None) -> None:
        group = groups.setdefault(slot, Group(slot, role, mbus_channel, kind, []))
        group.members.append(line)
        group.kind = group.kind or kind

    for line, obj in enumerate(objects):
        a, b = obj.obis.a, obj.obis.b
        if not obj.candidates:
            unknown.append(line)
        elif obj.id in catalog.PORT_IDS:
            groups[PORT_SLOT].members.append(line)
        elif a in catalog.MEDIA and b == 0:
            add(line, catalog.MEDIA[a], Role.MBUS, 0, catalog.MEDIA[a])
        elif b == 0 or (a == 1 and b not in slaves):
            add(line, MAIN_SLOT, Role.MAIN, 0, MeterKind.ELECTRICITY)
        else:
            add(line, f"mbus_{b}", Role.MBUS, b, catalog.MEDIA.get(a))
    for slot, group in list(groups.items()):
        if group.role is Role.MBUS and all(objects[line].id == "emeter_switch_position" for line in group.members):
            # A switch alone is no meter.
            groups[PORT_SLOT].members += groups.pop(slot).members
    if MAIN_SLOT in groups and not any(objects[line].obis.a == 1 for line in groups[MAIN_SLOT].members):
        # No electricity here: the other objects are about the device with the port, as the identifier of a Warmtelink.
        groups[PORT_SLOT].members += groups.pop(MAIN_SLOT).members
    _give_fixed_channels(objects, groups)
    return groups, unknown


def _give_fixed_channels(objects: Sequence[CosemObject], groups: dict[str, Group]) -> None:
    """Move the meters of a medium to the fixed M-Bus channel of their type, if it has one (ACE4000)."""
    for type_ in catalog.METER_TYPES:
        channel, kind = type_.mbus_channel, min(type_.kinds)
        group = groups.get(kind)
        if not channel or group is None or not type_.role is group.role is Role.MBUS:
            continue
        companion = groups.get(f"mbus_{channel}")
        others = [] if companion is None else companion.members
        if any(objects[line].quantity in REGISTERS for line in others):
            others = []
        both = Group(f"mbus_{channel}", Role.MBUS, channel, kind, [*group.members, *others])
        names = {row.id for line in both.members if (row := choose_row(objects[line], kind)) is not None}
        if best_type(both, kind, names, "") is type_ and best_type(group, kind, names, "") is None:
            del groups[kind]
            groups[both.slot] = both


def kind_of(objects: Sequence[CosemObject]) -> MeterKind:
    """Return the kind of an M-Bus meter: from its device type, else its identifier, else from what it measures."""
    for obj in objects:
        code = obj.values[0].value
        if obj.id == "meter_device_type" and isinstance(code, Decimal) and int(code) in catalog.DEVICE_TYPES:
            return catalog.DEVICE_TYPES[int(code)]
    return _kind_by_identifier(objects) or _kind_by_unit(objects)


def _kind_by_unit(objects: Sequence[CosemObject]) -> MeterKind:
    for obj in objects:
        for row in obj.candidates:
            unit, quantity = obj.values[0].unit, row.channel.quantity
            if quantity not in REGISTERS or not unit or not row.unit or not is_convertible(unit, row.unit):
                continue
            if quantity is Quantity.ENERGY:
                return MeterKind.ELECTRICITY
            if quantity is Quantity.HEAT:
                return MeterKind.HEATING
            if row.id == "gmeter_last_value":
                return MeterKind.GAS
    return MeterKind.GENERIC


def _kind_by_identifier(objects: Sequence[CosemObject]) -> MeterKind | None:
    """Return the kind of a meter that counts a volume, by the letter with which its identifier begins."""
    if not any(obj.quantity in REGISTERS and obj.values[0].unit is Unit.CUBIC_METRE for obj in objects):
        return None
    for obj in objects:
        text = obj.values[0].value
        if obj.id in catalog.IDENTIFIERS and isinstance(text, str):
            return catalog.IDENTIFIER_LETTERS.get(text[:1])
    return None


def is_empty_slot(objects: Sequence[CosemObject]) -> bool:
    """Whether the objects of an M-Bus channel have neither a device type nor an identifier."""
    return not any(obj.values[0].value for obj in objects if obj.id in ("meter_device_type", *catalog.IDENTIFIERS))


def choose_row(obj: CosemObject, kind: MeterKind) -> ObjectType | None:
    """Choose the row an object stands for: by the kind of its meter, then by its unit, then the first.

    Where no row of the kind has the unit, a row of another kind that has it is taken: a heat meter may count kWh.
    """
    unit = obj.values[0].unit if obj.values else None
    of_kind = [row for row in obj.candidates if not row.kinds or kind in row.kinds]
    for rows in (of_kind, obj.candidates):
        for row in rows:
            if unit is None or row.unit is None or is_convertible(unit, row.unit):
                return row
    return None


def is_registered(objects: Sequence[CosemObject]) -> bool:
    """Whether there is a real meter on an M-Bus channel: it has a reading that is not a placeholder."""
    for obj in objects:
        value = obj.values[0]
        is_reading = not is_placeholder(value) or (obj.shape is Shape.DECIMAL and value.value is not None)
        if obj.quantity is Quantity.MEASURED or (obj.quantity in REGISTERS and is_reading):
            return True
    return False


def best_type(
    group: Group, kind: MeterKind, objects: set[str], identification: str, others: Collection[str] = ()
) -> MeterType | None:
    """Choose the type with the most required objects of those that have all of them.

    `others` are all objects of the telegram: some declare another standard.
    """
    best: MeterType | None = None
    for type_ in catalog.METER_TYPES:
        is_here = type_.role is group.role and type_.mbus_channel in (None, group.mbus_channel)
        if not is_here or kind not in type_.kinds:
            continue
        if type_.identifications and identification.startswith(type_.identifications):
            return type_
        if not type_.strange.isdisjoint(others):
            continue
        if type_.required <= objects and (best is None or len(type_.required) > len(best.required)):
            best = type_
    return best


def declared_type(main: MeterType | None, version: str) -> MeterType | None:
    """Return the type of a port by the version that it declares, where its main meter is of that version too."""
    if main is None or not version.startswith(main.versions):
        return None
    return next(type_ for type_ in catalog.METER_TYPES if type_.role is Role.PORT and type_.versions == main.versions)
