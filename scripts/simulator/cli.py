"""The command line: a meter on a pty, a TCP port or standard output."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
import os
from pathlib import Path
import select
import signal
import sys
import threading
from typing import Final

from .commands import execute
from .encryption import EXAMPLE_DECRYPTION_KEY
from .homewizard import HomeWizardPort
from .household import Household
from .line import parse_settings
from .meter import SimulatedMeter
from .models import MODELS, find_model
from .playback import Playback
from .ports import Port, PtyPort
from .rfc2217 import Rfc2217Port
from .stream import StreamPort
from .tcp import TELNET_GREETING, TcpPort
from .telegram import TelegramBuilder

SOLAR_PEAK: Final = 4_000
"""Watts of the solar panels of `--solar`."""
EPILOG: Final = """\
While it runs, it takes commands on standard input, one on a line: 'help' lists them. --fault takes the same, with
colons for blanks: --fault noise:50 --fault clock:frozen --fault unplug:10
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit status."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    if options.list_models:
        for model in MODELS.values():
            print(f"{model.name:<16} {model.settings!s:<12} {model.description}")
        return 0
    try:
        source = _make_source(options)
        if options.stdout:
            return _print_telegrams(options, source)
        with _make_port(options) as port:
            meter = _make_meter(options, source, port)
            _announce(source, port)
            return _run(meter, is_once=options.once)
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="simulate",
        description="A P1 smart meter in a household that behaves like one.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--list-models", action="store_true", help="list the meter models and exit")
    add("--model", default="dsmr5", metavar="NAME", help="the meter model (default: %(default)s)")
    add("--mbus", metavar="LIST", help="M-Bus meters in the order of their channels, such as gas,water,gas:dead")
    add("--telegram", action="append", type=Path, metavar="FILE", help="play captures instead, in a loop (repeatable)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--link", type=Path, metavar="PATH", help="a pty with a symbolic link under this path")
    where.add_argument("--tcp", type=int, metavar="PORT", help="a raw TCP server; 0 takes a free port")
    where.add_argument("--rfc2217", type=int, metavar="PORT", help="an RFC 2217 server; 0 takes a free port")
    where.add_argument("--homewizard", type=int, metavar="PORT", help="a HomeWizard P1 meter; 0 takes a free port")
    where.add_argument("--stdout", action="store_true", help="write the telegrams to standard output")
    add("--telnet", action="store_true", help="with --tcp: greet clients with telnet options, as a wrong ser2net does")
    add("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    add("--reader", type=parse_settings, metavar="SETTINGS", help="line settings of the reader of a pty, as '9600 8N1'")
    add("--period", type=float, metavar="S", help="seconds between telegrams (default: the model's own)")
    add("--speed", type=float, default=1.0, metavar="X", help="seconds that pass in the household in a second")
    add("--seed", type=int, default=1, metavar="N", help="another household (default: %(default)s)")
    add("--start", type=_instant, metavar="ISO", help="the time in the household (default: now)")
    add("--since", type=_instant, metavar="ISO", help="when the household began (default: at the start)")
    add("--solar", action="store_true", help="with solar panels")
    add("--decryption-key", type=_key, metavar="HEX", help="for models that encrypt (default: an example, told)")
    add("--additional-key", type=_key, metavar="HEX", help="the key for authentication (default: the model's)")
    add("--fault", action="append", default=[], metavar="NAME[:ARG]", help="misbehave from the start (repeatable)")
    add("--once", action="store_true", help="send one telegram to the first reader and exit")
    return parser


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.astimezone()


def _key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(key) != 16:
        raise ValueError
    return key


_instant.__name__, _key.__name__ = "time", "key of 32 hexadecimal digits"  # as argparse names them in its errors


def _make_source(options: argparse.Namespace) -> TelegramBuilder | Playback:
    if options.telegram:
        return Playback.from_files(options.telegram)
    model = find_model(options.model)
    start = options.start or datetime.now(UTC)
    household = Household(
        seed=options.seed,
        start=options.since or start,
        region=model.region,
        phases=model.phases,
        solar_peak=SOLAR_PEAK if options.solar else 0,
    )
    household.advance_to(start)
    builder = TelegramBuilder.create(model, household, options.mbus)
    builder.decryption_key = options.decryption_key or builder.decryption_key
    builder.authentication_key = options.additional_key
    # A meter goes on counting when it is started again, and so does this one.
    builder.frame_counter = int(start.timestamp())
    return builder


def _make_port(options: argparse.Namespace) -> Port:
    if options.tcp is not None:
        return TcpPort(host=options.host, port=options.tcp, greeting=TELNET_GREETING if options.telnet else b"")
    if options.rfc2217 is not None:
        return Rfc2217Port(host=options.host, port=options.rfc2217)
    if options.homewizard is not None:
        return HomeWizardPort(host=options.host, port=options.homewizard)
    reader = options.reader
    return PtyPort(link=options.link, reader_character=(reader.data_bits, reader.parity) if reader else None)


def _make_meter(options: argparse.Namespace, source: TelegramBuilder | Playback, port: Port) -> SimulatedMeter:
    if options.period is not None and options.period <= 0:
        raise ValueError("the period must be more than 0 s")
    if options.speed < 0:
        raise ValueError("time does not go back")
    meter = SimulatedMeter(
        source,
        port,
        period=options.period,
        speed=options.speed,
        seed=options.seed,
        is_paced=True,
    )
    for fault in options.fault:
        execute(meter, fault.replace(":", " "))
    return meter


def _announce(source: TelegramBuilder | Playback, port: Port) -> None:
    """Print where the port is, and what a reader must know."""
    print(f"port: {port.path}", flush=True)
    if isinstance(source, TelegramBuilder) and (authentication_key := source.model.authentication_key):
        key = source.decryption_key
        note = " (example)" if key == EXAMPLE_DECRYPTION_KEY else ""
        print(f"decryption key: {key.hex().upper()}{note}")
        print(f"additional key: {(source.authentication_key or authentication_key).hex().upper()}", flush=True)


def _print_telegrams(options: argparse.Namespace, source: TelegramBuilder | Playback) -> int:
    """Write telegrams to standard output: one, or one for each period until nobody reads."""
    meter = _make_meter(options, source, StreamPort(sys.stdout.buffer))
    stopped = _stop_on_signal()
    try:
        meter.send_telegram()
        while not options.once and not stopped.wait(meter.period):
            meter.step()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(meter: SimulatedMeter, *, is_once: bool) -> int:
    """Run until a signal, the end of one telegram, or `quit`."""
    stopped = _stop_on_signal()
    if is_once:
        while not meter.port.reader_present() and not stopped.wait(0.05):
            pass
        stopped.wait(0.2)  # a reader sets its line settings only after it has opened the port
        meter.send_telegram()
        while meter.port.reader_present() and not stopped.wait(0.05):
            pass
        return 0
    with meter:
        for line in _lines_of_input(stopped):
            if line == "quit":
                break
            _obey(meter, line)
    return 0


def _lines_of_input(stopped: threading.Event) -> Iterator[str]:
    """Yield what is said on standard input until a signal comes; the end of the input alone stops nothing."""
    pending = b""
    while not stopped.is_set():
        ready, _, _ = select.select([sys.stdin], [], [], 0.2)
        if not ready:
            continue
        received = os.read(sys.stdin.fileno(), 4096)
        if not received:
            stopped.wait()
        *lines, pending = (pending + received).split(b"\n")
        yield from filter(None, (line.decode(errors="replace").strip() for line in lines))


def _obey(meter: SimulatedMeter, line: str) -> None:
    try:
        print(execute(meter, line), flush=True)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)


def _stop_on_signal() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
