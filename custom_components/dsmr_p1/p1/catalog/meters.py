"""The meter types of the specification: one row a type, in its order.

A type is defined by its objects: groups of objects and a difference from the version before it. The ids are
public and stand letter for letter.
"""

from typing import Final

from .model import MeterKind, MeterType, Role

K = MeterKind
R = Role

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR

_KINDS = (K.DEVICE, K.ELECTRICITY, K.GAS, K.WATER, K.HEATING, K.COOLING, K.GENERIC)
_DEVICE, _ELECTRICITY, _GAS, _WATER, _HEATING, _COOLING, _GENERIC = (frozenset({kind}) for kind in _KINDS)


def _objects(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phases(text: str, phases: str) -> frozenset[str]:
    return frozenset(f"{name}_l{phase}" for name in text.split() for phase in phases)


# Groups of objects that types share.
_TARIFFS_0 = _objects("emeter_delivery_tariff0 emeter_production_tariff0")
_TARIFFS_1 = _objects("emeter_delivery_tariff1 emeter_production_tariff1")
_TARIFFS_2 = _objects("emeter_delivery_tariff2 emeter_production_tariff2")
_ANTIFRAUD = _objects(
    "emeter_delivery_tariff0_antifraud emeter_delivery_tariff1_antifraud emeter_delivery_tariff2_antifraud"
)
_RATED = _TARIFFS_1 | _TARIFFS_2 | _objects("emeter_tariff_indicator")
_POWER = _objects("emeter_actual_delivery emeter_actual_production")
_REACTIVE = _objects(
    "emeter_total_imported_energy_register_q emeter_total_exported_energy_register_q"
    " emeter_actual_reactive_delivery emeter_actual_reactive_production"
)
_REACTIVE_RATES = _objects(
    "emeter_total_imported_energy_register_r_rate1 emeter_total_imported_energy_register_r_rate2"
    " emeter_total_exported_energy_register_r_rate1 emeter_total_exported_energy_register_r_rate2"
)
_QUALITY = _objects("emeter_power_failures emeter_long_power_failures emeter_voltage_sags_l1 emeter_voltage_swells_l1")
_SAGS_SWELLS_23 = _phases("emeter_voltage_sags emeter_voltage_swells", "23")
_INSTANT = "emeter_instant_current emeter_instant_power_delivery emeter_instant_power_production"
_PHASE_1 = _phases(_INSTANT, "1")
_PHASES_23 = _phases(_INSTANT, "23")
_VOLTAGE_1 = _phases("emeter_instant_voltage", "1")
_VOLTAGE_23 = _phases("emeter_instant_voltage", "23")
_REACTIVE_PHASES = _phases("emeter_instant_reactive_power_delivery emeter_instant_reactive_power_production", "123")
_IDENTIFIER = _objects("emeter_equipment_identifier")
# Objects with which a port declares that it is of no DSMR version.
_EMUCS = _objects("p1_emucs_version_output")
_IDENTIFIER_V2 = _objects("emeter_equipment_identifier_v2_x")
_THRESHOLD_SWITCH = _objects("emeter_treshold_kw emeter_switch_position")

# The main meter, version by version.
_V3_0 = _IDENTIFIER | _RATED | _POWER
_V4_0 = _V3_0 | _THRESHOLD_SWITCH | _QUALITY
_V4_0_OPTIONAL = _objects("emeter_power_failure_log") | _SAGS_SWELLS_23
_V4_0_4 = _V4_0 | _PHASE_1
_V4_0_4_OPTIONAL = _V4_0_OPTIONAL | _PHASES_23
_V4_2 = _V4_0_4 - _THRESHOLD_SWITCH
_V5_0 = _V4_2 | _VOLTAGE_1
_V5_0_OPTIONAL = _V4_0_4_OPTIONAL | _VOLTAGE_23

# The meters on the M-Bus.
_MBUS = _objects("meter_device_type meter_equipment_identifier")
_VALVE = _objects("meter_valve_switch_position")
_SLAVE_ACE4000 = _TARIFFS_0 | _RATED | _objects("emeter_active_import_power emeter_treshold_a emeter_switch_position")

# fmt: off
METER_TYPES: Final = (
    MeterType("device_v2_v3",      "DSMR V2 / V3 Device", R.PORT, _DEVICE, -1, 10, _objects("p1_text_code p1_text_string")),
    MeterType("device_v4",         "DSMR V4 Device",      R.PORT, _DEVICE, -1, 10, _objects("p1_text_code p1_text_string p1_version_output p1_timestamp"), versions=("4",)),
    MeterType("device_v5",         "DSMR V5 Device",      R.PORT, _DEVICE, -1, 10, _objects("p1_text_string p1_version_output p1_timestamp"), versions=("5",)),
    MeterType("device_emucs_v1_0", "e-MUCS V1.0 Device",  R.PORT, _DEVICE, -1, None, _objects("p1_text_string p1_emucs_version_output p1_timestamp")),

    MeterType("electricity_ace4000", "ACE4000 GTMM Mk3 Electricity meter", R.MAIN, _ELECTRICITY, 0, 10,
              _TARIFFS_0 | _TARIFFS_1 | _objects("meter_equipment_identifier emeter_tariff_indicator emeter_active_import_power emeter_switch_position"),
              _TARIFFS_2 | _ANTIFRAUD | _objects("emeter_treshold_a")),
    MeterType("gas_ace4000",     "ACE4000 GTMM Mk3 Gas meter",     R.MBUS, _GAS,     3, _HOUR, _objects("meter_equipment_identifier gmeter_24h_delivery_v2 gmeter_valve_position_v2_2")),
    MeterType("heating_ace4000", "ACE4000 GTMM Mk3 Heating meter", R.MBUS, _HEATING, 4, _HOUR, _objects("meter_equipment_identifier hmeter_value_v2")),
    MeterType("cooling_ace4000", "ACE4000 GTMM Mk3 Cooling meter", R.MBUS, _COOLING, 6, _HOUR, _objects("cmeter_value_v2")),
    MeterType("water_ace4000",   "ACE4000 GTMM Mk3 Water meter",   R.MBUS, _WATER,   5, _HOUR, _objects("meter_equipment_identifier wmeter_value_v2")),
    MeterType("slave_electricity1_ace4000", "ACE4000 GTMM Mk3 1st Slave Electricity meter", R.MBUS, _ELECTRICITY, 1, _HOUR, _SLAVE_ACE4000),
    MeterType("slave_electricity2_ace4000", "ACE4000 GTMM Mk3 2nd Slave Electricity meter", R.MBUS, _ELECTRICITY, 2, _HOUR, _SLAVE_ACE4000),

    MeterType("electricity_v2_1", "DSMR V2.1 Electricity meter", R.MAIN, _ELECTRICITY, 0, 10,
              _IDENTIFIER_V2 | _RATED | _objects("emeter_treshold_a_v2_1 emeter_switch_position_v2_1 emeter_actual_delivery")),
    MeterType("gas_v2_1", "DSMR V2.1 Gas meter", R.MBUS, _GAS, 0, _DAY,
              _objects("gmeter_equipment_identifier_v2 gmeter_24h_delivery_v2 gmeter_24h_delivery_compensated_v2 gmeter_valve_position_v2_1")),
    MeterType("electricity_v2_2", "DSMR V2.2 Electricity meter", R.MAIN, _ELECTRICITY, 0, 10,
              _IDENTIFIER_V2 | _RATED | _VALVE | _objects("emeter_treshold_a emeter_actual_delivery")),
    MeterType("gas_v2_2", "DSMR V2.2 Gas meter", R.MBUS, _GAS, 0, _DAY,
              _objects("gmeter_equipment_identifier_v2 gmeter_24h_delivery_v2 gmeter_24h_delivery_compensated_v2 gmeter_valve_position_v2_2")),
    MeterType("heating_v2_2", "DSMR V2.2 Heating meter", R.MBUS, _HEATING, 0, _HOUR, _objects("hmeter_equipment_identifier_v2_2 hmeter_value_v2")),
    MeterType("cooling_v2_2", "DSMR V2.2 Cooling meter", R.MBUS, _COOLING, 0, _HOUR, _objects("cmeter_equipment_identifier_v2_2 cmeter_value_v2")),
    MeterType("water_v2_2",   "DSMR V2.2 Water meter",   R.MBUS, _WATER,   0, _HOUR, _objects("wmeter_equipment_identifier_v2_2 wmeter_value_v2")),

    MeterType("electricity_v3_0", "DSMR V3 Electricity meter", R.MAIN, _ELECTRICITY, 0, 10, _V3_0, _objects("emeter_treshold_a") | _THRESHOLD_SWITCH, strange=_EMUCS),
    MeterType("gas_v3_0",     "DSMR V3.0 Gas meter",     R.MBUS, _GAS, None, _HOUR, _MBUS | _objects("gmeter_value_v3"), _VALVE),
    MeterType("water_v3_0",   "DSMR V3.0 Water meter",   R.MBUS, _WATER, None, _HOUR, _MBUS | _VALVE | _objects("wmeter_value_v3")),
    MeterType("gj_v3_0",      "DSMR V3.0 Giga Joule meter (heating or cooling)", R.MBUS, _HEATING | _COOLING, None, _HOUR, _MBUS | _VALVE | _objects("gjmeter_value_v3")),
    MeterType("generic_v3_0", "DSMR V3.0 Generic meter", R.MBUS, _GENERIC, None, _HOUR, _MBUS | _VALVE | _objects("genmeter_value_v3")),

    MeterType("electricity_v4_0",     "DSMR V4.0 Electricity meter",        R.MAIN, _ELECTRICITY, 0, 10, _V4_0, _V4_0_OPTIONAL, versions=("4",), strange=_EMUCS),
    MeterType("m3_v4",                "DSMR V4.x m3 meter (gas or water)",  R.MBUS, _GAS | _WATER, None, _HOUR, _MBUS | _VALVE | _objects("m3meter_value")),
    MeterType("gj_v4",                "DSMR V4.x Giga Joule meter (heating or cooling)", R.MBUS, _HEATING | _COOLING, None, _HOUR, _MBUS | _VALVE | _objects("gjmeter_value_v4")),
    MeterType("slave_electricity_v4", "DSMR V4.x Slave Electricity meter",  R.MBUS, _ELECTRICITY, None, _HOUR, _MBUS | _objects("emeter_value emeter_switch_position")),
    MeterType("electricity_v4_0_4",   "DSMR V4.0.4 Electricity meter",      R.MAIN, _ELECTRICITY, 0, 10, _V4_0_4, _V4_0_4_OPTIONAL, versions=("4",), strange=_EMUCS),
    MeterType("electricity_v4_2",     "DSMR V4.2 Electricity meter",        R.MAIN, _ELECTRICITY, 0, 10, _V4_2, _V4_0_4_OPTIONAL, versions=("4",), strange=_EMUCS),

    MeterType("electricity_v5_0",     "DSMR V5 Electricity meter",          R.MAIN, _ELECTRICITY, 0, 10, _V5_0, _V5_0_OPTIONAL, versions=("5",), strange=_EMUCS),
    MeterType("m3_v5_0",              "DSMR V5 m3 meter (gas or water)",    R.MBUS, _GAS | _WATER, None, 5 * _MINUTE, _MBUS | _objects("m3meter_value")),
    MeterType("gj_v5_0",              "DSMR V5 Giga Joule meter (heating or cooling)", R.MBUS, _HEATING | _COOLING, None, 5 * _MINUTE, _MBUS | _objects("gjmeter_value_v4")),
    MeterType("slave_electricity_v5", "DSMR V5 Slave Electricity meter",    R.MBUS, _ELECTRICITY, None, 5 * _MINUTE, _MBUS | _objects("emeter_value")),

    MeterType("electricity_smarty_v1_0", "Smarty V1.0 Electricity Meter", R.MAIN, _ELECTRICITY, 0, 10,
              _IDENTIFIER_V2 | _TARIFFS_0 | _POWER | _REACTIVE | _objects("emeter_switch_position"),
              _PHASE_1 | _PHASES_23 | _SAGS_SWELLS_23 | _REACTIVE_PHASES
              | _objects("emeter_treshold_kw emeter_active_threshold_smax emeter_power_failures emeter_voltage_sags_l1 emeter_voltage_swells_l1")),
    MeterType("electricity_smarty_v1_0_austria", "Austrian Smarty electricity meter", R.MAIN, _ELECTRICITY, 0, 10,
              _TARIFFS_0 | _TARIFFS_1 | _TARIFFS_2 | _POWER | _REACTIVE | _REACTIVE_RATES, identifications=("EST5",)),
    MeterType("electricity_emucs_v1_0", "e-MUCS V1.0 Electricity meter", R.MAIN, _ELECTRICITY, 0, None,
              _IDENTIFIER | _RATED | _POWER | _THRESHOLD_SWITCH | _objects("emeter_fuse_threshold_a"),
              _PHASE_1 | _PHASES_23 | _VOLTAGE_1 | _VOLTAGE_23 | _objects("emeter_actual_demand emeter_maximum_demand_current_month")),
    MeterType("gas_emucs_v1_0", "e-MUCS V1.0 Gas meter", R.MBUS, _GAS, None, None,
              _IDENTIFIER | _VALVE | _objects("meter_device_type gmeter_last_value")),
)
# fmt: on
