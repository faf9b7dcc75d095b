"""Every single wrong bit of a telegram without checksum, on a port that is heard before and afterwards."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.dsmr_p1.p1 import Decoder, PortMemory, Reading
from custom_components.dsmr_p1.p1.meters.limits import is_total
from custom_components.dsmr_p1.p1.registers.guard import Guard
from simulator import V2_SETTINGS, transfer
from tests.p1.captures import DSMR22, DSMR30, load
from tests.p1.test_decoder import READ_AS_8N1

START = datetime(2026, 1, 12, 10, tzinfo=UTC)


class Port:
    """A port on which the same telegram comes all the time; what is shown of it, by slot and channel."""

    def __init__(self, *, only_totals: bool) -> None:
        memory = PortMemory()
        self.decoder, self.guard = Decoder(memory=memory), Guard(memory)
        self.only_totals = only_totals
        self.telegrams = 0

    def send(self, octets: bytes) -> list[dict[tuple[str, str], object]]:
        self.telegrams += 1
        seconds = 10.0 * self.telegrams
        readings = [
            self.guard.check(event, seconds, START + timedelta(seconds=seconds))
            for event in self.decoder.feed(octets, seconds)
            if isinstance(event, Reading)
        ]
        return [self.shown(reading) for reading in readings]

    def shown(self, reading: Reading) -> dict[tuple[str, str], object]:
        return {
            (meter.profile.slot, channel_id): value.value
            for meter in reading.meters
            for channel_id, value in meter.channels.items()
            if not self.only_totals or is_total(meter.profile.channel_types[channel_id], meter.profile.role, value.unit)
        }


@pytest.mark.parametrize(("capture", "has_parity"), [(DSMR22, False), (DSMR30, False), (DSMR30, True)])
def test_no_flipped_bit_makes_a_total_wrong_and_with_parity_none_makes_anything_wrong(
    capture: str, *, has_parity: bool
) -> None:
    good = transfer(load(capture), V2_SETTINGS, READ_AS_8N1) if has_parity else load(capture)
    port = Port(only_totals=not has_parity)
    expected: dict[tuple[str, str], object] = {}
    for _ in range(4):
        [*_, expected] = port.send(good) or [{}]
    assert any(slot == "electricity" for slot, _ in expected)
    shown = 0
    for place in range(1, len(good)):
        for bit in range(8 if has_parity else 7):
            flipped = bytearray(good)
            flipped[place] ^= 1 << bit
            for found in [*port.send(bytes(flipped)), *port.send(good)]:
                # A value that cannot be read is none; it is never another one.
                wrong = {key: value for key, value in found.items() if value is not None and value != expected.get(key)}
                assert not wrong, (place, bit)
                assert not has_parity or found == expected, (place, bit)
                shown += 1
    assert shown > 7 * len(good) * 0.9
