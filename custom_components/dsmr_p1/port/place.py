"""The location of a port: the country that names its tariffs, and the time zone of its meter's clock.

A country that the telegram proves comes first, then the option `country`, then the location of Home Assistant. The
clock decides about the time zone: a time that is whole hours off the system's, and right in another zone of the
countries with P1 ports, is read in that zone from then on.
"""

from datetime import tzinfo
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_COUNTRY
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..p1 import Country, Telegram
from ..p1.cosem.clock import ZONES, explaining_zone
from ..p1.cosem.countries import COUNTRIES, country_in_zone

CERTAIN: Final = 3
"""Telegrams in a row that the same time zone explains before it is used: a late telegram alone proves nothing."""
_INTERVAL: Final = 60.0
"""Seconds after which a clock that was right is looked at again."""


def assumed_country(hass: HomeAssistant, entry: ConfigEntry) -> Country | None:
    """Return the country assumed for a port while its telegrams prove none; None if that has no P1 ports."""
    code = entry.options.get(CONF_COUNTRY) or hass.config.country
    return country_in_zone(hass.config.time_zone) if code is None else COUNTRIES.get(code)


def assumed_zone(entry: ConfigEntry) -> tzinfo:
    """Return the time zone assumed for a port while the clock of its meter does not show another."""
    country = COUNTRIES.get(entry.options.get(CONF_COUNTRY, ""))
    return dt_util.get_default_time_zone() if country is None else country.zone


class ClockZone:
    """Finds the time zone that makes the clock of a meter right, if the assumed one does not."""

    def __init__(self) -> None:
        self._found: str | None = None
        self._count = 0
        self._due_at = 0.0

    def follow(self, telegram: Telegram, now: float) -> str | None:
        """Return the name of another time zone once it is certain; None if there is no change.

        `now` is a monotonic clock in seconds.
        """
        if now < self._due_at:
            return None
        shown = telegram.timestamp
        found = None if shown is None else explaining_zone(shown, dt_util.utcnow(), telegram.clock)
        self._count = self._count + 1 if found == self._found else 1
        self._found = found
        if found is None:
            self._due_at = now + _INTERVAL
        return found if self._count >= CERTAIN else None


def zone_named(name: str | None) -> tzinfo | None:
    """Return a stored time zone; None if none is stored."""
    return None if name is None else ZONES.get(name)
