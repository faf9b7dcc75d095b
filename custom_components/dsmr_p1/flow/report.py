"""The result of listening as placeholders of the texts of the flows, built from translated parts."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
import re
from typing import Final

from homeassistant.components.frontend.storage import async_user_store
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import current_request
from homeassistant.helpers.translation import async_get_translations

from ..const import CONF_ENERGY_DASHBOARD, DOMAIN
from ..energy_dashboard.additions import async_kinds
from ..meters.known import known_meters
from ..p1 import Authentication, Meter, MeterKind, Presented, Quantity, Reading, Role, present
from ..p1.catalog import meter_type
from ..p1.meters.detection import MeterProfile
from ..port.devices import declared_version
from ..port.entry_data import redacted
from ..port.serial_ports import is_raw_stream
from ..storage.store import KnownMeter
from ..watch.conditions import report_url
from .listening import ListenResult

type AnyMeter = MeterProfile | KnownMeter
"""A meter in a telegram, or one known from earlier telegrams."""

_WITHOUT_MARKUP: Final = re.compile(r"[\w\\ .,:/+–-]*")
STALE: Final = timedelta(days=7)
"""Age of the newest reading above which a meter seems to be dead: the slowest send once a day."""


class Words:
    """The translated parts of text, in the category `selector`."""

    def __init__(self, translations: Mapping[str, str]) -> None:
        self._translations = translations

    @classmethod
    async def load(cls, hass: HomeAssistant, language: str | None = None) -> Words:
        """Load the parts in a language, or in that of the user who sees the dialog."""
        language = language or await _user_language(hass)
        return cls(await async_get_translations(hass, language, "selector", {DOMAIN}))

    def __call__(self, group: str, key: str, **placeholders: str) -> str:
        """Return a part with its placeholders filled."""
        text = self._translations.get(f"component.{DOMAIN}.selector.{group}.options.{key}", key)
        return text.format(**placeholders)


async def _user_language(hass: HomeAssistant) -> str:
    """Return the language of the user's profile or browser; that of Home Assistant if a program asks, or nobody."""
    request = current_request.get()
    if request is None or (user := request.get("hass_user")) is None:
        return hass.config.language
    chosen = (await async_user_store(hass, user.id)).data.get("language") or {}
    return chosen.get("language") or request.headers.get("Accept-Language", "")[:2] or hass.config.language


def entry_title(reading: Reading, words: Words) -> str:
    """Return the title of an entry, without private data."""
    country = reading.telegram.country
    if country is None:
        return words("report", "title_anywhere")
    return words("report", "title", country=words("country", country.code.lower()))


def meter_name(meter: AnyMeter, words: Words) -> str:
    """Return the name of a meter by its kind and channel, which is unique in a household."""
    kind = words("meter_kind", meter.kind)
    if meter.role is Role.MBUS and meter.mbus_channel > 0:
        return words("report", "on_mbus", kind=kind, channel=str(meter.mbus_channel))
    return kind


def type_name(meter: AnyMeter, words: Words) -> str:
    """Return the name of a meter's type; its kind if no type of the specification fits."""
    return words("meter_kind" if meter_type(meter.type_id) is None else "meter_type", meter.type_id)


def confirm_placeholders(hass: HomeAssistant, heard: ListenResult, reading: Reading, words: Words) -> dict[str, str]:
    """Return the placeholders of the confirmation: the readings, and the technical details."""
    country = reading.telegram.country
    return {
        "readings": "\n".join(f"- {line}" for line in _readings(reading, words)),
        "notes": "\n\n".join(_notes(hass, heard, words)),
        "port": redacted(heard.port),
        "settings": "–" if is_raw_stream(heard.port) or heard.settings is None else str(heard.settings),
        "protocol": _protocol(reading),
        "identification": _plain(reading.telegram.identification),
        "country": "–" if country is None else country.code,
        "encryption": reading.authentication or "–",
        "telegrams": str(heard.telegrams),
        "damaged": str(heard.damaged),
        "period": "–" if heard.period is None else f"{heard.period:.0f} s",
        "meters": _identifiers(reading),
    }


async def dashboard_offer(hass: HomeAssistant, reading: Reading, words: Words) -> str | None:
    """Return a sentence with the sources for the energy dashboard; None if there are none to add."""
    kinds = await async_kinds(hass, known_meters(reading, {}, None).values())
    return words(CONF_ENERGY_DASHBOARD, "_".join(sorted(kinds))) if kinds else None


def code(text: str) -> str:
    """Return a text as inline code, so that it is not interpreted as markup."""
    return f"`{text.replace('`', '')}`"


def _plain(text: str) -> str:
    return text if _WITHOUT_MARKUP.fullmatch(text) else code(text)


def _protocol(reading: Reading) -> str:
    """Return the version of the standard that the port declares; DSMR 2 and 3 declare none."""
    return declared_version(reading) or "DSMR 2 / 3"


_REGISTERS: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.VOLUME, Quantity.REGISTER})


def _readings(reading: Reading, words: Words) -> Iterator[str]:
    for meter in reading.meters:
        if meter.profile.role is not Role.PORT:
            key, told = _reading_of(meter, reading)
            yield words("reading", key, meter=meter_name(meter.profile, words), **told)


def _reading_of(meter: Meter, reading: Reading) -> tuple[str, dict[str, str]]:
    """Return the key of the sentence about a meter, and its placeholders."""
    if not meter.profile.registered:
        return "unregistered", {}
    shown = present(meter)
    imported, exported = _tariffs(shown, "energy_import_tariff"), _tariffs(shown, "energy_export_tariff")
    power = next((_text(value) for value in shown.values() if value.channel.name == "power_import"), "")
    if imported:
        key = f"electricity{'_export' if exported else ''}{'_power' if power else ''}"
        return key, {"import": imported, "export": exported, "power": power}
    register = next(
        (value for value in shown.values() if value.channel.quantity in _REGISTERS and value.value is not None), None
    )
    if register is None:
        return "nothing", {}
    now = reading.telegram.timestamp
    newest = max((value.timestamp for value in meter.channels.values() if value.timestamp is not None), default=None)
    told = {"reading": _text(register), "date": "" if newest is None else f"{newest:%Y-%m-%d %H:%M}"}
    if newest is None:
        return "register", told
    is_stale = meter.profile.role is Role.MBUS and now is not None and now - newest > STALE
    return ("stale" if is_stale else "register_time"), told


def _tariffs(shown: Mapping[str, Presented], name: str) -> str:
    """Return the registers of a direction as on the display: each tariff, or the only one."""
    registers = {
        value.channel.index: _text(value)
        for value in shown.values()
        if value.channel.name == name and value.channel.quantity is Quantity.ENERGY and value.value is not None
    }
    if len(registers) > 1:
        registers.pop("0", None)
    if len(registers) == 1:
        return next(iter(registers.values()))
    return " + ".join(f"{text} ({index})" for index, text in sorted(registers.items()))


def _text(value: Presented) -> str:
    return f"{value.value} {value.unit}" if value.unit is not None else str(value.value)


def _identifiers(reading: Reading) -> str:
    """Return the identifier of each meter as printed on it, preceded by the M-Bus channel."""
    profiles = [meter.profile for meter in reading.meters if meter.profile.role is not Role.PORT]
    return " · ".join(f"{profile.mbus_channel}: {_plain(profile.equipment_identifier or '–')}" for profile in profiles)


def _notes(hass: HomeAssistant, heard: ListenResult, words: Words) -> Iterator[str]:
    reading = heard.reading
    if reading is not None and _is_unknown(reading):
        yield words("report", "note_unknown", report=_report_url(hass, reading))
    if reading is not None and any(not meter.profile.registered for meter in reading.meters):
        yield words("report", "note_unregistered")
    if heard.damaged > heard.telegrams:
        yield words("report", "note_damaged")
    if heard.is_telnet:
        yield words("report", "note_telnet")
    if reading is not None and reading.authentication is Authentication.NOT_VERIFIED:
        yield words("report", "note_not_verified")
    if heard.was_verified and not heard.is_encrypted:
        yield words("report", "note_plain")


def _is_unknown(reading: Reading) -> bool:
    """Whether there is a meter without a type, country or medium that identifies it."""
    is_anywhere = reading.telegram.country is None
    return any(
        profile.kind is MeterKind.GENERIC or (profile.role is Role.MAIN and is_anywhere)
        for profile in (meter.profile for meter in reading.meters)
        if profile.role is not Role.PORT and profile.registered and profile.type is None
    )


def _report_url(hass: HomeAssistant, reading: Reading) -> str:
    known = sorted({f"{meter.profile.type_id}: {', '.join(meter.channels)}" for meter in reading.meters})
    return report_url(hass, f"Unknown meter: {reading.telegram.identification}", (
        f"Identification: {reading.telegram.identification}", f"Protocol: {_protocol(reading)}",
        f"References that are not known: {', '.join(sorted({str(obj.obis) for obj in reading.unknown})) or 'none'}",
        "", *known,
    ))  # fmt: skip
