"""The catalog: every rule its rows obey, the specification they come from, and the ids that never change.

`specification_*.csv` is the specification: the meter types with their objects, the objects with their references, and
the channels with what each version of the standards promises (Y, O where the meter has it, - where not). In
`public_ids.txt` stand the ids that other people's dashboards hang on; a line may be added, none may go.
"""

from collections import Counter
from itertools import chain
from pathlib import Path
import re

import pytest

from custom_components.dsmr_p1.p1 import CHANNELS, MeterKind, MeterType, Obis, Quantity, Role, Unit, written_version
from custom_components.dsmr_p1.p1.catalog import (
    CHANNEL_IDS,
    CRC_VERSIONS,
    DERIVED_CHANNELS,
    DEVICE_TYPES,
    HISTORY,
    MEDIA,
    METER_OBJECTS,
    METER_TYPES,
    PORT_IDS,
    PORT_OBJECTS,
    ChannelType,
    Level,
    ObjectType,
    candidates,
    channel_type,
    meter_type,
    on_any_channel,
    successors,
    uncatalogued,
)
from custom_components.dsmr_p1.p1.cosem.values import Shape
from tests.p1.captures import specification

HERE = Path(__file__).parent
OBJECTS = (*PORT_OBJECTS, *METER_OBJECTS)
OBJECT_IDS = {row.id for row in OBJECTS}


def public_ids(kind: str) -> set[str]:
    lines = (HERE / "public_ids.txt").read_text(encoding="utf-8").splitlines()
    return {line.partition(" ")[2] for line in lines if line.startswith(f"{kind} ")}


SPECIFIED_TYPES = specification("meter_types")
SPECIFIED_OBJECTS = specification("objects")
SPECIFIED_CHANNELS = specification("channels")

# Another name of 0-0:17.0.0: what the limit is follows from the unit that the meter sends.
ALIASES = {"emeter_threshold_kw"}


# The public ids.


def test_no_public_id_is_lost() -> None:
    assert public_ids("meter") <= {row.id for row in METER_TYPES}
    assert public_ids("channel") <= set(CHANNELS)


def test_every_id_is_public() -> None:
    # A new id is a promise: it is added to public_ids.txt.
    assert {row.id for row in METER_TYPES} <= public_ids("meter")
    assert set(CHANNELS) <= public_ids("channel")


# The specification.


def test_there_are_the_37_meter_types_in_their_order() -> None:
    specified = [row["thing_type_id"] for row in SPECIFIED_TYPES]
    assert len(specified) == 37
    # Types of our own stand behind those of the specification.
    assert [row.id for row in METER_TYPES][: len(specified)] == specified


@pytest.mark.parametrize("row", SPECIFIED_TYPES, ids=lambda row: row["thing_type_id"])
def test_a_meter_type_is_what_the_specification_says(row: dict[str, str]) -> None:
    found = meter_type(row["thing_type_id"])
    assert found is not None
    assert found.required == set(row["required_objects"].split())
    # Words that are no objects of the meter itself: a remark, and what the port tells.
    optional = re.sub(r"\(.*?\)|;.*", "", row["optional_objects"]).split()
    assert found.optional == {word for word in optional if not word.startswith("p1_")}
    assert found.name == row["name"]
    channel = row["mbus_channel"]
    assert found.mbus_channel == (None if channel == "physical installation" else int(channel))
    seconds = {"10 seconds": 10, "5 minutes": 300, "1 hour": 3600, "24 hours": 86400, "?": None}
    assert found.refresh == seconds[row["meter_update_rate"]]


KINDS = {
    "device": (Role.PORT, {MeterKind.DEVICE}),
    "main electricity": (Role.MAIN, {MeterKind.ELECTRICITY}),
    "gas": (Role.MBUS, {MeterKind.GAS}),
    "water": (Role.MBUS, {MeterKind.WATER}),
    "heating": (Role.MBUS, {MeterKind.HEATING}),
    "cooling": (Role.MBUS, {MeterKind.COOLING}),
    "generic": (Role.MBUS, {MeterKind.GENERIC}),
    "m3": (Role.MBUS, {MeterKind.GAS, MeterKind.WATER}),
    "GJ": (Role.MBUS, {MeterKind.HEATING, MeterKind.COOLING}),
    "slave electricity": (Role.MBUS, {MeterKind.ELECTRICITY}),
    "slave electricity 1": (Role.MBUS, {MeterKind.ELECTRICITY}),
    "slave electricity 2": (Role.MBUS, {MeterKind.ELECTRICITY}),
}


@pytest.mark.parametrize("row", SPECIFIED_TYPES, ids=lambda row: row["thing_type_id"])
def test_a_meter_type_has_its_role_and_kinds(row: dict[str, str]) -> None:
    found = meter_type(row["thing_type_id"])
    assert found is not None
    role, kinds = KINDS[row["kind"]]
    assert found.role is role
    assert found.kinds == kinds


@pytest.mark.parametrize("row", SPECIFIED_OBJECTS, ids=lambda row: row["object"])
def test_an_object_has_its_reference_and_unit(row: dict[str, str]) -> None:
    rows = [found for found in OBJECTS if found.id == row["object"]]
    assert row["obis"] in [found.reference for found in rows]
    unit = re.search(r"decimal:(\w+)", row["values"])
    if unit and row["object"] != "emeter_power_failure_log":
        assert rows[0].unit == {"m3": Unit.CUBIC_METRE}.get(unit[1], unit[1])


def test_there_is_no_object_without_reference() -> None:
    assert len(SPECIFIED_OBJECTS) == 86
    assert {row["object"] for row in SPECIFIED_OBJECTS} <= OBJECT_IDS


@pytest.mark.parametrize("row", SPECIFIED_CHANNELS, ids=lambda row: f"{row['group']}-{row['channel_type_id']}")
def test_a_channel_of_the_specification_exists(row: dict[str, str]) -> None:
    channel_id = row["channel_type_id"]
    if channel_id not in ALIASES:
        assert channel_id in CHANNELS


UNITS = {
    "Number:Energy": {Quantity.ENERGY, Quantity.HEAT, Quantity.REACTIVE_ENERGY},
    "Number:Power": {Quantity.POWER, Quantity.DEMAND, Quantity.REACTIVE_POWER, Quantity.THRESHOLD_POWER},
    "Number:ElectricCurrent": {Quantity.CURRENT, Quantity.THRESHOLD_CURRENT},
    "Number:ElectricPotential": {Quantity.VOLTAGE},
    "Number:Volume": {Quantity.VOLUME},
    "Number:Time": {Quantity.DURATION},
    "DateTime": {Quantity.TIMESTAMP},
    "String": {Quantity.TEXT, Quantity.VERSION, Quantity.IDENTIFIER, Quantity.TARIFF, Quantity.DEVICE_TYPE},
}


@pytest.mark.parametrize(
    "row",
    [row for row in SPECIFIED_CHANNELS if row["channel_type_id"] not in ALIASES and row["item_type"] != "Number"],
    ids=lambda row: f"{row['group']}-{row['channel_type_id']}",
)
def test_a_channel_tells_what_the_specification_says(row: dict[str, str]) -> None:
    found = channel_type(row["channel_type_id"])
    if row["channel_type_id"] == "meter_equipment_identifier":  # the specification has it as a number once
        assert found.quantity is Quantity.IDENTIFIER
        return
    assert found.quantity in UNITS[row["item_type"]]
    if row["unit"]:
        assert found.unit == row["unit"]


# The rules of the tables.


@pytest.mark.parametrize("row", METER_TYPES, ids=lambda row: row.id)
def test_the_objects_of_a_meter_type_exist(row: MeterType) -> None:
    assert row.required
    assert row.required | row.optional <= OBJECT_IDS
    assert not row.required & row.optional


def test_ids_are_unique() -> None:
    assert max(Counter(row.id for row in METER_TYPES).values()) == 1
    twice = {name for name, count in Counter(row.id for row in OBJECTS).items() if count > 1}
    assert twice == {"p1_timestamp", "clock_time", "clock_date"}  # which stand under two references


@pytest.mark.parametrize("row", OBJECTS, ids=lambda row: f"{row.id}-{row.reference}")
def test_an_object_obeys_the_rules(row: ObjectType) -> None:
    assert re.fullmatch(r"\d-[01n]:\d{1,2}\.\d{1,3}\.\d{1,3}", row.reference.replace("1-3:0.2.8", "1-0:0.2.8"))
    assert re.fullmatch(r"[a-z0-9_]+", row.id)
    obis = Obis.parse(row.reference.replace("n", "4"))
    assert row in candidates(obis)
    assert row.key == (obis.a, obis.c, obis.d, obis.e)
    assert (row.id in PORT_IDS) is (row in PORT_OBJECTS)
    if row.shape in {Shape.DECIMAL, Shape.TIMED_DECIMAL}:
        assert row.unit is not None or row.channel.quantity in {Quantity.POWER_FACTOR, Quantity.REGISTER}
    if row.shape in {Shape.TIMED_DECIMAL, Shape.READING_V3}:
        assert [part.id for part in row.parts] == [f"{row.id}_timestamp"]
        assert row.parts[0].quantity is Quantity.TIMESTAMP


QUANTITY_UNITS: dict[Quantity, set[Unit | None]] = {
    Quantity.ENERGY: {Unit.KILO_WATT_HOUR},
    Quantity.HEAT: {Unit.GIGA_JOULE},
    Quantity.REACTIVE_ENERGY: {Unit.KILO_VAR_HOUR},
    Quantity.APPARENT_ENERGY: {Unit.KILO_VOLT_AMPERE_HOUR},
    Quantity.VOLUME: {Unit.CUBIC_METRE},
    Quantity.REGISTER: {None, Unit.KILO_WATT_HOUR},
    Quantity.ENERGY_PERIOD: {Unit.KILO_WATT_HOUR},
    Quantity.REACTIVE_ENERGY_PERIOD: {Unit.KILO_VAR_HOUR},
    Quantity.POWER: {Unit.KILO_WATT, Unit.WATT},
    Quantity.DEMAND: {Unit.KILO_WATT},
    Quantity.POWER_PERIOD: {Unit.KILO_WATT},
    Quantity.REACTIVE_POWER: {Unit.KILO_VAR},
    Quantity.APPARENT_POWER: {Unit.KILO_VOLT_AMPERE},
    Quantity.CURRENT: {Unit.AMPERE},
    Quantity.VOLTAGE: {Unit.VOLT},
    Quantity.FREQUENCY: {Unit.HERTZ},
    Quantity.ANGLE: {Unit.DEGREE},
    Quantity.TEMPERATURE: {Unit.DEGREE_CELSIUS},
    Quantity.FLOW: {Unit.CUBIC_METRE_PER_HOUR},
    Quantity.DURATION: {Unit.SECOND},
    Quantity.THRESHOLD_CURRENT: {Unit.AMPERE},
    Quantity.THRESHOLD_POWER: {Unit.KILO_WATT},
    Quantity.THRESHOLD_APPARENT_POWER: {Unit.KILO_VOLT_AMPERE},
}


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=lambda channel: channel.id)
def test_a_channel_obeys_the_rules(channel: ChannelType) -> None:
    assert CHANNELS[channel.id] is channel is channel_type(channel.id)
    assert re.fullmatch(r"[a-z][a-z0-9_]*(\[x\])?", channel.id)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", channel.name)
    assert channel.unit in QUANTITY_UNITS.get(channel.quantity, {None})
    assert ("[x]" in channel.id) is ("[x]" in channel.index)
    assert channel.meaning
    assert channel.level in Level


def test_what_has_the_same_name_and_number_means_the_same() -> None:
    """A name is how people tell channels apart: two of one meter must not share it."""
    for row in METER_TYPES:
        rows = [found for found in OBJECTS if found.id in row.required | row.optional]
        channels = {(found.id, found.channel.name, found.channel.index) for found in rows}
        names = Counter(channel[1:] for channel in channels)
        assert max(names.values()) == 1, row.id


def test_registers_that_continue_each_other_have_one_meaning() -> None:
    readings = {channel.id for channel in CHANNELS.values() if channel.meaning == "reading/"}
    assert readings == {
        "m3meter_value", "gjmeter_value_v4", "emeter_value", "gmeter_last_value", "gmeter_value_v3", "wmeter_value_v3",
        "gjmeter_value_v3", "genmeter_value_v3", "gmeter_24h_delivery_v2", "hmeter_value_v2", "cmeter_value_v2",
        "wmeter_value_v2",
    }  # fmt: skip


def test_the_references_that_objects_share_are_these() -> None:
    references = Counter(row.reference for row in OBJECTS)
    shared = {reference for reference, count in references.items() if count > 1}
    assert shared == {"0-n:24.2.1", "0-n:24.3.0", "0-0:17.0.0", "0-0:98.1.0", "0-n:24.2.3"}
    # Told apart by kind or unit, or by the shape.
    for reference in shared - {"0-0:98.1.0"}:
        rows = [row for row in OBJECTS if row.reference == reference]
        assert len({(row.kinds, row.unit) for row in rows}) == len(rows)
    assert len({row.shape for row in OBJECTS if row.reference == "0-0:98.1.0"}) == 3


def test_look_ups_name_what_exists() -> None:
    for (object_id, role, kind), channel_id in CHANNEL_IDS.items():
        assert role in Role
        assert kind in MeterKind
        assert object_id in OBJECT_IDS | {channel.id for channel in CHANNELS.values()}
        assert channel_id in CHANNELS or f"{channel_id}[x]" in CHANNELS
    assert set(CRC_VERSIONS) <= OBJECT_IDS
    assert set(MEDIA.values()) == {MeterKind.HEATING, MeterKind.COOLING, MeterKind.GAS, MeterKind.WATER}
    assert set(DEVICE_TYPES.values()) == set(MEDIA.values()) | {MeterKind.ELECTRICITY}
    assert all(0 <= code <= 255 for code in DEVICE_TYPES)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (2, "electricity"),
        (3, "gas"),
        (4, "heating"),
        (6, "water"),
        (7, "water"),
        (10, "cooling"),
        (11, "cooling"),
        (12, "heating"),
        (13, "heating"),
    ],
)
def test_device_types_are_those_of_the_standard(code: int, kind: str) -> None:
    assert DEVICE_TYPES[code] == kind


def test_channels_that_follow_from_others_are_no_objects() -> None:
    assert {channel.id for channel in DERIVED_CHANNELS} == {"energy_import_total", "energy_export_total", "power_net"}
    assert not {channel.id for channel in DERIVED_CHANNELS} & OBJECT_IDS


def test_nothing_in_the_catalog_can_be_changed() -> None:
    for look_up in (CHANNELS, DEVICE_TYPES, MEDIA, CRC_VERSIONS, CHANNEL_IDS):
        assert not hasattr(look_up, "__setitem__")
    for row in chain(METER_TYPES, OBJECTS, CHANNELS.values()):
        with pytest.raises(AttributeError):
            setattr(row, "id", "other")  # noqa: B010  what is wrong here is the point


# The look-ups.


def test_an_object_on_any_channel() -> None:
    assert [row.id for row in candidates(Obis.parse("0-3:24.1.0"))] == ["meter_device_type"]
    assert [row.id for row in candidates(Obis.parse("1-0:1.8.1"))] == ["emeter_delivery_tariff1"]
    assert [row.id for row in candidates(Obis.parse("1-0:1.8.1*255"))] == ["emeter_delivery_tariff1"]
    assert [row.id for row in candidates(Obis.parse("1-3:0.2.8"))] == ["p1_version_output"]
    assert candidates(Obis.parse("1-0:199.1.2")) == ()
    # The clock of an M-Bus channel is not that of the port.
    assert candidates(Obis.parse("0-1:1.0.0")) == ()


def test_meter_types() -> None:
    found = meter_type("electricity_v5_0")
    assert found is not None
    assert found.id == "electricity_v5_0"
    assert meter_type("gas") is None


def test_entries_of_a_list() -> None:
    entry = channel_type("emeter_power_failure_log_duration12")
    assert (entry.id, entry.quantity, entry.unit) == (
        "emeter_power_failure_log_duration12",
        Quantity.DURATION,
        Unit.SECOND,
    )
    assert (entry.name, entry.index) == ("power_failure_log_duration", "12")


def test_what_an_object_without_a_row_is_by_its_id_alone() -> None:
    found = channel_type("obis_1_0_1_8_77")
    assert (found.quantity, found.unit, found.level, found.index) == (
        Quantity.MEASURED,
        None,
        Level.RARE,
        "1-0:1.8.77",
    )
    assert channel_type("obis_0_n_24_9_1").index == "0-n:24.9.1"
    assert uncatalogued(Obis.parse("1-0:1.8.77*1")) == ()
    assert on_any_channel("obis_0_4_24_9_1") == "obis_0_n_24_9_1"
    assert on_any_channel("obis_7_0_24_9_1") == "obis_7_0_24_9_1"
    assert on_any_channel("m3meter_value") == "m3meter_value"


def test_what_became_of_an_object_that_has_rows_now() -> None:
    assert successors("obis_1_0_1_8_5", Role.MAIN, MeterKind.ELECTRICITY) == ("emeter_delivery_tariff5",)
    assert "heat_flow" in successors("obis_0_n_24_2_2", Role.MBUS, MeterKind.HEATING)
    assert successors("obis_0_n_96_1_0", Role.MBUS, MeterKind.GENERIC) == ("gmeter_equipment_identifier",)
    assert successors("obis_1_0_1_8_77", Role.MAIN, MeterKind.ELECTRICITY) == ()
    assert successors("emeter_delivery_tariff5", Role.MAIN, MeterKind.ELECTRICITY) == ()


def test_older_readings() -> None:
    older = channel_type(f"gmeter_24h_delivery_v2{HISTORY}3")
    assert (older.quantity, older.level, older.name, older.index) == (
        Quantity.VOLUME,
        Level.RARE,
        "reading_history",
        "3",
    )


@pytest.mark.parametrize(
    "channel_id", ["", "nonsense", "nonsense3", "emeter_delivery_tariff14", f"nonsense{HISTORY}3", "p1_timestamp1"]
)
def test_no_channel(channel_id: str) -> None:
    with pytest.raises(KeyError):
        channel_type(channel_id)


# The rows check themselves.


def test_a_channel_needs_an_id_and_a_name() -> None:
    for names in (("", "name"), ("id", "")):
        with pytest.raises(ValueError, match="needs an id and a name"):
            ChannelType(names[0], Quantity.TEXT, None, Level.RARE, names[1])


def test_an_object_needs_a_reference() -> None:
    with pytest.raises(ValueError, match="not an OBIS reference"):
        ObjectType("id", "1-0:1.8", Shape.TEXT, ChannelType("id", Quantity.TEXT, None, Level.RARE, "name"))


def test_no_object_is_both_required_and_optional() -> None:
    with pytest.raises(ValueError, match=r"required and optional: \['one'\]"):
        MeterType(
            id="type",
            name="Type",
            role=Role.MAIN,
            kinds=frozenset(),
            mbus_channel=None,
            refresh=None,
            required=frozenset({"one", "two"}),
            optional=frozenset({"one"}),
        )


@pytest.mark.parametrize(
    ("type_id", "model"),
    [
        ("device_v2_v3", "DSMR 2 / 3"),
        ("electricity_v4_0_4", "DSMR 4.0.4"),
        ("m3_v4", "DSMR 4"),
        ("m3_v5_0", "DSMR 5"),
        ("gas_emucs_v1_0", "e-MUCS"),
        ("electricity_smarty_v1_0_austria", "Smarty"),
        ("slave_electricity2_ace4000", "ACE4000"),
    ],
)
def test_models_are_short_and_in_no_language(type_id: str, model: str) -> None:
    found = meter_type(type_id)
    assert found is not None
    assert found.model == model


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ({"p1_version_output": "50"}, "DSMR 5.0"),
        ({"p1_version_output": "42"}, "DSMR 4.2"),
        ({"p1_emucs_version_output": "50217"}, "e-MUCS 1.7"),
        ({"p1_emucs_version_output": "50217", "p1_version_output": "50"}, "e-MUCS 1.7"),
        ({"p1_emucs_version_output": "17"}, "e-MUCS 17"),
        ({"p1_emucs_version_output": "None", "p1_version_output": "?"}, None),
        ({}, None),
    ],
)
def test_a_version_as_people_write_it(declared: dict[str, str], written: str | None) -> None:
    assert written_version(declared) == written
