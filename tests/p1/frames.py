"""Frames of a few lines, and what is read from them."""

from custom_components.dsmr_p1.p1 import Telegram
from custom_components.dsmr_p1.p1.decoding.interpreter import Interpreter
from custom_components.dsmr_p1.p1.wire.frames import PlainFrame


def frame(*lines: str, identification: str = "TST5\\TEST", end: str = "\r\n", has_crc: bool = True) -> PlainFrame:
    text = end.join((f"/{identification}", "", *lines, "!"))
    return PlainFrame(text.encode("latin-1"), has_crc=has_crc)


def parse(*lines: str, identification: str = "TST5\\TEST", end: str = "\r\n", has_crc: bool = True) -> Telegram:
    telegram, _ = Interpreter().read(frame(*lines, identification=identification, end=end, has_crc=has_crc))
    return telegram
