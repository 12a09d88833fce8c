"""What a judge means by a score: its place in the judge's own history.

A printed score stands for the normal deviates between its quantiles in that history; its value is their mean. So "7" means what that judge means by it,
and a judge that gives everything a 7 still orders by its rare 6 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HISTORY_MIN = 20  # below that a score is its distance from the middle of the scale
MIDDLE, SCALE = 5.5, 2.0  # of scores from 1 to 10, while there is no history
NORMAL = NormalDist()


@dataclass(frozen=True)
class ScoreRanks:
    """What each printed score of a judge stands for."""

    values: Mapping[float, float]
    count: int

    @classmethod
    def of(cls, history: Mapping[float, int]) -> ScoreRanks:
        """From how often the judge gave each score."""
        scores = sorted(history)
        counts = np.array([history[score] for score in scores], float)
        total = counts.sum() + 1.0
        below = (
            np.concatenate([[0.5], 0.5 + np.cumsum(counts)]) / total
        )  # half a score at each end that nobody gave yet
        edges = np.array([NORMAL.inv_cdf(float(share)) for share in below])
        density = np.exp(-(edges**2) / 2) / (2 * np.pi) ** 0.5
        means = (density[:-1] - density[1:]) / np.diff(below)
        return cls(
            {score: float(mean) for score, mean in zip(scores, means, strict=True)},
            int(counts.sum()),
        )

    def of_score(self, score: float) -> float:
        """The deviate that a score stands for; one that was never given lies between its neighbours, or beyond the last of them."""
        if self.count < HISTORY_MIN:
            return (score - MIDDLE) / SCALE
        known = sorted(self.values)
        if score in self.values:
            return self.values[score]
        if score < known[0]:
            return self.values[known[0]] - (known[0] - score) / SCALE
        if score > known[-1]:
            return self.values[known[-1]] + (score - known[-1]) / SCALE
        return float(np.interp(score, known, [self.values[one] for one in known]))
