"""The COSEM objects: one row an object, in the order of the standards' object lists.

The references and units are those of DSMR 2.2, 3.0, 4.2 and 5.0.2 P1, e-MUCS P1 1.7.1 and 2.1.1, Smarty P1 1.1.3 and the
Austrian, Swedish, Hungarian and Lithuanian P1 descriptions. The ids of the specification's objects and channels are
public and stand letter for letter, old words and misspellings included; those behind "Beyond the specification" are ours.

Where several objects share a reference, the row that fits the meter's kind and the unit sent is meant; of those that fit
both, the first (`docs/meters.md` lists these cases).
"""

from typing import Final

from ..cosem.units import Unit
from ..cosem.values import MOST_COLUMNS, Shape
from .model import ChannelType, Level, MeterKind, ObjectType, Quantity

K = MeterKind
L = Level
Q = Quantity
S = Shape
U = Unit

_ELECTRIC: Final = frozenset({K.ELECTRICITY})
_THERMAL: Final = frozenset({K.HEATING, K.COOLING})
_GAS: Final = frozenset({K.GAS})
_WATER: Final = frozenset({K.WATER})
_VOLUME: Final = frozenset({K.GAS, K.WATER, K.GENERIC})
_OTHER: Final = frozenset({K.GENERIC, K.ELECTRICITY})
_READING: Final = "reading/"
_PHASES: Final = ("L1", "L2", "L3")


def _row(
    id_: str, reference: str, shape: Shape, quantity: Quantity, unit: Unit | None, level: Level, name: str, index: str = "",
    *, meaning: str = "", kinds: frozenset[MeterKind] = frozenset(), parts: tuple[ChannelType, ...] = (),
) -> ObjectType:  # fmt: skip
    return ObjectType(
        id_, reference, shape, ChannelType(id_, quantity, unit, level, name, index, meaning), parts, kinds
    )


def _timed(
    id_: str, reference: str, quantity: Quantity, unit: Unit | None, level: Level, name: str, index: str = "",
    *, shape: Shape = S.TIMED_DECIMAL, meaning: str = "", kinds: frozenset[MeterKind] = frozenset(),
) -> ObjectType:  # fmt: skip
    """Return the row of a value with the time of its reading, which is a channel of its own."""
    when = ChannelType(
        f"{id_}_timestamp", Q.TIMESTAMP, None, L.RARE, f"{name}_timestamp", index, meaning and f"{meaning}timestamp"
    )
    return _row(id_, reference, shape, quantity, unit, level, name, index, meaning=meaning, kinds=kinds, parts=(when,))


def _phases(
    id_: str, references: tuple[str, str, str], shape: Shape, quantity: Quantity, unit: Unit | None, level: Level, name: str,
) -> tuple[ObjectType, ...]:  # fmt: skip
    """Return the rows of an object that exists for each phase."""
    return tuple(
        _row(f"{id_}_{phase.lower()}", reference, shape, quantity, unit, level, name, phase)
        for phase, reference in zip(_PHASES, references, strict=True)
    )


_FAILURE_LOG: Final = (
    ChannelType("emeter_power_failure_log_entries", Q.NUMBER, None, L.RARE, "power_failure_log_entries"),
    ChannelType("emeter_power_failure_log_timestamp[x]", Q.TIMESTAMP, None, L.RARE, "power_failure_log_timestamp", "[x]"),
    ChannelType("emeter_power_failure_log_duration[x]", Q.DURATION, U.SECOND, L.RARE, "power_failure_log_duration", "[x]"),
)  # fmt: skip
_MONTHLY_PEAKS: Final = (
    ChannelType("monthly_peak_entries", Q.NUMBER, None, L.RARE, "monthly_peak_entries"),
    ChannelType("monthly_peak_month[x]", Q.TIMESTAMP, None, L.RARE, "monthly_peak_month", "[x]"),
    ChannelType("monthly_peak_timestamp[x]", Q.TIMESTAMP, None, L.RARE, "monthly_peak_timestamp", "[x]"),
    ChannelType("monthly_peak[x]", Q.POWER_PERIOD, U.KILO_WATT, L.RARE, "monthly_peak", "[x]"),
)
# The values of the last month of the Hungarian meters, in the order in which these send them.
_MONTH_END: Final = (
    ChannelType("month_end_timestamp", Q.TIMESTAMP, None, L.RARE, "month_end_timestamp"),
    *(
        ChannelType(f"month_end_value{number}", quantity, unit, L.RARE, f"month_end_{name}", index)
        for number, (quantity, unit, name, index) in enumerate((
            (Q.ENERGY_PERIOD, U.KILO_WATT_HOUR, "energy_import", ""),
            (Q.ENERGY_PERIOD, U.KILO_WATT_HOUR, "energy_import_tariff", "1"),
            (Q.ENERGY_PERIOD, U.KILO_WATT_HOUR, "energy_import_tariff", "2"),
            (Q.ENERGY_PERIOD, U.KILO_WATT_HOUR, "energy_export", ""),
            (Q.ENERGY_PERIOD, U.KILO_WATT_HOUR, "energy_export_tariff", "1"),
            (Q.ENERGY_PERIOD, U.KILO_WATT_HOUR, "energy_export_tariff", "2"),
            (Q.REACTIVE_ENERGY_PERIOD, U.KILO_VAR_HOUR, "reactive_energy_import", ""),
            (Q.REACTIVE_ENERGY_PERIOD, U.KILO_VAR_HOUR, "reactive_energy_export", ""),
            (Q.REACTIVE_ENERGY_PERIOD, U.KILO_VAR_HOUR, "reactive_energy_quadrant", "1"),
            (Q.REACTIVE_ENERGY_PERIOD, U.KILO_VAR_HOUR, "reactive_energy_quadrant", "2"),
            (Q.REACTIVE_ENERGY_PERIOD, U.KILO_VAR_HOUR, "reactive_energy_quadrant", "3"),
            (Q.REACTIVE_ENERGY_PERIOD, U.KILO_VAR_HOUR, "reactive_energy_quadrant", "4"),
            (Q.ENERGY_PERIOD, U.KILO_WATT_HOUR, "energy_combined", ""),
            (Q.POWER_PERIOD, U.KILO_WATT, "maximum_demand", ""),
            (Q.POWER_PERIOD, U.KILO_WATT, "maximum_demand_tariff", "1"),
            (Q.POWER_PERIOD, U.KILO_WATT, "maximum_demand_tariff", "2"),
            (Q.POWER_PERIOD, U.KILO_WATT, "maximum_export", ""),
            (Q.POWER_PERIOD, U.KILO_WATT, "maximum_export_tariff", "1"),
            (Q.POWER_PERIOD, U.KILO_WATT, "maximum_export_tariff", "2"),
        ))
    ),
    # Further values behind these.
    ChannelType("month_end_value[x]", Q.REGISTER_PERIOD, None, L.RARE, "month_end_value", "[x]"),
)  # fmt: skip


def _load_profile(id_: str, reference: str, index: str) -> ObjectType:
    """Return the row of a buffer that a meter sends with a header; the columns are what the header says they are."""
    channels = (
        ChannelType(f"{id_}_entries", Q.NUMBER, None, L.RARE, "load_profile_entries", index),
        ChannelType(f"{id_}_timestamp[x]", Q.TIMESTAMP, None, L.RARE, "load_profile_timestamp", f"{index}.[x]"),
        *(
            ChannelType(f"{id_}_column{number}_value[x]", Q.REGISTER_PERIOD, None, L.RARE, "load_profile_value", f"{index}.{number}.[x]")
            for number in MOST_COLUMNS
        ),
    )  # fmt: skip
    return ObjectType(id_, reference, S.LOAD_PROFILE, channels[0], channels)


_TARIFFS: Final = range(1, 10)


def _rated(
    id_: str, register: str, quantity: Quantity, unit: Unit, name: str, index: str = "", tariffs: range = _TARIFFS,
) -> tuple[ObjectType, ...]:  # fmt: skip
    """Return the rows of the tariffs of a register that is rarely divided into them."""
    return tuple(
        _row(f"{id_}_tariff{tariff}", f"1-0:{register}.8.{tariff}", S.DECIMAL, quantity, unit, L.RARE, name, f"{index} T{tariff}".strip())
        for tariff in tariffs
    )  # fmt: skip


# fmt: off
PORT_OBJECTS: Final = (
    _row("p1_version_output",       "1-3:0.2.8",   S.VERSION,   Q.VERSION,   None, L.RARE,       "version"),
    _row("p1_emucs_version_output", "0-0:96.1.4",  S.VERSION,   Q.VERSION,   None, L.RARE,       "emucs_version"),
    _row("p1_timestamp",            "0-0:1.0.0",   S.TIMESTAMP, Q.TIMESTAMP, None, L.RARE,       "telegram_timestamp"),
    _row("p1_text_code",            "0-0:96.13.1", S.MESSAGE,   Q.TEXT,      None, L.RARE,       "text_code"),
    _row("p1_text_string",          "0-0:96.13.0", S.MESSAGE,   Q.TEXT,      None, L.RARE,       "text_message"),
    # Beyond the specification: Smarty meters have five places for a text, Warmtelink VI has another clock.
    *(_row(f"p1_text_string{n}", f"0-0:96.13.{n}", S.MESSAGE, Q.TEXT, None, L.RARE, "text_message_number", str(n)) for n in range(2, 6)),
    _row("p1_timestamp",            "0-0:1.1.0",   S.TIMESTAMP, Q.TIMESTAMP, None, L.RARE,       "telegram_timestamp"),
)

METER_OBJECTS: Final = (
    # Identity.
    _row("meter_equipment_identifier",       "0-n:96.1.0", S.HEX_TEXT, Q.IDENTIFIER,  None, L.RARE, "equipment_identifier"),
    _row("emeter_equipment_identifier",      "0-0:96.1.1", S.HEX_TEXT, Q.IDENTIFIER,  None, L.RARE, "equipment_identifier"),
    _row("emeter_equipment_identifier_v2_x", "0-0:42.0.0", S.HEX_TEXT, Q.IDENTIFIER,  None, L.RARE, "logical_device_name"),
    _row("gmeter_equipment_identifier_v2",   "7-0:0.0.0",  S.HEX_TEXT, Q.IDENTIFIER,  None, L.RARE, "equipment_identifier"),
    _row("hmeter_equipment_identifier_v2_2", "5-0:0.0.0",  S.HEX_TEXT, Q.IDENTIFIER,  None, L.RARE, "equipment_identifier"),
    _row("cmeter_equipment_identifier_v2_2", "6-0:0.0.0",  S.HEX_TEXT, Q.IDENTIFIER,  None, L.RARE, "equipment_identifier"),
    _row("wmeter_equipment_identifier_v2_2", "8-0:0.0.0",  S.HEX_TEXT, Q.IDENTIFIER,  None, L.RARE, "equipment_identifier"),
    _row("meter_device_type",                "0-n:24.1.0", S.NUMBER,   Q.DEVICE_TYPE, None, L.RARE, "device_type"),

    # Switches and valves.
    _row("meter_valve_switch_position", "0-n:24.4.0",  S.STATE,  Q.POSITION, None, L.DIAGNOSTIC, "valve_position"),
    _row("gmeter_valve_position_v2_1",  "7-0:96.3.10", S.STATE,  Q.POSITION, None, L.DIAGNOSTIC, "valve_position"),
    _row("gmeter_valve_position_v2_2",  "7-0:24.4.0",  S.STATE,  Q.POSITION, None, L.DIAGNOSTIC, "valve_position"),
    _row("emeter_switch_position",      "0-0:96.3.10", S.STATE,  Q.POSITION, None, L.DIAGNOSTIC, "switch_position"),
    _row("emeter_switch_position_v2_1", "1-0:96.3.10", S.STATE,  Q.POSITION, None, L.DIAGNOSTIC, "switch_position"),

    # Registers of energy.
    _row("emeter_delivery_tariff0",           "1-0:1.8.0",  S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.OPTIONAL, "energy_import_tariff", "0"),
    _row("emeter_delivery_tariff1",           "1-0:1.8.1",  S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_import_tariff", "1"),
    _row("emeter_delivery_tariff2",           "1-0:1.8.2",  S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_import_tariff", "2"),
    _row("emeter_production_tariff0",         "1-0:2.8.0",  S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.OPTIONAL, "energy_export_tariff", "0"),
    _row("emeter_production_tariff1",         "1-0:2.8.1",  S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_export_tariff", "1"),
    _row("emeter_production_tariff2",         "1-0:2.8.2",  S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_export_tariff", "2"),
    _row("emeter_delivery_tariff0_antifraud", "1-0:15.8.0", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.RARE, "energy_combined_tariff", "0"),
    _row("emeter_delivery_tariff1_antifraud", "1-0:15.8.1", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.RARE, "energy_combined_tariff", "1"),
    _row("emeter_delivery_tariff2_antifraud", "1-0:15.8.2", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.RARE, "energy_combined_tariff", "2"),
    _row("emeter_total_imported_energy_register_q",       "1-0:3.8.0", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_import"),
    _row("emeter_total_imported_energy_register_r_rate1", "1-0:3.8.1", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_import_tariff", "1"),
    _row("emeter_total_imported_energy_register_r_rate2", "1-0:3.8.2", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_import_tariff", "2"),
    _row("emeter_total_exported_energy_register_q",       "1-0:4.8.0", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_export"),
    _row("emeter_total_exported_energy_register_r_rate1", "1-0:4.8.1", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_export_tariff", "1"),
    _row("emeter_total_exported_energy_register_r_rate2", "1-0:4.8.2", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_export_tariff", "2"),
    _row("emeter_tariff_indicator",           "0-0:96.14.0", S.STATE,  Q.TARIFF, None, L.MAIN, "tariff"),

    # Power of the connection.
    _row("emeter_active_import_power",          "1-0:15.7.0", S.DECIMAL, Q.POWER, U.WATT,      L.MAIN, "power_combined"),
    _row("emeter_actual_delivery",              "1-0:1.7.0",  S.DECIMAL, Q.POWER, U.KILO_WATT, L.MAIN, "power_import"),
    _row("emeter_actual_production",            "1-0:2.7.0",  S.DECIMAL, Q.POWER, U.KILO_WATT, L.MAIN, "power_export"),
    _row("emeter_actual_demand",                "1-0:1.4.0",  S.DECIMAL, Q.DEMAND, U.KILO_WATT, L.MAIN, "demand_average"),
    _timed("emeter_maximum_demand_current_month", "1-0:1.6.0", Q.DEMAND, U.KILO_WATT, L.MAIN, "maximum_demand_month"),
    _row("emeter_actual_reactive_delivery",     "1-0:3.7.0",  S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR, L.OPTIONAL, "reactive_power_import"),
    _row("emeter_actual_reactive_production",   "1-0:4.7.0",  S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR, L.OPTIONAL, "reactive_power_export"),

    # Limits of the connection. 0-0:17.0.0 is identified by its unit; no unit means kVA.
    _row("emeter_active_threshold_smax", "0-0:17.0.0", S.DECIMAL, Q.THRESHOLD_APPARENT_POWER, U.KILO_VOLT_AMPERE, L.RARE, "threshold_apparent_power"),
    _row("emeter_treshold_a",            "0-0:17.0.0", S.DECIMAL, Q.THRESHOLD_CURRENT,        U.AMPERE,           L.RARE, "threshold_current"),
    _row("emeter_treshold_kw",           "0-0:17.0.0", S.DECIMAL, Q.THRESHOLD_POWER,          U.KILO_WATT,        L.RARE, "threshold_power"),
    _row("emeter_treshold_a_v2_1",       "1-0:17.0.0", S.DECIMAL, Q.THRESHOLD_CURRENT,        U.AMPERE,           L.RARE, "threshold_current"),
    _row("emeter_fuse_threshold_a",      "1-0:31.4.0", S.DECIMAL_PAIR, Q.THRESHOLD_CURRENT,   U.AMPERE,           L.RARE, "fuse_threshold",
         parts=(ChannelType("emeter_fuse_threshold_a_export", Q.THRESHOLD_CURRENT, U.AMPERE, L.RARE, "fuse_threshold_export"),)),

    # Quality of the supply.
    _row("emeter_power_failures",      "0-0:96.7.21", S.NUMBER, Q.COUNTER, None, L.DIAGNOSTIC, "power_failures"),
    _row("emeter_long_power_failures", "0-0:96.7.9",  S.NUMBER, Q.COUNTER, None, L.DIAGNOSTIC, "long_power_failures"),
    ObjectType("emeter_power_failure_log", "1-0:99.97.0", S.FAILURE_LOG, _FAILURE_LOG[0], _FAILURE_LOG),
    *_phases("emeter_voltage_sags",   ("1-0:32.32.0", "1-0:52.32.0", "1-0:72.32.0"), S.NUMBER, Q.COUNTER, None, L.RARE, "voltage_sags"),
    *_phases("emeter_voltage_swells", ("1-0:32.36.0", "1-0:52.36.0", "1-0:72.36.0"), S.NUMBER, Q.COUNTER, None, L.RARE, "voltage_swells"),

    # The phases.
    *_phases("emeter_instant_current",          ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0"), S.DECIMAL, Q.CURRENT, U.AMPERE,    L.OPTIONAL, "current"),
    *_phases("emeter_instant_power_delivery",   ("1-0:21.7.0", "1-0:41.7.0", "1-0:61.7.0"), S.DECIMAL, Q.POWER,   U.KILO_WATT, L.PHASE,    "power_import_phase"),
    *_phases("emeter_instant_power_production", ("1-0:22.7.0", "1-0:42.7.0", "1-0:62.7.0"), S.DECIMAL, Q.POWER,   U.KILO_WATT, L.PHASE,    "power_export_phase"),
    *_phases("emeter_instant_voltage",          ("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0"), S.DECIMAL, Q.VOLTAGE, U.VOLT,      L.OPTIONAL, "voltage"),
    *_phases("emeter_instant_reactive_power_delivery",   ("1-0:23.7.0", "1-0:43.7.0", "1-0:63.7.0"), S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR, L.OPTIONAL, "reactive_power_import_phase"),
    *_phases("emeter_instant_reactive_power_production", ("1-0:24.7.0", "1-0:44.7.0", "1-0:64.7.0"), S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR, L.OPTIONAL, "reactive_power_export_phase"),

    # Readings of the other meters. 0-n:24.2.1 and 0-n:24.3.0 are identified by the device type, then by the unit.
    _timed("m3meter_value",     "0-n:24.2.1", Q.VOLUME,   U.CUBIC_METRE,    L.MAIN, "reading", meaning=_READING, kinds=_VOLUME),
    _timed("gjmeter_value_v4",  "0-n:24.2.1", Q.HEAT,     U.GIGA_JOULE,     L.MAIN, "reading", meaning=_READING, kinds=_THERMAL),
    _timed("emeter_value",      "0-n:24.2.1", Q.ENERGY,   U.KILO_WATT_HOUR, L.MAIN, "reading", meaning=_READING, kinds=_ELECTRIC),
    _timed("gmeter_last_value", "0-n:24.2.3", Q.VOLUME,   U.CUBIC_METRE,    L.MAIN, "reading_uncorrected", meaning=_READING),
    _timed("gmeter_value_v3",   "0-n:24.3.0", Q.VOLUME,   U.CUBIC_METRE,    L.MAIN, "reading", shape=S.READING_V3, meaning=_READING, kinds=_GAS),
    _timed("wmeter_value_v3",   "0-n:24.3.0", Q.VOLUME,   U.CUBIC_METRE,    L.MAIN, "reading", shape=S.READING_V3, meaning=_READING, kinds=_WATER),
    _timed("gjmeter_value_v3",  "0-n:24.3.0", Q.HEAT,     U.GIGA_JOULE,     L.MAIN, "reading", shape=S.READING_V3, meaning=_READING, kinds=_THERMAL),
    _timed("genmeter_value_v3", "0-n:24.3.0", Q.REGISTER, None,             L.MAIN, "reading", shape=S.READING_V3, meaning=_READING, kinds=_OTHER),
    _timed("gmeter_24h_delivery_v2",             "7-0:23.1.0", Q.VOLUME, U.CUBIC_METRE, L.MAIN, "reading", meaning=_READING),
    _timed("gmeter_24h_delivery_compensated_v2", "7-0:23.2.0", Q.VOLUME, U.CUBIC_METRE, L.OPTIONAL, "reading_compensated"),
    _timed("hmeter_value_v2",   "5-0:1.0.0",  Q.HEAT,     U.GIGA_JOULE,     L.MAIN, "reading", meaning=_READING),
    _timed("cmeter_value_v2",   "6-0:1.0.0",  Q.HEAT,     U.GIGA_JOULE,     L.MAIN, "reading", meaning=_READING),
    _timed("wmeter_value_v2",   "8-0:1.0.0",  Q.VOLUME,   U.CUBIC_METRE,    L.MAIN, "reading", meaning=_READING),

    # Beyond the specification.
    *(_row(f"emeter_delivery_tariff{n}",   f"1-0:1.8.{n}", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_import_tariff", str(n)) for n in (3, 4)),
    *(_row(f"emeter_production_tariff{n}", f"1-0:2.8.{n}", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_export_tariff", str(n)) for n in (3, 4)),
    *(_row(f"reactive_energy_quadrant{n}", f"1-0:{4 + n}.8.0", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.RARE, "reactive_energy_quadrant", str(n)) for n in range(1, 5)),
    *(_row(f"reactive_power_quadrant{n}",  f"1-0:{4 + n}.7.0", S.DECIMAL, Q.REACTIVE_POWER,  U.KILO_VAR,      L.RARE, "reactive_power_quadrant",  str(n)) for n in range(1, 5)),
    _row("apparent_energy_import", "1-0:9.8.0",  S.DECIMAL, Q.APPARENT_ENERGY, U.KILO_VOLT_AMPERE_HOUR, L.RARE, "apparent_energy_import"),
    _row("apparent_energy_export", "1-0:10.8.0", S.DECIMAL, Q.APPARENT_ENERGY, U.KILO_VOLT_AMPERE_HOUR, L.RARE, "apparent_energy_export"),
    _row("apparent_power_import",  "1-0:9.7.0",  S.DECIMAL, Q.APPARENT_POWER,  U.KILO_VOLT_AMPERE,      L.OPTIONAL, "apparent_power_import"),
    _row("apparent_power_export",  "1-0:10.7.0", S.DECIMAL, Q.APPARENT_POWER,  U.KILO_VOLT_AMPERE,      L.OPTIONAL, "apparent_power_export"),
    *_phases("apparent_power_import", ("1-0:29.7.0", "1-0:49.7.0", "1-0:69.7.0"), S.DECIMAL, Q.APPARENT_POWER, U.KILO_VOLT_AMPERE, L.OPTIONAL, "apparent_power_import_phase"),
    *_phases("apparent_power_export", ("1-0:30.7.0", "1-0:50.7.0", "1-0:70.7.0"), S.DECIMAL, Q.APPARENT_POWER, U.KILO_VOLT_AMPERE, L.OPTIONAL, "apparent_power_export_phase"),
    *_phases("energy_import", ("1-0:21.8.0", "1-0:41.8.0", "1-0:61.8.0"), S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.RARE, "energy_import_phase"),
    *_phases("energy_export", ("1-0:22.8.0", "1-0:42.8.0", "1-0:62.8.0"), S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.RARE, "energy_export_phase"),
    _row("power_sum",              "1-0:16.7.0", S.DECIMAL, Q.POWER,        U.KILO_WATT, L.OPTIONAL, "power_sum"),
    _row("energy_net",             "1-0:16.8.0", S.DECIMAL, Q.REGISTER,     U.KILO_WATT_HOUR, L.RARE, "energy_net"),
    _row("current",                "1-0:11.7.0", S.DECIMAL, Q.CURRENT,      U.AMPERE,    L.OPTIONAL, "current_total"),
    _row("current_neutral",        "1-0:91.7.0", S.DECIMAL, Q.CURRENT,      U.AMPERE,    L.RARE,     "current_neutral"),
    _row("voltage",                "1-0:12.7.0", S.DECIMAL, Q.VOLTAGE,      U.VOLT,      L.OPTIONAL, "voltage_total"),
    _row("frequency",              "1-0:14.7.0", S.DECIMAL, Q.FREQUENCY,    U.HERTZ,     L.OPTIONAL, "frequency"),
    _row("power_factor",           "1-0:13.7.0", S.DECIMAL, Q.POWER_FACTOR, None,        L.OPTIONAL, "power_factor"),
    *_phases("power_factor", ("1-0:33.7.0", "1-0:53.7.0", "1-0:73.7.0"), S.DECIMAL, Q.POWER_FACTOR, None, L.RARE, "power_factor_phase"),
    *_phases("phase_angle",  ("1-0:81.7.4", "1-0:81.7.15", "1-0:81.7.26"), S.DECIMAL, Q.ANGLE, U.DEGREE, L.RARE, "phase_angle"),
    _row("emeter_actual_demand_export", "1-0:2.4.0", S.DECIMAL, Q.DEMAND, U.KILO_WATT, L.OPTIONAL, "demand_average_export"),
    _timed("emeter_maximum_demand_export_current_month", "1-0:2.6.0", Q.DEMAND, U.KILO_WATT, L.OPTIONAL, "maximum_demand_export_month"),
    ObjectType("monthly_peak", "0-0:98.1.0", S.MONTHLY_PEAKS, _MONTHLY_PEAKS[0], _MONTHLY_PEAKS),
    _load_profile("load_profile",  "0-0:98.1.0", "1"),
    _load_profile("load_profile2", "0-0:98.1.1", "2"),
    _load_profile("load_profile3", "1-0:99.1.0", "3"),
    ObjectType("month_end",    "0-0:98.1.0", S.MONTH_END,     _MONTH_END[0],     _MONTH_END),
    _row("emeter_fuse_threshold_a_l2", "1-0:51.4.0", S.DECIMAL, Q.THRESHOLD_CURRENT, U.AMPERE, L.RARE, "fuse_threshold_phase", "L2"),
    _row("emeter_fuse_threshold_a_l3", "1-0:71.4.0", S.DECIMAL, Q.THRESHOLD_CURRENT, U.AMPERE, L.RARE, "fuse_threshold_phase", "L3"),
    *_phases("voltage_sag_duration",    ("1-0:32.33.0", "1-0:52.33.0", "1-0:72.33.0"), S.DECIMAL, Q.DURATION, U.SECOND, L.RARE, "voltage_sag_duration"),
    *_phases("voltage_sag_magnitude",   ("1-0:32.34.0", "1-0:52.34.0", "1-0:72.34.0"), S.DECIMAL, Q.VOLTAGE,  U.VOLT,   L.RARE, "voltage_sag_magnitude"),
    *_phases("voltage_swell_duration",  ("1-0:32.37.0", "1-0:52.37.0", "1-0:72.37.0"), S.DECIMAL, Q.DURATION, U.SECOND, L.RARE, "voltage_swell_duration"),
    *_phases("voltage_swell_magnitude", ("1-0:32.38.0", "1-0:52.38.0", "1-0:72.38.0"), S.DECIMAL, Q.VOLTAGE,  U.VOLT,   L.RARE, "voltage_swell_magnitude"),
    *_phases("voltage_average",         ("1-0:32.24.0", "1-0:52.24.0", "1-0:72.24.0"), S.DECIMAL, Q.VOLTAGE,  U.VOLT,   L.RARE, "voltage_average"),
    _row("demand_average_reactive_import", "1-0:3.4.0",  S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR,         L.RARE, "demand_average_reactive_import"),
    _row("demand_average_reactive_export", "1-0:4.4.0",  S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR,         L.RARE, "demand_average_reactive_export"),
    _row("demand_average_apparent_import", "1-0:9.4.0",  S.DECIMAL, Q.APPARENT_POWER, U.KILO_VOLT_AMPERE, L.RARE, "demand_average_apparent_import"),
    _row("demand_average_apparent_export", "1-0:10.4.0", S.DECIMAL, Q.APPARENT_POWER, U.KILO_VOLT_AMPERE, L.RARE, "demand_average_apparent_export"),
    _row("demand_last_import",             "1-0:1.5.0",  S.DECIMAL, Q.DEMAND,         U.KILO_WATT,        L.RARE, "demand_last_import"),
    _row("demand_last_export",             "1-0:2.5.0",  S.DECIMAL, Q.DEMAND,         U.KILO_WATT,        L.RARE, "demand_last_export"),
    _row("demand_last_reactive_import",    "1-0:3.5.0",  S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR,         L.RARE, "demand_last_reactive_import"),
    _row("demand_last_reactive_export",    "1-0:4.5.0",  S.DECIMAL, Q.REACTIVE_POWER, U.KILO_VAR,         L.RARE, "demand_last_reactive_export"),
    _row("demand_last_apparent_import",    "1-0:9.5.0",  S.DECIMAL, Q.APPARENT_POWER, U.KILO_VOLT_AMPERE, L.RARE, "demand_last_apparent_import"),
    _row("demand_last_apparent_export",    "1-0:10.5.0", S.DECIMAL, Q.APPARENT_POWER, U.KILO_VOLT_AMPERE, L.RARE, "demand_last_apparent_export"),
    _row("power_average_import",   "1-0:1.24.0",  S.DECIMAL,  Q.POWER,        U.KILO_WATT, L.RARE, "power_average_import"),
    _row("power_average_combined", "1-0:15.24.0", S.DECIMAL,  Q.POWER,        U.KILO_WATT, L.RARE, "power_average_combined"),
    _row("power_average_net",      "1-0:16.24.0", S.DECIMAL,  Q.POWER,        U.KILO_WATT, L.RARE, "power_average_net"),
    _row("power_factor_minimum",   "1-0:13.3.0",  S.DECIMAL,  Q.POWER_FACTOR, None,        L.RARE, "power_factor_minimum"),
    _row("current_sum",            "1-0:90.7.0",  S.DECIMAL,  Q.CURRENT,      U.AMPERE,    L.RARE, "current_sum"),
    _row("measurement_period",     "1-0:0.8.2",   S.DECIMAL,  Q.DURATION,     U.SECOND,    L.RARE, "measurement_period"),
    _row("firmware_version",              "1-0:0.2.0",  S.TEXT,     Q.VERSION,    None, L.RARE, "firmware_version"),
    _row("firmware_checksum",             "1-0:0.2.8",  S.TEXT,     Q.VERSION,    None, L.RARE, "firmware_checksum"),
    _row("firmware_version_application",  "1-1:0.2.0",  S.TEXT,     Q.VERSION,    None, L.RARE, "firmware_version_application", meaning="firmware_version/"),
    _row("firmware_checksum_application", "1-1:0.2.8",  S.TEXT,     Q.VERSION,    None, L.RARE, "firmware_checksum_application", meaning="firmware_checksum/"),
    _row("device_name",                   "1-0:42.1.0", S.HEX_TEXT, Q.IDENTIFIER, None, L.RARE, "device_name"),
    _row("current_transformer_ratio",     "1-0:0.4.2",  S.NUMBER,   Q.RATIO,      None, L.RARE, "current_transformer_ratio"),
    _row("voltage_transformer_ratio",     "1-0:0.4.3",  S.NUMBER,   Q.RATIO,      None, L.RARE, "voltage_transformer_ratio"),
    *(_row(f"emeter_total_imported_energy_register_r_rate{n}", f"1-0:3.8.{n}", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_import_tariff", str(n)) for n in range(3, 10)),
    *(_row(f"emeter_total_exported_energy_register_r_rate{n}", f"1-0:4.8.{n}", S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.OPTIONAL, "reactive_energy_export_tariff", str(n)) for n in range(3, 10)),
    *(_row(f"emeter_delivery_tariff{n}",   f"1-0:1.8.{n}", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_import_tariff", str(n)) for n in (*range(5, 10), 11, 12, 13)),
    *(_row(f"emeter_production_tariff{n}", f"1-0:2.8.{n}", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_export_tariff", str(n)) for n in (*range(5, 10), 11, 12, 13)),
    *(_row(f"emeter_delivery_tariff{n}_antifraud", f"1-0:15.8.{n}", S.DECIMAL, Q.ENERGY, U.KILO_WATT_HOUR, L.RARE, "energy_combined_tariff", str(n)) for n in range(3, 10)),
    *(row for n in range(1, 5) for row in _rated(f"reactive_energy_quadrant{n}", str(4 + n), Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, "reactive_energy_quadrant", str(n))),
    *_rated("apparent_energy_import", "9",  Q.APPARENT_ENERGY, U.KILO_VOLT_AMPERE_HOUR, "apparent_energy_import_tariff"),
    *_rated("apparent_energy_export", "10", Q.APPARENT_ENERGY, U.KILO_VOLT_AMPERE_HOUR, "apparent_energy_export_tariff"),
    *_rated("energy_net",             "16", Q.REGISTER,        U.KILO_WATT_HOUR,        "energy_net_tariff"),
    *(row for phase, c in zip(_PHASES, (21, 41, 61), strict=True) for row in _rated(f"energy_import_{phase.lower()}", str(c), Q.ENERGY, U.KILO_WATT_HOUR, "energy_import_phase", phase)),
    *(row for phase, c in zip(_PHASES, (22, 42, 62), strict=True) for row in _rated(f"energy_export_{phase.lower()}", str(c), Q.ENERGY, U.KILO_WATT_HOUR, "energy_export_phase", phase)),
    *(_timed(f"emeter_maximum_demand_current_month_tariff{n}", f"1-0:1.6.{n}", Q.DEMAND, U.KILO_WATT, L.RARE, "maximum_demand_month_tariff", f"T{n}") for n in _TARIFFS),
    *(_timed(f"emeter_maximum_demand_export_current_month_tariff{n}", f"1-0:2.6.{n}", Q.DEMAND, U.KILO_WATT, L.RARE, "maximum_demand_export_month_tariff", f"T{n}") for n in _TARIFFS),
    *_phases("reactive_energy_import", ("1-0:23.8.0", "1-0:43.8.0", "1-0:63.8.0"), S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.RARE, "reactive_energy_import_phase"),
    *_phases("reactive_energy_export", ("1-0:24.8.0", "1-0:44.8.0", "1-0:64.8.0"), S.DECIMAL, Q.REACTIVE_ENERGY, U.KILO_VAR_HOUR, L.RARE, "reactive_energy_export_phase"),
    # Heat meters: the volume that went through them is 0-n:24.2.1.
    _row("heat_flow",                 "0-n:24.2.2", S.MEASURED, Q.FLOW, U.CUBIC_METRE_PER_HOUR, L.OPTIONAL, "flow",           kinds=_THERMAL),
    _timed("heat_temperature_supply", "0-n:24.2.3", Q.TEMPERATURE, U.DEGREE_CELSIUS,       L.OPTIONAL, "temperature_supply",  kinds=_THERMAL),
    _row("heat_temperature_return",   "0-n:24.2.4", S.MEASURED, Q.TEMPERATURE, U.DEGREE_CELSIUS, L.OPTIONAL, "temperature_return", kinds=_THERMAL),
    _timed("heat_energy",             "0-n:24.2.5", Q.REGISTER,    None,                   L.MAIN,     "energy_thermal",      kinds=_THERMAL),
    # A clock whose time and date are two objects.
    *(_row("clock_time", f"{a}-0:0.9.1", S.TEXT, Q.TEXT, None, L.RARE, "clock_time") for a in (1, 0)),
    *(_row("clock_date", f"{a}-0:0.9.2", S.TEXT, Q.TEXT, None, L.RARE, "clock_date") for a in (1, 0)),
    _row("tariff_indicator", "0-0:96.14.1",  S.STATE,  Q.TARIFF,     None, L.MAIN, "tariff"),
    _row("breaker_state",    "0-0:96.50.68", S.TEXT,   Q.IDENTIFIER, None, L.RARE, "breaker_state"),
    _row("nominal_voltage",        "1-0:94.32.1",  S.DECIMAL,  Q.VOLTAGE,    U.VOLT, L.RARE, "nominal_voltage"),
    _row("meter_status",           "1-0:96.5.5",   S.TEXT,     Q.IDENTIFIER, None,   L.RARE, "meter_status"),
    _row("meter_ean",              "0-n:96.1.2",   S.HEX_TEXT, Q.IDENTIFIER, None,   L.RARE, "ean"),
    _row("meter_number",           "1-0:0.0.0",    S.HEX_TEXT, Q.IDENTIFIER, None,   L.RARE, "meter_number"),
    _row("device_number",          "0-0:0.0.0",    S.HEX_TEXT, Q.IDENTIFIER, None,   L.RARE, "device_number"),
    _row("meter_serial_number",    "0-0:96.1.255", S.TEXT,     Q.IDENTIFIER, None,   L.RARE, "meter_serial_number", meaning="equipment_identifier/"),
)
# fmt: on

# Channels without an object: they are computed from others. In the order in which a household looks for them.
DERIVED_CHANNELS: Final = (
    ChannelType("power_net", Q.POWER, U.KILO_WATT, L.MAIN, "power_net"),
    ChannelType("energy_import_total", Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_import_total"),
    ChannelType("energy_export_total", Q.ENERGY, U.KILO_WATT_HOUR, L.MAIN, "energy_export_total"),
)
