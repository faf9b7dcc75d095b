"""Decoding: from bytes to readings, and what a port has to stick to once it has shown it."""

from collections.abc import Iterable

import pytest

from custom_components.dsmr_p1.p1 import (
    Authentication,
    AuthenticationError,
    Decoder,
    DecryptionError,
    Keys,
    PortMemory,
    Reading,
    Rejected,
    RejectReason,
    fits,
)
from custom_components.dsmr_p1.p1.wire.frames import EncryptedFrame
from simulator import V2_SETTINGS, LineSettings, encrypt, seal, transfer
from tests.p1.captures import (
    ADDITIONAL_KEY,
    AUSTRIA,
    CAPTURES,
    DECRYPTION_KEY,
    DSMR5,
    DSMR22,
    DSMR30,
    SMARTY,
    decode,
    keys_of,
    load,
    meters,
    read,
    read_capture,
    telegram,
)

KEYS = Keys(DECRYPTION_KEY)
BOTH_KEYS = Keys(DECRYPTION_KEY, ADDITIONAL_KEY)
WRONG_KEYS = Keys(ADDITIONAL_KEY)
READ_AS_8N1 = LineSettings(9600)


def summary(events: Iterable[Reading | Rejected]) -> list[str]:
    """Return `telegram` for each reading and the reason for each rejection."""
    return ["telegram" if isinstance(event, Reading) else event.reason.value for event in events]


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("size", [1, 17, 100_000])
def test_captures(capture: str, size: int) -> None:
    octets = load(capture)
    pieces = [octets[place : place + size] for place in range(0, len(octets), size)]
    keys = keys_of(capture)
    # An encrypted one that comes again is a replay.
    again = "telegram" if keys is None else "authentication"
    events = decode(pieces * 3, keys)
    assert summary(events) == ["telegram", again, again]
    for event in events[: 3 if keys is None else 1]:
        assert isinstance(event, Reading)
        assert event.meters == read_capture(capture).meters
        assert (event.authentication is None) is (keys is None)


def test_a_reading() -> None:
    reading = read(load(DSMR5))
    assert (reading.authentication, reading.system_title) == (None, None)
    assert reading.meters is reading.detection.meters
    assert reading.unknown is reading.detection.unknown
    assert reading.telegram.identification == "ISK5\\2M550T-1501"


@pytest.mark.parametrize(
    ("capture", "keys", "authentication", "title"),
    [
        (SMARTY, KEYS, Authentication.DEFAULT_KEY, b"SAG\x67\x00\x07\x01\x01"),
        (SMARTY, BOTH_KEYS, Authentication.DEFAULT_KEY, b"SAG\x67\x00\x07\x01\x01"),
        (AUSTRIA, BOTH_KEYS, Authentication.ADDITIONAL_KEY, b"SAG\x67\x00\x08\x01\x01"),
        (AUSTRIA, KEYS, Authentication.NOT_VERIFIED, b"SAG\x67\x00\x08\x01\x01"),
    ],
)
def test_an_encrypted_telegram(capture: str, keys: Keys, authentication: Authentication, title: bytes) -> None:
    reading = read(load(capture), keys)
    assert (reading.authentication, reading.system_title) == (authentication, title)
    assert meters(reading)["electricity"].channels


@pytest.mark.parametrize(
    ("capture", "keys", "reason"),
    [
        (SMARTY, None, RejectReason.NO_KEY),
        (SMARTY, WRONG_KEYS, RejectReason.DECRYPTION),
        (AUSTRIA, Keys(DECRYPTION_KEY, DECRYPTION_KEY), RejectReason.AUTHENTICATION),
        (AUSTRIA, Keys(ADDITIONAL_KEY, DECRYPTION_KEY), RejectReason.DECRYPTION),
    ],
)
def test_keys_that_do_not_fit(capture: str, keys: Keys | None, reason: RejectReason) -> None:
    octets = load(capture)
    assert decode(octets * 2, keys) == [Rejected(reason, len(octets))] * 2


def test_after_a_tag_has_verified_every_tag_must() -> None:
    decoder = Decoder(KEYS)
    verified = []
    for capture in (AUSTRIA, SMARTY):
        assert summary(decoder.feed(load(capture))) == ["telegram"]
        verified.append(decoder.memory.tag_verified)
    assert verified == [False, True]
    assert summary(decoder.feed(load(AUSTRIA))) == ["authentication"]
    assert summary(Decoder(KEYS, decoder.memory).feed(load(AUSTRIA))) == ["authentication"]


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"\r\n" + load(DSMR5), load(DSMR5)[:-20], b"/TST5\r\n\r\nhello\r\n!\r\n"]
)
def test_an_envelope_with_something_else_in_it(text: bytes) -> None:
    octets = encrypt(text.ljust(40), decryption_key=DECRYPTION_KEY)
    assert decode(octets, KEYS) == [Rejected(RejectReason.MALFORMED, len(octets))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (load(DSMR5), "telegram"),
        (load(DSMR5)[:-2] + load(DSMR5)[-6:-2].lower() + b"\r\n", "malformed"),
        (load(DSMR5)[:-6] + load(DSMR5)[-6:].lower(), "telegram"),
        (load(DSMR5) + b"\0\0", "telegram"),
        (load(DSMR5) * 2, "malformed"),
        (load(DSMR5).replace(b"(0", b"(1"), "malformed"),
        (load(DSMR5).replace(b"\r\n!", b"!"), "malformed"),
        (seal(load(DSMR5)[:-6].replace(b"\r\n!", b"!")), "malformed"),
        (seal(load(DSMR5)[:-6].replace(b"\r\n1-0:1.8.2", b"\r\n/1-0:1.8.2")), "malformed"),
        (seal(load(DSMR5)[:-6].replace(b"\r\n1-0:1.8.2", b"\r\n!\r\n1-0:1.8.2")), "malformed"),
    ],
)
def test_what_is_in_an_envelope_is_judged_alike_before_and_after_a_good_one(text: bytes, expected: str) -> None:
    good, octets = (
        encrypt(inner, decryption_key=DECRYPTION_KEY, frame_counter=number)
        for number, inner in enumerate((load(DSMR5), text))
    )
    assert summary(decode(octets, KEYS)) == [expected]
    assert summary(decode(good + octets, KEYS)) == ["telegram", expected]


def test_an_envelope_whose_telegram_is_wrong_is_not_believed() -> None:
    text = load(DSMR5).replace(b"(0", b"(1")
    octets = encrypt(text, decryption_key=DECRYPTION_KEY)
    assert decode(octets, KEYS) == [Rejected(RejectReason.MALFORMED, len(octets))]


def test_the_search_goes_on_inside_an_envelope_that_does_not_open() -> None:
    broken = bytearray(load(SMARTY) + load(SMARTY)[200:] + load(DSMR5))
    broken[11:13] = (len(broken) - 13).to_bytes(2)
    assert summary(decode(bytes(broken) + load(SMARTY), KEYS)) == ["decryption", "telegram", "telegram"]


def test_the_last_encrypted_frame_is_kept() -> None:
    decoder = Decoder()
    assert summary(decoder.feed(load(SMARTY))) == ["no_key"]
    frame = decoder.last_encrypted
    assert frame is not None
    assert fits(frame, KEYS) is Authentication.DEFAULT_KEY
    with pytest.raises(DecryptionError):
        fits(frame, WRONG_KEYS)
    with pytest.raises(AuthenticationError):
        fits(EncryptedFrame(load(AUSTRIA)), Keys(DECRYPTION_KEY, DECRYPTION_KEY))
    assert fits(EncryptedFrame(load(AUSTRIA)), BOTH_KEYS) is Authentication.ADDITIONAL_KEY
    assert fits(EncryptedFrame(load(AUSTRIA)), KEYS) is Authentication.NOT_VERIFIED


def test_a_port_that_has_sent_a_check_sum_always_sends_one() -> None:
    bare = load(DSMR22)
    assert summary(decode(bare * 2)) == ["telegram", "telegram"]
    assert decode(load(DSMR5) + bare + load(DSMR5))[1] == Rejected(RejectReason.CRC, len(bare) - 2)
    memory = PortMemory()
    assert summary(decode(load(DSMR5), memory=memory)) == ["telegram"]
    assert memory.sends_crc
    assert summary(decode(bare, memory=memory)) == ["crc"]


@pytest.mark.parametrize("lines", [("hello",), ("1-3:0.2.8(50)", "1-0:1.8.1(1*kWh)"), ("1-0:1.8.1(1*kWh",)])
def test_what_is_no_telegram_is_malformed(lines: tuple[str, ...]) -> None:
    octets = telegram(*lines, has_crc=False)
    assert decode(octets) == [Rejected(RejectReason.MALFORMED, len(octets) - 2)]


# A line of 7 data bits and even parity, read with 8 data bits.


@pytest.mark.parametrize("capture", [DSMR22, DSMR30])
@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_7e1_read_as_8n1(capture: str, size: int) -> None:
    octets = transfer(load(capture) * 3, V2_SETTINGS, READ_AS_8N1)
    assert not octets.isascii()
    decoder = Decoder()
    events = [event for place in range(0, len(octets), size) for event in decoder.feed(octets[place : place + size])]
    assert summary([*events, *decoder.finish()]) == ["telegram"] * 3
    reading = events[0]
    assert isinstance(reading, Reading)
    assert reading.meters == read_capture(capture).meters


def test_a_wrong_parity_bit_makes_a_telegram_worthless() -> None:
    octets = bytearray(transfer(load(DSMR22) * 3, V2_SETTINGS, READ_AS_8N1))
    place = len(load(DSMR22)) + load(DSMR22).index(b"04711")
    octets[place] ^= 0x10
    assert summary(decode(bytes(octets))) == ["telegram", "malformed", "telegram"]


def test_before_it_is_known_whether_there_is_parity_only_what_is_plain_is_reported() -> None:
    octets = transfer(load(DSMR22), V2_SETTINGS, READ_AS_8N1)
    assert summary(decode(octets[:-30])) == []


def test_after_a_telegram_without_parity_there_is_none() -> None:
    decoder = Decoder()
    assert summary(decoder.feed(b"\xff\xfe" + load(DSMR5))) == ["telegram"]
    assert summary(decoder.feed(transfer(load(DSMR22), V2_SETTINGS, READ_AS_8N1))) == []
    assert summary(decoder.finish()) == []
    decoder.restart()
    decoder.memory.sends_crc = False
    assert summary(decoder.feed(transfer(load(DSMR22), V2_SETTINGS, READ_AS_8N1))) == ["telegram"]
    assert summary(decoder.finish()) == []


def test_a_restart_forgets_what_was_begun() -> None:
    decoder = Decoder()
    assert summary(decoder.feed(load(DSMR5)[:500])) == []
    assert decoder.pending == 500
    decoder.restart()
    assert decoder.pending == 0
    assert summary(decoder.feed(load(DSMR5))) == ["telegram"]


def test_the_end_without_a_line_end() -> None:
    assert summary(decode(load(DSMR22).rstrip())) == ["telegram"]
