"""The parts: what is done with telegrams beside showing them. Each is a folder, found by being there."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..const import LOGGER
from ..coordinator import P1Coordinator
from ..entity import P1Entity
from .part import Part, store_of

# Home Assistant imports an integration outside the event loop, and so this.
PARTS: Final[tuple[Part, ...]] = tuple(
    import_module(f"{__name__}.{module.name}").PART for module in iter_modules(__path__) if module.ispkg
)


async def async_start_parts(coordinator: P1Coordinator) -> list[P1Entity]:
    """Start the parts that are switched on, and return their entities. Those of parts that are off are removed.

    Those of a part that could not be started stay, with the names and areas that their owner has chosen.
    """
    entities: list[P1Entity] = []
    started: list[str] = []
    for part in PARTS:
        try:
            entities += await part.start(coordinator) or ()
            started.append(part.key)
        except Exception:  # noqa: BLE001 - whatever fails in a part, the meters are shown
            LOGGER.exception("P1 port %s: %s could not be started", coordinator.port.name, part.key)
    registry = er.async_get(coordinator.hass)
    wanted = {entity.unique_id for entity in entities}
    for entry in er.async_entries_for_config_entry(registry, coordinator.config_entry.entry_id):
        if entry.unique_id not in wanted and any(f"_{key}_" in entry.unique_id for key in started):
            registry.async_remove(entry.entity_id)
    return entities


async def async_remove_parts(hass: HomeAssistant, entry_id: str) -> None:
    """Remove what the parts have stored for an entry, also those that are off."""
    for part in PARTS:
        await store_of(hass, entry_id, part.key).async_remove()
