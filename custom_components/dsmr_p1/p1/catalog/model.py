"""The row types of the catalog. A row is data: it names shapes, units and quantities, and code looks those up."""

from dataclasses import dataclass
from enum import StrEnum
import re
from typing import Final

from ..cosem.obis import Obis
from ..cosem.units import Unit
from ..cosem.values import Shape


class MeterKind(StrEnum):
    """What a meter measures; `device` is the P1 port itself. A slave electricity meter is `electricity`."""

    DEVICE = "device"
    ELECTRICITY = "electricity"
    GAS = "gas"
    WATER = "water"
    HEATING = "heating"
    COOLING = "cooling"
    GENERIC = "generic"


class Role(StrEnum):
    """Where on the port a meter is: the port itself, the main meter, or behind the main meter on the M-Bus."""

    PORT = "port"
    MAIN = "main"
    MBUS = "mbus"


class Quantity(StrEnum):
    """The quantity of a channel, as needed to present its value."""

    ENERGY = "energy"
    """A register of electric energy: only rises."""
    HEAT = "heat"
    """A register of thermal energy: only rises."""
    REACTIVE_ENERGY = "reactive_energy"
    APPARENT_ENERGY = "apparent_energy"
    VOLUME = "volume"
    """A register of a volume, of gas or water as the meter's kind says: only rises."""
    REGISTER = "register"
    """A register of a meter of unknown kind, in the unit that is sent."""
    ENERGY_PERIOD = "energy_period"
    """Energy of a past period."""
    REACTIVE_ENERGY_PERIOD = "reactive_energy_period"
    REGISTER_PERIOD = "register_period"
    """A number of a past period, in the unit that is sent."""
    POWER = "power"
    DEMAND = "demand"
    """Power averaged over a measurement period, as grid operators bill it."""
    POWER_PERIOD = "power_period"
    """Power of a past period."""
    REACTIVE_POWER = "reactive_power"
    APPARENT_POWER = "apparent_power"
    CURRENT = "current"
    VOLTAGE = "voltage"
    FREQUENCY = "frequency"
    POWER_FACTOR = "power_factor"
    ANGLE = "angle"
    TEMPERATURE = "temperature"
    FLOW = "flow"
    """Volume per time."""
    RATIO = "ratio"
    """The ratio of a transformer, a number."""
    MEASURED = "measured"
    """The quantity of an object outside the catalog, of which only the unit is known."""
    DURATION = "duration"
    COUNTER = "counter"
    """A number of events since the meter was made: only rises."""
    NUMBER = "number"
    """A number that may change either way, such as how many entries a list has."""
    POSITION = "position"
    """The position of a switch or valve, a number."""
    TARIFF = "tariff"
    """The tariff in force, a number."""
    THRESHOLD_CURRENT = "threshold_current"
    """A limit of the connection; all nines stand for none."""
    THRESHOLD_POWER = "threshold_power"
    THRESHOLD_APPARENT_POWER = "threshold_apparent_power"
    TIMESTAMP = "timestamp"
    IDENTIFIER = "identifier"
    """The identity of a meter or a connection."""
    DEVICE_TYPE = "device_type"
    """The medium of an M-Bus meter, EN 13757-3."""
    VERSION = "version"
    """The version of a standard."""
    TEXT = "text"
    """A message to the consumer."""

    @property
    def is_private(self) -> bool:
        """Whether the values identify a household."""
        return self in (Quantity.IDENTIFIER, Quantity.TEXT)

    @property
    def is_threshold(self) -> bool:
        """Whether the values are limits of the connection."""
        return self in (Quantity.THRESHOLD_CURRENT, Quantity.THRESHOLD_POWER, Quantity.THRESHOLD_APPARENT_POWER)


class Level(StrEnum):
    """The importance of a channel: shown, shown as diagnostic, or disabled by default.

    `PHASE` is for channels of each phase, which are shown if there are three.
    """

    MAIN = "main"
    PHASE = "phase"
    OPTIONAL = "optional"
    DIAGNOSTIC = "diagnostic"
    RARE = "rare"


@dataclass(frozen=True, slots=True)
class ChannelType:
    """A channel: a data point of a meter.

    `id` is the public channel id, `[x]` in it stands for the number of a list entry. `unit` is the unit in which the
    value is presented, None if it has none. `name` is the key of its name in the translations, `index` the phase,
    tariff or number in that name. Channels with the same `meaning` continue each other when a meter is replaced or
    upgraded.
    """

    id: str
    quantity: Quantity
    unit: Unit | None
    level: Level
    name: str
    index: str = ""
    meaning: str = ""

    def __post_init__(self) -> None:
        """Check the row, and set the meaning to the name by default."""
        if not self.id or not self.name:
            raise ValueError(f"a channel needs an id and a name: {self!r}")
        if not self.meaning:
            object.__setattr__(self, "meaning", f"{self.name}/{self.index}")


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A COSEM object: its reference, how its values are read, and the channels they become.

    `reference` has `n` for the M-Bus channel where the object stands on one; `kinds` are the kinds of meter that may
    send it, empty for any. The first channel is the value; channels for further parts are looked up by suffix.
    """

    id: str
    reference: str
    shape: Shape
    channel: ChannelType
    parts: tuple[ChannelType, ...] = ()
    kinds: frozenset[MeterKind] = frozenset()

    def __post_init__(self) -> None:
        """Check that the reference is one."""
        Obis.parse(self.reference.replace("n", "1"))

    @property
    def key(self) -> tuple[int, int, int, int]:
        """The reference without the M-Bus channel: value groups A, C, D and E."""
        obis = Obis.parse(self.reference.replace("n", "1"))
        return obis.a, obis.c, obis.d, obis.e

    @property
    def unit(self) -> Unit | None:
        """The unit of the value."""
        return self.channel.unit


_STANDARD: Final = re.compile(r"DSMR V\d(?: / V\d|(?:\.\d)*)|ACE4000|Smarty|e-MUCS")


@dataclass(frozen=True, slots=True)
class MeterType:
    """A meter type of the specification, defined by its objects.

    `mbus_channel` is fixed where the type has one, None if it follows from the installation. `refresh` is the
    interval in seconds at which such a meter updates its values, None if the specification leaves it open.
    `identifications` are starts of the identification line that identify the type by themselves. `versions` are starts
    of the version that the port of such a meter declares: the port has the type of the same versions, whatever it
    lacks. `strange` are objects that no telegram of such a meter has: they belong to another standard.
    """

    id: str
    name: str
    role: Role
    kinds: frozenset[MeterKind]
    mbus_channel: int | None
    refresh: int | None
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    identifications: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    strange: frozenset[str] = frozenset()

    @property
    def model(self) -> str:
        """The standard of such a meter, in no language: DSMR 4.2. Which version of e-MUCS it is, its port declares."""
        found = _STANDARD.search(self.name)
        return self.name if found is None else found[0].replace("V", "")

    def __post_init__(self) -> None:
        """Check that no object is both required and optional."""
        if both := self.required & self.optional:
            raise ValueError(f"{self.id}: required and optional: {sorted(both)}")
