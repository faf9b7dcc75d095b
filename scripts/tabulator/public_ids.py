"""The list of public ids: what other people's dashboards hang on. It only ever grows."""

from collections.abc import Iterable

from p1.catalog import CHANNELS, METER_TYPES


class LostIdError(Exception):
    """An id that was promised is in the catalog no longer."""


def with_new_ids(text: str) -> str:
    """Give the list after adding the ids that are new. Raises LostIdError where one is gone."""
    known = text.splitlines()
    meters = _grown(known, "meter", (row.id for row in METER_TYPES))
    channels = sorted(_grown(known, "channel", CHANNELS))
    return "".join(f"{line}\n" for line in (*meters, *channels))


def _grown(known: Iterable[str], kind: str, ids: Iterable[str]) -> list[str]:
    old = [line for line in known if line.startswith(f"{kind} ")]
    now = [f"{kind} {public_id}" for public_id in ids]
    if lost := [line for line in old if line not in now]:
        raise LostIdError(", ".join(lost))
    return [*old, *(line for line in now if line not in old)]
