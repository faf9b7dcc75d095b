"""What the owner is told of take-overs: an entry that can be taken over, and what is left of one that was."""

from collections.abc import Iterable, Mapping
from typing import Final

from homeassistant.components.recorder.statistics import get_metadata
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.recorder import get_instance

from ..const import CONF_TAKE_OVER, DOMAIN
from ..p1 import Role
from ..port.entry_data import redacted
from ..port.issues import async_raise, async_withdraw
from ..port.state import Port
from ..storage.store import KnownMeter
from .core_entries import core_entries
from .plan import identifiers, targets
from .record import Record

BOTH: Final = "both_read"
LEFTOVERS: Final = "statistics_left"


def is_same_meter(core: ConfigEntry, meters: Mapping[str, KnownMeter]) -> bool | None:
    """Whether an entry reads one of our main meters, by its serial number; None where one of the two tells none."""
    ours = {meter.equipment_identifier for meter in meters.values() if meter.role is not Role.MBUS} - {None, ""}
    theirs = identifiers(core.data.get("serial_id") or "")
    return bool(ours & theirs) if ours and theirs else None


def take_over_placeholders(hass: HomeAssistant, core: ConfigEntry, meters: Mapping[str, KnownMeter]) -> dict[str, str]:
    """Return the placeholders about a take-over: the entry, how many entities continue, and which stay behind."""
    used = [target for target in targets(hass, core, meters) if target.reason != "unused"]
    left = [f"`{target.entity.entity_id}`" for target in used if target.reason is not None]
    return {
        "entry": redacted(core.title),
        "count": str(len(used) - len(left)),
        "left_count": str(len(left)),
        "left": f" ({', '.join(left)})" if left else "",
    }


@callback
def async_tell_both(port: Port) -> None:
    """Tell the owner that both read the meter, or that it is so no more."""
    core = next((core for core in core_entries(port.hass) if is_same_meter(core, port.meters)), None)
    if core is None:
        async_withdraw(port, BOTH)
    else:
        told = take_over_placeholders(port.hass, core, port.meters)
        async_raise(port, BOTH, BOTH, told, {"_core": core.entry_id}, is_persistent=False)


@callback
def async_begin(hass: HomeAssistant, entry: ConfigEntry, core: ConfigEntry) -> None:
    """Name the entry to take over; it is done when ours is set up the next time."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TAKE_OVER: core.entry_id})


@callback
def async_tell_left(port: Port, record: Record) -> None:
    """Tell the owner what stays behind of what was in use."""
    entities = er.async_get(port.hass).entities
    left = [entities.get_entry(left.registry_id) for left in record.left if left.reason != "unused"]
    if names := [f"- `{entity.entity_id}`" for entity in left if entity is not None]:
        async_raise(port, "left_behind", "left_behind", {"entities": "\n".join(names)}, {}, is_fixable=False)
    else:
        async_withdraw(port, "left_behind")


async def async_offer_to_clear(hass: HomeAssistant, entry: ConfigEntry, record: Record) -> None:
    """Offer to clear the statistics of our own extra entities, which go with an entry when a take-over is undone."""
    if "recorder" not in hass.config.components:
        return
    moved = {entity.registry_id for entity in record.entities}
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    ours = {entity.entity_id for entity in entities if entity.id not in moved}
    ids = sorted(await get_instance(hass).async_add_executor_job(lambda: get_metadata(hass, statistic_ids=ours)))
    if not ids:
        return
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
