"""Diagnostics: what is heard on a port and what it was taken for, without anything that is nobody's business.

Private are the keys, what a URL of the port has beside the place, the identifiers of meters and connections, and the
messages to the consumer. In the text of a telegram they, and all values of objects that are not known, are masked
character by character, so that the form of each value is still to be seen.
"""

import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.core import HomeAssistant

from .const import CONF_ADDITIONAL_KEY, CONF_DECRYPTION_KEY
from .coordinator import P1ConfigEntry, P1Coordinator
from .p1 import Meter, Quantity, Reading, channel_type

TO_REDACT: Final = {CONF_DECRYPTION_KEY, CONF_ADDITIONAL_KEY, "equipment_identifier", "port", "unique_id"}
_PRIVATE: Final = frozenset({Quantity.IDENTIFIER, Quantity.TEXT})
_LINE: Final = re.compile(r"(?P<reference>[^(]*)(?P<values>\(.*)", re.DOTALL)
_QUANTITY: Final = re.compile(r"\(-?[0-9]{1,8}([.,][0-9]+)?\*[^()0-9]{1,6}\)")
_DIGIT: Final = re.compile(r"[0-9]")
_LETTER: Final = re.compile(r"[^\W\d_]")


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: P1ConfigEntry,
) -> dict[str, Any]:
    """Give what a stranger needs to know of a port."""
    coordinator = entry.runtime_data
    return {
        "entry": async_redact_data({"data": dict(entry.data), "options": dict(entry.options)}, TO_REDACT),
        "port": coordinator.name,
        "is_available": coordinator.last_update_success,
        "settings": str(coordinator.reader.settings or "those of the far end"),
        "heard": _heard(coordinator),
        "memory": {
            "sends_crc": coordinator.reader.memory.sends_crc,
            "tag_verified": coordinator.reader.memory.tag_verified,
            "tariffs": sorted(coordinator.reader.memory.tariffs),
        },
        "known_meters": [
            async_redact_data(meter.as_dict(), TO_REDACT) | {"refresh": coordinator.refresh_of(meter)}
            for meter in coordinator.meters.values()
        ],
        "last_reading": None if coordinator.reading is None else _reading(coordinator.reading),
    }


def _heard(coordinator: P1Coordinator) -> dict[str, Any]:
    """Give the counts of what was heard since the start."""
    heard = coordinator.reader.heard
    return {
        "bytes": heard.octets,
        "telegrams": heard.telegrams,
        "rejected": {reason.value: count for reason, count in heard.rejected.items()},
        "rejected_bytes": heard.rejected_octets,
        "recognised": sorted(heard.hints),
        "opened": heard.opened,
        "failed": heard.failed,
        "lost": heard.lost,
        "is_encrypted": heard.is_encrypted,
        "authentication": heard.authentication,
        "period": heard.period,
        "longest_gap": heard.longest_gap,
    }


def _reading(reading: Reading) -> dict[str, Any]:
    """Give the last telegram, and what was found in it."""
    telegram = reading.telegram
    return {
        "identification": telegram.identification,
        "country": telegram.country.code,
        "has_crc": telegram.has_crc,
        "authentication": reading.authentication,
        "timestamp": None if telegram.timestamp is None else telegram.timestamp.isoformat(),
        "meters": [_meter(meter) for meter in reading.meters],
        "unknown": [str(obj.obis) for obj in reading.unknown],
        "malformed_lines": len(telegram.malformed),
        "telegram": masked_telegram(reading),
    }


def _meter(meter: Meter) -> dict[str, Any]:
    profile = meter.profile
    return {
        "slot": profile.slot,
        "kind": profile.kind,
        "type": profile.type_id,
        "mbus_channel": profile.mbus_channel,
        "equipment_identifier": None if profile.equipment_identifier is None else REDACTED,
        "registered": profile.registered,
        "channels": {
            channel_id: {
                "value": REDACTED if channel_type(channel_id).quantity in _PRIVATE else str(value.value),
                "unit": value.unit,
                "obis": None if (source := profile.sources[channel_id]) is None else str(source),
            }
            for channel_id, value in meter.channels.items()
        },
    }


def masked_telegram(reading: Reading) -> list[str]:
    """Give the lines of a telegram, with all that is private masked, and all that might be.

    A value that is clearly a quantity, or belongs to an object that is known and public, stays.
    """
    public = {
        str(obj.obis)
        for obj in reading.telegram.objects
        if obj.candidates and all(row.channel.quantity not in _PRIVATE for row in obj.candidates)
    }
    private = {
        text
        for meter in reading.meters
        for channel_id, value in meter.channels.items()
        if channel_type(channel_id).quantity in _PRIVATE and len(text := str(value.value or "")) >= _SHORTEST_IDENTIFIER
    }
    first, *lines = reading.telegram.text.decode("latin-1").splitlines()
    return [first, *(_masked_line(line, public, private) for line in lines)]


_SHORTEST_IDENTIFIER: Final = 6


def _masked_line(line: str, public: set[str], private: set[str]) -> str:
    match = _LINE.fullmatch(line)
    if match is None:
        # The end, a blank line, or the second half of an object: a quantity without its reference, or anything.
        return line if len(line) <= 1 else _mask(line)
    reference, values = match["reference"], match["values"]
    if any(text in values for text in private):
        return reference + _mask(values)
    if reference.strip().removesuffix("*255") in public or _QUANTITY.fullmatch(values):
        return line
    if not reference and _NUMBER.fullmatch(values):
        return line
    return reference + _mask(values)


_NUMBER: Final = re.compile(r"\([0-9]{1,8}[.,][0-9]+\)")


def _mask(text: str) -> str:
    return _LETTER.sub("X", _DIGIT.sub("0", text))
