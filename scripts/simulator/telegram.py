"""Telegrams: what a meter model sends about a household at one instant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from .crc import crc16
from .encryption import EXAMPLE_DECRYPTION_KEY, encrypt
from .household import Household, Snapshot
from .mbus import Slot, SlotState, invent_identifier, make_slots
from .models import Model, find_model
from .randomness import generator
from .region import Region


@dataclass(slots=True)
class Clock:
    """The clock of a meter, and what is wrong with it.

    `offset` is by how many seconds it is ahead, `frozen_at` the instant at which it stands still, `is_set` is false
    for a clock that was never set.
    """

    region: Region
    offset: int = 0
    frozen_at: datetime | None = None
    is_set: bool = True

    def shown(self, instant: datetime) -> datetime:
        """Return the instant that the clock shows."""
        return (self.frozen_at or instant) + timedelta(seconds=self.offset)

    def timestamp(self, instant: datetime) -> str:
        """Return the instant as YYMMDDhhmmssX."""
        return self.region.timestamp(self.shown(instant)) if self.is_set else "000101000000W"

    def plain_time(self, instant: datetime) -> str:
        """Return the instant as version 2 writes it."""
        return f"{self.region.local(self.shown(instant)):%y-%m-%d %H:%M:%S}"


def kilo(value: int) -> Decimal:
    """Return a whole number of thousandths exactly, in thousands: Wh as kWh."""
    return Decimal(value).scaleb(-3)


def hex_text(text: bytes) -> str:
    """Return text as meters send it: two hexadecimal digits for each character."""
    return text.hex().upper()


def seal(body: bytes, *, pads_crc: bool = True) -> bytes:
    """Return a telegram with its CRC: `body` goes from `/` up to and including `!`, or ends before the `!`."""
    if not body.endswith(b"!"):
        body += b"!"
    crc = crc16(body)
    return body + (f"{crc:04X}" if pads_crc else f"{crc:X}").encode() + b"\r\n"


def _by_number(region: Region, counts: tuple[int, int]) -> list[int]:
    """Return the total and the registers 1 to 4 of a country for the counts (low, normal)."""
    registers = [sum(counts), 0, 0, 0, 0]
    for number, count in zip(region.numbers, counts, strict=True):
        registers[number] = count
    return registers


def main_fields(model: Model, snapshot: Snapshot, identifier: str, clock: Clock) -> dict[str, object]:
    """Return what the lines of the main meter may name: energy in kWh and Wh, power in kW and W, and so on."""
    region = model.region
    registers = {
        "imported": _by_number(region, snapshot.imported),
        "exported": _by_number(region, snapshot.exported),
        "reactive_imported": _by_number(region, snapshot.reactive_imported),
        "reactive_exported": _by_number(region, snapshot.reactive_exported),
    }
    power = {
        "power_import": max(0, snapshot.net_power),
        "power_export": max(0, -snapshot.net_power),
        "reactive_import": max(0, snapshot.reactive_power),
        "reactive_export": max(0, -snapshot.reactive_power),
    }
    apparent = (snapshot.net_power**2 + snapshot.reactive_power**2) ** 0.5
    return {
        "now": clock.timestamp(snapshot.time),
        **_identity_fields(identifier),
        **{name: [kilo(count) for count in counts] for name, counts in registers.items()},
        **{f"{name}_wh": counts for name, counts in registers.items()},
        **{f"{name}_varh": counts for name, counts in registers.items()},
        **{name: kilo(watts) for name, watts in power.items()},
        **{f"{name}_w": watts for name, watts in power.items()},
        **{f"{name}_var": watts for name, watts in power.items()},
        "imported_plus_exported": kilo(sum(snapshot.imported) + sum(snapshot.exported)),
        "tariff": region.numbers[snapshot.tariff],
        "phase_import": [kilo(max(0, watts)) for watts in snapshot.power],
        "phase_export": [kilo(max(0, -watts)) for watts in snapshot.power],
        "voltage": [Decimal(voltage).scaleb(-1) for voltage in snapshot.voltage],
        "current": [kilo(current) for current in snapshot.current],
        "power_factor": abs(snapshot.net_power) / apparent if apparent else 1.0,
        "sags": snapshot.sags,
        "swells": snapshot.swells,
        "power_failures": snapshot.power_failures,
        "long_power_failures": snapshot.long_power_failures,
        "failure_log": _failure_log(snapshot, clock),
        "demand": kilo(snapshot.demand),
        "peak": kilo(snapshot.month_peak.power),
        "peak_time": clock.timestamp(snapshot.month_peak.time),
        "peak_history": _peak_history(snapshot, region),
    }


def slot_fields(slot: Slot, household: Household, interval: int, clock: Clock) -> dict[str, object]:
    """Return what the lines of an M-Bus slot may name."""
    reading = slot.reading(household, interval)
    return {
        "n": slot.channel,
        "type": slot.medium.device_type,
        **_identity_fields(slot.identifier),
        "unit": slot.medium.unit,
        "value": reading.amount,
        "compensated": reading.amount * Decimal("0.98"),
        "time": clock.timestamp(reading.time),
        "short_time": clock.timestamp(reading.time)[:12],
        "plain_time": clock.plain_time(reading.time),
    }


def _identity_fields(identifier: str) -> dict[str, str]:
    digits = "".join(filter(str.isdigit, identifier))
    return {
        "identifier": hex_text(identifier.encode()),
        "plain_identifier": identifier,
        "serial": digits[-11:],
        "ean": hex_text(f"5499999{digits[-11:]:0>11}".encode()),
    }


def _failure_log(snapshot: Snapshot, clock: Clock) -> str:
    entries = (f"({clock.region.timestamp(failure.end)})({failure.seconds:010d}*s)" for failure in snapshot.failure_log)
    return f"{len(snapshot.failure_log)})(0-0:96.7.19){''.join(entries)}".removesuffix(")")


def _peak_history(snapshot: Snapshot, region: Region) -> str:
    months = (
        f"({region.timestamp(month.end)})({region.timestamp(month.peak.time)})({kilo(month.peak.power):06.3f}*kW)"
        for month in snapshot.peak_history
    )
    return f"{len(snapshot.peak_history)})(1-0:1.6.0)(1-0:1.6.0){''.join(months)}".removesuffix(")")


@dataclass(slots=True)
class TelegramBuilder:
    """One main meter and its M-Bus: what it is, what it calls itself, and the keys it encrypts with.

    Everything may be changed between two telegrams, as time and technicians do.
    """

    model: Model
    household: Household
    slots: tuple[Slot, ...]
    identifier: str
    clock: Clock
    text: bytes = b""
    decryption_key: bytes = EXAMPLE_DECRYPTION_KEY
    authentication_key: bytes | None = None
    system_title: bytes = b"SIM\x00\x00\x00\x00\x01"
    frame_counter: int = 1
    extra_lines: list[str] = field(default_factory=list)

    @classmethod
    def create(cls, model: Model | str, household: Household, mbus: str | None = None) -> TelegramBuilder:
        """Return the meter of a model in a household; `mbus` as in `make_slots`, or None for the model's own."""
        if isinstance(model, str):
            model = find_model(model)
        slots = make_slots(model.mbus if mbus is None else mbus, household.seed, household.start)
        if model.slots is None and slots:
            raise ValueError(f"{model.name} has no M-Bus")
        number = generator(household.seed, "identifier").randrange(10**9)
        return cls(
            model,
            household,
            slots,
            invent_identifier(model.identifier_prefix, number),
            Clock(model.region),
            system_title=b"SIM\x00" + (number % 2**32).to_bytes(4),
        )

    def body(self) -> bytes:
        """Return the telegram from `/` to `!`."""
        blank = ("",) if self.model.blank_line else ()
        lines = (f"/{self.model.identification}", *blank, *self._main_lines(), *self._slot_lines(), *self.extra_lines)
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"!"

    def plain(self) -> bytes:
        """Return the telegram as the meter sends it before encryption."""
        return self.finish(self.body())

    def finish(self, body: bytes) -> bytes:
        """Return a body with what follows its `!`: a CRC, where the model has one, and the end of the line."""
        if self.model.has_crc:
            return seal(body, pads_crc=self.model.pads_crc)
        return body + b"\r\n"

    def envelop(self, telegram: bytes) -> bytes:
        """Return what goes onto the line: the telegram, encrypted if the model does so. The frame counter rises."""
        if self.model.authentication_key is None:
            return telegram
        self.frame_counter += 1
        return encrypt(
            telegram,
            decryption_key=self.decryption_key,
            authentication_key=self.authentication_key or self.model.authentication_key,
            system_title=self.system_title,
            frame_counter=self.frame_counter,
        )

    def telegram(self) -> bytes:
        """Return the next telegram as it goes onto the line."""
        return self.envelop(self.plain())

    def _main_lines(self) -> Iterator[str]:
        fields = main_fields(self.model, self.household.snapshot(), self.identifier, self.clock)
        fields |= {"text": hex_text(self.text), "text_code": ""}
        for line in self.model.lines:
            yield line.format_map(fields)

    def _slot_lines(self) -> Iterator[str]:
        layout = self.model.slots
        if layout is None:
            return
        for slot in self.slots:
            fields = slot_fields(slot, self.household, layout.interval, self.clock)
            fields["n"] = layout.channels.get(slot.medium.kind, slot.channel)
            match slot.state:
                case SlotState.UNREGISTERED:
                    templates: Sequence[str] = layout.unregistered
                case SlotState.GHOST:
                    templates = layout.ghost
                case _:
                    templates = layout.lines.get(slot.medium.kind) or layout.lines.get("", ())
            for template in templates:
                if "{hour_" in template:
                    yield from self._hours(slot, template, fields)
                else:
                    yield template.format_map(fields)

    def _hours(self, slot: Slot, template: str, fields: Mapping[str, object]) -> Iterator[str]:
        """Yield a line for each of the last 24 hours, in the order of the clock: today's hours, then yesterday's."""
        newest = self.household.now.replace(minute=0, second=0)
        instants = [newest - timedelta(hours=hour) for hour in range(24)]
        for instant in sorted(instants, key=lambda instant: self.model.region.local(instant).hour):
            reading = slot.reading_at(self.household, instant)
            hour = {"hour_value": reading.amount, "hour_time": self.clock.plain_time(instant)}
            yield template.format_map({**fields, **hour})


def build_telegram(
    model: Model | str,
    household: Household,
    *,
    mbus: str | None = None,
    identifier: str | None = None,
    text: bytes = b"",
) -> bytes:
    """Return one plain telegram, with its CRC where the model has one, of a household as it is now."""
    builder = TelegramBuilder.create(model, household, mbus)
    builder.identifier = identifier or builder.identifier
    builder.text = text
    return builder.plain()
