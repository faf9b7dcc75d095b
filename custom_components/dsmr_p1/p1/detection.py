"""Detection: from a telegram to the meters that are in it, each with its channels.

The references say where an object belongs: to the port itself, to the main meter, to a channel of the M-Bus, or, in
DSMR 2, to a medium. What kind of meter stands on an M-Bus channel is told by its device type (0-n:24.1.0), and what it
measures by the unit: never by the reference alone, since the same reference is gas in one country and water in another.
Its type is then the one of the specification's types of that kind whose required objects are all there; of several, the
one with the most; of equals, the first of the table. Where none fits, the type is the kind.

An M-Bus channel is announced but not registered where it has no reading, or a zero with the time of a clock that was
not set. An identifier alone decides nothing.

Which meters there are, and which line is which channel, changes once in years. It is worked out when the types of the
lines change, and kept as a layout that the values of each telegram are put into.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from . import catalog
from .catalog import HISTORY, ChannelType, MeterKind, MeterType, ObjectType, Quantity, Role
from .countries import BELGIUM, NETHERLANDS, Country
from .errors import TelegramError
from .memory import PortMemory
from .obis import Obis
from .telegram import CosemObject, LineType, Telegram, is_placeholder
from .units import Unit, convert, is_convertible
from .values import CosemValue, Shape

PORT_SLOT: Final = "p1"
MAIN_SLOT: Final = "electricity"

_READINGS: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER})
_IMPORT: Final = "emeter_delivery_tariff"
_EXPORT: Final = "emeter_production_tariff"
_TARIFFS: Final = ("1", "2", "3", "4")
_POWERS: Final = ("emeter_actual_delivery", "emeter_actual_production")
# Which identifier is the meter's own, where it has several.
_IDENTIFIERS: Final = (
    "emeter_equipment_identifier", "meter_equipment_identifier", "gmeter_equipment_identifier_v2",
    "hmeter_equipment_identifier_v2_2", "cmeter_equipment_identifier_v2_2", "wmeter_equipment_identifier_v2_2",
    "emeter_equipment_identifier_v2_x", "meter_serial_number", "meter_number",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MeterProfile:
    """What a meter is, apart from its values: the same from telegram to telegram.

    `slot` names its place on the port: `p1`, `electricity`, `mbus_1` or, in DSMR 2, the kind. `type` is None where no
    type of the specification fits. `mbus_channel` is -1 for the port, 0 for the main meter and those of DSMR 2.
    `equipment_identifier` is None where the meter tells none. `channel_types` and `sources` are, by channel id, the
    catalog's rows and the references (None where the channel follows from others).
    """

    slot: str
    role: Role
    kind: MeterKind
    type: MeterType | None
    mbus_channel: int
    equipment_identifier: str | None
    registered: bool
    country: Country
    channel_types: Mapping[str, ChannelType]
    sources: Mapping[str, Obis | None]

    @property
    def type_id(self) -> str:
        """The specification's thing type id, or the kind where no type fits."""
        return self.kind.value if self.type is None else self.type.id


class Meter(NamedTuple):
    """A meter in a telegram: what it is, and its values by channel id."""

    profile: MeterProfile
    channels: dict[str, CosemValue]


class Detection(NamedTuple):
    """What is in a telegram: the port and its meters, and the objects that no meter claims."""

    meters: tuple[Meter, ...]
    unknown: tuple[CosemObject, ...]


@dataclass(slots=True)
class _Group:
    """The objects that belong to one meter, while it is worked out which it is."""

    slot: str
    role: Role
    mbus_channel: int
    kind: MeterKind | None
    members: list[int]


class _Derived(NamedTuple):
    """A channel that follows from others of its meter: how, and from which."""

    channel_id: str
    compute: Callable[[Mapping[str, CosemValue], tuple[str, ...]], CosemValue]
    sources: tuple[str, ...]


class _Layout(NamedTuple):
    """A meter, which value of which object is which channel, and what follows from these."""

    profile: MeterProfile
    takes: tuple[tuple[str, int, int], ...]
    derived: tuple[_Derived, ...]


class MeterDetector:
    """Finds the meters in the telegrams of one port, one after the other."""

    def __init__(self, memory: PortMemory | None = None) -> None:
        """Start with no telegram seen, or with what is known of the port."""
        self._memory = memory or PortMemory()
        self._line_types: list[LineType] = []
        self._identification = ""
        self._layouts: tuple[_Layout, ...] = ()
        self._receivers: list[list[tuple[int, str, int]]] = []
        self._unknown: tuple[int, ...] = ()
        self._twins: tuple[tuple[int, int], ...] = ()
        self._repeats = False
        self._number = 0
        self._meters: tuple[Meter, ...] = ()

    def detect(self, telegram: Telegram) -> Detection:
        """Give the meters in a telegram. A meter of which nothing has changed is the same object as before.

        Raises TelegramError where a line without a time stands twice in it with different values: two telegrams in one.
        """
        objects = telegram.objects
        if (
            telegram.changes is not None
            and telegram.number == self._number + 1
            and not self._twins
            and not self._repeats
        ):
            meters = self._update(objects, telegram.changes)
        else:
            meters = self._read(telegram)
        self._number = telegram.number
        self._meters = meters
        return Detection(meters, tuple([objects[place] for place in self._unknown]))

    def _update(self, objects: Sequence[CosemObject], changes: tuple[int, ...]) -> tuple[Meter, ...]:
        """Put the values that changed into the meters they belong to."""
        changed: list[dict[str, CosemValue]] = [{} for _ in self._meters]
        for place in changes:
            values = objects[place][1]
            for number, channel_id, part in self._receivers[place]:
                changed[number][channel_id] = values[part]
        return tuple([
            _with_derived(meter[0], meter[1] | values, layout[2], values) if values else meter
            for meter, layout, values in zip(self._meters, self._layouts, changed, strict=True)
        ])  # fmt: skip

    def _read(self, telegram: Telegram) -> tuple[Meter, ...]:
        """Put all values into the meters, after working out anew which these are where that may have changed."""
        objects = telegram.objects
        line_types = [obj[0] for obj in objects]
        # Of readings that stand there often, another one is the newest every hour.
        if self._repeats or line_types != self._line_types or telegram.identification != self._identification:
            self._lay_out(telegram)
            self._line_types, self._identification = line_types, telegram.identification
        for one, other in self._twins:
            if objects[one].values != objects[other].values:
                message = "one register stands in it with two values"
                raise TelegramError(message)
        meters = []
        for profile, takes, derived in self._layouts:
            channels = {channel_id: objects[place][1][part] for channel_id, place, part in takes}
            meters.append(_with_derived(profile, channels, derived, channels))
        return tuple(meters)

    def _lay_out(self, telegram: Telegram) -> None:
        objects = telegram.objects
        groups, unknown = _group(objects)
        layouts = []
        for group in groups.values():
            layout, unclaimed = self._settle(group, telegram)
            unknown += unclaimed
            layouts.append(layout)
        self._layouts = tuple(sorted(layouts, key=lambda layout: _order(layout.profile)))
        self._receivers = [[] for _ in objects]
        for number, layout in enumerate(self._layouts):
            for channel_id, place, part in layout.takes:
                self._receivers[place].append((number, channel_id, part))
        self._unknown = tuple(sorted(unknown))
        self._twins = _twins(objects)
        timed = [obj.obis for obj in objects if obj.values[0].timestamp is not None]
        self._repeats = len(timed) > len(set(timed))

    def _settle(self, group: _Group, telegram: Telegram) -> tuple[_Layout, list[int]]:
        """Decide what one group is, and which value of which line is which of its channels."""
        objects = telegram.objects
        kind = group.kind or _kind([objects[line] for line in group.members])
        rows = {line: row for line in group.members if (row := _choose(objects[line], kind)) is not None}
        unclaimed = [line for line in group.members if line not in rows]
        registered = group.role is not Role.MBUS or _is_registered([objects[line] for line in rows])
        type_ = (
            _best_type(group, kind, {row.id for row in rows.values()}, telegram.identification) if registered else None
        )
        takes = _takes(objects, rows, group.role, kind)
        sources: dict[str, Obis | None] = {channel_id: objects[line].obis for channel_id, line, _ in takes}
        identifier = _identifier(objects, rows)
        derived: tuple[_Derived, ...] = ()
        if group.role is Role.MAIN:
            self._memory.recognise(f"{telegram.identification} {identifier}")
            derived = self._derived(sources)
        sources |= dict.fromkeys((row.channel_id for row in derived), None)
        profile = MeterProfile(
            slot=group.slot,
            role=group.role,
            kind=kind,
            type=type_,
            mbus_channel=group.mbus_channel,
            equipment_identifier=identifier,
            registered=registered,
            country=_country(telegram),
            channel_types={channel_id: catalog.channel_type(channel_id) for channel_id in sources},
            sources=sources,
        )
        return _Layout(profile, takes, derived), unclaimed

    def _derived(self, ids: Collection[str]) -> tuple[_Derived, ...]:
        """Give the channels that follow from those of a main meter: totals of its tariffs, and net power."""
        derived = []
        for total, prefix in (("energy_import_total", _IMPORT), ("energy_export_total", _EXPORT)):
            if registers := self._tariffs_of(prefix, ids):
                derived.append(_Derived(total, _sum, registers))
        if all(channel_id in ids for channel_id in _POWERS):
            derived.append(_Derived("power_net", _difference, _POWERS))
        return tuple(derived)

    def _tariffs_of(self, prefix: str, ids: Collection[str]) -> tuple[str, ...]:
        """Give the registers of which the total consists: the meter's own total, else all tariffs ever seen on it."""
        seen = self._memory.tariffs
        known = tuple(prefix + tariff for tariff in _TARIFFS)
        total = f"{prefix}0"
        seen.update(channel_id for channel_id in (total, *known) if channel_id in ids)
        return (total,) if total in seen else tuple(channel_id for channel_id in known if channel_id in seen)


def _with_derived(
    profile: MeterProfile,
    channels: dict[str, CosemValue],
    derived: tuple[_Derived, ...],
    changed: Mapping[str, CosemValue],
) -> Meter:
    """Give a meter after adding the channels that follow from those that changed."""
    for channel_id, compute, sources in derived:
        for source in sources:
            if source in changed:
                channels[channel_id] = compute(channels, sources)
                break
    return Meter(profile, channels)


def _group(objects: Sequence[CosemObject]) -> tuple[dict[str, _Group], list[int]]:
    """Sort the objects by the meter they belong to."""
    groups = {PORT_SLOT: _Group(PORT_SLOT, Role.PORT, -1, MeterKind.DEVICE, [])}
    unknown: list[int] = []
    main_channel = _main_channel(objects)
    slaves = {obj.obis.b for obj in objects if obj.obis.a == 1 and _is_energy(obj)} - {main_channel}

    def add(line: int, slot: str, role: Role, mbus_channel: int, kind: MeterKind | None) -> None:
        group = groups.setdefault(slot, _Group(slot, role, mbus_channel, kind, []))
        group.members.append(line)
        group.kind = group.kind or kind

    for line, obj in enumerate(objects):
        a, b = obj.obis.a, obj.obis.b
        if not obj.candidates:
            unknown.append(line)
        elif catalog.is_port_object(obj.candidates[0]):
            groups[PORT_SLOT].members.append(line)
        elif a in catalog.MEDIA and b == 0:
            add(line, catalog.MEDIA[a], Role.MBUS, 0, catalog.MEDIA[a])
        elif b in (0, main_channel) or (a == 1 and b not in slaves):
            add(line, MAIN_SLOT, Role.MAIN, 0, MeterKind.ELECTRICITY)
        else:
            add(line, f"mbus_{b}", Role.MBUS, b, catalog.MEDIA.get(a))
    for slot, group in list(groups.items()):
        if group.role is Role.MBUS and all(_is(objects[line], "emeter_switch_position") for line in group.members):
            # A switch alone is no meter.
            groups[PORT_SLOT].members += groups.pop(slot).members
    if MAIN_SLOT in groups and not any(objects[line].obis.a == 1 for line in groups[MAIN_SLOT].members):
        # No electricity here: what is left is about the device with the port, such as the identifier of a Warmtelink.
        groups[PORT_SLOT].members += groups.pop(MAIN_SLOT).members
    _give_fixed_channels(objects, groups)
    return groups, unknown


def _main_channel(objects: Sequence[CosemObject]) -> int:
    """Give value group B of the main meter: 0, but some countries count it as the first of the meters."""
    channels = [obj.obis.b for obj in objects if obj.obis.a == 1 and _is_energy(obj)]
    return 0 if 0 in channels or not channels else min(channels)


def _give_fixed_channels(objects: Sequence[CosemObject], groups: dict[str, _Group]) -> None:
    """Put the meters of a medium onto the M-Bus channel that their type has, where it has one (ACE4000)."""
    for kind in MeterKind:
        group = groups.get(kind)
        if group is None or group.role is not Role.MBUS:
            continue
        for type_ in catalog.METER_TYPES:
            channel = type_.mbus_channel
            if type_.role is not Role.MBUS or not channel or type_.kinds != {kind}:
                continue
            companion = groups.get(f"mbus_{channel}")
            others = [] if companion is None or _has_reading(objects, companion) else companion.members
            both = _Group(f"mbus_{channel}", Role.MBUS, channel, kind, [*group.members, *others])
            names = {row.id for line in both.members if (row := _choose(objects[line], kind)) is not None}
            if _best_type(both, kind, names, "") is type_ and _best_type(group, kind, names, "") is None:
                del groups[kind]
                groups[both.slot] = both


def _has_reading(objects: Sequence[CosemObject], group: _Group) -> bool:
    return any(objects[line].candidates[0].channel.quantity in _READINGS for line in group.members)


def _is(obj: CosemObject, object_id: str) -> bool:
    return bool(obj.candidates) and obj.candidates[0].id == object_id


def _is_energy(obj: CosemObject) -> bool:
    return bool(obj.candidates) and obj.candidates[0].channel.quantity is Quantity.ENERGY


def _kind(objects: Sequence[CosemObject]) -> MeterKind:
    """Tell the kind of an M-Bus meter: from its device type, else from what it measures."""
    for obj in objects:
        if _is(obj, "meter_device_type"):
            code = obj.values[0].value
            if isinstance(code, Decimal) and (kind := catalog.DEVICE_TYPES.get(int(code))) is not None:
                return kind
    for obj in objects:
        for row in obj.candidates:
            unit = obj.values[0].unit
            if (
                row.channel.quantity not in _READINGS
                or unit is None
                or row.unit is None
                or not is_convertible(unit, row.unit)
            ):
                continue
            if row.channel.quantity is Quantity.ENERGY:
                return MeterKind.ELECTRICITY
            if row.channel.quantity is Quantity.HEAT:
                return MeterKind.HEATING
            if row.id == "gmeter_last_value":
                return MeterKind.GAS
    return MeterKind.GENERIC


def _choose(obj: CosemObject, kind: MeterKind) -> ObjectType | None:
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


def _is_registered(objects: Sequence[CosemObject]) -> bool:
    """Tell whether a real meter is behind an M-Bus channel: it has a reading that is none of the placeholders."""
    return any(
        obj.candidates[0].channel.quantity in _READINGS
        and (
            not is_placeholder(obj.values[0])
            or (obj.candidates[0].shape is Shape.DECIMAL and obj.values[0].value is not None)
        )
        for obj in objects
    )


def _best_type(group: _Group, kind: MeterKind, objects: set[str], identification: str) -> MeterType | None:
    """Choose the type with the most required objects of those that have all of them."""
    best: MeterType | None = None
    for type_ in catalog.METER_TYPES:
        if type_.role is not group.role or kind not in type_.kinds:
            continue
        if type_.mbus_channel not in (None, group.mbus_channel):
            continue
        if type_.identifications and identification.startswith(type_.identifications):
            return type_
        if type_.required <= objects and (best is None or len(type_.required) > len(best.required)):
            best = type_
    return best


def _takes(
    objects: Sequence[CosemObject], rows: Mapping[int, ObjectType], role: Role, kind: MeterKind
) -> tuple[tuple[str, int, int], ...]:
    """Give, for each channel, which value of which line it is; the newest, where a reference stands there often."""
    lines: dict[tuple[str, str], list[int]] = {}
    for line, row in rows.items():
        # What the port tells of an M-Bus channel carries its number.
        number = (
            str(objects[line].obis.b)
            if role is Role.PORT and row in catalog.METER_OBJECTS and objects[line].obis.b
            else ""
        )
        lines.setdefault((row.id, number), []).append(line)
    takes: dict[str, tuple[int, int]] = {}
    for (object_id, number), same in lines.items():
        newest, *older = sorted(same, key=lambda line: _time(objects[line]), reverse=True) if len(same) > 1 else same
        for place, value in enumerate(objects[newest].values):
            takes[_channel_id(object_id + value.suffix, role, kind) + number] = newest, place
        if objects[newest].values[0].timestamp is None:
            continue
        for age, line in enumerate(older):
            for place, value in enumerate(objects[line].values):
                takes[f"{_channel_id(object_id + value.suffix, role, kind)}{HISTORY}{age}"] = line, place
    return tuple((channel_id, line, place) for channel_id, (line, place) in takes.items())


def _time(obj: CosemObject) -> float:
    timestamp = obj.values[0].timestamp
    return 0.0 if timestamp is None else timestamp.timestamp()


def _channel_id(object_id: str, role: Role, kind: MeterKind) -> str:
    return catalog.CHANNEL_IDS.get((object_id, role, kind), object_id)


def _identifier(objects: Sequence[CosemObject], rows: Mapping[int, ObjectType]) -> str | None:
    """Give the meter's own identity, where it tells one: not empty, and not all zeros, all FF or dashes."""
    told = {row.id: value for line, row in rows.items() if isinstance(value := objects[line].values[0].value, str)}
    for object_id in _IDENTIFIERS:
        if told.get(object_id, "").strip("0Ff- "):
            return told[object_id]
    return None


def _twins(objects: Sequence[CosemObject]) -> tuple[tuple[int, int], ...]:
    """Find the lines without a time whose reference stands in the telegram twice."""
    seen: dict[Obis, int] = {}
    twins = []
    for line, obj in enumerate(objects):
        if obj.candidates and obj.candidates[0].shape is Shape.DECIMAL:
            if obj.obis in seen:
                twins.append((seen[obj.obis], line))
            seen[obj.obis] = line
    return tuple(twins)


def _country(telegram: Telegram) -> Country:
    """Give the country of the meters: an e-MUCS version is Belgian, where the identification names no other country."""
    if telegram.country is NETHERLANDS and any(_is(obj, "p1_emucs_version_output") for obj in telegram.objects):
        return BELGIUM
    return telegram.country


def _order(profile: MeterProfile) -> tuple[int, int, str]:
    return list(Role).index(profile.role), profile.mbus_channel, profile.slot


def _sum(channels: Mapping[str, CosemValue], ids: tuple[str, ...]) -> CosemValue:
    kwh = Unit.KILO_WATT_HOUR
    total = Decimal()
    for channel_id in ids:
        register = channels.get(channel_id)
        if register is None or not isinstance(register.value, Decimal):
            return CosemValue("", None, kwh)
        unit = register.unit
        total += register.value if unit is None or unit is kwh else convert(register.value, unit, kwh)
    return CosemValue("", total, kwh)


def _difference(channels: Mapping[str, CosemValue], ids: tuple[str, ...]) -> CosemValue:
    imported, exported = channels[ids[0]], channels[ids[1]]
    unit = Unit.KILO_WATT
    if not isinstance(imported.value, Decimal) or not isinstance(exported.value, Decimal):
        return CosemValue("", None, unit)
    if imported.unit is unit and exported.unit is unit:
        return CosemValue("", imported.value - exported.value, unit)
    difference = convert(imported.value, imported.unit or unit, unit) - convert(
        exported.value, exported.unit or unit, unit
    )
    return CosemValue("", difference, unit)
