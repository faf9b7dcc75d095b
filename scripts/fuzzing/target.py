"""What is done with the bytes: decoded, detected, guarded, presented and made fit to be shared."""

from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Final

from p1 import Decoder, Keys, PortMemory, Reading, Rejected, present
from p1.masking import masked_line, shareable
from p1.registers.guard import Guard
from p1.wire.crc import crc16
from simulator import encrypt

KEY: Final = bytes.fromhex("5A1E3C7096B8D2F40123456789ABCDEF")
"""That of our encrypted captures, which is invented."""
RAW: Final = 0
CLOSED: Final = 1
SEALED: Final = 2
"""How the bytes come: as they are, with a right checksum, or with one in an encrypted envelope."""
TWICE: Final = 4
"""Added to the way: the bytes come again, as a first total shows with a second telegram only."""
SIZES: Final = (1, 7, 64, 4096)
CAPTURES: Final = Path(__file__).parents[2] / "tests" / "telegrams"
_START: Final = datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC)
_SECRET: Final = b"fuzz"


def seeds() -> dict[str, bytes]:
    """Return inputs to begin with, by name: our captures, in every way."""
    found: dict[str, bytes] = {}
    for capture in sorted(CAPTURES.iterdir()):
        octets = capture.read_bytes()
        text = octets[: octets.rfind(b"!") + 1] or octets
        for way in (RAW, CLOSED, SEALED):
            body = octets if way == RAW else text
            found[f"{capture.stem}-{way}"] = bytes([way | TWICE, len(body) % len(SIZES)]) + body
    return found


def _closed(body: bytes) -> bytes:
    return b"%s%04X\r\n" % (body, crc16(body))


def _sent(way: int, body: bytes, counter: int) -> bytes:
    """Return the bytes on the line."""
    if way == CLOSED:
        return _closed(body)
    if way == SEALED:
        return encrypt(_closed(body), decryption_key=KEY, frame_counter=counter)
    return body


def try_bytes(octets: bytes) -> None:
    """Read bytes as the integration does, behind two bytes that say how they come. Nothing may be raised."""
    if len(octets) < 2:
        return
    how, size, body = octets[0], SIZES[octets[1] % len(SIZES)], octets[2:]
    memory = PortMemory()
    decoder, guard = Decoder(Keys(KEY), memory), Guard(memory)
    for number in range(2 if how & TWICE else 1):
        wall = _START + timedelta(seconds=10 * number)
        sent = _sent(how % 4, body, number + 1)
        for place in range(0, len(sent), size):
            for event in decoder.feed(sent[place : place + size], 1000.0 + 10 * number):
                _use(event, guard, 1000.0 + 10 * number, wall)
    for event in decoder.finish():
        _use(event, guard, 1100.0, _START)
    stored = json.loads(json.dumps(guard.as_dict()))
    Guard(memory).restore(stored, 1200.0, _START)


def _use(event: Reading | Rejected, guard: Guard, now: float, wall: datetime) -> None:
    """Use what came of the bytes."""
    shareable(event, _SECRET)
    if isinstance(event, Rejected):
        return
    for meter in guard.check(event, now, wall).meters:
        present(meter)
    guard.events()
    for obj in event.unknown:
        masked_line(str(obj.obis))
