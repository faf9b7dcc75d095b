"""The example dashboard of the documentation: those of its sections for which a house has the entities."""

from collections.abc import Iterator
import json
import re
from typing import Any, Final

from homeassistant.util.yaml import load_yaml_dict

from .home import DOMAIN, ROOT

EXAMPLE: Final = ROOT / "docs" / "dashboard.yaml"


def sections_for(known: set[str], entry_id: str) -> list[dict[str, Any]]:
    """Return the sections with the ids that a house has, of its entities and of its statistics."""
    [view] = load_yaml_dict(str(EXAMPLE))["views"]
    found = []
    for section in view["sections"]:
        own = {wanted: _own(wanted, known, entry_id) for wanted in entities_of(section)}
        if None not in own.values():
            text = json.dumps(section)
            for wanted, entity_id in own.items():
                text = text.replace(json.dumps(wanted), json.dumps(entity_id))
            found.append(json.loads(text))
    return found


def _own(wanted: str, known: set[str], entry_id: str) -> str | None:
    """Return the id of the same thing in a house that is not the first one: it has a number, or the id of its entry."""
    wanted = re.sub(f"^{DOMAIN}:[^_]+", f"{DOMAIN}:{entry_id.lower()}", wanted)
    pattern = re.compile(rf"{re.escape(wanted)}(_\d+)?")
    return next((entity_id for entity_id in sorted(known) if pattern.fullmatch(entity_id)), None)


def entities_of(node: object) -> Iterator[str]:
    """Yield the entities of all cards in a part of a dashboard."""
    if isinstance(node, list):
        for part in node:
            yield from entities_of(part)
    elif isinstance(node, dict):
        if isinstance(entity := node.get("entity"), str):
            yield entity
        for part in node.values():
            yield from entities_of(part)
