"""Polls a HomeWizard P1 meter, and passes its telegrams on as the meter sent them.

The device is asked once a second, and every telegram is passed on once. Source: HomeWizard's documentation of its local
interface (api-documentation.homewizard.com), "Error handling" of versions 1 and 2. "Getting started", section "Data
update frequency", asks for no more than two requests a second.
"""

import asyncio
from http import HTTPStatus
from pathlib import Path
import re
import ssl
from typing import Final

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from ..p1.errors import PortError, PortFault, fault_of
from ..p1.reader import Opener
from .device import SCHEME, Device

AUTHORITY: Final = Path(__file__).with_name("authority.pem")
"""The certificate that signs those of the devices, as HomeWizard publishes it ("Authorization", section "SSL
Certificate Validation"); valid until December 2031."""
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
_REFUSALS: Final[dict[int, tuple[PortFault, str]]] = {
    HTTPStatus.UNAUTHORIZED: (PortFault.UNAUTHORIZED, "the device does not accept the token"),
    HTTPStatus.FORBIDDEN: (PortFault.SWITCHED_OFF, "the local interface of the device is switched off"),
}
_FINAL: Final = frozenset(fault for fault, _ in _REFUSALS.values())
_TIME: Final = re.compile(rb"\(\d{12}[SW]\)")
"""A time as telegrams of DSMR 4 and later have it; these always send the time at which they were made."""
_BEGINNINGS: Final = (b"/", b"\xdb")
"""The first bytes of a telegram, plain or encrypted."""


class HomeWizard:
    """One device, which is opened like a port again and again. A telegram is passed on once, whatever is reopened."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._last = b""
        self._passed_on_at = 0.0
        self._context: ssl.SSLContext | None = None

    async def open(self) -> tuple[asyncio.StreamReader, Polling]:
        """Open the device: return the stream of its telegrams, and what closes it. Raises PortError."""
        stream = asyncio.StreamReader()
        self._pass_on(await self._ask(), stream)
        return stream, Polling(asyncio.create_task(self._poll(stream), name="HomeWizard P1 meter"))

    async def _poll(self, stream: asyncio.StreamReader) -> None:
        """Ask for telegrams until cancelled, or until the device is lost, which ends the stream with the error."""
        loop = asyncio.get_running_loop()
        failures, asked_at = 0, loop.time()
        while True:
            await asyncio.sleep(max(0.0, asked_at + PACE - loop.time()))
            asked_at = loop.time()
            try:
                telegram = await self._ask()
            except PortError as error:
                failures += 1
                if failures >= _MOST_FAILURES or error.fault in _FINAL:
                    stream.set_exception(error)
                    return
            else:
                failures = 0
                self._pass_on(telegram, stream)

    def _pass_on(self, telegram: bytes, stream: asyncio.StreamReader) -> None:
        now = asyncio.get_running_loop().time()
        if telegram == self._last and (_TIME.search(telegram) or now - self._passed_on_at < REPEAT):
            return
        self._last, self._passed_on_at = telegram, now
        # The line end behind the checksum completes a telegram.
        stream.feed_data(telegram if telegram.endswith(b"\n") or not telegram else telegram + b"\r\n")

    async def _ask(self) -> bytes:
        """Return the last telegram, which is empty if there is none. Raises PortError."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                return _telegram(*await self._request())
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _port_error(error) from error

    async def _request(self) -> tuple[int, bytes]:
        """Return the status and the body of an answer. Raises ValueError if the body is larger than a telegram."""
        device = Device.of(self._url)
        if device.token is not None and self._context is None:
            # Reading certificates would hold up the event loop.
            self._context = await asyncio.to_thread(_make_context)
        async with self._session.get(
            device.address,
            headers=device.headers,
            ssl=self._context or True,
            allow_redirects=False,
            max_line_size=_LARGEST,
            max_field_size=_LARGEST,
        ) as answer:
            body = bytearray()
            async for octets in answer.content.iter_any():
                body += octets
                if len(body) > _LARGEST:
                    raise ValueError("larger than a telegram")
            return answer.status, bytes(body)


class Polling:
    """The polling of a device, to be closed like the writer of a port."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def close(self) -> None:
        """Stop polling."""
        self._task.cancel()

    async def wait_closed(self) -> None:
        """Return when polling has ended."""
        await asyncio.wait([self._task])


def _make_context() -> ssl.SSLContext:
    """Return the settings for HTTPS: only a device with a certificate of HomeWizard gets the token.

    A certificate names the serial number of its device, which a URL does not have, so any device of HomeWizard is
    accepted. The certificates are older than the strict rules that Python has by default since 3.13.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(AUTHORITY)
    return context


def _telegram(status: int, body: bytes) -> bytes:
    """Return the telegram in an answer, which is empty if there is none. Raises PortError for any other answer."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return b""
    if status != HTTPStatus.OK:
        fault, message = _REFUSALS.get(status, (PortFault.OTHER_DEVICE, f"no telegram here, HTTP status {status}"))
        raise PortError(message, fault)
    telegram = body.lstrip()
    if telegram and not telegram.startswith(_BEGINNINGS):
        raise PortError("an answer that is no telegram", PortFault.OTHER_DEVICE)
    return telegram


def _port_error(error: Exception) -> PortError:
    """Return the PortError for an error of a request; none of these has the token in its text."""
    match error:
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionResetError():
            return PortError("the other side closed the connection", PortFault.CLOSED)
        case aiohttp.ClientConnectorDNSError():
            return PortError(str(error.os_error), PortFault.UNKNOWN_HOST)
        case OSError() if not isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
            cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
            return PortError(f"{type(cause).__name__}: {cause}", fault_of(cause))
    return PortError(f"no answer of a HomeWizard P1 meter: {error}", PortFault.OTHER_DEVICE)


def opener_of(hass: HomeAssistant, port: str) -> Opener | None:
    """Return what opens a port that is a HomeWizard P1 meter, for one reader; None for any other port."""
    return HomeWizard(async_get_clientsession(hass), port).open if port.startswith(SCHEME) else None
