"""The server: a client connects, says nothing, and reads telegrams from the next one on.

A telegram goes on as the meter sent it, with its checksum in the form of the standard (DSMR 5.0.2 P1 section 6.2); of
an encrypted one, the text inside. Nothing is ever waited for: what a client has not read is kept up to a limit, and a
client that reaches it is disconnected, so that none ever reads a part of a telegram and then the next.
"""

import asyncio
from datetime import datetime
from ipaddress import ip_address
import socket
from typing import Final, override

from homeassistant.core import CALLBACK_TYPE, HassJob, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.importlib import async_import_module

from ...const import DOMAIN, LOGGER
from ...coordinator import P1Coordinator
from ...p1 import Reading
from ...p1.masking import octets_of
from ...port.captures import Capture
from ...port.issues import async_raise, async_withdraw
from ...port.state import Port
from .settings import Settings, settings_of

TAKEN: Final = "relay_taken"
"""The issue: another program has the TCP port, or the address is none of this machine."""
RETRY: Final = 60.0
"""Seconds until it is tried again."""
MOST_WAITING: Final = 0x8000
"""Bytes that wait for a client that does not read: four times the longest telegram, beside what its socket holds."""
MOST_SAID: Final = 1024
"""Bytes that a client may send: it has nothing to say."""


class Relay:
    """Serves the telegrams of one port; it listens from `async_start` to `async_stop`."""

    def __init__(self, port: Port, settings: Settings) -> None:
        self._port = port
        self._settings = settings
        self._clients: set[_Client] = set()
        self._on_stop: list[CALLBACK_TYPE] = []
        self._is_stopped = False

    async def async_start(self, _: datetime | None = None) -> None:
        """Listen; where that fails, tell the owner and try again later."""
        address, number, _clients = self._settings
        self._on_stop.clear()
        try:
            server = await self._port.hass.loop.create_server(self._make_client, address, number)
        except OSError as error:
            self._fail(error)
            return
        if self._is_stopped:
            server.close()
            return
        self._on_stop += [self._port.subscribe(self._pass_on), server.close, server.abort_clients]
        async_withdraw(self._port, TAKEN)
        LOGGER.info("P1 port %s: telegrams are handed on at %s, port %d", self._port.name, address, number)
        if not ip_address(address).is_loopback and "zeroconf" in self._port.hass.config.components:
            await self._async_announce()

    async def _async_announce(self) -> None:
        """Announce the relay in the home network until the entry ends."""
        port = self._port
        module = await async_import_module(port.hass, f"{__package__}.announcement")
        if self._is_stopped:
            return
        announcement = module.async_announce(port.hass, port.entry.entry_id, self._settings)
        port.entry.async_create_background_task(port.hass, announcement, f"{DOMAIN} announcement of {port.name}")

    @callback
    def async_stop(self) -> None:
        """Disconnect everybody, and free the TCP port at once."""
        self._is_stopped = True
        for undo in self._on_stop:
            undo()

    def _fail(self, error: OSError) -> None:
        address, number, _ = self._settings
        LOGGER.debug("P1 port %s: the relay cannot listen at %s, port %d: %s", self._port.name, address, number, error)
        if self._is_stopped:
            return
        placeholders = {"address": address, "number": str(number)}
        async_raise(self._port, TAKEN, TAKEN, placeholders, {}, is_fixable=False, is_persistent=False)
        job = HassJob(self.async_start, cancel_on_shutdown=True)
        self._on_stop.append(async_call_later(self._port.hass, RETRY, job))

    def _make_client(self) -> _Client:
        return _Client(self._clients, self._settings.clients)

    @callback
    def _pass_on(self, capture: Capture) -> None:
        if self._clients and isinstance(capture.event, Reading):
            octets = octets_of(capture.event)
            for client in tuple(self._clients):
                client.send(octets)


class _Client(asyncio.Protocol):
    """A program that reads."""

    _transport: asyncio.Transport

    def __init__(self, clients: set[_Client], most: int) -> None:
        """Be one of the clients, once connected, where there are fewer than the most."""
        self._clients = clients
        self._most = most
        self._said = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that of a TCP connection can send
        self._transport = transport
        if len(self._clients) >= self._most:
            transport.abort()
            return
        # The system keeps megabytes for a client otherwise.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_WAITING)
        self._clients.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._said += len(data)
        if self._said > MOST_SAID:
            self._drop()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.discard(self)

    def send(self, octets: bytes) -> None:
        """Send a telegram, or disconnect where too much waits already."""
        if self._transport.get_write_buffer_size() + len(octets) > MOST_WAITING:
            self._drop()
        else:
            self._transport.write(octets)

    def _drop(self) -> None:
        self._clients.discard(self)
        self._transport.abort()


async def async_start_relay(coordinator: P1Coordinator) -> None:
    """Start the relay of a port, where one is wanted; it ends with the entry."""
    port = coordinator.port
    settings = settings_of(port.entry.options)
    if settings is None:
        async_withdraw(port, TAKEN)
    else:
        relay = Relay(port, settings)
        port.entry.async_on_unload(relay.async_stop)
        await relay.async_start()
