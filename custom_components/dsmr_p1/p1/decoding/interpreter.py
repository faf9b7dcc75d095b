"""Interpretation: turns the frames of one port into telegrams with their meters.

A plan is made from each telegram; a frame that does not follow it is parsed from scratch.
"""

from datetime import tzinfo
from typing import Final

from ..catalog import Role
from ..memory import PortMemory
from ..meters.derived import tariffs_in
from ..meters.detection import Detection, lay_out
from ..telegrams.parser import parse
from ..telegrams.telegram import Telegram
from ..telegrams.unsealed import Unsealed
from ..wire.frames import PlainFrame
from .plan import Plan

_CERTAIN: Final = 2
"""How often a telegram must be repeated, with other digits, before its registers count for good."""


class Interpreter:
    """Reads the telegrams of one port, one after the other.

    `zone` is the time zone of the place; without one it is that of the country which a telegram proves.
    """

    def __init__(self, memory: PortMemory | None = None, zone: tzinfo | None = None) -> None:
        self._memory = memory or PortMemory()
        self._zone = zone
        self._unsealed = Unsealed()
        self._plan: Plan | None = None
        self._repeats = 0

    def set_zone(self, zone: tzinfo) -> None:
        """Read the times of all further telegrams in another time zone."""
        self._zone = zone
        self.forget()

    def forget(self) -> None:
        """Drop the plan, so that the next telegram is parsed from scratch."""
        self._plan = None

    def read(self, frame: PlainFrame) -> tuple[Telegram, Detection]:
        """Return the telegram and meters of a checked frame. A meter without changes is the same object as before.

        Raises TelegramError if the frame is invalid: see `parse` and, without checksum, `Unsealed`.
        """
        found = None if self._plan is None else self._plan.read(frame.text, has_crc=frame.has_crc)
        if found is not None:
            if not frame.has_crc:
                self._unsealed.confirm()
            self._repeats += 1
            if self._repeats == _CERTAIN:
                self._confirm(found[1])
            return found
        parsed = parse(frame, self._zone)
        if not frame.has_crc:
            self._unsealed.check(parsed)
        telegram = parsed.telegram
        layouts, unknown = lay_out(telegram, self._memory)
        before = {} if self._plan is None else self._plan.meters
        meters = tuple([layout.fill(telegram.objects, before.get(layout.profile.slot)) for layout in layouts])
        self._plan, self._repeats = Plan(parsed, layouts, unknown, meters), 0
        return telegram, Detection(meters, tuple([telegram.objects[place] for place in unknown]))

    def _confirm(self, detection: Detection) -> None:
        """Count the registers of the main meter among those of its totals, from the next telegram on."""
        mains = [meter for meter in detection.meters if meter.profile.role is Role.MAIN]
        if any(self._memory.confirm(tariffs_in(meter.channels)) for meter in mains):
            self.forget()
