"""What may be shown of a port's registers: bytes go in, and what the guard lets through is looked at."""

from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
import json
from random import Random

import pytest

from custom_components.dsmr_p1.p1 import Decoder, Meter, MeterKind, PortMemory, Reading, Unit, channel_type
from custom_components.dsmr_p1.p1.cosem.values import CosemValue, Value
from custom_components.dsmr_p1.p1.meters.limits import limit_of
from custom_components.dsmr_p1.p1.registers.guard import Accepted, Begun, Guard, Held
from custom_components.dsmr_p1.p1.registers.hold import Hold
from custom_components.dsmr_p1.p1.registers.layout import SteadyLayout
from custom_components.dsmr_p1.p1.registers.register import Register
from custom_components.dsmr_p1.p1.registers.sight import Moment, Powers, Seen, Sight
from tests.p1.captures import CAPTURES, keys_of, load, telegram

START = datetime(2026, 1, 12, 10, tzinfo=UTC)
IMPORT = "emeter_delivery_tariff1"
TOTAL = "energy_import_total"
GAS = "m3meter_value"
# The largest connection of a household, in kWh.
MINUTE_OF_MOST = Decimal("0.920")


class Port:
    """A port whose meter says what a test lets it say, and the time that passes on it."""

    def __init__(self, *, has_crc: bool = True, period: float = 10.0) -> None:
        self.memory = PortMemory()
        self.decoder = Decoder(memory=self.memory)
        self.guard = Guard(self.memory)
        self.has_crc = has_crc
        self.period = period
        self.passed = 0.0
        self.clock_ahead = timedelta()
        self.identifier = "4530303031"
        self.low = self.high = Decimal("1000.000")
        self.power = Decimal("0.500")
        self.unit = "kWh"
        self.lines: tuple[str, ...] = ()
        self.has_registers = True
        self.gas: tuple[Decimal, datetime] | None = None
        self.reading: Reading | None = None
        self.raw: Reading | None = None

    @property
    def wall(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def octets(self) -> bytes:
        registers = enumerate((self.low, self.high) if self.has_registers else (), 1)
        lines = [
            "1-3:0.2.8(50)" if self.has_crc else "0-0:96.14.0(0001)",
            f"0-0:96.1.1({self.identifier})",
            *(f"1-0:1.8.{tariff}({register:010.3f}*{self.unit})" for tariff, register in registers),
            f"1-0:1.7.0({self.power:06.3f}*kW)",
            *self.lines,
        ]
        if self.has_crc:
            lines.insert(1, f"0-0:1.0.0({stamp(self.wall + self.clock_ahead)})")
        if self.gas is not None:
            value, time = self.gas
            lines += ["0-1:24.1.0(003)", f"0-1:24.2.1({stamp(time)})({value:09.3f}*m3)"]
        return telegram(*lines, has_crc=self.has_crc)

    def send(self, after: float | None = None) -> Reading:
        """Let time pass, and a telegram come."""
        self.passed += self.period if after is None else after
        [reading] = self.decoder.feed(self.octets())
        assert isinstance(reading, Reading)
        self.raw = reading
        self.reading = self.guard.check(reading, self.passed + 1000, self.wall)
        return self.reading

    def settle(self) -> None:
        """Let as many telegrams come as it takes until everything is shown."""
        for _ in range(3):
            self.send()
        self.guard.events()

    def value(self, channel_id: str = IMPORT, slot: str = "electricity") -> Value:
        assert self.reading is not None
        [meter] = [meter for meter in self.reading.meters if meter.profile.slot == slot]
        return meter.channels[channel_id].value

    def restart(self, *, down: float) -> None:
        """Let Home Assistant be restarted."""
        stored = json.loads(json.dumps(self.guard.as_dict()))
        self.passed += down
        self.decoder = Decoder(memory=self.memory)
        self.guard = Guard(self.memory)
        self.guard.restore(stored, self.passed + 1000, self.wall)


def stamp(time: datetime) -> str:
    return f"{time.astimezone(timezone(timedelta(hours=1))):%y%m%d%H%M%S}W"


@pytest.fixture
def port() -> Port:
    port = Port()
    port.settle()
    return port


def test_what_the_guard_has_not_seen_is_no_telegram_before(port: Port) -> None:
    port.low += 100
    port.passed += port.period
    assert port.decoder.feed(port.octets())
    port.power += 1
    port.send()
    assert port.value() == Decimal("1000.000")
    assert port.guard.held == 1


# A first total


def test_a_first_total_is_shown_when_a_second_telegram_agrees() -> None:
    port = Port()
    port.send()
    assert port.value() is None
    assert port.value(TOTAL) is None
    assert port.value("emeter_actual_delivery") == Decimal("0.500")
    port.send()
    assert port.value() == Decimal("1000.000")
    assert port.value(TOTAL) == 2000


def test_a_first_total_that_is_wrong_is_never_shown() -> None:
    port = Port()
    port.low = Decimal("999999.999")
    port.send()
    port.low = Decimal("1000.000")
    assert port.send() is not port.raw
    assert port.value() is None
    port.send()
    assert port.value() == 1000


# A rise


def test_a_reading_of_which_nothing_is_held_is_the_same_object(port: Port) -> None:
    port.low += MINUTE_OF_MOST
    assert port.send() is port.raw
    port.low += Decimal("0.001")
    assert port.send() is port.raw
    assert not port.guard.events()


@pytest.mark.parametrize("seconds", [1, 10, 90, 3600, 21 * 86400])
def test_a_total_rises_by_as_much_as_the_largest_connection_carries(port: Port, seconds: int) -> None:
    most = Decimal("55.2") * (seconds + 60) / 3600 + Decimal("0.001")
    before = port.low
    port.low = (before + most).quantize(Decimal("0.001")) + Decimal("0.001")
    port.send(seconds)
    assert port.value() == before
    again = Port()
    again.settle()
    again.low = (before + most).quantize(Decimal("0.001"), "ROUND_DOWN")
    again.send(seconds)
    assert again.value() == again.low


def test_time_without_a_change_counts_for_nothing(port: Port) -> None:
    for _ in range(360):
        port.send()
    before = port.low
    port.low += 10
    port.send()
    assert port.value() == before


@pytest.mark.parametrize("odd", ["0", "999999.999", "12513", "2011.1"])
def test_an_odd_reading_is_held_and_the_last_good_one_shown(port: Port, odd: str) -> None:
    port.low = Decimal(odd)
    port.send()
    assert (port.value(), port.value(TOTAL)) == (Decimal(1000), Decimal(2000))
    [event] = port.guard.events()
    assert isinstance(event, Held)
    assert (event.channel_id, event.odd.value, event.shown.value) == (IMPORT, Decimal(odd), Decimal(1000))
    assert port.guard.holding == {"electricity": [IMPORT]}
    port.low = Decimal("1000.010")
    assert port.send() is port.raw
    assert port.value(TOTAL) == Decimal("2000.010")
    assert (port.guard.held, port.guard.accepted, port.guard.holding) == (1, 0, {})


# What is held, and for how long


def accepted(port: Port) -> list[Accepted]:
    return [event for event in port.guard.events() if isinstance(event, Accepted) and not event.is_derived]


def test_a_reading_that_stands_for_five_minutes_is_believed(port: Port) -> None:
    port.low = Decimal(500)
    for _ in range(30):
        port.send()
        assert port.value() == 1000
        port.low += Decimal("0.001")
    port.send()
    assert port.value() == port.low
    assert port.value(TOTAL) == port.low + 1000
    _, event, total = port.guard.events()
    assert isinstance(event, Accepted)
    assert (event.slot, event.channel_id, event.is_derived) == ("electricity", IMPORT, False)
    assert (event.before.value, event.after.value) == (Decimal(1000), port.low)
    assert isinstance(total, Accepted)
    assert (total.channel_id, total.is_derived) == (TOTAL, True)
    assert (total.before.value, total.after.value) == (Decimal(2000), port.low + 1000)
    assert port.guard.accepted == 1
    port.low += Decimal("0.001")
    assert port.send() is port.raw


def test_a_step_of_a_total_is_told_after_telegrams_without_registers(port: Port) -> None:
    port.low = Decimal(500)
    for _ in range(5):
        port.send(50)
        port.low += Decimal("0.001")
    port.has_registers = False
    for _ in range(2):
        port.send()
    port.has_registers = True
    port.send(400)
    assert port.value(TOTAL) == port.low + 1000
    told = [event.channel_id for event in port.guard.events() if isinstance(event, Accepted)]
    assert told == [IMPORT, TOTAL]


def test_three_telegrams_must_agree_with_it(port: Port) -> None:
    port.low = Decimal(500)
    shown: list[object] = []
    for _ in range(4):
        port.send(200)
        shown.append(port.value())
    assert shown == [1000, 1000, 1000, 500]


def test_nothing_is_held_for_longer_than_fifteen_minutes(port: Port) -> None:
    values = [port.low]
    for number in range(91):
        port.low = Decimal(900 - 10 * (number % 2) + number)
        port.send()
        values.append(Decimal(str(port.value())))
    assert values[:-1] == [Decimal(1000)] * 91
    assert values[-1] == port.low
    assert len(accepted(port)) == 1


def test_a_good_reading_between_odd_ones_begins_the_waiting_anew(port: Port) -> None:
    for _ in range(25):
        port.low = Decimal(500)
        port.send(20)
        port.low = Decimal(1000)
        port.send(20)
        assert port.value() == 1000
    assert not accepted(port)


def test_a_power_that_was_measured_raises_the_limit(port: Port) -> None:
    """A connection of 200 kW whose meter tells no power, asked every five minutes."""
    held = 0
    for _ in range(12):
        port.low += Decimal("16.667")
        port.send(300)
        held += port.value() != port.low
    assert held == 3
    assert len(accepted(port)) == 1


def test_true_zeros_pass() -> None:
    port = Port()
    port.low = port.high = Decimal(0)
    port.settle()
    for _ in range(3):
        assert port.send() is port.raw
        assert port.value(TOTAL) == 0


@pytest.mark.parametrize(
    ("line", "channel_id", "slot"),
    [
        ("1-0:1.8.77({}*kWh)", "obis_1_0_1_8_77", "electricity"),
        ("0-1:24.9.1({}*m3)", "obis_0_n_24_9_1", "mbus_1"),
    ],
)
def test_a_total_that_the_catalog_does_not_know_is_held(line: str, channel_id: str, slot: str) -> None:
    port = gas_port()
    shown: list[object] = []
    for number in ("00500.000", "00500.000", "99999.999", "00000.000", "00500.001"):
        port.lines = (line.format(number),)
        port.send()
        shown.append(port.value(channel_id, slot))
    assert shown == [None, 500, 500, 500, Decimal("500.001")]


@pytest.mark.parametrize(
    ("line", "channel_id"),
    [
        ("1-0:1.29.0({}*kWh)", "obis_1_0_1_29_0"),
        ("1-0:16.8.77({}*kWh)", "obis_1_0_16_8_77"),
        ("1-0:71.9.0({}*A)", "obis_1_0_71_9_0"),
    ],
    ids=["period", "balance", "current"],
)
def test_what_is_no_total_and_not_known_shows_at_once(line: str, channel_id: str) -> None:
    port = Port()
    for number in ("500.000", "999.999", "000.000"):
        port.lines = (line.format(number),)
        port.send()
        assert port.value(channel_id) == Decimal(number)


def test_an_earlier_reading_that_the_catalog_does_not_know_is_no_total() -> None:
    port = Port()
    for number in (500, 0):
        port.lines = (f"1-0:1.8.77(260111000000W)({number}*kWh)", "1-0:1.8.77(260112000000W)(600*kWh)")
        port.send()
        assert port.value("obis_1_0_1_8_77_history0") == number


# What else allows a rise


@pytest.mark.parametrize(
    ("line", "kilowatts"),
    [
        ("0-0:17.0.0(100.0*kW)", 100),
        ("0-0:17.0.0(100.0*kVA)", 100),
        ("0-0:17.0.0(0200.00*A)", 138),
        ("0-0:17.0.0(999.9*kW)", Decimal("55.2")),
        ("1-0:31.4.0(200*A)", 138),
    ],
)
def test_what_the_meter_says_of_its_connection_raises_the_limit(line: str, kilowatts: Decimal) -> None:
    port = Port()
    port.lines = (line,)
    port.settle()
    before = port.low
    port.low = (before + Decimal(kilowatts) * 360 / 3600).quantize(Decimal("0.001"), "ROUND_DOWN")
    port.send(300)
    assert port.value() == port.low
    port.low += (Decimal(kilowatts) * 360 / 3600).quantize(Decimal("0.001")) + Decimal("0.010")
    port.send(300)
    assert port.value() != port.low


def test_a_power_that_a_total_bears_out_is_remembered() -> None:
    port = Port()
    port.power = Decimal(99)
    port.settle()
    for _ in range(20):
        port.low += Decimal("0.275")
        assert port.send() is port.raw
    port.power = Decimal(0)
    port.send()
    port.low += Decimal("0.275")
    port.restart(down=3600)
    port.low += 190
    port.send()
    assert port.value() == port.low


def test_a_power_allows_nothing_before_a_total_bears_it_out() -> None:
    port = Port()
    port.power = Decimal(900)
    port.settle()
    port.send(60)
    before = port.low
    port.low += 20
    port.send()
    assert port.value() == before


def test_a_connection_of_megawatts_is_shown_once_a_minute_bears_its_power_out() -> None:
    port = Port()
    port.power = Decimal("97.000")
    port.lines = ("1-0:21.7.0(9700.0*kW)",)
    shown: list[object] = []
    for _ in range(9):
        port.low += 27
        port.send()
        shown.append(port.value())
    assert shown == [None] * 6 + [1189, 1216, 1243]
    port.low += 27 * 360
    port.send(3600)
    assert port.value() == port.low


def test_a_power_that_no_total_bears_out_is_not_remembered(port: Port) -> None:
    port.power = Decimal(99)
    for _ in range(20):
        port.send()
    port.power = Decimal(0)
    port.send()
    port.send()
    before = port.low
    port.low += Decimal(99) * 360 / 3600
    port.send(300)
    assert port.value() == before


# Readings with a time of their own


def gas_port() -> Port:
    port = Port()
    port.gas = Decimal("2785.000"), START
    port.settle()
    return port


def gas_times(port: Port, every: timedelta, times: int, rise: str) -> Iterator[Value]:
    """Let the gas meter be read now and then, with many telegrams between."""
    for _ in range(times):
        assert port.gas is not None
        port.gas = port.gas[0] + Decimal(rise), port.gas[1] + every
        for _ in range(4):
            port.send(every.total_seconds() / 4)
        yield port.value(GAS, "mbus_1")


@pytest.mark.parametrize("odd", ["0", "99999.999"])
def test_one_odd_reading_of_gas_is_never_shown(odd: str) -> None:
    port = gas_port()
    port.gas = Decimal(odd), START + timedelta(hours=1)
    for _ in range(360):
        port.send()
        assert port.value(GAS, "mbus_1") == 2785
        assert port.reading is not None
        gas = port.reading.meters[-1].channels
        assert gas[GAS].timestamp == gas[f"{GAS}_timestamp"].value == START
    port.gas = Decimal("2785.500"), START + timedelta(hours=2)
    assert port.send() is port.raw


def test_gas_is_believed_after_two_readings_with_new_times() -> None:
    port = gas_port()
    port.gas = Decimal(100), START
    assert list(gas_times(port, timedelta(hours=1), 4, "0.5")) == [2785, 2785, Decimal("101.500"), Decimal("102.000")]
    [event] = accepted(port)
    assert (event.slot, event.before.value, event.after.value) == ("mbus_1", Decimal(2785), Decimal("101.500"))


def test_the_place_of_a_meter_that_has_moved_is_for_another_one() -> None:
    port = Port()
    gas = "0-{0}:24.1.0(003)", "0-{0}:96.1.0(3030303032)", "0-{0}:24.2.1({1})(00010.000*m3)"
    port.lines = tuple(line.format(1, stamp(START)) for line in gas)
    port.settle()
    heat = "0-1:24.1.0(004)", f"0-1:24.2.1({stamp(START)})(00020.000*GJ)"
    port.lines = *heat, *(line.format(2, stamp(START)) for line in gas)
    for shown in (None, 20, 20):
        port.send()
        assert port.value(GAS, "mbus_2") == 10
        assert port.value("gjmeter_value_v4", "mbus_1") == shown


def test_gas_rises_by_what_the_time_between_its_readings_allows() -> None:
    port = gas_port()
    port.gas = Decimal("2785.000") + 40, START + timedelta(hours=1)
    port.send(30)
    assert port.value(GAS, "mbus_1") == 2825
    port.gas = Decimal("2825.000") + 41, START + timedelta(hours=2)
    port.send(3600)
    assert port.value(GAS, "mbus_1") == 2825


@pytest.mark.parametrize(
    "time",
    [
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(2036, 2, 7, tzinfo=UTC),
        START + timedelta(days=365),
        START - timedelta(hours=1),
    ],
)
def test_a_time_that_cannot_be_is_not_shown(time: datetime) -> None:
    port = gas_port()
    port.gas = Decimal("2785.100"), time
    for _ in range(3):
        port.send()
        assert port.reading is not None
        gas = port.reading.meters[-1].channels
        assert gas[GAS].timestamp == gas[f"{GAS}_timestamp"].value == START
    assert port.value(GAS, "mbus_1") == Decimal("2785.100")


def test_a_clock_that_was_set_back_is_believed_after_two_newer_readings() -> None:
    port = gas_port()
    port.gas = Decimal("2785.000"), START - timedelta(days=3)
    times = []
    for value in gas_times(port, timedelta(hours=1), 4, "0.5"):
        assert value is not None
        assert port.reading is not None
        times.append(port.reading.meters[-1].channels[GAS].timestamp)
    assert times[:2] == [START, START]
    assert times[2:] == [START - timedelta(days=3) + timedelta(hours=hours) for hours in (3, 4)]


def test_the_time_of_a_meter_that_stands_still_comes_back_after_one_that_was_wrong() -> None:
    port = gas_port()
    port.gas = Decimal("2785.000"), START + timedelta(minutes=30)
    port.send()
    port.gas = Decimal("2785.000"), START
    shown = []
    for _ in range(4):
        port.send(86400)
        assert port.reading is not None
        shown.append(port.reading.meters[-1].channels[GAS].timestamp)
    assert shown == [*[START + timedelta(minutes=30)] * 3, START]


def test_an_old_reading_that_claims_to_be_a_year_newer_keeps_its_time() -> None:
    port = Port()
    old = START - timedelta(days=1000)
    port.gas = Decimal(100), old
    port.settle()
    port.gas = Decimal(100), old + timedelta(days=365)
    port.send()
    assert port.reading is not None
    assert port.reading.meters[-1].channels[GAS].timestamp == old
    # A meter that is heard again after years is believed at once.
    port.gas = Decimal("100.001"), START
    port.send()
    assert port.reading.meters[-1].channels[GAS].timestamp == START


def test_a_clock_that_has_always_been_ahead_is_the_meters_time() -> None:
    port = Port()
    port.clock_ahead = timedelta(days=400)
    port.gas = Decimal(100), START + port.clock_ahead
    port.settle()
    assert port.reading is not None
    assert port.reading.meters[-1].channels[GAS].timestamp == START + port.clock_ahead


# Other meters and other units


def test_another_meter_begins_anew_and_the_old_one_is_not_forgotten(port: Port) -> None:
    port.low, port.identifier = Decimal(3), "4530303032"
    port.send()
    assert port.value() is None
    port.send()
    assert port.value() == 3
    port.low, port.identifier = Decimal("1000.001"), "4530303031"
    assert port.send() is port.raw
    port.low, port.identifier = Decimal("3.001"), "4530303032"
    port.send()
    port.send()
    assert port.value() == port.low
    assert all(isinstance(event, Begun) for event in port.guard.events())


def test_a_total_goes_on_in_another_unit(port: Port) -> None:
    port.low, port.high, port.unit = Decimal(1000010), Decimal(1000000), "Wh"
    assert port.send() is port.raw
    port.low = Decimal(2000000)
    port.send()
    assert port.value() == 1000010


def test_a_total_that_is_missing_goes_on_where_it_was(port: Port) -> None:
    octets = port.octets

    def without() -> bytes:
        return octets().replace(b"1-0:1.8.1(001000.000*kWh)\r\n", b"")

    text = without()
    body = text[: text.rindex(b"!")]
    [reading] = port.decoder.feed(telegram(*body.decode().split("\r\n")[2:-1]))
    assert isinstance(reading, Reading)
    port.guard.check(reading, port.passed + 1010, port.wall)
    port.low = Decimal(2000)
    port.send()
    assert port.value() == 1000


# A restart


def test_the_last_good_reading_outlives_a_restart(port: Port) -> None:
    before = port.low
    port.low += Decimal("55.2")
    port.restart(down=3600)
    port.send()
    assert port.value() == port.low
    port.low = Decimal(0)
    port.restart(down=60)
    port.send()
    assert port.value() == before + Decimal("55.2")


def test_the_meters_clock_counts_where_the_one_here_stood_still(port: Port) -> None:
    stored = json.loads(json.dumps(port.guard.as_dict()))
    port.guard = Guard(port.memory)
    port.guard.restore(stored, 5.0, port.wall)
    port.low += 50
    port.clock_ahead = timedelta(hours=1)
    port.send()
    assert port.value() == port.low


def test_a_first_total_does_not_agree_with_one_in_another_unit() -> None:
    port = Port()
    shown = []
    for unit in ("Wh", "kWh", "kWh"):
        port.unit = unit
        port.send()
        shown.append(port.value())
    assert shown == [None, None, 1000]


@pytest.mark.parametrize("lines", [(), ("1-0:99.97.0(0)(0-0:96.7.19)",)], ids=["same form", "another form"])
@pytest.mark.parametrize("unit", ["Wh", "MWh"])
def test_a_total_in_another_unit_is_held_where_that_does_not_fit(port: Port, unit: str, lines: tuple[str, ...]) -> None:
    port.low += Decimal("0.001")
    port.send()
    port.unit, port.lines = unit, lines
    port.send()
    shown = port.value()
    assert isinstance(shown, Decimal)
    assert shown * (1000 if unit == "MWh" else Decimal("0.001")) == port.low


# Meters without checksum


def old_port() -> Port:
    port = Port(has_crc=False)
    port.settle()
    return port


def test_without_checksum_a_total_is_shown_when_the_next_telegram_agrees() -> None:
    port = old_port()
    shown: list[object] = []
    for rise in ("0.1", "0.1", "0", "0"):
        port.low += Decimal(rise)
        port.send()
        shown.append(port.value())
    assert shown == [Decimal(text) for text in ("1000", "1000.1", "1000.2", "1000.2")]


@pytest.mark.parametrize("odd", ["1000.080", "0", "9000.000", "1000.001"])
def test_without_checksum_one_wrong_total_is_never_shown(odd: str) -> None:
    port = old_port()
    port.low = Decimal(odd)
    port.send()
    assert port.value() == 1000
    port.low = Decimal(1000)
    for _ in range(3):
        port.send()
        assert port.value() == 1000


def test_without_checksum_power_shows_at_once() -> None:
    port = old_port()
    port.power = Decimal("3.21")
    port.send()
    assert port.value("emeter_actual_delivery") == port.power


def test_without_checksum_a_channel_that_is_new_needs_three_telegrams() -> None:
    port = old_port()
    port.lines = ("1-0:32.7.0(230.0*V)",)
    shown: list[object] = []
    for _ in range(3):
        port.send()
        assert port.reading is not None
        shown.append("emeter_instant_voltage_l1" in port.reading.meters[-1].channels)
    assert shown == [False, False, True]


def test_without_checksum_what_is_missing_stays_for_three_telegrams() -> None:
    port = Port(has_crc=False)
    port.lines = ("1-0:32.7.0(230.0*V)",)
    port.settle()
    port.lines = ()
    shown: list[object] = []
    for _ in range(3):
        port.low += Decimal("0.1")
        port.send()
        assert port.reading is not None
        shown.append("emeter_instant_voltage_l1" in port.reading.meters[-1].channels)
    assert shown == [True, True, False]
    assert port.value(TOTAL) == Decimal("2000.2")


def test_without_checksum_a_meter_that_is_missing_stays_for_three_telegrams() -> None:
    port = Port(has_crc=False)
    port.gas = Decimal("5.000"), START
    port.settle()
    port.gas = None
    # The first time it is missing the telegram itself is not believed.
    assert not isinstance(port.decoder.feed(port.octets())[0], Reading)
    shown: list[object] = []
    for _ in range(3):
        port.low += Decimal("0.1")
        port.send()
        assert port.reading is not None
        shown.append(len(port.reading.meters))
    assert shown == [3, 3, 2]


# No false alarm, and no exception


@pytest.mark.parametrize("name", list(CAPTURES))
def test_nothing_of_a_capture_is_held(name: str) -> None:
    memory = PortMemory()
    decoder, guard = Decoder(keys_of(name), memory), Guard(memory)
    for number in range(6):
        for reading in decoder.feed(load(name)):
            if isinstance(reading, Reading):
                shown = guard.check(reading, number * 10.0, START + timedelta(days=3650))
                if number > 1:
                    assert [*shown.meters] == [*reading.meters]
    assert all(isinstance(event, Begun) for event in guard.events())
    json.dumps(guard.as_dict())


@pytest.mark.parametrize(
    ("kilowatts", "unit", "size"), [(55, "kWh", 1), (62, "kWh", 1), (77, "kWh", 1), (9700, "MWh", 1000)]
)
def test_a_large_connection_is_never_held(kilowatts: int, unit: str, size: int) -> None:
    port = Port()
    port.power, port.unit = Decimal(kilowatts), unit
    numbers = Random(1)
    exact = float(port.low)
    for number in range(600):
        # What is measured is believed once a total has risen by it for a minute.
        seconds = numbers.choice((1, 10, 300, 3600, 21 * 86400)) if number > 10 else 10
        exact += kilowatts / size * seconds / 3600
        port.low = Decimal(f"{exact % 900_000:.3f}") if exact < 900_000 else port.low
        port.send(seconds)
    assert not [event for event in port.guard.events() if not isinstance(event, Begun)]


def test_a_household_is_never_held() -> None:
    """Telegrams that come late, gaps of up to three weeks, and gas once a day."""
    numbers = Random(2)
    port = Port()
    port.gas = Decimal("2785.000"), START
    for number in range(3000):
        seconds = numbers.choice((1, 10, 10, 60, 600, 86400, 21 * 86400)) if number > 2 else 10
        late = numbers.uniform(0, min(60, seconds - 1))
        port.low += Decimal(f"{numbers.uniform(0, 17) * seconds / 3600:.3f}") if port.low < 900_000 else 0
        value, time = port.gas
        days = int((port.wall - time) / timedelta(days=1))
        if days and value < 90_000:
            port.gas = value + Decimal(f"{numbers.uniform(0, 40) * days:.3f}"), time + timedelta(days=days)
        port.send(seconds - late)
    assert not [event for event in port.guard.events() if not isinstance(event, Begun)]


# What few meters send


def test_a_total_without_a_number_shows_none_and_goes_on() -> None:
    port = Port()
    port.lines = ("1-0:2.8.1(000100.000*kWh)",)
    port.settle()
    port.lines = ("1-0:2.8.1()",)
    port.send()
    assert port.value("emeter_production_tariff1") is None
    port.lines = ("1-0:2.8.1(999999.999*kWh)",)
    port.send()
    assert port.value("emeter_production_tariff1") == 100
    port.lines = ("1-0:2.8.1(000100.001*kWh)",)
    port.send()
    assert port.value("emeter_production_tariff1") == Decimal("100.001")


def test_a_power_without_a_number_allows_no_rise() -> None:
    port = Port()
    port.lines = ("1-0:2.7.0()",)
    port.settle()
    port.low += 100
    port.send()
    assert port.value() == 1000


def test_a_total_in_a_unit_without_limit_may_rise_and_not_fall() -> None:
    assert limit_of(channel_type(IMPORT), MeterKind.ELECTRICITY, Unit.VOLT) is None
    register = Register()
    shown: list[object] = []
    for number in (5, 5, 90000, *[3] * 5):
        wall = START + timedelta(minutes=4 * len(shown))
        now = Seen(240.0 * len(shown), wall, None)
        moment = Moment(now, now, wall + timedelta(hours=1), True, False, lambda: Powers(0.0, 0.0))
        shown.append(register.follow(CosemValue("", Decimal(number)), moment).value)
    assert shown == [None, 5, 90000, *[90000] * 3, *[3] * 2]


def test_a_held_reading_that_gets_a_time_of_its_own_is_confirmed_by_times() -> None:
    def sight(hours: int | None) -> Sight:
        time = None if hours is None else START + timedelta(hours=hours)
        return Sight(CosemValue("", Decimal(5), None, time), Seen(0.0, START, None))

    hold = Hold(sight(None), 0.0, is_timed=True)
    for hours in (1, 1, 2):
        hold.add(sight(hours), agrees=True)
        assert not hold.is_over(0.0)
    hold.add(sight(3), agrees=True)
    assert hold.is_over(0.0)


def test_a_layout_that_is_made_anew_is_the_same_layout() -> None:
    port = Port(has_crc=False)
    port.settle()
    assert port.raw is not None
    layout = SteadyLayout()
    for _ in range(3):
        layout.follow(port.raw.meters)
    alike = tuple(Meter(copy(meter.profile), meter.channels) for meter in port.raw.meters)
    assert alike[0].profile is not port.raw.meters[0].profile
    assert layout.follow(alike) is alike
