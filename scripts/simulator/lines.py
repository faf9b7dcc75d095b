"""The lines of the telegrams, in the order in which the meters send them. Data only; see `models`."""

from collections.abc import Mapping
from typing import Final

_TIME: Final = "0-0:1.0.0({now})"
_IDENTIFIER: Final = "0-0:96.1.1({identifier})"


def _per_phase(phases: int, *templates: str) -> tuple[str, ...]:
    """Return the templates for each phase: `{c}` is value group C of the first phase plus 20, `@` the index."""
    return tuple(
        template.replace("@c", str(first + 20 * phase)).replace("@", str(phase))
        for first, template in (_split_group(template) for template in templates)
        for phase in range(phases)
    )


def _split_group(template: str) -> tuple[int, str]:
    """Return value group C for phase 1 and the template with `@c` in its place: `1-0:<32>.7.0(...)`."""
    before, _, rest = template.partition("<")
    group, _, after = rest.partition(">")
    return int(group), f"{before}@c{after}"


# DSMR 4 and 5, Netherlands.

_TARIFFS_KWH: Final = (
    "1-0:1.8.1({imported[1]:010.3f}*kWh)",
    "1-0:1.8.2({imported[2]:010.3f}*kWh)",
    "1-0:2.8.1({exported[1]:010.3f}*kWh)",
    "1-0:2.8.2({exported[2]:010.3f}*kWh)",
)
_POWER_KW: Final = ("1-0:1.7.0({power_import:06.3f}*kW)", "1-0:2.7.0({power_export:06.3f}*kW)")
_FAILURES: Final = (
    "0-0:96.7.21({power_failures:05d})",
    "0-0:96.7.9({long_power_failures:05d})",
    "1-0:99.97.0({failure_log})",
)
_SAGS: Final = ("1-0:<32>.32.0({sags[@]:05d})", "1-0:<32>.36.0({swells[@]:05d})")
_VOLTAGE: Final = "1-0:<32>.7.0({voltage[@]:05.1f}*V)"
_PHASE_IMPORT: Final = "1-0:<21>.7.0({phase_import[@]:06.3f}*kW)"
_PHASE_EXPORT: Final = "1-0:<22>.7.0({phase_export[@]:06.3f}*kW)"
_WHOLE_AMPERES: Final = "1-0:<31>.7.0({current[@]:03.0f}*A)"


def dsmr4_lines(version: str, *, has_switch: bool = False, phases: int = 3) -> tuple[str, ...]:
    """Return the telegram of DSMR 4."""
    switch = ("0-0:17.0.0(016.1*kW)", "0-0:96.3.10(1)") if has_switch else ()
    return (
        f"1-3:0.2.8({version})",
        _TIME,
        _IDENTIFIER,
        *_TARIFFS_KWH,
        "0-0:96.14.0({tariff:04d})",
        *_POWER_KW,
        *switch,
        *_FAILURES,
        *_per_phase(phases, *_SAGS),
        "0-0:96.13.1({text_code})",
        "0-0:96.13.0({text})",
        *_per_phase(phases, _WHOLE_AMPERES, _PHASE_IMPORT, _PHASE_EXPORT),
    )


def dsmr5_lines(phases: int = 3) -> tuple[str, ...]:
    """Return the telegram of DSMR 5.0."""
    return (
        "1-3:0.2.8(50)",
        _TIME,
        _IDENTIFIER,
        *_TARIFFS_KWH,
        "0-0:96.14.0({tariff:04d})",
        *_POWER_KW,
        *_FAILURES,
        *_per_phase(phases, *_SAGS),
        "0-0:96.13.0({text})",
        *_per_phase(phases, _VOLTAGE, _WHOLE_AMPERES, _PHASE_IMPORT, _PHASE_EXPORT),
    )


type SlotLines = Mapping[str, tuple[str, ...]]

_SLOT_HEAD: Final = ("0-{n}:24.1.0({type:03d})", "0-{n}:96.1.0({identifier})")
DSMR5_SLOTS: Final[SlotLines] = {
    "": (*_SLOT_HEAD, "0-{n}:24.2.1({time})({value:09.3f}*{unit})"),
    "electricity": (*_SLOT_HEAD, "0-{n}:24.2.1({time})({value:010.3f}*{unit})"),
}
DSMR4_SLOTS: Final = DSMR5_SLOTS

# DSMR 2 and 3, Netherlands. Three more decimals of power came with version 4.

_V2_TARIFFS: Final = tuple(line.replace(":010.3f", ":09.3f") for line in _TARIFFS_KWH)
_V2_POWER: Final = ("1-0:1.7.0({power_import:07.2f}*kW)", "1-0:2.7.0({power_export:07.2f}*kW)")
_V2_TEXT: Final = ("0-0:96.13.1({text_code})", "0-0:96.13.0({text})")

DSMR21_LINES: Final = (
    "0-0:42.0.0({identifier})",
    *_V2_TARIFFS,
    "0-0:96.14.0({tariff:04d})",
    *_V2_POWER,
    "1-0:17.0.0(0040.00*A)",
    "1-0:96.3.10(1)",
    *_V2_TEXT,
)
DSMR22_LINES: Final = (
    "0-0:42.0.0({identifier})",
    *_V2_TARIFFS,
    "0-0:96.14.0({tariff:04d})",
    *_V2_POWER,
    "0-0:17.0.0(040*A)",
    "0-0:24.4.0(1)",
    *_V2_TEXT,
)
DSMR2_SLOTS: Final[SlotLines] = {
    "gas": (
        "7-0:0.0.0({identifier})",
        "7-0:23.1.0({value:09.3f}*m3)({plain_time})",
        "7-0:23.2.0({compensated:09.3f}*m3)({plain_time})",
        "7-0:24.4.0(1)",
    ),
    "heating": ("5-0:0.0.0({identifier})", "5-0:1.0.0({value:09.3f}*GJ)({plain_time})"),
    "cooling": ("6-0:0.0.0({identifier})", "6-0:1.0.0({value:09.3f}*GJ)({plain_time})"),
    "water": ("8-0:0.0.0({identifier})", "8-0:1.0.0({value:09.3f}*m3)({plain_time})"),
}
DSMR30_LINES: Final = (
    _IDENTIFIER,
    *_V2_TARIFFS,
    "0-0:96.14.0({tariff:04d})",
    *_V2_POWER,
    "0-0:17.0.0(999*A)",
    "0-0:96.3.10(1)",
    *_V2_TEXT,
)
DSMR30_SLOTS: Final[SlotLines] = {
    "": (
        "0-{n}:96.1.0({identifier})",
        "0-{n}:24.1.0({type:02d})",
        "0-{n}:24.3.0({short_time})(00)(60)(1)(0-{n}:24.2.1)({unit})",
        "({value:09.3f})",
        "0-{n}:24.4.0(1)",
    ),
}

# Itron ACE4000: every reference carries group F; gas, heat, water and cold have their own channels. A line with the
# value of an hour is sent for each of the last 24 hours.

ACE4000_LINES: Final = (
    "0-0:96.1.0*255({plain_identifier})",
    "1-0:1.8.0*255({imported[0]:010.3f}*kWh)",
    "1-0:1.8.1*255({imported[1]:010.3f}*kWh)",
    "1-0:1.8.2*255({imported[2]:010.3f}*kWh)",
    "1-0:2.8.0*255({exported[0]:010.3f}*kWh)",
    "1-0:2.8.1*255({exported[1]:010.3f}*kWh)",
    "1-0:2.8.2*255({exported[2]:010.3f}*kWh)",
    "0-0:96.14.0*255({tariff:02d})",
    "1-0:15.7.0*255({power_import_w:06d}*W)",
    "0-0:17.0.0*255(0085*A)",
    "0-0:96.3.10*255(1)",
)
ACE4000_SLOTS: Final[SlotLines] = {
    "gas": (
        "0-{n}:96.1.0*255({plain_identifier:<17})",
        "7-0:23.1.0*255({hour_value:09.3f}*m3)({hour_time})",
        "7-0:24.4.0*255(0)",
    ),
    "heating": (
        "0-{n}:96.1.0*255({plain_identifier:<17})",
        "5-0:1.0.0*255({value:09.3f}*GJ)({plain_time})",
    ),
    "water": (
        "0-{n}:96.1.0*255({plain_identifier:<17})",
        "8-0:1.0.0*255({value:09.3f}*m3)({plain_time})",
    ),
    "cooling": ("6-0:1.0.0*255({value:09.3f}*GJ)({plain_time})",),
}

# e-MUCS, Belgium (Fluvius).

EMUCS_LINES: Final = (
    "0-0:96.1.4(50221)",
    _IDENTIFIER,
    "0-0:96.1.2({ean})",
    _TIME,
    *_TARIFFS_KWH,
    "0-0:96.14.0({tariff:04d})",
    "1-0:1.4.0({demand:06.3f}*kW)",
    "1-0:1.6.0({peak_time})({peak:06.3f}*kW)",
    "0-0:98.1.0({peak_history})",
    *_POWER_KW,
    *_per_phase(3, _PHASE_IMPORT, _PHASE_EXPORT, _VOLTAGE, "1-0:<31>.7.0({current[@]:06.2f}*A)"),
    "0-0:96.3.10(1)",
    "0-0:17.0.0(999.9*kW)",
    "1-0:31.4.0(999*A)",
    "0-0:96.13.0({text})",
)
_EMUCS_HEAD: Final = ("0-{n}:24.1.0({type:03d})", "0-{n}:96.1.1({identifier})", "0-{n}:96.1.2({ean})")
EMUCS_SLOTS: Final[SlotLines] = {
    "": (*_EMUCS_HEAD, "0-{n}:24.2.1({time})({value:09.3f}*{unit})"),
    "gas": (*_EMUCS_HEAD, "0-{n}:24.4.0(1)", "0-{n}:24.2.3({time})({value:09.3f}*{unit})"),
}

# Luxembourg.

_REACTIVE_KVARH: Final = (
    "1-0:3.8.0({reactive_imported[0]:010.3f}*kvarh)",
    "1-0:4.8.0({reactive_exported[0]:010.3f}*kvarh)",
)
_REACTIVE_KVAR: Final = ("1-0:3.7.0({reactive_import:06.3f}*kvar)", "1-0:4.7.0({reactive_export:06.3f}*kvar)")
SMARTY_LINES: Final = (
    "1-3:0.2.8(42)",
    _TIME,
    "0-0:42.0.0({identifier})",
    "1-0:1.8.0({imported[0]:010.3f}*kWh)",
    "1-0:2.8.0({exported[0]:010.3f}*kWh)",
    *_REACTIVE_KVARH,
    *_POWER_KW,
    *_REACTIVE_KVAR,
    "0-0:17.0.0(27.600*kVA)",
    "0-0:96.3.10(1)",
    "0-0:96.7.21({power_failures:05d})",
    *_per_phase(3, *_SAGS),
    "0-0:96.13.0({text})",
    *(f"0-0:96.13.{number}()" for number in range(2, 6)),
    *_per_phase(3, _WHOLE_AMPERES, _PHASE_IMPORT, _PHASE_EXPORT),
)

# Austria: whole watt-hours.

AUSTRIA_LINES: Final = (
    "1-3:0.2.8(50)",
    _TIME,
    *(f"1-0:1.8.{tariff}({{imported_wh[{tariff}]:09d}}*Wh)" for tariff in range(3)),
    "1-0:1.7.0({power_import_w:09d}*W)",
    *(f"1-0:2.8.{tariff}({{exported_wh[{tariff}]:09d}}*Wh)" for tariff in range(3)),
    "1-0:2.7.0({power_export_w:09d}*W)",
)
AUSTRIA_REACTIVE: Final = (
    *(f"1-0:3.8.{tariff}({{reactive_imported_varh[{tariff}]:09d}}*varh)" for tariff in range(3)),
    "1-0:3.7.0({reactive_import_var:09d}*var)",
    *(f"1-0:4.8.{tariff}({{reactive_exported_varh[{tariff}]:09d}}*varh)" for tariff in range(3)),
    "1-0:4.7.0({reactive_export_var:09d}*var)",
)

# Others.

WARMTELINK_LINES: Final = (
    "1-3:0.2.8(50)",
    _TIME,
    "0-0:96.1.1(ADE31{serial:0>11})",
    *_V2_TEXT,
)
WARMTELINK_SLOTS: Final[SlotLines] = {
    "": (
        "0-{n}:24.1.0({type:03d})",
        "0-{n}:96.1.0({serial:.8}2D2C340C)",
        "0-{n}:24.2.1({time})({value:07.3f}*GJ)",
    )
}
SWEDEN_LINES: Final = (
    _TIME,
    "1-0:1.8.0({imported[0]:012.3f}*kWh)",
    "1-0:2.8.0({exported[0]:012.3f}*kWh)",
    "1-0:3.8.0({reactive_imported[0]:012.3f}*kVArh)",
    "1-0:4.8.0({reactive_exported[0]:012.3f}*kVArh)",
    "1-0:1.7.0({power_import:08.3f}*kW)",
    "1-0:2.7.0({power_export:08.3f}*kW)",
    "1-0:3.7.0({reactive_import:08.3f}*kVAr)",
    "1-0:4.7.0({reactive_export:08.3f}*kVAr)",
    *_per_phase(3, "1-0:<21>.7.0({phase_import[@]:08.3f}*kW)", "1-0:<22>.7.0({phase_export[@]:08.3f}*kW)"),
    *_per_phase(3, _VOLTAGE, "1-0:<31>.7.0({current[@]:05.1f}*A)"),
)
_FOUR_TARIFFS: Final = (
    *(f"1-0:1.8.{tariff}({{imported[{tariff}]:010.3f}}*kWh)" for tariff in range(5)),
    *(f"1-0:2.8.{tariff}({{exported[{tariff}]:010.3f}}*kWh)" for tariff in range(5)),
)
HUNGARY_LINES: Final = (
    _TIME,
    "0-0:42.0.0({identifier})",
    "0-0:96.1.0({identifier})",
    "0-0:96.14.0({tariff:04d})",
    "0-0:96.3.10(1)",
    "0-0:17.0.0(90.000*kW)",
    *_FOUR_TARIFFS,
    *_REACTIVE_KVARH,
    "1-0:15.8.0({imported_plus_exported:010.3f}*kWh)",
    *_per_phase(3, _VOLTAGE, _WHOLE_AMPERES),
    "1-0:13.7.0({power_factor:05.3f})",
    "1-0:14.7.0(50.00*Hz)",
    *_POWER_KW,
    "1-0:31.4.0(200.00*A)",
    "1-0:51.4.0(200.00*A)",
    "1-0:71.4.0(200.00*A)",
    "0-0:96.13.0({text})",
)
LITHUANIA_LINES: Final = (
    _TIME,
    *_FOUR_TARIFFS[:6],
    *_REACTIVE_KVARH,
    *_POWER_KW,
    *_REACTIVE_KVAR,
    *_per_phase(3, _PHASE_IMPORT, _PHASE_EXPORT, _VOLTAGE, _WHOLE_AMPERES),
    "1-0:14.7.0(50.0*Hz)",
    "1-0:13.7.0({power_factor:05.3f})",
    "0-0:96.7.21({power_failures:05d})",
    "0-0:96.13.0({text})",
    *_per_phase(3, *_SAGS),
    _IDENTIFIER,
)
