"""The lines of a telegram: turns each line into a COSEM object.

What a line may stand for follows from its reference; the catalog knows. Which of the possible objects it is follows
from the shape of its values.
"""

import re
from typing import Final

from .. import catalog
from ..catalog import ObjectType
from ..cosem.clock import Clock
from ..cosem.obis import Obis
from ..cosem.values import CosemValue
from .telegram import CosemObject

_CONTROL: Final = re.compile(r"[\x00-\x1F\x7F]")
_BETWEEN_VALUES: Final = re.compile(r"\)\s*\(")
_PADDING: Final = " \0"


def parse_line(line: str, clock: Clock) -> CosemObject | None:
    """Read one line, with the times of a place; None if it is no reference with values."""
    line = line.rstrip(_PADDING)
    head, parenthesis, raw = line.partition("(")
    if not parenthesis or line[-1] != ")" or line.count("(") != line.count(")") or has_control(line):
        return None
    try:
        obis = Obis.parse(head.rstrip())
    except ValueError:
        return None
    rows = possible_rows(obis)
    texts = _texts(raw)
    for row in rows:
        try:
            values = row.shape.decode(texts, clock)
        except ValueError:
            continue
        return CosemObject(obis, tuple(other for other in rows if other.shape is row.shape), row.shape, values)
    return CosemObject(obis, (), None, (CosemValue("", f"({raw}"),))


def possible_rows(obis: Obis) -> tuple[ObjectType, ...]:
    """Return the rows of the catalog that a reference may stand for, in the order in which they are tried."""
    return catalog.candidates(obis) or catalog.uncatalogued(obis)


def has_control(line: str) -> bool:
    """Whether a line has control characters: it was torn, or is noise."""
    return not line.isprintable() and _CONTROL.search(line) is not None


def _texts(raw: str) -> list[str]:
    """Return the texts between the parentheses; the first parenthesis is left out already."""
    texts = raw[:-1].split(")(") if ") " not in raw else _BETWEEN_VALUES.split(raw[:-1])
    if "(" in texts[0]:
        # `((ER11))`: the parentheses belong to the value for some meters, but never to its meaning.
        texts = [text.strip("()") for text in texts]
    return texts
