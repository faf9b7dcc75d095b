"""Issues: what the owner of a port can do something about, raised after it has lasted, and cleared when it is cured.

Once a minute each condition of the table is asked whether it holds, by what was heard. What the owner is told by Home
Assistant already is not told again: keys that are wrong start a reauthentication, which is an issue of its own; only
where its dialog was closed and the keys still do not open anything is there one of ours.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import os
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from homeassistant.components import usb
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.loader import async_get_loaded_integration
from homeassistant.util import dt as dt_util

from .const import CONF_METER_TYPE, DOMAIN, LOGGER
from .devices import device_name
from .entry import redacted
from .p1 import (
    Authentication,
    MeterKind,
    MeterProfile,
    PortBusyError,
    PortError,
    Reading,
    RejectReason,
    Role,
    meter_type,
)
from .p1.catalog import CHANNEL_IDS
from .p1.heard import Hint
from .ports import entry_on, is_local, stable_path

if TYPE_CHECKING:
    from .coordinator import P1Coordinator

INTERVAL: Final = timedelta(minutes=1)
ENOUGH: Final = 50
"""Telegrams before anything is said about how many are damaged."""
_WINDOW: Final = 200
_MANY: Final = 0.10
_FEW: Final = 0.05
"""Damaged telegrams, as parts of all, that raise the issue, and that clear it again."""
_CLOCK_WRONG: Final = timedelta(hours=1)
_CLOCK_RIGHT: Final = timedelta(minutes=30)
_LONGEST_LIST: Final = 20
KEY_FAILURES: Final = 3
"""Encrypted telegrams in a row that the keys do not open, before they are wrong: a damaged one looks the same."""
_KEY_REASONS: Final = (RejectReason.NO_KEY, RejectReason.DECRYPTION, RejectReason.AUTHENTICATION)
_DAMAGE: Final = {
    RejectReason.CRC: "damaged_crc",
    RejectReason.TRUNCATED: "damaged_truncated",
    RejectReason.OVERSIZED: "damaged_truncated",
    RejectReason.MALFORMED: "damaged_malformed",
}
FIXABLE: Final = frozenset({"port_moved", "wrong_key", "tag_not_verified", "type_misfit", "unknown_objects"})


class Finding(NamedTuple):
    """What a condition has found: the key of the text, what the text tells, and what the dialog needs besides.

    `marks` are what the owner takes note of by answering it.
    """

    key: str
    placeholders: Mapping[str, str] = {}
    marks: tuple[str, ...] = ()
    slot: str | None = None
    url: str | None = None

    @property
    def cause(self) -> tuple[object, ...]:
        """What makes it another finding; a rate that has changed does not."""
        return self.key, self.marks, self.slot, self.placeholders.get("path"), self.placeholders.get("channels")


@dataclass(slots=True)
class Evidence:
    """What was heard on a port, as far as conditions ask for it. Times are of a clock that only runs forward."""

    coordinator: P1Coordinator
    is_open: bool = False
    failure: PortError | None = None
    moved_to: str | None = None
    last_telegram: float = field(default_factory=monotonic)
    octets_then: int = 0
    octets_seen: int = 0
    octets_at: float = field(default_factory=monotonic)
    rejected_since: Counter[RejectReason] = field(default_factory=Counter)
    outcomes: deque[RejectReason | None] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    raised: dict[str, Finding] = field(default_factory=dict)

    @property
    def is_silent(self) -> bool:
        """Whether the last telegram is longer ago than the owner allows."""
        return monotonic() - self.last_telegram > self.coordinator.received_timeout

    @property
    def reading(self) -> Reading | None:
        """The last telegram, as long as it tells of now."""
        return None if self.is_silent else self.coordinator.reading

    @property
    def is_mute(self) -> bool:
        """Whether nothing at all comes: not a single byte since the last telegram, or for long."""
        if self.coordinator.reader.heard.octets == self.octets_then:
            return True
        return monotonic() - self.octets_at > max(self.coordinator.received_timeout, 2 * INTERVAL.total_seconds())

    @property
    def wants_key(self) -> bool:
        """Whether encrypted telegrams come that are not opened, and no others."""
        return not self.is_mute and sum(self.rejected_since[reason] for reason in _KEY_REASONS) >= KEY_FAILURES

    def count(self) -> None:
        """Take note of whether bytes have come since the last look."""
        octets = self.coordinator.reader.heard.octets
        if octets != self.octets_seen:
            self.octets_seen, self.octets_at = octets, monotonic()


def _port(evidence: Evidence) -> Finding | None:
    """Find a port that cannot be opened, or on which nothing comes that is a telegram."""
    if not evidence.is_open:
        if evidence.failure is None:
            return None
        if evidence.moved_to is not None:
            return Finding("port_moved", {"path": redacted(evidence.moved_to)})
        return Finding("port_busy" if isinstance(evidence.failure, PortBusyError) else "port_gone")
    if not evidence.is_silent or evidence.wants_key:
        return None
    heard = evidence.coordinator.reader.heard
    causes = {
        "no_data": evidence.is_mute,
        "no_good_telegram": any(evidence.rejected_since[reason] for reason in _DAMAGE),
        "not_p1": evidence.rejected_since[RejectReason.NOT_P1] or Hint.TELNET in heard.hints,
    }
    return Finding(next((key for key, holds in causes.items() if holds), "no_telegram"))


def _damage(evidence: Evidence) -> Finding | None:
    """Find many telegrams that are damaged, between others that are not; where all are, the port tells it."""
    if evidence.is_silent:
        return None
    damaged = [reason for reason in evidence.outcomes if reason is not None]
    many = _FEW if "damage" in evidence.raised else _MANY
    if len(evidence.outcomes) < ENOUGH or len(damaged) <= many * len(evidence.outcomes):
        return None
    (key, _), *_ = Counter(_DAMAGE[reason] for reason in damaged).most_common(1)
    return Finding(key, {"percent": str(round(100 * len(damaged) / len(evidence.outcomes)))})


def _key(evidence: Evidence) -> Finding | None:
    """Find keys that open nothing, and nobody is being asked for others."""
    coordinator = evidence.coordinator
    if not evidence.is_silent or not evidence.wants_key:
        return None
    if any(coordinator.config_entry.async_get_active_flows(coordinator.hass, {SOURCE_REAUTH})):
        return None
    return Finding("wrong_key")


def _tag(evidence: Evidence) -> Finding | None:
    """Find telegrams that nothing proves genuine."""
    reading = evidence.reading
    if reading is None or reading.authentication is not Authentication.NOT_VERIFIED:
        return None
    return Finding("tag_not_verified", marks=("tag_not_verified",))


def _unregistered(evidence: Evidence) -> Finding | None:
    """Find meters that are announced, with nothing behind them; beside a live one of its kind it is only a leftover."""
    assert evidence.reading is not None  # noqa: S101 - the table asks only then
    meters = [meter.profile for meter in evidence.reading.meters if meter.profile.role is Role.MBUS]
    alive = {meter.kind for meter in meters if meter.registered}
    channels = [str(meter.mbus_channel) for meter in meters if not meter.registered and meter.kind not in alive]
    return Finding("unregistered", {"channels": ", ".join(channels)}) if channels else None


def _type(evidence: Evidence) -> Finding | None:
    """Find a type that the owner has chosen, and that is not what the meter sends."""
    assert evidence.reading is not None  # noqa: S101 - the table asks only then
    coordinator = evidence.coordinator
    types = coordinator.config_entry.options.get(CONF_METER_TYPE, {})
    for meter in evidence.reading.meters:
        profile = meter.profile
        if profile.registered and profile.slot in types and not _fits(types[profile.slot], profile):
            name = device_name(coordinator.hass, coordinator.config_entry.entry_id, profile.slot)
            return Finding("type_misfit", {"meter": name}, slot=profile.slot)
    return None


def _fits(type_id: str, profile: MeterProfile) -> bool:
    row = meter_type(type_id)
    if row is None or row.role is not profile.role:
        return False
    if profile.kind is not MeterKind.GENERIC and profile.kind not in row.kinds:
        return False
    needed = {CHANNEL_IDS.get((name, profile.role, profile.kind), name) for name in row.required}
    return all(any(sent == name or sent.startswith(f"{name}_") for sent in profile.sources) for name in needed)


def _clock(evidence: Evidence) -> Finding | None:
    """Find a clock that is off; the flag for summer time is part of the time already."""
    assert evidence.reading is not None  # noqa: S101 - the table asks only then
    shown = evidence.reading.telegram.timestamp
    if shown is None:
        return None
    ahead = shown - dt_util.utcnow()
    if abs(ahead) <= (_CLOCK_RIGHT if "clock" in evidence.raised else _CLOCK_WRONG):
        return None
    minutes = int(abs(ahead).total_seconds()) // 60
    days = f"{minutes // 1440} d " if minutes >= 1440 else ""
    difference = f"{days}{minutes // 60 % 24}:{minutes % 60:02d}"
    return Finding("clock_fast" if ahead > timedelta() else "clock_slow", {"difference": difference})


def _unknown(evidence: Evidence) -> Finding | None:
    """Find objects that no row of the catalog knows: worth a report. Their values may be private, and are not told."""
    assert evidence.reading is not None  # noqa: S101 - the table asks only then
    acknowledged = evidence.coordinator.acknowledged
    references = sorted({str(obj.obis) for obj in evidence.reading.unknown})
    new = [reference for reference in references if f"unknown:{reference}" not in acknowledged][:_LONGEST_LIST]
    if not new:
        return None
    integration = async_get_loaded_integration(evidence.coordinator.hass, DOMAIN)
    report = urlencode({
        "title": f"Unknown objects: {', '.join(new[:3])}",
        "body": "My meter sends these objects, which are not known yet:\n\n" + "\n".join(new),
    })  # fmt: skip
    url = f"{integration.issue_tracker}/new?{report}"
    marks = tuple(f"unknown:{reference}" for reference in new)
    return Finding("unknown_objects", {"references": ", ".join(new), "report": url}, marks, url=url)


class Condition(NamedTuple):
    """A row: what it is about, how it is found, how many seconds it must last, and whether a telegram tells it."""

    topic: str
    find: Callable[[Evidence], Finding | None]
    after: float
    of_telegram: bool = False


# fmt: off
CONDITIONS: Final = (
    Condition("port",         _port,          600),
    Condition("damage",       _damage,          0),
    Condition("key",          _key,           600),
    Condition("tag",          _tag,             0, of_telegram=True),
    Condition("unregistered", _unregistered, 3600, of_telegram=True),
    Condition("type",         _type,          600, of_telegram=True),
    Condition("clock",        _clock,         600, of_telegram=True),
    Condition("unknown",      _unknown,      3600, of_telegram=True),
)
# fmt: on


class Watch:
    """Watches one port for what its owner should know."""

    def __init__(self, coordinator: P1Coordinator) -> None:
        """Begin without any evidence."""
        self.evidence = Evidence(coordinator)
        self._coordinator = coordinator
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._since: dict[str, float] = {}
        self._is_identified = False
        self._is_looking = False

    @callback
    def async_start(self) -> None:
        """Begin to look, once a minute."""
        self._entry.async_on_unload(
            async_track_time_interval(self._hass, self._look, INTERVAL, cancel_on_shutdown=True)
        )

    def opened(self) -> None:
        """Take note that the port is open."""
        self.evidence.is_open = True
        self.evidence.moved_to = None
        self._is_identified = False

    def failed(self, error: PortError) -> None:
        """Take note that the port cannot be opened, or was lost."""
        self.evidence.is_open = False
        self.evidence.failure = error

    def took(self) -> None:
        """Take note of a good telegram."""
        evidence = self.evidence
        evidence.last_telegram = monotonic()
        evidence.octets_then = self._coordinator.reader.heard.octets
        evidence.rejected_since.clear()
        evidence.outcomes.append(None)

    def rejected(self, reason: RejectReason) -> None:
        """Take note of bytes that were no good telegram."""
        self.evidence.rejected_since[reason] += 1
        if reason in _DAMAGE:
            self.evidence.outcomes.append(reason)

    @callback
    def _look(self, _: datetime) -> None:
        is_wanted = not self.evidence.is_open or not self._is_identified
        if is_wanted and not self._is_looking and is_local(self._coordinator.port):
            self._is_looking = True
            self._entry.async_create_background_task(self._hass, self._find_device(), f"{DOMAIN} USB device")
        self._coordinator.replacements.questions.async_tidy()
        self.evidence.count()
        now = monotonic()
        for topic, find, after, of_telegram in CONDITIONS:
            if of_telegram and self.evidence.reading is None:
                continue
            finding = find(self.evidence)
            if finding is None or (finding.marks and self._coordinator.acknowledged.issuperset(finding.marks)):
                self._since.pop(topic, None)
                self.evidence.raised.pop(topic, None)
                ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(topic))
            elif now - self._since.setdefault(topic, now) >= after:
                self._raise(topic, finding)

    def _raise(self, topic: str, finding: Finding) -> None:
        before = self.evidence.raised.get(topic)
        is_there = ir.async_get(self._hass).async_get_issue(DOMAIN, self._issue_id(topic)) is not None
        if is_there and before is not None and before.cause == finding.cause:
            return
        self.evidence.raised[topic] = finding
        placeholders = {**finding.placeholders, "port": self._coordinator.name}
        about: dict[str, str | int | float | None] = {"entry_id": self._entry.entry_id, "condition": finding.key}
        if finding.slot is not None:
            about["slot"] = finding.slot
        if finding.marks:
            about["_marks"] = " ".join(finding.marks)
        if finding.key == "port_moved":
            about["_path"] = self.evidence.moved_to
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(topic),
            data={**about, **placeholders},
            is_fixable=finding.key in FIXABLE,
            severity=ir.IssueSeverity.WARNING,
            learn_more_url=finding.url,
            translation_key=finding.key,
            translation_placeholders=placeholders,
        )

    def _issue_id(self, topic: str) -> str:
        return f"{topic}_{self._entry.entry_id}"

    async def _find_device(self) -> None:
        """Learn which USB device the port is, or, where it is gone, where that device is now."""
        coordinator = self._coordinator
        try:
            if self.evidence.is_open:
                device = await _device_at(self._hass, coordinator.port)
                self._is_identified = True
                if device is not None:
                    coordinator.device = device
                    coordinator.async_save()
            else:
                self.evidence.moved_to = await _moved_to(self._hass, self._entry.entry_id, coordinator)
        except OSError as error:
            LOGGER.debug("P1 port %s: the USB devices cannot be listed: %s", coordinator.name, type(error).__name__)
        finally:
            self._is_looking = False


async def _device_at(hass: HomeAssistant, port: str) -> tuple[str, ...] | None:
    """Tell which USB device a port is; None where nothing tells it from others of its make."""
    real = await hass.async_add_executor_job(os.path.realpath, port)
    for found, device in await _usb_devices(hass):
        if real in (found, await hass.async_add_executor_job(os.path.realpath, found)):
            return device
    return None


async def _moved_to(hass: HomeAssistant, entry_id: str, coordinator: P1Coordinator) -> str | None:
    """Tell under which path the device of a port is now; None where it is not, or where several may be it."""
    port = coordinator.port
    if await hass.async_add_executor_job(os.path.exists, port):
        return None
    find = getattr(usb, "async_find_moved_serial_port", None)  # since 2026.11
    path: str | None = None if find is None else find(hass, port)
    if path is None and coordinator.device is not None:
        paths = [found for found, device in await _usb_devices(hass) if device == coordinator.device]
        path = paths[0] if len(paths) == 1 else None
    if path is None or path == port or await entry_on(hass, path, other_than=entry_id) is not None:
        return None
    return await stable_path(hass, path)


_COMMON_SERIALS: Final = frozenset({"", "0", "0000", "0001", "00000000", "12345678", "0123456789ABCDEF"})


async def _usb_devices(hass: HomeAssistant) -> list[tuple[str, tuple[str, ...]]]:
    """Give the USB devices that can be told from others: their path, vendor, product and serial number."""

    def devices() -> Iterator[tuple[str, tuple[str, ...]]]:
        for port in ports:
            serial = getattr(port, "serial_number", None) or ""
            if isinstance(port, usb.USBDevice) and serial not in _COMMON_SERIALS:
                yield port.device, (str(port.vid), str(port.pid), serial)

    ports = await usb.async_scan_serial_ports(hass)
    return list(devices())


@callback
def async_delete_issues(hass: HomeAssistant, entry_id: str) -> None:
    """Delete all issues of an entry that is removed."""
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and issue_id.endswith(f"_{entry_id}"):
            ir.async_delete_issue(hass, DOMAIN, issue_id)
