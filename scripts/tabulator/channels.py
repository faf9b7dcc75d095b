"""The page of the channels: every value that a meter may have in Home Assistant."""

from collections.abc import Iterator, Mapping
from typing import Final

from p1.catalog import CHANNEL_IDS, CHANNELS, METER_OBJECTS, PORT_OBJECTS, ChannelType, Level

from .markdown import code, codes, page, table

_INTRODUCTION: Final = """
A channel is a value of a meter, and a sensor in Home Assistant. Its id never changes. Most are called as the object
that they are read from, old words and misspellings included; an object that has a time with its value has a second
channel, `…_timestamp`. `[x]` stands for the number of a list entry, from 0; `n` in a reference for the channel of the
M-Bus.

The unit is the one that is shown; a meter may send another of the same dimension (`Wh`, `MJ`), which is converted
exactly. Of *power* alone, an entity without a past shows kW as W. A register without a unit here has the one that
its meter sends. *Shown* lists which sensors are there without being asked for; the others can be enabled, and
*diagnostic* ones stand apart on the page of their device.
"""

_HISTORY: Final = """
Where a meter sends an object many times, each time with another time (ACE4000) or another text, the older or further
values are in `scripts/inspect` as `<id>_history0` and on, and have no sensors.
"""

_UNCATALOGUED: Final = """
A number with a unit under a reference that is not in this table is a channel too: `obis_1_0_1_9_77` for `1-0:1.9.77`,
and `obis_0_n_24_9_1` on whatever channel of the M-Bus its meter stands. It is named by its reference, has the unit that
is sent, and is there on request. When the table learns the reference, the sensor becomes that of the table.

Of a load profile, `Load profile 1.2.0` is the value of column 2 in entry 0 of the first buffer.
"""

_MEANINGS: Final = """
Meters call the same thing differently. Where a meter is replaced or upgraded, the sensor of a channel becomes that of
the one with the same meaning, and keeps its name, its history and its place in the energy dashboard.
"""

_SHOWN: Final = {
    Level.MAIN: "yes",
    Level.PHASE: "with three phases",
    Level.OPTIONAL: "on request",
    Level.DIAGNOSTIC: "yes, diagnostic",
    Level.RARE: "on request, diagnostic",
}


def channels_page(names: Mapping[str, Mapping[str, str]]) -> str:
    """Write the page. `names` are the translations of the sensors' names."""
    references = _references()
    return page(
        "Channels",
        _INTRODUCTION,
        table(
            ("Channel", "Reference", "Quantity", "Unit", "Name", "Shown"),
            (
                (
                    code(channel.id),
                    codes(references[channel.id]) or "from other channels",
                    channel.quantity.replace("_", " "),
                    channel.unit or "",
                    _name(channel, names),
                    _SHOWN[channel.level],
                )
                for channel in CHANNELS.values()
            ),
        ),
        _HISTORY,
        "## Channels without a row",
        _UNCATALOGUED,
        "## Channels that continue each other",
        _MEANINGS,
        table(("Meaning", "Channels"), ((meaning, codes(ids)) for meaning, ids in _meanings())),
    )


def _name(channel: ChannelType, names: Mapping[str, Mapping[str, str]]) -> str:
    return names[channel.name]["name"].replace("{index}", channel.index)


def _references() -> dict[str, list[str]]:
    """Give the references under which each channel is sent."""
    references: dict[str, list[str]] = {channel.id: [] for channel in CHANNELS.values()}
    for row in (*PORT_OBJECTS, *METER_OBJECTS):
        for channel in dict.fromkeys((row.channel, *row.parts)):
            references[channel.id].append(row.reference)
            for (name, _, _), renamed in CHANNEL_IDS.items():
                found = references.get(renamed, references.get(f"{renamed}[x]"))
                # What is called otherwise is so in a meter on the M-Bus.
                reference = row.reference.replace("0-0:", "0-n:")
                if name == channel.id and found is not None and reference not in found:
                    found.append(reference)
    return references


def _meanings() -> Iterator[tuple[str, list[str]]]:
    meanings: dict[str, list[str]] = {}
    for channel in CHANNELS.values():
        meanings.setdefault(channel.meaning, []).append(channel.id)
    for meaning, ids in meanings.items():
        if len(ids) > 1:
            yield meaning.replace("_", " ").replace("/", " ").strip(), ids
