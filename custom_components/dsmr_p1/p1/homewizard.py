"""HomeWizard's P1 meter: a network reader that hands out the last telegram over HTTP, read as if it were a port.

The device is asked once a second, and every telegram is passed on once, as the meter sent it. Source: HomeWizard's
documentation of its local interface (api-documentation.homewizard.com): "Telegram" and "Error handling" of version 1,
which is plain HTTP and has to be switched on in HomeWizard's app, and of version 2, which is HTTPS and needs a token.
"Getting started", section "Data update frequency", asks for no more than two requests a second.
"""

import asyncio
import re
import ssl
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from .errors import PortError, PortFault, fault_of

SCHEME: Final = "homewizard://"
USUAL_PORTS: Final = (80, 443)
"""The port numbers of version 1, which is HTTP, and of version 2, which is HTTPS."""
PACE: Final = 1.0
"""Seconds between two requests: the period of the fastest meters."""
REPEAT: Final = 10.0
"""Seconds after which an unchanged telegram without a time of its own is a new one: the period of such meters."""
ANSWER_LIMIT: Final = 5.0
"""The most seconds for one answer, connecting included."""
_MOST_FAILURES: Final = 3
"""Requests without an answer in a row after which the port is lost; a single one is usual over Wi-Fi."""
_LARGEST: Final = 16_384
"""The most bytes of a line or of a body; twice as many as the largest telegram has."""
_MOST_HEADERS: Final = 64
_OK: Final = 200
_NO_TELEGRAM: Final = 503
_REFUSALS: Final = {
    401: (PortFault.UNAUTHORIZED, "the device does not accept the token"),
    403: (PortFault.SWITCHED_OFF, "the local interface of the device is switched off"),
}
_FINAL: Final = frozenset(fault for fault, _ in _REFUSALS.values())
_TIME: Final = re.compile(rb"\(\d{12}[SW]\)")
"""A time as telegrams of DSMR 4 and later have it; these always send the time at which they were made."""
_BEGINNINGS: Final = (b"/", b"\xdb")
"""The first bytes of a telegram, plain or encrypted."""

AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIDITCCAgkCFDn7cwYLioTM3VxdAygLl/Px9ovFMA0GCSqGSIb3DQEBCwUAME0x
CzAJBgNVBAYTAk5MMQswCQYDVQQIDAJaSDETMBEGA1UECgwKSG9tZVdpemFyZDEc
MBoGA1UEAwwTQXBwbGlhbmNlIEFjY2VzcyBDQTAeFw0yMTEyMTgxOTEyMTJaFw0z
MTEyMTYxOTEyMTJaME0xCzAJBgNVBAYTAk5MMQswCQYDVQQIDAJaSDETMBEGA1UE
CgwKSG9tZVdpemFyZDEcMBoGA1UEAwwTQXBwbGlhbmNlIEFjY2VzcyBDQTCCASIw
DQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAPBIvW8NRffqdvzHZY0M32fQHiGm
pJgNGhiaQmpJfRDhT9yihM0S/hYcN8IqnfrMqoCQb/56Ub0+dZizmtfcGsE+Lpm1
K1znkWqSDlpnuTNOb70TrsxBmbFuNOZQEi/xOjzT2j98wT0GSfxz1RVq6lZhDRRz
xoe08+Xo4+ttUGanfOggJi0BXygeFEVBpbctVVJ9EgqeEE9itjcMlcxMe1QN14f8
hCcOnId+9PSsdmyUCLrTB0FVYrbNfbJPk/vMU57fu6swBjWhYBxPx9ZhFy+7WnPR
9BFg4seHNVQIqZNrf1YwBXlmZQIL32SRPaiH/+AVNMrYGXBvncY0Km6ZHIMCAwEA
ATANBgkqhkiG9w0BAQsFAAOCAQEA6ybM8xm0PCXg8Rr/q0v1vPxQy44PmwXTDj0e
r2vW4ZMiEwXZCp0Kk2K16KJYz4iJyfiQk8ikAIMiRSbyXzmyQ7XmL1O4l4d8E1Pg
8EImvcyoBxFhd0Lq7VKriLc8Bw8SXbahPMGT+Y8Yz0uIsLAYVwlkLfgppVPmBaLD
QautcQnI8WxPvCIQf5anyzgAyJC5ac6/CkB+iyPcuWcG3RMYvXnC0QoTlRa5YMlE
FweVDlT2C/MdDyOxiAD/H1EP/eaySnU0zsxyD0yNFRKsQfQ+UJEPd2GS1AGA1lTy
CGdyYj/Gghrusw0hM4rYXQSERWGF0mpEnuJ+7bHDolHu0rzgTQ==
-----END CERTIFICATE-----
"""
"""The certificate that signs those of the devices, as HomeWizard publishes it ("Authorization", section "SSL
Certificate Validation"); valid until December 2031."""


class Device(NamedTuple):
    """A device on the network: its host, the port number if it is not the usual one, and the token if there is one."""

    host: str
    number: int | None
    token: str | None

    @classmethod
    def of(cls, url: str) -> Device:
        """Return the device of a URL: `homewizard://192.168.1.20` or `homewizard://:TOKEN@192.168.1.20`.

        Raises ValueError if the URL has no host or no valid port number.
        """
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("no host")
        token = unquote(parts.password or parts.username or "")
        return cls(parts.hostname, parts.port, token or None)

    @property
    def port(self) -> int:
        """The port number, which is that of HTTPS with a token."""
        return self.number or USUAL_PORTS[self.token is not None]

    @property
    def request(self) -> bytes:
        """The request for the last telegram."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        lines = [f"Host: {shown}" if self.number is None else f"Host: {shown}:{self.number}", "Accept: text/plain"]
        path = "/api/v1/telegram"
        if self.token is not None:
            path = "/api/telegram"
            lines += [f"Authorization: Bearer {self.token}", "X-Api-Version: 2"]
        return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


class HomeWizard:
    """One device, which is opened like a port again and again. A telegram is passed on once, whatever is reopened."""

    def __init__(self, url: str) -> None:
        """Initialize without a connection."""
        self._url = url
        self._last = b""
        self._passed_on_at = 0.0
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._context: ssl.SSLContext | None = None

    async def open(self) -> tuple[asyncio.StreamReader, Polling]:
        """Open the device: return the stream of its telegrams, and what closes it. Raises PortError."""
        stream = asyncio.StreamReader()
        try:
            self._pass_on(await self._ask(), stream)
        except PortError:
            self.hang_up()
            raise
        return stream, Polling(asyncio.create_task(self._poll(stream), name="HomeWizard P1 meter"))

    async def _poll(self, stream: asyncio.StreamReader) -> None:
        """Ask for telegrams until cancelled, or until the device is lost, which ends the stream with the error."""
        loop = asyncio.get_running_loop()
        failures, asked_at = 0, loop.time()
        try:
            while True:
                await asyncio.sleep(max(0.0, asked_at + PACE - loop.time()))
                asked_at = loop.time()
                try:
                    telegram = await self._ask()
                except PortError as error:
                    self.hang_up()
                    failures += 1
                    if failures >= _MOST_FAILURES or error.fault in _FINAL:
                        stream.set_exception(error)
                        return
                else:
                    failures = 0
                    self._pass_on(telegram, stream)
        finally:
            self.hang_up()

    def _pass_on(self, telegram: bytes, stream: asyncio.StreamReader) -> None:
        """Pass a telegram on, unless it was passed on before."""
        now = asyncio.get_running_loop().time()
        if telegram == self._last and (_TIME.search(telegram) or now - self._passed_on_at < REPEAT):
            return
        self._last, self._passed_on_at = telegram, now
        # The line end behind the checksum completes a telegram.
        stream.feed_data(telegram if telegram.endswith(b"\n") or not telegram else telegram + b"\r\n")

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection[1].close()
            self._connection = None

    async def _ask(self) -> bytes:
        """Return the last telegram, which is empty if there is none. Raises PortError."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                if self._connection is not None and self._connection[0].at_eof():
                    self.hang_up()
                device = Device.of(self._url)
                if self._connection is None:
                    self._connection = await self._connect(device)
                reader, writer = self._connection
                writer.write(device.request)
                status, is_kept, body = await _answer(reader)
        except (ssl.SSLError, ValueError, asyncio.LimitOverrunError) as error:
            raise PortError(f"no answer of a HomeWizard P1 meter: {error}", PortFault.OTHER_DEVICE) from error
        except (EOFError, ConnectionResetError) as error:
            message = "the other side closed the connection"
            raise PortError(message, PortFault.CLOSED) from error
        except OSError as error:
            raise PortError(f"{type(error).__name__}: {error}", fault_of(error)) from error
        if not is_kept:
            self.hang_up()
        return _telegram(status, body)

    async def _connect(self, device: Device) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if device.token is not None and self._context is None:
            # Reading certificates would hold up the event loop.
            self._context = await asyncio.to_thread(_context)
        return await asyncio.open_connection(device.host, device.port, limit=_LARGEST, ssl=self._context)


class Polling:
    """The polling of a device, to be closed like the writer of a port."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        """Initialize with the task that polls."""
        self._task = task

    def close(self) -> None:
        """Stop polling."""
        self._task.cancel()

    async def wait_closed(self) -> None:
        """Return when polling has ended."""
        await asyncio.wait([self._task])


def _context() -> ssl.SSLContext:
    """Return the settings for HTTPS: only a device with a certificate of HomeWizard gets the token.

    A certificate names the serial number of its device, which a URL does not have, so any device of HomeWizard is
    accepted. The certificates are older than the strict rules that Python has by default since 3.13.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=AUTHORITY)
    return context


def _telegram(status: int, body: bytes) -> bytes:
    """Return the telegram in an answer, which is empty if there is none. Raises PortError for any other answer."""
    if status == _NO_TELEGRAM:
        return b""
    if status != _OK:
        fault, message = _REFUSALS.get(status, (PortFault.OTHER_DEVICE, f"no telegram here, HTTP status {status}"))
        raise PortError(message, fault)
    telegram = body.lstrip()
    if telegram and not telegram.startswith(_BEGINNINGS):
        raise PortError("an answer that is no telegram", PortFault.OTHER_DEVICE)
    return telegram


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    """Return the status of an HTTP answer, whether its connection can be used again, and its body (RFC 9112).

    Raises EOFError, OSError, asyncio.LimitOverrunError, or ValueError if it is not HTTP.
    """
    version, _, rest = (await reader.readuntil(b"\n")).decode("latin-1").partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP")
    headers: dict[str, str] = {}
    while line := (await reader.readuntil(b"\n")).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip().lower()
        if len(headers) > _MOST_HEADERS:
            raise ValueError("too many headers")
    is_kept = version != "HTTP/1.0" and headers.get("connection") != "close"
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    elif "content-length" in headers:
        body = await reader.readexactly(_size(headers["content-length"], 10))
    else:
        is_kept = False
        body = await _until_end(reader)
    return int(rest[:3]), is_kept, body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Return a body that comes in chunks (RFC 9112, section 7.1); trailers are not expected."""
    body = b""
    while size := _size((await reader.readuntil(b"\n")).partition(b";")[0].strip().decode("latin-1"), 16):
        body += await reader.readexactly(_size(str(size + len(body)), 10) - len(body))
        await reader.readuntil(b"\n")
    await reader.readuntil(b"\n")
    return body


async def _until_end(reader: asyncio.StreamReader) -> bytes:
    """Return a body that ends with the connection."""
    body = b""
    while octets := await reader.read(_LARGEST):
        body += octets
        _size(str(len(body)), 10)
    return body


def _size(text: str, base: int) -> int:
    """Return a number of bytes. Raises ValueError if it is none, or more than a telegram has."""
    size = int(text, base)
    if not 0 <= size <= _LARGEST:
        raise ValueError("larger than a telegram")
    return size
