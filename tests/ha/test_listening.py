"""Listening: when it ends, and what is made of what was heard."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
import re
from unittest.mock import patch

import pytest

from custom_components.dsmr_p1.flow.listening import ENOUGH_OCTETS, ListenResult, Patience, listen
from custom_components.dsmr_p1.p1 import PortBusyError, PortError, RejectReason, SerialSettings
from custom_components.dsmr_p1.p1.cosem.countries import COUNTRIES
from simulator import PtyPort
from tests.ha.flow_driver import QUICK, TRANSLATIONS, make_meter, sending
from tests.ha.house import eventually

LONG = Patience(byte=30, telegram=30, another=30, tick=0.02)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    with PtyPort(link=tmp_path / "ttyP1") as pty:
        yield pty


async def hear(port: PtyPort, patience: Patience = QUICK, settings: SerialSettings | None = None) -> ListenResult:
    told: list[float] = []
    heard = await listen(
        port.path, keys=None, settings=settings, patience=patience, tell=lambda _, part: told.append(part)
    )
    assert all(0 <= part <= 1 for part in told)
    assert not port.reader_present()
    return heard


async def test_two_telegrams_are_enough(port: PtyPort) -> None:
    async with asyncio.timeout(5), sending(make_meter(port), 0.5):
        heard = await hear(port, LONG)
    assert heard.telegrams == 2
    assert heard.period is not None
    assert heard.error is None


async def test_one_telegram_is_enough_in_the_end(port: PtyPort) -> None:
    async with asyncio.timeout(5), sending(make_meter(port), interval=2):
        await asyncio.sleep(0.1)
        listening = asyncio.create_task(hear(port, Patience(byte=4, telegram=4, another=0.2, tick=0.02)))
        heard = await listening
    assert heard.telegrams == 1
    assert heard.period is None
    assert heard.error is None


async def test_much_of_nothing_good_is_enough(port: PtyPort) -> None:
    """A meter that sends every second does not have to be listened to for a minute to know that nothing is good."""
    meter = make_meter(port)
    with patch.object(meter, "compose", lambda: b"\xaa" * 1000):
        async with asyncio.timeout(10), sending(meter):
            heard = await hear(port, LONG, SerialSettings(115200, 8, "N", 1))
    assert heard.octets >= ENOUGH_OCTETS
    assert heard.error == "no_telegram"


async def test_port_that_goes_while_it_is_listened_to(port: PtyPort) -> None:
    async def unplug() -> None:
        await eventually(port.reader_present)
        await asyncio.sleep(0.2)
        port.unplug()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(unplug())
        heard = await hear(port, LONG)
    assert heard.lost == 1
    assert heard.error == "cannot_open"


async def test_fault_of_the_reader_is_not_hidden(port: PtyPort) -> None:
    with (
        patch("custom_components.dsmr_p1.p1.decoding.decoder.Decoder.feed", side_effect=RuntimeError("unheard of")),
        pytest.raises(RuntimeError, match="unheard of"),
    ):
        async with sending(make_meter(port)):
            await hear(port, LONG)


R = RejectReason


@pytest.mark.parametrize(
    ("heard", "error"),
    [
        (ListenResult(port="", failure=PortBusyError()), "port_in_use"),
        (ListenResult(port="", failure=PortError()), "cannot_open"),
        (ListenResult(port="", lost=2), "cannot_open"),
        (ListenResult(port=""), "no_data"),
        (ListenResult(port="", octets=9), "no_telegram"),
        (ListenResult(port="", octets=9, lost=1, rejected={R.TRUNCATED: 2, R.OVERSIZED: 1}), "no_telegram"),
        (ListenResult(port="", octets=9, rejected={R.CRC: 2}), "crc_errors"),
        (ListenResult(port="", octets=9, rejected={R.MALFORMED: 2}), "crc_errors"),
        (ListenResult(port="", octets=9, rejected={R.NOT_P1: 2, R.CRC: 1}), "not_p1"),
        (ListenResult(port="", octets=9, rejected={R.NOT_P1: 2, R.CRC: 3}), "crc_errors"),
        (ListenResult(port="", octets=9, is_telnet=True), "not_p1"),
        (ListenResult(port="", octets=9, rejected={R.UNSUPPORTED_ENCRYPTION: 2, R.CRC: 3}), "unsupported_encryption"),
        (ListenResult(port="", octets=9, is_telnet=True, rejected={R.CRC: 3}), "crc_errors"),
        (ListenResult(port="", octets=9, rejected={R.NO_KEY: 1, R.CRC: 3}), "no_key"),
        (ListenResult(port="", octets=9, rejected={R.DECRYPTION: 2, R.CRC: 3}), "wrong_key"),
        (ListenResult(port="", octets=9, rejected={R.DECRYPTION: 1, R.AUTHENTICATION: 2}), "wrong_additional_key"),
    ],
)
def test_causes(heard: ListenResult, error: str) -> None:
    assert heard.error == error
    assert heard.unique_id is None
    assert not heard.is_encrypted


def test_every_piece_of_the_report_is_there() -> None:
    pieces = {name: set(piece["options"]) for name, piece in TRANSLATIONS["selector"].items()}
    assert pieces["country"] == {code.lower() for code in COUNTRIES}
    source = (Path(__file__).parents[2] / "custom_components/dsmr_p1/flow/report.py").read_text(encoding="utf-8")
    for piece in pieces["report"] | pieces["reading"]:
        assert f'"{piece.removesuffix("_power").removesuffix("_export")}' in source, piece
    for key in re.findall(r'words\(\s*"report", "(\w+)"', source):
        assert key in pieces["report"]
