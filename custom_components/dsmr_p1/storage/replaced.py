"""The stored data of replaced meters and odd steps: questions, answers, and amounts that the statistics have too much.

It is a part of the stored record of the port.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Self, cast


def own_fields(of: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored values of the fields of a dataclass: earlier versions stored others too, or fewer."""
    return {field.name: stored[field.name] for field in fields(of) if field.name in stored}


@dataclass(frozen=True, slots=True)
class Step:
    """The step of a register or cost sensor when another meter took over: `amount` is not consumption.

    Its value was `before`, and `first` right after the step.
    """

    statistic_id: str
    unit: str | None
    at: datetime
    before: float
    first: float
    amount: float

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data."""
        return cls(**{**stored, "at": datetime.fromisoformat(stored["at"])})


@dataclass(frozen=True, slots=True)
class UnbookedCost:
    """The step of a register that its cost sensor has not booked yet.

    The register was `before` at the last booking of the cost sensor, and `first` when the current meter took over;
    the meters between consumed `used`. The cost sensor shows `cost_before`, since `last_reset`, until it books.
    """

    slot: str
    register: str
    before: float
    first: float
    used: float
    sensor: str
    cost_before: float
    last_reset: str | None

    def continued(self, before: float, first: float) -> UnbookedCost:
        """Return the cost of this step and a later one of the register, which are booked together."""
        return replace(self, used=self.used + before - self.first, first=first)


@dataclass(frozen=True, slots=True, kw_only=True)
class OddStep:
    """A step of a register that consumption does not explain, with what it has added to the statistics.

    `at` is its time, and `register`, `before` and `after` are texts for the question to the owner. `amounts` were
    removed from statistics: the entity id, the amount and its unit, and the time if it is not that of the step.
    `unbooked` are costs not booked yet; once `is_answered`, the step is kept for these only.
    """

    slot: str
    channel: str = ""
    at: str = ""
    register: str = ""
    before: str = ""
    after: str = ""
    amounts: Sequence[Sequence[Any]] = ()
    unbooked: Sequence[UnbookedCost] = ()
    is_answered: bool = False

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data."""
        unbooked = [UnbookedCost(**cost) for cost in stored.get("unbooked", ())]
        return cls(**{**stored, "unbooked": unbooked})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Another identifier in the slot of a known meter, accepted at a time.

    `is_title`: it is the system title, since that alone has changed or the meter sends no identifier. `is_shown`: its
    registers are shown, and `steps` are those between the old meter's registers and them. `is_asked`: the owner is
    asked about it. `is_replacement`: it is a new meter, and only the recorder has to finish.
    """

    slot: str
    identifier: str
    since: datetime
    is_asked: bool = False
    is_replacement: bool = False
    is_shown: bool = False
    is_title: bool = False
    steps: tuple[Step, ...] = ()

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data. An earlier version, which held registers back, stored no steps; they follow."""
        steps = tuple(Step.from_dict(step) for step in stored.get("steps", ()))
        return cls(**{**own_fields(cls, stored), "since": datetime.fromisoformat(stored["since"]), "steps": steps})


@dataclass(slots=True)
class Replaced:
    """Meters that were replaced, or may have been, by slot.

    `snoozed`: the identifier that the owner called a mistake, and until when it is not asked about. `successors`:
    the slot of the meter of the same kind that was there before. `asked`: the successors that the owner was asked
    about. `retired`: the identifier of a dead meter that another one has replaced. In storage they have older names:
    `quiet`, `arrivals`, `asked` and `buried`. `unbooked` are costs not booked yet.
    """

    changes: dict[str, Change] = field(default_factory=dict)
    snoozed: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    successors: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    retired: dict[str, str | None] = field(default_factory=dict)
    unbooked: list[UnbookedCost] = field(default_factory=list)

    def is_snoozed(self, slot: str, identifier: str, now: datetime) -> bool:
        """Whether the question about an identifier is snoozed."""
        mistaken, until = self.snoozed.get(slot, ("", now))
        return identifier == mistaken and now < until

    def as_dict(self) -> dict[str, Any]:
        """Return the data for storage."""
        return {
            "changes": [asdict(change) for change in self.changes.values()],
            "quiet": self.snoozed,
            "arrivals": self.successors,
            "asked": sorted(self.asked),
            "buried": self.retired,
            "unbooked": [asdict(cost) for cost in self.unbooked],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data. An earlier version also stored unasked changes, and answers about noise."""
        changes = [Change.from_dict(change.get("before") or change) for change in stored["changes"]]
        return cls(
            {change.slot: change for change in changes if change.is_asked},
            {slot: (mistaken, datetime.fromisoformat(until)) for slot, (mistaken, until) in stored["quiet"].items()},
            dict(stored["arrivals"]),
            set(stored["asked"]),
            dict(stored["buried"]),
            [UnbookedCost(**cost) for cost in stored.get("unbooked", ())],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """An amount that a statistic has too much, from the five-minute period on that begins at `start`.

    `found` is the value of this period when the recorder was asked to correct it; None before.
    """

    statistic_id: str
    start: datetime
    amount: float
    unit: str | None
    found: float | None = None

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Create from stored data."""
        return cls(**{**stored, "start": datetime.fromisoformat(stored["start"])})


def renamed[T](stored: T, name: Callable[[str], str]) -> T:
    """Return stored data with each text as `name` returns it; keys stay."""
    found: Any = stored
    if is_dataclass(stored) and not isinstance(stored, type):
        found = replace(stored, **{each.name: renamed(getattr(stored, each.name), name) for each in fields(stored)})
    elif isinstance(stored, Mapping):
        found = {key: renamed(value, name) for key, value in stored.items()}
    elif isinstance(stored, (list, tuple)):
        found = type(stored)(renamed(value, name) for value in stored)
    elif isinstance(stored, str):
        found = name(stored)
    return cast("T", found)
