"""What judges have in common: how far their errors correlate, and whom the others agree with.

Agreement is no evidence of skill. Several judges with one prejudice agree with each other, and not
with the truth. So nothing here gives a judge more weight by itself (`panel_posterior`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

AXIS_STEPS = 100
RIDGE = 50.0  # hypotheses' worth of equal correlations that the measured ones are mixed with
ALIKE_MAX = 0.9
SIZE_MIN = 0.05  # of an eigenvalue: below it, weights would grow without bound


def pooled_correlations(judges: int, tables: list[Array]) -> Array:
    """Return the correlations of the judges, shape (judges, judges), from tables of values.

    Each table has shape (n, judges) and no NaN, and counts by its rows. Few rows move each
    correlation towards the mean of all.
    """
    pooled, count = np.zeros((judges, judges)), 0.0
    for values in tables:
        if len(values) > 2 and judges > 1:
            pooled += len(values) * _correlations(values)
            count += len(values)
    pooled = pooled / count if count else np.eye(judges)
    between = float((pooled.sum() - np.trace(pooled)) / max(1, judges * (judges - 1)))
    alike = np.full((judges, judges), np.clip(between, 0.0, ALIKE_MAX))
    np.fill_diagonal(alike, 1.0)
    share = count / (count + RIDGE)
    mixed: Array = share * pooled + (1 - share) * alike
    return mixed


def pairwise_correlations(judges: int, tables: list[Array]) -> Array:
    """Return the correlations from tables in which judges left out rows (NaN).

    Each two judges are compared on the rows that both scored, of which each table's count for
    themselves. Pairs with few rows move towards the mean, as in `pooled_correlations`. The result
    is made positive definite: pairs measured on different rows may contradict each other.
    """
    sums, counts = np.zeros((judges, judges)), np.zeros((judges, judges))
    for values in tables:
        for first in range(judges):
            for second in range(first):
                both = values[~np.isnan(values[:, [first, second]]).any(axis=1)]
                if len(both) > 2:
                    shared = _correlations(both[:, [first, second]])[0, 1]
                    sums[first, second] += len(both) * shared
                    counts[first, second] += len(both)
    sums, counts = sums + sums.T, counts + counts.T
    between = float(np.clip(sums.sum() / max(1.0, counts.sum()), 0.0, ALIKE_MAX))
    mixed = (sums + RIDGE * between) / (counts + RIDGE)
    np.fill_diagonal(mixed, 1.0)
    return _positive_definite(mixed)


def _positive_definite(correlations: Array) -> Array:
    sizes, vectors = np.linalg.eigh(correlations)
    raised: Array = (vectors * np.maximum(sizes, SIZE_MIN)) @ vectors.T
    spread = np.sqrt(np.diag(raised))
    return np.asarray(raised / np.outer(spread, spread), np.float64)


def _correlations(values: Array) -> Array:
    """Return the correlations; 0 with a judge that always says the same."""
    standard = values - values.mean(axis=0)
    spread = standard.std(axis=0)
    standard = standard / np.where(spread > 0, spread, 1.0)
    correlations: Array = standard.T @ standard / len(values)
    np.fill_diagonal(correlations, 1.0)
    return correlations


def loadings_of(correlations: Array) -> Array:
    """Return how much each judge shares with the others: the loadings of one common factor.

    Principal axis (Spearman, 1904). The diagonal is what each judge shares with the others, found
    by iteration. No loading is negative: no judge is believed to know the opposite.
    """
    judges = len(correlations)
    if judges == 1:
        return np.ones(1)
    if judges == 2:
        return np.full(2, max(0.05, float(correlations[0, 1])) ** 0.5)
    reduced, axis = correlations.copy(), np.ones(judges)
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
    return np.clip(axis, 0.0, None)


def consensus_weights(correlations: Array) -> Array:
    """Return the weights that agreement alone would give, scaled like those of `equal_weights`."""
    weights = np.linalg.solve(correlations, loadings_of(correlations))
    return _to_unit_spread(np.asarray(weights, np.float64), correlations)


def equal_weights(correlations: Array) -> Array:
    """Return equal weights with which the panel's sum has a standard deviation of 1."""
    return _to_unit_spread(np.ones(len(correlations)), correlations)


def _to_unit_spread(weights: Array, correlations: Array) -> Array:
    spread = float(weights @ correlations @ weights) ** 0.5
    if spread <= 0:
        return equal_weights(correlations)
    scaled: Array = weights / spread
    return scaled
