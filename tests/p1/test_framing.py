# ruff: noqa: E501  One case, one line
"""Framing: every case whole, byte by byte, and with something behind it."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
import random
import tracemalloc

import pytest

from custom_components.dsmr_p1.p1 import Rejected, RejectReason
from custom_components.dsmr_p1.p1.wire.envelope import MAX_TELEGRAM
from custom_components.dsmr_p1.p1.wire.frames import EncryptedFrame, Frame, PlainFrame
from custom_components.dsmr_p1.p1.wire.framing import MAX_IDENTIFICATION, Framer
from simulator import encrypt, seal
from tests.p1.captures import AUSTRIA, DSMR5, DSMR22, load

type Events = list[Frame | Rejected]

BODY = b"/TST5\\TEST\r\n\r\n1-0:1.8.0(000123.456*kWh)\r\n!"
GOOD = seal(BODY)
FRAME = PlainFrame(BODY, has_crc=True)
BARE = PlainFrame(BODY, has_crc=False)
CRC = GOOD[len(BODY) : len(BODY) + 4]
TRAILER = seal(b"/TST5\\TRAILER\r\n\r\n1-0:1.7.0(00.001*kW)\r\n!")
TRAILER_FRAME = PlainFrame(TRAILER[:-6], has_crc=True)
FLOW = seal(b"/TST5\\TEST\r\n\r\n0-1:24.2.2(0000.000*m3/h)\r\n!")
# Its checksum is 0: the checksum of what stands behind it is right with it too.
UNSEEN = b"/TST5\\TEST\r\n\r\n1-0:1.8.0(000011.013"
LF_BODY = BODY.replace(b"\r\n", b"\n")
BLANK_BODY = b"/TST5\\TEST\r\n\r\n\r\n1-0:1.8.0(000123.456*kWh)\r\n\r\n1-0:1.7.0(00.001*kW)\r\n\r\n!"
SEALED = encrypt(GOOD)
ENVELOPE = EncryptedFrame(SEALED)
LONG = b"/TST5\\TEST\r\n\r\n" + b"1-0:1.8.0(000123.456*kWh)\r\n" * 320 + b"!"
X25 = load("holley_dtsd545_dsmr50_slash.telegram")
X25_BODY = X25[: X25.rindex(b"!") + 1]


def reject(reason: RejectReason, size: int) -> Rejected:
    return Rejected(reason, size)


def take(framer: Framer, octets: bytes = b"", *, final: bool = False) -> Iterator[Frame | Rejected]:
    framer.receive(octets)
    while (event := framer.next_event(final=final)) is not None:
        yield event


def frames(pieces: Iterable[bytes]) -> Events:
    framer = Framer()
    events: Events = []
    for piece, final in (*((piece, False) for piece in pieces), (b"", True)):
        for event in take(framer, piece, final=final):
            events.append(event)
            # What the decoder does with an envelope that no key opens.
            if isinstance(event, EncryptedFrame) and event != ENVELOPE:
                framer.resume(event)
    assert framer.pending == 0
    return events


R = RejectReason
CASES: list[tuple[str, bytes, Events]] = [
    ("nothing", b"", []),
    ("first byte of one before one with a slash", b"/" + FLOW, [reject(R.TRUNCATED, 1), PlainFrame(FLOW[:-6], has_crc=True)]),
    ("first bytes of one before one with a slash", b"/TST5\\T" + FLOW, [reject(R.TRUNCATED, 7), PlainFrame(FLOW[:-6], has_crc=True)]),
    ("noise", b"\xff\x00\xfe" * 50 + b"abc\r\n!\r\n", []),
    ("a telegram", GOOD, [FRAME]),
    ("two telegrams", GOOD + GOOD, [FRAME, FRAME]),
    ("another telegram of the same meter", GOOD + seal(BODY.replace(b"1", b"2")), [FRAME, PlainFrame(BODY.replace(b"1", b"2"), has_crc=True)]),
    ("another with a wrong check sum, then a good one", GOOD + BODY + b"0000\r\n" + GOOD, [FRAME, reject(R.CRC, len(BODY) + 4), FRAME]),
    ("another with a check sum in lower case", GOOD + BODY + CRC.lower() + b"\r\n" + GOOD, [FRAME, FRAME, FRAME]),
    ("another that lost its end", GOOD + BODY[:-1] + GOOD, [FRAME, reject(R.TRUNCATED, len(BODY) - 1), FRAME]),
    ("another with an end in the middle", GOOD + seal(BODY + b"\r\n!"), [FRAME, BARE]),
    ("another with a slash in a value", GOOD + seal(BODY[:-1] + b"0-0:96.13.0(a/b)\r\n!"), [FRAME, PlainFrame(BODY[:-1] + b"0-0:96.13.0(a/b)\r\n!", has_crc=True)]),
    ("the tail of another before it", b"00.001*kW)\r\n!1234\r\n" + GOOD, [FRAME]),
    ("noise around it", b"\x00\xff\xff" + GOOD + b"\x00\xfe" + GOOD, [FRAME, FRAME]),
    ("noise with printable characters before it", b"\r\nhello " + GOOD, [FRAME]),
    ("no check sum", BODY + b"\r\n", [BARE]),
    ("a check sum in lower case", BODY + CRC.lower() + b"\r\n", [FRAME]),
    ("a NUL behind the check sum", BODY + CRC + b"\0\r\n", [FRAME]),
    ("a NUL instead of the check sum", BODY + b"\0\r\n", [BARE]),
    ("a blank behind the check sum", BODY + CRC + b" \r\n", [FRAME]),
    ("no line end behind the check sum", BODY + CRC + GOOD, [FRAME, FRAME]),
    ("line ends without CR", LF_BODY + CRC + b"\n", [FRAME._replace(text=LF_BODY)]),
    ("line ends without LF", BODY.replace(b"\r\n", b"\r") + seal(BODY.replace(b"\r\n", b"\r"))[-6:], [FRAME._replace(text=BODY.replace(b"\r\n", b"\r"))]),
    ("line ends without CR, and a wrong check sum", LF_BODY + b"0000\n", [reject(R.CRC, len(LF_BODY) + 4)]),
    ("blank lines that a bridge put in", BLANK_BODY + seal(BLANK_BODY.replace(b"\r\n\r\n", b"\r\n").replace(b"TEST\r\n", b"TEST\r\n\r\n"))[-6:], [FRAME._replace(text=BLANK_BODY)]),
    ("blank lines where there was none at all", BLANK_BODY + seal(BLANK_BODY.replace(b"\r\n\r\n", b"\r\n"))[-6:], [FRAME._replace(text=BLANK_BODY)] ),
    ("blank lines, and a wrong check sum", BLANK_BODY + b"0000\r\n", [reject(R.CRC, len(BLANK_BODY) + 4)]),
    ("a slash in the identification", X25, [PlainFrame(X25_BODY, has_crc=True)]),
    ("a wrong check sum", BODY + b"0000\r\n", [reject(R.CRC, len(BODY) + 4)]),
    ("a wrong check sum, then a good telegram", BODY + b"0000\r\n" + GOOD, [reject(R.CRC, len(BODY) + 4), FRAME]),
    ("a check sum that is none", BODY + b"XYZ\r\n", [reject(R.CRC, len(BODY) + 4)]),
    ("a check sum that is too long", BODY + CRC + CRC + b"\r\n", [FRAME]),
    ("another begins before it ends", BODY[:-1] + GOOD, [reject(R.TRUNCATED, len(BODY) - 1), FRAME]),
    ("another begins in the middle of a line", BODY[:30] + GOOD, [reject(R.TRUNCATED, 30), FRAME]),
    ("another begins in a line, and the checksum of all is right", UNSEEN + GOOD, [reject(R.TRUNCATED, len(UNSEEN)), FRAME]),
    ("another begins in the middle of a line, without check sum", BODY[:30] + BODY + b"\r\n", [reject(R.TRUNCATED, 30), BARE]),
    ("a mark in the middle of a line", BODY.replace(b")", b"!") + b"\r\n", [PlainFrame(BODY.replace(b")", b"!"), has_crc=False)]),
    ("another begins in the first line, without check sum", BODY[:7] + BODY + b"\r\n", [reject(R.TRUNCATED, 7), BARE]),
    ("another begins behind the first line's end, without check sum", b"/TST5\\TEST" + BODY + b"\r\n", [reject(R.TRUNCATED, 10), BARE]),
    ("slash in the first line, without check sum", b"/TST5\\T/E5\r\n\r\n!\r\n", [PlainFrame(b"/TST5\\T/E5\r\n\r\n!", has_crc=False)]),
    ("no end", BODY[:-1], [reject(R.TRUNCATED, len(BODY) - 1)]),
    ("no end of the check sum", BODY, [BARE]),
    ("half a check sum", BODY + CRC[:2], [reject(R.CRC, len(BODY) + 2)]),
    ("an end without line end", GOOD[:-2], [FRAME]),
    ("no identification line", b"/TST5", []),
    ("an identification line without end", b"/" + b"x" * 300 + b"\r\n" + GOOD, [FRAME]),
    ("an identification line with a control character", b"/TS\x01T5\r\n\r\n!\r\n" + GOOD, [FRAME]),
    ("a telegram that is too long", LONG + b"\r\n", [reject(R.OVERSIZED, MAX_TELEGRAM)]),
    ("a telegram that is too long, then a good one", LONG + b"\r\n" + GOOD, [reject(R.OVERSIZED, MAX_TELEGRAM), FRAME]),
    ("too long without end", LONG[:-1], [reject(R.OVERSIZED, MAX_TELEGRAM)]),
    ("too long, and another begins", LONG[:-1] + GOOD, [reject(R.OVERSIZED, MAX_TELEGRAM), FRAME]),
    ("a line of text before a binary stream", b"/EGM5G15\r\n" + bytes(range(1, 8)) * 20, [reject(R.NOT_P1, 10 + 140)]),
    ("an envelope", SEALED, [ENVELOPE]),
    ("two envelopes", SEALED + SEALED, [ENVELOPE, ENVELOPE]),
    ("noise before an envelope", b"\xdb\x08\xdb\xdb\x08" + SEALED, [ENVELOPE]),
    ("plain and encrypted", GOOD + SEALED + GOOD, [FRAME, ENVELOPE, FRAME]),
    ("an envelope that lost its end", SEALED[:70], [reject(R.TRUNCATED, 70)]),
    ("an envelope that lost its end, then a good one", SEALED[:60] + SEALED, [reject(R.TRUNCATED, 60), ENVELOPE]),
    ("an envelope that lost its last bytes, then a good one", SEALED[:-5] + SEALED, [EncryptedFrame(SEALED[:-5] + SEALED[:5]), ENVELOPE]),
    ("an envelope behind a telegram that lost its end", BODY[:-1] + SEALED, [reject(R.TRUNCATED, len(BODY) - 1), ENVELOPE]),
    ("an envelope behind an identification line that lost its end", b"/TST5" + SEALED, [ENVELOPE]),
    ("an envelope behind a telegram without line end", GOOD[:-2] + SEALED, [FRAME, ENVELOPE]),
    ("an envelope behind a telegram without check sum and line end", BODY + SEALED, [BARE, ENVELOPE]),
    ("an envelope that is too short", b"\xdb\x08TITLE678\x82\x00\x20\x30" + b"x" * 40, []),
    ("an envelope that is too long", b"\xdb\x08TITLE678\x82\xff\xff\x30" + b"x" * 40, []),
    ("an envelope with another security control byte", SEALED.replace(b"\x30", b"\x31", 1), []),
    ("an HDLC frame", b"\x7e\xa0\x8b\xce\xff\x03\x13\xee\xe1\xe6\xe7\x00" + b"x" * 60, [reject(R.NOT_P1, 12)]),
    ("an HDLC frame with long addresses", b"\x7e\xa0\x8b" + b"\xce" * 8 + b"\x13\xee\xe1\xe6\xe7\x00" + b"x" * 60, [reject(R.NOT_P1, 17)]),
    ("an envelope in an HDLC frame", b"\x7e\xa0\x8b\xce\xff\x03\x13\xee\xe1\xe6\xe7\x00" + SEALED, [reject(R.NOT_P1, 12)]),
    ("an envelope in an M-Bus frame", b"\x68\x8b\x8b\x68\x53\xff\x00\x01\x67" + SEALED, [reject(R.NOT_P1, 9)]),
]  # fmt: skip
EVERY_CASE = pytest.mark.parametrize(
    ("octets", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)


@EVERY_CASE
def test_whole(octets: bytes, expected: Events) -> None:
    assert frames([octets]) == expected


@EVERY_CASE
def test_byte_by_byte(octets: bytes, expected: Events) -> None:
    assert frames(octets[place : place + 1] for place in range(len(octets))) == expected


@EVERY_CASE
@pytest.mark.parametrize("size", [2, 7, 64, 1000])
def test_in_pieces(octets: bytes, expected: Events, size: int) -> None:
    assert frames(octets[place : place + size] for place in range(0, len(octets), size)) == expected


@EVERY_CASE
def test_a_good_telegram_behind_it_is_found(octets: bytes, expected: Events) -> None:
    separator = b"\x00\r\n"
    assert frames([octets, separator, TRAILER])[-1] == TRAILER_FRAME
    assert frames([octets + separator + TRAILER])[-1] == TRAILER_FRAME
    assert frames([octets + separator + b"\xff" * 300 + TRAILER])[-1] == TRAILER_FRAME


@EVERY_CASE
def test_a_good_envelope_behind_it_is_found(octets: bytes, expected: Events) -> None:
    assert ENVELOPE in frames([octets + b"\x00\r\n" + SEALED])


def test_hostile_stream() -> None:
    """Everything that goes wrong on a port, one after the other; the good telegrams are numbered."""
    good = [seal(b"/TST5\\%d\r\n\r\n1-0:1.8.0(%010.3f*kWh)\r\n!" % (number, number)) for number in range(12)]
    broken = bytearray(good[0])
    broken[20] ^= 1
    flipped = bytearray(SEALED)
    flipped[12] ^= 0x40
    stream = b"".join((
        good[0][15:],                            # opened in the middle
        good[1],
        bytes(broken),                           # a bit is wrong
        good[2],
        good[3][:25] + good[3],                  # interrupted
        b"\xff\xfb\x01\xff\xfb\x03",             # telnet
        good[4],
        LONG + b"\r\n",                          # without bounds
        good[5],
        b"\x00" * 500 + b"\xff" * 500,           # unplugged and plugged in
        good[6],
        good[7][: good[7].index(b"!")],          # the end is missing
        good[8],
        bytes(flipped),                          # the length of an envelope is wrong
        good[9],
        b"/" * 100 + b"!" * 100 + b"(" * 100,
        good[10].replace(b"\r\n", b"\n"),
        b"/\r\n!\r\n",
        good[11],
    ))  # fmt: skip
    expected = [good[number] for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11)]
    for size in (1, 13, 256, len(stream)):
        events = frames(stream[place : place + size] for place in range(0, len(stream), size))
        found = [event.text for event in events if isinstance(event, PlainFrame) and event.has_crc]
        assert found == [
            telegram[:-6] if telegram is not good[10] else telegram.replace(b"\r\n", b"\n")[:-5]
            for telegram in expected
        ]
        reasons = {event.reason for event in events if isinstance(event, Rejected)}
        assert {R.CRC, R.TRUNCATED, R.OVERSIZED} <= reasons


@pytest.mark.parametrize("capture", [DSMR5, DSMR22, AUSTRIA])
def test_nothing_is_given_before_it_is_complete(capture: str) -> None:
    octets = load(capture)
    framer = Framer()
    end = len(octets) if capture == AUSTRIA else octets.rindex(b"!") + (5 if capture == DSMR5 else 2)
    for place in range(end - 1):
        assert list(take(framer, octets[place : place + 1])) == []
    assert len(list(take(framer, octets[end - 1 :]))) == 1


def test_an_envelope_in_a_text_is_found_when_it_is_complete_also_where_its_header_is_split() -> None:
    # A ciphertext without any byte that may be the end of a text, or the beginning of a frame.
    envelope = SEALED[:15] + b"x" * (len(SEALED) - 15)
    for size in range(2, 20):
        framer = Framer()
        list(take(framer, BODY[:-1] + envelope[:1]))
        assert not list(take(framer, envelope[1:size]))[1:]
        assert list(take(framer, envelope[size:]))[-1:] == [EncryptedFrame(envelope)]


def test_after_an_envelope_that_cannot_be_opened_the_search_goes_on_inside_it() -> None:
    # The length was hit by a bit error: the envelope claims the plain telegrams behind it.
    claimed = bytearray(SEALED + GOOD + GOOD)
    claimed[11:13] = (len(claimed) - 13).to_bytes(2)
    framer = Framer()
    events: Events = []
    for event in take(framer, bytes(claimed) + TRAILER):
        events.append(event)
        if isinstance(event, EncryptedFrame):
            framer.resume(event)
    assert events == [EncryptedFrame(bytes(claimed)), FRAME, FRAME, TRAILER_FRAME]


def test_what_is_wrong_inside_an_envelope_that_cannot_be_opened_is_not_reported_again() -> None:
    hdlc = b"\x7e\xa0\x8b\xce\xff\x03\x13\xee\xe1\xe6\xe7\x00"
    claimed = bytearray(SEALED + BODY + b"0000\r\n" + hdlc + GOOD)
    claimed[11:13] = (len(claimed) - 13).to_bytes(2)
    framer = Framer()
    events: Events = []
    for event in take(framer, bytes(claimed)):
        events.append(event)
        if isinstance(event, EncryptedFrame):
            framer.resume(event)
    assert events == [EncryptedFrame(bytes(claimed)), FRAME]


@pytest.mark.parametrize(
    "noise", [b"/", b"/x\r\n", b"\xdb\x08", b"!\r\n", b"\x00", b"\r\n/A\r\n1", SEALED[:20], GOOD[:-8]]
)
def test_the_buffer_is_bounded(noise: bytes) -> None:
    framer = Framer()
    most = 0
    for _ in range(60_000 // len(noise)):
        for _event in take(framer, noise):
            pass
        most = max(most, framer.pending)
    assert most <= MAX_TELEGRAM + MAX_IDENTIFICATION + len(noise) + 16
    assert PlainFrame(TRAILER[:-6], has_crc=True) in [
        *take(framer, b"\r\n" + b"\0" * 9000 + b"\r\n" + TRAILER),
        *take(framer, final=True),
    ]


def test_what_was_read_is_forgotten_where_every_telegram_is_cut_at_the_same_place() -> None:
    """A bridge that sends at its own pace: whenever bytes come, the rest of a telegram is waited for."""
    telegram = load(DSMR5)
    middle = len(telegram) // 2
    framer = Framer()
    list(take(framer, telegram[:middle]))
    tracemalloc.start()
    try:
        for _ in range(300):
            assert len(list(take(framer, telegram[middle:] + telegram[:middle]))) == 1
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 30 * len(telegram)


def test_a_last_line_that_never_ends_is_not_waited_for() -> None:
    framer = Framer()
    assert list(take(framer, BODY + b" " * MAX_IDENTIFICATION)) == [BARE]


# What headers are made of, and what begins and ends telegrams.
SPECIAL = b"/!\r\n\xdb\x08\x82\x30\x7e\xa0\xe6\xe7\x00A1"


@pytest.mark.parametrize("seed", range(300))
def test_any_bytes_in_a_header_and_around_it_give_the_same_in_pieces(seed: int) -> None:
    source = random.Random(seed)
    stream = b""
    for _ in range(source.randrange(1, 5)):
        envelope = encrypt(GOOD, system_title=bytes(source.choices(SPECIAL, k=8)))
        piece = source.choice((envelope, envelope, GOOD, bytes(source.choices(SPECIAL, k=20))))
        stream += piece if source.random() < 0.6 else piece[: source.randrange(len(piece))]
    cuts = sorted(source.choices(range(len(stream) + 1), k=3))
    pieces = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    assert frames(pieces) == frames([stream]) == frames(stream[place : place + 1] for place in range(len(stream)))


def test_a_slash_in_a_system_title_costs_no_telegram() -> None:
    envelope = encrypt(GOOD, system_title=b"SAG/\x01\x02\x03\x04")
    framer = Framer()
    found = [event for octet in envelope * 3 for event in take(framer, bytes([octet]))]
    assert found == [EncryptedFrame(envelope)] * 3


def test_a_rejection_is_about_a_proof_or_about_the_line_or_about_something_else() -> None:
    keys = {reason for reason in RejectReason if reason.is_key}
    whole = {reason for reason in RejectReason if reason.is_whole}
    damage = {reason for reason in RejectReason if reason.is_damage}
    assert whole - keys == {RejectReason.AUTHENTICATION}
    assert keys < whole
    assert not whole & damage
    assert set(RejectReason) - whole - damage == {reason for reason in RejectReason if reason.is_foreign}
    assert {reason for reason in RejectReason if reason.is_torn} < damage


def test_what_has_begun_and_not_ended_is_known_in_pieces() -> None:
    framer = Framer()
    seen = []
    for piece in (b"/TST5", b"\\TEST\r\n", b"1-0:1.8.0(0", b"00123.456*kWh)\r\n", b"\x01", b"0"):
        framer.receive(piece)
        assert framer.next_event() is None
        seen.append(framer.is_amid_telegram)
    assert seen == [False, True, True, True, False, False]
