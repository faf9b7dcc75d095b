"""The currents of the phases, worked out from a telegram, and what they leave of the main fuse.

Currents are in amperes. With a neutral, the current of a phase is its power divided by its voltage, positive while it
imports: many meters send whole amperes only, some rounded and some cut off (DSMR 5.0.2 P1 section 6.12). The meter's
amperes are the bound below: a current that moves no power, such as that of a motor, is only in them.

Without a neutral (three phases of 230 V, the IT grid of Belgium) a meter measures with two elements: the power of L1 is
that of its current and the voltage to L2, and so for L3, while L2 has none. No power is that of a wire then, and no
sign its direction: the currents are the meter's own, without sign. That of L2 is none or zero with some meters; it is
the sum of the others then (Kirchhoff), with the angles that powers and currents have with loads of a power factor of 1.
"""

from cmath import rect
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from math import pi, sqrt
from operator import itemgetter
from typing import Final, NamedTuple, override

from ...p1 import CosemValue, Unit
from ...p1.meters.limits import is_no_threshold
from ..part import number_in

NOMINAL: Final = 230.0
"""Volts, where a meter sends none (EN 50160)."""
HYSTERESIS: Final = 0.05
"""The part of the fuse by which all phases are below it before an overload is over."""

_LOWEST: Final = 100.0
_ROUNDING: Final = 0.5
_KILO: Final = 1000.0
_A: Final = Unit.AMPERE
_V: Final = Unit.VOLT
_KW: Final = Unit.KILO_WATT
_APART: Final = rect(1, pi / 3)


class Grid(StrEnum):
    """How the house is connected: phases with a neutral, also a single one, or three without."""

    WITH_NEUTRAL = "with_neutral"
    WITHOUT_NEUTRAL = "without_neutral"


class Phase(NamedTuple):
    """The channels of a phase."""

    current: str
    power_import: str
    power_export: str
    voltage: str


PHASES: Final = {
    name: Phase(
        f"emeter_instant_current_{name}",
        f"emeter_instant_power_delivery_{name}",
        f"emeter_instant_power_production_{name}",
        f"emeter_instant_voltage_{name}",
    )
    for name in ("l1", "l2", "l3")
}
_ONE, _TWO, _ = PHASES.values()
_OF_HOUSE: Final = {"power_import": "emeter_actual_delivery", "power_export": "emeter_actual_production"}
_FUSES: Final = (
    "emeter_fuse_threshold_a", "emeter_fuse_threshold_a_l2", "emeter_fuse_threshold_a_l3", "emeter_treshold_a",
    "emeter_treshold_a_v2_1",
)  # fmt: skip
_POWERS: Final = ("emeter_treshold_kw", "emeter_active_threshold_smax")

type Channels = Mapping[str, CosemValue]
type Currents = dict[str, float | None]


def phases_of(channel_ids: Iterable[str]) -> list[str]:
    """Return the names of the phases that a meter with these channels has."""
    ids = set(channel_ids)
    return [name for name, phase in PHASES.items() if ids.intersection(phase)]


class Phases:
    """The phases of a meter whose channels stay the same from telegram to telegram, and their `currents`, by name.

    A current is None where it cannot be known.
    """

    def __init__(self, channels: Channels, grid: Grid) -> None:
        """Find the phases that a meter sends anything of."""
        names = phases_of(channels)
        self.currents: Currents = dict.fromkeys(names)
        phases = {name: PHASES[name] for name in names}
        if len(names) == 1 and phases[names[0]].power_import not in channels:
            # The power of the only phase is that of the house.
            phases = {name: phase._replace(**_OF_HOUSE) for name, phase in phases.items()}
        is_without_neutral = grid is Grid.WITHOUT_NEUTRAL and len(names) == len(PHASES)
        wires = [(name, phase, channels) for name, phase in phases.items()]
        self._elements = [_Element(*wire) for wire in wires] if is_without_neutral else []
        self._wires: Sequence[_Wire] = self._elements or [_Wire(*wire) for wire in wires]

    def follow(self, channels: Channels) -> Currents:
        """Work out the currents of the phases of which the meter sends other values, and return them."""
        changed: Currents = {}
        for wire in self._wires:
            values = wire.pick(channels)
            if values != wire.values:
                changed[wire.name] = self.currents[wire.name] = wire.follow(values)
        if changed and self._elements:
            self.currents = changed = _without_neutral(self._elements)
        return changed


class _Wire:
    """A phase with a neutral. Only what a meter sends anew is converted."""

    def __init__(self, name: str, phase: Phase, channels: Channels) -> None:
        self.name = name
        self.values: Sequence[CosemValue | None] = (None,) * len(phase)
        # Most meters send all of a phase, and its values are had at once then.
        is_all = all(channel_id in channels for channel_id in phase)
        self.pick = itemgetter(*phase) if is_all else lambda channels: tuple(map(channels.get, phase))
        self.is_whole = _is_whole(channels.get(phase.current))
        self.amperes: float | None = None
        self._volts = NOMINAL

    def follow(self, values: Sequence[CosemValue | None]) -> float | None:
        current, imported, exported, volts = values
        last, self.values = self.values, values
        if current is not last[0]:
            self.amperes = number_in(current, _A)
        amperes, power = self.amperes, _power(imported, exported)
        if power is None:
            return amperes
        if amperes is None or self.is_whole:
            if volts is not last[3]:
                self._volts = _volts(volts)
            moved = abs(power) * _KILO / self._volts
            amperes = moved if amperes is None else max(moved, abs(amperes) - _ROUNDING)
        return abs(amperes) if power >= 0 else -abs(amperes)


class _Element(_Wire):
    """A phase without a neutral: its current is the meter's own, without sign."""

    _told: CosemValue | None = None

    @override
    def follow(self, values: Sequence[CosemValue | None]) -> float | None:
        last, self.values = self.values, values
        if values[0] is not last[0]:
            amperes = number_in(values[0], _A)
            self.amperes = None if amperes is None else abs(amperes)
        return self.amperes

    def active(self) -> float | None:
        """Return the current that moves power, with its sign; None where the meter sends no power."""
        _, imported, exported, volts = self.values
        power = _power(imported, exported)
        if power is None:
            return None
        if volts is not self._told:
            self._told, self._volts = volts, _volts(volts)
        return power * _KILO / self._volts


def _without_neutral(elements: Sequence[_Element]) -> Currents:
    one, two, three = elements
    i1, i2, i3 = one.amperes, two.amperes, three.amperes
    if i1 is None or i3 is None:
        return dict.fromkeys(PHASES)
    # Of whole amperes a part may have been cut off; hundredths are the meter's own, and need no powers.
    if i2 and not one.is_whole and not three.is_whole:
        return {"l1": i1, "l2": i2, "l3": i3}
    active1, active3 = one.active(), three.active()
    if active1 is None or active3 is None:
        return {"l1": i1, "l2": i2 or i1 + i3, "l3": i3}
    # Calls of max() and abs() take longer.
    if active1 > i1:
        i1 = active1
    elif -active1 > i1:
        i1 = -active1
    if active3 > i3:
        i3 = active3
    elif -active3 > i3:
        i3 = -active3
    return {"l1": i1, "l2": i2 or _sum(i1, i3, active1, active3), "l3": i3}


def _sum(i1: float, i3: float, active1: float, active3: float) -> float:
    """Return the current of L2, in which those of L1 and L3 come back: their voltages to L2 are 60° apart."""
    if active1 + active3 < 0:
        active1, active3 = -active1, -active3
    one = complex(active1, sqrt(i1 * i1 - active1 * active1))
    three = complex(active3, sqrt(i3 * i3 - active3 * active3))
    return abs(one * _APART + three.conjugate())


def is_overloaded(fuse: float, known: Collection[float], *, is_all: bool, was: bool) -> bool | None:
    """Return whether a phase is overloaded, in either direction: a fuse knows none.

    None where a current is not known and no other is too high. An overload that `was` is over when all are clearly
    below the fuse.
    """
    limit = fuse * (1 - HYSTERESIS) if was else fuse
    is_over = bool(known) and (max(known) > limit or min(known) < -limit)
    return is_over if is_over or is_all else None


def told_fuse(channels: Channels) -> float | None:
    """Return the main fuse that a meter tells, in amperes; None where it tells none.

    It is the fuse of 31.4.0 or of 17.0.0 in amperes, else that of the power of 17.0.0 on all phases.
    """
    fuses, powers = _thresholds(channels, _FUSES, _A), _thresholds(channels, _POWERS, Unit.KILO_VOLT_AMPERE)
    phases = len(phases_of(channels))
    if fuses or not powers or not phases:
        return min(fuses, default=None)
    volts = NOMINAL * (phases if told_grid(channels) is Grid.WITH_NEUTRAL else sqrt(3))
    return float(round(min(powers) * _KILO / volts))


def told_grid(channels: Channels) -> Grid:
    """Return the kind of grid that the values of a meter show: without a neutral, L2 has no power of its own."""
    if len(phases_of(channels)) < len(PHASES):
        return Grid.WITH_NEUTRAL
    is_dead = (
        number_in(channels.get(_TWO.voltage), _V) == 0 and (number_in(channels.get(_ONE.voltage), _V) or 0) > _LOWEST
    )
    power = _power(channels.get(_TWO.power_import), channels.get(_TWO.power_export))
    current = number_in(channels.get(_TWO.current), _A)
    is_idle = power == 0 and abs(current or 0) >= 1
    return Grid.WITHOUT_NEUTRAL if is_dead or is_idle else Grid.WITH_NEUTRAL


def _thresholds(channels: Channels, channel_ids: tuple[str, ...], unit: Unit) -> list[float]:
    values = [channels[channel_id] for channel_id in channel_ids if channel_id in channels]
    numbers = [
        number_in(value, unit)
        for value in values
        if isinstance(value.value, Decimal) and not is_no_threshold(value.value)
    ]
    return [number for number in numbers if number]


def _is_whole(value: CosemValue | None) -> bool:
    if value is None or not isinstance(value.value, Decimal):
        return True
    return value.unit is not Unit.MILLI_AMPERE and not value.value.as_tuple().exponent


def _power(imported: CosemValue | None, exported: CosemValue | None) -> float | None:
    power = number_in(imported, _KW)
    if power is None or exported is None or not exported.value:
        return power
    return power - (number_in(exported, _KW) or 0.0)


def _volts(value: CosemValue | None) -> float:
    voltage = number_in(value, _V)
    return NOMINAL if voltage is None or voltage <= _LOWEST else voltage
