"""A line chart as SVG: series with their bands, for reports and notes. No library of charts for one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 420, 60, 50, 40
COLOURS = ("#1f6feb", "#b35900", "#2da44e", "#8250df")
TICKS = 5


@dataclass(frozen=True)
class PlotSeries:
    """Values at 1, 2, 3 …, each with the ends of its interval."""

    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def line_chart(title: str, series: Mapping[str, PlotSeries], *, x: str, y: str) -> str:
    """The SVG document."""
    count = max(len(one.values) for one in series.values())
    top = max(max(one.high) for one in series.values()) * 1.05 or 1.0

    def place(at: int, value: float) -> str:
        across = LEFT + (WIDTH - LEFT - 20) * at / max(1, count - 1)
        return (
            f"{across:.1f},{HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * max(0.0, value) / top:.1f}"
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/><text x="{LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
    ]
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        height = float(place(0, value).split(",")[1])
        parts.append(
            f'<line x1="{LEFT}" y1="{height}" x2="{WIDTH - 20}" y2="{height}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="{LEFT - 8}" y="{height + 4}" text-anchor="end">{value:.0f}</text>')
    for number, (name, one) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        band = " ".join(
            [
                *(place(at, value) for at, value in enumerate(one.high)),
                *(place(at, one.low[at]) for at in reversed(range(len(one.low)))),
            ]
        )
        line = " ".join(place(at, value) for at, value in enumerate(one.values))
        parts.append(
            f'<polygon points="{band}" fill="{colour}" opacity="0.15"/><polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(
            f'<text x="{LEFT + 12 + 220 * number}" y="{TOP + 8}" fill="{colour}">{escape(name)}</text>'
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x)} (1 to {count})</text>'
    )
    parts.append(
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y)}</text></svg>'
    )
    return "\n".join(parts) + "\n"
