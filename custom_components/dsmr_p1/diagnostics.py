"""Diagnostics: the data of a port and its interpretation, without private data.

Private are the keys, what a URL of the port has beside the place, the identifiers of meters and connections, and the
messages to the consumer. The last telegrams are given with identifiers replaced, the same one always by the same within
one download, and with their checksums right, so that they can be replayed: saved to a file with

    jq -j '.data.telegrams.good[].text // empty' DOWNLOAD > capture.telegram

they are read by `scripts/inspect capture.telegram` and sent by `scripts/simulate --telegram capture.telegram`. The bad
ones are under `.data.telegrams.bad`. An encrypted telegram that could not be opened has no text, and one with bytes
that no text has stands there as `base64`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
import secrets
from typing import Any, Final, cast

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.const import CONF_PORT, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .const import CONF_ADDITIONAL_KEY, CONF_DECRYPTION_KEY, CONF_READER_SERIAL
from .coordinator import P1ConfigEntry, P1Coordinator
from .p1 import Meter, Reading, channel_type
from .p1.anonymise import anonymise
from .p1.masking import masked_line
from .port.entry_data import redacted, without_secrets
from .port.issues import issues_of
from .port.place import assumed_zone
from .port.state import Port

TO_REDACT: Final = {
    CONF_DECRYPTION_KEY,
    CONF_ADDITIONAL_KEY,
    CONF_READER_SERIAL,
    "equipment_identifier",
    "system_title",
    "port",
    "unique_id",
}
REPLAY: Final = "jq -j '.data.telegrams.good[].text // empty' DOWNLOAD > capture.telegram"
_SHORTEST_SECRET: Final = 6
_COUNTERS: Final = ("telegrams", "opened", "failed", "lost", "is_encrypted", "authentication", "counter_restarts")
_CHANGE: Final = ("slot", "is_asked", "is_replacement", "is_shown")
"""What is shown of the counters of the reader, and of a changed meter."""


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: P1ConfigEntry) -> dict[str, Any]:
    """Return diagnostics for a config entry; if it is not set up, the reason."""
    path: str = entry.data[CONF_PORT]
    found: dict[str, Any] = {
        "entry": {
            **async_redact_data({"data": dict(entry.data), "options": dict(entry.options)}, TO_REDACT),
            "state": entry.state.value,
            "reason": None if entry.reason is None else without_secrets(entry.reason, path),
            "reason_key": entry.error_reason_translation_key,
            "is_identified": entry.unique_id is not None,
        },
        "port": redacted(path),
        "entities": _entities(hass, entry),
        "issues": _issues(hass, entry),
    }
    coordinator = getattr(entry, "runtime_data", None)
    state = None
    if isinstance(coordinator, P1Coordinator):
        state, guard = coordinator.port, coordinator.keeper.guard
        found |= _port(state)
        found["guard"] = {"held": guard.held, "accepted": guard.accepted, "holding": guard.holding}
    return _scrubbed(found, sorted({*_secrets(entry, state)}, key=len, reverse=True))


def _port(port: Port) -> dict[str, Any]:
    memory, country, secret = port.record.memory, port.assumed_country, secrets.token_bytes()
    return {
        "is_available": port.display.is_available,
        "is_full": port.is_full,
        "received_timeout": port.received_timeout,
        "place": {
            "assumed_country": None if country is None else country.code,
            "time_zone": port.record.time_zone or str(assumed_zone(port.entry)),
            "time_zone_by_clock": port.record.time_zone is not None,
        },
        "settings": str(port.reader.settings or "those of the far end"),
        "checks_parity": port.reader.decoder.checks_parity,
        "heard": _heard(port),
        "memory": {
            "sends_crc": memory.sends_crc,
            "tag_verified": memory.tag_verified,
            "tariffs": sorted(memory.tariffs),
        },
        "known_meters": [
            async_redact_data(meter.as_dict(), TO_REDACT)
            | {"refresh": port.display.refresh_of(meter), "totals_refresh": port.display.totals_refresh_of(meter)}
            for meter in port.meters.values()
        ],
        "replacement": _replacement(port),
        "last_reading": None if port.reading is None else _reading(port.reading, secret),
        "telegrams": {
            "replay": REPLAY,
            "good": [capture.as_dict(secret) for capture in port.captures.good],
            "bad": [capture.as_dict(secret) for capture in port.captures.bad],
        },
    }


def _replacement(port: Port) -> dict[str, Any]:
    """Return the open questions about replaced meters, without identifiers or readings."""
    replaced = port.record.replaced
    return {
        "changes": [
            {name: getattr(change, name) for name in _CHANGE}
            | {"since": change.since.isoformat(), "steps": sorted(step.statistic_id for step in change.steps)}
            for change in replaced.changes.values()
        ],
        "mistakes_until": {slot: until.isoformat() for slot, (_, until) in replaced.snoozed.items()},
        "arrivals": dict(replaced.successors),
        "asked": sorted(replaced.asked),
        "buried": sorted(replaced.retired),
        "unbooked_costs": [cost.sensor for cost in replaced.unbooked],
        "corrections": [
            {"statistic_id": correction.statistic_id, "start": correction.start.isoformat()}
            for correction in port.record.corrections
        ],
    }


def _issues(hass: HomeAssistant, entry: P1ConfigEntry) -> list[dict[str, Any]]:
    return [
        {
            "topic": topic,
            "key": issue.translation_key,
            "created": issue.created.isoformat(),
            "is_ignored": issue.dismissed_version is not None,
        }
        for topic, issue in issues_of(hass, entry.entry_id).items()
        if issue.active
    ]


def _heard(port: Port) -> dict[str, Any]:
    """Return the counters since the start, and the seconds since the last of each event."""
    heard, now = port.reader.heard, port.hass.loop.time()
    return {name: getattr(heard, name) for name in _COUNTERS} | {
        "bytes": heard.octets,
        "rejected": {reason.value: count for reason, count in heard.rejected.items()},
        "rejected_bytes": heard.rejected_octets,
        "recognised": sorted(heard.hints),
        "period": _rounded(heard.period),
        "longest_gap": _rounded(heard.longest_gap),
        "since_byte": None if heard.last_octet_at is None else _rounded(now - heard.last_octet_at),
        "since_telegram": None if heard.last_telegram_at is None else _rounded(now - heard.last_telegram_at),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _entities(hass: HomeAssistant, entry: P1ConfigEntry) -> dict[str, Any]:
    """Return how many entities have a value, and which have none, by slot and channel id."""
    without: dict[str, list[str]] = {"missing": [], STATE_UNAVAILABLE: [], STATE_UNKNOWN: []}
    counts: Counter[str] = Counter()
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if entity.disabled:
            counts[f"disabled_by_{entity.disabled_by}"] += 1
            continue
        state = hass.states.get(entity.entity_id)
        name = "missing" if state is None else state.state
        if name in without:
            without[name].append(entity.unique_id.removeprefix(f"{entry.entry_id}_"))
        else:
            counts["with_value"] += 1
    return {**counts, **without}


def _reading(reading: Reading, secret: bytes) -> dict[str, Any]:
    telegram = reading.telegram
    identification = anonymise(f"/{telegram.identification}".encode("latin-1", "replace"), secret)
    return {
        "identification": identification[1:].decode("latin-1"),
        "country": None if telegram.country is None else telegram.country.code,
        "has_crc": telegram.has_crc,
        "authentication": reading.authentication,
        "timestamp": None if telegram.timestamp is None else telegram.timestamp.isoformat(),
        "meters": [_meter(meter) for meter in reading.meters],
        "unknown": [masked_line(f"{obj.obis}{obj.raw}") for obj in reading.unknown],
        "malformed": [masked_line(line) for line in telegram.malformed],
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
                "value": REDACTED if channel_type(channel_id).quantity.is_private else str(value.value),
                "unit": value.unit,
                "obis": None if (source := profile.sources[channel_id]) is None else str(source),
            }
            for channel_id, value in meter.channels.items()
        },
    }


def _secrets(entry: P1ConfigEntry, port: Port | None) -> Iterator[str]:
    """Yield all texts that are known to be private, as text and as hexadecimal digits."""
    texts = [entry.unique_id]
    for known in () if port is None else port.meters.values():
        texts += [known.equipment_identifier, known.system_title]
    if port is not None and (reading := port.reading) is not None:
        texts.append(None if reading.system_title is None else reading.system_title.hex())
        texts += [
            value.value
            for meter in reading.meters
            for channel_id, value in meter.channels.items()
            if channel_type(channel_id).quantity.is_private and isinstance(value.value, str)
        ]
    for text in texts:
        # Zeros and blanks are not private, and a short text occurs in others by chance.
        if text is not None and len(text.strip("0 -")) >= _SHORTEST_SECRET:
            yield text
            yield text.encode().hex().upper()


def _scrubbed[T](found: T, private: Sequence[str]) -> T:
    """Return the data without the texts that are known to be private."""
    result: object = found
    match found:
        case str():
            result = found
            for text in private:
                result = result.replace(text, REDACTED)
        case dict():
            result = {_scrubbed(key, private): _scrubbed(value, private) for key, value in found.items()}
        case list():
            result = [_scrubbed(value, private) for value in found]
    return cast("T", result)
