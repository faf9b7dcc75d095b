"""Corrections: what a statistic has too much is taken out of it, by the recorder's own adjustment of sums.

The recorder adds the difference between two states, whatever lies between them. An amount that was no use is known as
soon as it is shown, but stands in no row before the five minutes are summed up. So it is stored at once, and taken out
after the sum: of these five minutes and of all that come later, and of the hours alike.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isclose
from operator import attrgetter
from typing import Final, cast

from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..port.state import Port
from ..storage.replaced import Correction

EVENT_COMPILED: Final = "recorder_5min_statistics_generated"
"""Fired when the recorder has summed up another five minutes."""
KEPT_FOR: Final = timedelta(days=10)
"""How long five minutes without a sum are waited for: the recorder keeps rows of five minutes no longer."""
_PERIOD: Final = timedelta(minutes=5)
_EXACT: Final = 1e-7
"""What is less is no amount, in any unit of energy, volume or money."""
REQUESTED: HassKey[set[Correction]] = HassKey(f"{DOMAIN}_requested_corrections")
"""What the recorder was asked for since Home Assistant started: it may still be about to do so.

Under the name that a statistic had then. Rows are found under another one once it is renamed, and the recorder works in
turn: what was asked for before that is made by then.
"""


class Corrections:
    """The corrections of one port that wait for the recorder: each survives a restart, and is made exactly once."""

    def __init__(self, port: Port) -> None:
        """Continue with what was stored of the port."""
        self._port = port
        self._hass: HomeAssistant = port.hass
        self._pending = port.record.corrections
        self._lock = asyncio.Lock()
        self._is_stopped = False

    @callback
    def async_start(self) -> None:
        """Begin to follow the recorder."""
        on_unload, listen = self._port.entry.async_on_unload, self._hass.bus.async_listen
        on_unload(listen(EVENT_COMPILED, self._async_follow_recorder))
        on_unload(listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._async_follow_name))
        on_unload(self._stop)

    def _stop(self) -> None:
        self._is_stopped = True

    @callback
    def _async_follow_name(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """Follow an entity that was renamed, as the recorder does with its statistic."""
        if (old := event.data.get("old_entity_id")) is not None:
            self._port.record.rename(lambda text: event.data["entity_id"] if text == old else text)
            self._port.save()

    @callback
    def async_add(self, statistic_id: str, amount: float, unit: str | None, at: datetime | None = None) -> None:
        """Take an amount out of a statistic, from an instant on (now, if none is given).

        `statistic_id` is the entity id of a sensor whose sum the recorder keeps. `amount` is what the recorder has
        added too much, or will add when it sums up the five minutes of that instant; a negative amount is added. `unit`
        is the unit of the amount, as the state of the sensor has it. To take a correction back, add the opposite
        amount at the same instant. Without a recorder nothing is done.
        """
        if "recorder" in self._hass.config.components:
            self._append(statistic_id, at or dt_util.utcnow(), amount, unit)
            self._port.save()

    async def async_take_out(
        self, statistic_id: str, unit: str | None, begin: tuple[datetime, float], end: tuple[datetime, float | None]
    ) -> None:
        """Take out of a statistic all that was added between two instants, row by row.

        `begin` and `end` are the instants with the states of the sensor then; an unknown last one is that of the last
        five minutes summed up.
        """
        if "recorder" not in self._hass.config.components:
            return
        since, stood_at = period_of(begin[0]), begin[1]
        rows = await get_instance(self._hass).async_add_executor_job(_rows, self._hass, {statistic_id: since})
        for start, _, state in rows.get(statistic_id, ()):
            if start < period_of(end[0]).timestamp() and state is not None:
                self._append(statistic_id, datetime.fromtimestamp(start, UTC), state - stood_at, unit)
                stood_at = state
        if end[1] is not None:
            self._append(statistic_id, end[0], end[1] - stood_at, unit)
        self._port.save()

    def _append(self, statistic_id: str, at: datetime, amount: float, unit: str | None) -> None:
        added = Correction(statistic_id=statistic_id, start=period_of(at), amount=amount, unit=unit)
        # What the recorder was not asked for yet is one amount, however often meters or readings alternate.
        same = [each for each in self._pending if replace(each, amount=amount) == added]
        self._pending[:] = [each for each in self._pending if each not in same]
        total = amount + sum(each.amount for each in same)
        if abs(total) >= _EXACT:
            self._pending.append(replace(added, amount=total))

    async def _async_follow_recorder(self, _: Event) -> None:
        if self._pending and not self._lock.locked():
            async with self._lock:
                await self._async_apply()

    async def _async_apply(self) -> None:
        """Let the recorder make all corrections whose five minutes are summed up, and drop those that it has made.

        What the five minutes had before is stored first. If they still have it after a crash, the recorder has not made
        the correction; if not, it has. Only one correction at a time changes the same five minutes.
        """
        requested = self._hass.data.setdefault(REQUESTED, set())
        recorder, pending = get_instance(self._hass), list(self._pending)
        # The oldest last, so that it is the one that stays.
        starts = {each.statistic_id: each.start for each in sorted(pending, key=attrgetter("start"), reverse=True)}
        rows = await recorder.async_add_executor_job(_rows, self._hass, starts)
        if self._is_stopped or self._pending[: len(pending)] != pending:
            # The entry was set up anew meanwhile, and what waits is its own now; or an entity was renamed.
            return
        left: list[Correction] = []
        asked: list[Correction] = []
        in_work: set[tuple[str, float]] = set()
        for each in pending:
            row = next((row for row in rows.get(each.statistic_id, ()) if row[0] >= each.start.timestamp()), None)
            if row is None:
                if dt_util.utcnow() - each.start < KEPT_FOR:
                    left.append(each)
            elif (each.statistic_id, row[0]) in in_work:
                left.append(each)
            elif each.found is not None and not isclose(row[1], each.found, rel_tol=1e-12, abs_tol=_EXACT / 2):
                requested.discard(each)
            else:
                in_work.add((each.statistic_id, row[0]))
                if each not in requested:
                    asked.append(replace(each, found=row[1]))
                left.append(each if each in requested else asked[-1])
        # What was added meanwhile stays.
        self._pending[:] = [*left, *self._pending[len(pending) :]]
        await self._port.async_save_now()
        # What was renamed or set up anew meanwhile is asked for the next time.
        asked = [each for each in asked if each in self._pending and not self._is_stopped]
        requested.update(asked)
        for each in asked:
            # A counter has no unit, which is None here too, as the frontend sends it.
            recorder.async_adjust_statistics(each.statistic_id, each.start, -each.amount, cast("str", each.unit))


def period_of(instant: datetime) -> datetime:
    """Return the beginning of the five minutes of an instant."""
    return instant - (instant - datetime.fromtimestamp(0, UTC)) % _PERIOD


def _rows(hass: HomeAssistant, starts: Mapping[str, datetime]) -> dict[str, list[tuple[float, float, float | None]]]:
    """Return start, change and state of the rows of five minutes of statistics, each from an instant on."""
    found = {}
    for statistic_id, start in starts.items():
        rows = statistics_during_period(hass, start, None, {statistic_id}, "5minute", None, {"change", "state"})
        found[statistic_id] = [
            (row["start"], change, row.get("state"))
            for row in rows.get(statistic_id, ())
            if (change := row.get("change")) is not None
        ]
    return found
