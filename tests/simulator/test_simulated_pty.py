"""The pty: what a reader sees of it, and what the pty sees of the reader."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path

import pytest
import serialx

from simulator import V2_SETTINGS, V4_SETTINGS, LineSettings, Parity, PtyPort


@contextmanager
def reader(path: str, settings: LineSettings = V4_SETTINGS) -> Iterator[serialx.BaseSerial]:
    """Open a port as the integration does."""
    parity = {Parity.NONE: serialx.Parity.NONE, Parity.EVEN: serialx.Parity.EVEN}[settings.parity]
    port = serialx.serial_for_url(
        path,
        baudrate=settings.baudrate,
        byte_size=settings.data_bits,
        parity=parity,
        stopbits=settings.stop_bits,
        read_timeout=5,
    )
    port.open()
    try:
        yield port
    finally:
        port.close()


def test_bytes_arrive_as_they_were_sent() -> None:
    content = bytes(range(256))
    with PtyPort() as port, reader(port.path) as open_port:
        assert port.write(content) == 256
        assert open_port.readexactly(256) == content
        assert (port.sent, port.lost) == (256, 0)


def test_without_a_reader_bytes_are_lost() -> None:
    with PtyPort(V4_SETTINGS) as port:
        assert not port.reader_present()
        assert port.write(b"lost") == 0
        with reader(port.path) as open_port:
            assert port.reader_present()
            port.write(b"seen")
            assert open_port.readexactly(4) == b"seen"
        assert not port.reader_present()
        assert port.lost == 4


def test_the_next_reader_does_not_find_what_the_last_one_left() -> None:
    with PtyPort() as port:
        with reader(port.path):
            port.write(b"old")
        assert not port.reader_present()
        descriptor = os.open(port.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        port.write(b"new")
        assert os.read(descriptor, 10) == b"new"
        os.close(descriptor)


def test_a_reader_that_does_not_read_blocks_nothing() -> None:
    with PtyPort() as port:
        descriptor = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
        assert 0 < port.write(b"x" * 200_000) < 200_000
        assert port.lost > 0
        os.close(descriptor)


def test_speed_and_stop_bits_of_the_reader_are_seen() -> None:
    with PtyPort() as port:
        with reader(port.path, LineSettings(115_200, stop_bits=2)):
            assert port.reader_settings() == LineSettings(115_200, stop_bits=2)
        with reader(port.path, LineSettings(19_200)):
            assert port.reader_settings() == LineSettings(19_200)


def test_the_same_7e1_reader_can_open_again_and_again() -> None:
    with PtyPort(V2_SETTINGS, reader_character=(7, Parity.EVEN)) as port:
        for _ in range(3):
            with reader(port.path, V2_SETTINGS) as open_port:
                assert port.reader_settings() == V2_SETTINGS
                port.write(b"/X\r\n")
                assert open_port.readexactly(4) == b"/X\r\n"


def test_a_reader_with_the_wrong_speed_gets_garbage() -> None:
    with PtyPort(V2_SETTINGS) as port, reader(port.path) as open_port:
        taken = port.write(b"/SIM5\r\n")
        assert taken
        assert b"/" not in open_port.readexactly(taken)


def test_a_reader_gets_the_parity_as_the_eighth_bit() -> None:
    with PtyPort(V2_SETTINGS) as port, reader(port.path, V2_SETTINGS) as open_port:
        assert port.reader_settings() == LineSettings(9600)
        port.write(b" ")
        assert open_port.readexactly(1) == b"\xa0"


def test_a_link_follows_the_port(tmp_path: Path) -> None:
    link = tmp_path / "p1"
    with PtyPort(link=link) as port:
        assert port.path == str(link)
        device = link.resolve()
        with reader(port.path) as open_port:
            port.unplug()
            assert not port.is_plugged
            assert not link.is_symlink()
            assert port.write(b"lost") == 0
            assert port.reader_settings() is None
            with pytest.raises((OSError, serialx.SerialException)):
                open_port.readexactly(1)
        port.replug()
        assert link.resolve() != Path(str(link))
        with reader(port.path) as open_port:
            port.write(b"back")
            assert open_port.readexactly(4) == b"back"
        other = tmp_path / "other"
        port.replug(str(other))
        assert not link.is_symlink()
        assert other.is_symlink()
        assert device.parent == other.resolve().parent
    assert not other.is_symlink()


def test_a_file_in_the_place_of_the_link_is_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "p1"
    link.write_text("mine")
    with pytest.raises(ValueError, match="no symbolic link"):
        PtyPort(link=link)
    assert link.read_text() == "mine"


def test_the_link_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    link = tmp_path / "p1"
    with PtyPort(link=link) as first:
        with PtyPort(link=link) as second:
            first.unplug()
            assert link.is_symlink()
            assert second.path == first.path
        assert not link.is_symlink()
