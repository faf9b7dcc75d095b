"""Interpretation: the frames of one port in, one after the other, telegrams and the meters in them out.

The last telegram leaves a plan; what does not follow it is read from scratch.
"""

from datetime import tzinfo

from .detection import Detection, lay_out
from .frames import PlainFrame
from .memory import PortMemory
from .parser import parse
from .plan import Plan
from .telegram import Telegram
from .unsealed import Unsealed


class Interpreter:
    """Reads the telegrams of one port, one after the other."""

    def __init__(self, memory: PortMemory | None = None, zone: tzinfo | None = None) -> None:
        """Start without a plan, or with what is known of the port.

        `zone` is the time zone of the place; without one it is that of the country which a telegram proves.
        """
        self._memory = memory or PortMemory()
        self._zone = zone
        self._unsealed = Unsealed()
        self._plan: Plan | None = None

    def set_zone(self, zone: tzinfo) -> None:
        """Read the times of the telegrams to come in another time zone."""
        self._zone = zone
        self.forget()

    def forget(self) -> None:
        """Read the next telegram from scratch: the last one does not count."""
        self._plan = None

    def read(self, frame: PlainFrame) -> tuple[Telegram, Detection]:
        """Read a frame whose checksum, if any, is right. A meter of which nothing has changed is the same object.

        Raises TelegramError where the frame cannot be believed: see `parse` and, without checksum, `Unsealed`.
        """
        found = None if self._plan is None else self._plan.read(frame.text, has_crc=frame.has_crc)
        if found is not None:
            if not frame.has_crc:
                self._unsealed.confirm()
            return found
        parsed = parse(frame, self._zone)
        if not frame.has_crc:
            self._unsealed.check(parsed)
        telegram = parsed.telegram
        layouts, unknown = lay_out(telegram, self._memory)
        before = {} if self._plan is None else self._plan.meters
        meters = tuple([layout.fill(telegram.objects, before.get(layout.profile.slot)) for layout in layouts])
        self._plan = Plan(parsed, layouts, unknown, meters)
        return telegram, Detection(meters, tuple([telegram.objects[place] for place in unknown]))
