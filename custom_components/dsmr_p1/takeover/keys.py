"""The keys of the entities of Home Assistant's own `dsmr`, and what each continues as. A frozen table: no code here.

Read from Home Assistant 2026.10 and 2026.11 (`components/dsmr/sensor.py`), all versions of its choice of meters.
"""

from collections.abc import Mapping
from typing import Final

_PHASES: Final = ("l1", "l2", "l3")
_TARIFFS: Final = ("1", "2", "3", "4")

# A key -> the channels of the port or its main meter that are the same value, best first.
CHANNELS: Final[Mapping[str, tuple[str, ...]]] = {
    "timestamp": ("p1_timestamp",),
    "current_electricity_usage": ("emeter_actual_delivery",),
    "current_electricity_delivery": ("emeter_actual_production",),
    "electricity_active_tariff": ("emeter_tariff_indicator", "tariff_indicator"),
    **{f"electricity_used_tariff_{n}": (f"emeter_delivery_tariff{n}",) for n in _TARIFFS},
    **{f"electricity_delivered_tariff_{n}": (f"emeter_production_tariff{n}",) for n in _TARIFFS},
    "electricity_imported_total": ("emeter_delivery_tariff0",),
    "electricity_exported_total": ("emeter_production_tariff0",),
    **{f"instantaneous_active_power_{p}_positive": (f"emeter_instant_power_delivery_{p}",) for p in _PHASES},
    **{f"instantaneous_active_power_{p}_negative": (f"emeter_instant_power_production_{p}",) for p in _PHASES},
    **{f"instantaneous_voltage_{p}": (f"emeter_instant_voltage_{p}",) for p in _PHASES},
    **{f"instantaneous_current_{p}": (f"emeter_instant_current_{p}",) for p in _PHASES},
    **{f"voltage_sag_{p}_count": (f"emeter_voltage_sags_{p}",) for p in _PHASES},
    **{f"voltage_swell_{p}_count": (f"emeter_voltage_swells_{p}",) for p in _PHASES},
    "short_power_failure_count": ("emeter_power_failures",),
    "long_power_failure_count": ("emeter_long_power_failures",),
    "belgium_current_average_demand": ("emeter_actual_demand",),
    "belgium_maximum_demand_current_month": ("emeter_maximum_demand_current_month",),
    "eon_hu_electricity_combined": ("emeter_delivery_tariff0_antifraud",),
    "eon_hu_instantaneous_power_factor_total": ("power_factor",),
    **{f"eon_hu_instantaneous_power_factor_{p}": (f"power_factor_{p}",) for p in _PHASES},
    "eon_hu_frequency": ("frequency",),
}
TARIFF: Final = "electricity_active_tariff"

# Keys that stay behind: their statistics would end with an issue, because ours have no state class. All of them are
# disabled unless the owner enabled them.
LEFT: Final = frozenset({
    "belgium_max_power_per_phase", "belgium_max_current_per_phase", "actual_threshold_electricity",
    "fuse_threshold_l1", "fuse_threshold_l2", "fuse_threshold_l3", "text_message",
})  # fmt: skip

# Keys of a reading of the gas meter whose serial number is not part of the unique id.
GAS: Final = ("hourly_gas_meter_reading", "belgium_5min_gas_meter_reading", "gas_meter_reading")
READING: Final = "reading/"
"""The meaning of the channels that these continue as, and all others on the M-Bus: their unique ids have no key."""

# The words of `dsmr` for the tariff, by the number that the meter sends. They go by the version that was chosen.
TARIFF_WORDS: Final[Mapping[str, str]] = {"1": "low", "2": "normal"}
SWAPPED_TARIFF_WORDS: Final[Mapping[str, str]] = {"1": "normal", "2": "low"}
SWAPPED_VERSIONS: Final = frozenset({"5B", "5EONHU"})
