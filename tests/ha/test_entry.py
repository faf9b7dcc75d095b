"""What is kept in an entry, read for the core, and shown without what is secret."""

from typing import Any

import pytest

from custom_components.dsmr_p1.p1 import KeyFormatError, Keys, SerialSettings
from custom_components.dsmr_p1.port.entry_data import keys_from, redacted, settings_from, without_secrets

KEY = "00112233445566778899AABBCCDDEEFF"


def test_keys() -> None:
    assert keys_from({}) is None
    assert keys_from({"decryption_key": ""}) is None
    assert keys_from({"decryption_key": KEY}) == Keys(bytes.fromhex(KEY))
    assert keys_from({"decryption_key": KEY, "additional_key": KEY}) == Keys(bytes.fromhex(KEY), bytes.fromhex(KEY))
    with pytest.raises(KeyFormatError):
        keys_from({"decryption_key": "abc"})


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        ({}, None),
        ({"baudrate": 115200}, SerialSettings(115200, 8, "N", 1)),
        ({"baudrate": 9600}, SerialSettings(9600, 8, "N", 1)),
        (
            {"baudrate": 9600, "databits": 8, "parity": "N", "stopbits": 1.5},
            SerialSettings(9600, 8, "N", 1.5),
        ),
    ],
)
def test_settings(data: dict[str, Any], settings: SerialSettings | None) -> None:
    assert settings_from(data) == settings


@pytest.mark.parametrize(
    ("port", "shown"),
    [
        ("/dev/serial/by-id/usb-FTDI_P1_A1-if00", "/dev/serial/by-id/usb-FTDI_P1_A1-if00"),
        ("socket://meter.local:2001", "socket://meter.local:2001"),
        ("socket://me:hunter2@meter.local:2001", "socket://meter.local:2001"),
        ("esphome://meter.local:6053?port_name=P1&key=hunter2", "esphome://meter.local:6053"),
        ("rfc2217://[::1", "rfc2217://[::1"),
        ("socket://meter.local/#hunter2", "socket://meter.local/"),
    ],
)
def test_ports_as_they_are_shown(port: str, shown: str) -> None:
    assert redacted(port) == shown


def test_errors_that_repeat_a_secret() -> None:
    port = "esphome://me:hunter2@meter.local:6053?port_name=P1&key=hunter%3D3&x="
    for text in (f"cannot open {port}", "hunter2 is no password", "key hunter=3", "key=hunter%3D3", "me:hunter2"):
        assert "hunter" not in without_secrets(text, port)
    assert without_secrets("no P1 here", port) == "no P1 here"
    assert without_secrets("no such file: '/dev/ttyUSB0'", "/dev/ttyUSB0") == "no such file: '/dev/ttyUSB0'"
