"""An entry of Home Assistant's own `dsmr` that reads the meter of one of ours: found, told, and taken over."""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_TAKE_OVER
from ..p1 import Role
from ..port.entry_data import redacted
from ..port.issues import async_raise, async_withdraw
from ..port.state import Port
from ..storage.store import KnownMeter
from .core_entries import core_entries
from .plan import identifiers, targets

CONDITION = "both_read"


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
        async_withdraw(port, CONDITION)
    else:
        told = take_over_placeholders(port.hass, core, port.meters)
        async_raise(port, CONDITION, CONDITION, told, {"_core": core.entry_id}, is_persistent=False)


@callback
def async_begin(hass: HomeAssistant, entry: ConfigEntry, core: ConfigEntry) -> None:
    """Name the entry to take over; it is done when ours is set up the next time."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TAKE_OVER: core.entry_id})
