"""What is known of a port for good."""

from custom_components.dsmr_p1.p1 import PortMemory


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


def test_an_identifier_is_not_shown_when_printed() -> None:
    assert "E0050000000000501" not in repr(PortMemory(main_meter="E0050000000000501"))
