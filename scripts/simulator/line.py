"""The serial line: what a UART makes of bits that were sent with other settings than its own.

A character is a start bit (0), the data bits, least significant first, a parity bit where there is one, and the stop
bits (1); between characters the line is 1. A receiver waits for the line to fall, looks at the middle of each bit as
long as its own speed says, and does not care what the sender meant. Parity and framing errors are delivered as the
character that was received, as Linux does without INPCK.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, override


class Parity(StrEnum):
    """The parity bit of a character."""

    NONE = "N"
    EVEN = "E"
    ODD = "O"
    MARK = "M"
    SPACE = "S"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How characters are put on the line; written `115200 8N1`."""

    baudrate: int = 115_200
    data_bits: int = 8
    parity: Parity = Parity.NONE
    stop_bits: float = 1

    @override
    def __str__(self) -> str:
        return f"{self.baudrate} {self.data_bits}{self.parity}{self.stop_bits:g}"

    @property
    def character_time(self) -> float:
        """Return the seconds that a character takes."""
        return (1 + self.data_bits + (self.parity is not Parity.NONE) + self.stop_bits) / self.baudrate


V4_SETTINGS: Final = LineSettings(115_200, 8, Parity.NONE, 1)
V2_SETTINGS: Final = LineSettings(9_600, 7, Parity.EVEN, 1)


def parse_settings(text: str) -> LineSettings:
    """Return the settings written as `9600 7E1` or `9600,7E1`."""
    speed, _, character = text.replace(",", " ").strip().partition(" ")
    character = character.strip().upper() or "8N1"
    try:
        settings = LineSettings(int(speed), int(character[0]), Parity(character[1]), float(character[2:]))
    except ValueError, IndexError:
        raise ValueError(f"{text!r} are no line settings; write them like '115200 8N1'") from None
    if settings.baudrate <= 0 or not 5 <= settings.data_bits <= 8 or settings.stop_bits not in {1, 1.5, 2}:
        raise ValueError(f"{text!r} are no line settings that a serial port has")
    return settings


def transfer(sent: bytes, sender: LineSettings, receiver: LineSettings) -> bytes:
    """Return what the receiver makes of the bytes, sent without pauses on a line that was idle before."""
    if sender == receiver:
        mask = (1 << sender.data_bits) - 1
        return bytes(byte & mask for byte in sent)
    return _receive(_levels(sent, sender), sender.baudrate, receiver)


def _parity_bit(byte: int, parity: Parity) -> int:
    match parity:
        case Parity.EVEN:
            return byte.bit_count() & 1
        case Parity.ODD:
            return byte.bit_count() & 1 ^ 1
        case Parity.SPACE:
            return 0
        case _:
            return 1


def _levels(sent: bytes, settings: LineSettings) -> bytes:
    """Return the level of the line in steps of half a bit (there are one and a half stop bits)."""
    characters = []
    for byte in range(1 << settings.data_bits):
        bits = [0, *(byte >> index & 1 for index in range(settings.data_bits))]
        if settings.parity is not Parity.NONE:
            bits.append(_parity_bit(byte, settings.parity))
        characters.append(bytes(bit for bit in bits for _ in range(2)) + b"\1" * int(2 * settings.stop_bits))
    mask = (1 << settings.data_bits) - 1
    return b"".join(characters[byte & mask] for byte in sent)


def _receive(levels: bytes, baudrate: int, settings: LineSettings) -> bytes:
    """Return the characters that a receiver finds on a line whose level is given for each half bit of the sender.

    Time is counted in units in which half a bit is a whole number for both: `receiver.baudrate` units for the
    sender and `baudrate` units for the receiver.
    """
    half_sent, half_bit = settings.baudrate, baudrate
    bits = settings.data_bits + (settings.parity is not Parity.NONE)
    mask = (1 << settings.data_bits) - 1
    received = bytearray()

    def level(moment: int) -> int:
        index = moment // half_sent
        return levels[index] if index < len(levels) else 1

    moment = 0
    while True:
        fall = levels.find(0, moment // half_sent)
        if fall < 0:
            return bytes(received)
        start = max(fall * half_sent, moment)
        if level(start + half_bit):
            moment = start + half_bit  # too short for a start bit
            continue
        value = 0
        for index in range(bits):
            value |= level(start + half_bit * (2 * index + 3)) << index
        received.append(value & mask)
        stop = start + half_bit * (2 * bits + 3)
        moment = stop
        if value == 0 and not level(stop):
            # A break: nothing more is received until the line has been idle.
            idle = levels.find(1, stop // half_sent)
            moment = (idle if idle >= 0 else len(levels)) * half_sent
