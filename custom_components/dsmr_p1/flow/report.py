"""What was heard on a port, in words: the placeholders of the texts of the flows, from translated pieces."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..p1 import Authentication, Meter, Reading, Role
from ..p1.catalog import meter_type
from ..p1.detection import MeterProfile
from ..port.entry_data import redacted, without_secrets
from ..port.serial_ports import is_raw_stream
from ..port.store import KnownMeter
from .listening import ListenResult

type AnyMeter = MeterProfile | KnownMeter
"""A meter, as it is in a telegram or as it is known from earlier ones."""

STALE: Final = timedelta(days=7)
"""How old the newest reading of a meter is when nothing seems to come from it any more: the slowest send once a day."""


class Words:
    """The translated pieces of text, which stand with the selectors."""

    def __init__(self, translations: Mapping[str, str]) -> None:
        """Take the translations of the category `selector`."""
        self._translations = translations

    @classmethod
    async def load(cls, hass: HomeAssistant) -> Words:
        """Load the pieces in the language of Home Assistant; the language of the user is not known here."""
        return cls(await async_get_translations(hass, hass.config.language, "selector", {DOMAIN}))

    def __call__(self, group: str, key: str, **placeholders: str) -> str:
        """Return a piece with its placeholders filled."""
        text = self._translations.get(f"component.{DOMAIN}.selector.{group}.options.{key}", key)
        return text.format(**placeholders)


def entry_title(reading: Reading, words: Words) -> str:
    """Return the title of an entry: nothing in it is private."""
    if reading.telegram.country is None:
        return words("report", "title_anywhere")
    return words("report", "title", country=_country(reading, words))


def meter_name(meter: AnyMeter, words: Words) -> str:
    """Return the name of a meter by its kind and its place: what a household has only one of."""
    kind = words("meter_kind", meter.kind)
    if meter.role is Role.MBUS and meter.mbus_channel > 0:
        return words("report", "on_mbus", kind=kind, channel=str(meter.mbus_channel))
    return kind


def type_name(meter: AnyMeter, words: Words) -> str:
    """Return the name of a meter's type; where no type of the specification fits, that is its kind."""
    return words("meter_kind" if meter_type(meter.type_id) is None else "meter_type", meter.type_id)


def error_placeholders(heard: ListenResult, words: Words) -> dict[str, str]:
    """Return what the texts of errors tell."""
    return {
        "port": code(redacted(heard.port)),
        "settings": _settings(heard, words),
        "octets": str(heard.octets),
        "telegrams": str(heard.telegrams),
        "damaged": str(heard.damaged),
        "cause": "" if heard.failure is None else code(without_secrets(str(heard.failure), heard.port)),
        "recognised": words("recognised", "telnet" if heard.is_telnet else "other_protocol"),
    }


def confirm_placeholders(heard: ListenResult, reading: Reading, words: Words) -> dict[str, str]:
    """Return everything that was heard."""
    period = "period_unknown" if heard.period is None else "period"
    return {
        **error_placeholders(heard, words),
        "protocol": _protocol(reading, words),
        "identification": code(reading.telegram.identification),
        "country": _country(reading, words),
        "encryption": words("encryption", reading.authentication or "none"),
        "period": words("report", period, seconds=f"{heard.period or 0:.0f}"),
        "meters": "\n".join(f"- {line}" for line in _meters(reading, words)),
        "notes": "\n\n".join(_notes(heard, words)),
    }


def code(text: str) -> str:
    """Mark a text as said by a machine, so that nothing in it is taken for more than text."""
    return f"`{text.replace('`', '')}`"


def _settings(heard: ListenResult, words: Words) -> str:
    """Return the serial settings in use; before the port is open it is not known with which ones it will be."""
    if heard.settings is not None:
        return str(heard.settings)
    return words("report", "network" if is_raw_stream(heard.port) else "automatic")


def _country(reading: Reading, words: Words) -> str:
    country = reading.telegram.country
    return words("country", "unknown" if country is None else country.code.lower())


def _protocol(reading: Reading, words: Words) -> str:
    """Return the version of the standard that the port declares; DSMR 2 and 3 declare none."""
    channels = reading.meters[0].channels
    if "p1_emucs_version_output" in channels:
        digits = str(channels["p1_emucs_version_output"].value)
        # 50217: P1 companion standard 5.0.2, e-MUCS 1.7
        return f"e-MUCS {'.'.join(digits[3:])}" if len(digits) > _COMPANION else f"e-MUCS {digits}"
    if "p1_version_output" in channels:
        return f"DSMR {'.'.join(str(channels['p1_version_output'].value))}"
    return words("report", "without_version")


_COMPANION: Final = 3


def _meters(reading: Reading, words: Words) -> Iterator[str]:
    for meter in reading.meters:
        if meter.profile.role is Role.PORT:
            continue
        yield words("report", _state(meter, reading), **_meter_placeholders(meter, words))


def _meter_placeholders(meter: Meter, words: Words) -> dict[str, str]:
    profile = meter.profile
    identifier = profile.equipment_identifier
    newest = _newest_reading(meter)
    return {
        "meter": meter_name(profile, words),
        "type": type_name(profile, words),
        "identifier": words("report", "no_identifier") if identifier is None else code(identifier),
        "date": "" if newest is None else newest.date().isoformat(),
    }


def _state(meter: Meter, reading: Reading) -> str:
    """Whether a meter is alive, silent for long, or announced with nothing behind it."""
    if not meter.profile.registered:
        return "meter_unregistered"
    newest, now = _newest_reading(meter), reading.telegram.timestamp
    if meter.profile.role is Role.MBUS and newest is not None and now is not None and now - newest > STALE:
        return "meter_stale"
    return "meter"


def _newest_reading(meter: Meter) -> datetime | None:
    return max((value.timestamp for value in meter.channels.values() if value.timestamp is not None), default=None)


def _notes(heard: ListenResult, words: Words) -> Iterator[str]:
    """Return what the owner should know beside the facts."""
    if heard.reading is not None and any(not meter.profile.registered for meter in heard.reading.meters):
        yield words("report", "note_unregistered")
    if heard.damaged > heard.telegrams:
        yield words("report", "note_damaged")
    if heard.is_telnet:
        yield words("report", "note_telnet")
    if heard.authentication is Authentication.NOT_VERIFIED:
        yield words("report", "note_not_verified")
