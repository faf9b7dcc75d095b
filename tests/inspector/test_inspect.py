"""scripts/inspect, as a person starts it: what is told, and what is said of a bad input."""

import json
import os
from pathlib import Path
import subprocess
import sys

import pytest

from simulator import PtyPort

ROOT = Path(__file__).parents[2]
CAPTURES = ROOT / "tests" / "telegrams"
KEY = "00112233445566778899AABBCCDDEEFF"


def inspect(*arguments: str, octets: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "inspector", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        input=octets,
        capture_output=True,
        check=False,
        timeout=60,
    )


def telegrams(*arguments: str, octets: bytes = b"") -> list[dict[str, object]]:
    done = inspect("--json", *arguments, octets=octets)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)["telegrams"]
    return found


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.telegram")), ids=lambda path: path.stem)
def test_every_capture_of_ours_has_no_unknown_object(capture: Path) -> None:
    for telegram in telegrams(str(capture)):
        assert telegram["unknown"] == []
        assert telegram["encrypted"] is False
        assert telegram["authentication"] is None


def test_a_file_and_standard_input_tell_the_same() -> None:
    capture = next(CAPTURES.glob("iskra_*dsmr50*.telegram"))
    assert telegrams(str(capture)) == telegrams("-", octets=capture.read_bytes())


def test_text_for_a_person() -> None:
    done = inspect(str(CAPTURES / "iskra_am550_dsmr50_3phase.telegram"))
    assert done.returncode == 0
    assert b"electricity_v5_0 (electricity), M-Bus channel 0" in done.stdout


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", b"no bytes in it"),
        (b"\xff\xfb\x01\xff\xfd\x03", b"telnet"),
        (b"\x7e\xa0\x8b\xce\xff\x03\x13\xee\xe1\xe6\xe7\x00" + 40 * b"\x10", b"another protocol"),
        (b"nothing but text\r\n" * 50, b"wrong speed, or an inverted line"),
        (b"/TST5\r\n\r\n1-0:1.8.1(000001.000*kWh)\r\n!0000\r\n", b"checksum of every telegram is wrong"),
    ],
)
def test_why_there_is_no_telegram(octets: bytes, said: bytes) -> None:
    done = inspect("--json", "-", octets=octets)
    assert done.returncode == 1
    assert said in done.stderr
    assert json.loads(done.stdout)["telegrams"] == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([], b"--decryption-key"),
        (["--decryption-key", KEY], b"decryption key is wrong"),
        (["--decryption-key", "12"], b"32 hexadecimal digits"),
        (["--additional-key", KEY], b"only together with a decryption key"),
    ],
)
def test_what_is_said_of_keys(keys: list[str], said: bytes) -> None:
    capture = next(CAPTURES.glob("*.bin"))
    done = inspect(*keys, str(capture))
    assert done.returncode == 1
    assert said in done.stderr
    assert KEY.encode() not in done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/nonexistent", b"No such file or directory"),
        (str(CAPTURES), b"Is a directory"),
        ("socket://127.0.0.1:1", b"cannot be opened"),
        ("homewizard://:TOKEN@127.0.0.1", b"by Home Assistant only"),
    ],
)
def test_what_is_said_of_a_source_that_is_none(source: str, said: bytes) -> None:
    done = inspect(source)
    assert done.returncode == 1
    assert said in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"TOKEN" not in done.stderr


def test_what_is_said_of_a_silent_port() -> None:
    with PtyPort() as port:
        silent = inspect("--seconds", "1", port.path)
    assert silent.returncode == 1
    assert b"silent" in silent.stderr


def test_encryption_that_is_not_supported_is_said_in_words(tmp_path: Path) -> None:
    source = tmp_path / "elgama.bin"
    source.write_bytes(b"/EGM5G35\r\n\r\n\x00\x82\x00\x30\x30" + bytes(range(128, 175)) + b"!2138\r\n")
    done = inspect(str(source), "--json")
    assert done.returncode == 1
    assert b"in a form that is not supported" in done.stderr
    # The word for other programs is one that they know.
    assert [event["reason"] for event in json.loads(done.stdout)["rejected"]] == ["not_p1"]
