"""One figure, one JSON line: value with its interval, how often it was measured, on which machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence

MACHINE = {
    "cores": os.cpu_count(),
    "machine": platform.machine(),
    "python": platform.python_version(),
}


def figure(
    benchmark: str,
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    seed: int | None = None,
    **more: str | float,
) -> None:
    """Print the median of repeated measurements, with the lowest and the highest."""
    line = {
        "benchmark": benchmark,
        "figure": name,
        "value": round(statistics.median(values), 6),
        "unit": unit,
        "low": round(min(values), 6),
        "high": round(max(values), 6),
        "n": len(values),
        "seed": seed,
        **MACHINE,
        **more,
    }
    print(json.dumps(line), flush=True)


def mean_figure(
    benchmark: str, name: str, values: Sequence[float], unit: str, **more: str | float
) -> None:
    """Print the mean over seeds 0, 1, 2, … (unless `seeds` says which), its 95 % interval (normal) as low and high, and the single values' spread."""
    mean = statistics.fmean(values)
    error = (
        1.96 * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("inf")
    )
    line = {
        "benchmark": benchmark,
        "figure": name,
        "value": round(mean, 6),
        "unit": unit,
        "low": round(mean - error, 6),
        "high": round(mean + error, 6),
        "least": round(min(values), 6),
        "most": round(max(values), 6),
        "n": len(values),
        "seeds": f"0 to {len(values) - 1}",
        **MACHINE,
        **more,
    }
    print(json.dumps(line), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
