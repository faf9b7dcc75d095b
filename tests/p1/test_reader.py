"""The reader: on pseudo terminals and network ports that behave and misbehave. Time is made short, never waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
import contextlib
import errno
from pathlib import Path
import time
from typing import Self

import pytest
import serialx

from custom_components.dsmr_p1.p1 import (
    Authentication,
    Keys,
    PortBusyError,
    PortError,
    PortFault,
    PortMemory,
    Reading,
    Rejected,
    RejectReason,
    SerialSettings,
    reader as reader_module,
    watchdog as watchdog_module,
)
from custom_components.dsmr_p1.p1.heard import Hint
from custom_components.dsmr_p1.p1.reader import P1Reader, PortEvent, PortFailed, PortOpened, Superseded
from simulator import (
    TELNET_GREETING,
    V2_SETTINGS,
    V4_SETTINGS,
    LineSettings,
    Parity,
    Port,
    PtyPort,
    Rfc2217Port,
    TcpPort,
    seal,
    serving,
)
from tests.p1.captures import DECRYPTION_KEY, DSMR5, DSMR22, SMARTY, load

DELAY = 0.01
TELEGRAM = load(DSMR5)


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "QUIET", 0.04)
    monkeypatch.setattr(reader_module, "LONGEST_DELAY", 4 * DELAY)


class Listener:
    """Takes the events of a reader in the background."""

    def __init__(self, reader: P1Reader) -> None:
        self.reader = reader
        self.events: list[PortEvent] = []
        self._stream = reader.events()
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._stream.aclose()

    async def _listen(self) -> None:
        async for event in self._stream:
            self.events.append(event)
            self._arrived.set()

    async def until(self, condition: Callable[[], bool], busy: Callable[[], object] = lambda: None) -> None:
        """Wait for a condition on the events, and do something again and again meanwhile."""
        async with asyncio.timeout(10):
            while not condition():
                busy()
                self._arrived.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._arrived.wait(), 0.02)

    def of[T: PortEvent](self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    async def opened(self, times: int = 1) -> None:
        await self.until(lambda: len(self.of(PortOpened)) >= times)

    async def readings(self, times: int, busy: Callable[[], object] = lambda: None) -> None:
        await self.until(lambda: len(self.of(Reading)) >= times, busy)


def reader_of(port: Port | str, **arguments: object) -> P1Reader:
    return P1Reader(port if isinstance(port, str) else port.path, first_delay=DELAY, **arguments)  # type: ignore[arg-type]


class Meter:
    """Sends a telegram again and again, with pauses; call it often."""

    def __init__(self, port: Port, octets: bytes, period: float = 0.15) -> None:
        self.port = port
        self.octets = octets
        self.period = period
        self._next = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next and self.port.reader_present():
            self._next = time.monotonic() + self.period
            self.port.write(self.octets)


@pytest.fixture
def pty() -> Iterator[PtyPort]:
    with PtyPort(V4_SETTINGS) as port:
        yield port


async def test_telegrams_of_a_serial_port(pty: PtyPort) -> None:
    reader = reader_of(pty)
    async with Listener(reader) as listener:
        await listener.opened()
        assert listener.of(PortOpened) == [PortOpened(SerialSettings(115200, 8, "N", 1))]
        await listener.readings(2, Meter(pty, TELEGRAM))
        reading = listener.of(Reading)[0]
        assert reading.meters[1].profile.type_id == "electricity_v5_0"
        assert (reader.heard.opened, reader.heard.failed, reader.heard.lost) == (1, 0, 0)
        assert reader.heard.telegrams >= 2
        assert reader.heard.octets >= 2 * len(TELEGRAM)
        assert reader.decoder.memory.sends_crc
        assert reader.decoder.last_encrypted is None
    assert not pty.reader_present()


async def test_what_is_known_of_the_port_is_used(pty: PtyPort) -> None:
    memory = PortMemory(sends_crc=True)
    reader = reader_of(pty, memory=memory)
    assert reader.decoder.memory is memory
    async with Listener(reader) as listener:
        await listener.opened()
        pty.write(load(DSMR22))
        await listener.until(lambda: bool(listener.of(Rejected)))
        assert listener.of(Rejected)[0].reason is RejectReason.CRC


async def test_port_that_somebody_else_opens() -> None:
    """It has no serial settings, is opened again when it is lost, and no error of opening ends it."""
    errors: list[Exception] = [PortError("not yet", PortFault.SWITCHED_OFF), RuntimeError("anything")]
    streams: list[asyncio.StreamReader] = []

    class Open:
        closed = 0

        def close(self) -> None:
            Open.closed += 1

        async def wait_closed(self) -> None:
            raise OSError

    async def opener() -> tuple[asyncio.StreamReader, Open]:
        if errors:
            raise errors.pop(0)
        streams.append(asyncio.StreamReader())
        streams[-1].feed_data(TELEGRAM)
        return streams[-1], Open()

    async with Listener(reader_of("somewhere://else", opener=opener)) as listener:
        await listener.readings(1)
        streams[0].set_exception(PortError("lost"))
        await listener.readings(2)
        assert listener.reader.settings is None
        assert Open.closed == 1
    faults = [(failed.error.fault, failed.was_open) for failed in listener.of(PortFailed)]
    assert faults == [(PortFault.SWITCHED_OFF, False), (PortFault.OTHER, False), (PortFault.OTHER, True)]
    assert Open.closed == len(streams) == 2


async def test_an_encrypted_port(pty: PtyPort) -> None:
    reader = reader_of(pty, keys=Keys(DECRYPTION_KEY))
    async with Listener(reader) as listener:
        await listener.opened()
        await listener.readings(1, Meter(pty, load(SMARTY)))
        assert listener.of(Reading)[0].authentication is Authentication.DEFAULT_KEY
        assert reader.decoder.last_encrypted is not None
        assert reader.heard.is_encrypted


async def test_an_encrypted_port_without_key(pty: PtyPort) -> None:
    reader = reader_of(pty)
    async with Listener(reader) as listener:
        await listener.opened()
        await listener.until(lambda: reader.heard.rejected[RejectReason.NO_KEY] >= 3, Meter(pty, load(SMARTY)))
        assert len(listener.of(PortOpened)) == 1


# Line settings.


async def test_a_meter_of_9600_baud_is_found() -> None:
    with PtyPort(V2_SETTINGS) as port:
        async with Listener(reader_of(port)) as listener:
            await listener.opened()
            meter = Meter(port, load(DSMR22))
            await listener.readings(1, meter)
            assert [str(event.settings) for event in listener.of(PortOpened)] == ["115200 8N1", "9600 8N1"]
            assert str(listener.reader.settings) == "9600 8N1"
            assert listener.reader.decoder.checks_parity
            before = len(listener.of(PortOpened))
            await listener.readings(3, meter)
            assert len(listener.of(PortOpened)) == before


async def test_where_the_parity_bit_is_taken_away_that_is_told() -> None:
    with PtyPort(V2_SETTINGS, reader_character=(7, Parity.EVEN)) as port:
        async with Listener(reader_of(port)) as listener:
            await listener.opened()
            before = listener.reader.decoder.checks_parity
            assert before is None
            await listener.readings(2, Meter(port, load(DSMR22)))
            assert listener.reader.decoder.checks_parity is False
            assert listener.of(Reading)[0].meters[1].profile.type_id == "electricity_v2_2"


async def test_settings_that_a_port_refuses_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    open_connection = serialx.open_serial_connection

    async def refuse(**arguments: object) -> object:
        if arguments["byte_size"] == 7:
            raise OSError(errno.EINVAL, "Invalid argument")
        return await open_connection(**arguments)

    monkeypatch.setattr(serialx, "open_serial_connection", refuse)
    with PtyPort(V4_SETTINGS) as port:
        async with Listener(reader_of(port)) as listener:
            await listener.opened()
            noise = Meter(port, b"\xf0\x0f\x8e" * 100, period=0.1)
            await listener.until(lambda: len(listener.of(PortOpened)) >= 3, noise)
            settings = [str(event.settings) for event in listener.of(PortOpened)[:3]]
            assert settings == ["115200 8N1", "9600 8N1", "115200 8E1"]


async def test_fixed_settings_are_used_and_never_left() -> None:
    fixed = SerialSettings(2400, 8, "N", 2)
    with PtyPort(LineSettings(2400, 8, Parity.NONE, 2)) as port:
        async with Listener(reader_of(port, settings=fixed)) as listener:
            await listener.opened()
            await listener.readings(1, Meter(port, TELEGRAM))
            for _ in range(5):
                port.write(b"noise" * 50)
                await asyncio.sleep(0.06)
            await listener.readings(2, Meter(port, TELEGRAM))
            assert listener.of(PortOpened) == [PortOpened(fixed)]


async def test_fixed_settings_that_the_port_refuses_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(**_arguments: object) -> object:
        raise ValueError("no such settings")

    monkeypatch.setattr(serialx, "open_serial_connection", refuse)
    async with Listener(reader_of("/dev/null", settings=SerialSettings(9600, 7, "O", 1.5))) as listener:
        await listener.until(lambda: len(listener.of(PortFailed)) >= 2)
        assert "no such settings" in str(listener.of(PortFailed)[0].error)


async def test_garbage_on_the_line_is_a_reason_for_other_settings(pty: PtyPort) -> None:
    async with Listener(reader_of(pty)) as listener:
        await listener.opened()
        noise = Meter(pty, b"\xf0\x0f\x8e" * 100, period=0.1)
        await listener.until(lambda: len(listener.of(PortOpened)) >= 4, noise)
        assert [str(event.settings) for event in listener.of(PortOpened)[:4]] == [
            "115200 8N1",
            "9600 8N1",
            "9600 7E1",
            "115200 8E1",
        ]


async def test_garbage_without_pause_is_a_reason_for_other_settings(pty: PtyPort) -> None:
    async with Listener(reader_of(pty)) as listener:
        await listener.opened()
        await listener.until(lambda: len(listener.of(PortOpened)) >= 2, lambda: pty.write(b"\xf0\x0f\x8e" * 300))


async def test_noise_does_not_change_settings_that_have_worked(pty: PtyPort) -> None:
    async with Listener(reader_of(pty)) as listener:
        await listener.opened()
        for number in range(4):
            await listener.readings(number + 1, Meter(pty, TELEGRAM))
            pty.write(b"\xff\x00" * 100)
            await asyncio.sleep(0.1)
        assert len(listener.of(PortOpened)) == 1


# Ports that go wrong.


async def test_a_port_that_does_not_exist(tmp_path: Path) -> None:
    reader = reader_of(str(tmp_path / "ttyUSB0"))
    async with Listener(reader) as listener:
        await listener.until(lambda: len(listener.of(PortFailed)) >= 3)
        failure = listener.of(PortFailed)[0]
        assert not failure.was_open
        assert type(failure.error) is PortError
        assert reader.heard.failed >= 3
        assert reader.heard.opened == 0


async def test_a_port_that_is_busy(pty: PtyPort) -> None:
    async with Listener(reader_of(pty)) as first:
        await first.opened()
        async with Listener(reader_of(pty)) as second:
            await second.until(lambda: bool(second.of(PortFailed)))
            assert isinstance(second.of(PortFailed)[0].error, PortBusyError)
    # The kernel gives the port free a moment after it is closed.
    async with Listener(reader_of(pty)) as third:
        await third.opened()


async def test_an_unplugged_port_comes_back(tmp_path: Path) -> None:
    with PtyPort(V4_SETTINGS, link=tmp_path / "ttyP1") as port:
        reader = reader_of(port)
        async with Listener(reader) as listener:
            await listener.opened()
            await listener.readings(1, Meter(port, TELEGRAM))
            port.unplug()
            await listener.until(lambda: len(listener.of(PortFailed)) >= 3)
            assert [failure.was_open for failure in listener.of(PortFailed)[:3]] == [True, False, False]
            assert reader.heard.lost == 1
            port.replug()
            seen = len(listener.of(Reading))
            await listener.readings(seen + 1, Meter(port, TELEGRAM))
            assert reader.heard.opened == 2


async def test_half_a_telegram_before_and_half_after_are_none(tmp_path: Path) -> None:
    with PtyPort(V4_SETTINGS, link=tmp_path / "ttyP1") as port:
        async with Listener(reader_of(port)) as listener:
            await listener.opened()
            port.write(TELEGRAM[:300])
            await asyncio.sleep(0.02)
            port.unplug()
            await listener.until(lambda: bool(listener.of(PortFailed)))
            port.replug()
            await listener.opened(2)
            port.write(TELEGRAM[300:])
            await asyncio.sleep(0.06)
            assert listener.of(Reading) == []
            await listener.readings(1, Meter(port, TELEGRAM))


async def test_a_silent_port_is_opened_anew(pty: PtyPort) -> None:
    async with Listener(reader_of(pty, silence=0.1)) as listener:
        await listener.opened(2)
        assert "no telegram" in str(listener.of(PortFailed)[0].error)
        assert listener.of(PortFailed)[0].was_open
        await listener.readings(1, Meter(pty, TELEGRAM, period=0.05))


async def test_a_lost_port_is_given_free_at_once(pty: PtyPort) -> None:
    """A device that comes back gets another name while somebody still holds the old one."""
    reader = P1Reader(pty.path, silence=0.05, first_delay=30)
    async with Listener(reader) as listener:
        await listener.opened()
        await listener.until(lambda: bool(listener.of(PortFailed)))
        await listener.until(lambda: not pty.reader_present())


async def test_tries_become_rarer() -> None:
    naps: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await sleep(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "sleep", nap)
        patch.setattr(reader_module, "LONGEST_DELAY", 60.0)
        stream = P1Reader("/nonexistent").events()
        for _ in range(12):
            await anext(stream)
        await stream.aclose()
    assert all(1.0 <= nap / min(2**number, 60) <= 1.2 for number, nap in enumerate(naps))
    assert len(naps) == 11


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EBUSY, "busy"), PortBusyError),
        (OSError(errno.EAGAIN, "locked"), PortBusyError),
        (OSError(errno.ENOENT, "gone"), PortError),
        (ValueError("bad URL"), PortError),
        (RuntimeError("anything"), PortError),
        (PortError("already said"), PortError),
        (serialx.SerialException("refused"), PortError),
    ],
)
async def test_whatever_opening_raises_is_a_failed_attempt(
    error: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(**_arguments: object) -> object:
        raise error

    monkeypatch.setattr(serialx, "open_serial_connection", fail)
    async with Listener(reader_of("/dev/ttyUSB0")) as listener:
        await listener.until(lambda: len(listener.of(PortFailed)) >= 2)
        assert {type(failure.error) for failure in listener.of(PortFailed)} == {kind}
        assert str(error) in str(listener.of(PortFailed)[0].error)


async def test_an_error_while_reading_is_a_lost_port(pty: PtyPort, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_self: object, _size: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    async with Listener(reader_of(pty)) as listener:
        await listener.opened()
        monkeypatch.setattr(asyncio.StreamReader, "read", fail)
        await listener.until(lambda: bool(listener.of(PortFailed)), lambda: pty.write(b"x"))
        monkeypatch.undo()
        assert listener.of(PortFailed)[0].was_open


async def test_a_port_that_never_closes_is_not_waited_for(pty: PtyPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_CLOSE_LIMIT", 0.01)

    async def never(_self: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(serialx.SerialStreamWriter, "wait_closed", never)
    async with asyncio.timeout(5):
        async with Listener(reader_of(pty)) as listener:
            await listener.opened()


async def test_stopping_closes_the_port(pty: PtyPort) -> None:
    stream = reader_of(pty).events()
    assert isinstance(await anext(stream), PortOpened)
    assert pty.reader_present()
    await stream.aclose()
    assert not pty.reader_present()


# Network ports.


@pytest.fixture
async def tcp(socket_enabled: None) -> AsyncIterator[TcpPort]:
    with TcpPort(V4_SETTINGS) as port, serving(port):
        yield port


async def test_a_raw_network_port_has_no_settings(tcp: TcpPort) -> None:
    reader = reader_of(tcp)
    async with Listener(reader) as listener:
        await listener.opened()
        assert listener.of(PortOpened) == [PortOpened(None)]
        assert reader.settings is None
        await listener.readings(1, Meter(tcp, TELEGRAM))
        # Garbage is no reason to connect again: the far end has the settings.
        noise = Meter(tcp, b"\xf0\x0f\x8e" * 2000, period=0.06)
        received = reader.heard.octets
        await listener.until(lambda: reader.heard.octets > received + 25_000, noise)
        assert len(listener.of(PortOpened)) == 1


async def test_a_network_port_that_closes_is_opened_again(tcp: TcpPort) -> None:
    reader = reader_of(tcp)
    async with Listener(reader) as listener:
        await listener.readings(1, Meter(tcp, TELEGRAM))
        tcp.unplug()
        await listener.until(lambda: len(listener.of(PortFailed)) >= 2)
        assert listener.of(PortFailed)[0].was_open
        assert not listener.of(PortFailed)[1].was_open
        tcp.replug()
        await listener.readings(len(listener.of(Reading)) + 1, Meter(tcp, TELEGRAM))


async def test_a_connection_that_has_timed_out_is_lost(tcp: TcpPort) -> None:
    """The system says so where keep-alive, or something sent, is not answered; reading fails at once from then on."""
    streams: list[asyncio.StreamReader] = []

    async def opener() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*tcp.address)
        streams.append(reader)
        return reader, writer

    async with Listener(reader_of("somewhere://else", opener=opener)) as listener:
        await listener.opened()
        streams[0].set_exception(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
        await listener.opened(2)
    (failed,) = listener.of(PortFailed)
    assert (failed.error.fault, failed.was_open) == (PortFault.UNREACHABLE, True)


async def test_telnet_is_named(socket_enabled: None) -> None:
    with TcpPort(V4_SETTINGS, greeting=TELNET_GREETING) as port, serving(port):
        reader = reader_of(port)
        async with Listener(reader) as listener:
            await listener.until(lambda: reader.heard.hints == {Hint.TELNET})
            await listener.readings(1, Meter(port, TELEGRAM))


async def test_rfc2217_has_settings(socket_enabled: None) -> None:
    with Rfc2217Port(V2_SETTINGS) as port, serving(port):
        reader = reader_of(port)
        async with Listener(reader) as listener:
            await listener.opened()
            await listener.readings(1, Meter(port, load(DSMR22), period=0.2))
            assert str(reader.settings) == "9600 8N1"
            assert reader.decoder.checks_parity


async def test_a_telegram_in_pieces_is_waited_for(pty: PtyPort) -> None:
    """A poor network pauses in the middle of a telegram: that is no garbage, and no reason for other settings."""
    reader = reader_of(pty)
    half = len(TELEGRAM) // 2
    async with Listener(reader) as listener:
        await listener.opened()
        for _ in range(4):
            for piece in (TELEGRAM[:half], TELEGRAM[half:]):
                pty.write_raw(piece)
                await asyncio.sleep(3 * reader_module.QUIET)
        await listener.readings(4)
    assert len(listener.of(PortOpened)) == 1


async def test_a_writer_that_cannot_be_closed_ends_nothing() -> None:
    class Stubborn:
        def close(self) -> None:
            raise RuntimeError

    await reader_module._close(Stubborn())  # type: ignore[arg-type]


@pytest.mark.parametrize("noise", [b"\xf0\x0f\x8e" * 9, b"x", TELEGRAM.replace(b"!", b"!0")])
async def test_bytes_without_telegram_are_no_life(tcp: TcpPort, noise: bytes) -> None:
    """A bridge that hangs may send garbage, a byte now and then, or telegrams that are wrong, for ever."""
    async with Listener(reader_of(tcp, silence=0.3)) as listener:
        await listener.until(lambda: len(listener.of(PortOpened)) >= 3, Meter(tcp, noise, period=0.02))
        assert listener.of(PortFailed)[0].was_open
        await listener.readings(1, Meter(tcp, TELEGRAM, period=0.02))


async def test_a_telegram_that_no_key_opens_is_life(tcp: TcpPort) -> None:
    async with Listener(reader_of(tcp, silence=0.3)) as listener:
        await listener.until(lambda: len(listener.of(Rejected)) >= 30, Meter(tcp, load(SMARTY), period=0.03))
        assert len(listener.of(PortOpened)) == 1


async def test_settings_are_doubted_when_opening_again_does_not_help(pty: PtyPort) -> None:
    async with Listener(reader_of(pty, silence=0.15)) as listener:
        wrong = TELEGRAM.replace(b"!", b"!0")
        await listener.until(lambda: len(listener.of(PortOpened)) >= 4, Meter(pty, wrong, period=0.03))
        settings = [str(event.settings) for event in listener.of(PortOpened)]
        assert settings[:2] == ["115200 8N1", "115200 8N1"]
        assert len(set(settings)) > 1


async def test_of_telegrams_that_come_at_once_the_newest_is_shown(tcp: TcpPort) -> None:
    reader = reader_of(tcp)
    old = TELEGRAM
    new = seal(TELEGRAM.rpartition(b"!")[0].replace(b"0-0:1.0.0(24", b"0-0:1.0.0(25") + b"!")
    assert old != new
    async with Listener(reader) as listener:
        await listener.readings(1, Meter(tcp, old))
        # The event loop stalls while the telegrams come.
        tcp.write(old * 29 + new)
        time.sleep(0.3)  # noqa: ASYNC251
        await listener.readings(2)
    assert listener.of(Reading)[-1].telegram.text in new
    assert len(listener.of(Reading)) < 10
    # Whoever wants every telegram has them in order.
    assert all(event.reading.telegram.text in old for event in listener.of(Superseded))
    assert len(listener.of(Reading)) + len(listener.of(Superseded)) == reader.heard.telegrams >= 31


async def test_a_flood_is_slowed_and_recognised(tcp: TcpPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog_module, "BRAKE_WINDOW", 0.05)
    monkeypatch.setattr(watchdog_module, "BRAKE_RATE", 10_000)
    reader = reader_of(tcp)
    async with Listener(reader) as listener:
        await listener.until(lambda: Hint.FLOOD in reader.heard.hints, lambda: tcp.write(b"/\r\n" * 1000))
        await listener.readings(1, Meter(tcp, TELEGRAM))
