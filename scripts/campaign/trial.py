"""Trials: faults of one kind among telegrams that are right, and what is shown meanwhile."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
import traceback
import tracemalloc
from typing import Final

from p1 import Meter, Reading
from simulator import seal

from .kinds import NONE, PARITY, Kind, Stage, nines
from .ports import LENGTH, GuardedPort, Key, Source, is_register, is_sum, said

_SETTLED: Final = 4
"""Telegrams until everything is shown."""


@dataclass(slots=True)
class Result:
    """What became of the faults of a kind on the ports of a group.

    `registers` counts wrong numbers of totals that were shown, and times of them; `most` is by how much such a number
    was off. `others` are wrong numbers of other channels, `strange` channels that no meter has, `lost` telegrams that
    were right and gave nothing, `growth` bytes of memory of the second half of many faults on one port.
    """

    kind: Kind
    group: str
    telegrams: int = 0
    registers: int = 0
    most: Decimal = Decimal()
    others: int = 0
    strange: int = 0
    lost: int = 0
    exceptions: int = 0
    growth: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_stated(self) -> bool:
        """Whether this is what `docs/reliability.md` says."""
        if self.exceptions or self.lost:
            return False
        if self.group == NONE or (self.group == PARITY and self.kind.name != "one flipped bit"):
            return self.most <= Decimal("0.002") and self.growth < _MOST_GROWTH
        return not (self.registers or self.others or self.strange) and self.growth < _MOST_GROWTH


_MOST_GROWTH: Final = 300_000


class Trial:
    """One port with its stream, and faults among the telegrams."""

    def __init__(self, result: Result, source: Source, drawn: Random) -> None:
        self._result = result
        self._source = source
        self._drawn = drawn
        self._port = GuardedPort(source.keys, source.start)
        self._shown: dict[Key, Decimal] = {}
        self._last: dict[str, Meter] = {}

    def run(self, most: int) -> None:
        """Let the stream pass with at most so many faults; telegrams that are right come between them."""
        result, was_faulty = self._result, True
        before = result.telegrams
        for number in range(LENGTH):
            self._port.passed += self._source.period
            is_due = number >= _SETTLED and not was_faulty and result.telegrams - before < most
            was_faulty = is_due and self._drawn.random() < 0.8
            if was_faulty:
                result.telegrams += 1
                self._feed(self.faulty(number), number, is_faulty=True)
            else:
                self._feed(self._source.sent[number], number, is_faulty=False)

    def strike(self, number: int) -> None:
        """Let a fault come, and nothing be noted of it."""
        self._port.passed += self._source.period
        self._port.feed(self.faulty(number), self._result.kind.wall(self._port.wall))

    def faulty(self, number: int) -> bytes:
        """Return a telegram with a fault."""
        kind, source, drawn = self._result.kind, self._source, self._drawn
        body = bytearray(source.bodies[number])
        match kind.stage:
            case Stage.LINE:
                return bytes(kind.damage(bytearray(source.sent[number]), drawn))
            case Stage.BODY:
                return source.finish(bytes(kind.damage(body, drawn)), number)
            case Stage.REPLAYED:
                return source.sent[drawn.randrange(number)]
        odd = nines(body, drawn)
        if kind.stage is Stage.FORGED:
            return seal(bytes(odd)) if drawn.random() < 0.7 else bytes(odd) + b"\r\n"
        if kind.stage is Stage.COUNTED_BACK:
            return source.finish(bytes(odd), number, counter=drawn.randrange(1000))
        return source.finish(bytes(odd), number, title=drawn.randbytes(8), counter=2000 + number)

    def _feed(self, octets: bytes, number: int, *, is_faulty: bool) -> None:
        wall = self._result.kind.wall(self._port.wall) if is_faulty else None
        try:
            readings = self._port.feed(octets, wall)
            for reading in readings:
                self._look(reading, number)
        except Exception:  # noqa: BLE001 - none is allowed, so each is counted
            self._result.exceptions += 1
            self._note(traceback.format_exc())
            return
        self._result.lost += not is_faulty and not readings

    def _look(self, reading: Reading, number: int) -> None:
        """Compare what is shown with what was sent up to now."""
        for meter in reading.meters:
            slot = meter.profile.slot
            if self._last.get(slot) is meter:
                continue
            self._last[slot] = meter
            for key, what in said(meter):
                self._compare(meter, key, what, number)

    def _compare(self, meter: Meter, key: Key, what: object, number: int) -> None:
        result, values = self._result, self._source.truth.get(key)
        channel_id = key[1].removesuffix(" at")
        if values is None:
            result.strange += result.kind.stage is not Stage.BODY
            return
        is_total = is_register(meter, channel_id)
        off = Decimal()
        if isinstance(what, Decimal) and is_total:
            off = max(self._shown.get(key, what) - what, Decimal())
            self._shown[key] = what
        is_true = values.get(what, number + 1) <= number
        if not is_true and isinstance(what, Decimal) and is_total:
            true = [value for value, first in values.items() if isinstance(value, Decimal) and first <= number]
            if is_sum(meter.profile, channel_id):
                off = max(off, min(true) - what, what - max(true))
            else:
                off = max(off, min(abs(value - what) for value in true))
            is_true = is_sum(meter.profile, channel_id) and not off
        if off > 0:
            result.registers += 1
            result.most = max(result.most, off)
            self._note(f"{key}: {what} in telegram {number}")
        elif not is_true:
            if is_total:
                result.registers += 1
            else:
                result.others += 1
            self._note(f"{key}: {what} in telegram {number}")

    def _note(self, text: str) -> None:
        if len(self._result.examples) < 3:
            self._result.examples.append(f"{self._source.name}, {self._source.start:%Y-%m-%d}: {text}")


def try_kind(kind: Kind, group: str, sources: list[Source], telegrams: int, seed: int) -> Result:
    """Put faults of a kind on the ports of a group."""
    result = Result(kind, group)
    drawn = Random(f"{seed} {kind.name} {group}")
    while result.telegrams < telegrams:
        Trial(result, drawn.choice(sources), drawn).run(telegrams - result.telegrams)
    result.growth = _growth(kind, drawn.choice(sources), drawn)
    return result


def _growth(kind: Kind, source: Source, drawn: Random) -> int:
    """Return the bytes of memory that the second half of many faults costs, all on one port."""
    trial = Trial(Result(kind, source.group), source, drawn)
    trial.run(LENGTH)
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(2):
            for number in range(_SETTLED, LENGTH):
                trial.strike(number)
            sizes.append(tracemalloc.get_traced_memory()[0])
        return max(sizes[1] - sizes[0], 0)
    finally:
        tracemalloc.stop()
