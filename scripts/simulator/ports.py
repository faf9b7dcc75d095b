"""P1 ports: where the bytes of a simulated meter can be read. This module: what they share, and the pty.

A port has the meter's line settings and looks at the reader's; what it delivers is what the reader's UART would have
made of the bits (`line.transfer`). As on a real serial port nothing is kept for later: bytes that nobody reads are
lost. No port starts a thread, and no call blocks.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
import select
import termios
import threading
import time
from typing import Final, Self, override

from .line import LineSettings, Parity, transfer


class Port(ABC):
    """One P1 port with a reader, or without."""

    def __init__(self, settings: LineSettings | None = None) -> None:
        """Take the meter's line settings; None delivers every byte as it was sent, whatever the reader does."""
        self.settings = settings
        self.lock = threading.RLock()
        """Held while the port is used, for ports that are serviced in a thread."""
        self.sent = 0
        """Bytes that reached a reader."""
        self.lost = 0
        """Bytes that did not."""

    @property
    @abstractmethod
    def path(self) -> str:
        """Return the path or URL under which a reader opens the port."""

    @property
    @abstractmethod
    def is_plugged(self) -> bool:
        """Return whether the port exists at the moment."""

    @abstractmethod
    def reader_present(self) -> bool:
        """Return whether somebody has the port open."""

    @abstractmethod
    def reader_settings(self) -> LineSettings | None:
        """Return the line settings of the reader as far as they can be known; None where there is no line."""

    @abstractmethod
    def write_raw(self, received: bytes) -> int:
        """Give the reader these very bytes, and return how many it could take."""

    @abstractmethod
    def unplug(self) -> None:
        """Pull the cable: the reader sees an error or the end, and the path is gone."""

    @abstractmethod
    def replug(self, path: str | None = None) -> None:
        """Put the cable back, perhaps under another path."""

    def write(self, sent: bytes) -> int:
        """Send bytes with the meter's line settings, and return how many bytes the reader got."""
        received = self.on_the_line(sent, self.reader_settings())
        taken = self.write_raw(received)
        self.sent += taken
        self.lost += len(received) - taken
        return taken

    def on_the_line(self, sent: bytes, reader: LineSettings | None) -> bytes:
        """Return what a reader makes of bytes that the meter sends."""
        return sent if self.settings is None or reader is None else transfer(sent, self.settings, reader)

    def service(self, timeout: float) -> None:
        """Do what the other side asks for, for this many seconds."""
        time.sleep(timeout)

    def close(self) -> None:
        """Give everything back."""
        self.unplug()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def serving[P: Port](port: P) -> Iterator[P]:
    """Service a port in a thread while something else is done; the thread has ended afterwards.

    An RFC 2217 reader waits for answers while it opens the port. Where the reader runs in the same thread as the
    test, somebody else must give them.
    """
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.wait(0.005):
            with port.lock:
                port.service(0)

    thread = threading.Thread(target=serve, name="simulated port")
    thread.start()
    try:
        yield port
    finally:
        stopped.set()
        thread.join()


BAUDRATES: Final = {
    getattr(termios, f"B{speed}"): speed
    for speed in (300, 600, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
    if hasattr(termios, f"B{speed}")
}
"""The kernel's numbers of the line speeds."""
_IFLAG, _CFLAG, _OSPEED = 0, 2, 5  # places in the list of tcgetattr


class PtyPort(Port):
    """A pseudo terminal: looks like a serial port to every program.

    The kernel lets this side see the speed and the stop bits that the reader has set, but neither data bits nor
    parity: for those, `reader_character` is believed, (8, none) or (7, even); without it, a reader is taken for 8N1,
    and has the parity of a line of 7E1 as the eighth bit.
    """

    def __init__(
        self,
        settings: LineSettings | None = None,
        *,
        link: str | Path | None = None,
        reader_character: tuple[int, Parity] | None = None,
    ) -> None:
        """Make the pty; `link` is a symbolic link to it under a path that stays the same."""
        super().__init__(settings)
        self._link = Path(link) if link else None
        self._reader_character = reader_character
        self._master: int | None = None
        self._device = ""
        self._had_reader = False
        self.replug()

    @property
    @override
    def path(self) -> str:
        return str(self._link or self._device)

    @property
    @override
    def is_plugged(self) -> bool:
        return self._master is not None

    @override
    def reader_present(self) -> bool:
        if self._master is None:
            return False
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        events = poll.poll(0)
        is_present = not any(event & select.POLLHUP for _, event in events)
        if self._had_reader and not is_present:
            self._forget_unread()
        self._had_reader = is_present
        return is_present

    @override
    def reader_settings(self) -> LineSettings | None:
        if self._master is None:
            return None
        attributes = termios.tcgetattr(self._master)
        speed = BAUDRATES.get(attributes[_OSPEED])
        if speed is None:
            return None
        data_bits, parity = self._reader_character or (8, Parity.NONE)
        return LineSettings(speed, data_bits, parity, 2 if attributes[_CFLAG] & termios.CSTOPB else 1)

    @override
    def write_raw(self, received: bytes) -> int:
        if self._master is None or not self.reader_present():
            return 0
        self._mark()
        self._discard_input()
        written = 0
        with suppress(BlockingIOError, OSError):
            # The kernel takes a few kilobytes at a time, and then no more until they are read.
            while written < len(received):
                written += os.write(self._master, received[written:])
        return written

    @override
    def unplug(self) -> None:
        if self._master is None:
            return
        if self._link and self._link.is_symlink() and self._link.readlink() == Path(self._device):
            self._link.unlink()
        os.close(self._master)
        self._master = None

    @override
    def replug(self, path: str | None = None) -> None:
        self.unplug()
        if path is not None:
            self._link = Path(path)
        master, slave = os.openpty()
        self._device = os.ttyname(slave)
        attributes = termios.tcgetattr(slave)
        attributes[0] = attributes[1] = attributes[3] = 0  # no conversion, no echo, no lines
        attributes[_CFLAG] = termios.CS8 | termios.CREAD | termios.CLOCAL
        attributes[4] = attributes[_OSPEED] = termios.B115200
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        os.close(slave)
        os.set_blocking(master, False)
        self._master = master
        self._had_reader = False
        self._mark()
        if self._link:
            self._make_link(self._link)

    def _make_link(self, link: Path) -> None:
        """Point the link at the device, in one step for whoever looks."""
        if link.exists(follow_symlinks=False) and not link.is_symlink():
            self.unplug()
            raise ValueError(f"{link} exists and is no symbolic link")
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.symlink_to(self._device)
        fresh.replace(link)

    def _mark(self) -> None:
        """Set a flag that means nothing here.

        The kernel does not keep 7E1 on a pty. When a second reader asks for what the first one asked for, nothing
        at all changes, and the C library reports that as an error; with this flag set, something does.
        """
        assert self._master is not None  # noqa: S101 - the callers have looked
        attributes = termios.tcgetattr(self._master)
        if not attributes[_IFLAG] & termios.IGNBRK:
            attributes[_IFLAG] |= termios.IGNBRK
            termios.tcsetattr(self._master, termios.TCSANOW, attributes)

    def _discard_input(self) -> None:
        """Read and forget what the other side sent: a P1 port does not listen."""
        assert self._master is not None  # noqa: S101 - the callers have looked
        with suppress(BlockingIOError, OSError):
            while os.read(self._master, 4096):
                pass

    def _forget_unread(self) -> None:
        """Throw away what the last reader left: the next one would read it as new."""
        with suppress(OSError):
            slave = os.open(self._device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            termios.tcflush(slave, termios.TCIFLUSH)
            os.close(slave)
        self._mark()
