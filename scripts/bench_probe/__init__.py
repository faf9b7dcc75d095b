"""The benchmark's hand inside Home Assistant: it looks at clocks, memory and states where they are.

It speaks JSON, a line for a command and a line for its answer, on a socket in the configuration folder. It uses
entries, the entity registry, states and the recorder only, and nothing of any integration.
"""

import asyncio
from collections.abc import Awaitable, Callable
import gc
import json
from pathlib import Path
import time
from typing import Any, Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "bench_probe"
SOCKET: Final = "probe.sock"

type Command = Callable[..., Awaitable[Any]]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:  # noqa: ARG001 - Home Assistant's signature
    """Listen for commands."""
    probe = Probe(hass)
    await asyncio.start_unix_server(probe.converse, hass.config.path(SOCKET))
    return True


class Probe:
    """Answers the commands of the benchmark."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._changes: list[tuple[str, str, str | None, float]] = []
        self._commands: dict[str, Command] = {
            "is_running": self._is_running,
            "enable": self._enable,
            "reload": self._reload,
            "entities": self._entities,
            "disable": self._disable,
            "reserve": self._reserve,
            "watch": self._watch,
            "changes": self._take_changes,
            "usage": self._usage,
            "commit": self._commit,
            "memory": self._memory,
        }

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one line after the other."""
        async for line in reader:
            asked = json.loads(line)
            try:
                answer = {"result": await self._commands[asked.pop("command")](**asked)}
            except Exception as error:  # noqa: BLE001 - whatever it is, the benchmark must hear of it
                answer = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    async def _is_running(self) -> bool:
        return self._hass.is_running

    async def _enable(self, entry_id: str) -> float:
        """Enable a config entry, and return the seconds that setting it up takes."""
        start = time.monotonic()
        await self._hass.config_entries.async_set_disabled_by(entry_id, None)
        return time.monotonic() - start

    async def _reload(self, entry_id: str) -> float:
        """Unload a config entry and set it up again; return the seconds that the second half takes."""
        await self._hass.config_entries.async_unload(entry_id)
        start = time.monotonic()
        await self._hass.config_entries.async_setup(entry_id)
        return time.monotonic() - start

    async def _entities(self, entry_id: str) -> list[dict[str, Any]]:
        registry = er.async_get(self._hass)
        return [
            {
                "entity_id": entity.entity_id,
                "unique_id": entity.unique_id,
                "is_enabled": entity.disabled_by is None,
                "state": state.state if (state := self._hass.states.get(entity.entity_id)) else None,
            }
            for entity in er.async_entries_for_config_entry(registry, entry_id)
        ]

    async def _disable(self, entity_ids: list[str]) -> None:
        registry = er.async_get(self._hass)
        for entity_id in entity_ids:
            registry.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
        await self._hass.async_block_till_done()

    async def _reserve(self, entry_id: str, unique_ids: list[tuple[str, str]]) -> None:
        """Have entities disabled before they exist, by domain and unique id."""
        registry = er.async_get(self._hass)
        entry = self._hass.config_entries.async_get_known_entry(entry_id)
        for domain, unique_id in unique_ids:
            registry.async_get_or_create(
                domain, entry.domain, unique_id, config_entry=entry, disabled_by=er.RegistryEntryDisabler.USER
            )

    async def _watch(self, entity_ids: list[str]) -> None:
        """Note from now on when these entities change, on the clock that all processes share."""

        @callback
        def note(event: Event[EventStateChangedData]) -> None:
            now = time.monotonic()
            if (state := event.data["new_state"]) is not None:
                unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
                self._changes.append((state.entity_id, state.state, unit, now))

        async_track_state_change_event(self._hass, entity_ids, note)

    async def _take_changes(self) -> list[tuple[str, str, str | None, float]]:
        changes, self._changes = self._changes, []
        return changes

    async def _usage(self) -> dict[str, float]:
        """Return the processor time of all threads and that of this thread, the event loop's, both in seconds."""
        return {"total": time.process_time(), "loop": time.thread_time(), "at": time.monotonic(), "clock": time.time()}

    async def _commit(self) -> None:
        """Let the recorder write what it has: until then, each row is dozens of objects."""
        await get_instance(self._hass).async_block_till_done()

    async def _memory(self) -> float:
        """Return the memory that is this process' alone, in MiB, after a commit and a look for garbage."""

        def private() -> float:
            lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
            kib = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
            return kib / 1024

        await self._commit()
        gc.collect()
        return await self._hass.async_add_executor_job(private)
