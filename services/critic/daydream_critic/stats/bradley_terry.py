"""Who is better, from verdicts on pairs: Bradley–Terry with a position term.

P(the first shown wins) = 1 ÷ (1 + exp(−(θ_first − θ_second + γ))), θ ~ N(0, σ²) for what is compared (Bradley and Terry, 1952; the order effect γ:
Davidson and Beaver, 1977). The fit is the maximum of the posterior by Newton's method, whose steps are solved by conjugate gradients, so it takes
sparse comparisons of thousands. σ is chosen by what it predicts of verdicts that were left out. Uncertainty of a strength is that of the curvature's
diagonal, which leaves out how the others' strengths are uncertain: it is a little too small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

NEWTON_STEPS, CG_STEPS = 25, 60
TOLERANCE = 1e-6
POSITION_SPREAD = 3.0  # of the prior of γ: it may be anything that is seen
SPREADS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)  # candidates for σ
LEFT_OUT = 5  # every fifth verdict, to choose among them


@dataclass(frozen=True)
class BradleyTerryFit:
    """Strengths, shape (n,), their standard errors, and the position term with its own: above 0 the first shown is favoured."""

    strengths: Array
    errors: Array
    position: float
    position_error: float
    spread: float

    def first_wins(self, first: Indices, second: Indices) -> Array:
        """With which probability the first shown wins."""
        return _sigmoid(self.strengths[first] - self.strengths[second] + self.position)


def fit(
    first: Indices,
    second: Indices,
    first_won: NDArray[np.bool_],
    count: int,
    *,
    spread: float | None = None,
    position: bool = True,
) -> BradleyTerryFit:
    """From verdicts: who was shown first, who second, and whether the first one won, each of shape (m,), over 0 … `count`−1. `spread`: σ, chosen from the
    verdicts if it is not given; `position`: whether there is a γ."""
    chosen = (
        spread
        if spread is not None
        else _chosen_spread(first, second, first_won, count, position=position)
    )
    return _fit(first, second, first_won, count, chosen, position=position)


def placed(
    start: float,
    spread: float,
    others: Array,
    first: NDArray[np.bool_],
    won: NDArray[np.bool_],
    position: float,
) -> tuple[float, float]:
    """The place of one that was compared with `others`, whose places are known, shape (m,): where it lies and the standard error of that. It was believed to
    lie at `start` ± `spread`; `first`: whether it was shown first, `won`: whether it was found the better one."""
    favour = np.where(first, position, -position)
    place = start
    for _ in range(NEWTON_STEPS):
        chance = _sigmoid(place - others + favour)
        curvature = 1 / spread**2 + float((chance * (1 - chance)).sum())
        step = ((start - place) / spread**2 + float((won - chance).sum())) / curvature
        place += step
        if abs(step) < TOLERANCE:
            break
    chance = _sigmoid(place - others + favour)
    return place, (1 / spread**2 + float((chance * (1 - chance)).sum())) ** -0.5


def _chosen_spread(
    first: Indices, second: Indices, first_won: NDArray[np.bool_], count: int, *, position: bool
) -> float:
    out = np.arange(len(first)) % LEFT_OUT == 0
    if len(first) < 10 * LEFT_OUT:
        return 1.0

    def misses(spread: float) -> float:
        found = _fit(first[~out], second[~out], first_won[~out], count, spread, position=position)
        chance = np.clip(found.first_wins(first[out], second[out]), 1e-9, 1 - 1e-9)
        return -float(np.log(np.where(first_won[out], chance, 1 - chance)).mean())

    return min(SPREADS, key=misses)


def _fit(
    first: Indices,
    second: Indices,
    first_won: NDArray[np.bool_],
    count: int,
    spread: float,
    *,
    position: bool,
) -> BradleyTerryFit:
    prior = np.full(count + 1, 1 / spread**2)
    prior[count] = 1 / POSITION_SPREAD**2 if position else 1e12
    known = np.zeros(count + 1)  # strengths, then γ
    won = first_won.astype(float)

    def expected(values: Array) -> Array:
        return _sigmoid(values[first] - values[second] + values[count])

    def back(values: Array) -> Array:
        """Per verdict to per unknown."""
        found = np.asarray(
            np.bincount(first, values, count + 1) - np.bincount(second, values, count + 1),
            np.float64,
        )
        found[count] += values.sum()
        return found

    for _ in range(NEWTON_STEPS):
        chance = expected(known)
        weight = chance * (1 - chance)
        gradient = back(won - chance) - prior * known
        if np.abs(gradient).max() < TOLERANCE:
            break
        known = known + _solve(gradient, weight, prior, first, second, back)
    chance = expected(known)
    weight = chance * (1 - chance)
    curvature = (
        prior[:count]
        + np.bincount(first, weight, count).astype(float)
        + np.bincount(second, weight, count)
    )
    return BradleyTerryFit(
        known[:count],
        curvature**-0.5,
        float(known[count]) if position else 0.0,
        float((prior[count] + weight.sum()) ** -0.5),
        spread,
    )


def _solve(
    target: Array,
    weight: Array,
    prior: Array,
    first: Indices,
    second: Indices,
    back: Callable[[Array], Array],
) -> Array:
    """The Newton step: (curvature)⁻¹ · target by conjugate gradients, with the diagonal as preconditioner."""
    count = len(prior) - 1
    diagonal = (
        prior + np.bincount(first, weight, count + 1) + np.bincount(second, weight, count + 1)
    )
    diagonal[count] = prior[count] + weight.sum()
    found = np.zeros_like(target)
    rest = target.copy()
    along = rest / diagonal
    size = float(rest @ along)
    for _ in range(CG_STEPS):
        moved = prior * along + back(weight * (along[first] - along[second] + along[count]))
        step = size / float(along @ moved)
        found += step * along
        rest -= step * moved
        scaled = rest / diagonal
        new = float(rest @ scaled)
        if new < 1e-12 * max(1.0, size):
            break
        along = scaled + (new / size) * along
        size = new
    return found


def _sigmoid(values: Array) -> Array:
    found: Array = 0.5 * (1 + np.tanh(values / 2))
    return found
