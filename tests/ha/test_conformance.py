"""Every promise of the specification, from a telegram on a port to Home Assistant.

For every meter type and every cell of the channel table a telegram that carries the object goes through a pty and the
real reader; the entity, its value and unit, and the device it belongs to are what is looked at. The telegrams are those
of `specification.py`.
"""

from datetime import datetime
from decimal import Decimal
from itertools import permutations

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfPower
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.dsmr_p1.const import DOMAIN
from tests.ha.house import House, MakeHouse
from tests.ha.specification import (
    CELLS,
    COLUMNS,
    METERS,
    OBJECTS,
    TYPES,
    SentMeter,
    envelope,
    telegrams_of,
    write_meter,
)
from tests.ha.wire import Expected, Line, Writer
from tests.p1.captures import meters, read, telegram, types

pytestmark = pytest.mark.usefixtures("all_enabled")


def test_every_promise_is_tested() -> None:
    telegrams = [sent for column in COLUMNS for sent in telegrams_of(column)]
    assert {cell for sent in telegrams for meter in sent.meters for cell in meter.cells} == set(CELLS)
    assert len(CELLS) == len(set(CELLS)) == 396


def test_every_meter_type_is_tested() -> None:
    assert {row["meter_type"] for row in METERS} - {"device", "electricity"} == set(TYPES)
    assert len(TYPES) == 37


@pytest.mark.parametrize("column", COLUMNS)
async def test_what_a_telegram_promises_is_in_home_assistant(
    hass: HomeAssistant, make_house: MakeHouse, column: str
) -> None:
    first, *others = telegrams_of(column)
    house = await make_house()
    await house.set_up(first.octets)
    assert {slot: meter.type_id for slot, meter in house.coordinator.port.meters.items()} == {
        "p1": "device",
        **{meter.slot: meter.meter_type for meter in first.meters},
    }
    assert house.slots() == {"p1", *(meter.slot for meter in first.meters)}
    for meter in first.meters:
        look_at_meter(hass, house, meter)
    for other in others:
        # Without checksum a channel that is new needs three telegrams.
        for _ in range(3):
            await house.send(other.octets)
        for meter in other.meters:
            look_at_meter(hass, house, meter)


def look_at_meter(hass: HomeAssistant, house: House, sent: SentMeter) -> None:
    """See that a meter has its device, and each of its channels an entity with the value that was sent."""
    device, port = house.device(sent.slot), house.device("p1")
    assert device is not None
    assert port is not None
    assert device.identifiers == {(DOMAIN, f"{house.entry.entry_id}_{sent.slot}")}
    assert device.serial_number == sent.serial_number
    assert device.via_device_id == (None if sent.slot == "p1" else port.id)
    shown = {
        channel_id: shown_as(hass, house, device, sent.slot, channel_id, told)
        for channel_id, told in sent.channels.items()
    }
    assert shown == sent.channels


def shown_as(
    hass: HomeAssistant, house: House, device: dr.DeviceEntry, slot: str, channel_id: str, told: Expected
) -> Expected | None:
    """Give what the entity of a channel shows; None where it has no entity on this device."""
    entity = house.entities().get(f"{slot}_{channel_id}")
    if entity is None or entity.device_id != device.id:
        return None
    state = hass.states.get(entity.entity_id)
    if state is None or state.state in {"unknown", "unavailable"}:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    match told.value:
        case Decimal() if (told.unit, unit) == (UnitOfPower.KILO_WATT, UnitOfPower.WATT):
            # New entities show power in W, whatever the meter sends.
            return Expected(Decimal(state.state) / 1000, told.unit)
        case Decimal():
            return Expected(Decimal(state.state), unit)
        case datetime():
            return Expected(datetime.fromisoformat(state.state), unit)
        case _:
            return Expected(state.state, unit)


@pytest.mark.parametrize("row", TYPES.values(), ids=lambda row: row["thing_type_id"])
def test_a_meter_is_known_by_its_required_objects_alone(row: dict[str, str]) -> None:
    column, slot, device_type = next(
        (meter["column"], meter["slot"], meter["device_type"])
        for meter in METERS
        if meter["meter_type"] == row["thing_type_id"]
    )
    channel = int(slot.partition("_")[2] or 0)
    writer = Writer(column, OBJECTS)
    names = row["required_objects"].split()
    lines = [writer.line(name, channel, identifier="NUMBER", device_type=device_type) for name in names]
    if row["kind"].startswith("slave electricity "):
        # Which would be the main meter if it were alone.
        lines.append(writer.line("emeter_delivery_tariff1", 0))
    meter = meters(read(envelope(lines)))[slot]
    assert meter.profile.type_id == row["thing_type_id"]
    assert meter.profile.registered


# Several meters on one port.

GAS, OTHER_GAS, WATER, HEAT, SLAVE = ("003", "G1"), ("003", "G2"), ("007", "W1"), ("004", "H1"), ("002", "E1")
KINDS = {"003": "gas", "007": "water", "004": "heating", "002": "electricity"}
READINGS = {"003": "m3meter_value", "007": "m3meter_value", "004": "gjmeter_value_v4", "002": "emeter_value"}
TYPES_V5 = {"003": "m3_v5_0", "007": "m3_v5_0", "004": "gj_v5_0", "002": "slave_electricity_v5"}
type MbusMeter = tuple[str, str]


def orders(*meters: MbusMeter, channels: int) -> list[tuple[tuple[int, MbusMeter], ...]]:
    """Give every way to put meters onto channels of the M-Bus, some of which stay empty, in any order of the lines."""
    return [tuple(zip(order, meters, strict=True)) for order in permutations(range(1, channels + 1), len(meters))]


@pytest.mark.parametrize(
    "placed",
    [
        *orders(GAS, OTHER_GAS, channels=2),
        *orders(GAS, WATER, channels=2),
        *orders(GAS, HEAT, SLAVE, channels=4),
    ],
    ids=lambda placed: "-".join(f"{identifier}@{channel}" for channel, (_, identifier) in placed),
)
async def test_meters_on_one_port_are_all_there_and_none_mixed_up(
    hass: HomeAssistant, make_house: MakeHouse, placed: tuple[tuple[int, MbusMeter], ...]
) -> None:
    writer = Writer("DSMR V5", OBJECTS)
    lines: list[Line] = []
    names = TYPES["electricity_v5_0"]["required_objects"].split()
    meters_sent = [write_meter(writer, lines, "electricity", "electricity_v5_0", names, "MAIN")]
    for channel, (device_type, identifier) in placed:
        names = ["meter_device_type", "meter_equipment_identifier", READINGS[device_type]]
        type_ = TYPES_V5[device_type]
        meters_sent.append(write_meter(writer, lines, f"mbus_{channel}", type_, names, identifier, device_type))
    house = await make_house()
    await house.set_up(envelope(lines))
    assert house.slots() == {"p1", *(meter.slot for meter in meters_sent)}
    for meter in meters_sent:
        assert house.coordinator.port.meters[meter.slot].type_id == meter.meter_type
        look_at_meter(hass, house, meter)
    for channel, (device_type, _) in placed:
        assert house.coordinator.port.meters[f"mbus_{channel}"].kind == KINDS[device_type]
    # And no channel that was not sent.
    for meter in meters_sent[1:]:
        prefix = f"{meter.slot}_"
        entities = {key.removeprefix(prefix) for key in house.entities() if key.startswith(prefix)}
        assert entities == set(meter.channels)


@pytest.mark.parametrize("is_identifier_first", [True, False])
def test_a_medium_on_its_own_channel_in_any_order(is_identifier_first: bool) -> None:
    """The specification has the objects of an ACE4000 on the channels of its meters; real ones send them on 0."""
    lines = [
        "0-3:96.1.0(91000902)", "7-3:23.1.0(01610.220*m3)(19-01-01 00:00:00)", "7-3:24.4.0(0)",
        "0-4:96.1.0(91000904)", "5-4:1.0.0(00101.440*GJ)(19-01-01 13:00:00)",
        "0-5:96.1.0(91000905)", "8-5:1.0.0(00204.118*m3)(19-01-01 13:00:00)",
        "0-6:96.1.0(91000906)", "6-6:1.0.0(00003.902*GJ)(19-01-01 13:00:00)",
    ]  # fmt: skip
    sent = telegram(*(lines if is_identifier_first else reversed(lines)), has_crc=False)
    assert types(read(sent)) == {
        "mbus_3": "gas_ace4000",
        "mbus_4": "heating_ace4000",
        "mbus_5": "water_ace4000",
        "mbus_6": "cooling_ace4000",
    }
