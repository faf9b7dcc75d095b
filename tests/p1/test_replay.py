"""What is believed of an encrypted port: nothing plain, nothing twice, and no lower counter before it is proven."""

from collections.abc import Iterable

import pytest

from custom_components.dsmr_p1.p1 import Decoder, Keys, PortMemory, Reading, Rejected, RejectReason
from custom_components.dsmr_p1.p1.wire.replay import MOST_TITLES, PROVING_TELEGRAMS
from simulator import encrypt, seal
from tests.p1.captures import ADDITIONAL_KEY, DECRYPTION_KEY, DSMR5, load, read, telegram

KEYS = Keys(DECRYPTION_KEY)
TITLE = b"TST\x00\x01\x02\x03\x04"
OTHER_TITLE = b"TST\x00\x01\x02\x03\x05"
PLAIN = load(DSMR5)
NAMELESS = telegram("1-3:0.2.8(50)", "0-0:1.0.0(240311084500W)", "1-0:1.8.1(000100.000*kWh)")


def sealed(counter: int, *, title: bytes = TITLE, text: bytes = PLAIN, key: bytes | None = None) -> bytes:
    extra = {} if key is None else {"authentication_key": key}
    return encrypt(text, decryption_key=DECRYPTION_KEY, system_title=title, frame_counter=counter, **extra)


def outcome(events: Iterable[Reading | Rejected]) -> list[str]:
    """Return `telegram`, or `anew` where a counter was believed that began anew, or why it was rejected."""
    return [
        event.reason.value if isinstance(event, Rejected) else "anew" if event.counter_restarted else "telegram"
        for event in events
    ]


def heard(decoder: Decoder, octets: bytes, now: float = 0.0) -> str:
    [result] = outcome(decoder.feed(octets, now))
    return result


def test_after_a_tag_has_verified_no_plain_telegram_is_believed() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, PLAIN) == "telegram"
    assert heard(decoder, sealed(1)) == "telegram"
    [rejected] = decoder.feed(PLAIN)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.AUTHENTICATION
    assert PLAIN.startswith(rejected.octets)
    assert not rejected.reason.is_key
    assert heard(Decoder(KEYS, decoder.memory), PLAIN) == "authentication"
    # Without keys too: they may have been taken out of the entry.
    assert heard(Decoder(None, decoder.memory), PLAIN) == "authentication"
    assert heard(decoder, sealed(2)) == "telegram"


def test_where_no_tag_verifies_plain_telegrams_are_believed() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(1, key=ADDITIONAL_KEY)) == "telegram"
    assert heard(decoder, PLAIN) == "telegram"


def test_plain_telegrams_that_are_allowed_are_believed() -> None:
    assert heard(Decoder(KEYS, PortMemory(tag_verified=True, allows_plain=True)), PLAIN) == "telegram"


@pytest.mark.parametrize("key", [None, ADDITIONAL_KEY])
def test_a_telegram_is_not_believed_twice(key: bytes | None) -> None:
    decoder = Decoder(KEYS)
    frames = [sealed(counter, key=key) for counter in (7, 8, 9)]
    assert [heard(decoder, frame) for frame in frames] == ["telegram"] * 3
    assert [heard(decoder, frame) for frame in frames] == ["authentication"] * 3
    assert heard(Decoder(KEYS, decoder.memory), frames[2]) == "authentication"
    assert heard(decoder, sealed(10, key=key)) == "telegram"


def test_a_telegram_that_is_not_believed_does_not_count() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(1)) == "telegram"
    forged = bytearray(sealed(1_000_000))
    forged[-1] ^= 1
    assert heard(decoder, bytes(forged)) == "authentication"
    assert heard(decoder, sealed(2)) == "telegram"


@pytest.mark.parametrize(("pause", "needed"), [(10.0, PROVING_TELEGRAMS), (1.0, 61), (60.0, PROVING_TELEGRAMS)])
def test_a_meter_that_was_reset_is_believed_after_a_while(pause: float, needed: int) -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(1_000_000)) == "telegram"
    results = [heard(decoder, sealed(number), number * pause) for number in range(1, needed + 2)]
    assert results == ["authentication"] * (needed - 1) + ["anew", "telegram"]


def test_a_reset_behind_a_reader_that_sends_everything_twice_is_believed_too() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(1_000_000)) == "telegram"
    results = [heard(decoder, sealed(number // 2), number * 5.0) for number in range(2, 2 * PROVING_TELEGRAMS + 4)]
    assert results == ["authentication"] * (2 * PROVING_TELEGRAMS - 2) + [
        "anew", "authentication", "telegram", "authentication",
    ]  # fmt: skip


def test_the_same_recorded_telegram_again_and_again_proves_nothing() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(1_000_000)) == "telegram"
    numbers = [min(number, PROVING_TELEGRAMS) for number in range(1, 100)]
    assert {heard(decoder, sealed(number), place * 1.0) for place, number in enumerate(numbers)} == {"authentication"}


def test_a_recording_is_not_believed_while_the_meter_is_heard() -> None:
    decoder = Decoder(KEYS)
    recording = [sealed(number) for number in range(1, 100)]
    genuine = [sealed(number) for number in range(1000, 1100)]
    for number, (old, new) in enumerate(zip(recording, genuine, strict=False)):
        assert heard(decoder, new, number * 10.0) == "telegram"
        assert heard(decoder, old, number * 10.0 + 5) == "authentication"


def test_a_recording_is_not_believed_where_it_does_not_rise() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(1000)) == "telegram"
    numbers = [1, 2, 3, 4, 5] * 10
    assert {heard(decoder, sealed(number), 10.0 * place) for place, number in enumerate(numbers)} == {"authentication"}


def test_the_same_meter_under_another_system_title_has_to_prove_itself() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(500)) == "telegram"
    results = [heard(decoder, sealed(number, title=OTHER_TITLE), number * 10.0) for number in range(1000, 1011)]
    assert results == ["authentication"] * 9 + ["anew", "telegram"]


def test_what_changed_is_not_counted_from_a_telegram_that_was_not_believed() -> None:
    decoder = Decoder(KEYS)
    later = seal(PLAIN[: PLAIN.rindex(b"!") + 1].replace(b"1-0:32.7.0(2", b"1-0:32.7.0(1"))
    assert later != PLAIN
    assert heard(decoder, sealed(500)) == "telegram"
    assert heard(decoder, sealed(1000, title=OTHER_TITLE, text=later)) == "authentication"
    [first] = decoder.feed(sealed(501, text=later))
    [second] = decoder.feed(sealed(502, text=later))
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert first.meters == read(later).meters
    assert all(meter is before for meter, before in zip(second.meters, first.meters, strict=True))


def test_another_meter_under_another_system_title_is_believed() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(500)) == "telegram"
    other = telegram("1-3:0.2.8(50)", "0-0:96.1.1(4530303036303030)", "1-0:1.8.1(000100.000*kWh)")
    assert heard(decoder, sealed(1, title=OTHER_TITLE, text=other)) == "telegram"


def test_a_nameless_meter_under_another_system_title_is_another_meter() -> None:
    decoder = Decoder(KEYS)
    assert heard(decoder, sealed(500, text=NAMELESS)) == "telegram"
    assert heard(decoder, sealed(1, title=OTHER_TITLE, text=NAMELESS)) == "telegram"
    assert heard(decoder, sealed(500, text=NAMELESS)) == "authentication"


def test_the_counters_are_bounded() -> None:
    decoder = Decoder(KEYS)
    for number in range(3 * MOST_TITLES):
        assert heard(decoder, sealed(1, title=number.to_bytes(8), text=NAMELESS)) == "telegram"
    assert len(decoder.memory.frame_counters) == MOST_TITLES
    # A wrong telegram inside an envelope is not believed, whatever its system title.
    assert heard(decoder, sealed(1, title=b"\xff" * 8, text=b"/hello".ljust(40))) == "malformed"
    assert heard(decoder, sealed(2, title=b"\xff" * 8, text=NAMELESS.replace(b"(00", b"(01"))) == "malformed"


def test_a_counter_is_no_difference_between_memories() -> None:
    assert PortMemory(frame_counters={"00": 1}) == PortMemory()
    assert "00" not in repr(PortMemory(frame_counters={"00": 1}))
