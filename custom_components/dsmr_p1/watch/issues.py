"""Issues: each is raised when its condition has lasted, and deleted when it is gone. They are checked every minute."""

from datetime import datetime
from time import monotonic

from homeassistant.core import callback
from homeassistant.helpers.event import async_track_time_interval

from ..const import DOMAIN, LOGGER
from ..p1 import PortError, PortFault, RejectReason
from ..port.issues import async_raise, async_withdraw, issues_of
from ..port.serial_ports import find_device, find_moved_device, is_local
from ..port.state import Port
from .conditions import CONDITIONS, FIXABLE, INTERVAL, Evidence, Finding


class Watch:
    """Raises and deletes the issues of one port."""

    def __init__(self, port: Port) -> None:
        self.evidence = Evidence(port)
        self._port = port
        self._since: dict[str, float] = {}
        self._is_identified = False
        self._is_looking = False

    @callback
    def async_start(self) -> None:
        """Start to check the conditions every minute."""
        looking = async_track_time_interval(self._port.hass, self._look, INTERVAL, cancel_on_shutdown=True)
        self._port.entry.async_on_unload(looking)

    def on_opened(self) -> None:
        """Handle the opening of the port."""
        self.evidence.is_open = True
        self.evidence.moved_to = None
        self._is_identified = False

    def on_failed(self, error: PortError) -> None:
        """Handle a failure to open the port, or its loss. One that is only opened anew counts as open."""
        self.evidence.is_open = error.fault is PortFault.SILENT
        self.evidence.failure = error

    def on_reading(self) -> None:
        """Handle a good telegram."""
        evidence = self.evidence
        evidence.last_telegram = monotonic()
        evidence.octets_then = self._port.reader.heard.octets
        evidence.rejected_since.clear()
        evidence.outcomes.append(None)

    def on_rejected(self, reason: RejectReason) -> None:
        """Handle rejected bytes."""
        self.evidence.rejected_since[reason] += 1
        if reason.is_damage:
            self.evidence.outcomes.append(reason)

    @callback
    def _look(self, _: datetime) -> None:
        is_wanted = not self.evidence.is_open or not self._is_identified
        if is_wanted and not self._is_looking and is_local(self._port.path):
            self._is_looking = True
            self._port.entry.async_create_background_task(self._port.hass, self._find_device(), f"{DOMAIN} USB device")
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
            if finding is None or (finding.marks and self._port.record.acknowledged.issuperset(finding.marks)):
                self._since.pop(topic, None)
                self.evidence.raised.pop(topic, None)
                async_withdraw(self._port, topic)
            elif now - self._since.setdefault(topic, now) >= after:
                self._raise(topic, finding)

    def _raise(self, topic: str, finding: Finding) -> None:
        before = self.evidence.raised.get(topic)
        is_there = topic in issues_of(self._port.hass, self._port.entry.entry_id)
        if is_there and before is not None and before.cause == finding.cause:
            return
        self.evidence.raised[topic] = finding
        async_raise(
            self._port,
            topic,
            finding.key,
            finding.placeholders,
            {"slot": finding.slot, "_marks": " ".join(finding.marks), "_path": self.evidence.moved_to},
            is_fixable=finding.key in FIXABLE,
            is_persistent=False,
            url=finding.url,
        )

    async def _find_device(self) -> None:
        port = self._port
        try:
            if self.evidence.is_open:
                device = await find_device(port.hass, port.path)
                self._is_identified = True
                if device is not None:
                    port.record.device = device
                    port.save()
            else:
                own, known = port.entry.entry_id, port.record.device
                self.evidence.moved_to = await find_moved_device(port.hass, port.path, known, other_than=own)
        except OSError as error:
            LOGGER.debug("P1 port %s: the USB devices cannot be listed: %s", port.name, type(error).__name__)
        finally:
            self._is_looking = False
