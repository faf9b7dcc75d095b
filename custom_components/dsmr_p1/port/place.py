"""Where a port stands: the country that names its tariffs, and the time zone of its meter's clock.

What a telegram proves counts first. Else the meter stands where the owner says (option `country`), else where Home
Assistant does. The clock has the last word about the time zone: a time that is whole hours off the system's, and right
in another zone of the countries with P1 ports, is read in that zone from then on.
"""

from datetime import tzinfo
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_COUNTRY
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..p1 import Country, Telegram
from ..p1.clock import ZONES, explaining_zone
from ..p1.countries import COUNTRIES, country_in_zone

CERTAIN: Final = 3
"""Telegrams in a row that the same time zone explains, before it is used: a backlog or a late telegram is none."""


def assumed_country(hass: HomeAssistant, entry: ConfigEntry) -> Country | None:
    """Return the country where a port stands as long as its telegrams prove none; None where it is not one of ours."""
    code = entry.options.get(CONF_COUNTRY) or hass.config.country
    return country_in_zone(hass.config.time_zone) if code is None else COUNTRIES.get(code)


def assumed_zone(entry: ConfigEntry) -> tzinfo:
    """Return the time zone where a port stands as long as the clock of its meter tells no other."""
    country = COUNTRIES.get(entry.options.get(CONF_COUNTRY, ""))
    return dt_util.get_default_time_zone() if country is None else country.zone


class ClockZone:
    """Finds the time zone that makes the clock of a meter right, where the assumed one does not."""

    def __init__(self) -> None:
        """Start without any evidence."""
        self._found: str | None = None
        self._count = 0

    def follow(self, telegram: Telegram) -> str | None:
        """Return the name of another time zone once it is certain; None as long as there is nothing to change."""
        shown = telegram.timestamp
        found = None if shown is None else explaining_zone(shown, dt_util.utcnow(), telegram.clock)
        self._count = self._count + 1 if found is not None and found == self._found else 1
        self._found = found
        return found if found is not None and self._count >= CERTAIN else None


def zone_named(name: str | None) -> tzinfo | None:
    """Return a stored time zone; None where none is stored."""
    return None if name is None else ZONES.get(name)
