"""Turn the scores of several judges into the log-odds that a hypothesis is a hit.

A judge's value of a hypothesis is the mean deviate (`score_ranks`) of its calls. Over misses the
value has a mean and a standard deviation. Over hits it is higher by the judge's separation (d′, in
these standard deviations). Errors of two judges correlate. Two calls of one judge share an error
with correlation `repeats`. So the values after k calls have the correlations S, with repeats + (1 −
repeats) ÷ k on the diagonal, and for separations d

    log-odds = prior + d·S⁻¹·(values − ½ d)          (Fisher's linear discriminant, 1936)

for any set of judges and any number of calls. The deflection d·S⁻¹·d is the distance between hits
and misses.

d and S come from labelled hypotheses, shrunk according to their number. Without labels, d is what
the judges have in common: the loadings of one factor (principal axis; Spearman, 1904), which are 0
for a judge of noise. The size of d is then a guess, which does not change the order of hypotheses.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daydream_critic.stats.score_ranks import HISTORY_MIN

Array = NDArray[np.float64]
Calls = tuple[int, ...]  # number of calls of each judge

AXIS_STEPS = 100
LABEL_TRUST = 0.05  # prior standard deviation of what labels may change in a judge's loading
RIDGE = 20.0  # hypotheses' worth of no correlation that the correlations are mixed with
LABELS_MIN = 20  # of each kind, from which separations are measured
SEPARATION = 1.5  # d′ of a judge with a loading of 1, until labels exist
JUDGES_DIFFER = 0.25  # prior standard deviation of the separations within a panel
REPEATS = 0.65  # until second calls exist
REPEATS_BOUNDS = (0.3, 0.95)


@dataclass(frozen=True)
class AggregationWeights:
    """The weight of each judge's value, shape (judges,), and the deflection, for some calls."""

    weights: Array
    deflection: float


@dataclass(frozen=True)
class AggregationModel:
    """What is known of the judges.

    Each array has shape (judges,). `correlations` has shape (judges, judges) and ones on the
    diagonal.
    """

    separations: Array
    correlations: Array
    repeats: Array
    base: Array
    scale: Array
    _weights: dict[Calls, AggregationWeights] = field(
        default_factory=dict, compare=False, repr=False
    )

    def weigh(self, calls: Calls) -> AggregationWeights:
        """Return the weights for these numbers of calls."""
        if calls not in self._weights:
            self._weights[calls] = self._solve(calls)
        return self._weights[calls]

    def _solve(self, calls: Calls) -> AggregationWeights:
        asked = np.flatnonzero(calls)
        weights = np.zeros(len(calls))
        if len(asked):
            covariance = self.correlations[np.ix_(asked, asked)].copy()
            repeats = self.repeats[asked]
            np.fill_diagonal(covariance, repeats + (1 - repeats) / np.array(calls)[asked])
            weights[asked] = np.linalg.solve(covariance, self.separations[asked])
        return AggregationWeights(weights, float(weights @ self.separations))

    def log_odds(self, values: Array, calls: Calls, prior: float) -> float:
        """Return the log-odds of a hypothesis with these values, shape (judges,).

        Values of judges without a call do not count.
        """
        weighed = self.weigh(calls)
        standard = np.where(np.array(calls) > 0, (values - self.base) / self.scale, 0.0)
        return prior + float(weighed.weights @ standard) - weighed.deflection / 2

    def scores(self, values: Array) -> Array:
        """Return the log-odds above the prior of each row of values, shape (n, judges).

        Each value is one call. NaN marks a judge that gave none.
        """
        calls = (~np.isnan(values)).astype(int).tolist()
        rows = zip(np.nan_to_num(values), calls, strict=True)
        return np.array([self.log_odds(row, tuple(row_calls), 0.0) for row, row_calls in rows])


def model_from_labels(values: Array, truth: NDArray[np.bool_], again: Array) -> AggregationModel:
    """Measure the judges on labelled hypotheses that all of them scored.

    `values` and `again` (second calls, NaN where there was none) have shape (n, judges). There must
    be at least `LABELS_MIN` of each kind.
    """
    hits, misses = values[truth], values[~truth]
    rest = np.concatenate([hits - hits.mean(axis=0), misses - misses.mean(axis=0)])
    freedom = len(values) - 2
    scale = np.maximum((rest**2).sum(axis=0) / freedom, 1e-6) ** 0.5
    correlations = (rest / scale).T @ (rest / scale) / freedom
    distances = (hits.mean(axis=0) - misses.mean(axis=0)) / scale
    return AggregationModel(
        separations=_shrink_separations(distances, len(hits), len(misses)),
        correlations=_shrink_correlations(correlations, freedom),
        repeats=_repeats(values, again, scale),
        base=misses.mean(axis=0),
        scale=scale,
    )


def _shrink_correlations(correlations: Array, freedom: int) -> Array:
    """Move each correlation towards their mean, more so with few hypotheses."""
    judges = len(correlations)
    between = float((correlations.sum() - np.trace(correlations)) / max(1, judges * (judges - 1)))
    alike = np.full((judges, judges), np.clip(between, 0.0, 0.9))
    np.fill_diagonal(alike, 1.0)
    share = freedom / (freedom + 10 * RIDGE)
    shrunk: Array = share * correlations + (1 - share) * alike
    return shrunk


def _shrink_separations(separations: Array, hits: int, misses: int) -> Array:
    """Move each separation towards their mean, as far as its own error demands.

    The best of several noisy figures is too high (James and Stein, 1961).
    """
    mean = separations.mean()
    error = 1 / hits + 1 / misses + mean**2 / (2 * (hits + misses))
    share = JUDGES_DIFFER**2 / (JUDGES_DIFFER**2 + error)
    shrunk: Array = np.clip(mean + share * (separations - mean), 0.0, None)
    return shrunk


def _repeats(values: Array, again: Array, scale: Array) -> Array:
    """Return the correlation of two calls, one for all judges.

    Their differences have the variance 2 (1 − repeats).
    """
    differences = ((again - values) / scale)[~np.isnan(again)]
    enough = len(differences) >= LABELS_MIN
    measured = 1 - float((differences**2).mean()) / 2 if enough else REPEATS
    return np.full(values.shape[1], np.clip(measured, *REPEATS_BOUNDS))


def model_from_agreement(
    values: Array, labelled: Array | None = None, truth: NDArray[np.bool_] | None = None
) -> AggregationModel:
    """Estimate the judges from what they have in common.

    `values` are deviates over hypotheses that all judges scored, shape (n, judges). `labelled` are
    those of a few hypotheses whose truth is known.
    """
    count, judges = values.shape
    correlations, loadings = np.eye(judges), np.full(judges, 0.5)
    if judges > 1 and count >= HISTORY_MIN:
        correlations = (count * np.corrcoef(values.T) + RIDGE * np.eye(judges)) / (count + RIDGE)
        loadings = _loadings(correlations)
        if labelled is not None and truth is not None and truth.any() and not truth.all():
            loadings = _correct_loadings(loadings, labelled, truth)
    return AggregationModel(
        separations=SEPARATION * loadings,
        correlations=correlations,
        repeats=np.full(judges, REPEATS),
        base=np.zeros(judges),
        scale=np.ones(judges),
    )


def _loadings(correlations: Array) -> Array:
    """Return the loadings of one common factor.

    The diagonal is what each judge shares with the others, found by iteration. No loading is
    negative: no judge is believed to know the opposite.
    """
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
        next_shared = np.clip(axis**2, 0.0, 0.98)
        if np.abs(next_shared - shared).max() < 1e-6:
            break
        shared = next_shared
    loadings: Array = np.clip(axis, 0.0, None)
    return loadings


def _correct_loadings(loadings: Array, labelled: Array, truth: NDArray[np.bool_]) -> Array:
    """Move each loading towards the judge's correlation with the truth, as labels allow."""
    with_truth = np.array(
        [np.corrcoef(values, truth)[0, 1] if values.std() > 0 else 0.0 for values in labelled.T]
    )
    error = len(truth) ** -0.5
    scale = float(loadings @ with_truth) / max(1e-12, float(loadings @ loadings))
    if scale <= 0:
        return loadings
    share = LABEL_TRUST**2 / (LABEL_TRUST**2 + (error / scale) ** 2)
    corrected: Array = np.clip(loadings + share * (with_truth / scale - loadings), 0.0, None)
    return corrected
