"""The lines of telegrams from other countries, in the order in which the meters send them. Data only; see `models`."""

from typing import Final

from .lines import (
    IDENTIFIER,
    PHASE_EXPORT,
    PHASE_IMPORT,
    POWER_KW,
    SAGS,
    TARIFFS_KWH,
    TIME,
    VOLTAGE,
    WHOLE_AMPERES,
    SlotLines,
    per_phase,
)

# e-MUCS, Belgium (Fluvius).

EMUCS_LINES: Final = (
    "0-0:96.1.4(50221)",
    IDENTIFIER,
    "0-0:96.1.2({ean})",
    TIME,
    *TARIFFS_KWH,
    "0-0:96.14.0({tariff:04d})",
    "1-0:1.4.0({demand:06.3f}*kW)",
    "1-0:1.6.0({peak_time})({peak:06.3f}*kW)",
    "0-0:98.1.0({peak_history})",
    *POWER_KW,
    *per_phase(3, PHASE_IMPORT, PHASE_EXPORT, VOLTAGE, "1-0:<31>.7.0({current[@]:06.2f}*A)"),
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
    TIME,
    "0-0:42.0.0({identifier})",
    "1-0:1.8.0({imported[0]:010.3f}*kWh)",
    "1-0:2.8.0({exported[0]:010.3f}*kWh)",
    *_REACTIVE_KVARH,
    *POWER_KW,
    *_REACTIVE_KVAR,
    "0-0:17.0.0(27.600*kVA)",
    "0-0:96.3.10(1)",
    "0-0:96.7.21({power_failures:05d})",
    *per_phase(3, *SAGS),
    "0-0:96.13.0({text})",
    *(f"0-0:96.13.{number}()" for number in range(2, 6)),
    *per_phase(3, WHOLE_AMPERES, PHASE_IMPORT, PHASE_EXPORT),
)

# Austria: whole watt-hours.

AUSTRIA_LINES: Final = (
    "1-3:0.2.8(50)",
    TIME,
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

SWEDEN_LINES: Final = (
    TIME,
    "1-0:1.8.0({imported[0]:012.3f}*kWh)",
    "1-0:2.8.0({exported[0]:012.3f}*kWh)",
    "1-0:3.8.0({reactive_imported[0]:012.3f}*kVArh)",
    "1-0:4.8.0({reactive_exported[0]:012.3f}*kVArh)",
    "1-0:1.7.0({power_import:08.3f}*kW)",
    "1-0:2.7.0({power_export:08.3f}*kW)",
    "1-0:3.7.0({reactive_import:08.3f}*kVAr)",
    "1-0:4.7.0({reactive_export:08.3f}*kVAr)",
    *per_phase(3, "1-0:<21>.7.0({phase_import[@]:08.3f}*kW)", "1-0:<22>.7.0({phase_export[@]:08.3f}*kW)"),
    *per_phase(3, VOLTAGE, "1-0:<31>.7.0({current[@]:05.1f}*A)"),
)
_FOUR_TARIFFS: Final = (
    *(f"1-0:1.8.{tariff}({{imported[{tariff}]:010.3f}}*kWh)" for tariff in range(5)),
    *(f"1-0:2.8.{tariff}({{exported[{tariff}]:010.3f}}*kWh)" for tariff in range(5)),
)
HUNGARY_LINES: Final = (
    TIME,
    "0-0:42.0.0({identifier})",
    "0-0:96.1.0({identifier})",
    "0-0:96.14.0({tariff:04d})",
    "0-0:96.3.10(1)",
    "0-0:17.0.0(90.000*kW)",
    *_FOUR_TARIFFS,
    *_REACTIVE_KVARH,
    "1-0:15.8.0({imported_plus_exported:010.3f}*kWh)",
    *per_phase(3, VOLTAGE, WHOLE_AMPERES),
    "1-0:13.7.0({power_factor:05.3f})",
    "1-0:14.7.0(50.00*Hz)",
    *POWER_KW,
    "1-0:31.4.0(200.00*A)",
    "1-0:51.4.0(200.00*A)",
    "1-0:71.4.0(200.00*A)",
    "0-0:96.13.0({text})",
)
LITHUANIA_LINES: Final = (
    TIME,
    *_FOUR_TARIFFS[:6],
    *_REACTIVE_KVARH,
    *POWER_KW,
    *_REACTIVE_KVAR,
    *per_phase(3, PHASE_IMPORT, PHASE_EXPORT, VOLTAGE, WHOLE_AMPERES),
    "1-0:14.7.0(50.0*Hz)",
    "1-0:13.7.0({power_factor:05.3f})",
    "0-0:96.7.21({power_failures:05d})",
    "0-0:96.13.0({text})",
    *per_phase(3, *SAGS),
    "0-0:96.1.1({ean})",
)
