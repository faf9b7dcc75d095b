"""A plot of growth: what more bridges take of a core, as SVG."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from .measures import Measures

type Points = Sequence[tuple[float, float]]

_WIDTH: Final = 640
_HEIGHT: Final = 360
_MARGIN: Final = 56
_COLOURS: Final = ("#0b6e99", "#c2571a", "#6b6b6b")


def growth(measures: Measures) -> dict[str, Points]:
    """Return for each contestant the number of bridges and the share of a core."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for key, measure in measures.items():
        if key.startswith("growth.share_"):
            for side in measure.samples:
                if (figure := measure.figure(side)) is not None:
                    lines.setdefault(side, []).append((float(key.rpartition("_")[2]), figure))
    return {side: sorted(points) for side, points in lines.items()}


def draw(lines: Mapping[str, Points], *, across: str, up: str) -> str:
    """Return lines through points with both axes from zero, as SVG. Raises ValueError where there is no point."""
    widest = max(x for points in lines.values() for x, _ in points) or 1
    highest = max(y for points in lines.values() for _, y in points) or 1

    def place(x: float, y: float) -> tuple[float, float]:
        inner_width, inner_height = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
        return round(_MARGIN + x / widest * inner_width, 1), round(_HEIGHT - _MARGIN - y / highest * inner_height, 1)

    def elements() -> Iterator[str]:
        left, bottom = place(0, 0)
        right, top = place(widest, highest)
        yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
        yield f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>'
        yield f'<text x="{(left + right) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>'
        yield f'<text x="{left}" y="{top - 16}">{escape(up)}</text>'
        for step in range(5):
            x, y = place(widest * step / 4, highest * step / 4)
            yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{widest * step / 4:g}</text>'
            yield f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{highest * step / 4:.3g}</text>'
        for number, (side, points) in enumerate(lines.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            places = [place(*point) for point in points]
            path = " ".join(f"{x},{y}" for x, y in places)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            yield from (f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places)
            yield f'<text x="{left + 16}" y="{top + 16 + 18 * number}" fill="{colour}">{escape(side)}</text>'

    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>\n' + "\n".join(elements()) + "\n</svg>\n"
