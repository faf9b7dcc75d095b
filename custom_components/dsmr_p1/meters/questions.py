"""Repairs about meters that may have been replaced: questions to the owner, and notices."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.core import callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..port.devices import device_name
from ..port.issues import async_raise, async_withdraw, issues_of
from ..port.state import Port

NOTICE_FOR: Final = timedelta(days=30)
"""How long the notice stays that a meter counts as a replacement."""


class Answer(StrEnum):
    """The owner's answer about another meter."""

    REPLACEMENT = "replacement"
    ADDITIONAL = "additional"
    MISTAKE = "mistake"


def ask(port: Port, slot: str, key: str) -> None:
    """Raise a question about the meter in a slot: `meter_changed` or `meter_beside_dead`."""
    async_raise(port, f"meter_{slot}", key, _meter(port, slot), {"slot": slot})


def withdraw(port: Port, slot: str) -> None:
    """Delete the question about a meter."""
    async_withdraw(port, f"meter_{slot}")


def notify_replaced(port: Port, slot: str) -> None:
    """Replace the question by the notice that a meter counts as a replacement, as nobody objected."""
    withdraw(port, slot)
    async_raise(port, f"adopted_{slot}", "meter_adopted", _meter(port, slot), {"slot": slot}, is_fixable=False)


def tidy_every_hour(port: Port) -> None:
    """Delete old notices about meters that count as replacements, every hour."""

    @callback
    def tidy(_: datetime) -> None:
        for topic, issue in issues_of(port.hass, port.entry.entry_id).items():
            if topic.startswith("adopted_") and dt_util.utcnow() - issue.created >= NOTICE_FOR:
                async_withdraw(port, topic)

    port.entry.async_on_unload(async_track_time_interval(port.hass, tidy, timedelta(hours=1), cancel_on_shutdown=True))


def _meter(port: Port, slot: str) -> dict[str, str]:
    return {"meter": device_name(port.hass, port.entry.entry_id, slot)}
