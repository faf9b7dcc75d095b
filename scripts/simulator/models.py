"""The meters that can be simulated: what each one sends, line by line, as it stands in the telegram.

A line is a template for `str.format`; the fields in braces are those of `telegram.main_fields` (main meter) and
`telegram.slot_fields` (M-Bus). A newer version is the older one and a difference, as in the standards: DSMR 2.2 to
4.2 and P1 companion standard 5.0 (Netbeheer Nederland), e-MUCS P1 1.7 (Fluvius), Luxmetering P1 1.1.3, and captures
for what is not public.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from . import region
from .encryption import EXAMPLE_AUTHENTICATION_KEY, PUBLIC_AUTHENTICATION_KEY
from .line import V2_SETTINGS, V4_SETTINGS, LineSettings
from .lines import (
    ACE4000_LINES,
    ACE4000_SLOTS,
    DSMR2_SLOTS,
    DSMR5_SLOTS,
    DSMR21_LINES,
    DSMR22_LINES,
    DSMR30_LINES,
    DSMR30_SLOTS,
    WARMTELINK_LINES,
    WARMTELINK_SLOTS,
    dsmr4_lines,
    dsmr5_lines,
)
from .lines_abroad import (
    AUSTRIA_LINES,
    AUSTRIA_REACTIVE,
    EMUCS_LINES,
    EMUCS_SLOTS,
    HUNGARY_LINES,
    LITHUANIA_LINES,
    SMARTY_LINES,
    SWEDEN_LINES,
)
from .region import Region


@dataclass(frozen=True, slots=True)
class SlotLayout:
    """The lines of an M-Bus meter: by kind, or for all kinds under `""`; and those of a slot without a meter.

    `interval` is how often the meter is read, in seconds.
    """

    interval: int
    lines: Mapping[str, tuple[str, ...]]
    unregistered: tuple[str, ...] = ()
    ghost: tuple[str, ...] = ()
    channels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A meter model: its telegram, its line and its pace.

    `period` is the time between two telegrams in seconds, `mbus` what hangs on its M-Bus unless told otherwise.
    `authentication_key` is given for models that encrypt. `blank_line` follows the identification line.
    """

    name: str
    description: str
    identification: str
    lines: tuple[str, ...]
    slots: SlotLayout | None = None
    region: Region = region.NETHERLANDS
    settings: LineSettings = V4_SETTINGS
    period: float = 1
    phases: int = 3
    mbus: str = ""
    has_crc: bool = True
    pads_crc: bool = True
    blank_line: bool = True
    identifier_prefix: str = "E"
    authentication_key: bytes | None = None


HOUR: Final = 3_600
_V2: Final = Model(
    name="dsmr22",
    description="DSMR 2.2, Netherlands: 9600 7E1, no CRC, gas once a day",
    identification="ISk5\\2SIM-22",
    lines=DSMR22_LINES,
    slots=SlotLayout(24 * HOUR, DSMR2_SLOTS),
    settings=V2_SETTINGS,
    period=10,
    phases=1,
    mbus="gas",
    has_crc=False,
)
_V3: Final = replace(
    _V2,
    name="dsmr30",
    description="DSMR 3.0, Netherlands: 9600 7E1, no CRC, the gas reading on a line of its own",
    identification="ISk5\\2SIM-30",
    lines=DSMR30_LINES,
    slots=SlotLayout(HOUR, DSMR30_SLOTS),
)
_V4_SLOTS: Final = SlotLayout(
    HOUR,
    DSMR5_SLOTS,
    unregistered=("0-{n}:24.1.0({type:03d})", "0-{n}:96.1.0(0000000000000000000000000000000000)"),
    ghost=("0-{n}:24.1.0({type:03d})", "0-{n}:96.1.0()", "0-{n}:24.2.1(700101010000W)(00000000)"),
)
_V5_SLOTS: Final = replace(
    _V4_SLOTS,
    interval=300,
    lines=DSMR5_SLOTS,
    unregistered=("0-{n}:24.1.0({type:03d})", "0-{n}:96.1.0()"),
)
_WITH_VALVE: Final = {"": (*DSMR5_SLOTS[""], "0-{n}:24.4.0(1)"), "electricity": DSMR5_SLOTS["electricity"]}
_V4: Final = Model(
    name="dsmr42",
    description="DSMR 4.2, Netherlands: three phases, gas every hour",
    identification="KFM5SIM-METER",
    lines=dsmr4_lines("42"),
    slots=_V4_SLOTS,
    period=10,
    mbus="gas",
)
_V404: Final = replace(
    _V4,
    name="dsmr404",
    description="DSMR 4.0.4, Netherlands: with switch and threshold, gas with a valve",
    identification="ISk5\\2SIM-40",
    lines=dsmr4_lines("40", has_switch=True),
    slots=replace(_V4_SLOTS, lines=_WITH_VALVE),
)
_V5: Final = Model(
    name="dsmr5",
    description="DSMR 5.0, Netherlands: three phases with voltages, gas every five minutes",
    identification="ISK5\\2SIM-1050",
    lines=dsmr5_lines(),
    slots=_V5_SLOTS,
    mbus="gas",
)
_AUSTRIA: Final = Model(
    name="austria",
    description="Austria: encrypted with a key of its own for authentication, whole Wh",
    identification="EST5\\253700000_S",
    lines=(*AUSTRIA_LINES, *AUSTRIA_REACTIVE),
    region=region.AUSTRIA,
    authentication_key=EXAMPLE_AUTHENTICATION_KEY,
)

MODELS: Final = {
    model.name: model
    for model in (
        _V5,
        replace(
            _V5,
            name="dsmr5_1phase",
            description="DSMR 5.0, Netherlands: one phase",
            identification="Ene5\\SIM ESMR 5.0",
            lines=dsmr5_lines(phases=1),
            phases=1,
        ),
        _V4,
        _V404,
        replace(
            _V404,
            name="dsmr40",
            description="DSMR 4.0, Netherlands: nothing by phase, gas with a valve",
            lines=dsmr4_lines("40", has_switch=True, has_phases=False),
        ),
        _V3,
        _V2,
        replace(
            _V2,
            name="dsmr21",
            description="DSMR 2.1, Netherlands: as 2.2 with other references for switch and threshold",
            identification="ISk5\\2SIM-21",
            lines=DSMR21_LINES,
            slots=SlotLayout(24 * HOUR, {**DSMR2_SLOTS, "gas": (*DSMR2_SLOTS["gas"][:-1], "7-0:96.3.10(1)")}),
        ),
        Model(
            name="ace4000",
            description="Itron ACE4000 GTMM Mk3: 9600 7E1, references with *255, a day of gas by the hour",
            identification="ACE5SIMKGPRS",
            lines=ACE4000_LINES,
            slots=SlotLayout(HOUR, ACE4000_SLOTS, channels={"gas": 3, "heating": 4, "water": 5, "cooling": 6}),
            settings=V2_SETTINGS,
            period=10,
            phases=1,
            mbus="gas",
            has_crc=False,
        ),
        Model(
            name="emucs",
            description="Fluvius, Belgium: monthly peaks, gas under 24.2.3 and water under 24.2.1",
            identification="FLU5\\253700000_S",
            lines=EMUCS_LINES,
            slots=SlotLayout(
                300,
                EMUCS_SLOTS,
                unregistered=("0-{n}:96.3.10(0)",),
                ghost=("0-{n}:24.1.0({type:03d})", "0-{n}:96.1.1()", "0-{n}:24.2.1(632525252525W)(00000.000)"),
            ),
            region=region.BELGIUM,
            mbus="gas,water,gas:unregistered",
            identifier_prefix="1S",
        ),
        Model(
            name="smarty_lu",
            description="Luxembourg: encrypted, the published key for authentication",
            identification="Lux5\\253600000_S",
            lines=SMARTY_LINES,
            slots=replace(_V5_SLOTS, lines=_WITH_VALVE),
            region=region.LUXEMBOURG,
            period=10,
            mbus="gas",
            identifier_prefix="S",
            authentication_key=PUBLIC_AUTHENTICATION_KEY,
        ),
        _AUSTRIA,
        replace(
            _AUSTRIA,
            name="austria_minimum",
            description="Austria: encrypted, without reactive energy",
            lines=AUSTRIA_LINES,
        ),
        replace(
            _AUSTRIA,
            name="austria_plain",
            description="Austria: a Kaifa meter that does not encrypt",
            identification="KFM5SIM-METER-AT",
            authentication_key=None,
        ),
        Model(
            name="warmtelink",
            description="Warmtelink, Netherlands: district heating only, a CRC without leading zeros",
            identification="SIM-WARMTELINK",
            lines=WARMTELINK_LINES,
            slots=SlotLayout(60, WARMTELINK_SLOTS),
            period=10,
            mbus="heating",
            pads_crc=False,
        ),
        Model(
            name="sweden",
            description="Sweden: Kamstrup, no tariffs, standard time all year",
            identification="KAM5",
            lines=SWEDEN_LINES,
            region=region.SWEDEN,
            period=10,
        ),
        Model(
            name="hungary",
            description="Hungary: Sanxing for E.ON, four tariffs, reactive energy by quadrant",
            identification="SAG5SIM-METER",
            lines=HUNGARY_LINES,
            region=region.HUNGARY,
            period=10,
        ),
        Model(
            name="lithuania",
            description="Lithuania: ESO, four tariffs, an hour ahead",
            identification="ESO5\\SIM",
            lines=LITHUANIA_LINES,
            region=region.LITHUANIA,
            period=10,
        ),
    )
}


def find_model(name: str) -> Model:
    """Return a model by its name."""
    try:
        return MODELS[name]
    except KeyError:
        raise ValueError(f"there is no meter model {name!r}, only {', '.join(MODELS)}") from None
