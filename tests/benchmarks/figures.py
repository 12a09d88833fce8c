"""One figure, one JSON line: value with its interval, how often it was measured, on which machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence


def figure(benchmark: str, name: str, values: Sequence[float], unit: str, *, seed: int | None = None, **more: str | float) -> None:
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
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        **more,
    }
    print(json.dumps(line), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
