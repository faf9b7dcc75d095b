"""Every capture, as Home Assistant's own `dsmr` shows it, against where its entities would continue with us.

`core_dsmr_entities.csv` has what `dsmr` of Home Assistant 2026.10.4 and 2026.11.0 makes of the captures with
dsmr-parser 1.11.1, for each version that its dialog would accept, also the wrong ones: people choose wrongly too. The
versions in which a row reads alike are in one row. `{serial_id}` is the serial number in the entry, or its id; a meter
without one has its channel in its name.
"""

from collections import defaultdict
import csv
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.dsmr_p1.entity.descriptions import unit_of
from custom_components.dsmr_p1.meters.known import known_meter
from custom_components.dsmr_p1.p1 import present
from custom_components.dsmr_p1.takeover.keys import CHANNELS, LEFT, SWAPPED_TARIFF_WORDS, SWAPPED_VERSIONS, TARIFF_WORDS
from custom_components.dsmr_p1.takeover.plan import Shown, Target, converter, plan
from tests.p1.captures import CAPTURES, read_capture

_TABLE: Final = Path(__file__).with_name("core_dsmr_entities.csv")


# What stays behind, and why: `dsmr` shows as gas what another meter on the M-Bus has counted, or as the house's what a
# slave meter has, or it has an entity for a meter that is not there, or a time that the telegram does not have.
_GAS: Final = "hourly_gas_meter_reading"
BEHIND: Final = {
    ("fluvius_siconia_emucs_gas_water", _GAS): "other_value",
    ("iskra_am550_dsmr50_ghost", "gas_reading_1"): "no_meter",
    ("iskra_am550_dsmr50_heat_slave", _GAS): "other_value",
    ("iskra_me382_dsmr40_four_meters", _GAS): "other_value",
    ("iskra_mt382_dsmr22_all_media", "timestamp"): "no_meter",
    ("iskra_mt382_dsmr30_all_media", "gas_meter_reading"): "other_value",
    ("itron_ace4000_all_meters", "electricity_imported_total"): "other_value",
    ("itron_ace4000_all_meters", "electricity_used_tariff_1"): "other_value",
    ("itron_ace4000_all_meters", "electricity_used_tariff_2"): "other_value",
    ("itron_ace4000_all_meters", "timestamp"): "no_meter",
    ("itron_warmtelink", _GAS): "no_meter",
    ("itron_warmtelink_crc_3digits", _GAS): "no_meter",
    ("metcom_mcs301_dsmr50", _GAS): "no_meter",
    ("sagemcom_t210_dsmr50_gas_water", _GAS): "other_value",
    ("sagemcom_xs210_dsmr42_cooling", _GAS): "no_meter",
}
# What goes on and reads otherwise: the export of a slave meter, which is zero, and the time of other countries.
DIFFERENT: Final = {
    ("itron_ace4000_all_meters", "electricity_exported_total"),
    ("itron_ace4000_all_meters", "electricity_delivered_tariff_1"),
    ("itron_ace4000_all_meters", "electricity_delivered_tariff_2"),
    ("kamstrup_omnipower_sweden", "timestamp"),
    ("landis_e450_lithuania", "timestamp"),
}
UNREAD: Final = {"itron_ace4000", "fluvius_siconia_emucs_units_without_asterisk"}
"""Captures that `dsmr` cannot read in any version."""
NEVER_SEEN: Final = {key for key in CHANNELS if key.startswith("eon_hu_")}
"""Entities that `dsmr` describes and never makes: dsmr-parser 1.11.1 has their values under other names."""


class Row(NamedTuple):
    """An entity of `dsmr`, or one of the serial numbers in its entry."""

    entity: str
    unique_id: str
    value: str
    unit: str


def _installations() -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for capture, entity, unique_id, value, unit, versions in list(csv.reader(file))[1:]:
            for version in versions.split():
                found[capture, version].append(Row(entity, unique_id, value, unit))
    return found


INSTALLATIONS: Final = _installations()


def planned(hass: HomeAssistant, capture: str, version: str) -> list[tuple[Row, Target, str | None, str | None]]:
    """Return for each entity of an installation where it continues, what is shown there, and in which unit."""
    rows = INSTALLATIONS[capture, version]
    serials = {row.entity: row.value or None for row in rows if row.entity.startswith("serial_id")}
    core = MockConfigEntry(domain="dsmr", data={"dsmr_version": version, "port": "/dev/ttyP1", **serials})
    core.add_to_hass(hass)
    names = {name: serial or core.entry_id for name, serial in serials.items()}
    registry, states, by_id = er.async_get(hass), {}, {}
    for row in rows:
        if row.entity in serials:
            continue
        entity = registry.async_get_or_create(
            "sensor",
            "dsmr",
            row.unique_id.format(**names),
            config_entry=core,
            unit_of_measurement=row.unit or None,
        )
        by_id[entity.id] = row
        attributes = {"unit_of_measurement": row.unit} if row.unit else {}
        states[entity.id] = State(entity.entity_id, row.value or "unknown", attributes)
    reading = read_capture(f"{capture}.telegram")
    alive = [meter for meter in reading.meters if meter.profile.registered]
    meters = {meter.profile.slot: known_meter(meter, reading, None, None) for meter in alive}
    values = {meter.profile.slot: present(meter) for meter in alive}
    units = {(slot, channel): unit_of(meter, channel) for slot, meter in meters.items() for channel in meter.channels}
    found = plan(hass, core, meters, Shown(states, values, units))
    assert len(found) == len(by_id)
    words = SWAPPED_TARIFF_WORDS if version in SWAPPED_VERSIONS else TARIFF_WORDS
    shown = []
    for target in found:
        value = values.get(target.slot, {}).get(target.channel)
        text = None if value is None or value.value is None else str(value.value)
        text = words.get(text or "") if target.is_tariff else text
        shown.append((by_id[target.entity.id], target, text, units.get((target.slot, target.channel))))
    return shown


def is_same(row: Row, value: str | None, unit: str | None) -> bool:
    """Whether both show the same: zeros of registers are unknown with `dsmr`."""
    if not row.value:
        return value is None or _number(value) in (None, 0)
    if value is None:
        return False
    if row.entity == "timestamp":
        return datetime.fromisoformat(row.value) == datetime.fromisoformat(value)
    number, before = _number(value), _number(row.value)
    if number is None or before is None:
        return value == row.value
    kind = converter(row.unit or unit, unit)
    if kind is not None:
        number = kind.convert(number, unit, row.unit or unit)
    return abs(number - before) < 0.0011


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("capture", "version"), INSTALLATIONS, ids=[f"{capture} as {version}" for capture, version in INSTALLATIONS]
)
async def test_every_entity_goes_on_or_stays_behind_for_a_reason(
    hass: HomeAssistant, capture: str, version: str
) -> None:
    for row, target, value, unit in planned(hass, capture, version):
        if row.entity in LEFT:
            assert target.reason == "no_statistics"
            continue
        assert target.reason == BEHIND.get((capture, row.entity)), row
        if target.reason is None:
            assert is_same(row, value, unit) is ((capture, row.entity) not in DIFFERENT), (row, target, value)


def test_all_captures_and_keys_are_there() -> None:
    captures = {capture for capture, _ in INSTALLATIONS}
    assert {name.removesuffix(".telegram") for name in CAPTURES if name.endswith(".telegram")} - captures == UNREAD
    entities = {row.entity for rows in INSTALLATIONS.values() for row in rows}
    assert {key for _, key in BEHIND} | {key for _, key in DIFFERENT} <= entities
    assert CHANNELS.keys() - entities == NEVER_SEEN
