"""The conditions that the owner of a port can fix, and how each is detected.

Wrong keys start a reauthentication, for which Home Assistant raises an issue itself; ours is raised only if its dialog
was closed and the keys still decrypt nothing.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
import re
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import urlencode

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_loaded_integration
from homeassistant.util import dt as dt_util

from ..const import CONF_METER_TYPE, DEFAULT_RECEIVED_TIMEOUT, DOMAIN, MOST_CHANNELS, MOST_METERS
from ..p1 import (
    Authentication,
    MeterKind,
    MeterProfile,
    PortError,
    PortFault,
    Quantity,
    Reading,
    RejectReason,
    Role,
    meter_type,
)
from ..p1.catalog import CHANNEL_IDS
from ..p1.heard import Hint
from ..port.devices import device_name
from ..port.entry_data import redacted
from ..port.state import Port

INTERVAL: Final = timedelta(minutes=1)
ENOUGH: Final = 50
"""Telegrams before the share of damaged ones is judged."""
_WINDOW: Final = 200
_MANY: Final = 0.10
_FEW: Final = 0.05
"""Shares of damaged telegrams that raise the issue, and that clear it again."""
_CLOCK_WRONG: Final = timedelta(hours=1)
_CLOCK_RIGHT: Final = timedelta(minutes=30)
_LONGEST_LIST: Final = 20
_REPORT: Final = "My meter sends these objects, which are not known yet:"
_MAKER: Final = 4
"""The characters of the first line for the maker and the speed."""
_SERIAL: Final = re.compile(r"[0-9]{5,}")
"""Digits of the first line that may be a serial number: no model has as many."""
_UNPROVEN: Final = 120.0
"""Seconds with only unauthenticated telegrams before the issue is raised."""
KEY_FAILURES: Final = 3
"""Encrypted telegrams in a row that cannot be decrypted before keys count as wrong: a damaged one looks the same."""
_DAMAGE_KEYS: Final = {
    RejectReason.CRC: "damaged_crc",
    RejectReason.TRUNCATED: "damaged_truncated",
    RejectReason.OVERSIZED: "damaged_truncated",
    RejectReason.MALFORMED: "damaged_malformed",
}
FIXABLE: Final = frozenset({
    "port_moved", "wrong_key", "not_proven", "tag_not_verified", "type_misfit", "unknown_objects",
})  # fmt: skip


class Finding(NamedTuple):
    """The finding of a condition: the key of the text, its placeholders, and further data for the dialog.

    `marks` are acknowledged by the answer of the owner.
    """

    key: str
    placeholders: Mapping[str, str] = {}
    marks: tuple[str, ...] = ()
    slot: str | None = None
    url: str | None = None

    @property
    def cause(self) -> tuple[object, ...]:
        """The identity of a finding. A changed percentage is not a new finding."""
        return self.key, self.marks, self.slot, self.placeholders.get("path"), self.placeholders.get("channels")


class Evidence:
    """The data of a port that conditions use. Times are of a monotonic clock."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.is_open = False
        self.failure: PortError | None = None
        self.moved_to: str | None = None
        self.last_telegram = self.octets_at = monotonic()
        self.octets_then = self.octets_seen = 0
        self.rejected_since: Counter[RejectReason] = Counter()
        self.outcomes: deque[RejectReason | None] = deque(maxlen=_WINDOW)
        self.raised: dict[str, Finding] = {}

    @property
    def is_silent(self) -> bool:
        """Whether the last telegram is longer ago than the configured time."""
        return monotonic() - self.last_telegram > self.port.received_timeout

    @property
    def is_disconnected(self) -> bool:
        """Whether the port has been closed for long enough to raise the issue, whatever the configured time."""
        return monotonic() - self.last_telegram > min(self.port.received_timeout, DEFAULT_RECEIVED_TIMEOUT)

    @property
    def reading(self) -> Reading | None:
        """The last telegram, unless it is outdated."""
        return None if self.is_silent else self.port.reading

    @property
    def has_no_data(self) -> bool:
        """Whether no data comes: not a single byte since the last telegram, or for long."""
        if self.port.reader.heard.octets == self.octets_then:
            return True
        return monotonic() - self.octets_at > max(self.port.received_timeout, 2 * INTERVAL.total_seconds())

    @property
    def lacks_key(self) -> bool:
        """Whether all telegrams are encrypted ones that cannot be decrypted."""
        return not self.has_no_data and self._rejected(lambda reason: reason.is_key) >= KEY_FAILURES

    @property
    def lacks_authentication(self) -> bool:
        """Whether all telegrams are unauthenticated on a port that has sent authenticated ones."""
        whole = self._rejected(lambda reason: reason.is_whole and not reason.is_key)
        return not self.has_no_data and not self.lacks_key and whole >= KEY_FAILURES

    def _rejected(self, counts: Callable[[RejectReason], bool]) -> int:
        return sum(count for reason, count in self.rejected_since.items() if counts(reason))

    def count(self) -> None:
        """Update whether bytes have come since the last check."""
        octets = self.port.reader.heard.octets
        if octets != self.octets_seen:
            self.octets_seen, self.octets_at = octets, monotonic()


_OF_FAULT: Final = {
    PortFault.BUSY: "port_busy",
    PortFault.SWITCHED_OFF: "port_switched_off",
    PortFault.UNAUTHORIZED: "port_unauthorized",
}


def _port(evidence: Evidence) -> Finding | None:
    """Detect a port that cannot be opened, or has sent no telegram for the configured time."""
    if not evidence.is_open:
        if evidence.failure is None or not evidence.is_disconnected:
            return None
        if evidence.moved_to is not None:
            return Finding("port_moved", {"path": redacted(evidence.moved_to)})
        return Finding(_OF_FAULT.get(evidence.failure.fault, "port_gone"))
    if not evidence.is_silent or evidence.lacks_key or evidence.lacks_authentication:
        return None
    heard = evidence.port.reader.heard
    causes = {
        "no_data": evidence.has_no_data,
        "no_good_telegram": any(reason.is_damage for reason in evidence.rejected_since),
        "unsupported_encryption": evidence.rejected_since[RejectReason.UNSUPPORTED_ENCRYPTION],
        "not_p1": evidence.rejected_since[RejectReason.NOT_P1] or Hint.TELNET in heard.hints,
    }
    return Finding(next((key for key, holds in causes.items() if holds), "no_telegram"))


def _damage(evidence: Evidence) -> Finding | None:
    """Detect many damaged telegrams between good ones; if all are damaged, `_port` reports it."""
    if evidence.is_silent:
        return None
    damaged = [reason for reason in evidence.outcomes if reason is not None]
    many = _FEW if "damage" in evidence.raised else _MANY
    if len(evidence.outcomes) < ENOUGH or len(damaged) <= many * len(evidence.outcomes):
        return None
    (key, _), *_ = Counter(_DAMAGE_KEYS[reason] for reason in damaged).most_common(1)
    return Finding(key, {"percent": str(round(100 * len(damaged) / len(evidence.outcomes)))})


def _key(evidence: Evidence) -> Finding | None:
    """Detect wrong keys while no reauthentication is in progress."""
    port = evidence.port
    if not evidence.is_silent or not evidence.lacks_key:
        return None
    if any(port.entry.async_get_active_flows(port.hass, {SOURCE_REAUTH})):
        return None
    return Finding("wrong_key")


def _proof(evidence: Evidence) -> Finding | None:
    is_long = monotonic() - evidence.last_telegram >= _UNPROVEN
    return Finding("not_proven") if is_long and evidence.lacks_authentication else None


def _tag(_: Evidence, reading: Reading) -> Finding | None:
    if reading.authentication is not Authentication.NOT_VERIFIED:
        return None
    return Finding("tag_not_verified", marks=("tag_not_verified",))


def _unregistered(_: Evidence, reading: Reading) -> Finding | None:
    """Detect announced meters that send no reading, unless there is a live meter of the same kind."""
    meters = [meter.profile for meter in reading.meters if meter.profile.role is Role.MBUS]
    alive = {meter.kind for meter in meters if meter.registered}
    channels = [str(meter.mbus_channel) for meter in meters if not meter.registered and meter.kind not in alive]
    return Finding("unregistered", {"channels": ", ".join(channels)}) if channels else None


def _type(evidence: Evidence, reading: Reading) -> Finding | None:
    """Detect a chosen meter type that does not fit the telegrams of the meter."""
    port = evidence.port
    types = port.entry.options.get(CONF_METER_TYPE, {})
    for profile in (meter.profile for meter in reading.meters if meter.profile.registered):
        if profile.slot in types and not _fits(types[profile.slot], profile):
            name = device_name(port.hass, port.entry.entry_id, profile.slot)
            return Finding("type_misfit", {"meter": name}, slot=profile.slot)
    return None


def _fits(type_id: str, profile: MeterProfile) -> bool:
    row = meter_type(type_id)
    if row is None or row.role is not profile.role or profile.kind not in (MeterKind.GENERIC, *row.kinds):
        return False
    needed = {CHANNEL_IDS.get((name, profile.role, profile.kind), name) for name in row.required}
    return all(any(sent == name or sent.startswith(f"{name}_") for sent in profile.sources) for name in needed)


def _clock(evidence: Evidence, reading: Reading) -> Finding | None:
    """Detect a wrong clock of the meter; the flag for summer time is already part of the time."""
    shown = reading.telegram.timestamp
    if shown is None:
        return None
    ahead = shown - dt_util.utcnow()
    if abs(ahead) <= (_CLOCK_RIGHT if "clock" in evidence.raised else _CLOCK_WRONG):
        return None
    minutes = int(abs(ahead).total_seconds()) // 60
    days = f"{minutes // 1440} d " if minutes >= 1440 else ""
    difference = f"{days}{minutes // 60 % 24}:{minutes % 60:02d}"
    return Finding("clock_fast" if ahead > timedelta() else "clock_slow", {"difference": difference})


def _unknown(evidence: Evidence, reading: Reading) -> Finding | None:
    """Detect objects outside the catalog, which are worth a report. Their values may be private, and are left out."""
    acknowledged = evidence.port.record.acknowledged
    without_row = {
        str(meter.profile.sources[channel_id])
        for meter in reading.meters
        for channel_id, row in meter.profile.channel_types.items()
        if row.quantity is Quantity.MEASURED
    }
    references = sorted({str(obj.obis) for obj in reading.unknown} | without_row)
    new = [reference for reference in references if f"unknown:{reference}" not in acknowledged][:_LONGEST_LIST]
    if not new:
        return None
    hass = evidence.port.hass
    about = (_REPORT, "", *new, "", *_household(hass, reading))
    url = report_url(hass, f"Unknown objects: {', '.join(new[:3])}", about)
    marks = tuple(f"unknown:{reference}" for reference in new)
    return Finding("unknown_objects", {"references": ", ".join(new), "report": url}, marks, url=url)


def report_url(hass: HomeAssistant, title: str, lines: Iterable[str]) -> str:
    """Return the URL of a report that is written already."""
    report = urlencode({"title": title, "body": "\n".join(lines)})
    return f"{async_get_loaded_integration(hass, DOMAIN).issue_tracker}/new?{report}"


def _household(hass: HomeAssistant, reading: Reading) -> Iterator[str]:
    """Yield the data for recognising the country and the type of the meters, without values and private data."""
    identification = reading.telegram.identification
    yield f"First line: /{identification[:_MAKER]}{_SERIAL.sub('...', identification[_MAKER:])}"
    yield f"Home Assistant: {hass.config.country or 'no country'}, {hass.config.time_zone}"
    for meter in reading.meters:
        profile = meter.profile
        sent = {profile.sources.get(channel_id): value.unit or "" for channel_id, value in meter.channels.items()}
        objects = ", ".join(f"{obis} {unit}".strip() for obis, unit in sent.items() if obis is not None)
        yield f"{profile.slot}, {profile.type_id}: {objects}"


def _full(evidence: Evidence) -> Finding | None:
    if not evidence.port.is_full:
        return None
    return Finding("too_much", {"meters": str(MOST_METERS), "entities": str(MOST_CHANNELS)})


def _flood(evidence: Evidence) -> Finding | None:
    """Detect a port that is slowed down because it sends more than any meter."""
    return Finding("flood") if evidence.port.reader.is_slowed and not evidence.has_no_data else None


class Condition(NamedTuple):
    """A row: its key, the seconds that it must last, and its detection: always, or only while telegrams come."""

    topic: str
    after: float
    find: Callable[[Evidence], Finding | None] | None = None
    find_in: Callable[[Evidence, Reading], Finding | None] | None = None


# fmt: off
CONDITIONS: Final = (
    Condition("port",            0, find=_port),
    Condition("damage",          0, find=_damage),
    Condition("key",           600, find=_key),
    Condition("proof",           0, find=_proof),
    Condition("tag",             0, find_in=_tag),
    Condition("unregistered", 3600, find_in=_unregistered),
    Condition("type",          600, find_in=_type),
    Condition("clock",         600, find_in=_clock),
    Condition("unknown",      3600, find_in=_unknown),
    Condition("full",            0, find=_full),
    Condition("flood",           0, find=_flood),
)
# fmt: on
