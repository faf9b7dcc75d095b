"""COSEM objects as they stand on the wire, written from the specification's own words about their values.

Each value differs from all others, so that nothing can be mistaken for its neighbour; what Home Assistant must make of
it is given along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
import re
from typing import Final, NamedTuple

START: Final = datetime(2026, 2, 18, 10, tzinfo=UTC)
_LOCAL: Final = timedelta(hours=1)
# How each generation of meters writes a time; the newest where nothing else is said.
_TIMES: Final = {
    "Ace4000": "%y-%m-%d %H:%M:%S",
    "DSMR V2.1": "%y-%m-%d %H:%M:%S",
    "DSMR V2.2": "%y-%m-%d %H:%M:%S",
    "DSMR V3.0": "%y%m%d%H%M%S",
}
_NEWEST_TIME: Final = "%y%m%d%H%M%SW"
_VERSIONS: Final = {"DSMR V4.0": "40", "DSMR V4.0.4": "40", "DSMR V4.2": "42"}
_NEWEST_VERSION: Final = "50"
_UNITS: Final = {"m3": "m³"}
_UNIT: Final = re.compile(r"decimal:(\w+)|unit (\w+) or none")


class Expected(NamedTuple):
    """What Home Assistant shows: a number or a time by its value, anything else to the letter."""

    value: str | Decimal | datetime
    unit: str | None = None


class Line(NamedTuple):
    """A line of a telegram, and what its values are, by what they add to the object's name."""

    reference: str
    text: str
    values: dict[str, Expected]


@dataclass
class Writer:
    """Writes the objects of one kind of telegram; `objects` are the rows of the specification's table by name."""

    column: str
    objects: Mapping[str, Mapping[str, str]]
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def line(
        self, name: str, channel: int, *, any_unit: str = "m3", identifier: str = "", device_type: str = ""
    ) -> Line:
        """Write an object of the meter on an M-Bus channel, 0 for the main meter and the port."""
        number = next(self._numbers)
        group_a, rest = self.objects[name]["obis"].split("-", 1)
        group_b, rest = rest.split(":")
        on_channel = group_b == "n" or (channel and group_a in "01")
        reference = f"{group_a}-{channel if on_channel else group_b}:{rest}"
        text, values = self._values(name, number, reference, any_unit, identifier, device_type)
        return Line(reference, f"{reference}{text}", values)

    def _values(
        self, name: str, number: int, reference: str, any_unit: str, identifier: str, device_type: str
    ) -> tuple[str, dict[str, Expected]]:
        shape = self.objects[name]["values"]
        if "string (OBIS)" in shape or shape.startswith("as gmeter_value_v3"):
            return self._reading_v3(name, number, reference, any_unit)
        if name == "emeter_power_failure_log":
            return self._failure_log(number)
        if "decimal" in shape:
            return self._measured(shape, number)
        if shape == "hex text":
            text = identifier or f"Text {number}"
            return f"({text.encode().hex().upper()})", {"": Expected(text)}
        if shape == "timestamp":
            time, when = self._time(number)
            return f"({time})", {"": when}
        return self._plain(name, number, device_type)

    def _reading_v3(self, name: str, number: int, reference: str, any_unit: str) -> tuple[str, dict[str, Expected]]:
        unit = {"gmeter": "m3", "wmeter": "m3", "gjmeter": "GJ"}.get(name.partition("_")[0], any_unit)
        time, when = self._time(number)
        digits, value = _decimal(number, unit)
        head = f"({time})(00)(60)(1)({reference.replace('24.3.0', '24.2.1')})({unit})"
        return f"{head}\r\n({digits})", {"": value, "_timestamp": when}

    def _measured(self, shape: str, number: int) -> tuple[str, dict[str, Expected]]:
        found = _UNIT.search(shape)
        assert found is not None, shape
        unit = found[1] or found[2]
        digits, value = _decimal(number, unit)
        quantity = f"({digits}*{unit})"
        if "timestamp" not in shape:
            return quantity, {"": value}
        time, when = self._time(number)
        is_time_first = shape.startswith("timestamp")
        return f"({time}){quantity}" if is_time_first else f"{quantity}({time})", {"": value, "_timestamp": when}

    def _plain(self, name: str, number: int, device_type: str) -> tuple[str, dict[str, Expected]]:
        match name:
            case "meter_device_type":
                return f"({device_type})", {"": Expected(Decimal(device_type))}
            case "emeter_tariff_indicator":
                return "(0002)", {"": Expected("2")}
            case "p1_version_output" | "p1_emucs_version_output":
                version = "50217" if "emucs" in name else _VERSIONS.get(self.column, _NEWEST_VERSION)
                return f"({version})", {"": Expected(version)}
        if "position" in name:
            return f"({number % 2})", {"": Expected(str(number % 2))}
        return f"({number:05d})", {"": Expected(Decimal(number))}

    def _failure_log(self, number: int) -> tuple[str, dict[str, Expected]]:
        text, values = "(2)(0-0:96.7.19)", {"_entries": Expected(Decimal(2))}
        for entry in range(2):
            time, when = self._time(number - 60 * entry)
            text += f"({time})({number + entry:010d}*s)"
            values[f"_timestamp{entry}"] = when
            values[f"_duration{entry}"] = Expected(Decimal(number + entry), "s")
        return text, values

    def _time(self, minute: int) -> tuple[str, Expected]:
        when = START + timedelta(minutes=minute)
        return (when + _LOCAL).strftime(_TIMES.get(self.column, _NEWEST_TIME)), Expected(when)


def _decimal(number: int, unit: str) -> tuple[str, Expected]:
    digits = f"{number:05d}.{number:03d}"
    return digits, Expected(Decimal(digits), _UNITS.get(unit, unit))
