"""Many mutated bytes through the core: no exception, and memory stays flat.

    PYTHONPATH=scripts .dev/test/bin/python -m tests.p1.soak [MILLIONS OF BYTES] [SEED]

Telegrams of all captures are cut, joined, repeated and hit by bit errors, and read in pieces of any size by one decoder
for plain and encrypted telegrams, as if a very bad cable were left alone for months.
"""

from dataclasses import dataclass
import random
import sys
import time
import tracemalloc

from custom_components.dsmr_p1.p1 import Decoder, Keys, Reading, present
from tests.p1.captures import CAPTURES, DECRYPTION_KEY, load

_CAPTURES = [load(name) for name in CAPTURES]
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the bytes; `growth` are the bytes of memory that the second half of them cost."""

    octets: int
    telegrams: int
    rejected: int
    growth: int


def mutate(seed: int) -> bytes:
    """Return a few telegrams with what may happen to them on the way."""
    source = random.Random(seed)
    stream = bytearray()
    for _ in range(source.randrange(1, 8)):
        octets = bytearray(source.choice(_CAPTURES))
        match source.randrange(8):
            case 0:
                for _ in range(source.randrange(1, 20)):
                    octets[source.randrange(len(octets))] ^= 1 << source.randrange(8)
            case 1:
                del octets[source.randrange(len(octets)) :]
            case 2:
                del octets[: source.randrange(len(octets))]
            case 3:
                start = source.randrange(len(octets))
                octets[start:start] = source.randbytes(source.randrange(200))
            case 4:
                start = source.randrange(len(octets))
                octets += octets[start : start + source.randrange(3000)] * source.randrange(4)
            case 5:
                octets = bytearray(source.randbytes(source.randrange(2000)))
            case _:
                pass
        stream += octets
    return bytes(stream)


def soak(megabytes: float, seed: int) -> Report:
    """Feed millions of mutated bytes to one decoder."""
    source = random.Random(seed)
    decoder = Decoder(Keys(DECRYPTION_KEY))
    octets = telegrams = rejected = before = 0
    goal = int(megabytes * _MILLION)
    tracemalloc.start()
    try:
        while octets < goal:
            stream = mutate(source.randrange(2**32))
            if octets < goal // 2 <= octets + len(stream):
                before = tracemalloc.get_traced_memory()[0]
            size = source.choice((1, 7, 64, 1024, 4096))
            for place in range(0, len(stream), size):
                for event in decoder.feed(stream[place : place + size]):
                    if isinstance(event, Reading):
                        telegrams += 1
                        for meter in event.meters:
                            present(meter)
                    else:
                        rejected += 1
            octets += len(stream)
            if source.random() < 0.02:
                decoder.restart()
                decoder.memory.sends_crc = decoder.memory.tag_verified = False
                decoder.memory.frame_counters.clear()
        return Report(octets, telegrams, rejected, tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()


def main() -> None:
    """Run and tell."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    started = time.monotonic()
    report = soak(megabytes, seed)
    sys.stdout.write(f"seed {seed}: {report} in {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()
