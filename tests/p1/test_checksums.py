"""The check sums of telegrams, whatever became of their line ends."""

import pytest

from custom_components.dsmr_p1.p1.wire.checksums import telegram_checksums
from custom_components.dsmr_p1.p1.wire.crc import crc16, crc16_x25
from simulator import crc16 as slow_crc16

BODY = b"/TST5\\TEST\r\n\r\n1-0:1.8.0(1*kWh)\r\n!"
BLANK = b"/TST5\\TEST\r\n\r\n\r\n1-0:1.8.0(1*kWh)\r\n\r\n!"


@pytest.mark.parametrize(
    "text",
    [BODY, BODY.replace(b"\r", b""), BODY.replace(b"\r\n", b"\r\n\r\n"), BLANK],
    ids=["as sent", "without CR", "every line end doubled", "a blank line behind every line"],
)
def test_the_line_ends_that_a_meter_sent_are_counted(text: bytes) -> None:
    found = list(telegram_checksums(text))
    assert found[0] == slow_crc16(text)
    assert slow_crc16(BODY) in found


def test_some_makers_have_another_check_sum() -> None:
    text = BODY.replace(b"/TST5\\", b"/HLY5/")
    assert list(telegram_checksums(text)) == [crc16(text), crc16_x25(text)]
