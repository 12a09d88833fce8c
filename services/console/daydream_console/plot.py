"""Draw a line chart as SVG: series with their bands.

Drawn by hand: it is one chart. altair needs vl-convert for SVG, and matplotlib NumPy and more (50
MB or more each).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, BOTTOM, TOP = 60, 20, 50, 40
COLOURS = ("#1f6feb", "#b35900", "#2da44e", "#8250df")
TICKS = 5
HEADROOM = 1.05  # the axis ends above the highest value
LEGEND_WIDTH = 220


@dataclass(frozen=True)
class PlotSeries:
    """Values at 1, 2, 3 …, each with the ends of its interval."""

    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class _Scale:
    """Map (index of a value, value) to a position in the picture."""

    count: int
    top: float

    def x(self, index: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * index / max(1, self.count - 1)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * max(0.0, value) / self.top

    def point(self, index: int, value: float) -> str:
        return f"{self.x(index):.1f},{self.y(value):.1f}"


def line_chart(title: str, series: Mapping[str, PlotSeries], *, x: str, y: str) -> str:
    """Return the SVG document. `x` and `y` are the labels of the axes."""
    scale = _Scale(
        count=max(len(line.values) for line in series.values()),
        top=max(max(line.high) for line in series.values()) * HEADROOM or 1.0,
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
        *_ticks(scale),
    ]
    for number, (name, line) in enumerate(series.items()):
        parts += _series(number, name, line, scale)
    middle = (LEFT + WIDTH) / 2
    parts += [
        f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">'
        f"{escape(x)} (1 to {scale.count})</text>",
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y)}</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _ticks(scale: _Scale) -> Iterator[str]:
    for tick in range(TICKS + 1):
        value = scale.top * tick / TICKS
        y = round(scale.y(value), 1)
        yield f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value:.0f}</text>'


def _series(number: int, name: str, line: PlotSeries, scale: _Scale) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    upper = [scale.point(index, value) for index, value in enumerate(line.high)]
    lower = [scale.point(index, value) for index, value in enumerate(line.low)]
    values = " ".join(scale.point(index, value) for index, value in enumerate(line.values))
    band = " ".join([*upper, *reversed(lower)])
    yield f'<polygon points="{band}" fill="{colour}" opacity="0.15"/>'
    yield f'<polyline points="{values}" fill="none" stroke="{colour}" stroke-width="2"/>'
    legend_x = LEFT + 12 + LEGEND_WIDTH * number
    yield f'<text x="{legend_x}" y="{TOP + 8}" fill="{colour}">{escape(name)}</text>'
