"""A client of Home Assistant: REST, websocket, and becoming its owner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
import tempfile
from typing import Any, Final

import aiohttp

from .errors import DemonstrationError
from .home import CONFIGURATION, ROOT, Home, choose_http_port, write_configuration
from .patience import until

OWNER: Final = "demo"
PASSWORD: Final = "demo"  # noqa: S105 - printed for all to see; nothing but this machine can connect
START_LIMIT: Final = 240.0
"""Seconds in which Home Assistant must answer: the first start may install packages on a slow line."""
ANSWER_LIMIT: Final = 60.0
FLOWS: Final = "/api/config/config_entries/flow"
ENTRIES: Final = "/api/config/config_entries/entry"


class Client:
    """The owner's hand in Home Assistant; `become_owner` comes first."""

    def __init__(self, home: Home, session: aiohttp.ClientSession) -> None:
        self._home = home
        self._session = session
        self._headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The address of Home Assistant."""
        return self._home.url

    @property
    def token(self) -> str:
        """The token of the owner."""
        return self._headers["Authorization"].removeprefix("Bearer ")

    async def become_owner(self) -> None:
        """Create the owner as soon as Home Assistant answers, and log in."""
        address = f"{self._home.url}/"
        await self.wait_for_answer("/api/onboarding")
        owner = {"name": "Demo", "username": OWNER, "password": PASSWORD, "client_id": address, "language": "en"}
        code = await self.request("POST", "/api/onboarding/users", owner)
        form = {"grant_type": "authorization_code", "code": code["auth_code"], "client_id": address}
        async with self._session.post(f"{self._home.url}/auth/token", data=form) as response:
            token = (await response.json())["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}
        async with self.websocket() as websocket:
            long_lived = await websocket.command(
                "auth/long_lived_access_token", client_name="demonstration", lifespan=365
            )
        self._headers = {"Authorization": f"Bearer {long_lived}"}

    async def wait_until_running(self) -> None:
        """Return when everything has been set up."""

        async def is_running() -> bool:
            state: str = (await websocket.command("get_config"))["state"]
            return state == "RUNNING"

        async with self.websocket() as websocket:
            if not await until(is_running, START_LIMIT):
                raise DemonstrationError("Home Assistant does not come to run")

    async def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the REST API."""
        timeout = aiohttp.ClientTimeout(ANSWER_LIMIT)
        async with self._session.request(
            method, self._home.url + path, json=body, headers=self._headers, timeout=timeout
        ) as response:
            if response.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
                raise DemonstrationError(f"{method} {path}: {response.status} {await response.text()}")
            answer: dict[str, Any] = await response.json()
            return answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start Home Assistant and wait until it runs; the first time, become its owner. It is stopped in the end."""
        async with self._home.running():
            await (self.wait_for_answer(ENTRIES) if self._headers else self.become_owner())
            await self.wait_until_running()
            yield

    @asynccontextmanager
    async def websocket(self) -> AsyncIterator[Websocket]:
        """Open the websocket for some commands."""
        async with self._session.ws_connect(f"{self._home.url}/api/websocket", max_msg_size=0) as connection:
            websocket = Websocket(connection)
            await websocket.authenticate(self.token)
            yield websocket

    async def wait_for_answer(self, path: str) -> None:
        """Return when Home Assistant, which is being started, has a page."""

        async def answers() -> bool:
            if self._home.has_ended:
                raise DemonstrationError(f"Home Assistant does not start:\n{self._home.tail()}")
            try:
                async with self._session.get(self._home.url + path, headers=self._headers) as response:
                    return response.status == HTTPStatus.OK
            except aiohttp.ClientConnectionError:
                return False

        if not await until(answers, START_LIMIT):
            raise DemonstrationError("Home Assistant does not answer")


@asynccontextmanager
async def new_home(
    http_port: int | None = None, *, configuration: str = CONFIGURATION, python: Path | None = None
) -> AsyncIterator[tuple[Home, Client]]:
    """Make a Home Assistant in a folder of its own, which stays with the project, and a client; it does not run yet."""
    with tempfile.TemporaryDirectory(prefix="home-", dir=ROOT / ".dev") as name:
        folder, port = Path(name), choose_http_port(http_port)
        write_configuration(folder, port, configuration)
        async with aiohttp.ClientSession() as session:
            home = Home(folder, port, python)
            yield home, Client(home, session)


class Websocket:
    """An open websocket: one command after the other."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._last_id = 0

    async def authenticate(self, token: str) -> None:
        """Say who is there."""
        await self._connection.receive_json()
        await self._connection.send_json({"type": "auth", "access_token": token})
        if (await self._connection.receive_json())["type"] != "auth_ok":
            raise DemonstrationError("Home Assistant does not accept the token that it gave")

    async def command(self, name: str, /, **arguments: object) -> Any:  # noqa: ANN401 - every command has its own answer
        """Give a command and return its result."""
        self._last_id += 1
        await self._connection.send_json({"id": self._last_id, "type": name, **arguments})
        async with asyncio.timeout(ANSWER_LIMIT):
            while True:
                answer = await self._connection.receive_json()
                if answer.get("id") == self._last_id and answer["type"] == "result":
                    break
        if not answer["success"]:
            raise DemonstrationError(f"{name}: {answer['error']['message']}")
        return answer["result"]
