"""What arrived at the servers that Home Assistant writes to, asked of the servers themselves."""

import asyncio
from collections import Counter
from dataclasses import dataclass
import time
from types import TracebackType
from typing import Final, Self

import aiohttp
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
import sqlalchemy

from demonstration.home import HOST

from .servers import DATABASE, Server

QUALITY: Final = 1
_ROWS: Final = """
    SELECT count(*), count(*) FILTER (WHERE state = 'unavailable')
    FROM states JOIN states_meta USING (metadata_id)
    WHERE last_updated_ts >= :start AND last_updated_ts < :end AND states_meta.entity_id ~ '^(sensor|binary_sensor)[.]'
"""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """States in the recorder's database, those of them that were unavailable, and points in InfluxDB."""

    rows: int
    unavailable: int
    points: int


class Ear:
    """Hears all messages under a topic, while it is open."""

    def __init__(self, broker: Server, topic: str) -> None:
        self._messages: list[tuple[float, str]] = []
        self._broker = broker
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topic}/#", QUALITY)
        self._client.on_message = self._take

    def _take(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        # What the broker has kept is told anew to every listener.
        if not message.retain:
            self._messages.append((time.time(), message.topic))

    def heard(self, start: float, end: float) -> dict[str, int]:
        """Return how many messages arrived between two times, by topic."""
        return Counter(topic for at, topic in list(self._messages) if start <= at < end)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._client.connect(HOST, self._broker.port)
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._client.disconnect()
        self._client.loop_stop()


async def written(database: Server, series: Server, start: float, end: float) -> Arrivals:
    """Return what was written between two times."""
    rows, unavailable = await asyncio.to_thread(_rows, database, start, end)
    bounds = f"time >= {int(start * 1e9)} AND time < {int(end * 1e9)}"
    query = f'SELECT count("value") FROM /.*/ WHERE {bounds}'  # noqa: S608 - two numbers of our own
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{series.address}/query", params={"db": DATABASE, "q": query}) as answer,
    ):
        results = (await answer.json())["results"]
    points = sum(one["values"][0][1] for result in results for one in result.get("series", ()))
    return Arrivals(rows, unavailable, points)


def _rows(database: Server, start: float, end: float) -> tuple[int, int]:
    engine = sqlalchemy.create_engine(database.address)
    try:
        with engine.connect() as connection:
            row = connection.execute(sqlalchemy.text(_ROWS), {"start": start, "end": end}).one()
            return row[0], row[1]
    finally:
        engine.dispose()
