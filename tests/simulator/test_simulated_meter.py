"""The meter at a port: by hand, at its own pace, with faults and commands."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
import os
from pathlib import Path
import select
import threading
import time

import pytest

from simulator import (
    FAULTS,
    V2_SETTINGS,
    Household,
    Playback,
    PtyPort,
    SimulatedMeter,
    TelegramBuilder,
    crc16,
    encrypt,
    execute,
)

START = datetime(2026, 3, 1, 18, tzinfo=UTC)
BOUND = 20
"""Seconds that nothing here takes."""


@pytest.fixture
def port() -> Iterator[PtyPort]:
    with PtyPort() as port:
        yield port


def meter_of(
    port: PtyPort, name: str = "dsmr5", mbus: str | None = None, period: float | None = None
) -> SimulatedMeter:
    builder = TelegramBuilder.create(name, Household(seed=1, start=START), mbus)
    return SimulatedMeter(builder, port, period=period)


def read_until(descriptor: int, is_enough: Callable[[bytes], bool]) -> bytes:
    received = b""
    deadline = time.monotonic() + BOUND
    while not is_enough(received):
        assert time.monotonic() < deadline, received
        if select.select([descriptor], [], [], 0.1)[0]:
            received += os.read(descriptor, 4096)
    return received


def test_by_hand_nothing_runs_by_itself(port: PtyPort) -> None:
    threads = threading.active_count()
    meter = meter_of(port)
    descriptor = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    sent = meter.send_telegram()
    assert read_until(descriptor, lambda received: len(received) >= len(sent)) == sent
    assert meter.step() != sent
    assert meter.builder.household.now == START + timedelta(seconds=1)
    meter.advance(3600)
    assert meter.builder.household.now == START + timedelta(seconds=3601)
    assert threading.active_count() == threads
    os.close(descriptor)


@pytest.mark.parametrize("is_paced", [False, True])
def test_at_its_own_pace(port: PtyPort, *, is_paced: bool) -> None:
    builder = TelegramBuilder.create("dsmr5", Household(seed=1, start=START))
    descriptor = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    with SimulatedMeter(builder, port, period=0.2, speed=100_000, is_paced=is_paced):
        received = read_until(descriptor, lambda received: received.count(b"!") >= 3 and received.endswith(b"\r\n"))
    os.close(descriptor)
    assert received.count(b"/ISK5") == received.count(b"!")
    assert builder.household.now > START + timedelta(hours=1)
    assert threading.active_count() == 1 or all(thread.name != "simulated meter" for thread in threading.enumerate())


def test_the_port_follows_the_model(port: PtyPort) -> None:
    meter = meter_of(port, "dsmr22")
    assert port.settings == V2_SETTINGS
    assert meter.period == 10
    execute(meter, "upgrade dsmr42")
    execute(meter, "upgrade dsmr5")
    assert meter.period == 1
    assert str(port.settings) == "115200 8N1"
    assert b"1-3:0.2.8(50)" in meter.compose()
    execute(meter, "period 3")
    assert meter.period == 3
    execute(meter, "speed 60")
    meter.step()
    assert meter.builder.household.now == START + timedelta(seconds=180)


def test_what_is_scheduled_happens_in_the_household(port: PtyPort) -> None:
    meter = meter_of(port, "dsmr22")
    execute(meter, "in 7200 upgrade dsmr5")
    execute(meter, "in 3600 upgrade dsmr42")
    meter.advance(3599)
    assert meter.builder.model.name == "dsmr22"
    meter.advance(1)
    assert meter.builder.model.name == "dsmr42"
    meter.advance(86_400)
    assert meter.builder.model.name == "dsmr5"


def test_a_replaced_meter_starts_again(port: PtyPort) -> None:
    meter = meter_of(port)
    old = meter.builder.identifier
    old_gas = meter.builder.slots[0].identifier
    execute(meter, "replace")
    assert meter.builder.identifier != old
    assert b"1-0:1.8.1(000000.000*kWh)" in meter.compose()
    execute(meter, "replace main 12.5")
    assert b"1-0:1.8.1(000012.500*kWh)" in meter.compose()
    execute(meter, "replace gas 7.25")
    assert meter.builder.slots[0].identifier != old_gas
    assert b"(00007.250*m3)" in meter.compose()
    meter.advance(2 * 86_400)
    assert b"(00007.250*m3)" not in meter.compose()


def test_an_unregistered_meter_can_become_registered(port: PtyPort) -> None:
    meter = meter_of(port, mbus="gas:unregistered,water")
    assert b"0-1:24.2.1" not in meter.compose()
    execute(meter, "register 1")
    assert b"(00000.000*m3)" in meter.compose()
    execute(meter, "unregister gas")
    assert b"0-1:24.2.1" not in meter.compose()


def test_clocks_can_be_wrong(port: PtyPort) -> None:
    meter = meter_of(port)
    assert b"(260301190000W)" in meter.compose()
    execute(meter, "clock 90")
    assert b"0-0:1.0.0(260301190130W)" in meter.compose()
    execute(meter, "clock right")
    execute(meter, "clock frozen")
    meter.advance(60)
    assert b"0-0:1.0.0(260301190000W)" in meter.compose()
    assert execute(meter, "clock default") == "the clock was never set"
    assert b"0-0:1.0.0(000101000000W)" in meter.compose()
    execute(meter, "clock right")
    assert b"0-0:1.0.0(260301190100W)" in meter.compose()


def test_cables_and_words(port: PtyPort, tmp_path: Path) -> None:
    meter = meter_of(port)
    assert "read by nobody" in execute(meter, "status")
    execute(meter, "unplug")
    assert execute(meter, "status").startswith("unplugged")
    assert execute(meter, f"replug {tmp_path / 'p1'}") == f"plugged in at {tmp_path / 'p1'}"
    execute(meter, "text Hello there")
    assert b"0-0:96.13.0(48656C6C6F207468657265)" in meter.compose()
    assert "unplug" in execute(meter, "help")


def test_a_cable_comes_back_and_silence_ends(port: PtyPort) -> None:
    meter = meter_of(port, period=0.05)
    with meter:
        execute(meter, "unplug 0.1")
        deadline = time.monotonic() + BOUND
        while not port.is_plugged:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        execute(meter, "silence 1000")
        descriptor = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
        assert not select.select([descriptor], [], [], 0.3)[0]
        execute(meter, "silence 0")
        assert b"/ISK5" in read_until(descriptor, lambda received: b"!" in received)
        os.close(descriptor)


@pytest.mark.parametrize(
    "command",
    [
        "dance",
        "noise a lot",
        "flips x",
        "silence",
        "upgrade dsmr9",
        "replace oil",
        "register",
        "clock",
        "in 5",
        "unplug x",
    ],
)
def test_nonsense_is_refused(port: PtyPort, command: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        execute(meter_of(port), command)


def test_captures_know_no_household() -> None:
    with PtyPort() as port:
        meter = SimulatedMeter(Playback([b"/X\r\n!\r\n"]), port)
        assert port.settings is None
        assert meter.period == 10
        meter.advance(5)
        assert meter.compose() == b"/X\r\n!\r\n"
        with pytest.raises(ValueError, match="captures"):
            execute(meter, "replace")


def test_captures_are_played_in_a_loop() -> None:
    first, second, frame = b"/A\r\n\r\n1-0:1.8.0(1*kWh)\r\n!ABCD\r\n", b"noise/B\r\n!\r\n", encrypt(b"/C\r\n!0000\r\n")
    playback = Playback([first + second + frame, b"/unfinished"])
    played = [playback.telegram() for _ in range(5)]
    assert played == [first, second, frame, b"/unfinished", first]
    with pytest.raises(ValueError, match="nothing"):
        Playback([b""])


def body_and_crc(telegram: bytes) -> tuple[bytes, bytes]:
    head, mark, crc = telegram.rpartition(b"!")
    return head + mark, crc


@pytest.mark.parametrize("name", FAULTS)
def test_faults_can_be_switched_and_repeated(port: PtyPort, name: str) -> None:
    meters = [meter_of(port), meter_of(port)]
    clean = meters[0].compose()
    spoiled = []
    for meter in meters:
        assert execute(meter, name) == f"{name} is on"
        spoiled.append([meter.compose() for _ in range(20)])
    assert spoiled[0] == spoiled[1]
    if name != "unpadded-crc":
        assert any(telegram != clean for telegram in spoiled[0])
    assert execute(meters[0], f"{name} off") == f"{name} is off"
    assert meters[0].compose() == clean


def test_faults_of_the_body_keep_the_crc_right(port: PtyPort) -> None:
    meter = meter_of(port)
    for name, trace in (("high-bytes", b"*m\xb3)"), ("double-line", b"1-0:1.8.1(9")):
        execute(meter, name)
        body, crc = body_and_crc(meter.compose())
        assert trace in body
        assert int(crc, 16) == crc16(body)


def test_faults_of_the_crc(port: PtyPort) -> None:
    meter = meter_of(port)
    body, right = body_and_crc(meter.compose())

    def crc_with(command: str) -> bytes:
        execute(meter, command)
        same_body, crc = body_and_crc(meter.compose())
        assert same_body == body
        execute(meter, f"{command} off")
        return crc

    assert int(crc_with("wrong-crc"), 16) != crc16(body)
    assert crc_with("no-crc") == b"\r\n"
    assert crc_with("lower-crc") == right.lower()
    assert int(crc_with("unpadded-crc"), 16) == crc16(body)
    assert crc_with("nul") == right.replace(b"\r\n", b"\0\r\n")
    execute(meter, "lf-only")
    assert b"\r" not in meter.compose()


def test_the_amount_of_a_fault_can_be_set(port: PtyPort) -> None:
    meter = meter_of(port)
    clean = meter.compose()
    execute(meter, "drops 1")
    assert meter.compose() == b""
    execute(meter, "drops 0")
    assert meter.compose() == clean
    execute(meter, "flips 1")
    assert all(before != after for before, after in zip(clean, meter.compose(), strict=True))


def test_a_telegram_without_crc_has_none_to_spoil(port: PtyPort) -> None:
    meter = meter_of(port, "dsmr22")
    clean = meter.compose()
    for name in ("wrong-crc", "unpadded-crc"):
        execute(meter, name)
        assert meter.compose() == clean
