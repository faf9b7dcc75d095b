"""Assigns meters to slots, together with the device and the unique id of the entry."""

from dataclasses import replace
from itertools import count

from homeassistant.core import callback

from ..const import DOMAIN
from ..p1 import Role
from ..port.devices import device_in
from ..port.state import Port
from ..storage.replaced import Change
from ..storage.store import KnownMeter
from .continuity import Moves, async_move


@callback
def identify(port: Port, change: Change, seen: KnownMeter | None, meter: KnownMeter | None = None) -> None:
    """Assign the identity of the other meter in a slot to the known one, or to `meter`, which replaces it.

    `seen` is the meter as the last telegram reports it.
    """
    slot, identity, entry = change.slot, change.identifier, port.entry
    before = port.meters[slot]
    if change.is_title or (before.equipment_identifier is None and before.system_title is not None):
        after = replace(meter or before, system_title=identity)
    else:
        # Without a telegram of the other meter its system title is not known yet.
        title = seen.system_title if seen is not None and seen.equipment_identifier == identity else None
        after = replace(meter or before, equipment_identifier=identity, system_title=title)
    port.async_set_meters({**port.meters, slot: after})
    old, new = (one.equipment_identifier or one.system_title for one in (before, after))
    is_taken = any(other.unique_id == new for other in port.hass.config_entries.async_entries(DOMAIN))
    if before.role is Role.MAIN and entry.unique_id == old and not is_taken:
        port.hass.config_entries.async_update_entry(entry, unique_id=new)
    port.save()


@callback
def move_out(port: Port, slot: str) -> None:
    """Move the device and entities out of a slot, with their history, so that another meter can use it."""
    hass, entry_id = port.hass, port.entry.entry_id
    free = next(aside for number in count(1) if device_in(hass, entry_id, aside := f"{slot}~{number}") is None)
    async_move(hass, entry_id, Moves({slot: free}, {}))
    port.display.drop({slot})
