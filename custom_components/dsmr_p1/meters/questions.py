"""Repairs about meters that may have been replaced: questions to the owner, and notices."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..port.devices import device_name
from ..port.state import Port

NOTICE_FOR: Final = timedelta(days=30)
"""How long the notice stays that a meter counts as a replacement."""


class Answer(StrEnum):
    """The owner's answer about another meter."""

    REPLACEMENT = "replacement"
    ADDITIONAL = "additional"
    MISTAKE = "mistake"


class Questions:
    """The questions about the meters of one port, by slot."""

    def __init__(self, port: Port) -> None:
        """Initialize for a port."""
        self._port = port
        self._hass = port.hass
        self._entry_id = port.entry.entry_id

    @callback
    def async_start(self) -> None:
        """Delete outdated notices every hour."""
        self._port.entry.async_on_unload(
            async_track_time_interval(self._hass, self.async_tidy, timedelta(hours=1), cancel_on_shutdown=True)
        )

    @callback
    def async_ask_about_change(self, slot: str) -> None:
        """Raise the question about another meter in the slot of a known one."""
        self._raise("meter_changed", slot, is_fixable=True)

    @callback
    def async_ask_about_successor(self, slot: str) -> None:
        """Raise the question about a new meter beside a dead one."""
        self._raise("meter_beside_dead", slot, is_fixable=True)

    @callback
    def async_notify_replaced(self, slot: str) -> None:
        """Replace the question by the notice that a meter counts as a replacement, as nobody objected."""
        self.async_delete(slot)
        self._raise("meter_adopted", slot, is_fixable=False)

    @callback
    def async_delete(self, slot: str) -> None:
        """Delete the question about a meter."""
        ir.async_delete_issue(self._hass, DOMAIN, f"meter_{slot}_{self._entry_id}")

    @callback
    def async_tidy(self, _: datetime | None = None) -> None:
        """Delete old notices about meters that count as replacements."""
        for (domain, issue_id), issue in list(ir.async_get(self._hass).issues.items()):
            if domain != DOMAIN or not issue_id.startswith("adopted_") or not issue_id.endswith(self._entry_id):
                continue
            if dt_util.utcnow() - issue.created >= NOTICE_FOR:
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)

    def _raise(self, key: str, slot: str, *, is_fixable: bool) -> None:
        meter = device_name(self._hass, self._entry_id, slot)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            f"{'adopted' if key == 'meter_adopted' else 'meter'}_{slot}_{self._entry_id}",
            data={"entry_id": self._entry_id, "slot": slot, "meter": meter, "condition": key},
            is_fixable=is_fixable,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=key,
            translation_placeholders={"meter": meter, "port": self._port.name},
        )
