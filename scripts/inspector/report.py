"""Readings as the JSON object of scripts/inspect, and as text."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from p1 import CosemValue, Meter, Reading, Rejected, RejectReason
from p1.cosem.values import Value
from p1.meters.grouping import PORT_SLOT

_REASONS: Final = {RejectReason.UNSUPPORTED_ENCRYPTION: RejectReason.NOT_P1}
"""Reasons for which the JSON object has no word of its own: its words are public."""


def as_json(readings: list[Reading], rejected: list[Rejected]) -> dict[str, Any]:
    """Give all that was found as one object."""
    return {
        "telegrams": [_telegram(reading) for reading in readings],
        "rejected": [
            {"reason": _REASONS.get(event.reason, event.reason).value, "bytes": event.size} for event in rejected
        ],
    }


def as_text(readings: list[Reading], rejected: list[Rejected]) -> Iterator[str]:
    """Give all that was found as lines for a person."""
    for reading in readings:
        telegram = _telegram(reading)
        facts = [f"CRC {telegram['crc']}"]
        if telegram["encrypted"]:
            facts.append(f"encrypted, {telegram['authentication'].replace('_', ' ')}")
        yield f"{telegram['identification']}  {telegram['timestamp'] or 'no time'}  ({', '.join(facts)})"
        for meter in telegram["meters"]:
            identifier = meter["equipment_identifier"] or "no identifier"
            state = "" if meter["registered"] else ", announced but not registered"
            yield f"  {meter['type']} ({meter['kind']}), M-Bus channel {meter['mbus_channel']}, {identifier}{state}"
            for channel_id, channel in meter["channels"].items():
                value = "-" if channel["value"] is None else f"{channel['value']} {channel['unit'] or ''}".strip()
                yield f"    {channel_id:48} {value:24} {channel['obis'] or ''}".rstrip()
        for line in telegram["unknown"]:
            yield f"  unknown: {line['obis']}{line['raw']}"
    for event in rejected:
        yield f"rejected: {event.reason.value}, {event.size} bytes"


def _telegram(reading: Reading) -> dict[str, Any]:
    telegram = reading.telegram
    return {
        "identification": telegram.identification,
        "encrypted": reading.authentication is not None,
        "authentication": None if reading.authentication is None else reading.authentication.value,
        "crc": "valid" if telegram.has_crc else "absent",
        "timestamp": _text(telegram.timestamp),
        "country": None if telegram.country is None else telegram.country.code,
        "meters": [_meter(meter) for meter in reading.meters if meter.channels or meter.profile.slot != PORT_SLOT],
        "unknown": [
            *({"obis": str(line.obis), "raw": line.raw} for line in reading.unknown),
            *(_malformed(line) for line in telegram.malformed),
        ],
    }


def _malformed(line: str) -> dict[str, str]:
    head, parenthesis, raw = line.partition("(")
    return {"obis": head, "raw": parenthesis + raw}


def _meter(meter: Meter) -> dict[str, Any]:
    profile = meter.profile
    return {
        "type": profile.type_id,
        "kind": profile.kind.value,
        "mbus_channel": profile.mbus_channel,
        "equipment_identifier": profile.equipment_identifier,
        "registered": profile.registered,
        "channels": {channel_id: _channel(meter, channel_id, value) for channel_id, value in meter.channels.items()},
    }


def _channel(meter: Meter, channel_id: str, value: CosemValue) -> dict[str, str | None]:
    obis = meter.profile.sources[channel_id]
    return {
        "value": _text(value.value),
        "unit": None if value.unit is None else value.unit.value,
        "obis": None if obis is None else str(obis),
        "timestamp": _text(value.timestamp),
    }


def _text(value: Value) -> str | None:
    """Give a value with the digits that the meter sent."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
        case _:
            return value
