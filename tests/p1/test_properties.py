"""What holds whatever the bytes are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
import re

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.dsmr_p1.p1 import (
    Authentication,
    CosemValue,
    Decoder,
    Keys,
    Obis,
    PortMemory,
    Reading,
    Rejected,
    Unit,
    present,
)
from custom_components.dsmr_p1.p1.cosem.clock import CENTRAL, CENTRAL_STANDARD, EASTERN, Clock
from custom_components.dsmr_p1.p1.cosem.times import parse_timestamp
from custom_components.dsmr_p1.p1.cosem.values import Shape, decode_hex_text, parse_quantity
from custom_components.dsmr_p1.p1.meters.limits import is_total
from custom_components.dsmr_p1.p1.registers.guard import Guard
from custom_components.dsmr_p1.p1.wire.decryption import decrypt
from custom_components.dsmr_p1.p1.wire.envelope import MAX_TELEGRAM
from simulator import encrypt, seal
from tests.p1.captures import (
    ACE4000,
    CAPTURES,
    DECRYPTION_KEY,
    DSMR5,
    DSMR22,
    DSMR30,
    EMUCS,
    SMARTY,
    decode,
    keys_of,
    load,
)
from tests.p1.soak import soak

PROPERTY = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
KEYS = Keys(DECRYPTION_KEY)
CALM = b"\r\n" + b"\x00" * 20 + b"\r\n"

GOOD = seal(b"/TST5\\GOOD\r\n\r\n1-0:1.8.1(000123.456*kWh)\r\n0-0:96.13.0()\r\n!")
SEALED = encrypt(GOOD, decryption_key=DECRYPTION_KEY)
# What streams are made of: whole telegrams, the beginnings and ends of frames, and noise.
PIECES = st.one_of(
    st.sampled_from([load(name) for name in (DSMR5, DSMR22, DSMR30, EMUCS, SMARTY)]),
    st.sampled_from([GOOD, GOOD[:-8], GOOD[10:], GOOD.replace(b"\r", b""), GOOD.replace(b"123", b"124")]),
    st.sampled_from(
        [b"/", b"!", b"\r\n", b"\r\n/", b"\r\n!", b"!ABCD\r\n", b"/XXX5\r\n\r\n", b"\xdb\x08", b"\x00", b"("]
    ),
    st.sampled_from(
        [load(SMARTY)[:13], load(SMARTY)[:40], load(SMARTY)[13:80], encrypt(GOOD, decryption_key=DECRYPTION_KEY)]
    ),
    st.sampled_from([b"\x7e\xa0\x8b\xce\xff\x03\x13\xee\xe1\xe6\xe7\x00", b"\x68\x8b\x8b\x68\x53\xff\x00\x01\x67"]),
    st.binary(max_size=60),
    st.text("/!()*.:0123456789-kWhm\r\n", max_size=60).map(str.encode),
)
# The numbers of totals.
TOTALS = re.compile(rb"(?<=\()[0-9.]+(?=\*(?:kWh|kvarh|m3|GJ)\))")
STREAMS = st.lists(PIECES, max_size=12).map(b"".join)


def comparable(events: list[Reading | Rejected]) -> list[object]:
    return [event if isinstance(event, Rejected) else contents(event) for event in events]


def contents(reading: Reading) -> tuple[object, ...]:
    unknown = [(obj.obis, obj.values) for obj in reading.unknown]
    return reading.telegram.text, reading.telegram.malformed, reading.meters, unknown, reading.authentication


@PROPERTY
@given(STREAMS)
def test_any_bytes_give_events_and_never_an_exception(stream: bytes) -> None:
    decoder = Decoder(KEYS)
    for event in (*decoder.feed(stream), *decoder.finish()):
        assert isinstance(event, (Reading, Rejected))
        if isinstance(event, Rejected):
            assert 0 < event.size <= MAX_TELEGRAM + 13
        else:
            for meter in event.meters:
                present(meter)
    assert decoder.pending == 0


@PROPERTY
@given(st.lists(STREAMS, max_size=6))
def test_the_buffers_are_bounded(streams: list[bytes]) -> None:
    decoder = Decoder(KEYS)
    for stream in streams:
        for place in range(0, len(stream), 512):
            for _ in decoder.feed(stream[place : place + 512]):
                pass
            assert decoder.pending <= 2 * (MAX_TELEGRAM + 1024)


WALL = datetime(2026, 1, 12, 10, tzinfo=UTC)
HITS = st.one_of(
    st.tuples(st.sampled_from(["zeros", "nines", "other digits", "nothing"]), st.integers(0, 99)),
    st.tuples(st.binary(min_size=1, max_size=3), st.integers(0, 5000)),
)


@PROPERTY
@given(STREAMS)
def test_any_bytes_pass_the_guard(stream: bytes) -> None:
    memory = PortMemory()
    decoder, guard = Decoder(KEYS, memory), Guard(memory)
    for number, event in enumerate([*decoder.feed(stream), *decoder.finish()]):
        if isinstance(event, Reading):
            guard.check(event, 10.0 * number, WALL + timedelta(seconds=10 * number))
    again = Guard(memory)
    again.restore(guard.as_dict(), 0.0, WALL)
    assert again.as_dict().keys() == guard.as_dict().keys()


@PROPERTY
@given(st.sampled_from([DSMR5, EMUCS, DSMR22, DSMR30, ACE4000]), st.lists(HITS, max_size=20))
def test_no_total_that_is_shown_falls_whatever_hits_a_meter(name: str, hits: list[tuple[str | bytes, int]]) -> None:
    body, _, end = load(name).rpartition(b"!")
    memory = PortMemory()
    decoder, guard = Decoder(memory=memory), Guard(memory)
    shown: dict[tuple[str, str | None, str], Decimal] = {}
    for number, (hit, place) in enumerate([("nothing", 0), ("nothing", 0), *hits]):
        octets = body
        if isinstance(hit, str) and hit != "nothing":
            tables = {"zeros": zeros(), "nines": dict.fromkeys(range(48, 58), "9"), "other digits": digits(place)}
            table = tables[hit]
            octets = TOTALS.sub(lambda found: found[0].decode().translate(table).encode(), body)  # noqa: B023
        octets = seal(octets) if end.strip() else octets + b"!\r\n"
        if isinstance(hit, bytes):
            start = place % len(octets)
            octets = octets[:start] + hit + octets[start + len(hit) :]
        for event in decoder.feed(octets):
            if not isinstance(event, Reading):
                continue
            for meter in guard.check(event, 10.0 * number, WALL + timedelta(seconds=10 * number)).meters:
                profile = meter.profile
                for channel_id, row in profile.channel_types.items():
                    shows = meter.channels[channel_id]
                    if is_total(row, profile.role, shows.unit) and isinstance(shows.value, Decimal):
                        key = profile.slot, profile.equipment_identifier, channel_id
                        assert shows.value >= shown.get(key, shows.value)
                        shown[key] = shows.value


@PROPERTY
@given(STREAMS, st.data())
def test_any_split_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    assert comparable(decode(pieces, KEYS)) == comparable(decode(stream, KEYS))


@PROPERTY
@given(STREAMS)
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    pieces = [stream[place : place + 1] for place in range(len(stream))]
    assert comparable(decode(pieces, KEYS)) == comparable(decode(stream, KEYS))


@PROPERTY
@given(STREAMS)
def test_a_good_telegram_after_garbage_is_found(garbage: bytes) -> None:
    # The garbage may have an encrypted telegram in it, after which no plain one is believed.
    *_, last = decode([garbage + CALM + GOOD], KEYS, PortMemory(allows_plain=True))
    assert isinstance(last, Reading)
    assert last.telegram.identification == "TST5\\GOOD"


@PROPERTY
@given(st.lists(st.sampled_from(CAPTURES), min_size=1, max_size=6))
def test_telegrams_are_read_after_others_as_by_themselves(names: list[str]) -> None:
    """What is remembered of one telegram makes the next one cheaper, and changes nothing in it."""
    memory = PortMemory()
    decoder = Decoder(KEYS, memory)
    for name in names:
        memory.sends_crc = memory.tag_verified = False
        memory.frame_counters.clear()
        octets = load(name)
        alone, after = decode(octets, KEYS), [*decoder.feed(octets)]
        if not any(isinstance(event, Reading) and event.telegram.has_crc for event in alone) and len(after) == 1:
            # Without a checksum, another form under the same identification has to come twice.
            after = [*decoder.feed(octets)] if isinstance(after[0], Rejected) else after
        assert comparable(after) == comparable(alone)


def digits(step: int) -> dict[int, str]:
    """Return a translation of the digits of a value, but not of its unit."""
    return {ord("0") + digit: str((digit + step) % 10) for digit in range(10)}


def zeros() -> dict[int, str]:
    return dict.fromkeys(map(ord, "123456789"), "0")


def change_value(line: str, table: dict[int, str]) -> str:
    head, parenthesis, rest = line.partition("(")
    return head + parenthesis + rest.replace("m3", "m\xb3").translate(table)


CHANGES: dict[str, Callable[[str], str]] = {
    "more": lambda line: change_value(line, digits(1)),
    "zero": lambda line: change_value(line, zeros()),
    "empty": lambda line: line.partition("(")[0] + "()",
    "text": lambda line: line.partition("(")[0] + "(x)",
    "unit": lambda line: line.replace("*k", "*").replace("*m3", "*GJ"),
    "torn": lambda line: line[:-3],
    "blank": lambda _line: "",
}
LINE_CHANGES = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["drop", "double", "swap", *CHANGES])), max_size=8
)


@PROPERTY
@given(st.sampled_from([DSMR5, EMUCS, DSMR22, DSMR30, ACE4000]), st.lists(LINE_CHANGES, min_size=1, max_size=5))
def test_a_telegram_that_changes_is_read_as_by_itself(name: str, steps: list[list[tuple[int, str]]]) -> None:
    first, *lines = load(name).decode("latin-1").rpartition("!")[0].split("\r\n")
    decoder = Decoder()
    for step in steps:
        for place, change in step:
            number = place % len(lines)
            if change in CHANGES:
                lines[number] = CHANGES[change](lines[number])
            elif change == "swap":
                lines[number - 1], lines[number] = lines[number], lines[number - 1]
            elif change == "double":
                lines.insert(number, lines[number])
            elif len(lines) > 5:
                del lines[number]
        octets = seal("\r\n".join((first, *lines, "!")).encode("latin-1"))
        fresh = PortMemory(tariffs=set(decoder.memory.tariffs), main_meter=decoder.memory.main_meter)
        assert comparable([*decoder.feed(octets)]) == comparable([*Decoder(memory=fresh).feed(octets)])


@PROPERTY
@given(
    st.sampled_from([name for name in CAPTURES if load(name).startswith(b"/")]),
    st.lists(st.lists(st.tuples(st.integers(0, 8000), st.integers(0, 9)), max_size=30), min_size=1, max_size=6),
)
def test_a_telegram_with_other_digits_anywhere_is_read_as_by_itself(
    name: str, steps: list[list[tuple[int, int]]]
) -> None:
    """Digits of references too: objects where nobody expects them, with a right check sum."""
    body = bytearray(load(name).rpartition(b"!")[0] + b"!")
    places = [place for place in range(body.index(b"\n"), len(body)) if chr(body[place]).isdecimal()]
    decoder = Decoder()
    for step in steps:
        for place, digit in step:
            body[places[place % len(places)]] = ord(str(digit))
        octets = seal(bytes(body))
        fresh = PortMemory(tariffs=set(decoder.memory.tariffs), main_meter=decoder.memory.main_meter)
        assert comparable(decoder.feed(octets)) == comparable(Decoder(memory=fresh).feed(octets))


# Round trips.


@PROPERTY
@given(st.tuples(*[st.integers(0, 255)] * 5), st.none() | st.integers(0, 254))
def test_references_survive_a_round_trip(groups: tuple[int, int, int, int, int], period: int | None) -> None:
    obis = Obis(*groups, period)
    assert Obis.parse(str(obis)) == obis


@PROPERTY
@given(st.decimals(0, 10**12 - 1, allow_nan=False, places=3), st.sampled_from(Unit), st.sampled_from(["*", " ", "_"]))
def test_quantities_survive_a_round_trip(number: Decimal, unit: Unit, separator: str) -> None:
    assert parse_quantity(f"{number:013f}{separator}{unit}") == (number, unit)


@PROPERTY
@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2069, 12, 31)),  # noqa: DTZ001  the clock of a meter
    st.booleans(),
    st.sampled_from([Clock(CENTRAL), Clock(EASTERN), Clock(CENTRAL_STANDARD)]),
)
def test_timestamps_survive_a_round_trip(local: datetime, is_summer: bool, clock: Clock) -> None:
    local = local.replace(microsecond=0)
    timestamp = parse_timestamp(f"{local:%y%m%d%H%M%S}{'S' if is_summer else 'W'}", clock)
    assert timestamp is not None
    assert timestamp.replace(tzinfo=None) == local
    assert timestamp.utcoffset() == clock.standard.utcoffset(None) + timedelta(hours=is_summer)


@PROPERTY
@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1).filter(lambda text: text == text.strip())
)
def test_hex_text_survives_a_round_trip(text: str) -> None:
    assert decode_hex_text(text.encode().hex()) == text


@PROPERTY
@given(st.text(st.characters(max_codepoint=0xFF), max_size=80), st.sampled_from(Shape))
def test_any_text_has_a_shape_or_is_refused(text: str, shape: Shape) -> None:
    try:
        values = shape.decode(text.split(")("), Clock(CENTRAL))
    except ValueError:
        return
    assert all(isinstance(value, CosemValue) for value in values)
    assert values


@PROPERTY
@given(
    st.binary(min_size=30, max_size=3000),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=8, max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_envelopes_survive_a_round_trip(
    text: bytes, key: bytes, authentication_key: bytes, title: bytes, counter: int
) -> None:
    octets = encrypt(
        text, decryption_key=key, authentication_key=authentication_key, system_title=title, frame_counter=counter
    )
    decrypted = decrypt(octets, Keys(key, authentication_key), bool, allow_not_verified=False)
    assert decrypted == (text, Authentication.ADDITIONAL_KEY, title)


# One telegram, exhaustively.


@pytest.fixture(scope="module")
def seen_crc() -> PortMemory:
    memory = PortMemory()
    assert decode(load(DSMR5), memory=memory)
    return memory


@pytest.mark.parametrize("port", ["new", "known"])
@pytest.mark.parametrize("bit", range(8))
def test_one_flipped_bit_never_gives_another_telegram(bit: int, port: str, seen_crc: PortMemory) -> None:
    octets = load(DSMR5)
    [original] = decode(octets)
    assert isinstance(original, Reading)
    for place in range(len(octets)):
        flipped = bytearray(octets)
        flipped[place] ^= 1 << bit
        events = decode(bytes(flipped), memory=PortMemory(sends_crc=seen_crc.sends_crc) if port == "known" else None)
        for event in events:
            if isinstance(event, Reading):
                # Only what stands behind the checksum, or the case of its letters, can change without harm.
                assert place > octets.rindex(b"!")
                assert event.meters == original.meters


@pytest.mark.parametrize("bit", range(8))
def test_one_flipped_bit_in_an_envelope_never_gives_another_telegram(bit: int) -> None:
    octets = load(SMARTY)
    [original] = decode(octets, KEYS)
    assert isinstance(original, Reading)
    for place in range(len(octets)):
        flipped = bytearray(octets)
        flipped[place] ^= 1 << bit
        for event in decode(bytes(flipped), KEYS, PortMemory(sends_crc=True, tag_verified=True)):
            assert isinstance(event, Rejected)


@pytest.mark.parametrize("capture", [DSMR5, SMARTY])
def test_a_truncated_telegram_is_none(capture: str) -> None:
    octets = load(capture)
    end = len(octets) if capture == SMARTY else octets.rindex(b"!") + 5
    for length in range(end):
        assert not [event for event in decode(octets[:length], keys_of(capture)) if isinstance(event, Reading)]


@pytest.mark.parametrize("capture", [DSMR5, DSMR22, EMUCS, SMARTY])
def test_a_telegram_split_at_every_byte_decodes_the_same(capture: str) -> None:
    octets = load(capture)
    whole = comparable(decode(octets, keys_of(capture)))
    for place in range(len(octets)):
        assert comparable(decode([octets[:place], octets[place:]], keys_of(capture))) == whole


def test_many_mutated_bytes_cost_no_memory() -> None:
    report = soak(megabytes=0.4, seed=1)
    assert report.octets >= 400_000
    assert report.telegrams
    assert report.growth < 200_000


@PROPERTY
@given(STREAMS, st.integers(1, 70))
def test_an_event_comes_with_the_byte_that_completes_it(stream: bytes, size: int) -> None:
    """Frames that are waited for are looked at again as soon as it matters: pieces give what single bytes give."""
    pieces, single = Decoder(KEYS), Decoder(KEYS)
    for start in range(0, len(stream), size):
        piece = stream[start : start + size]
        bytewise = [event for octet in piece for event in single.feed(bytes([octet]))]
        assert comparable(pieces.feed(piece)) == comparable(bytewise)
