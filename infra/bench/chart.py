"""Charts as SVG, written by hand: nothing to install, and a diff shows what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from xml.sax.saxutils import escape

_INKS = ("#1b6ca8", "#c8553d", "#588157", "#8e6c8a")
_ROW, _LEFT, _WIDTH = 18, 190, 520


def bars(title: str, values: Sequence[tuple[str, float, float]], unit: str) -> str:
    """Horizontal bars of (name, value, limit); those beyond their limit (0: none) stand out."""
    most = max(max(value, limit) for _, value, limit in values)
    parts = [_text(8, 18, title, size=14)]
    for row, (name, value, limit) in enumerate(values):
        top = 30 + row * _ROW
        length = value / most * _WIDTH
        ink = _INKS[1] if limit and value > limit + 0.005 else _INKS[0]
        parts += [
            _text(_LEFT - 6, top + 12, name, anchor="end"),
            f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_ROW - 5}" fill="{ink}"/>',
            _text(_LEFT + length + 4, top + 12, f"{value:.2f} {unit}".strip()),
        ]
        if limit:
            x = _LEFT + limit / most * _WIDTH
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 2}" y2="{top + _ROW - 4}" '
                'stroke="#333" stroke-dasharray="3 2"/>'
            )
    return _svg(parts, 40 + len(values) * _ROW)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], unit: str) -> str:
    """Curves of (size, value) over a logarithmic axis of sizes."""
    sizes = sorted({size for points in series.values() for size, _ in points})
    most = max(value for points in series.values() for _, value in points) or 1.0
    low, span = log10(sizes[0]), (log10(sizes[-1]) - log10(sizes[0])) or 1.0
    height = 220

    def place(size: float, value: float) -> tuple[float, float]:
        return 60 + (log10(size) - low) / span * _WIDTH, 30 + (1 - value / most) * height

    parts = [_text(8, 18, title, size=14), _text(4, 36, f"{most:.1f} {unit}")]
    parts += [_text(place(size, 0)[0], 46 + height, f"{size:,.0f}") for size in sizes]
    for number, (name, points) in enumerate(series.items()):
        ink = _INKS[number % len(_INKS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2"/>')
        parts.append(_text(70 + _WIDTH, place(*points[-1])[1] + 4, name, ink=ink))
    return _svg(parts, 60 + height)


def _text(
    x: float, y: float, text: str, *, size: int = 11, anchor: str = "start", ink: str = "#222"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{ink}" '
        f'font-family="sans-serif">{escape(text)}</text>'
    )


def _svg(parts: Sequence[str], height: int) -> str:
    width = _LEFT + _WIDTH + 90
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])
