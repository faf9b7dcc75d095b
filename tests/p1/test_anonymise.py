"""Anonymised telegrams: nothing that identifies a household is left, and everything else stays as it was."""

import re

import pytest

from custom_components.dsmr_p1.p1.anonymise import anonymise
from tests.p1.captures import CAPTURES, DSMR5, DSMR22, EMUCS, decode, load, meters, read, read_capture, telegram

SECRET = b"secret"
PLAIN = [name for name in CAPTURES if name.endswith(".telegram")]


@pytest.mark.parametrize("capture", PLAIN)
def test_no_identifier_is_left(capture: str) -> None:
    shown = anonymise(load(capture), SECRET)
    for meter in read_capture(capture).meters:
        identifier = meter.profile.equipment_identifier
        if identifier is not None:
            assert identifier.encode() not in shown
            assert identifier.encode().hex().encode() not in shown.lower()


@pytest.mark.parametrize("capture", PLAIN)
def test_a_telegram_is_read_as_before(capture: str) -> None:
    octets = load(capture)
    before, after = read(octets), read(anonymise(octets, SECRET))
    assert after.telegram.has_crc is before.telegram.has_crc
    assert len(after.meters) == len(before.meters)
    for one, other in zip(before.meters, after.meters, strict=True):
        assert (one.profile.slot, one.profile.type_id) == (other.profile.slot, other.profile.type_id)
        assert (one.profile.equipment_identifier is None) is (other.profile.equipment_identifier is None)
        private = {"identifier", "text"}
        for channel_id, channel in one.profile.channel_types.items():
            if channel.quantity not in private:
                assert one.channels[channel_id] == other.channels[channel_id]


def test_line_ends_of_bridges() -> None:
    octets = load(DSMR5).replace(b"\r", b"")
    assert read(octets).telegram.has_crc
    assert read(anonymise(octets, SECRET)).telegram.has_crc


def test_an_identifier_keeps_its_form_and_its_length() -> None:
    found = meters(read(anonymise(load(DSMR5), SECRET)))["electricity"].profile.equipment_identifier
    assert found is not None
    assert re.fullmatch(r"[A-Z][1-9]{16}", found)
    assert len(anonymise(load(DSMR5), SECRET)) == len(load(DSMR5))


def test_the_same_secret_gives_the_same_and_another_another() -> None:
    assert anonymise(load(DSMR5), SECRET) == anonymise(load(DSMR5), SECRET)
    assert anonymise(load(DSMR5), SECRET) != anonymise(load(DSMR5), b"other")


def test_one_meter_in_two_telegrams_is_still_one() -> None:
    twice = anonymise(load(EMUCS) + load(EMUCS), SECRET)
    assert twice == anonymise(load(EMUCS), SECRET) * 2


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("0-0:96.1.1(0000000000)", True),
        ("0-0:96.1.1()", True),
        ("0-2:96.1.2(2D2D2D2D)", True),
        ("0-0:96.13.0()", True),
        ("0-0:96.1.1(4530)", False),
        ("0-0:96.1.0*255(9100000000000901)", False),
        ("0-1:96.1.0(ADE3100000010011)", False),
        ("0-0:96.13.0(48656C6C6F)", False),
        ("1-0:1.8.1(123456.789*kWh)", True),
        ("999-0:96.1.1(4530)", True),
        ("0-0:17.0.0(999.9*kW)", True),
    ],
)
def test_only_what_identifies_is_replaced(line: str, kept: bool) -> None:
    shown = anonymise(telegram("1-0:1.8.2(000001.000*kWh)", line), SECRET)
    assert (line.encode() in shown) is kept
    assert line.partition("(")[0].encode() in shown


def test_a_serial_number_in_the_identification_line() -> None:
    shown = anonymise(load(EMUCS), SECRET)
    assert shown.startswith(b"/FLU5\\")
    assert b"253700601" not in shown
    assert anonymise(load(DSMR22), SECRET).startswith(b"/ISk5\\2MT382-2202")


def test_a_damaged_telegram_stays_damaged() -> None:
    broken = load(DSMR5).replace(b"(003184.402", b"(003184.403")
    [event] = decode(anonymise(broken, SECRET))
    assert event in decode(broken)
    cut = load(DSMR5)[:400]
    assert b"4530303530303030303030303030353031" not in anonymise(cut, SECRET)
    assert len(anonymise(cut, SECRET)) == 400


def test_nothing_is_nothing() -> None:
    assert anonymise(b"", SECRET) == b""
    assert anonymise(b"\xff\x00", SECRET) == b"\xff\x00"
