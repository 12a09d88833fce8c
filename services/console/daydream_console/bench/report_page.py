"""The result as one HTML file with its plots inside: no script, no font, no other file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from daydream_console.bench.outcome import ArmOutcome, BenchOutcome
from daydream_console.bench.record import BenchRecord
from daydream_console.bench.statistics import RATIO_MAX, BenchInterval
from daydream_console.bench.wording import (
    COLUMNS,
    cells,
    headline,
    notes,
    number,
    reproduction,
    with_interval,
)

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c2128; background: #fff }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { padding: .4rem .6rem; border-bottom: 1px solid #d0d7de; text-align: left;
  vertical-align: top }
.headline { font-size: 1.25rem; font-weight: 600 }
figure { margin: 1.5rem 0; overflow-x: auto }
svg { max-width: 100%; height: auto }
.soft { color: #57606a }
"""
LABEL_WIDTH, PLOT_WIDTH, TEXT_WIDTH = 150, 480, 190
ROW_HEIGHT, TOP = 34, 34
MARGIN_SHARE = 0.05
BAR = "#1f6feb"
Measure = Callable[[ArmOutcome], BenchInterval | None]


def report_page(outcome: BenchOutcome, record: BenchRecord) -> str:
    """Return the HTML document."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells(arm)) + "</tr>"
        for arm in outcome.arms
    )
    details = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, text in reproduction(record)
    )
    remarks = "".join(f"<li>{escape(line)}</li>" for line in notes(outcome, record))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Benchmark of {escape(record.model)}</title><style>{STYLE}</style></head><body>"
        f"<h1>Benchmark of {escape(record.model)}</h1>"
        f'<p class="headline">{escape(headline(outcome, record))}</p>'
        f"<div style='overflow-x:auto'><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div><ul>{remarks}</ul>"
        f"{_plots(outcome.arms)}"
        f"<h2>To run it again</h2><table>{details}</table></body></html>"
    )


def _plots(arms: Sequence[ArmOutcome]) -> str:
    measures: Sequence[tuple[str, Measure]] = (
        ("Good insights per dollar", lambda arm: arm.good_per_usd),
        ("Good insights per dollar, compared with the plain loop", _known_ratio),
        (
            "Share of what is shown that is good",
            lambda arm: arm.precision if arm.promoted else None,
        ),
    )
    return "".join(
        f"<figure>{_interval_plot(title, arms, measure)}</figure>"
        for title, measure in measures
        if any(measure(arm) for arm in arms)
    )


def _known_ratio(arm: ArmOutcome) -> BenchInterval | None:
    """Return the ratio to the plain loop, or None if it may be anything."""
    ratio = arm.ratio
    return None if ratio is None or (not ratio.low and ratio.high >= RATIO_MAX) else ratio


def _interval_plot(title: str, arms: Sequence[ArmOutcome], measure: Measure) -> str:
    """Return an SVG with a dot and its interval for each arm. An interval may leave the picture.

    Without an upper end there is no dot: its value would say as little as the end.
    """
    rows = [(arm.arm, interval) for arm in arms if (interval := measure(arm)) is not None]
    top = _axis_end([interval for _, interval in rows])
    width, height = LABEL_WIDTH + PLOT_WIDTH + TEXT_WIDTH, TOP + ROW_HEIGHT * len(rows) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="13">',
        f'<text x="0" y="18" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for place, (name, interval) in enumerate(rows):
        parts += _row(name, interval, top, TOP + ROW_HEIGHT * (place + 0.5))
    parts += _axis(top, height - 20)
    return "".join((*parts, "</svg>"))


def _axis_end(intervals: Sequence[BenchInterval]) -> float:
    """Return where the axis ends: at the highest end, unless that is far beyond all values."""
    values = max(interval.value for interval in intervals)
    highest = max(interval.high for interval in intervals)
    return min(highest, 4 * values if values else highest) * (1 + MARGIN_SHARE) or 1.0


def _row(name: str, interval: BenchInterval, top: float, y: float) -> list[str]:
    low, value, high = (_x(number, top) for number in (interval.low, interval.value, interval.high))
    dot = f'<circle cx="{value:.1f}" cy="{y:.0f}" r="6" fill="{BAR}"/>'
    return [
        f'<text x="0" y="{y + 5:.0f}">{escape(name)}</text>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.0f}" y2="{y:.0f}" stroke="{BAR}" '
        'stroke-width="3" stroke-opacity="0.5"/>',
        dot if interval.high < RATIO_MAX else "",
        f'<text x="{LABEL_WIDTH + PLOT_WIDTH + 12}" y="{y + 5:.0f}">'
        f"{escape(_interval_text(interval))}</text>",
    ]


def _interval_text(interval: BenchInterval) -> str:
    if interval.high < RATIO_MAX:
        return with_interval(interval)
    return f"{number(interval.low)} or more"


def _axis(top: float, y: float) -> list[str]:
    step = 10 ** math.floor(math.log10(top))
    while top / step < 3:
        step /= 2
    marks = [index * step for index in range(int(top / step) + 1)]
    parts = [
        f'<line x1="{LABEL_WIDTH}" x2="{LABEL_WIDTH + PLOT_WIDTH}" y1="{y}" y2="{y}" '
        'stroke="#8c959f"/>'
    ]
    for mark in marks:
        parts.append(
            f'<text x="{_x(mark, top):.1f}" y="{y + 16}" text-anchor="middle" fill="#57606a">'
            f"{number(mark)}</text>"
        )
    return parts


def _x(value: float, top: float) -> float:
    return LABEL_WIDTH + PLOT_WIDTH * min(1.0, value / top)
