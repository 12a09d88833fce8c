"""Many judges, one number: each judge's printed score as a rank in its own history, and the ranks weighed by what each judge knows.

1. A printed score stands for the normal deviates between its quantiles in the judge's own history; its value is their mean. So "7" means what that judge
   means by it, and a judge that gives everything a 7 still orders by its rare 6 and 8.
2. With R the correlations of the judges' values over hypotheses that all of them judged, and c what each knows of the truth, the best weights are
   R⁻¹c (the regression of the truth on the judges). c is first what the judges have in common: the loadings of one factor (principal axis; Spearman,
   1904), under which a judge of noise has 0. Labelled hypotheses correct it, as far as their number allows.
R is shrunk towards no correlation as its number of hypotheses demands, so that weights never hang on noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HISTORY_MIN = 20  # below that a score is its distance from the middle of the scale
AXIS_STEPS = 100
LABEL_TRUST = 0.05  # prior standard deviation of what labels may change in a judge's c
RIDGE = 20.0  # hypotheses' worth of no correlation that R is mixed with
NORMAL = NormalDist()


@dataclass(frozen=True)
class Ranks:
    """What each printed score of a judge stands for, from its own history."""

    values: Mapping[float, float]
    count: int

    @classmethod
    def of(cls, history: Sequence[float]) -> Ranks:
        """From the scores that the judge gave."""
        scores, counts = np.unique(np.array(history, float), return_counts=True)
        total = counts.sum() + 1.0
        below = np.concatenate([[0.5], 0.5 + np.cumsum(counts)]) / total  # half a score at each end that nobody gave yet
        edges = np.array([NORMAL.inv_cdf(float(share)) for share in below])
        density = np.exp(-(edges**2) / 2) / (2 * np.pi) ** 0.5
        means = (density[:-1] - density[1:]) / np.diff(below)
        return cls({float(score): float(mean) for score, mean in zip(scores, means, strict=True)}, int(counts.sum()))

    def of_score(self, score: float, *, middle: float = 5.5, scale: float = 2.0) -> float:
        """The deviate that a score stands for; one that was never given lies between its neighbours, or beyond the last of them."""
        if self.count < HISTORY_MIN:
            return (score - middle) / scale
        known = sorted(self.values)
        if score in self.values:
            return self.values[score]
        if score < known[0]:
            return self.values[known[0]] - (known[0] - score) / scale
        if score > known[-1]:
            return self.values[known[-1]] + (score - known[-1]) / scale
        return float(np.interp(score, known, [self.values[one] for one in known]))


@dataclass(frozen=True)
class Panel:
    """The weights of judges, shape (judges,), and what they rest on."""

    weights: Array
    correlations: Array
    knowledge: Array

    def score(self, values: Array) -> Array:
        """One number for each row of deviates, shape (n, judges); NaN for a judge that gave none, whose weight the others take over."""
        given = ~np.isnan(values)
        weights = np.where(given, self.weights, 0.0)
        total = np.abs(weights).sum(axis=1)
        found: Array = np.where(total > 0, (np.nan_to_num(values) * weights).sum(axis=1) / np.maximum(total, 1e-12), 0.0)
        return found


def panel_of(values: Array, labelled: Array | None = None, truth: NDArray[np.bool_] | None = None) -> Panel:
    """From deviates over hypotheses that all judges scored, shape (n, judges), and of labelled ones with their truth."""
    count, judges = values.shape
    if judges == 1 or count < HISTORY_MIN:
        return Panel(np.ones(judges) / judges, np.eye(judges), np.full(judges, 0.5))
    correlations = np.corrcoef(values.T)
    correlations = (count * correlations + RIDGE * np.eye(judges)) / (count + RIDGE)
    knowledge = _loadings(correlations)
    if labelled is not None and truth is not None and truth.any() and not truth.all():
        knowledge = _corrected(knowledge, labelled, truth)
    weights = np.linalg.solve(correlations, knowledge)
    return Panel(weights / max(1e-12, float(np.abs(weights).sum())), correlations, knowledge)


def _loadings(correlations: Array) -> Array:
    """Of one common factor: the diagonal is what each judge shares with the others, found by iteration. Never below 0: no judge is believed to know the
    opposite."""
    judges = len(correlations)
    if judges == 2:
        return np.full(2, max(0.05, float(correlations[0, 1])) ** 0.5)
    reduced = correlations.copy()
    shared = np.clip(np.max(np.abs(correlations - np.eye(judges)), axis=1), 0.05, 0.98)
    for _ in range(AXIS_STEPS):
        np.fill_diagonal(reduced, shared)
        sizes, vectors = np.linalg.eigh(reduced)
        axis = vectors[:, -1] * max(sizes[-1], 1e-9) ** 0.5
        axis = axis * np.sign(axis.sum() or 1.0)
        new = np.clip(axis**2, 0.0, 0.98)
        if np.abs(new - shared).max() < 1e-6:
            break
        shared = new
    found: Array = np.clip(axis, 0.0, None)
    return found


def _corrected(knowledge: Array, labelled: Array, truth: NDArray[np.bool_]) -> Array:
    """What labels say of each judge (its correlation with the truth), as far as they are sure of it."""
    seen = np.array([np.corrcoef(values, truth)[0, 1] if values.std() > 0 else 0.0 for values in labelled.T])
    error = len(truth) ** -0.5
    scale = float(knowledge @ seen) / max(1e-12, float(knowledge @ knowledge))
    if scale <= 0:
        return knowledge
    share = LABEL_TRUST**2 / (LABEL_TRUST**2 + (error / scale) ** 2)
    found: Array = np.clip(knowledge + share * (seen / scale - knowledge), 0.0, None)
    return found
