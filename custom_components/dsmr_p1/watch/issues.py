"""Issues: each condition is raised after it has lasted, and cleared when it is cured. They are asked once a minute."""

from collections.abc import Iterator
from datetime import datetime
import os
from time import monotonic
from typing import TYPE_CHECKING, Final

from homeassistant.components import usb
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval

from ..const import DOMAIN, LOGGER
from ..p1 import (
    PortError,
    RejectReason,
)
from ..port.serial_ports import entry_on, is_local, stable_path
from .conditions import CONDITIONS, DAMAGE, FIXABLE, INTERVAL, Evidence, Finding

if TYPE_CHECKING:
    from ..coordinator import P1Coordinator


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
        if reason in DAMAGE:
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
        reading = self.evidence.reading
        for topic, after, find, find_in in CONDITIONS:
            if find is not None:
                finding = find(self.evidence)
            elif find_in is not None and reading is not None:
                finding = find_in(self.evidence, reading)
            else:
                continue
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
