"""What people type as a port, and what it stands for."""

import pytest

from custom_components.dsmr_p1.port.address import READER_PORTS, AddressError, candidates

BARE = tuple(f"socket://192.168.1.20:{port.number}" for port in READER_PORTS)


@pytest.mark.parametrize(
    ("typed", "port"),
    [
        ("192.168.1.20:8088", "socket://192.168.1.20:8088"),
        ("  192.168.1.20:8088/ ", "socket://192.168.1.20:8088"),
        ("`p1-reader.local:23`", "socket://p1-reader.local:23"),
        ("p1_reader:1", "socket://p1_reader:1"),
        ("[fd00::1]:23", "socket://[fd00::1]:23"),
        ("socket://host:2001", "socket://host:2001"),
        ("SOCKET://Host:2001", "socket://Host:2001"),
        ("tcp://host:2001", "tcp://host:2001"),
        ("socket://user:secret1@host:1/?key=secret2", "socket://user:secret1@host:1/?key=secret2"),
        ("homewizard://192.168.1.20", "homewizard://192.168.1.20"),
        ("HomeWizard://p1meter-aabbcc.local/", "homewizard://p1meter-aabbcc.local"),
        ("homewizard://:TOKEN@192.168.1.20:8443", "homewizard://:TOKEN@192.168.1.20:8443"),
        ("homewizard://[fd00::1]", "homewizard://[fd00::1]"),
        ("rfc2217://host:4000?ign_set_control", "rfc2217://host:4000?ign_set_control"),
        ("esphome-hass://esphome/01J?port_name=P1", "esphome-hass://esphome/01J?port_name=P1"),
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev/serial/by-id/usb-FTDI_P1-if00-port0", "/dev/serial/by-id/usb-FTDI_P1-if00-port0"),
        ("ttyUSB0", "/dev/ttyUSB0"),
        ("ttyAMA0", "/dev/ttyAMA0"),
        ("usb-FTDI_P1-if00-port0", "/dev/serial/by-id/usb-FTDI_P1-if00-port0"),
    ],
)
def test_one_port(typed: str, port: str) -> None:
    assert candidates(typed) == (port,)


@pytest.mark.parametrize("typed", ["socket://192.168.1.20", "tcp://192.168.1.20/"])
def test_stream_of_a_host_is_looked_for_on_every_port_of_network_readers(typed: str) -> None:
    assert candidates(typed) == BARE


@pytest.mark.parametrize("typed", ["192.168.1.20", "192.168.1.20/"])
def test_bare_host_is_tried_as_every_network_reader(typed: str) -> None:
    assert candidates(typed) == (*BARE, "homewizard://192.168.1.20")
    assert BARE[0] == "socket://192.168.1.20:23"


@pytest.mark.parametrize("typed", ["fd00::1", "[fd00::1]", "socket://[fd00::1]"])
def test_bare_address_of_the_new_kind(typed: str) -> None:
    found = candidates(typed)
    assert found[0] == "socket://[fd00::1]:23"
    assert found[len(READER_PORTS) :] == (() if typed.startswith("socket") else ("homewizard://[fd00::1]",))


@pytest.mark.parametrize("typed", ["fe80::1%enP4p65s0", "[FE80::1%enP4p65s0]", "socket://[fe80::1%enP4p65s0]"])
def test_local_address_keeps_the_name_of_its_interface(typed: str) -> None:
    assert candidates(typed)[0] == "socket://[fe80::1%enP4p65s0]:23"


@pytest.mark.parametrize(
    "typed",
    [
        "http://192.168.1.20",
        "https://host:8088",
        "mqtt://host",
        "telnet://host:23",
        "rfc2217://host",
        "homewizard://",
        "homewizard://host:0",
        "socket://",
        "esphome://",
        "socket://host:0",
        "socket://host:99999",
        "socket://host:one",
        "socket://[fd00::1",
        "host:0",
        "host:99999",
        "host:²",
        "host:",
        "my meter",
        "a..b",
        "-",
        "dev/ttyUSB0",
        "user@host:23",
    ],
)
def test_no_port(typed: str) -> None:
    with pytest.raises(AddressError):
        candidates(typed)


def test_every_port_has_a_source() -> None:
    assert len({port.number for port in READER_PORTS}) == len(READER_PORTS)
    for port in READER_PORTS:
        assert "/" in port.source
        assert port.readers
