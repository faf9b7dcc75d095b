"""Grouping: which line belongs to which meter, and what that meter is."""

import pytest

from custom_components.dsmr_p1.p1 import CosemObject, MeterKind, Quantity, Role
from custom_components.dsmr_p1.p1.decoding.interpreter import Interpreter
from custom_components.dsmr_p1.p1.meters.grouping import (
    Group,
    best_type,
    choose_row,
    group_objects,
    is_registered,
    kind_of,
)
from custom_components.dsmr_p1.p1.wire.frames import PlainFrame
from tests.p1.captures import ACE4000, CAPTURES, keys_of, load, read

ENERGY = "1-0:1.8.1(1*kWh)"


def objects(*lines: str) -> list[CosemObject]:
    text = "\r\n".join(("/TST5", "", *lines, "!"))
    telegram, _ = Interpreter().read(PlainFrame(text.encode("latin-1"), has_crc=True))
    return list(telegram.objects)


def places(*lines: str) -> dict[str, list[int]]:
    groups, unknown = group_objects(objects(*lines))
    assert sorted([*unknown, *(line for group in groups.values() for line in group.members)]) == list(range(len(lines)))
    found = {slot: sorted(group.members) for slot, group in groups.items() if group.members}
    return found | ({"unknown": unknown} if unknown else {})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("1-3:0.2.8(50)", ENERGY, "0-0:96.14.0(1)"), {"p1": [0], "electricity": [1, 2]}),
        ((ENERGY, "0-2:24.1.0(3)", "0-1:24.1.0(7)"), {"electricity": [0], "mbus_2": [1], "mbus_1": [2]}),
        ((ENERGY, "7-0:23.1.0(1*m3)()", "8-0:1.0.0(1*m3)()"), {"electricity": [0], "gas": [1], "water": [2]}),
        ((ENERGY, "1-0:199.1.1(1)"), {"electricity": [0], "unknown": [1]}),
        ((ENERGY, "0-3:96.3.10(0)"), {"electricity": [0], "p1": [1]}),
        (("0-0:96.1.1(41)", "0-1:24.1.0(4)"), {"p1": [0], "mbus_1": [1]}),
        (("1-1:1.8.0(1*kWh)", "1-2:1.8.0(1*kWh)", "0-2:96.14.0(1)"), {"electricity": [0], "mbus_2": [1, 2]}),
        ((ENERGY, "1-1:31.4.0(40*A)"), {"electricity": [0, 1]}),
        ((ENERGY, "7-2:23.1.0(1*m3)()"), {"electricity": [0], "mbus_2": [1]}),
        # The media of the ACE4000 have channels of their own, where the identifier stands too.
        ((ENERGY, "0-3:96.1.0(41)", "7-0:23.1.0(1*m3)()", "7-0:24.4.0(0)"), {"electricity": [0], "mbus_3": [1, 2, 3]}),
        ((ENERGY, "6-0:1.0.0(1*GJ)()"), {"electricity": [0], "mbus_6": [1]}),
        ((ENERGY, "5-0:0.0.0(41)", "5-0:1.0.0(1*GJ)()"), {"electricity": [0], "heating": [1, 2]}),
        # On the channel of a medium stands a meter of its own.
        (
            (ENERGY, "0-3:96.1.0(41)", "0-3:24.2.1(240311084501W)(1*m3)", "7-0:23.1.0(1*m3)()", "7-0:24.4.0(0)"),
            {"electricity": [0], "mbus_3": [1, 2], "gas": [3, 4]},
        ),
    ],
)
def test_where_a_line_belongs(lines: tuple[str, ...], expected: dict[str, list[int]]) -> None:
    assert places(*lines) == expected


@pytest.mark.parametrize("capture", CAPTURES)
def test_no_line_of_a_capture_is_lost_or_counted_twice(capture: str) -> None:
    found = read(load(capture), keys_of(capture)).telegram.objects
    groups, unknown = group_objects(found)
    assert not unknown
    assert sorted(line for group in groups.values() for line in group.members) == list(range(len(found)))


def test_the_lines_may_come_in_any_order() -> None:
    lines = [line for line in load(ACE4000).decode().split("\r\n")[2:-2] if line]
    assert set(places(*lines)) == set(places(*reversed(lines))) == {"electricity", "mbus_3"}


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (("0-1:24.1.0(003)", "0-1:24.2.1(240311084501W)(1*GJ)"), "gas"),
        (("0-1:24.1.0(099)", "0-1:24.2.1(240311084501W)(1*GJ)"), "heating"),
        (("0-1:24.1.0()", "0-1:24.2.1(240311084501W)(1*kWh)"), "electricity"),
        (("0-1:24.2.3(240311084501W)(1*m3)",), "gas"),
        (("0-1:24.2.1(240311084501W)(1*m3)",), "generic"),
        (("0-1:24.2.1(240311084501W)(1)",), "generic"),
        (("0-1:24.3.0(240311084501)(00)(60)(1)(0-1:24.2.1)(V)(1)",), "generic"),
    ],
)
def test_the_kind_of_a_meter(lines: tuple[str, ...], kind: str) -> None:
    assert kind_of(objects(*lines)) == kind


@pytest.mark.parametrize(
    ("line", "kind", "row"),
    [
        ("0-1:24.2.1(240311084501W)(1*m3)", MeterKind.WATER, "m3meter_value"),
        ("0-1:24.2.1(240311084501W)(1*GJ)", MeterKind.COOLING, "gjmeter_value_v4"),
        ("0-1:24.2.1(240311084501W)(1*kWh)", MeterKind.HEATING, "emeter_value"),
        ("0-1:24.2.1(240311084501W)(1*V)", MeterKind.GAS, None),
        ("0-0:17.0.0(1*kW)", MeterKind.ELECTRICITY, "emeter_treshold_kw"),
        ("0-0:17.0.0(1)", MeterKind.ELECTRICITY, "emeter_active_threshold_smax"),
    ],
)
def test_which_row_a_line_stands_for(line: str, kind: MeterKind, row: str | None) -> None:
    chosen = choose_row(objects(line)[0], kind)
    assert (None if chosen is None else chosen.id) == row


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0-1:24.2.1(240311084501W)(0*m3)", True),
        ("0-1:24.2.1(700101010000W)(0)", False),
        ("1-1:1.8.0(0*kWh)", True),
        ("1-1:1.8.0()", False),
        ("0-1:96.1.0(41)", False),
    ],
)
def test_what_makes_a_meter_registered(line: str, expected: bool) -> None:
    assert is_registered(objects(line)) is expected


def test_an_object_has_the_id_and_the_quantity_of_its_row() -> None:
    known, unknown = objects(ENERGY, "1-0:199.1.1(1)")
    assert (known.id, known.quantity) == ("emeter_delivery_tariff1", Quantity.ENERGY)
    assert (unknown.id, unknown.quantity) == ("", None)


@pytest.mark.parametrize(
    ("group", "kind", "names", "identification", "expected"),
    [
        (
            Group("mbus_1", Role.MBUS, 1, None, []),
            "gas",
            "meter_device_type meter_equipment_identifier m3meter_value",
            "",
            "m3_v5_0",
        ),
        (
            Group("mbus_1", Role.MBUS, 1, None, []),
            "gas",
            "meter_device_type meter_equipment_identifier m3meter_value meter_valve_switch_position",
            "",
            "m3_v4",
        ),
        (Group("mbus_1", Role.MBUS, 1, None, []), "gas", "m3meter_value", "", None),
        (Group("mbus_6", Role.MBUS, 6, None, []), "cooling", "cmeter_value_v2", "", "cooling_ace4000"),
        (Group("mbus_5", Role.MBUS, 5, None, []), "cooling", "cmeter_value_v2", "", None),
        (Group("electricity", Role.MAIN, 0, None, []), "electricity", "", "EST5\\1", "electricity_smarty_v1_0_austria"),
        (Group("electricity", Role.MAIN, 0, None, []), "electricity", "", "TST5", None),
    ],
)
def test_the_type_with_the_most_required_objects_wins(
    group: Group, kind: str, names: str, identification: str, expected: str | None
) -> None:
    best = best_type(group, MeterKind(kind), set(names.split()), identification)
    assert (None if best is None else best.id) == expected
