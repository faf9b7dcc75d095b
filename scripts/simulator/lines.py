"""The lines of Dutch telegrams, in the order in which the meters send them. Data only; see `models`."""

from collections.abc import Mapping
from typing import Final

TIME: Final = "0-0:1.0.0({now})"
IDENTIFIER: Final = "0-0:96.1.1({identifier})"


def per_phase(phases: int, *templates: str) -> tuple[str, ...]:
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

TARIFFS_KWH: Final = (
    "1-0:1.8.1({imported[1]:010.3f}*kWh)",
    "1-0:1.8.2({imported[2]:010.3f}*kWh)",
    "1-0:2.8.1({exported[1]:010.3f}*kWh)",
    "1-0:2.8.2({exported[2]:010.3f}*kWh)",
)
POWER_KW: Final = ("1-0:1.7.0({power_import:06.3f}*kW)", "1-0:2.7.0({power_export:06.3f}*kW)")
_FAILURES: Final = (
    "0-0:96.7.21({power_failures:05d})",
    "0-0:96.7.9({long_power_failures:05d})",
    "1-0:99.97.0({failure_log})",
)
SAGS: Final = ("1-0:<32>.32.0({sags[@]:05d})", "1-0:<32>.36.0({swells[@]:05d})")
VOLTAGE: Final = "1-0:<32>.7.0({voltage[@]:05.1f}*V)"
PHASE_IMPORT: Final = "1-0:<21>.7.0({phase_import[@]:06.3f}*kW)"
PHASE_EXPORT: Final = "1-0:<22>.7.0({phase_export[@]:06.3f}*kW)"
WHOLE_AMPERES: Final = "1-0:<31>.7.0({current[@]:03.0f}*A)"


def dsmr4_lines(version: str, *, has_switch: bool = False, has_phases: bool = True) -> tuple[str, ...]:
    """Return the telegram of DSMR 4: 4.0 has the switch, 4.0.4 also what each phase does, 4.2 only the latter."""
    switch = ("0-0:17.0.0(016.1*kW)", "0-0:96.3.10(1)") if has_switch else ()
    phases = per_phase(3, WHOLE_AMPERES, PHASE_IMPORT, PHASE_EXPORT) if has_phases else ()
    return (
        f"1-3:0.2.8({version})",
        TIME,
        IDENTIFIER,
        *TARIFFS_KWH,
        "0-0:96.14.0({tariff:04d})",
        *POWER_KW,
        *switch,
        *_FAILURES,
        *per_phase(3, *SAGS),
        "0-0:96.13.1({text_code})",
        "0-0:96.13.0({text})",
        *phases,
    )


def dsmr5_lines(phases: int = 3) -> tuple[str, ...]:
    """Return the telegram of DSMR 5.0."""
    return (
        "1-3:0.2.8(50)",
        TIME,
        IDENTIFIER,
        *TARIFFS_KWH,
        "0-0:96.14.0({tariff:04d})",
        *POWER_KW,
        *_FAILURES,
        *per_phase(phases, *SAGS),
        "0-0:96.13.0({text})",
        *per_phase(phases, VOLTAGE, WHOLE_AMPERES, PHASE_IMPORT, PHASE_EXPORT),
    )


type SlotLines = Mapping[str, tuple[str, ...]]

_SLOT_HEAD: Final = ("0-{n}:24.1.0({type:03d})", "0-{n}:96.1.0({identifier})")
DSMR5_SLOTS: Final[SlotLines] = {
    "": (*_SLOT_HEAD, "0-{n}:24.2.1({time})({value:09.3f}*{unit})"),
    "electricity": (*_SLOT_HEAD, "0-{n}:24.2.1({time})({value:010.3f}*{unit})"),
}

# DSMR 2 and 3, Netherlands. Three more decimals of power came with version 4.

_V2_TARIFFS: Final = tuple(line.replace(":010.3f", ":09.3f") for line in TARIFFS_KWH)
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
    IDENTIFIER,
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

# Warmtelink: district heating.

WARMTELINK_LINES: Final = (
    "1-3:0.2.8(50)",
    TIME,
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
