"""The telegrams that the specification promises, written from its own tables and not from the catalog.

`tests/p1/specification_channels.csv` has a column for each kind of telegram and says which channels it yields;
`conformance_meters.csv` says which meters such a telegram is made of, where they stand, and as which type they are
known. A column names the telegram that is sent: one of DSMR 4.0 with currents is known as a meter of 4.0.4.
"""

from collections.abc import Iterable, Mapping
import csv
from dataclasses import dataclass, field
from pathlib import Path
import re
from typing import Final, NamedTuple

from simulator import seal
from tests.ha.wire import Expected, Line, Writer

HERE: Final = Path(__file__).parent


def _table(path: str) -> list[dict[str, str]]:
    with (HERE / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CHANNELS: Final = _table("../p1/specification_channels.csv")
OBJECTS: Final = {row["object"]: row for row in _table("../p1/specification_objects.csv")}
TYPES: Final = {row["thing_type_id"]: row for row in _table("../p1/specification_meter_types.csv")}
METERS: Final = _table("conformance_meters.csv")
COLUMNS: Final = tuple(dict.fromkeys(row["column"] for row in METERS))

# The first with a checksum are those of DSMR 4; the Smarty and e-MUCS meters came after it.
_UNSEALED: Final = frozenset({"Ace4000", "DSMR V2.1", "DSMR V2.2", "DSMR V3.0"})
# Which object carries a channel that has another name than the object; "" stands for any column.
_OTHER_OBJECTS: Final[Mapping[tuple[str, str, str], str]] = {
    ("DSMR V2.2", "main electricity meter", "emeter_switch_position"): "meter_valve_switch_position",
    ("DSMR V3.0", "slave electricity meter", "meter_switch_position"): "meter_valve_switch_position",
    ("", "slave electricity meter", "meter_switch_position"): "emeter_switch_position",
    ("e-MUCS V1.0", "gas meter", "meter_equipment_identifier"): "emeter_equipment_identifier",
    ("", "generic meter", "gmeter_equipment_identifier"): "meter_equipment_identifier",
    ("", "main electricity meter", "emeter_threshold_kw"): "emeter_active_threshold_smax",
}
# Another name of a channel, which has no entity of its own: the threshold in kVA.
_OTHER_CHANNELS: Final = {"emeter_threshold_kw": "emeter_active_threshold_smax"}
# The unit of a meter that may have any.
_UNITS: Final = {"slave electricity meter": "kWh"}
_PART: Final = re.compile(r"(?<!p1)_(timestamp|entries|timestamp\[x\]|duration\[x\])$")


class Cell(NamedTuple):
    """A promise: this channel, of a meter of this group, in a telegram of this column."""

    column: str
    group: str
    channel_id: str


CELLS: Final = tuple(
    Cell(column, row["group"], row["channel_type_id"])
    for row in CHANNELS
    for column, promise in row.items()
    if promise in {"Y", "O"}
)


@dataclass(slots=True)
class SentMeter:
    """A meter in a telegram: where it must be found, as what, and with which channels."""

    slot: str
    meter_type: str
    serial_number: str | None = None
    channels: dict[str, Expected] = field(default_factory=dict)
    cells: set[Cell] = field(default_factory=set)


class SentTelegram(NamedTuple):
    """A telegram, and the meters that are in it."""

    octets: bytes
    meters: list[SentMeter]


class _Meter:
    """A meter while its objects are sent, over as many telegrams as it takes."""

    def __init__(self, row: Mapping[str, str], cells: Iterable[Cell]) -> None:
        self.row = row
        type_ = TYPES.get(row["meter_type"], {})
        objects = [name for name in type_.get("required_objects", "").split() if name in OBJECTS]
        objects += row["besides"].split()
        self.identity = type_.get("identified_by", "")
        self.identifier = f"NUMBER {row['slot']}"
        self.carriers = {cell: _carrier(cell) for cell in cells}
        if not self.carriers:
            # A telegram that is no column of the table: all that the type may have.
            objects += type_["optional_objects"].split()
        self.always = objects
        self.waiting = [name for name in dict.fromkeys(self.carriers.values()) if name not in objects]
        self.is_first = True

    def send(self, writer: Writer, lines: list[Line]) -> SentMeter:
        """Write what can stand in one telegram; of objects with the same reference, the others wait for the next."""
        row = self.row
        sent = SentMeter(row["slot"], row["meter_type"])
        sent.serial_number = self.identifier if self.identity else None
        order = [*self.always, *self.waiting] if self.is_first else [*self.waiting, *self.always]
        written: dict[str, Line] = {}
        for name in order:
            line = writer.line(
                name,
                int(row["slot"].partition("_")[2] or 0),
                any_unit=_UNITS.get(row["group"], "m3"),
                identifier=self.identifier if "identifier" in name else "",
                device_type=row["device_type"],
            )
            if line.reference not in {other.reference for other in written.values()}:
                written[name] = line
        lines += written.values()
        for cell, name in self.carriers.items():
            if name in written and (self.is_first or name in self.waiting):
                sent.cells.add(cell)
                sent.channels |= _channels(cell, name, written[name])
        if not self.carriers:
            sent.channels = {
                name + part: value for name, line in written.items() for part, value in line.values.items()
            }
        self.waiting = [name for name in self.waiting if name not in written]
        self.is_first = False
        return sent


def telegrams_of(column: str) -> list[SentTelegram]:
    """Write the telegrams of a column: one, and others for what cannot stand in the first."""
    writer = Writer(column, OBJECTS)
    meters = [
        _Meter(row, [cell for cell in CELLS if (cell.column, cell.group) == (column, row["group"])])
        for row in METERS
        if row["column"] == column
    ]
    telegrams: list[SentTelegram] = []
    while not telegrams or any(meter.waiting for meter in meters):
        lines: list[Line] = []
        sent = [meter.send(writer, lines) for meter in meters]
        telegrams.append(SentTelegram(envelope(lines, is_sealed=column not in _UNSEALED), sent))
    return telegrams


def write_meter(
    writer: Writer,
    lines: list[Line],
    slot: str,
    meter_type: str,
    names: Iterable[str],
    identifier: str,
    device_type: str = "",
) -> SentMeter:
    """Write a meter of these objects behind other lines; each of its channels is called as its object."""
    channel = int(slot.partition("_")[2] or 0)
    sent = SentMeter(slot, meter_type, identifier)
    for name in names:
        line = writer.line(
            name, channel, identifier=identifier if "identifier" in name else "", device_type=device_type
        )
        lines.append(line)
        sent.channels |= {name + suffix: value for suffix, value in line.values.items()}
    return sent


def envelope(lines: Iterable[Line], *, is_sealed: bool = True) -> bytes:
    """Put lines between a first line that says nothing and an end."""
    text = "".join(f"{line}\r\n" for line in ("/TST5\\CONFORMANCE", "", *(line.text for line in lines))).encode()
    return seal(text) if is_sealed else text + b"!\r\n"


def _carrier(cell: Cell) -> str:
    """Give the object that carries the channel of a cell."""
    for column in (cell.column, ""):
        if (other := _OTHER_OBJECTS.get((column, cell.group, cell.channel_id))) is not None:
            return other
    return _PART.sub("", cell.channel_id)


def _channels(cell: Cell, name: str, line: Line) -> dict[str, Expected]:
    """Give the channels of a cell that a line must yield: one, or one for each entry of a list."""
    channel_id = _OTHER_CHANNELS.get(cell.channel_id, cell.channel_id)
    part = _PART.search(cell.channel_id)
    if part is None:
        return {channel_id: line.values[""]}
    if not channel_id.endswith("[x]"):
        return {channel_id: line.values[part[0]]}
    pattern = part[0].removesuffix("[x]")
    entries = {suffix: value for suffix, value in line.values.items() if re.fullmatch(rf"{pattern}\d+", suffix)}
    return {name + suffix: value for suffix, value in entries.items()}
