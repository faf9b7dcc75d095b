"""Ports that send: streams of telegrams that are right, with what they say; and a port as the integration reads it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import json
from pathlib import Path
import re
from typing import Final

from p1 import Decoder, Keys, Meter, MeterProfile, PortMemory, Reading
from p1.catalog import HISTORY
from p1.meters.limits import is_total
from p1.registers.guard import Guard
from simulator import EXAMPLE_DECRYPTION_KEY, MODELS, Household, Model, TelegramBuilder, encrypt, seal

from .kinds import CRC, NONE, PARITY, SEALED

LENGTH: Final = 60
"""Telegrams of a stream."""
STARTS: Final = (
    datetime(2026, 1, 11, 22, 55, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 55, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 55, tzinfo=UTC),
)
"""A midnight, and both nights of the time change."""
_TELEGRAMS: Final = Path(__file__).parents[2] / "tests" / "telegrams"
_ENERGY: Final = re.compile(rb"(?<=-0:[12]\.8\.[0-9]\()(\d+)\.(\d{3})(?=\*kWh)")
_CLOCK: Final = re.compile(rb"0-\d:(?:1\.[01]\.0|24\.[23]\.\d)\((\d{12})")
_PARITY: Final = bytes(octet | 0x80 if octet.bit_count() % 2 else octet for octet in range(256))

type Key = tuple[str, str]
type Truth = dict[Key, dict[object, int]]


class GuardedPort:
    """A decoder with the guard behind it, and the time that passes."""

    def __init__(self, keys: Keys | None, start: datetime) -> None:
        self.memory = PortMemory()
        self.decoder = Decoder(keys, self.memory)
        self.guard = Guard(self.memory)
        self._keys = keys
        self._start = start
        self.passed = 0.0

    @property
    def wall(self) -> datetime:
        """The time of day."""
        return self._start + timedelta(seconds=self.passed)

    def feed(self, octets: bytes, wall: datetime | None = None) -> list[Reading]:
        """Return what is shown of the telegrams that the bytes complete."""
        now = self.passed + 1000
        events = self.decoder.feed(octets, now)
        return [self.guard.check(event, now, wall or self.wall) for event in events if isinstance(event, Reading)]

    def restart(self) -> None:
        """Restart as Home Assistant does: what is stored goes on."""
        stored = json.loads(json.dumps(self.guard.as_dict()))
        self.decoder, self.guard = Decoder(self._keys, self.memory), Guard(self.memory)
        self.guard.restore(stored, self.passed + 1000, self.wall)


class Source:
    """A stream of telegrams, and what they say: for each channel, the telegram in which a value was sent first."""

    def __init__(self, name: str, group: str, period: float, start: datetime, bodies: list[bytes]) -> None:
        """Take the telegrams, each from `/` up to and including `!`."""
        self.name = name
        self.group = group
        self.period = period
        self.start = start
        self.bodies = bodies
        self.keys = Keys(EXAMPLE_DECRYPTION_KEY) if group == SEALED else None
        self.sent = [self.finish(body, number) for number, body in enumerate(bodies)]
        self.truth: Truth = {}
        self.is_good = self._learn()

    def finish(self, body: bytes, number: int, *, title: bytes = b"SIM\0\0\0\0\1", counter: int | None = None) -> bytes:
        """Return a telegram as it goes onto the line."""
        if self.group == SEALED:
            counter = 1000 + number if counter is None else counter
            key = EXAMPLE_DECRYPTION_KEY
            return encrypt(seal(body), decryption_key=key, system_title=title, frame_counter=counter)
        if self.group == CRC:
            return seal(body)
        octets = body + b"\r\n"
        return octets.translate(_PARITY) if self.group == PARITY else octets

    def _learn(self) -> bool:
        """Read all telegrams by themselves; whether each is one."""
        decoder = Decoder(self.keys)
        for number, octets in enumerate(self.sent):
            readings = [event for event in decoder.feed(octets, number * self.period) if isinstance(event, Reading)]
            if len(readings) != 1:
                return False
            for meter in readings[0].meters:
                for key, what in said(meter):
                    self.truth.setdefault(key, {}).setdefault(what, number)
        return True


def said(meter: Meter) -> Iterator[tuple[Key, object]]:
    """Yield the totals that a meter says with their times, and other numbers with a unit; no older readings."""
    slot = meter.profile.slot
    for channel_id, value in meter.channels.items():
        if not isinstance(value.value, Decimal) or HISTORY in channel_id:
            continue
        is_total = is_register(meter, channel_id)
        if is_total or value.unit is not None:
            yield (slot, channel_id), value.value
        if is_total and value.timestamp is not None:
            yield (slot, f"{channel_id} at"), value.timestamp


def is_register(meter: Meter, channel_id: str) -> bool:
    """Whether a channel of a meter is a total."""
    return is_total(meter.profile.channel_types[channel_id], meter.profile.role, meter.channels[channel_id].unit)


def is_sum(profile: MeterProfile, channel_id: str) -> bool:
    """Whether a channel follows from others."""
    return profile.sources[channel_id] is None


def simulated(model: Model, seed: int, start: datetime) -> TelegramBuilder:
    """Return a simulated meter in a household, every other one with solar panels."""
    household = Household(seed=seed, start=start, region=model.region, phases=model.phases, solar_peak=seed % 2 * 4000)
    kinds = {"dsmr42": "gas,water", "dsmr30": "gas,water,heating"}
    return TelegramBuilder.create(model, household, kinds.get(model.name))


def _captured(body: bytes, number: int) -> bytes:
    """Return a capture as it goes on: its energy rises."""

    def risen(found: re.Match[bytes]) -> bytes:
        return b"%0*d.%03d" % (len(found[1]), *divmod(int(found[1] + found[2]) + 3 * number, 1000))

    return _ENERGY.sub(risen, body)


def _time_of(body: bytes) -> datetime:
    """Return about when a capture was sent."""
    found = _CLOCK.search(body)
    if found is None:
        return datetime(2026, 11, 1, tzinfo=UTC)
    return datetime.strptime(f"{found[1].decode()}+0100", "%y%m%d%H%M%S%z").astimezone(UTC)


def sources(seed: int) -> list[Source]:
    """Return the streams of all models and captures."""
    found = []
    for model in MODELS.values():
        for start in STARTS:
            builder = simulated(model, seed, start)
            bodies = []
            for _ in range(LENGTH):
                builder.household.advance(10)
                bodies.append(builder.body())
            group = SEALED if model.authentication_key else CRC if model.has_crc else NONE
            groups = (NONE, PARITY) if group == NONE else (group,)
            found += [Source(model.name, name, 10, start, bodies) for name in groups]
    for path in sorted(_TELEGRAMS.glob("*.telegram")):
        body, _, end = path.read_bytes().rpartition(b"!")
        bodies = [_captured(body + b"!", number) for number in range(LENGTH)]
        groups = (CRC,) if end.strip() else (NONE, PARITY)
        found += [Source(path.stem, name, 10, _time_of(body), bodies) for name in groups]
    return [source for source in found if source.is_good]
