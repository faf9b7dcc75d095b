"""An entry of Home Assistant's own `dsmr` that reads the meter of one of ours: found, told, and taken over."""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import CONF_TAKE_OVER, DOMAIN
from ..p1 import Role
from ..port.entry_data import redacted
from ..storage.store import KnownMeter
from .core_entries import core_entries
from .plan import identifiers, targets

CONDITION = "both_read"


def is_same_meter(core: ConfigEntry, meters: Mapping[str, KnownMeter]) -> bool | None:
    """Whether an entry reads one of our main meters, by its serial number; None where one of the two tells none."""
    ours = {meter.equipment_identifier for meter in meters.values() if meter.role is not Role.MBUS} - {None, ""}
    theirs = identifiers(core.data.get("serial_id") or "")
    return bool(ours & theirs) if ours and theirs else None


@callback
def async_tell_both(hass: HomeAssistant, entry: ConfigEntry, meters: Mapping[str, KnownMeter]) -> None:
    """Tell the owner that both read the meter, or that it is so no more."""
    issue_id = f"{CONDITION}_{entry.entry_id}"
    core = next((core for core in core_entries(hass) if is_same_meter(core, meters)), None)
    if core is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    used = [target for target in targets(hass, core, meters) if target.reason != "unused"]
    placeholders = {
        "entry": redacted(core.title),
        "count": str(sum(target.reason is None for target in used)),
        "left_count": str(sum(target.reason is not None for target in used)),
        "port": redacted(entry.data[CONF_PORT]),
    }
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id, "condition": CONDITION, "_core": core.entry_id, **placeholders},
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=CONDITION,
        translation_placeholders=placeholders,
    )


@callback
def async_begin(hass: HomeAssistant, entry: ConfigEntry, core: ConfigEntry) -> None:
    """Name the entry to take over; it is done when ours is set up the next time."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TAKE_OVER: core.entry_id})
