"""What goes wrong with the bytes of a telegram, on request and repeatably.

A fault strikes at one of three stages: the body, of which the CRC is then taken, so that the telegram is odd but
valid; the finished telegram, before encryption; or the bytes on the line.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
import random
from typing import Final

from .randomness import generator


class Stage(Enum):
    """Where a fault strikes."""

    BODY = auto()
    TELEGRAM = auto()
    LINE = auto()


type Damage = Callable[[bytes, random.Random, float], bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault; `amount` is the default of its argument: a rate, or a number of bytes."""

    name: str
    stage: Stage
    description: str
    damage: Damage
    amount: float = 0


def _high_bytes(body: bytes, _: random.Random, __: float) -> bytes:
    """Spell cubic metres with a superscript three, and say something in the text that is no text."""
    return body.replace(b"*m3)", b"*m\xb3)").replace(b"0-0:96.13.0()", b"0-0:96.13.0(\xff\xfe\xa0)")


def _double_line(body: bytes, _: random.Random, __: float) -> bytes:
    """Send the first import register a second time, with another value: what two telegrams run together look like."""
    start = body.find(b"1-0:1.8.")
    end = body.find(b"\r\n", start) + 2
    line = body[start:end]
    return body if start < 0 else body[:end] + line.replace(b"(0", b"(9", 1) + body[end:]


def _in_crc(change: Callable[[bytes], bytes]) -> Damage:
    """Return the damage of what follows the exclamation mark: the CRC, if there is one, and the end of the line."""

    def damage(telegram: bytes, _: random.Random, __: float) -> bytes:
        head, mark, crc = telegram.rpartition(b"!")
        return head + mark + change(crc)

    return damage


def _wrong(crc: bytes) -> bytes:
    return f"{int(crc, 16) ^ 0x5AA5:04X}\r\n".encode() if crc.strip() else crc


def _nul(telegram: bytes, _: random.Random, __: float) -> bytes:
    return telegram.removesuffix(b"\r\n") + b"\0\r\n"


def _lf_only(telegram: bytes, _: random.Random, __: float) -> bytes:
    return telegram.replace(b"\r\n", b"\n")


def _noise(sent: bytes, drawn: random.Random, amount: float) -> bytes:
    """Put random bytes before the telegram, and in every fourth one also somewhere inside."""
    before = drawn.randbytes(drawn.randrange(int(amount) + 1))
    place = drawn.randrange(len(sent) + 1) if drawn.random() < 0.25 else 0
    inside = drawn.randbytes(drawn.randrange(1, 5)) if place else b""
    return before + sent[:place] + inside + sent[place:]


def _flips(sent: bytes, drawn: random.Random, rate: float) -> bytes:
    return bytes(byte ^ 1 << drawn.randrange(8) if drawn.random() < rate else byte for byte in sent)


def _drops(sent: bytes, drawn: random.Random, rate: float) -> bytes:
    return bytes(byte for byte in sent if drawn.random() >= rate)


def _truncate(sent: bytes, drawn: random.Random, chance: float) -> bytes:
    return sent[: drawn.randrange(len(sent))] if sent and drawn.random() < chance else sent


def _hdlc(sent: bytes, drawn: random.Random, _: float) -> bytes:
    """Send what ports of other operators send: HDLC frames around a ciphered DLMS message, and no P1 at all."""
    content = bytes.fromhex("A000CF0002230000E6E700DB08") + drawn.randbytes(len(sent) % 100 + 60)
    return b"\x7e" + content[:1] + bytes([len(content)]) + content[2:] + b"\x7e"


FAULTS: Final = {
    fault.name: fault
    for fault in (
        Fault("high-bytes", Stage.BODY, "characters above 7F, under a right CRC", _high_bytes),
        Fault("double-line", Stage.BODY, "a register twice with different values, under a right CRC", _double_line),
        Fault("wrong-crc", Stage.TELEGRAM, "a CRC that does not match", _in_crc(_wrong)),
        Fault("no-crc", Stage.TELEGRAM, "no CRC after the exclamation mark", _in_crc(lambda _: b"\r\n")),
        Fault("lower-crc", Stage.TELEGRAM, "the CRC in lower case", _in_crc(bytes.lower)),
        Fault("unpadded-crc", Stage.TELEGRAM, "the CRC without leading zeros", _in_crc(lambda crc: crc.lstrip(b"0"))),
        Fault("nul", Stage.TELEGRAM, "a NUL before the last line end", _nul),
        Fault("lf-only", Stage.TELEGRAM, "line ends without carriage return", _lf_only),
        Fault("noise", Stage.LINE, "up to N random bytes between and within telegrams", _noise, 20),
        Fault("flips", Stage.LINE, "one bit wrong in this share of the bytes", _flips, 0.001),
        Fault("drops", Stage.LINE, "this share of the bytes is lost", _drops, 0.002),
        Fault("truncate", Stage.LINE, "this share of the telegrams ends early", _truncate, 0.5),
        Fault("hdlc", Stage.LINE, "HDLC frames instead of telegrams", _hdlc),
    )
}


class Faults:
    """The faults that are switched on, and the generator that decides for them."""

    def __init__(self, seed: int = 1) -> None:
        self._random = generator(seed, "faults")
        self.active: dict[str, float] = {}

    def enable(self, name: str, amount: float | None = None) -> None:
        """Switch a fault on, or change its amount."""
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}, only {', '.join(FAULTS)}")
        self.active[name] = FAULTS[name].amount if amount is None else amount

    def disable(self, name: str) -> None:
        """Switch a fault off."""
        self.active.pop(name, None)

    def apply(self, stage: Stage, content: bytes) -> bytes:
        """Return what the faults of a stage make of the bytes."""
        for name, amount in self.active.items():
            if FAULTS[name].stage is stage:
                content = FAULTS[name].damage(content, self._random, amount)
        return content
