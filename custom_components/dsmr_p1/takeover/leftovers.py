"""Statistics of our own extra entities, which are left when a take-over is undone, and offered for clearing."""

from collections.abc import Iterable
from typing import Final

from homeassistant.components.recorder.statistics import get_metadata
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.recorder import get_instance

from ..const import DOMAIN
from .record import Record

LEFTOVERS: Final = "statistics_left"
_RECORDER: Final = "recorder"


async def async_offer_to_clear(hass: HomeAssistant, entry: ConfigEntry, record: Record) -> None:
    """Offer to clear the statistics of the entities that go with an entry, but of none that it has taken over."""
    if _RECORDER not in hass.config.components:
        return
    moved = {entity.registry_id for entity in record.entities}
    ours = {
        entity.entity_id
        for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if entity.id not in moved
    }
    found = await get_instance(hass).async_add_executor_job(lambda: get_metadata(hass, statistic_ids=ours))
    if not found:
        return
    ids = sorted(found)
    shown = {"statistics": "\n".join(f"- `{one}`" for one in ids)}
    ir.async_create_issue(
        hass,
        DOMAIN,
        # Not with the entry's id at its end: what is told of an entry is deleted with it.
        f"{entry.entry_id}_{LEFTOVERS}",
        data={"condition": LEFTOVERS, "_ids": " ".join(ids), **shown},
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=LEFTOVERS,
        translation_placeholders=shown,
    )


@callback
def async_clear(hass: HomeAssistant, statistic_ids: Iterable[str]) -> None:
    """Clear statistics, except where an entity has the id again: they are its own by now."""
    entities = er.async_get(hass)
    free = [one for one in statistic_ids if one not in entities.entities and hass.states.get(one) is None]
    if free:
        get_instance(hass).async_clear_statistics(free)
