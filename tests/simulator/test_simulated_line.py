"""The serial line: what a reader with other settings than the meter's receives."""

import pytest

from simulator import V2_SETTINGS, V4_SETTINGS, LineSettings, Parity, parse_settings, transfer
from simulator.line import _levels, _receive

TELEGRAM = b"/SIM5\\2SAMPLE\r\n\r\n1-0:1.8.1(000123.456*kWh)\r\n0-0:96.13.0()\r\n!\r\n" * 5
EVERY_BYTE = bytes(range(256))


def test_the_same_settings_deliver_every_byte() -> None:
    assert transfer(EVERY_BYTE, V4_SETTINGS, V4_SETTINGS) == EVERY_BYTE
    assert transfer(EVERY_BYTE, V2_SETTINGS, V2_SETTINGS) == EVERY_BYTE[:128] * 2


@pytest.mark.parametrize("baudrate", [300, 9600, 115_200])
@pytest.mark.parametrize("character", ["8N1", "8N2", "8E1", "7E1", "7O1", "7N2", "7M1", "7S1.5", "5N1.5"])
def test_bits_on_the_line_are_read_as_they_were_sent(baudrate: int, character: str) -> None:
    settings = parse_settings(f"{baudrate} {character}")
    mask = (1 << settings.data_bits) - 1
    received = _receive(_levels(EVERY_BYTE, settings), baudrate, settings)
    assert received == bytes(byte & mask for byte in EVERY_BYTE)


def test_7e1_read_as_8n1_has_the_parity_as_its_highest_bit() -> None:
    received = transfer(TELEGRAM, V2_SETTINGS, LineSettings(9600))
    assert received == bytes(byte | (byte.bit_count() & 1) << 7 for byte in TELEGRAM)
    assert bytes(byte & 0x7F for byte in received) == TELEGRAM


def test_8n1_text_read_as_7e1_loses_nothing() -> None:
    assert transfer(TELEGRAM, V4_SETTINGS, LineSettings(115_200, 7, Parity.EVEN)) == TELEGRAM


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(V2_SETTINGS, V4_SETTINGS), (V4_SETTINGS, V2_SETTINGS), (V4_SETTINGS, LineSettings(57_600))],
)
def test_another_speed_is_garbage(sender: LineSettings, receiver: LineSettings) -> None:
    received = transfer(TELEGRAM, sender, receiver)
    assert received
    assert b"1-0:1.8.1" not in received
    assert not any(line.startswith(b"/") for line in received.splitlines())


def test_a_slightly_wrong_speed_still_works() -> None:
    assert transfer(TELEGRAM, LineSettings(9600), LineSettings(9800)) == TELEGRAM


def test_a_break_is_one_character_of_nothing() -> None:
    assert transfer(b"\0", LineSettings(300), V4_SETTINGS) == b"\0"


def test_a_flash_on_the_line_is_no_start_bit() -> None:
    assert transfer(b"\xff", V4_SETTINGS, LineSettings(9600)) == b""


@pytest.mark.parametrize("text", ["115200 8N1", "9600 7E1", "300 7O2", "4800 5N1.5"])
def test_settings_are_written_as_they_are_read(text: str) -> None:
    assert str(parse_settings(text)) == text


@pytest.mark.parametrize("text", ["", "fast", "9600 7X1", "9600 9N1", "9600 8N3", "0 8N1", "9600 7"])
def test_impossible_settings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line settings"):
        parse_settings(text)


def test_a_speed_alone_means_8n1() -> None:
    assert parse_settings("115200") == V4_SETTINGS


def test_time_of_a_character() -> None:
    assert V2_SETTINGS.character_time == pytest.approx(10 / 9600)
