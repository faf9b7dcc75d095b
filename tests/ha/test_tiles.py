"""Names where there is little room: no two tiles of a device read alike on a phone, in any language, parts included."""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
from typing import Final

import pytest

from custom_components.dsmr_p1.entity.descriptions import describe
from custom_components.dsmr_p1.p1 import DERIVED_CHANNELS, ChannelType, MeterKind, Role
from custom_components.dsmr_p1.p1.catalog import METER_OBJECTS, METER_TYPES, PORT_OBJECTS
from custom_components.dsmr_p1.parts import PARTS
from custom_components.dsmr_p1.storage.store import KnownMeter

TRANSLATIONS = Path(__file__).parent.parent.parent / "custom_components/dsmr_p1/translations"
LANGUAGES: Final = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))["entity"] for path in sorted(TRANSLATIONS.glob("*.json"))
}
ELLIPSIS: Final = "…"
ROOM: Final = 7.55
"""What a tile has of a phone 390 pixels, in heights of its letters: 14 pixels, and "Energy import t…" just fits."""
# The widths of Roboto Medium, in hundredths of the height of the letters, rounded to five.
WIDTHS: Final[Mapping[str, int]] = {
    letter: width
    for width, letters in {
        20: "'\u2019",
        25: " ilj",
        30: "I-",
        35: "()frt",
        50: "cksvxzy",
        55: "0123456789qEÉËFLaàäbpdeèéëghnuûüoôö",
        60: "RSTZ",
        65: "ABCDKPUÜV",
        70: "GHNOQ…",
        75: "w",
        85: "m",
        90: "MW",
    }.items()
    for letter in letters
}
EVENTS: Final = {
    Role.PORT: ("message",),
    Role.MAIN: ("power_failure", "voltage_disturbance", "tariff_change"),
    Role.MBUS: (),
}


def width(text: str) -> float:
    return sum(WIDTHS[letter] for letter in text) / 100


def seen(name: str) -> str:
    """Give what a tile shows of a name."""
    if width(name) <= ROOM:
        return name
    while width(name + ELLIPSIS) > ROOM:
        name = name[:-1]
    return name.rstrip() + ELLIPSIS


def meters() -> Iterator[tuple[str, KnownMeter]]:
    """Give a meter of each type with all that it may send, and one of each kind with all that there is."""
    objects = {row.id: [row.channel, *row.parts] for row in (*PORT_OBJECTS, *METER_OBJECTS)}
    derived = list(DERIVED_CHANNELS)
    for row in METER_TYPES:
        channels = [channel for name in sorted(row.required | row.optional) for channel in objects[name]]
        yield from tariffs(row.id, row.role, min(row.kinds), channels + derived * (row.role is Role.MAIN))
    for kind in MeterKind:
        role = Role.PORT if kind is MeterKind.DEVICE else Role.MAIN if kind is MeterKind.ELECTRICITY else Role.MBUS
        rows = PORT_OBJECTS if role is Role.PORT else [row for row in METER_OBJECTS if kind in row.kinds]
        channels = [channel for row in rows for channel in objects[row.id]]
        yield from tariffs(kind.value, role, kind, channels + derived * (role is Role.MAIN))


def tariffs(name: str, role: Role, kind: MeterKind, channels: list[ChannelType]) -> Iterator[tuple[str, KnownMeter]]:
    units = {channel.id.replace("[x]", "0"): channel.unit for channel in channels}
    for low in (None, 1, 2):
        yield (
            f"{name}-{low}",
            KnownMeter(slot="x", role=role, kind=kind, type_id=name, mbus_channel=0, low_tariff=low, channels=units),
        )


METERS: Final = dict(meters())


def tiles(meter: KnownMeter, language: str) -> list[str]:
    """Give the names of the entities that are there without being asked for, each once."""
    texts = LANGUAGES[language]
    names = {texts["event"][event]["name"] for event in EVENTS[meter.role]}
    if meter.role is Role.MAIN:
        names.update(names_of_parts(language))
    for channel_id in meter.channels:
        description = describe(meter, channel_id)
        if description.entity_registry_enabled_default and description.translation_key is not None:
            placeholders = description.translation_placeholders or {}
            names.add(texts["sensor"][description.translation_key]["name"].format(**placeholders))
    return sorted(names)


def names_of_parts(language: str) -> Iterator[str]:
    """Give the names of what the parts show on the device of the main meter, where all of them are on."""
    for entities in LANGUAGES[language].values():
        for key, entity in entities.items():
            if key.startswith(tuple(f"{part.key}_" for part in PARTS)):
                for phase in ("L1", "L2", "L3"):
                    yield entity["name"].format(phase=phase)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_tiles_read_alike(language: str) -> None:
    alike = {}
    for name, meter in METERS.items():
        names = tiles(meter, language)
        cut = [seen(text) for text in names]
        if len(set(cut)) < len(cut):
            alike[name] = [text for text in names if cut.count(seen(text)) > 1]
    assert alike == {}


def test_the_measure() -> None:
    # As a browser cuts them, and one that it does not cut.
    assert seen("Energy import tariff 1 (low)") == "Energy import t…"
    assert seen("Power import L1") == "Power import L1"
    assert {"Net power", "Tariff 1 import (low)", "Power import L3"} <= set(tiles(METERS["electricity_v5_0-1"], "en"))
