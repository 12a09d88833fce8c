"""Many judges, one number: the log-odds that a hypothesis is a hit, given what each judge said of it, be it once or several times.

A judge's value of a hypothesis is the mean deviate (`ranks`) of its calls. Over misses it has a mean and a standard deviation; over hits it lies higher by
the judge's separation (d′, in those standard deviations). Two judges' errors correlate; two calls of one judge share an error with `repeats`. So the values
after k calls have the correlations S, with repeats + (1 − repeats) ÷ k on the diagonal, and for separations d
    log-odds = prior + d·S⁻¹·(values − ½ d)          (Fisher's linear discriminant, 1936)
whatever judges were asked, and however often. d·S⁻¹·d, the deflection, is how far hits and misses lie apart.

d and S come from labelled hypotheses, shrunk as their number demands. Without labels d is what the judges have in common: the loadings of one factor
(principal axis; Spearman, 1904), under which a judge of noise has 0; its size is then a guess, which changes no order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daydream_critic.stats.score_ranks import HISTORY_MIN

Array = NDArray[np.float64]
Calls = tuple[int, ...]

AXIS_STEPS = 100
LABEL_TRUST = 0.05  # prior standard deviation of what labels may change in a judge's loading
RIDGE = 20.0  # hypotheses' worth of no correlation that the correlations are mixed with
LABELS_MIN = 20  # of each kind, from which separations are measured
SEPARATION = 1.5  # d′ of a judge that is loaded fully, until labels say it
JUDGES_DIFFER = 0.25  # prior standard deviation of the separations within a panel
REPEATS = 0.65  # until second calls say it
REPEATS_BOUNDS = (0.3, 0.95)


@dataclass(frozen=True)
class AggregationWeights:
    """What a set of calls is worth: weights of the judges' values, shape (judges,), and the deflection."""

    weights: Array
    deflection: float


@dataclass(frozen=True)
class AggregationModel:
    """What is known of the judges; each of shape (judges,), `correlations` of shape (judges, judges) with ones on the diagonal."""

    separations: Array
    correlations: Array
    repeats: Array
    base: Array
    scale: Array
    _known: dict[Calls, AggregationWeights] = field(default_factory=dict, compare=False, repr=False)

    def evidence(self, calls: Calls) -> AggregationWeights:
        """For so many calls of each judge."""
        found = self._known.get(calls)
        if found is None:
            found = self._known[calls] = self._evidence(calls)
        return found

    def _evidence(self, calls: Calls) -> AggregationWeights:
        asked = np.flatnonzero(calls)
        weights = np.zeros(len(calls))
        if len(asked):
            covariance = self.correlations[np.ix_(asked, asked)].copy()
            repeats = self.repeats[asked]
            np.fill_diagonal(covariance, repeats + (1 - repeats) / np.array(calls)[asked])
            weights[asked] = np.linalg.solve(covariance, self.separations[asked])
        return AggregationWeights(weights, float(weights @ self.separations))

    def log_odds(self, values: Array, calls: Calls, prior: float) -> float:
        """Of a hypothesis with these values, shape (judges,); those of judges that were not asked do not count."""
        evidence = self.evidence(calls)
        seen = np.where(np.array(calls) > 0, (values - self.base) / self.scale, 0.0)
        return prior + float(evidence.weights @ seen) - evidence.deflection / 2

    def scores(self, values: Array) -> Array:
        """Log-odds above the prior for each row of values, shape (n, judges), one call each; NaN for a judge that gave none."""
        return np.array(
            [
                self.log_odds(np.nan_to_num(row), tuple((~np.isnan(row)).astype(int).tolist()), 0.0)
                for row in values
            ]
        )


def panel_of_labels(values: Array, truth: NDArray[np.bool_], again: Array) -> AggregationModel:
    """From labelled hypotheses that all judges scored, shape (n, judges), at least `LABELS_MIN` of each kind. `again`: second calls, NaN where none."""
    hits, misses = values[truth], values[~truth]
    rest = np.concatenate([hits - hits.mean(axis=0), misses - misses.mean(axis=0)])
    freedom = len(values) - 2
    scale = np.maximum((rest**2).sum(axis=0) / freedom, 1e-6) ** 0.5
    judges = values.shape[1]
    correlations = (rest / scale).T @ (rest / scale) / freedom
    between = float((correlations.sum() - np.trace(correlations)) / max(1, judges * (judges - 1)))
    alike = np.full((judges, judges), np.clip(between, 0.0, 0.9))
    np.fill_diagonal(alike, 1.0)
    share = freedom / (
        freedom + 10 * RIDGE
    )  # how much each pair of judges is believed to differ from the mean of all pairs
    separations = _shrunk((hits.mean(axis=0) - misses.mean(axis=0)) / scale, len(hits), len(misses))
    repeats = _repeats(values, truth, again, scale)
    return AggregationModel(
        separations, share * correlations + (1 - share) * alike, repeats, misses.mean(axis=0), scale
    )


def _shrunk(separations: Array, hits: int, misses: int) -> Array:
    """Towards their mean, as far as their own error demands: the best of noisy figures is too good to be true (James and Stein, 1961)."""
    mean = separations.mean()
    error = 1 / hits + 1 / misses + mean**2 / (2 * (hits + misses))
    share = JUDGES_DIFFER**2 / (JUDGES_DIFFER**2 + error)
    found: Array = np.clip(mean + share * (separations - mean), 0.0, None)
    return found


def _repeats(values: Array, truth: NDArray[np.bool_], again: Array, scale: Array) -> Array:
    """The correlation of two calls, one for all judges: their differences have the variance 2 (1 − repeats)."""
    differences = ((again - values) / scale)[~np.isnan(again)]
    seen = 1 - float((differences**2).mean()) / 2 if len(differences) >= LABELS_MIN else REPEATS
    return np.full(values.shape[1], np.clip(seen, *REPEATS_BOUNDS))


def panel_of(
    values: Array, labelled: Array | None = None, truth: NDArray[np.bool_] | None = None
) -> AggregationModel:
    """From deviates over hypotheses that all judges scored, shape (n, judges), and of a few labelled ones with their truth."""
    count, judges = values.shape
    correlations, loadings = np.eye(judges), np.full(judges, 0.5)
    if judges > 1 and count >= HISTORY_MIN:
        correlations = (count * np.corrcoef(values.T) + RIDGE * np.eye(judges)) / (count + RIDGE)
        loadings = _loadings(correlations)
        if labelled is not None and truth is not None and truth.any() and not truth.all():
            loadings = _corrected(loadings, labelled, truth)
    return AggregationModel(
        SEPARATION * loadings,
        correlations,
        np.full(judges, REPEATS),
        np.zeros(judges),
        np.ones(judges),
    )


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


def _corrected(loadings: Array, labelled: Array, truth: NDArray[np.bool_]) -> Array:
    """What labels say of each judge (its correlation with the truth), as far as they are sure of it."""
    seen = np.array(
        [np.corrcoef(values, truth)[0, 1] if values.std() > 0 else 0.0 for values in labelled.T]
    )
    error = len(truth) ** -0.5
    scale = float(loadings @ seen) / max(1e-12, float(loadings @ loadings))
    if scale <= 0:
        return loadings
    share = LABEL_TRUST**2 / (LABEL_TRUST**2 + (error / scale) ** 2)
    found: Array = np.clip(loadings + share * (seen / scale - loadings), 0.0, None)
    return found
