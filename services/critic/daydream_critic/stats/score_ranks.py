"""Translate a judge's scores into ranks in the judge's own history.

A score stands for the normal deviates between its quantiles in that history. Its value is their
mean. So "7" means what that judge means by it, and a judge that gives almost only sevens still
orders hypotheses by its rare sixes and eights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HISTORY_MIN = 20  # with fewer scores a score is its distance from the middle of the scale
MIDDLE, SCALE = 5.5, 2.0  # of scores from 1 to 10, while there is no history
NORMAL = NormalDist()


@dataclass(frozen=True)
class ScoreRanks:
    """The normal deviate that each score of a judge stands for, learned from `count` scores."""

    values: Mapping[float, float]
    count: int

    @classmethod
    def of(cls, history: Mapping[float, int]) -> ScoreRanks:
        """Learn from how often the judge gave each score."""
        scores = sorted(history)
        counts = np.array([history[score] for score in scores], float)
        total = counts.sum() + 1.0  # half a score at each end that was never given
        below = np.concatenate([[0.5], 0.5 + np.cumsum(counts)]) / total
        edges = np.array([NORMAL.inv_cdf(float(share)) for share in below])
        density = np.exp(-(edges**2) / 2) / (2 * np.pi) ** 0.5
        means = (density[:-1] - density[1:]) / np.diff(below)
        values = {score: float(mean) for score, mean in zip(scores, means, strict=True)}
        return cls(values, int(counts.sum()))

    def of_score(self, score: float) -> float:
        """Return the deviate of a score.

        A score that was never given lies between its neighbours, or beyond the outermost one.
        """
        if self.count < HISTORY_MIN:
            return (score - MIDDLE) / SCALE
        given = sorted(self.values)
        inside = min(max(score, given[0]), given[-1])
        deviates = [self.values[given_score] for given_score in given]
        return float(np.interp(inside, given, deviates)) + (score - inside) / SCALE
