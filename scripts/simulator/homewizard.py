"""HomeWizard's P1 meter on the network: it hands out the last telegram over HTTP, or over HTTPS with a token.

Written from its published documentation: "Telegram", "Device information" and "Error handling" of versions 1 and 2 of
the local interface, "Authorization" of version 2 and, for HomeWizard's own integration, some values of "Measurement"
of version 1 (api-documentation.homewizard.com).
"""

import contextlib
import json
import re
import socket
import ssl
from typing import Final, NamedTuple, override

from .crc import crc16
from .line import LineSettings
from .tcp import Client, TcpPort

_TELEGRAM: Final = re.compile(rb"/[^!]*!(?P<crc>[0-9A-F]{4})?\r\n")
_VALUE: Final = re.compile(r"^\d-\d:(\d+\.\d+\.\d+)\((\d+\.?\d*)\*", re.MULTILINE)
_MEASURED: Final = {
    "total_power_import_t1_kwh": "1.8.1",
    "total_power_import_t2_kwh": "1.8.2",
    "total_power_export_t1_kwh": "2.8.1",
    "total_power_export_t2_kwh": "2.8.2",
    "active_voltage_l1_v": "32.7.0",
}
_BUFFER: Final = 65_536
_REASONS: Final = {200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}


class Answer(NamedTuple):
    """What the device answers."""

    status: int
    content: bytes
    content_type: str = "text/plain"

    def __bytes__(self) -> bytes:
        """Return the answer as it goes over the network."""
        head = [
            f"HTTP/1.1 {self.status} {_REASONS[self.status]}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.content)}",
        ]
        return "\r\n".join([*head, "", ""]).encode() + self.content


def _error(status: int, content: object) -> Answer:
    return Answer(status, json.dumps({"error": content}).encode(), "application/json")


class _Asking(Client):
    """One program that asks."""

    def __init__(self, connection: socket.socket, device: HomeWizardPort) -> None:
        super().__init__(connection)
        self._device = device
        self._buffer = b""

    @override
    def received(self, content: bytes) -> None:
        self._buffer += content
        while b"\r\n\r\n" in self._buffer:
            request, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self.connection.sendall(self._device.answer_to(request.decode("latin-1")))
            if self._device.hangs_up:
                with contextlib.suppress(OSError):  # the other side was first
                    self.connection.shutdown(socket.SHUT_RDWR)


class HomeWizardPort(TcpPort):
    """The device on a port number: what the meter sends is kept, and the last whole telegram is handed out.

    `is_switched_on` is the switch *Local API* of HomeWizard's app, for version 1. With a `token` and the certificate of
    the device it speaks version 2. `answer` replaces whatever it would answer, and `hangs_up` ends the connection
    behind it. `requests` are those that came.
    """

    scheme = "homewizard"

    def __init__(
        self,
        settings: LineSettings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Listen; port 0 takes a free one."""
        self.is_switched_on = True
        self.product = "HWE-P1"
        self.serial = "5c2fafaabbcc"
        self.token = token
        self.answer: bytes | None = None
        self.hangs_up = False
        self.requests: list[str] = []
        self._context = context
        self._received = b""
        self._last = b""
        super().__init__(settings, host=host, port=port)

    @property
    @override
    def path(self) -> str:
        token = "" if self.token is None else f":{self.token}@"
        host, number = self.address
        return f"{self.scheme}://{token}{host}:{number}"

    @override
    def reader_present(self) -> bool:
        """Return whether the device reads the meter, which it does whoever asks."""
        return self.is_plugged

    @override
    def write(self, sent: bytes) -> int:
        return self.write_raw(sent)

    @override
    def write_raw(self, received: bytes) -> int:
        """Keep the last telegram whose checksum is right, or that has none."""
        with self.lock:
            self._received = (self._received + received)[-_BUFFER:]
            while found := _TELEGRAM.search(self._received):
                self._received = self._received[found.end() :]
                telegram, crc = found[0], found["crc"]
                if crc is None or int(crc, 16) == crc16(telegram[: telegram.index(b"!") + 1]):
                    self._last = telegram
        self.sent += len(received)
        return len(received)

    def forget(self) -> None:
        """Have no telegram, as after a start without a meter."""
        self._last = self._received = b""

    @override
    def _make_client(self, connection: socket.socket) -> Client:
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return _Asking(connection, self)

    @override
    def _read(self, client: Client) -> None:
        connection = client.connection
        try:
            if isinstance(connection, ssl.SSLSocket):
                # Does nothing once both have agreed on encryption.
                connection.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError:
            self._drop(client)
            return
        super()._read(client)

    def answer_to(self, request: str) -> bytes:
        """Return the answer to a request."""
        self.requests.append(request)
        if self.answer is not None:
            return self.answer
        _, path, _ = request.split(" ", 2)
        return bytes(self._answer_v1(path) if self.token is None else self._answer_v2(path, request))

    def _answer_v1(self, path: str) -> Answer:
        if path == "/api":
            return self._information("v1")
        if not self.is_switched_on:
            return _error(403, {"id": 202, "description": "API not enabled"})
        if path == "/api/v1/data":
            return self._measurement()
        if path != "/api/v1/telegram" or self.product != "HWE-P1":
            return Answer(404, b"")
        return Answer(200, self._last)

    def _answer_v2(self, path: str, request: str) -> Answer:
        if f"Authorization: Bearer {self.token}" not in request.split("\r\n"):
            return _error(401, "user:unauthorized")
        if path == "/api":
            return self._information("2.0.0")
        if path != "/api/telegram" or self.product != "HWE-P1":
            return Answer(404, b"")
        return Answer(200, self._last) if self._last else Answer(503, b"telegram:no-telegram-received")

    def _measurement(self) -> Answer:
        values = {obis: float(number) for obis, number in _VALUE.findall(self._last.decode("latin-1"))}
        measured = {name: values[obis] for name, obis in _MEASURED.items() if obis in values}
        measured["active_power_w"] = round(1000 * (values.get("1.7.0", 0.0) - values.get("2.7.0", 0.0)))
        about = {"wifi_ssid": "Home", "wifi_strength": 80, "smr_version": 50, "meter_model": "Simulated"}
        return Answer(200, json.dumps(about | measured).encode(), "application/json")

    def _information(self, version: str) -> Answer:
        information = {
            "product_type": self.product,
            "product_name": "P1 Meter",
            "serial": self.serial,
            "firmware_version": "6.00",
            "api_version": version,
        }
        return Answer(200, json.dumps(information).encode(), "application/json")
