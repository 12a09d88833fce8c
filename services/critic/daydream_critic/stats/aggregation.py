"""Turn the scores of several judges into the log-odds that a hypothesis is a hit.

A judge's value of a hypothesis is the mean deviate (`score_ranks`) of its calls. Over misses the
value has a mean and a standard deviation. Over hits it is higher by the judge's separation (d′, in
these standard deviations). Errors of two judges correlate. Two calls of one judge share an error
with correlation `repeats`. So the values after k calls have the correlations S, with repeats + (1 −
repeats) ÷ k on the diagonal, and for separations d

    log-odds = prior + d·S⁻¹·(values − ½ d)          (Fisher's linear discriminant, 1936)

for any set of judges and any number of calls. The deflection d·S⁻¹·d is the distance between hits
and misses. What is known of d and S comes from `panel_posterior`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Calls = tuple[int, ...]  # number of calls of each judge


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
