"""Print a figure as one JSON line: value, interval, number of measurements, and machine."""

from __future__ import annotations

import json
import math
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


def ratio_of_sums(rows: Sequence[tuple[float, float]]) -> float:
    """Return the sum of the first numbers over that of the second ones: found over expected."""
    return sum(first for first, _ in rows) / max(1e-12, sum(second for _, second in rows))


def ratio_interval_figure(
    benchmark: str,
    name: str,
    values: Sequence[float],
    others: Sequence[float],
    unit: str,
    *,
    seed: int = 0,
    **context: str | float,
) -> None:
    """Print the mean of the values over that of the others, with its 95 % interval (bootstrap).

    Both are resampled apart. A ratio to nothing has no upper end: it is printed as null.
    """
    rng = random.Random(seed)
    resampled = sorted(
        _ratio(rng.choices(values, k=len(values)), rng.choices(others, k=len(others)))
        for _ in range(RESAMPLES)
    )
    ends = (_ratio(values, others), percentile(resampled, 0.025), percentile(resampled, 0.975))
    value, low, high = (None if math.isinf(end) else round(end, 6) for end in ends)
    line = {
        "benchmark": benchmark,
        "figure": name,
        "value": value,
        "unit": unit,
        "low": low,
        "high": high,
        "n": len(values) + len(others),
        "seed": seed,
        **MACHINE,
        "load": round(os.getloadavg()[0], 2),
        **context,
    }
    print(json.dumps(line), flush=True)


def _ratio(values: Sequence[float], others: Sequence[float]) -> float:
    other = statistics.fmean(others)
    return statistics.fmean(values) / other if other else math.inf
