"""A HomeWizard P1 meter as a port: a fake of the device that speaks as its documentation says. Time is made short."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
import ssl
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from homeassistant.core import HomeAssistant
import pytest

from custom_components.dsmr_p1.homewizard import transport
from custom_components.dsmr_p1.homewizard.device import Device
from custom_components.dsmr_p1.p1 import PortFault, Reading
from custom_components.dsmr_p1.p1.reader import P1Reader, PortFailed, PortOpened
from simulator import HomeWizardPort, seal, serving
from tests.p1.captures import DSMR5, DSMR22, load
from tests.p1.test_reader import DELAY, Listener, reader_of as core_reader_of

TELEGRAM = load(DSMR5)
TOKEN = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PACE", DELAY)


@pytest.fixture
def device(socket_enabled: None) -> Iterator[HomeWizardPort]:
    with HomeWizardPort() as port, serving(port):
        port.write(TELEGRAM)
        yield port


def at(telegram: bytes, second: int) -> bytes:
    """Give a telegram as it is at another second of the meter's clock."""
    body = re.sub(rb"(0-0:1\.0\.0\(\d{10})\d\d", rb"\g<1>%02d" % second, telegram)
    return seal(body[: body.rindex(b"!")])


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


def reader_of(hass: HomeAssistant, port: HomeWizardPort | str, **arguments: object) -> P1Reader:
    url = port if isinstance(port, str) else port.path
    return core_reader_of(url, opener=transport.opener_of(hass, url), **arguments)


async def failure(hass: HomeAssistant, port: HomeWizardPort | str) -> PortFailed:
    """Give the first failure of a port that cannot be opened."""
    async with Listener(reader_of(hass, port)) as listener:
        await listener.until(lambda: bool(listener.of(PortFailed)))
    assert not listener.of(Reading)
    assert not listener.of(PortOpened)
    return listener.of(PortFailed)[0]


async def test_each_telegram_is_passed_on_once_as_the_meter_sent_it(
    hass: HomeAssistant, device: HomeWizardPort
) -> None:
    async with Listener(reader_of(hass, device)) as listener:
        await listener.readings(1)
        asked = len(device.requests)
        await listener.until(lambda: len(device.requests) > asked + 5)
        assert len(listener.of(Reading)) == 1
        device.write(at(TELEGRAM, 3))
        await listener.readings(2)
        assert len(device.clients) == 1, "the connection is used again"
    first, second = listener.of(Reading)
    assert first.telegram.text == TELEGRAM[: TELEGRAM.rindex(b"!") + 1]
    assert first.telegram.has_crc
    assert second.telegram.timestamp != first.telegram.timestamp
    assert [opened.settings for opened in listener.of(PortOpened)] == [None]
    assert not listener.of(PortFailed)
    first_line, *headers = device.requests[0].split("\r\n")
    assert first_line == "GET /api/v1/telegram HTTP/1.1"
    assert f"Host: 127.0.0.1:{device.address[1]}" in headers
    assert not [header for header in headers if "Authorization" in header]


async def test_stale_telegram_is_no_sign_of_life(hass: HomeAssistant, device: HomeWizardPort) -> None:
    """The meter is silent, and the device goes on handing out its last telegram."""
    async with Listener(reader_of(hass, device, silence=0.2)) as listener:
        await listener.readings(1)
        await listener.opened(3)
        assert len(listener.of(Reading)) == 1
        device.write(at(TELEGRAM, 3))
        await listener.readings(2)


async def test_telegram_without_a_time_comes_again_at_the_pace_of_such_meters(
    hass: HomeAssistant, device: HomeWizardPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two telegrams of DSMR 2 may be alike, and are two all the same: nothing is used at night."""
    monkeypatch.setattr(transport, "REPEAT", 10 * DELAY)
    device.write(load(DSMR22))
    async with Listener(reader_of(hass, device)) as listener:
        await listener.readings(3)
        asked = len(device.requests)
        assert asked >= 10


async def test_device_without_a_telegram_is_a_silent_port(hass: HomeAssistant, device: HomeWizardPort) -> None:
    device.forget()
    async with Listener(reader_of(hass, device)) as listener:
        await listener.opened()
        asked = len(device.requests)
        await listener.until(lambda: len(device.requests) > asked + 2)
        assert not listener.reader.heard.octets
        device.write(TELEGRAM)
        await listener.readings(1)


@pytest.mark.parametrize(
    "answer",
    [
        http(TELEGRAM.rstrip(), f"Content-Length: {len(TELEGRAM.rstrip())}"),
        http(b"%x;a=b\r\n%b\r\n10\r\n%b\r\n0\r\n\r\n" % (len(TELEGRAM) - 16, TELEGRAM[:-16], TELEGRAM[-16:]),
             "Transfer-Encoding: chunked"),
        http(b"\r\n" + TELEGRAM, f"content-length:{len(TELEGRAM) + 2}", "Connection: close"),
    ],
    ids=["no line end", "chunked", "closed after each answer"],
)  # fmt: skip
async def test_other_ways_to_answer(hass: HomeAssistant, device: HomeWizardPort, answer: bytes) -> None:
    device.answer = answer
    async with Listener(reader_of(hass, device)) as listener:
        await listener.readings(1)
        asked = len(device.requests)
        await listener.until(lambda: len(device.requests) > asked + 2)
    assert not listener.of(PortFailed)


async def test_answer_that_ends_with_the_connection(hass: HomeAssistant, device: HomeWizardPort) -> None:
    device.answer, device.hangs_up = http(TELEGRAM), True
    async with Listener(reader_of(hass, device)) as listener:
        await listener.readings(1)
        asked = len(device.requests)
        await listener.until(lambda: len(device.requests) > asked + 2)
    assert not listener.of(PortFailed)


async def test_port_that_is_closed_while_the_device_is_asked_keeps_no_connection(
    hass: HomeAssistant, socket_enabled: None
) -> None:
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        hung_up.set()
        writer.close()

    server = await asyncio.start_server(never_answer, "127.0.0.1")
    try:
        listener = Listener(reader_of(hass, f"homewizard://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        async with asyncio.timeout(10):
            async with listener:
                await asked.wait()
            await hung_up.wait()
    finally:
        server.close()
        server.abort_clients()


async def test_local_interface_that_is_switched_off(hass: HomeAssistant, device: HomeWizardPort) -> None:
    device.is_switched_on = False
    failed = await failure(hass, device)
    assert failed.error.fault is PortFault.SWITCHED_OFF


async def test_local_interface_that_is_switched_off_while_it_is_read(
    hass: HomeAssistant, device: HomeWizardPort
) -> None:
    async with Listener(reader_of(hass, device)) as listener:
        await listener.readings(1)
        device.is_switched_on = False
        await listener.until(lambda: len(listener.of(PortFailed)) > 1)
        lost, refused, *_ = listener.of(PortFailed)
        assert (lost.was_open, refused.was_open) == (True, False)
        assert lost.error.fault is refused.error.fault is PortFault.SWITCHED_OFF
        device.is_switched_on = True
        device.write(at(TELEGRAM, 3))
        await listener.readings(2)


async def test_other_product_of_homewizard(hass: HomeAssistant, device: HomeWizardPort) -> None:
    device.product = "HWE-SKT"
    failed = await failure(hass, device)
    assert failed.error.fault is PortFault.OTHER_DEVICE


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.7\r\n",
        http(b"<html>", "Content-Length: 6"),
        http(20_000 * b"x", "Content-Length: 20000"),
        http(b"", "Content-Length: many"),
        http((b"2000\r\n" + 0x2000 * b"x" + b"\r\n") * 3, "Transfer-Encoding: chunked"),
        http(b"", status="301 Moved"),
        http(b"", status="many"),
        b"HTTP/1.1 200 " + 40_000 * b"x",
    ],
)  # fmt: skip
async def test_answers_of_other_devices(hass: HomeAssistant, device: HomeWizardPort, answer: bytes) -> None:
    device.answer, device.hangs_up = answer, True
    failed = await failure(hass, device)
    assert failed.error.fault is PortFault.OTHER_DEVICE


async def test_answer_without_end_is_not_kept(hass: HomeAssistant, device: HomeWizardPort) -> None:
    device.answer, device.hangs_up = http(40_000 * b"x"), True
    failed = await failure(hass, device)
    assert failed.error.fault is PortFault.OTHER_DEVICE


async def test_device_that_hangs_up(hass: HomeAssistant, device: HomeWizardPort) -> None:
    device.answer, device.hangs_up = b"", True
    failed = await failure(hass, device)
    assert failed.error.fault is PortFault.CLOSED


async def test_device_that_says_nothing(
    hass: HomeAssistant, device: HomeWizardPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 0.1)
    device.answer = b""
    failed = await failure(hass, device)
    assert failed.error.fault is PortFault.UNREACHABLE


async def test_device_that_is_off_and_comes_back(hass: HomeAssistant, device: HomeWizardPort) -> None:
    async with Listener(reader_of(hass, device)) as listener:
        await listener.readings(1)
        device.unplug()
        await listener.until(lambda: len(listener.of(PortFailed)) > 1)
        assert listener.of(PortFailed)[0].was_open
        assert listener.of(PortFailed)[1].error.fault is PortFault.REFUSED
        device.replug()
        device.write(at(TELEGRAM, 3))
        await listener.readings(2)


async def test_one_answer_that_fails_to_come_is_usual(hass: HomeAssistant, device: HomeWizardPort) -> None:
    async with Listener(reader_of(hass, device)) as listener:
        await listener.readings(1)
        device.answer, device.hangs_up = b"", True
        asked = len(device.requests)
        await listener.until(lambda: len(device.requests) > asked)
        device.answer, device.hangs_up = None, False
        device.write(at(TELEGRAM, 3))
        await listener.readings(2)
    assert not listener.of(PortFailed)


async def test_name_that_nobody_has(hass: HomeAssistant) -> None:
    async def resolve(*_: object, **__: object) -> None:
        raise OSError("Domain name not found")

    with patch("aiohttp.resolver.AsyncResolver.resolve", resolve):
        failed = await failure(hass, "homewizard://p1meter-aabbcc.local")
    assert failed.error.fault is PortFault.UNKNOWN_HOST


@pytest.mark.parametrize("url", ["homewizard://", "homewizard://127.0.0.1:99999", "homewizard://:token@"])
async def test_url_that_names_no_device(hass: HomeAssistant, url: str) -> None:
    failed = await failure(hass, url)
    assert failed.error.fault is PortFault.OTHER_DEVICE


def test_ports_and_hosts() -> None:
    devices = {
        url: Device.of(url)
        for url in ("homewizard://host", "homewizard://token@host", "homewizard://:token@[fd00::1]:8443")
    }
    assert [device.port for device in devices.values()] == [80, 443, 8443]
    assert [device.token for device in devices.values()] == [None, "token", "token"]
    assert [str(device.address) for device in devices.values()] == [
        "http://host/api/v1/telegram",
        "https://host/api/telegram",
        "https://[fd00::1]:8443/api/telegram",
    ]


# Version 2: HTTPS, a certificate of HomeWizard, and a token.


def certificate(folder: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool) -> ssl.SSLContext:
    """Make an authority and a device with a certificate of it, as HomeWizard does."""

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def signed(subject: str, public_key: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        made = x509.CertificateBuilder(name("Appliance Access CA"), name(subject), public_key, 1)
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        return made.sign(authority_key, hashes.SHA256())

    pem = serialization.Encoding.PEM
    authority = signed("Appliance Access CA", authority_key.public_key(), is_authority=True)
    if trusted:
        monkeypatch.setattr(transport, "AUTHORITY", folder / "authority.pem")
        transport.AUTHORITY.write_bytes(authority.public_bytes(pem))
    path = folder / "device.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed("appliance/p1dongle/5c2fafaabbcc", key.public_key(), is_authority=False).public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@contextmanager
def device_v2(context: ssl.SSLContext) -> Iterator[HomeWizardPort]:
    with HomeWizardPort(token=TOKEN, context=context) as port, serving(port):
        yield port


async def test_version_2(
    hass: HomeAssistant, socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with device_v2(certificate(tmp_path, monkeypatch, trusted=True)) as device:
        async with Listener(reader_of(hass, device)) as listener:
            await listener.opened()
            device.write(TELEGRAM)
            await listener.readings(1)
            device.write(at(TELEGRAM, 3))
            await listener.readings(2)
            first_line, *headers = device.requests[0].split("\r\n")
            assert first_line == "GET /api/telegram HTTP/1.1"
            assert {f"Authorization: Bearer {TOKEN}", "X-Api-Version: 2"} <= set(headers)


async def test_token_that_is_not_accepted(
    hass: HomeAssistant, socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with device_v2(certificate(tmp_path, monkeypatch, trusted=True)) as device:
        url = device.path
        device.token = "F" * 32
        failed = await failure(hass, url)
    assert failed.error.fault is PortFault.UNAUTHORIZED
    assert TOKEN not in str(failed.error)


async def test_nobody_but_homewizard_gets_the_token(
    hass: HomeAssistant, socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with device_v2(certificate(tmp_path, monkeypatch, trusted=False)) as device:
        failed = await failure(hass, device)
        assert not device.requests
    assert failed.error.fault is PortFault.OTHER_DEVICE
