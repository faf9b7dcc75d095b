"""What is heard on a port, as figures."""

import pytest

from custom_components.dsmr_p1.p1 import Authentication, Rejected, RejectReason
from custom_components.dsmr_p1.p1.heard import Heard, Hint
from custom_components.dsmr_p1.p1.watchdog import Watchdog
from simulator import TELNET_GREETING
from tests.p1.captures import AUSTRIA, DSMR5, SMARTY, read_capture


def test_nothing_heard() -> None:
    heard = Heard()
    assert (heard.octets, heard.telegrams, heard.period, heard.is_encrypted) == (0, 0, None, False)
    assert (heard.last_octet_at, heard.last_telegram_at, heard.longest_gap) == (None, None, 0.0)


def test_bytes_are_counted() -> None:
    heard = Heard()
    heard.received(b"12345", 1.0)
    heard.received(b"678", 2.5)
    assert (heard.octets, heard.last_octet_at, heard.hints) == (8, 2.5, set())


def test_one_telegram_has_no_period() -> None:
    heard = Heard()
    heard.decoded(read_capture(DSMR5), 0.0)
    assert heard.period is None


def test_the_period_is_the_usual_one() -> None:
    heard = Heard()
    reading = read_capture(DSMR5)
    heard.decoded(reading, 0.0)
    now = 0.0
    for pause in (1.0, 1.0, 30.0, 1.0, 1.0):
        now += pause
        heard.decoded(reading, now)
    assert [heard.period, heard.longest_gap, heard.telegrams, heard.last_telegram_at] == [1.0, 30.0, 6, now]
    for _ in range(20):
        now += 10.0
        heard.decoded(reading, now)
    assert heard.period == 10.0


def test_telegrams_that_a_bridge_sends_three_at_a_time_have_the_period_of_the_bridge() -> None:
    heard = Heard()
    reading = read_capture(DSMR5)
    for burst in range(20):
        for part in range(3):
            heard.decoded(reading, 30.0 * burst + 0.002 * part)
    assert heard.period == pytest.approx(30.0, abs=0.01)
    # Less would open the port again before each of its bursts.
    watchdog = Watchdog(120.0)
    watchdog.fed(0.0)
    assert watchdog.left(31.0, heard.period) > 0


@pytest.mark.parametrize("reason", RejectReason)
def test_rejections_are_counted_by_reason(reason: RejectReason) -> None:
    heard = Heard()
    heard.decoded(Rejected(reason, 100), 1.0)
    heard.decoded(Rejected(reason, 20), 2.0)
    assert heard.rejected == {reason: 2}
    assert heard.rejected_octets == 120
    assert heard.hints == ({Hint.NOT_P1} if reason is RejectReason.NOT_P1 else set())
    assert heard.is_encrypted is (reason in {"no_key", "decryption", "authentication"})
    assert heard.telegrams == 0


def test_encrypted_telegrams() -> None:
    heard = Heard()
    heard.decoded(read_capture(SMARTY), 1.0)
    assert (heard.authentication, heard.is_encrypted) == (Authentication.DEFAULT_KEY, True)
    heard.decoded(read_capture(AUSTRIA), 2.0)
    assert heard.authentication is Authentication.ADDITIONAL_KEY
    heard.decoded(read_capture(DSMR5), 3.0)
    assert not heard.is_encrypted


def test_telnet_is_recognised() -> None:
    heard = Heard()
    heard.received(TELNET_GREETING, 1.0)
    assert heard.hints == {Hint.TELNET}


def test_after_a_telegram_it_is_no_telnet() -> None:
    heard = Heard()
    heard.decoded(read_capture(SMARTY), 1.0)
    heard.received(TELNET_GREETING, 1.0)
    assert heard.hints == set()
