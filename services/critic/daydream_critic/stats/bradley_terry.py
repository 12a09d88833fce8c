"""Rate hypotheses from comparisons: Bradley–Terry with a position term.

P(the first shown wins) = 1 ÷ (1 + exp(−(θ_first − θ_second + γ))), with θ ~ N(0, σ²) (Bradley and
Terry, 1952; the order effect γ: Davidson and Beaver, 1977). The fit is the maximum of the
posterior, found by Newton's method. Conjugate gradients solve its steps, so thousands of sparse
comparisons are cheap. σ is the candidate that best predicts comparisons that were left out. The
error of a strength comes from the diagonal of the curvature. It leaves out how uncertain the other
strengths are, so it is a little too small.

The solver is written by hand: choix has no position term, and scipy would be needed for nothing
else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]

NEWTON_STEPS, CG_STEPS = 25, 60
TOLERANCE = 1e-6
POSITION_SPREAD = 3.0  # of the prior of γ, which hardly restricts it
NO_POSITION_PRECISION = 1e12  # holds γ at 0
SPREADS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)  # candidates for σ
LEFT_OUT = 5  # every fifth comparison is left out to choose among them


@dataclass(frozen=True)
class BradleyTerryFit:
    """Strengths and their standard errors, shape (n,), the position term γ, and σ (`spread`).

    γ > 0 means that the hypothesis shown first is favoured.
    """

    strengths: Array
    errors: Array
    position: float
    spread: float

    def first_wins(self, first: Indices, second: Indices) -> Array:
        """Return the probability that the first shown wins, for each comparison."""
        return _sigmoid(self.strengths[first] - self.strengths[second] + self.position)


@dataclass(frozen=True)
class ComparisonTable:
    """Comparisons among hypotheses 0 … `count` − 1: who was shown first, second, and who won.

    Each array has shape (m,).
    """

    first: Indices
    second: Indices
    first_won: Bools
    count: int

    def __len__(self) -> int:
        return len(self.first)

    def select(self, rows: Bools) -> ComparisonTable:
        """Return the comparisons of these rows."""
        return ComparisonTable(
            self.first[rows], self.second[rows], self.first_won[rows], self.count
        )

    def difference(self, unknowns: Array) -> Array:
        """Return θ_first − θ_second + γ of each comparison. `unknowns` are all θ, then γ."""
        difference: Array = unknowns[self.first] - unknowns[self.second] + unknowns[self.count]
        return difference

    def gather(self, values: Array) -> Array:
        """Return the transpose of `difference`: from a value per comparison to one per unknown."""
        gathered = np.asarray(
            np.bincount(self.first, values, self.count + 1)
            - np.bincount(self.second, values, self.count + 1),
            np.float64,
        )
        gathered[self.count] += values.sum()
        return gathered

    def diagonal(self, weight: Array, prior: Array) -> Array:
        """Return the diagonal of the curvature, one entry per unknown."""
        diagonal = (
            prior
            + np.bincount(self.first, weight, self.count + 1)
            + np.bincount(self.second, weight, self.count + 1)
        )
        diagonal[self.count] = prior[self.count] + weight.sum()
        return np.asarray(diagonal, np.float64)


def fit(
    first: Indices,
    second: Indices,
    first_won: Bools,
    count: int,
    *,
    spread: float | None = None,
    position: bool = True,
) -> BradleyTerryFit:
    """Fit strengths to comparisons, each of shape (m,), among hypotheses 0 … `count` − 1.

    `spread` is σ; it is chosen from the comparisons if it is None. `position` says whether γ is
    fitted.
    """
    table = ComparisonTable(first, second, first_won, count)
    chosen = spread if spread is not None else _choose_spread(table, position=position)
    return _fit(table, chosen, position=position)


def rate_against(
    start: float, spread: float, others: Array, shown_first: Bools, won: Bools, position: float
) -> tuple[float, float]:
    """Return the rating of a hypothesis after comparisons with rated ones, and its standard error.

    The rating was believed to be `start` ± `spread`. `others` are the ratings of the others, shape
    (m,); `shown_first` and `won` say whether the hypothesis was shown first and won.
    """
    favour = np.where(shown_first, position, -position)
    rating = start
    for _ in range(NEWTON_STEPS):
        probability = _sigmoid(rating - others + favour)
        curvature = 1 / spread**2 + float((probability * (1 - probability)).sum())
        step = ((start - rating) / spread**2 + float((won - probability).sum())) / curvature
        rating += step
        if abs(step) < TOLERANCE:
            break
    probability = _sigmoid(rating - others + favour)
    curvature = 1 / spread**2 + float((probability * (1 - probability)).sum())
    return rating, curvature**-0.5


def _choose_spread(table: ComparisonTable, *, position: bool) -> float:
    if len(table) < 10 * LEFT_OUT:
        return 1.0
    left_out = np.arange(len(table)) % LEFT_OUT == 0
    rest, held = table.select(~left_out), table.select(left_out)
    losses = {spread: _log_loss(_fit(rest, spread, position=position), held) for spread in SPREADS}
    return min(SPREADS, key=losses.__getitem__)


def _log_loss(fitted: BradleyTerryFit, table: ComparisonTable) -> float:
    probability = np.clip(fitted.first_wins(table.first, table.second), 1e-9, 1 - 1e-9)
    return -float(np.log(np.where(table.first_won, probability, 1 - probability)).mean())


def _fit(table: ComparisonTable, spread: float, *, position: bool) -> BradleyTerryFit:
    count = table.count
    prior = np.full(count + 1, 1 / spread**2)
    prior[count] = 1 / POSITION_SPREAD**2 if position else NO_POSITION_PRECISION
    unknowns = np.zeros(count + 1)  # strengths, then γ
    won = table.first_won.astype(float)
    for _ in range(NEWTON_STEPS):
        probability = _sigmoid(table.difference(unknowns))
        gradient = table.gather(won - probability) - prior * unknowns
        if np.abs(gradient).max() < TOLERANCE:
            break
        unknowns = unknowns + _newton_step(table, gradient, probability * (1 - probability), prior)
    probability = _sigmoid(table.difference(unknowns))
    curvature = table.diagonal(probability * (1 - probability), prior)[:count]
    fitted_position = float(unknowns[count]) if position else 0.0
    return BradleyTerryFit(unknowns[:count], curvature**-0.5, fitted_position, spread)


def _newton_step(table: ComparisonTable, gradient: Array, weight: Array, prior: Array) -> Array:
    """Return curvature⁻¹ · gradient by conjugate gradients, with the diagonal as preconditioner."""
    diagonal = table.diagonal(weight, prior)
    step = np.zeros_like(gradient)
    rest = gradient.copy()
    along = rest / diagonal
    size = float(rest @ along)
    for _ in range(CG_STEPS):
        moved = prior * along + table.gather(weight * table.difference(along))
        length = size / float(along @ moved)
        step += length * along
        rest -= length * moved
        scaled = rest / diagonal
        next_size = float(rest @ scaled)
        if next_size < 1e-12 * max(1.0, size):
            break
        along = scaled + (next_size / size) * along
        size = next_size
    return step


def _sigmoid(values: Array) -> Array:
    probability: Array = 0.5 * (1 + np.tanh(values / 2))
    return probability
