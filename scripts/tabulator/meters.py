"""The page of the meter types, and of what is decided where a telegram leaves it open."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final

from p1.catalog import (
    CHANNEL_IDS,
    DEVICE_TYPES,
    MEDIA,
    METER_OBJECTS,
    METER_TYPES,
    PORT_OBJECTS,
    MeterKind,
    MeterType,
    ObjectType,
    Role,
)
from p1.catalog.proofs import BY_IDENTIFICATION, BY_REFERENCE
from p1.cosem.clock import Clock
from p1.cosem.countries import COUNTRIES, Country

from .markdown import code, codes, page, table, words

_OBJECTS: Final = (*PORT_OBJECTS, *METER_OBJECTS)

_HOW: Final = """
Nobody has to say which meter there is. A telegram is sorted by the meters that its objects belong to; the kind of
each follows from its device type (`0-n:24.1.0`) and from the units of its readings. Its type is the one whose
required objects are all there; of several, the one with the most of them. Optional objects decide nothing: they are
what such a meter may have besides. A channel is there when the meter sends it, whatever its type promises.
"""

_RATES: Final = """
The last column is how often such a meter has new values by its standard: a meter on the M-Bus is read now and then,
and the same reading stands in every telegram until the next. How often the sensors are updated is something else: those
of a meter at its pace, but every 60 seconds at least, so that a reading is shown a minute after it came at the latest,
and totals every 60 seconds.
"""

_WITHOUT_TYPE: Final = """
Where no type fits a meter that is plainly there (water in Belgium, electricity in Sweden or Hungary), its type is its
kind, and it has every channel that the catalog knows and the meter sends.
"""

_KINDS: Final = {
    MeterKind.DEVICE: "the P1 port itself; its device is always there",
    MeterKind.ELECTRICITY: "the main meter, or one on the M-Bus with device type 2 or a reading in kWh",
    MeterKind.GAS: "by its device type, by the medium of DSMR 2, by an identifier that begins with `G` and a volume, or"
    " by an uncorrected volume (`0-n:24.2.3`)",
    MeterKind.WATER: "by its device type, by the medium of DSMR 2, or by an identifier that begins with `W` and a"
    " volume",
    MeterKind.HEATING: "by its device type, by the medium of DSMR 2, or by a reading in GJ",
    MeterKind.COOLING: "by its device type or the medium of DSMR 2",
    MeterKind.GENERIC: "any other meter on the M-Bus; its reading is in the unit it sends",
}

_SHARED: Final = """
Of the objects that share a reference, those of the meter's kind are looked at first, then those of any kind; the
first that has the unit sent is meant. A value without a unit fits any. 0-0:98.1.0 is told by its form: a list of
monthly peaks (Belgium) names the object that it is a list of, the month's end (Hungary) is values only.
"""

_SWITCHES: Final = """
An object may be called otherwise in some meters. The switch of the main meter is `emeter_switch_position` under each
of its references, that of any other electricity meter is `meter_switch_position`. Belgian meters tell the switches of
M-Bus channels on which there is nothing; that is no meter, and the port's own device shows it.
"""

_DEVICE_TYPES: Final = """
The numbers of EN 13757-3, in `0-n:24.1.0`. Any other number says nothing: what the meter measures is then told by its
unit. Beside them, the references of DSMR 2 name the medium in their first place.
"""

_TIES: Final = """
Where a meter has the required objects of several types and these are equally many, the first in the table above is
taken. It can happen with these:
"""

_SUMMER_DAY: Final = datetime(2026, 7, 15)  # noqa: DTZ001 - a local time
_COUNTRIES: Final = """
A telegram names no country, and the maker's letters prove none: the same meter hangs in many countries. A few things
exist in one country only, and prove it: the start of a first line, an object, the meter code of a Dutch grid operator
(`E00` and fourteen more characters in `0-0:96.1.1`), the name of a Dutch standard in the first line (`SMR5`, `ESMR`).
Where none is there, or two prove different countries, the tariffs are named as in the country of the port (its option,
else that of Home Assistant, else that of its time zone), and numbered where these have no such names. The ids of
tariffs go by number everywhere. Times are read in the time zone of Home Assistant, unless the clock of the meter is
right in another one.
"""

_PLACEHOLDERS: Final = """
- A threshold of nothing but nines (`999.9`, three or more) is no limit: its value is unknown. `99` is one.
- A time in the year 70 or later, or one that cannot be (`632525252525W`), is none: the clock was never set.
- An entry of the power failure log from before 2001, or of 2147483647 seconds or more, is left out, and the others
  are numbered from 0.
- An empty value is unknown.
- An identifier that is empty, or nothing but `0`, `F` or dashes, is none.
- An M-Bus channel has a meter where there is a reading. One that has none, or zero at a time when the clock was not
  set (empty, or before 2001), is announced and not registered: it has no entities until a real reading comes. An
  identifier alone decides nothing, and neither does a switch.
- An M-Bus channel without a reading, whose device type and identifier are empty or 0 too, is not even announced.
- Of a reference that stands in a telegram many times, each time with another time (ACE4000), the newest is the value;
  without times the first.
- The total of the tariffs is the meter's own tariff 0, or else the sum of all tariffs that this meter ever sent;
  never both.
"""


def meters_page() -> str:
    """Write the page."""
    return page(
        "Meters",
        _HOW,
        table(
            ("Type", "Name", "Kind", "M-Bus channel", "The meter has new values every"),
            (
                (code(row.id), row.name, words(sorted(row.kinds)), _channel(row), _rate(row.refresh))
                for row in METER_TYPES
            ),
        ),
        "-1 is the P1 port itself, 0 the main meter and those of DSMR 2, which have no channel.",
        _RATES,
        "## Meters without a type",
        _WITHOUT_TYPE,
        table(("Type", "When"), ((code(kind), _KINDS[kind]) for kind in MeterKind)),
        "## What is decided where a telegram leaves it open",
        "### References that stand for several objects",
        _SHARED,
        table(("Reference", "Object", "In meters of kind", "Unit"), _shared()),
        "### Objects with another name",
        _SWITCHES,
        table(("Object", "In", "Is the channel"), _renamed()),
        "### Device types and media",
        _DEVICE_TYPES,
        table(("Device type", "Kind"), ((str(number), kind) for number, kind in DEVICE_TYPES.items())),
        table(("Reference", "Kind"), ((code(f"{medium}-0:…"), kind) for medium, kind in MEDIA.items())),
        "### Types that are equally good",
        _TIES,
        "\n".join(f"- {code(first.id)} before {code(second.id)}" for first, second in _ties()),
        "Some types are told by the first line of the telegram alone, whatever objects are missing:",
        "\n".join(
            f"- {code(row.id)}: {codes(f'/{start}' for start in row.identifications)}"
            for row in METER_TYPES
            if row.identifications
        ),
        "A port whose main meter is of the version that it declares has the type of this version, whatever it lacks:",
        "\n".join(
            f"- {code(row.id)}: {codes(f'{start}…' for start in row.versions)}"
            for row in METER_TYPES
            if row.versions and row.role is Role.PORT
        ),
        "With these objects in the telegram, which belong to another standard, a type does not fit:",
        "\n".join(f"- {code(row.id)}: {codes(sorted(row.strange))}" for row in METER_TYPES if row.strange),
        "### Countries",
        _COUNTRIES,
        table(
            ("Country", "First line", "Objects", "Standard time", "Summer time", "Tariff of the cheap hours"),
            _countries(),
        ),
        "### What is no value, and what is no meter",
        _PLACEHOLDERS,
        "## The objects of each type",
        *(_objects(row) for row in METER_TYPES),
    )


def _channel(row: MeterType) -> str:
    return "any" if row.mbus_channel is None else str(row.mbus_channel)


def _rate(seconds: int | None) -> str:
    if seconds is None:
        return "not specified"
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{seconds // size} {unit}{'s' if seconds > size else ''}"
    return f"{seconds} seconds"


def _objects(row: MeterType) -> str:
    known = f"Required: {codes(_in_order(row.required))}."
    if row.optional:
        known += f"\n\nOptional: {codes(_in_order(row.optional))}."
    return f"### {code(row.id)}\n\n{known}"


def _in_order(names: Iterable[str]) -> list[str]:
    """Sort objects as the catalog has them."""
    wanted = set(names)
    return list(dict.fromkeys(row.id for row in _OBJECTS if row.id in wanted))


def _shared() -> Iterator[tuple[str, str, str, str]]:
    for reference in dict.fromkeys(row.reference for row in _OBJECTS):
        rows = [row for row in _OBJECTS if row.reference == reference]
        if len(rows) > 1:
            yield from ((code(reference), code(row.id), _kinds(row), _unit(row)) for row in rows)


def _unit(row: ObjectType) -> str:
    if row.parts and row.channel in row.parts:
        return "by its form"
    return row.unit or "any"


def _kinds(row: ObjectType) -> str:
    return words(sorted(row.kinds)) if row.kinds else "any"


def _renamed() -> Iterator[tuple[str, str, str]]:
    meters: dict[tuple[str, Role, str], list[MeterKind]] = {}
    for (name, role, kind), channel_id in CHANNEL_IDS.items():
        meters.setdefault((name, role, channel_id), []).append(kind)
    places = {Role.PORT: "the port", Role.MAIN: "the main meter", Role.MBUS: "M-Bus meters"}
    for (name, role, channel_id), kinds in meters.items():
        # Where some kinds have a name of their own, the row of all kinds is about the rest.
        is_rest = role is not Role.MBUS or len(kinds) >= len(MeterKind) - 1
        of = "" if is_rest else f" of kind {words(kind for kind in MeterKind if kind in kinds)}"
        yield code(name), places[role] + of, code(channel_id)


def _ties() -> Iterator[tuple[MeterType, MeterType]]:
    """Give the types between which only their order decides."""
    for one, other in combinations(METER_TYPES, 2):
        # The meters of DSMR 2 are on channel 0, where no other is.
        on_the_same = one.mbus_channel == other.mbus_channel or (
            None in {one.mbus_channel, other.mbus_channel} and 0 not in {one.mbus_channel, other.mbus_channel}
        )
        if (
            on_the_same
            and one.role is other.role
            and one.kinds & other.kinds
            and len(one.required) == len(other.required)
        ):
            yield one, other


def _countries() -> Iterator[tuple[str, str, str, str, str, str]]:
    for country in COUNTRIES.values():
        starts = codes(f"/{start}" for start, of in BY_IDENTIFICATION.items() if of is country)
        objects = codes(reference for reference, of in BY_REFERENCE.items() if of is country)
        yield country.code, starts, objects, *_clock(country)


def _clock(country: Country) -> tuple[str, str, str]:
    standard = Clock(country.zone).standard.utcoffset(None)
    tariff = "" if country.low_tariff is None else str(country.low_tariff)
    is_constant = country.zone.utcoffset(_SUMMER_DAY) == standard
    return f"UTC+{standard // timedelta(hours=1)}", "no" if is_constant else "yes", tariff
