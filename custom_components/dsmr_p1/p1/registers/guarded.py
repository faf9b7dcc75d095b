"""A meter that is guarded: its registers, and what is shown of it while one of them is held."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from ..catalog import ChannelType, Role
from ..cosem.clock import Clock
from ..cosem.units import Unit
from ..cosem.values import CosemValue
from ..memory import PortMemory
from ..meters.derived import Derived, derived_channels
from ..meters.detection import Meter, MeterProfile
from ..meters.limits import is_total, limit_of, own_power, rise_of_kilo_watt, told_power
from .register import Register
from .sight import Moment, Powers, Seen

_AHEAD: Final = timedelta(hours=1)
"""How far a reading may be ahead of the clock here: clocks differ, and a time zone is not known at once."""


class Held(NamedTuple):
    """A reading that is held from now on: what is shown instead, and what the meter says."""

    slot: str
    channel_id: str
    shown: CosemValue
    odd: CosemValue


class Accepted(NamedTuple):
    """A reading that was held and is shown now, though no use explains it: a step in the register of the same meter.

    `is_derived`: no register, but what follows from one.
    """

    slot: str
    channel_id: str
    before: CosemValue
    after: CosemValue
    is_derived: bool = False


class Begun(NamedTuple):
    """A register that has a first good reading."""

    slot: str
    channel_id: str


type Event = Held | Accepted | Begun
type Arrival = tuple[float, datetime, datetime | None, Clock | None]
"""When a telegram came, in seconds and by the time of day, its own time, and the clock of that."""


class Times:
    """When the telegram that is looked at came, and the one before.

    `is_filled`: not all channels are those of the telegram, so what follows from them is worked out anew.
    """

    def __init__(self) -> None:
        self.last: Arrival = (0.0, datetime.min.replace(tzinfo=UTC), None, None)
        self.this: Arrival = self.last
        self.has_crc = self.is_filled = False
        self._ahead: timedelta | None = None

    @property
    def seen(self) -> Seen:
        """When this telegram came."""
        return Seen(*self.this[:3])

    @property
    def seen_last(self) -> Seen:
        """When the one before came."""
        return Seen(*self.last[:3])

    def moment(self, before: Seen | None, powers: Callable[[], Powers]) -> Moment:
        """Return the moment for the registers of a meter; it was seen `before`, if not in the telegram before."""
        now = self.seen
        if self._ahead is None and now.time is not None:
            # A clock that has always been ahead is the meter's own time.
            self._ahead = max(now.time - now.wall, timedelta())
        return Moment(
            now=now,
            before=before or self.seen_last,
            latest=now.wall + (self._ahead or timedelta()) + _AHEAD,
            has_crc=self.has_crc,
            is_zone_new=self.this[3] is not self.last[3] is not None,
            powers=powers,
        )


class GuardedMeter:
    """A meter and its registers.

    `raw` is the meter as the last telegram has it, `shown` the same or with other readings where one is held.
    `registers` are those that it has now, by channel. `identity` tells it from another meter in its slot. `last_seen`
    is when it was there last, None where that is the telegram before.
    """

    def __init__(self) -> None:
        self.profile: MeterProfile | None = None
        self.identity: str | None = None
        self.raw: Meter | None = None
        self.shown: Meter | None = None
        self.registers: dict[str, Register] = {}
        self.last_seen: Seen | None = None
        self.events: list[Event] = []
        # Those that it had once too.
        self._registers: dict[str, Register] = {}
        self._derived: tuple[Derived, ...] = ()
        # The totals that consist of other registers from this telegram on.
        self._joined: set[str] = set()
        self._power = 0.0

    @property
    def holding(self) -> list[str]:
        """The channels of which a reading is held."""
        return [channel_id for channel_id, register in self._registers.items() if register.is_held]

    def set_profile(self, meter: Meter, memory: PortMemory) -> None:
        """Guard the registers that a meter has now."""
        profile = self.profile = meter.profile
        before = {row.channel_id: row.sources for row in self._derived}
        self._derived = derived_channels(memory, profile.sources) if profile.role is Role.MAIN else ()
        self._joined = {
            row.channel_id for row in self._derived if before.get(row.channel_id, row.sources) != row.sources
        }
        rows = {
            channel_id: row
            for channel_id, row in profile.channel_types.items()
            if profile.sources[channel_id] is not None and is_total(row, profile.role, meter.channels[channel_id].unit)
        }
        for channel_id, register in self._registers.items():
            if channel_id not in rows and self.last_seen is not None:
                register.lose(self.last_seen)
        self.registers = {channel_id: self._registers.setdefault(channel_id, Register()) for channel_id in rows}
        for channel_id, register in self.registers.items():
            _set_limit(register, rows[channel_id], profile, meter.channels[channel_id].unit)

    def follow(self, meter: Meter, times: Times) -> Meter:
        """Look at the registers that have another reading than before, and return the meter as it is to be shown."""
        others: dict[str, CosemValue] = {}
        moment: Moment | None = None
        for channel_id, register in self.registers.items():
            value = meter.channels[channel_id]
            if value is register.raw or register.takes(value):
                continue
            moment = moment or self._moment(meter, times)
            shown = self._look(meter.profile, channel_id, value, moment)
            if shown is not value:
                others[channel_id] = shown
        before, self.shown = self.shown, self._with(meter, others) if others or times.is_filled else meter
        if (self.events or self._joined) and before is not None:
            self._follow_steps(before, self.shown)
        self.raw = meter
        return self.shown

    def _moment(self, meter: Meter, times: Times) -> Moment:
        raw = self.raw

        def powers() -> Powers:
            own, told, confirmed = own_power(meter), told_power(meter), 2 * self._power
            before = own if raw is None else own_power(raw)
            # Without checksum power is believed where two telegrams have it. It allows nothing until a total that
            # was accepted has risen by it.
            return Powers(max(told, confirmed), max(own, before) if moment.has_crc else min(own, before))

        moment = times.moment(self.last_seen, powers)
        return moment

    def _look(self, profile: MeterProfile, channel_id: str, value: CosemValue, moment: Moment) -> CosemValue:
        """Return what is to be shown of a register."""
        register = self.registers[channel_id]
        if value.value is not None and value.unit is not register.unit:
            _set_limit(register, profile.channel_types[channel_id], profile, value.unit)
        was_held, had_begun = register.is_held, register.has_begun
        shown = register.follow(value, moment)
        self._power = max(self._power, register.confirmed_power)
        if register.is_held and not was_held:
            self.events.append(Held(profile.slot, channel_id, shown, value))
        if register.has_begun and not had_begun:
            self.events.append(Begun(profile.slot, channel_id))
        if register.step is not None:
            self.events.append(Accepted(profile.slot, channel_id, *register.step))
        return shown

    def _follow_steps(self, before: Meter, after: Meter) -> None:
        """Report the steps that follow from those of registers, and from other registers than before."""
        steps = {event.channel_id for event in self.events if isinstance(event, Accepted)}
        for channel_id, _, sources in self._derived:
            is_step = channel_id in self._joined or steps.intersection(sources)
            if is_step and channel_id in before.channels and channel_id in after.channels:
                values = before.channels[channel_id], after.channels[channel_id]
                self.events.append(Accepted(after.profile.slot, channel_id, *values, is_derived=True))
        self._joined = set()

    def _with(self, meter: Meter, others: Mapping[str, CosemValue]) -> Meter:
        """Return a meter with other readings, and with what follows from these."""
        channels = {**meter.channels, **others}
        for channel_id, shown in others.items():
            if (when := channels.get(f"{channel_id}_timestamp")) is not None:
                channels[f"{channel_id}_timestamp"] = when._replace(value=shown.timestamp)
        for channel_id, compute, sources in self._derived:
            channels[channel_id] = compute(channels, sources)
        return Meter(meter.profile, channels)

    # What outlives a restart

    def as_dict(self, last: Seen) -> dict[str, Any]:
        """Return what is to be stored; `last` is when the last telegram came."""
        stored = ((name, register.as_dict(self.last_seen or last)) for name, register in self._registers.items())
        registers = {channel_id: register for channel_id, register in stored if register is not None}
        return {"identity": self.identity, "power": self._power, "registers": registers}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], now: float, wall: datetime) -> Self:
        """Read what was stored."""
        meter = cls()
        meter.identity, meter._power = stored["identity"], stored["power"]
        meter._registers = {
            channel_id: Register.from_dict(register, now, wall) for channel_id, register in stored["registers"].items()
        }
        return meter


def _set_limit(register: Register, row: ChannelType, profile: MeterProfile, unit: Unit | None) -> None:
    register.unit = unit
    register.limit = limit_of(row, profile.kind, unit)
    register.rise_of_kilo_watt = rise_of_kilo_watt(row, profile.kind, unit)
