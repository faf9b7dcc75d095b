"""Channels that no meter sends: totals, and net power."""

from decimal import Decimal

import pytest

from custom_components.dsmr_p1.p1 import CosemValue, PortMemory, Unit
from custom_components.dsmr_p1.p1.meters.derived import derived_channels

ONE, TWO = "emeter_delivery_tariff1", "emeter_delivery_tariff2"
POWERS = ("emeter_actual_delivery", "emeter_actual_production")


def energy(number: str | None, unit: Unit | None = Unit.KILO_WATT_HOUR) -> CosemValue:
    return CosemValue("", None if number is None else Decimal(number), unit)


def compute(memory: PortMemory, channels: dict[str, CosemValue]) -> dict[str, object]:
    found = {row.channel_id: row.compute(channels, row.sources) for row in derived_channels(memory, channels)}
    assert {value.unit for value in found.values()} <= {Unit.KILO_WATT_HOUR, Unit.KILO_WATT}
    return {channel_id: value.value for channel_id, value in found.items()}


@pytest.mark.parametrize(
    ("channels", "total"),
    [
        ({ONE: energy("1.5"), TWO: energy("2.25")}, Decimal("3.75")),
        ({ONE: energy("1500", Unit.WATT_HOUR), TWO: energy("2")}, Decimal("3.5")),
        ({ONE: energy("1", None), TWO: energy("2")}, Decimal(3)),
        ({ONE: energy("1"), TWO: energy(None)}, None),
        ({ONE: energy("1"), "emeter_delivery_tariff4": energy("5")}, Decimal(6)),
        ({"emeter_delivery_tariff0": energy("9"), ONE: energy("1"), TWO: energy("2")}, Decimal(9)),
    ],
)
def test_totals(channels: dict[str, CosemValue], total: Decimal | None) -> None:
    assert compute(PortMemory(), channels) == {"energy_import_total": total}
    exported = {channel_id.replace("delivery", "production"): value for channel_id, value in channels.items()}
    assert compute(PortMemory(), exported) == {"energy_export_total": total}


def test_a_total_needs_every_tariff_ever_seen() -> None:
    memory = PortMemory()
    assert compute(memory, {ONE: energy("1"), TWO: energy("2")}) == {"energy_import_total": Decimal(3)}
    assert memory.tariffs == {ONE, TWO}
    assert compute(memory, {ONE: energy("1")}) == {"energy_import_total": None}


def test_other_registers_are_no_tariffs() -> None:
    assert compute(PortMemory(), {f"{ONE}_antifraud": energy("1"), "emeter_delivery_tariff10": energy("1")}) == {}


@pytest.mark.parametrize(
    ("imported", "exported", "net"),
    [
        (energy("1.5", Unit.KILO_WATT), energy("0.2", Unit.KILO_WATT), Decimal("1.3")),
        (energy("286", Unit.WATT), energy("0", Unit.WATT), Decimal("0.286")),
        (energy("0.5", None), energy("700", Unit.WATT), Decimal("-0.2")),
        (energy(None), energy("1", Unit.KILO_WATT), None),
        (energy("1", Unit.KILO_WATT), energy(None), None),
    ],
)
def test_net_power(imported: CosemValue, exported: CosemValue, net: Decimal | None) -> None:
    assert compute(PortMemory(), dict(zip(POWERS, (imported, exported), strict=True))) == {"power_net": net}


def test_no_net_power_without_both() -> None:
    assert compute(PortMemory(), {POWERS[0]: energy("1", Unit.KILO_WATT)}) == {}
