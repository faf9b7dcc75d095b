"""What is kept of meters that were replaced: what the owner was asked and said, and what the statistics have too much.

Kept over a restart as a part of what is stored of the port.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Step:
    """The step of a register, or of a sensor of costs, when another meter took over: `amount` was no use.

    It showed `before`, and `first` when the step was made.
    """

    statistic_id: str
    unit: str | None
    at: datetime
    before: float
    first: float
    amount: float

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was written."""
        return cls(**{**stored, "at": datetime.fromisoformat(stored["at"])})


@dataclass(frozen=True, slots=True)
class UnbookedCost:
    """The step of a register that its sensor of costs has still to book.

    The register showed `before` when the sensor of costs booked last, and `first` when the meter of now took over; the
    meters between used `used`. The sensor of costs shows `cost_before`, since `last_reset`, until it books.
    """

    slot: str
    register: str
    before: float
    first: float
    used: float
    sensor: str
    cost_before: float
    last_reset: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Another identifier in the slot of a known meter, believed since a time.

    `is_shown`: its registers are shown, and `steps` are those between the old meter's registers and them. `is_asked`:
    the owner is asked about it. `is_replacement`: it is a new meter, and only the recorder is waited for.
    """

    slot: str
    identifier: str
    since: datetime
    is_asked: bool = False
    is_replacement: bool = False
    is_shown: bool = False
    steps: tuple[Step, ...] = ()

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was written. An earlier version, which held registers back, wrote no steps: they are to come."""
        return cls(
            slot=stored["slot"],
            identifier=stored["identifier"],
            since=datetime.fromisoformat(stored["since"]),
            is_asked=stored["is_asked"],
            is_replacement=stored["is_replacement"],
            is_shown=stored.get("is_shown", False),
            steps=tuple(Step.from_dict(step) for step in stored.get("steps", ())),
        )


@dataclass(slots=True)
class Replaced:
    """What is known of meters that were replaced, or may have been, by slot.

    `snoozed`: the identifier that the owner called a mistake, and until when nobody is asked about it. `successors`:
    the slot of the meter of the same kind that was there before. `asked`: the successors that the owner was asked
    about. `retired`: the identifier of a dead meter that another one has replaced. In storage they have older names:
    `quiet`, `arrivals`, `asked` and `buried`. `unbooked` costs are waited for.
    """

    changes: dict[str, Change] = field(default_factory=dict)
    snoozed: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    successors: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    retired: dict[str, str | None] = field(default_factory=dict)
    unbooked: list[UnbookedCost] = field(default_factory=list)

    def is_snoozed(self, slot: str, identifier: str, now: datetime) -> bool:
        """Whether nobody is to be asked about an identifier yet."""
        mistaken, until = self.snoozed.get(slot, ("", now))
        return identifier == mistaken and now < until

    def copy(self) -> Replaced:
        """Return a copy that stays as it is."""
        return Replaced(
            dict(self.changes), dict(self.snoozed), dict(self.successors), set(self.asked), dict(self.retired),
            list(self.unbooked),
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return what is written to storage."""
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
        """Read what was written. An earlier version kept what it had not asked about, and an answer behind noise."""
        changes = [Change.from_dict(change.get("before") or change) for change in stored["changes"]]
        return cls(
            {change.slot: change for change in changes if change.is_asked},
            {
                slot: (identifier, datetime.fromisoformat(until))
                for slot, (identifier, until) in stored["quiet"].items()
            },
            dict(stored["arrivals"]),
            set(stored["asked"]),
            dict(stored["buried"]),
            [UnbookedCost(**cost) for cost in stored.get("unbooked", ())],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """An amount that a statistic has too much of, from the five minutes on that begin at `start`.

    `found` is what these five minutes had when the recorder was asked to correct them; None before.
    """

    statistic_id: str
    start: datetime
    amount: float
    unit: str | None
    found: float | None = None

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was written."""
        return cls(**{**stored, "start": datetime.fromisoformat(stored["start"])})
