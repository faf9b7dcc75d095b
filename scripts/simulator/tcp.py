"""A P1 port on the network: a plain TCP server, as ser2net in raw mode and Wi-Fi readers are."""

from contextlib import suppress
import selectors
import socket
import ssl
import time
from typing import Final, override

from .line import LineSettings
from .ports import Port

TELNET_GREETING: Final = bytes.fromhex("FFFB01FFFB03FFFB00FFFD00FFFB2CFFFD2C")
"""What ser2net says first in telnet mode: options that nobody asked for, in front of the telegrams."""


class Client:
    """One reader that is connected."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, content: bytes) -> int:
        """Send what fits without waiting, and return how much that was."""
        try:
            return self.connection.send(content)
        except BlockingIOError:
            return 0

    def received(self, content: bytes) -> None:
        """Take what the reader sent; a P1 port does not listen."""

    @property
    def settings(self) -> LineSettings | None:
        """Return the line settings that the reader asked for; None where it cannot ask."""
        return None


class TcpPort(Port):
    """A TCP server that gives every client the bytes of the meter. Connections are taken when it is serviced."""

    scheme = "socket"

    def __init__(
        self,
        settings: LineSettings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        greeting: bytes = b"",
    ) -> None:
        """Listen; port 0 takes a free one. `greeting` is sent to every client at once."""
        super().__init__(settings)
        self._host = host
        self._port = port
        self._greeting = greeting
        self._selector: selectors.BaseSelector | None = None
        self._listener: socket.socket | None = None
        self.clients: list[Client] = []
        self.replug()

    @property
    @override
    def path(self) -> str:
        return f"{self.scheme}://{self._host}:{self._port}"

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        return self._host, self._port

    @property
    @override
    def is_plugged(self) -> bool:
        return self._listener is not None

    @override
    def reader_present(self) -> bool:
        with self.lock:
            self.service(0)
            return bool(self.clients)

    @override
    def reader_settings(self) -> LineSettings | None:
        return self.clients[-1].settings if self.clients else None

    @override
    def write(self, sent: bytes) -> int:
        """Send bytes with the meter's line settings to every client, each with settings of its own."""
        with self.lock:
            self.service(0)
            taken = 0
            if not self.clients:
                self.lost += len(sent)
            for client in list(self.clients):
                received = self.on_the_line(sent, client.settings)
                count = self._send(client, received)
                taken = max(taken, count)
                self.lost += len(received) - count
            self.sent += taken
            return taken

    @override
    def write_raw(self, received: bytes) -> int:
        with self.lock:
            self.service(0)
            return max((self._send(client, received) for client in list(self.clients)), default=0)

    @override
    def service(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if self._selector is None:
                time.sleep(max(0.0, left))
                return
            for key, _ in self._selector.select(max(0.0, left)):
                if key.fileobj is self._listener:
                    self._accept(self._listener)
                else:
                    self._read(key.data)
            if left <= 0:
                return

    @override
    def unplug(self) -> None:
        with self.lock:
            for client in list(self.clients):
                self._drop(client)
            if self._listener is not None:
                self._listener.close()
                self._listener = None
            if self._selector is not None:
                self._selector.close()
                self._selector = None

    @override
    def replug(self, path: str | None = None) -> None:
        self.unplug()
        if path is not None:
            self._port = int(path.rpartition(":")[2])
        listener = socket.create_server((self._host, self._port))
        listener.settimeout(0)
        with self.lock:
            self._port = listener.getsockname()[1]
            self._listener = listener
            self._selector = selectors.DefaultSelector()
            self._selector.register(listener, selectors.EVENT_READ)

    def _make_client(self, connection: socket.socket) -> Client:
        return Client(connection)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            connection.settimeout(0)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = self._make_client(connection)
            self.clients.append(client)
            if self._selector is not None:
                self._selector.register(client.connection, selectors.EVENT_READ, client)
            if self._greeting:
                connection.send(self._greeting)

    def _read(self, client: Client) -> None:
        try:
            content = client.connection.recv(4096)
        except BlockingIOError, ssl.SSLWantReadError:
            return
        except OSError:
            content = b""
        if content:
            client.received(content)
        else:
            self._drop(client)

    def _send(self, client: Client, content: bytes) -> int:
        try:
            return client.send(content)
        except OSError:
            self._drop(client)
            return 0

    def _drop(self, client: Client) -> None:
        if client in self.clients:
            self.clients.remove(client)
            if self._selector is not None:
                self._selector.unregister(client.connection)
        client.connection.close()
