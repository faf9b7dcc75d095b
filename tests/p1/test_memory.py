"""What is known of a port for good."""

from custom_components.dsmr_p1.p1 import Decoder, PortMemory, Reading
from tests.p1.captures import telegram


def test_a_port_begins_with_nothing_known() -> None:
    memory = PortMemory()
    assert (memory.sends_crc, memory.tag_verified, memory.tariffs, memory.main_meter) == (False, False, set(), None)


def test_the_registers_of_a_meter_are_forgotten_with_the_meter() -> None:
    memory = PortMemory()
    memory.recognise("ISK5", "one")
    memory.tariffs.add("tariff")
    memory.recognise("ISK5", "one")
    memory.recognise("ISK5", None)
    assert memory.tariffs == {"tariff"}
    memory.recognise("ISK5", "other")
    assert memory.tariffs == set()
    memory.tariffs.add("tariff")
    memory.recognise("KFM5", None)
    assert memory.tariffs == set()


def test_a_meter_whose_identifier_was_odd_once_has_the_registers_it_had() -> None:
    memory = PortMemory()
    memory.recognise("ISK5", "one")
    memory.confirm({"low", "high"})
    memory.recognise("ISK5", "odd")
    assert memory.tariffs == set()
    memory.recognise("ISK5", "one")
    assert memory.tariffs == {"low", "high"}
    assert memory.is_certain


def test_another_first_line_of_the_same_meter_makes_no_total_of_fewer_tariffs() -> None:
    decoder = Decoder()
    name, one, two = "0-0:96.1.1(4530303031)", "1-0:1.8.1(000100.000*kWh)", "1-0:1.8.2(000200.000*kWh)"
    totals = []
    for identification, registers in (
        ("TST5\\TEST", (one, two)),
        ("TXT5\\TEST", (one,)),
        ("TST5\\TEST", (one,)),
    ):
        [event] = decoder.feed(telegram(name, *registers, identification=identification))
        assert isinstance(event, Reading)
        [meter] = [meter for meter in event.meters if "energy_import_total" in meter.channels]
        totals.append(meter.channels["energy_import_total"].value)
    assert [None if total is None else str(total) for total in totals] == ["300.000", None, None]


def test_an_identifier_is_not_shown_when_printed() -> None:
    assert "E0050000000000501" not in repr(PortMemory(main_meter="E0050000000000501"))
