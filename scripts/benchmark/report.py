"""The figures as tables, as JSON, and in the page that keeps them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .measures import BEFORE, OURS, Measure, Measures, Ratio
from .targets import TARGETS

BEGIN: Final = "<!-- figures: written by scripts/bench --page -->"
END: Final = "<!-- end of figures -->"


def number(value: float | None) -> str:
    """Return a figure with three digits that count."""
    if value is None:
        return "-"
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    spread = "" if ratio.low == ratio.high else f" ({number(ratio.low)} to {number(ratio.high)})"
    return number(ratio.median) + spread


def table_of_measures(measures: Measures) -> list[list[str]]:
    """Return a row for each measure: figures, and ratios with their quartiles."""
    has_before = any(BEFORE in measure.samples for measure in measures.values())
    rows = [["measure", "unit", "ours", "peer", "beside peer", *(["before", "beside before"] if has_before else [])]]
    rows += [_row(measure, has_before=has_before) for measure in measures.values()]
    return rows


def _row(measure: Measure, *, has_before: bool) -> list[str]:
    peer = f"{number(measure.figure(measure.peer))} ({measure.peer})" if measure.peer else "-"
    times = " times faster" if measure.as_speed else ""
    beside = [(_ratio(found) + times if (found := measure.beside(side)) else "-") for side in (measure.peer, BEFORE)]
    before = [number(measure.figure(BEFORE)), beside[1]] if has_before else []
    return [measure.title, measure.unit, number(measure.figure(OURS)), peer, beside[0], *before]


def table_of_targets(measures: Measures) -> list[list[str]]:
    """Return a row for each bound: what was reached, and whether that is enough."""
    rows = [["target", "reached", "at least", "met"]]
    for target in TARGETS:
        value = target.value(measures)
        met = "not measured" if value is None else "yes" if target.is_met(value) else "no"
        rows.append([target.title, number(value), f"{'≥' if target.is_least else '≤'} {number(target.bound)}", met])
    return rows


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Return a table for the terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table for a page."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:]])


def as_json(measures: Measures, machine: dict[str, str]) -> dict[str, Any]:
    """Return everything, for other programs."""
    return {
        "machine": machine,
        "measures": {key: measure.as_json() for key, measure in measures.items()},
        "targets": [
            {
                "measure": target.key,
                "title": target.title,
                "reached": value,
                "bound": target.bound,
                "is_least": target.is_least,
                "met": None if value is None else target.is_met(value),
            }
            for target in TARGETS
            for value in (target.value(measures),)
        ],
    }


def write_page(page: Path, measures: Measures, machine: dict[str, str]) -> None:
    """Replace the figures of a page. Raises ValueError where it has no place for them."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} has no place for figures")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    about = "Measured with " + ", ".join(f"{name} {value}" for name, value in machine.items()) + "."
    parts = [about, as_markdown(table_of_targets(measures)), as_markdown(table_of_measures(measures))]
    page.write_text(f"{head}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{tail}")
