"""The protocol core beside dsmr_parser: time and memory for telegrams, whole and in pieces."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
import gc
import time
import tracemalloc
from typing import Final

from . import streams
from .contestants import Contestant, dsmr_parser, dsmr_parser_encrypted, guard_of, this_project
from .measures import LIBRARY, Measure, in_turn
from .trees import Tree

SETTLE: Final = 20
"""Telegrams that are read before the clock runs, so that the first one's price is not shared out among the rest."""
_KEY: Final = streams.DECRYPTION_KEY
type Contestants = Mapping[str, Contestant]


@dataclass(frozen=True, slots=True)
class Match:
    """The same telegrams for all; `piece` is the number of bytes at a time, 0 for whole telegrams."""

    key: str
    title: str
    telegrams: Callable[[int], Sequence[bytes]]
    piece: int = 0
    is_encrypted: bool = False
    is_guarded: bool = False

    def contestants(self, trees: Sequence[Tree]) -> Contestants:
        """Return all that can read these telegrams."""
        key = _KEY if self.is_encrypted else None
        ours = {
            tree.side: this_project(tree, key, is_guarded=self.is_guarded)
            for tree in trees
            if not self.is_guarded or _has_guard(tree)
        }
        return {**ours, LIBRARY: dsmr_parser_encrypted(_KEY) if self.is_encrypted else dsmr_parser()}


def _dsmr5(count: int) -> Sequence[bytes]:
    return streams.household("dsmr5", count)


def _luxembourg(count: int) -> Sequence[bytes]:
    return streams.luxembourg(count, stands=True)


MATCHES: Final = (
    Match("dsmr5", "DSMR 5, second by second", _dsmr5),
    Match("guard", "DSMR 5, second by second, with the guard of registers", _dsmr5, is_guarded=True),
    Match("dsmr5_64", "DSMR 5 in 64-byte pieces", _dsmr5, 64),
    Match("dsmr5_16", "DSMR 5 in 16-byte pieces", _dsmr5, 16),
    Match("changed", "every number changed", lambda count: streams.every_number_changed(_dsmr5(count))),
    Match("luxembourg", "encrypted Luxembourg, tag verified", _luxembourg, is_encrypted=True),
    Match("luxembourg_64", "encrypted Luxembourg in 64-byte pieces", _luxembourg, 64, is_encrypted=True),
    Match("luxembourg_moving", "encrypted Luxembourg, second by second", streams.luxembourg, is_encrypted=True),
)


def measure_decoding(trees: Sequence[Tree], *, telegrams: int, rounds: int) -> Iterator[Measure]:
    """Yield the processor time for a telegram of each match, the contestants in turn."""
    for match in MATCHES:
        stream = match.telegrams(SETTLE + telegrams)
        pieces = streams.in_pieces(stream[SETTLE:], match.piece) if match.piece else stream[SETTLE:]
        runs = {
            side: partial(_microseconds, contestant, stream[:SETTLE], pieces, telegrams)
            for side, contestant in match.contestants(trees).items()
        }
        yield Measure(f"decoding.{match.key}", match.title, "µs a telegram", in_turn(runs, rounds), as_speed=True)

    guards = {tree.side: tree for tree in trees if _has_guard(tree)}
    samples: dict[str, list[float]] = {side: [] for side in guards}
    stream = _dsmr5(SETTLE + telegrams)
    for _ in range(rounds):
        for side, tree in guards.items():
            samples[side].append(_of_guard(tree, stream) * 1e6)
    yield Measure("decoding.guard_alone", "the guard of registers, in a loop of its own", "µs a telegram", samples)


def _has_guard(tree: Tree) -> bool:
    return (tree.integration / "p1/registers/guard.py").is_file()


def _of_guard(tree: Tree, stream: Sequence[bytes]) -> float:
    """Return the seconds of this thread's processor time that the guard takes for a telegram that was read before."""
    check, decoder = guard_of(tree)
    readings = [event for telegram in stream for event in decoder.feed(telegram)]
    for reading in readings[:SETTLE]:
        check(reading)
    gc.collect()
    start = time.thread_time()
    for reading in readings[SETTLE:]:
        check(reading)
    return (time.thread_time() - start) / (len(readings) - SETTLE)


def _microseconds(contestant: Contestant, first: Sequence[bytes], pieces: Sequence[bytes], telegrams: int) -> float:
    return read(contestant, first, pieces) / telegrams * 1e6


def read(contestant: Contestant, first: Sequence[bytes], pieces: Sequence[bytes]) -> float:
    """Return the seconds of this thread's processor time that reading `pieces` takes; `first` is read before.

    Raises ValueError if nothing is read.
    """
    feed = contestant()
    for telegram in first:
        feed(telegram)
    gc.collect()
    start = time.thread_time()
    values = sum(map(feed, pieces))
    seconds = time.thread_time() - start
    if not values:
        raise ValueError("a contestant has read nothing")
    return seconds


def measure_memory(trees: Sequence[Tree], *, telegrams: int) -> Iterator[Measure]:
    """Yield what reading a stream takes at most, and what is kept of it afterwards while the port stays open."""
    match = MATCHES[0]
    stream = match.telegrams(telegrams)
    peaks: dict[str, list[float]] = {}
    kept: dict[str, list[float]] = {}
    for side, contestant in match.contestants(trees).items():
        read(contestant, (), stream)
        tracemalloc.start()
        feed = contestant()
        gc.collect()
        tracemalloc.reset_peak()
        for telegram in stream:
            feed(telegram)
        peaks[side] = [tracemalloc.get_traced_memory()[1] / 1024]
        gc.collect()
        kept[side] = [tracemalloc.get_traced_memory()[0] / 1024]
        tracemalloc.stop()
        del feed
    yield Measure("memory.peak", "memory at most, reading DSMR 5", "KiB", peaks)
    yield Measure("memory.kept", "memory kept while the port is open", "KiB", kept)
