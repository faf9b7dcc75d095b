"""The files of openHAB and DSMR-reader, as what was used in each hour.

openHAB has readings of a register: as its REST interface answers them (JSON), or as CSV with a column `time` and one
`value` (JDBC) or `state`, and `item` where a file has several. DSMR-reader has what was used in an hour, or on a day,
in columns whose headings depend on its version and its language; their order does not.
"""

from collections.abc import Iterator
import csv
from datetime import UTC, date, datetime, timedelta
import json
from pathlib import Path
import re
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from .errors import HistoryError

COLUMNS: Final = ("electricity1", "electricity2", "electricity1_returned", "electricity2_returned", "gas")
"""What DSMR-reader has behind the time, in this order, in its exports of hours and of days."""
HOUR: Final = timedelta(hours=1)
_TIME: Final = {"time", "timestamp", "datetime"}
_VALUE: Final = {"value", "state"}
_ITEM: Final = {"item", "itemname", "name"}
_DUTCH_DAY: Final = re.compile(r"(\d\d)-(\d\d)-(\d{4})")
_NO_VALUE: Final = {"", "NULL", "UNDEF"}
_NUMBER: Final = re.compile(r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(\S*)")
# The size of each unit, in the smallest of its kind.
_SIZES: Final = ({"Wh": 1.0, "kWh": 1000.0, "MWh": 1_000_000.0}, {"L": 1.0, "l": 1.0, "m³": 1000.0, "m3": 1000.0})


class Used(NamedTuple):
    """What was used in an hour."""

    start: datetime
    """The beginning of the hour, in UTC."""
    amount: float
    """What was used since the hour before that is known, in the unit of the statistic."""
    state: float | None
    """The register at the end of the hour; None where it is not known."""


class Wanted(NamedTuple):
    """What is wanted of a file."""

    unit: str
    """The unit of the statistic."""
    zone: ZoneInfo
    """The time zone of times that have none."""
    column: str | None = None
    """One of `COLUMNS`, for a file of DSMR-reader."""
    item: str | None = None
    """The item, for a file of openHAB with several."""
    file_unit: str | None = None
    """The unit of numbers that have none; None for that of the program which has written the file."""


def read(path: Path, wanted: Wanted) -> list[Used]:
    """Return what was used in the hours of a file, in their order. Raises HistoryError where it is not understood."""
    rows = _rows(path)
    heading = [name.strip().lower() for name in rows[0]]
    if _TIME & set(heading) and _VALUE & set(heading):
        used = list(_of_readings(rows, heading, wanted))
    elif len(heading) > len(COLUMNS) and all(
        number in heading[at] for at, number in enumerate(("1", "2", "1", "2", "gas"), start=1)
    ):
        used = list(_of_amounts(rows, wanted))
    else:
        raise HistoryError(
            f"{path} has none of the columns that are known: 'time' and 'value' or 'state' (openHAB), or the hours or "
            f"days of DSMR-reader. It has: {', '.join(rows[0])}"
        )
    if not used:
        raise HistoryError(f"{path} has no value of what is wanted")
    return used


def _rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise HistoryError(f"{path} cannot be read: {error}") from error
    if text.startswith("{"):
        return _rows_of_answer(path, text)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    if len(rows) < 2:
        raise HistoryError(f"{path} has no rows")
    return rows


def _rows_of_answer(path: Path, text: str) -> list[list[str]]:
    """Return the rows of an answer of openHAB's REST interface, `/rest/persistence/items/ITEM`."""
    try:
        return [["time", "state"], *([str(point["time"]), str(point["state"])] for point in json.loads(text)["data"])]
    except (ValueError, LookupError, TypeError) as error:
        raise HistoryError(f"{path} is no answer of openHAB's REST interface") from error


def _of_readings(rows: list[list[str]], heading: list[str], wanted: Wanted) -> Iterator[Used]:
    """Return what was used by the readings of a register: the last of an hour, less the last before."""
    time, value = (_index(heading, names) for names in (_TIME, _VALUE))
    item = _index(heading, _ITEM) if _ITEM & set(heading) else None
    items = {row[item] for row in rows[1:] if len(row) > item} if item is not None else set[str]()
    if item is not None and wanted.item not in items and (wanted.item or len(items) > 1):
        raise HistoryError(f"choose with --item one of the items of the file: {', '.join(sorted(items))}")
    readings: list[tuple[datetime, float]] = []
    for number, row in enumerate(rows[1:], start=2):
        cells = _cells(row, number, heading)
        if (item is None or wanted.item in (None, cells[item])) and cells[value].strip() not in _NO_VALUE:
            before = readings[-1][0] if readings else None
            readings.append((_moment(cells[time], number, wanted.zone, before), _number(cells[value], number, wanted)))
    readings.sort(key=lambda reading: reading[0])
    last: float | None = None
    hours: dict[datetime, tuple[float, float]] = {}
    for at, register in readings:
        if last is not None and register < last:
            raise HistoryError(
                f"the values fall from {last:g} to {register:g} at {at:%Y-%m-%d %H:%M} UTC: a register does not. Where "
                "the meter was replaced then, leave out what is older"
            )
        start = at.replace(minute=0, second=0, microsecond=0)
        hours[start] = (hours.get(start, (0.0, 0.0))[0] + (0.0 if last is None else register - last), register)
        last = register
    yield from (Used(start, amount, register) for start, (amount, register) in hours.items())


def _of_amounts(rows: list[list[str]], wanted: Wanted) -> Iterator[Used]:
    """Return what DSMR-reader has summed up; that of a day stands in its last hour."""
    if wanted.column not in COLUMNS:
        raise HistoryError(f"choose with --column what of DSMR-reader is wanted: {', '.join(COLUMNS)}")
    at = COLUMNS.index(wanted.column) + 1
    as_sent = wanted._replace(file_unit=wanted.file_unit or ("m³" if wanted.column == "gas" else "kWh"))
    hours: dict[datetime, float] = {}
    before: datetime | None = None
    for number, row in enumerate(rows[1:], start=2):
        cells = _cells(row, number, rows[0])
        before = start = _moment(cells[0], number, wanted.zone, before)
        if (cell := cells[at].strip()) and cell != "None":
            amount = _number(cell, number, as_sent)
            if amount < 0:
                raise HistoryError(f"line {number} has a negative amount: {cell}")
            if start in hours:
                raise HistoryError(f"line {number} has an hour that the file has already: {cells[0]}")
            if start.minute or start.second:
                raise HistoryError(f"line {number} does not begin with an hour: {cells[0]}")
            hours[start] = amount
    yield from (Used(start, hours[start], None) for start in sorted(hours))


def _index(heading: list[str], names: set[str]) -> int:
    return next(at for at, name in enumerate(heading) if name in names)


def _cells(row: list[str], number: int, heading: list[str]) -> list[str]:
    if len(row) < len(heading):
        raise HistoryError(f"line {number} has {len(row)} columns instead of {len(heading)}")
    return row


def _moment(text: str, number: int, zone: ZoneInfo, before: datetime | None) -> datetime:
    """Return a time in UTC: milliseconds since 1970, or as ISO 8601 writes it; the last hour of a day that is one.

    DSMR-reader in Dutch writes a day as 29-11-2026.
    """
    text = text.strip()
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        if len(text) == len("2026-11-29"):
            day = date.fromisoformat(_DUTCH_DAY.sub(r"\3-\2-\1", text))
            moment = datetime.combine(day, datetime.min.time()).replace(hour=23)
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise HistoryError(f"line {number} has no time: {text!r}") from error
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    moment = moment.replace(tzinfo=zone)
    # In the night in which an hour comes twice, the second is the one that seems to go back.
    if before is not None and moment.astimezone(UTC) < before:
        moment = moment.replace(fold=1)
    return moment.astimezone(UTC)


def _number(text: str, number: int, wanted: Wanted) -> float:
    """Return a number in the unit that is wanted; it may have a unit of its own behind it."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise HistoryError(f"line {number} has no number: {text!r}")
    unit = found[2] or wanted.file_unit or wanted.unit
    if unit == wanted.unit:
        return float(found[1])
    for sizes in _SIZES:
        if unit in sizes and wanted.unit in sizes:
            return float(found[1]) * sizes[unit] / sizes[wanted.unit]
    raise HistoryError(f"line {number} is in {unit}, and the statistic in {wanted.unit}")
