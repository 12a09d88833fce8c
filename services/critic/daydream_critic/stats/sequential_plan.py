"""Which judge to ask next, or none: the best plan of calls, by backward induction (Arrow, Blackwell and Girshick, 1949).

A hypothesis has log-odds L of being a hit; the line is where promotion begins, and the chance c there is what a place costs. Stopping is worth
`usd_per_hit_max` · max(p − c, 0) dollars, p the chance now. A call of a judge raises the deflection (`panel`) by Δ, so L moves by a normal amount of mean +Δ/2 for
hits and −Δ/2 for misses and of variance Δ, whatever was said before; it costs its price, and after it the best plan goes on. What each state is worth, from
the one in which everybody was asked as often as may be back to the first, says what to do in it: a plan that looks all the way ahead, to calls which only
together can change the decision and to those that a good first answer will be worth. A clear case ends early.

States are the calls made of each judge, and L on a grid. They grow with the product of the judges' calls: with more than ten judges those that tell least
per dollar are left out.
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
STEP = 0.2  # log-odds
GRID = np.arange(-14.0, 12.0, STEP)
CHANCES = 1 / (1 + np.exp(-GRID))
NODES, WEIGHTS = hermegauss(9)  # of a standard normal
WEIGHTS = WEIGHTS / WEIGHTS.sum()
LINE_STEP = 0.1  # lines nearer than that have one plan
STATES_MAX = 1024
GAIN_MIN_USD = 1e-12
ADDED_MIN = 1e-9


@dataclass(frozen=True)
class SequentialPlan:
    """`usd`: what a call of each judge costs; `calls_max`: how often each may be asked; `usd_per_hit_max`: what it may cost to find one more hit."""

    panel: AggregationModel
    usd: tuple[float, ...]
    calls_max: Calls
    usd_per_hit_max: float
    _plans: dict[int, dict[Calls, NDArray[np.intp]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def next(self, calls: Calls, log_odds: float, line: float) -> int | None:
        """The judge to ask after so many calls of each; None: it is not worth it. The first call is made in any case."""
        at = round(line / LINE_STEP)
        if at not in self._plans:
            self._plans[at] = self._plan(at * LINE_STEP)
        judges = self._plans[at].get(calls)  # None where more was asked than is planned for
        place = min(max(round((log_odds - GRID[0]) / STEP), 0), len(GRID) - 1)
        judge = -1 if judges is None else int(judges[place])
        if judge < 0 and not any(calls):
            return min(
                (one for one, most in enumerate(self.calls_max) if most),
                key=lambda one: self.usd[one],
                default=None,
            )
        return judge if judge >= 0 else None

    def without(self, judge: int, calls: Calls) -> SequentialPlan:
        """The same, where a judge is not asked any more."""
        most = tuple(
            done if at == judge else most
            for at, (most, done) in enumerate(zip(self.calls_max, calls, strict=True))
        )
        return replace(self, calls_max=most, _plans={})

    def _plan(self, line: float) -> dict[Calls, NDArray[np.intp]]:
        """For each state of calls: whom to ask at each place of the grid, −1 for nobody."""
        stopping = self.usd_per_hit_max * np.maximum(CHANCES - chance_of(line), 0.0)
        worth: dict[Calls, Array] = {}
        plan: dict[Calls, NDArray[np.intp]] = {}
        most = self._planned()
        for calls in sorted(product(*(range(one + 1) for one in most)), key=sum, reverse=True):
            best, judges, now = (
                stopping.copy(),
                np.full(len(GRID), -1),
                self.panel.evidence(calls).deflection,
            )
            for judge, usd in enumerate(self.usd):
                after = (*calls[:judge], calls[judge] + 1, *calls[judge + 1 :])
                if (
                    after not in worth
                    or (added := self.panel.evidence(after).deflection - now) < ADDED_MIN
                ):
                    continue
                asking = expected(worth[after], added) - usd
                better = asking > best + GAIN_MIN_USD
                best[better], judges[better] = asking[better], judge
            worth[calls], plan[calls] = best, judges
        return plan

    def _planned(self) -> Calls:
        """How often each judge may be asked in a plan: where there would be too many states first fewer second opinions, then fewer judges."""
        most = self.calls_max
        while math.prod(one + 1 for one in most) > STATES_MAX:
            if max(most) > 1:
                most = tuple(min(one, max(most) - 1) for one in most)
            else:
                told = np.where(
                    most, self.panel.separations**2 / np.maximum(self.usd, GAIN_MIN_USD), math.inf
                )
                most = tuple(
                    0 if at == int(np.argmin(told)) else one for at, one in enumerate(most)
                )
        return most


def expected(worth: Array, added: float) -> Array:
    """What a state will be worth on average, at each place of the grid, when the deflection has grown by `added`."""
    moves = added**0.5 * NODES
    of_hits, of_misses = (
        np.interp(GRID[:, None] + middle + moves, GRID, worth) @ WEIGHTS
        for middle in (added / 2, -added / 2)
    )
    found: Array = CHANCES * of_hits + (1 - CHANCES) * of_misses
    return found


def chance_of(log_odds: float) -> float:
    """The probability."""
    return 0.5 * (1 + math.tanh(log_odds / 2))
