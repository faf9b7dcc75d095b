"""A running Home Assistant, asked and told through its WebSocket interface."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from .errors import HistoryError
from .joining import Existing, Joined, Row

ANSWER_LIMIT: Final = 60.0
"""Seconds in which an answer must come, and in which everything must have been written."""
AT_ONCE: Final = 5000
"""Hours in one command: Home Assistant takes messages of up to 4 MiB."""
_POLL: Final = 0.2


class HomeAssistant:
    """An open connection: one command after the other."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._last_id = 0

    async def time_zone(self) -> str:
        """Return the time zone that it is set to."""
        return str((await self._command("get_config"))["time_zone"])

    async def statistic(self, statistic_id: str) -> dict[str, Any]:
        """Return what is known of a statistic with a sum. Raises HistoryError where there is none."""
        found = await self._command("recorder/get_statistics_metadata", statistic_ids=[statistic_id])
        if not found:
            raise HistoryError(f"Home Assistant has no statistic '{statistic_id}'")
        metadata: dict[str, Any] = found[0]
        if not metadata["has_sum"] or metadata["source"] != "recorder":
            raise HistoryError(f"'{statistic_id}' is no total that Home Assistant sums up")
        return metadata

    async def first(self, metadata: dict[str, Any]) -> Existing:
        """Return the first hour of a statistic. Raises HistoryError where there is none yet."""
        rows = await self._hours(metadata, datetime.fromtimestamp(0, UTC))
        if not rows:
            raise HistoryError(f"'{metadata['statistic_id']}' has no full hour yet: try again in an hour")
        return Existing(_moment(rows[0]), rows[0]["sum"])

    async def write(self, metadata: dict[str, Any], joined: Joined) -> None:
        """Write hours, and raise the sums. Raises HistoryError where it is not done in time."""
        unit = metadata["statistics_unit_of_measurement"]
        about = {key: metadata[key] for key in ("statistic_id", "source", "name", "unit_class", "mean_type", "has_sum")}
        # The newest first: whenever it is interrupted, what is written ends where that begins which was there.
        for end in range(len(joined.rows), 0, -AT_ONCE):
            stats = [_as_sent(row) for row in joined.rows[max(0, end - AT_ONCE) : end]]
            await self._command(
                "recorder/import_statistics", metadata={**about, "unit_of_measurement": unit}, stats=stats
            )
        if joined.lift:
            await self._command(
                "recorder/adjust_sum_statistics",
                statistic_id=metadata["statistic_id"],
                start_time=joined.begin.isoformat(),
                adjustment=joined.lift,
                adjustment_unit_of_measurement=unit,
            )
        await self._check(metadata, joined)

    async def _check(self, metadata: dict[str, Any], joined: Joined) -> None:
        """Wait until all is in the database: Home Assistant answers before."""
        wanted = {row.start: row.sum + joined.lift for row in joined.rows}
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                while True:
                    found = {_moment(row): row["sum"] for row in await self._hours(metadata, joined.begin)}
                    if all(abs(found.get(start, -1e9) - total) < 1e-4 for start, total in wanted.items()):
                        return
                    await asyncio.sleep(_POLL)
        except TimeoutError as error:
            raise HistoryError("Home Assistant has not written everything: look at its log, and start again") from error

    async def _hours(self, metadata: dict[str, Any], start: datetime) -> list[dict[str, Any]]:
        statistic_id, unit_class = metadata["statistic_id"], metadata["unit_class"]
        units = {unit_class: metadata["statistics_unit_of_measurement"]} if unit_class else {}
        found: dict[str, list[dict[str, Any]]] = await self._command(
            "recorder/statistics_during_period",
            start_time=start.isoformat(),
            statistic_ids=[statistic_id],
            period="hour",
            types=["sum"],
            units=units,
        )
        return [row for row in found.get(statistic_id, []) if row["sum"] is not None]

    async def _command(self, name: str, **arguments: object) -> Any:  # noqa: ANN401 - every command has its own answer
        self._last_id += 1
        await self._connection.send_json({"id": self._last_id, "type": name, **arguments})
        try:
            answer = await self._connection.receive_json(timeout=ANSWER_LIMIT)
        except (TimeoutError, TypeError) as error:
            raise HistoryError(f"Home Assistant does not answer to {name}") from error
        if not answer["success"]:
            raise HistoryError(f"Home Assistant refuses {name}: {answer['error']['message']}")
        return answer["result"]


def _as_sent(row: Row) -> dict[str, object]:
    stat: dict[str, object] = {"start": row.start.isoformat(), "sum": row.sum}
    return stat if row.state is None else stat | {"state": row.state}


def _moment(row: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(row["start"] / 1000, UTC)


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[HomeAssistant]:
    """Connect to a Home Assistant. Raises HistoryError where nothing answers, or the token is refused."""
    async with aiohttp.ClientSession() as session:
        try:
            connection = await session.ws_connect(f"{url.rstrip('/')}/api/websocket", max_msg_size=0)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise HistoryError(f"no Home Assistant answers at {url}: {error}") from error
        async with connection:
            await connection.receive_json()
            await connection.send_json({"type": "auth", "access_token": token})
            if (await connection.receive_json())["type"] != "auth_ok":
                raise HistoryError("Home Assistant refuses the token: make a long-lived one in your profile, Security")
            yield HomeAssistant(connection)
