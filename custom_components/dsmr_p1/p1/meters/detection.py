"""Detection: finds the meters in a telegram, each with its channels.

Which meters there are, and which line is which channel, is worked out as a layout (see grouping), into which the values
are put. It changes once in years: the plan keeps it from telegram to telegram.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .. import catalog
from ..catalog import HISTORY, ChannelType, MeterKind, MeterType, ObjectType, Role
from ..cosem.countries import Country
from ..cosem.obis import Obis
from ..cosem.values import CosemValue, Shape
from ..memory import PortMemory
from ..telegrams.telegram import CosemObject, Telegram
from .derived import Derived, derived_channels
from .grouping import Group, best_type, choose_row, declared_type, group_objects, is_empty_slot, is_registered, kind_of


@dataclass(frozen=True, slots=True)
class MeterProfile:
    """A meter without its values: the same object from telegram to telegram.

    `slot` names its place on the port: `p1`, `electricity`, `mbus_1` or, in DSMR 2, the kind. `type` is None if no
    type of the specification fits. `mbus_channel` is -1 for the port, 0 for the main meter and those of DSMR 2.
    `equipment_identifier` is None if the meter reports none. `channel_types` and `sources` are, by channel id, the
    catalog's rows and the references (None if the channel follows from others).
    """

    slot: str
    role: Role
    kind: MeterKind
    type: MeterType | None
    mbus_channel: int
    equipment_identifier: str | None
    registered: bool
    country: Country | None
    channel_types: Mapping[str, ChannelType]
    sources: Mapping[str, Obis | None]

    @property
    def type_id(self) -> str:
        """The specification's thing type id, or the kind where no type fits."""
        return self.kind.value if self.type is None else self.type.id


class Meter(NamedTuple):
    """A meter in a telegram: its profile, and its values by channel id."""

    profile: MeterProfile
    channels: dict[str, CosemValue]


class Detection(NamedTuple):
    """The contents of a telegram: the port and its meters, and the objects that no meter claims.

    `totals` are those that differ from `before`, the meters of the telegram before: slot, channel and value. Where
    `before` is None, all may differ.
    """

    meters: tuple[Meter, ...]
    unknown: tuple[CosemObject, ...]
    before: tuple[Meter, ...] | None = None
    totals: Sequence[tuple[str, str, CosemValue]] = ()


class Layout(NamedTuple):
    """A meter, the mapping of object values to its channels, and the channels computed from these."""

    profile: MeterProfile
    takes: tuple[tuple[str, int, int], ...]
    derived: tuple[Derived, ...]

    def fill(self, objects: Sequence[CosemObject], before: Meter | None) -> Meter:
        """Return the meter with the values of a telegram: the one before, or its profile, where that is the same."""
        channels = {channel_id: objects[place].values[part] for channel_id, place, part in self.takes}
        for channel_id, compute, sources in self.derived:
            channels[channel_id] = compute(channels, sources)
        if before is None or before.profile != self.profile:
            return Meter(self.profile, channels)
        meter = Meter(before.profile, channels)
        return before if _is_the_same(before, meter) else meter


def lay_out(telegram: Telegram, memory: PortMemory) -> tuple[list[Layout], list[int]]:
    """Return the meters in a telegram, in order, and the numbers of the objects that none of them claims."""
    objects = telegram.objects
    groups, unknown = group_objects(objects)
    layouts = []
    for group in groups.values():
        members = [objects[line] for line in group.members]
        if group.mbus_channel > 0 and is_empty_slot(members) and not is_registered(members):
            continue
        layout, unclaimed = _settle(group, telegram, memory)
        unknown += unclaimed
        layouts.append(layout)
    main = next((layout.profile.type for layout in layouts if layout.profile.role is Role.MAIN), None)
    version = next((obj.values[0].value for obj in objects if obj.id == "p1_version_output"), "")
    # The port, the first of all, has the type of the version that it declares, if its main meter is of that one.
    if (declared := declared_type(main, str(version))) is not None:
        layouts[0] = layouts[0]._replace(profile=replace(layouts[0].profile, type=declared))
    return sorted(layouts, key=_order), sorted(unknown)


def _settle(group: Group, telegram: Telegram, memory: PortMemory) -> tuple[Layout, list[int]]:
    """Determine the meter of one group, and which value of which line is which of its channels."""
    objects = telegram.objects
    kind = group.kind or kind_of([objects[line] for line in group.members])
    rows = {line: row for line in group.members if (row := choose_row(objects[line], kind)) is not None}
    unclaimed = [line for line in group.members if line not in rows]
    registered = group.role is not Role.MBUS or is_registered([objects[line] for line in rows])
    ids = {row.id for row in rows.values()}
    type_ = best_type(group, kind, ids, telegram.identification, {obj.id for obj in objects})
    takes = _takes(objects, rows, group.role, kind)
    taken = {objects[line].obis for _, line, _ in takes}
    unclaimed += [line for line in rows if objects[line].obis not in taken]
    sources: dict[str, Obis | None] = {channel_id: objects[line].obis for channel_id, line, _ in takes}
    identifier = _identifier(objects, rows)
    derived: tuple[Derived, ...] = ()
    if group.role is Role.MAIN:
        memory.recognise(telegram.identification, identifier)
        derived = derived_channels(memory, sources)
    sources |= dict.fromkeys((row.channel_id for row in derived), None)
    profile = MeterProfile(
        slot=group.slot,
        role=group.role,
        kind=kind,
        type=type_ if registered else None,
        mbus_channel=group.mbus_channel,
        equipment_identifier=identifier,
        registered=registered,
        country=telegram.country,
        channel_types={channel_id: catalog.channel_type(channel_id) for channel_id in sources},
        sources=sources,
    )
    return Layout(profile, takes, derived), unclaimed


def _is_the_same(one: Meter, other: Meter) -> bool:
    # Decimals with other places compare equal, but differ from the digits sent.
    return one == other and all(
        str(value.value) == str(other.channels[channel_id].value) for channel_id, value in one.channels.items()
    )


def _takes(
    objects: Sequence[CosemObject], rows: Mapping[int, ObjectType], role: Role, kind: MeterKind
) -> tuple[tuple[str, int, int], ...]:
    """Return, for each channel, which value of which line it is; the newest, where a reference stands there often."""
    lines: dict[tuple[str, str], list[int]] = {}
    for line, row in rows.items():
        # The id of a value that the port reports about an M-Bus channel contains the channel's number.
        channel = objects[line].obis.b
        number = str(channel) if channel and role is Role.PORT and row.id not in catalog.PORT_IDS else ""
        lines.setdefault((row.id, number), []).append(line)
    takes: dict[str, tuple[int, int]] = {}
    # Objects under another name come last: they keep their own name if the other is taken.
    for (object_id, number), same in sorted(
        lines.items(), key=lambda item: _channel_id(item[0][0], role, kind, item[0][1]) != item[0][0]
    ):
        newest, *older = sorted(same, key=lambda line: _time(objects[line]), reverse=True) if len(same) > 1 else same
        for place, value in enumerate(objects[newest].values):
            channel_id = _channel_id(object_id + value.suffix, role, kind, number)
            takes[object_id + value.suffix if channel_id in takes else channel_id] = newest, place
        if objects[newest].shape is Shape.DECIMAL:
            # They are alike: a telegram with two values of a register is malformed.
            continue
        for age, line in enumerate(older):
            for place, value in enumerate(objects[line].values):
                takes[f"{_channel_id(object_id + value.suffix, role, kind, number)}{HISTORY}{age}"] = line, place
    return tuple((channel_id, line, place) for channel_id, (line, place) in takes.items())


def _time(obj: CosemObject) -> float:
    timestamp = obj.values[0].timestamp
    return 0.0 if timestamp is None else timestamp.timestamp()


def _channel_id(object_id: str, role: Role, kind: MeterKind, number: str) -> str:
    if role is Role.MBUS:
        object_id = catalog.on_any_channel(object_id)
    channel_id = catalog.CHANNEL_IDS.get((object_id, role, kind), object_id)
    if "[x]" not in channel_id:
        return channel_id
    return channel_id.replace("[x]", number) if number else object_id


def _identifier(objects: Sequence[CosemObject], rows: Mapping[int, ObjectType]) -> str | None:
    """Return the meter's own identifier; None if it reports none but zeros, FF or dashes."""
    told = {row.id: value for line, row in rows.items() if isinstance(value := objects[line].values[0].value, str)}
    return next((told[name] for name in catalog.IDENTIFIERS if is_identifier(told.get(name, ""))), None)


def is_identifier(text: str) -> bool:
    """Whether a text is an identifier and no stand-in for one: nothing, zeros, all FF, dashes, or too long."""
    return len(text) <= 64 and bool(text.strip("0Ff- "))


def _order(layout: Layout) -> tuple[int, int, str]:
    profile = layout.profile
    return list(Role).index(profile.role), profile.mbus_channel, profile.slot
