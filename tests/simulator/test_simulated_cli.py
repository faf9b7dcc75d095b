"""The command line."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import select
import signal
import subprocess
import sys
import time

import pytest

from simulator import MODELS, crc16
from simulator.cli import main

SCRIPTS = Path(__file__).parents[2] / "scripts"
BOUND = 20
"""Seconds that nothing here takes."""


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", *arguments],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-models"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(MODELS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "dsmr9"], "no meter model 'dsmr9'"),
        (["--mbus", "oil"], "no M-Bus meter of the kind 'oil'"),
        (["--model", "sweden", "--mbus", "gas"], "has no M-Bus"),
        (["--fault", "dance"], "no command 'dance'"),
        (["--decryption-key", "ABCD"], "32 hexadecimal digits"),
        (["--start", "yesterday"], "time"),
        (["--period", "0"], "period"),
        (["--speed", "-1"], "back"),
        (["--telegram", "/nowhere/at/all"], "No such file"),
        (["--link", "/nowhere/at/all"], "No such file"),
        (["--tcp", "1", "--stdout"], "not allowed"),
        (["--reader", "fast"], "settings"),
    ],
)
def test_mistakes_are_explained(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_one_telegram_on_standard_output() -> None:
    arguments = [
        "--once",
        "--stdout",
        "--start",
        "2026-01-01T00:00:00Z",
        "--mbus",
        "gas,water",
        "--solar",
        "--seed",
        "7",
    ]
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "simulator", *arguments],
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            capture_output=True,
            timeout=BOUND,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert outputs[0] == outputs[1]
    body, _, crc = outputs[0].rpartition(b"!")
    assert int(crc, 16) == crc16(body + b"!")
    assert b"0-2:24.1.0(007)" in body


def test_a_meter_runs_obeys_and_goes_away(tmp_path: Path) -> None:
    link = tmp_path / "p1"
    with running("--link", str(link), "--period", "0.1", "--fault", "clock:frozen") as process:
        assert line_of(process) == f"port: {link}"
        descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY)
        received = b""
        deadline = time.monotonic() + BOUND
        # The port may be opened in the middle of a telegram: a whole one follows.
        while b"!" not in received.partition(b"/ISK5")[2]:
            assert time.monotonic() < deadline
            received += os.read(descriptor, 4096)
        os.close(descriptor)
        assert process.stdin
        process.stdin.write("status\nreplace gas\n")
        process.stdin.flush()
        assert str(link) in line_of(process)
        assert line_of(process).startswith("M-Bus channel 1 (gas)")
        process.send_signal(signal.SIGTERM)
        assert process.wait(BOUND) == 0
        assert not link.is_symlink()


def test_quit_and_the_keys_of_an_encrypted_port() -> None:
    with running("--model", "smarty_lu") as process:
        assert line_of(process).startswith("port: /dev/pts/")
        assert line_of(process).endswith("(example)")
        assert line_of(process) == "additional key: 00112233445566778899AABBCCDDEEFF"
        assert process.stdin
        process.stdin.write("nonsense\nquit\n")
        process.stdin.flush()
        assert process.wait(BOUND) == 0
        assert process.stderr
        assert "nonsense" in process.stderr.read()


def test_once_waits_for_a_reader(tmp_path: Path) -> None:
    capture = tmp_path / "capture"
    capture.write_bytes(b"/X\r\n!\r\n")
    with running("--telegram", str(capture), "--once") as process:
        path = line_of(process).removeprefix("port: ")
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        assert select.select([descriptor], [], [], BOUND)[0]
        assert os.read(descriptor, 100) == b"/X\r\n!\r\n"
        os.close(descriptor)
        assert process.wait(BOUND) == 0
