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


@callback
def ask(port: Port, slot: str, key: str) -> None:
    """Raise a question about the meter in a slot: `meter_changed` or `meter_beside_dead`."""
    _raise(port, slot, key, f"meter_{slot}_{port.entry.entry_id}", is_fixable=True)


@callback
def withdraw(port: Port, slot: str) -> None:
    """Delete the question about a meter."""
    ir.async_delete_issue(port.hass, DOMAIN, f"meter_{slot}_{port.entry.entry_id}")


@callback
def notify_replaced(port: Port, slot: str) -> None:
    """Replace the question by the notice that a meter counts as a replacement, as nobody objected."""
    withdraw(port, slot)
    _raise(port, slot, "meter_adopted", f"adopted_{slot}_{port.entry.entry_id}", is_fixable=False)


@callback
def tidy_every_hour(port: Port) -> None:
    """Delete old notices about meters that count as replacements, every hour."""

    @callback
    def tidy(_: datetime) -> None:
        for (domain, issue_id), issue in list(ir.async_get(port.hass).issues.items()):
            is_notice = issue_id.startswith("adopted_") and issue_id.endswith(port.entry.entry_id)
            if domain == DOMAIN and is_notice and dt_util.utcnow() - issue.created >= NOTICE_FOR:
                ir.async_delete_issue(port.hass, DOMAIN, issue_id)

    port.entry.async_on_unload(async_track_time_interval(port.hass, tidy, timedelta(hours=1), cancel_on_shutdown=True))


def _raise(port: Port, slot: str, key: str, issue_id: str, *, is_fixable: bool) -> None:
    entry_id = port.entry.entry_id
    meter = device_name(port.hass, entry_id, slot)
    ir.async_create_issue(
        port.hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry_id, "slot": slot, "meter": meter, "condition": key},
        is_fixable=is_fixable,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders={"meter": meter, "port": port.name},
    )
