"""Whether a measured value grows: a robust slope with its interval.

Measurements a few seconds apart are not independent, and some are far off (a collection of garbage,
a snapshot). So the time is cut into blocks, each block counts with its median, and the slope is the
median of the slopes between all pairs of blocks (Theil 1950), with Sen's 95 % interval (Sen 1968).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import floor, sqrt

BLOCKS = 20
BLOCKS_MIN = 4  # with fewer the interval has no ends
Z_95 = 1.96
HOUR_S = 3600.0


@dataclass(frozen=True)
class Slope:
    """A change per hour, and its 95 % interval."""

    per_h: float
    low: float
    high: float


def slope_of(times_s: Sequence[float], values: Sequence[float]) -> Slope:
    """Return how much the values change per hour. Raise ValueError for too few of them."""
    points = _block_medians(times_s, values)
    count = len(points)
    if count < BLOCKS_MIN:
        raise ValueError(f"{len(values)} measurements are too few for a slope")
    slopes = sorted(
        HOUR_S * (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(points, 2)
    )
    # ranks of the ends: half the slopes, less and more the deviation of Kendall's statistic
    spread = Z_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    below = max(0, floor((len(slopes) - spread) / 2))
    return Slope(statistics.median(slopes), slopes[below], slopes[-1 - below])


def _block_medians(times_s: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    blocks = min(BLOCKS, len(values))
    edges = [len(values) * block // blocks for block in range(blocks + 1)] if blocks else [0]
    return [
        (statistics.median(times_s[start:end]), statistics.median(values[start:end]))
        for start, end in pairwise(edges)
    ]
