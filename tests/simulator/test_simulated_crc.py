"""The checksum, against known values."""

import pytest

from simulator import crc16, seal

# Written by hand, and its CRC computed with a program that is not part of this project (crcmod, "crc-16").
SAMPLE = b"/SIM5\\2SAMPLE\r\n\r\n1-0:1.8.1(000123.456*kWh)\r\n!"


@pytest.mark.parametrize(
    ("content", "crc"),
    [
        (b"", 0x0000),
        (b"123456789", 0xBB3D),  # the check value of CRC-16/ARC
        (b"A", 0x30C0),
        (b"\x00" * 100, 0x0000),
    ],
)
def test_known_values(content: bytes, crc: int) -> None:
    assert crc16(content) == crc


def test_seal_appends_four_digits_and_a_line_end() -> None:
    assert seal(SAMPLE) == SAMPLE + f"{crc16(SAMPLE):04X}\r\n".encode()
    assert seal(SAMPLE.removesuffix(b"!")) == seal(SAMPLE)


def test_a_telegram_followed_by_its_crc_leaves_nothing() -> None:
    crc = crc16(SAMPLE)
    assert crc16(SAMPLE + crc.to_bytes(2, "little")) == 0


def test_leading_zeros_may_be_left_out() -> None:
    body = next(body for number in range(100) if crc16(body := b"/X\r\n\r\n0-0:1.0.0(%03d)\r\n!" % number) < 0x1000)
    assert seal(body, pads_crc=False) == body + f"{crc16(body):X}\r\n".encode()
    assert len(seal(body)) > len(seal(body, pads_crc=False))
