"""Choose the next judge to ask, or none, by backward induction (Arrow, Blackwell, Girshick, 1949).

A hypothesis has log-odds L of being a hit. Promotion begins at a threshold; c is the probability of
a hit there. Stopping is worth `usd_per_hit_max` · max(p − c, 0) dollars, with p the probability
now. A call of a judge raises the deflection (`aggregation`) by Δ. So L moves by a normal amount
with mean +Δ/2 for hits and −Δ/2 for misses and with variance Δ, whatever was said before. The call
costs its price, and the best plan continues after it.

Each state gets a value, from the one in which every judge was asked as often as allowed back to the
first. The values say what to do in each state. Such a plan looks all the way ahead: to calls that
only together can change the decision, and to calls that a good first answer will be worth. A clear
case ends early.

A state is the number of calls of each judge, and L on a grid. The number of states grows with the
product of the judges' calls. With more than ten judges, the worst per dollar are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from daydream_critic.stats.aggregation import AggregationModel, Calls

Array = NDArray[np.float64]
JudgeIndices = NDArray[np.intp]

STEP = 0.2  # log-odds
GRID = np.arange(-14.0, 12.0, STEP)
PROBABILITIES = 1 / (1 + np.exp(-GRID))
NODES, WEIGHTS = hermegauss(9)  # of a standard normal
WEIGHTS = WEIGHTS / WEIGHTS.sum()
THRESHOLD_STEP = 0.1  # thresholds closer than that share one plan
STATES_MAX = 1024
GAIN_MIN_USD = 1e-12
ADDED_MIN = 1e-9
STOP = -1  # in a plan, in the place of a judge


@dataclass(frozen=True)
class SequentialPlan:
    """Which judge to ask next.

    `usd` is the price of a call of each judge, `calls_max` how often each may be asked, and
    `usd_per_hit_max` what finding one more hit may cost.
    """

    model: AggregationModel
    usd: tuple[float, ...]
    calls_max: Calls
    usd_per_hit_max: float
    _plans: dict[int, dict[Calls, JudgeIndices]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def next(self, calls: Calls, log_odds: float, threshold: float) -> int | None:
        """Return the index of the judge to ask after these calls, or None to stop.

        The first call is made in any case.
        """
        key = round(threshold / THRESHOLD_STEP)
        if key not in self._plans:
            self._plans[key] = self._plan(key * THRESHOLD_STEP)
        judges = self._plans[key].get(calls)  # None where more was asked than is planned for
        place = min(max(round((log_odds - GRID[0]) / STEP), 0), len(GRID) - 1)
        judge = STOP if judges is None else int(judges[place])
        if judge == STOP and not any(calls):
            return self._cheapest()
        return None if judge == STOP else judge

    def _cheapest(self) -> int | None:
        allowed = [judge for judge, calls_max in enumerate(self.calls_max) if calls_max]
        return min(allowed, key=self.usd.__getitem__, default=None)

    def without(self, judge: int, calls: Calls) -> SequentialPlan:
        """Return the plan in which `judge` is not asked again after these calls."""
        calls_max = (*self.calls_max[:judge], calls[judge], *self.calls_max[judge + 1 :])
        return replace(self, calls_max=calls_max, _plans={})

    def _plan(self, threshold: float) -> dict[Calls, JudgeIndices]:
        """Return the judge to ask (or `STOP`) in each state of calls, at each place of the grid."""
        gain = np.maximum(PROBABILITIES - probability_of(threshold), 0.0)
        stopping = self.usd_per_hit_max * gain
        worth: dict[Calls, Array] = {}
        plan: dict[Calls, JudgeIndices] = {}
        ranges = (range(calls_max + 1) for calls_max in self._planned_calls_max())
        for calls in sorted(product(*ranges), key=sum, reverse=True):
            worth[calls], plan[calls] = self._best(calls, stopping, worth)
        return plan

    def _best(
        self, calls: Calls, stopping: Array, worth: dict[Calls, Array]
    ) -> tuple[Array, JudgeIndices]:
        """Return the best worth of a state and the judge with it, at each place of the grid."""
        best, judges = stopping.copy(), np.full(len(GRID), STOP)
        deflection = self.model.weigh(calls).deflection
        for judge, usd in enumerate(self.usd):
            after = (*calls[:judge], calls[judge] + 1, *calls[judge + 1 :])
            if after not in worth:
                continue
            added = self.model.weigh(after).deflection - deflection
            if added < ADDED_MIN:
                continue
            asking = expected_worth(worth[after], added) - usd
            better = asking > best + GAIN_MIN_USD
            best[better], judges[better] = asking[better], judge
        return best, judges

    def _planned_calls_max(self) -> Calls:
        """Return how often a plan may ask each judge.

        Too many states cost second opinions first, then whole judges.
        """
        planned = self.calls_max
        while math.prod(calls + 1 for calls in planned) > STATES_MAX:
            if (most := max(planned)) > 1:
                planned = tuple(min(calls, most - 1) for calls in planned)
            else:
                dropped = self._worst_per_usd(planned)
                planned = (*planned[:dropped], 0, *planned[dropped + 1 :])
        return planned

    def _worst_per_usd(self, planned: Calls) -> int:
        """Return the planned judge whose answers tell the minimum per dollar."""
        per_usd = self.model.separations**2 / np.maximum(self.usd, GAIN_MIN_USD)
        return int(np.argmin(np.where(planned, per_usd, math.inf)))


def expected_worth(worth: Array, added: float) -> Array:
    """Return the mean worth of a state after its deflection grows by `added`, on the grid."""
    moves = added**0.5 * NODES
    for_hits = np.interp(GRID[:, None] + added / 2 + moves, GRID, worth) @ WEIGHTS
    for_misses = np.interp(GRID[:, None] - added / 2 + moves, GRID, worth) @ WEIGHTS
    mean: Array = PROBABILITIES * for_hits + (1 - PROBABILITIES) * for_misses
    return mean


def probability_of(log_odds: float) -> float:
    """Return the probability that belongs to log-odds."""
    return 0.5 * (1 + math.tanh(log_odds / 2))
