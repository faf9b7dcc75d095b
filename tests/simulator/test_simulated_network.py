"""Ports on the network: raw TCP, RFC 2217 and a HomeWizard P1 Meter."""

import json
import socket

import pytest
import serialx

from simulator import TELNET_GREETING, V2_SETTINGS, HomeWizardPort, LineSettings, Parity, Rfc2217Port, TcpPort, serving

pytestmark = pytest.mark.usefixtures("socket_enabled")


def connect(port: TcpPort) -> socket.socket:
    connection = socket.create_connection(port.address, timeout=5)
    assert port.reader_present()
    return connection


def test_every_client_gets_the_bytes() -> None:
    with TcpPort() as port:
        assert port.write(b"lost") == 0
        with connect(port) as first, connect(port) as second:
            assert port.write(b"telegram") == 8
            assert first.recv(100) == second.recv(100) == b"telegram"
        while port.reader_present():
            pass
        assert port.write(b"lost") == 0
        with connect(port) as third:
            port.write(b"again")
            assert third.recv(100) == b"again"


def test_a_homewizard_says_what_its_last_telegram_has() -> None:
    with HomeWizardPort() as port:
        port.write(b"/XMX5\r\n\r\n1-0:1.8.1(000123.456*kWh)\r\n1-0:1.7.0(00.100*kW)\r\n1-0:2.7.0(00.350*kW)\r\n!\r\n")
        head, _, content = port.answer_to("GET /api/v1/data HTTP/1.1").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        measured = json.loads(content)
        assert (measured["total_power_import_t1_kwh"], measured["active_power_w"]) == (123.456, -250)
        assert "total_power_import_t2_kwh" not in measured


def test_what_a_reader_sends_is_ignored() -> None:
    with TcpPort() as port, connect(port) as connection:
        connection.send(b"hello")
        port.service(0.01)
        port.write_raw(b"telegram")
        assert connection.recv(100) == b"telegram"


def test_a_telnet_server_greets_first() -> None:
    with TcpPort(greeting=TELNET_GREETING) as port, connect(port) as connection:
        assert connection.recv(100) == TELNET_GREETING


def test_unplug_ends_the_connection_and_replug_takes_new_ones() -> None:
    with TcpPort() as port:
        with connect(port) as connection:
            port.unplug()
            assert not port.is_plugged
            assert connection.recv(100) == b""
            port.service(0)
            assert port.write(b"lost") == 0
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(port.address, timeout=5)
        port.replug()
        with connect(port) as connection:
            port.write(b"back")
            assert connection.recv(100) == b"back"
    assert port.path == f"socket://127.0.0.1:{port.address[1]}"


def test_a_client_that_does_not_read_blocks_nothing() -> None:
    with TcpPort() as port, connect(port):
        for _ in range(200):
            port.write(b"x" * 100_000)
        assert port.lost > 0


PARITIES = {Parity.NONE: serialx.Parity.NONE, Parity.EVEN: serialx.Parity.EVEN, Parity.ODD: serialx.Parity.ODD}


@pytest.mark.parametrize(
    ("settings", "received"),
    [
        (V2_SETTINGS, b"/ \x7f\x7f"),
        (LineSettings(9600), b"\xaf\xa0\xff\xff"),
        (LineSettings(9600, 7, Parity.ODD, 2), b"/ \x7f\x7f"),
        (LineSettings(115_200), b"\0" * 7),
    ],
    ids=str,
)
def test_rfc2217_readers_get_what_their_uart_would(settings: LineSettings, received: bytes) -> None:
    with Rfc2217Port(V2_SETTINGS) as port, serving(port):
        reader = serialx.serial_for_url(
            port.path,
            baudrate=settings.baudrate,
            byte_size=settings.data_bits,
            parity=PARITIES[settings.parity],
            stopbits=settings.stop_bits,
            read_timeout=5,
        )
        reader.open()
        try:
            assert port.reader_settings() == settings
            port.write(b"/ \x7f\x7f")
            assert reader.readexactly(len(received)) == received
        finally:
            reader.close()


def test_telnet_options_are_answered_once() -> None:
    with Rfc2217Port() as port, connect(port) as connection:
        connection.send(bytes.fromhex("FFFB2C FFFB2C FFFD00 FFFD00 FFFB18 FFFD18 FFFC00 FFF1"))
        port.service(0.05)
        assert connection.recv(100) == bytes.fromhex("FFFD2C FFFB00 FFFE18 FFFC18")


def test_rfc2217_settings_are_confirmed_and_told() -> None:
    with Rfc2217Port() as port, connect(port) as connection:
        connection.send(bytes.fromhex("FFFA2C01000025"))  # in two pieces
        port.service(0.02)
        connection.send(bytes.fromhex("80FFF0 FFFA2C0209FFF0 FFFA2C0300FFF0 FFFA2C0403FFF0 FFFA2C0AFFFFFFF0"))
        port.service(0.02)
        assert connection.recv(200) == bytes.fromhex(
            "FFFA2C6500002580FFF0 FFFA2C6608FFF0 FFFA2C6701FFF0 FFFA2C6803FFF0 FFFA2C6EFFFFFFF0"
        )
        assert port.reader_settings() == LineSettings(9600, stop_bits=1.5)


def test_telnet_bytes_within_a_telegram_are_doubled() -> None:
    with Rfc2217Port() as port, connect(port) as connection:
        assert port.write(b"a\xffb") == 3
        assert connection.recv(100) == b"a\xff\xffb"


def test_an_endless_telnet_command_is_forgotten() -> None:
    with Rfc2217Port() as port, connect(port) as connection:
        connection.send(bytes.fromhex("FFFA") + bytes(1000))
        port.service(0.02)
        connection.send(bytes.fromhex("FFFB2C"))
        port.service(0.02)
        assert connection.recv(100) == bytes.fromhex("FFFD2C")
