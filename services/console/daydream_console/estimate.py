"""Estimate the cost of N daydreams and the number of insights, from past daydreams. Pure functions.

Cost: the mean of past daydreams, with a 95 % prediction interval for the sum of N more. It is
normal, from the mean and the spread that the ledger keeps. The mean itself is uncertain too, so the
variance is s²·(N + N²/n). The upper end is never above what will be reserved.

Insights: with k promoted of n hypotheses, the yield is Beta(k + ½, n − k + ½) (Jeffreys' prior).
The number among N more is beta-binomial (Gelman et al., Bayesian Data Analysis, 3rd ed.,
appendix A). The interval is its 2.5 % and 97.5 % quantiles. SciPy has this distribution, but the
command needs nothing else of its 100 MB.

Both assume that daydreams are alike. After a change of model or facts, the past predicts less.
"""

from __future__ import annotations

import math

from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import BudgetState, MemoryState

Z95 = 1.959964
TAIL = 0.025


class Expected(ContractModel):
    """A mean and a 95 % interval."""

    mean: float
    low: float
    high: float


class Estimate(ContractModel):
    """An estimate; amounts in nano-dollars.

    `cost` is None without past daydreams. `max_nanousd` is the sum of the largest reservations, or
    None until the stages have published their plans. `affordable` is the number of daydreams that
    the caps leave room for, at the mean cost.
    """

    daydreams: int
    past_daydreams: int
    past_hypotheses: int
    past_insights: int
    cost: Expected | None
    max_nanousd: int | None
    insights: Expected
    nanousd_per_insight: float | None
    affordable: int | None


def estimate(
    daydreams: int, budget: BudgetState, memory: MemoryState, reserved_nanousd: int | None
) -> Estimate:
    """Estimate from the state of ledger and memory.

    `reserved_nanousd` is the largest reservation for one daydream.
    """
    max_nanousd = None if reserved_nanousd is None else daydreams * reserved_nanousd
    cost = _cost(daydreams, budget, max_nanousd)
    hypotheses_per_daydream = 1.0
    if budget.daydreams_paid and memory.verdicts:
        hypotheses_per_daydream = memory.verdicts / budget.daydreams_paid
    insights = _insights(
        round(daydreams * hypotheses_per_daydream),
        memory.insights,
        max(memory.verdicts, memory.insights),
    )
    free = [limit.free_nanousd for limit in budget.limits if limit.hard and limit.scope == "all"]
    cost_per_daydream = cost.mean / daydreams if cost else reserved_nanousd
    return Estimate(
        daydreams=daydreams,
        past_daydreams=budget.daydreams_paid,
        past_hypotheses=memory.verdicts,
        past_insights=memory.insights,
        cost=cost,
        max_nanousd=max_nanousd,
        insights=insights,
        nanousd_per_insight=cost.mean / insights.mean if cost else None,
        affordable=int(min(free) / cost_per_daydream) if free and cost_per_daydream else None,
    )


def _cost(number: int, budget: BudgetState, max_nanousd: int | None) -> Expected | None:
    past = budget.daydreams_paid
    if not past:
        return None
    mean = budget.daydreams_nanousd / past
    total = mean * number
    if past == 1:  # one daydream says nothing about the spread
        return Expected(mean=total, low=0, high=total if max_nanousd is None else max_nanousd)
    ceiling = math.inf if max_nanousd is None else max_nanousd
    variance = max(0.0, (budget.daydreams_nanousd_squared - past * mean * mean) / (past - 1))
    half = Z95 * math.sqrt(variance * (number + number * number / past))
    return Expected(mean=total, low=max(0.0, total - half), high=min(ceiling, total + half))


def _insights(number: int, promoted: int, past: int) -> Expected:
    """Sum the beta-binomial distribution up from 0 to its two quantiles."""
    a, b = promoted + 0.5, past - promoted + 0.5
    mean = number * a / (a + b)
    low, cumulative = None, 0.0
    for k in range(number + 1):
        log_density = _log_choose(number, k) + _log_beta(k + a, number - k + b) - _log_beta(a, b)
        cumulative += math.exp(log_density)
        if low is None and cumulative >= TAIL:
            low = k
        if cumulative >= 1 - TAIL:
            return Expected(mean=mean, low=low or 0, high=k)
    return Expected(mean=mean, low=low or 0, high=number)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
