"""Pages in Markdown: the little that tables need."""

from collections.abc import Iterable, Sequence
from typing import Final

HEAD: Final = (
    "<!-- Written by scripts/tables from the catalog in custom_components/dsmr_p1/p1/catalog. Do not edit. -->"
)


def page(title: str, *parts: str) -> str:
    """Put a page together."""
    return "\n\n".join((HEAD, f"# {title}", *(part.strip("\n") for part in parts))) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table; columns are as wide as their widest text, so that the source can be read too. The last is not."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *lines, strict=True)]
    ruled = [list(heads), ["-" * width for width in (*widths[:-1], len(heads[-1]))], *lines]
    widths[-1] = 0
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in ruled
    )


def code(text: object) -> str:
    """Give a text as it stands in code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    """Give several of them."""
    return ", ".join(code(text) for text in texts)


def words(texts: Iterable[object]) -> str:
    """Give several words as a list in a sentence: `gas or water`."""
    *others, last = [str(text) for text in texts]
    return f"{', '.join(others)} or {last}" if others else last
