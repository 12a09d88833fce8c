"""Print a figure as one JSON line: value, interval, number of measurements, and machine."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

MACHINE = {
    "cores": os.cpu_count(),
    "machine": platform.machine(),
    "python": platform.python_version(),
}

RESAMPLES = 1000
ItemT = TypeVar("ItemT")


def figure(
    benchmark: str,
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    seed: int | None = None,
    **context: str | float,
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
        "load": round(os.getloadavg()[0], 2),
        **context,
    }
    print(json.dumps(line), flush=True)


def mean_figure(
    benchmark: str, name: str, values: Sequence[float], unit: str, **context: str | float
) -> None:
    """Print the mean over seeds, its 95 % interval (normal) as low and high, and the range of the
    values.

    Seeds are 0, 1, 2, … unless `seeds` is given.
    """
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
        "min": round(min(values), 6),
        "max": round(max(values), 6),
        "n": len(values),
        "seeds": f"0 to {len(values) - 1}",
        **MACHINE,
        "load": round(os.getloadavg()[0], 2),
        **context,
    }
    print(json.dumps(line), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interval_figure(
    benchmark: str,
    name: str,
    values: Sequence[ItemT],
    statistic: Callable[[Sequence[ItemT]], float],
    unit: str,
    *,
    seed: int = 0,
    **context: str | float,
) -> None:
    """Print a statistic of measurements, and its 95 % interval (bootstrap) as low and high."""
    rng = random.Random(seed)
    resampled = sorted(statistic(rng.choices(values, k=len(values))) for _ in range(RESAMPLES))
    line = {
        "benchmark": benchmark,
        "figure": name,
        "value": round(statistic(values), 6),
        "unit": unit,
        "low": round(percentile(resampled, 0.025), 6),
        "high": round(percentile(resampled, 0.975), 6),
        "n": len(values),
        "seed": seed,
        **MACHINE,
        "load": round(os.getloadavg()[0], 2),
        **context,
    }
    print(json.dumps(line), flush=True)
