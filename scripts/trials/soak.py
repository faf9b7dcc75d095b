"""Days of a real Home Assistant with recorder and a simulated meter, as fast as they go.

The clock of `clock` must be installed before this module is imported, as Home Assistant keeps the functions of `time`.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
import gc
import json
import linecache
import logging
from operator import itemgetter
import os
from pathlib import Path
import sqlite3
import tempfile
import time
import tracemalloc
from types import MappingProxyType
from typing import Final, override

from homeassistant import bootstrap
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_PORT, EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.runner import RuntimeConfig, configure_event_loop

from custom_components.dsmr_p1.p1.wire.crc import crc16
from demonstration.errors import DemonstrationError
from demonstration.home import DOMAIN, PLACE, choose_http_port, write_configuration
from simulator import MODELS, Household, PtyPort, TelegramBuilder
from simulator.day import draw_day

from .clock import FastClock, FastLoop

MODEL: Final = "dsmr5"
CONFIGURATION: Final = f"{PLACE}recorder:\nhistory:\nenergy:\nlogger:\n  default: warning\n"
MOST_GROWTH: Final = 1024 * 1024
"""Bytes of memory that all days after the first may cost."""
MOST_GROWN: Final = 8
"""Files of which the growth is printed."""
HOUR: Final = 3600
DAY: Final = 24 * HOUR
SYNC: Final = 300
"""Seconds after which the recorder must have written everything."""
HEARD_LIMIT: Final = 5.0
"""Seconds of real time in which a telegram must have arrived."""
_UNCHANGED: Final = """
WITH ours AS (
  SELECT state_id, state, attributes_id,
    LAG(state_id) OVER one AS before,
    LAG(state) OVER one AS state_before,
    LAG(attributes_id) OVER one AS attributes_before
  FROM states JOIN states_meta USING (metadata_id)
  WHERE state_id > :last AND states_meta.entity_id IN (SELECT value FROM json_each(:entities))
  WINDOW one AS (PARTITION BY metadata_id ORDER BY state_id)
)
SELECT COUNT(*), COUNT(before) FILTER (WHERE state IS state_before AND attributes_id IS attributes_before),
  COALESCE(MAX(state_id), :last)
FROM ours
"""


@dataclass(frozen=True, slots=True)
class Evening:
    """What there is at the end of a day: `rows` and `unchanged` are the states recorded on that day."""

    resident: int
    tasks: int
    files: int
    rows: int
    unchanged: int
    missed: int
    by_file: Mapping[str, int]

    @property
    def traced(self) -> int:
        """The bytes of Python memory."""
        return sum(self.by_file.values())

    @override
    def __str__(self) -> str:
        return (
            f"memory {self.traced / MOST_GROWTH:7.2f} MiB, resident {self.resident / MOST_GROWTH:6.1f} MiB, "
            f"{self.tasks} tasks, {self.files} files, {self.rows} rows, {self.unchanged} of them unchanged, "
            f"{self.missed} telegrams missed"
        )


class Complaints(logging.Handler):
    """Collects what the log holds against this integration."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        if DOMAIN in record.name:
            self.found.append(record.getMessage())


class Soak:
    """One run of the trial."""

    def __init__(self, clock: FastClock, days: int, seed: int, every: int) -> None:
        """Prepare so many days with a telegram every so many seconds."""
        self._clock = clock
        self._days = days
        self._every = every
        model = MODELS[MODEL]
        household = Household(seed=seed, start=clock.utcnow(), region=model.region, phases=model.phases)
        self._builder = TelegramBuilder.create(model, household, "gas,water")
        self._missed = 0
        self._last_row = 0

    def run(self) -> int:
        """Run Home Assistant in an event loop of its own; return 1 if something is wrong."""
        loop = FastLoop(self._clock)
        asyncio.set_event_loop(loop)
        configure_event_loop(loop)
        complaints = Complaints()
        logging.getLogger().addHandler(complaints)
        began = time.perf_counter()
        try:
            with tempfile.TemporaryDirectory(prefix="soak-") as folder, PtyPort(link=Path(folder) / "port") as port:
                evenings = loop.run_until_complete(self._live(Path(folder) / "home", port))
        finally:
            loop.close()
        failures = [*_failures(evenings), *(f"in the log: {line}" for line in complaints.found)]
        for failure in failures:
            print(f"WRONG: {failure}")
        growth = evenings[-1].traced - evenings[0].traced
        print(
            f"{len(evenings)} days with a telegram every {self._every} s in {time.perf_counter() - began:.0f} s: "
            f"memory grew by {growth / 1024:.0f} KiB after the first day, {sum(one.rows for one in evenings)} rows, "
            f"{sum(one.unchanged for one in evenings)} of them unchanged, {self._missed} telegrams missed"
        )
        for name, size in _most_grown(evenings[0], evenings[-1]):
            print(f"  {size / 1024:+7.1f} KiB in {name.rpartition('site-packages/')[2]}")
        return 1 if failures else 0

    async def _live(self, folder: Path, port: PtyPort) -> list[Evening]:
        """Start Home Assistant, let the days pass, and stop it."""
        write_configuration(folder, choose_http_port(None))
        (folder / "configuration.yaml").write_text(CONFIGURATION)
        hass = await bootstrap.async_setup_hass(RuntimeConfig(config_dir=str(folder), log_no_color=True))
        if hass is None or hass.config.recovery_mode:
            raise DemonstrationError("Home Assistant did not start")
        started = asyncio.Event()

        async def on_started(_: Event) -> None:
            started.set()

        hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STARTED, on_started)
        await hass.async_start()
        if hass.state is not CoreState.running:
            await started.wait()
        try:
            return await self._days_of(hass, port, folder)
        finally:
            self._clock.is_fast = False
            await hass.async_stop()

    async def _days_of(self, hass: HomeAssistant, port: PtyPort, folder: Path) -> list[Evening]:
        """Let the days pass, and return what there is at the end of each."""
        entry = await self._add_entry(hass, port)
        self._clock.is_fast = True
        tracemalloc.start()
        evenings: list[Evening] = []
        for day in range(1, self._days + 1):
            for second in range(0, DAY, self._every):
                await self._send(entry, port)
                if second % SYNC < self._every:
                    await self._sync(hass)
                if day == 1 and 0 <= second - HOUR < self._every:
                    await self._purge(hass)
            evenings.append(await self._look(hass, entry, folder))
            print(f"day {day:2}: {evenings[-1]}", flush=True)
        return evenings

    async def _add_entry(self, hass: HomeAssistant, port: PtyPort) -> ConfigEntry:
        """Add the entry, and feed it until it is set up."""
        entry = ConfigEntry(
            domain=DOMAIN,
            title="P1",
            data={CONF_PORT: port.path, "bridge_type": "dsmr"},
            options={},
            source="user",
            version=1,
            minor_version=1,
            unique_id=None,
            discovery_keys=MappingProxyType({}),
            subentries_data=(),
        )
        adding = hass.async_create_task(hass.config_entries.async_add(entry))
        while not adding.done():
            await asyncio.sleep(0.5)
            self._builder.household.advance(1)
            port.write(self._telegram())
        await adding
        if entry.state is not ConfigEntryState.LOADED:
            raise DemonstrationError(f"the entry is {entry.state}")
        await hass.async_block_till_done()
        return entry

    def _telegram(self) -> bytes:
        """Return the next telegram, with the checksum of the core: that of the simulator is slow on purpose."""
        body = self._builder.body()
        return b"%s%04X\r\n" % (body, crc16(body))

    async def _send(self, entry: ConfigEntry, port: PtyPort) -> None:
        """Let some seconds pass and send the next telegram; time stands still until it has arrived."""
        await asyncio.sleep(self._every)
        self._builder.household.advance_to(self._clock.utcnow().replace(microsecond=0))
        heard = entry.runtime_data.port.reader.heard
        before = heard.telegrams
        with self._clock.stopped():
            port.write(self._telegram())
            patience = time.perf_counter() + HEARD_LIMIT
            while heard.telegrams == before and time.perf_counter() < patience:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0)
        self._missed += heard.telegrams != before + 1

    async def _sync(self, hass: HomeAssistant) -> None:
        """Wait until the recorder has written everything."""
        with self._clock.stopped():
            await get_instance(hass).async_block_till_done()

    async def _purge(self, hass: HomeAssistant) -> None:
        """Let the recorder fill the caches that it has for its purge, whose first one is on the eleventh day."""
        with self._clock.stopped():
            await hass.services.async_call("recorder", "purge", {"keep_days": 0}, blocking=True)
        await self._sync(hass)

    async def _look(self, hass: HomeAssistant, entry: ConfigEntry, folder: Path) -> Evening:
        """Return what there is now."""
        with self._clock.stopped():
            await hass.async_block_till_done()
            await self._sync(hass)
            ours = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
            entities = json.dumps([entity.entity_id for entity in ours])
            rows, unchanged = await hass.async_add_executor_job(self._count_rows, folder, entities)
            # What the household of the simulated meter remembers is no memory of Home Assistant.
            draw_day.cache_clear()
            gc.collect()
            return Evening(
                resident=_resident(),
                tasks=len(asyncio.all_tasks()),
                files=_open_files(),
                rows=rows,
                unchanged=unchanged,
                missed=self._missed,
                by_file=_memory_by_file(),
            )

    def _count_rows(self, folder: Path, entities: str) -> tuple[int, int]:
        """Return how many states were recorded since the last time, and how many of them are as the one before."""
        with closing(sqlite3.connect(folder / "home-assistant_v2.db")) as database:
            values = {"last": self._last_row, "entities": entities}
            rows, unchanged, self._last_row = database.execute(_UNCHANGED, values).fetchone()
        return rows, unchanged


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _resident() -> int:
    """Return the bytes of real memory of this process."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _memory_by_file() -> dict[str, int]:
    """Return the bytes of Python memory by the file that asked for it, without what looking at it costs."""
    ours = {__file__, tracemalloc.__file__, linecache.__file__}
    statistics = tracemalloc.take_snapshot().statistics("filename")
    return {name: one.size for one in statistics if (name := one.traceback[0].filename) not in ours}


def _most_grown(first: Evening, last: Evening) -> list[tuple[str, int]]:
    """Return the files whose memory has grown most, and the bytes."""
    grown = {name: size - first.by_file.get(name, 0) for name, size in last.by_file.items()}
    return sorted(grown.items(), key=itemgetter(1), reverse=True)[:MOST_GROWN]


def _failures(evenings: list[Evening]) -> Iterator[str]:
    """Yield what is wrong with the days."""
    first, last = evenings[0], evenings[-1]
    if last.traced - first.traced >= MOST_GROWTH:
        yield f"memory grew by {(last.traced - first.traced) / MOST_GROWTH:.2f} MiB after the first day"
    if last.tasks > first.tasks:
        yield f"there are {last.tasks} tasks, {first.tasks} on the first day"
    if last.files > first.files:
        yield f"{last.files} files are open, {first.files} on the first day"
    if unchanged := sum(evening.unchanged for evening in evenings):
        yield f"{unchanged} rows are as the ones before"
    if last.missed:
        yield f"{last.missed} telegrams were missed"
