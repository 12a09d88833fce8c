"""What N daydreams will cost and how many insights to expect, from what past ones did. Pure.

Cost: the mean of past daydreams, with a 95 % prediction interval for the sum of N more (normal, by the mean and spread that the
ledger keeps; the mean itself is uncertain too: variance s²·(N + N²/n)). It is never above what will be reserved. Insights: with k
promoted of n hypotheses, the yield is Beta(k + ½, n − k + ½) (Jeffreys' prior), and the number among N more is beta-binomial
(Gelman et al., Bayesian Data Analysis, 3rd ed., appendix A); the interval are its 2.5 % and 97.5 % quantiles. It takes daydreams
to be alike, so a change of model or facts makes the past worth less.
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
    """Before a run. Amounts are nano-dollars. `cost` is None without a past; `most_nanousd`, what is reserved at most, is None while
    the stages have not said their plans. `affordable` is how many daydreams the caps leave room for at the mean cost."""

    daydreams: int
    past_daydreams: int
    past_hypotheses: int
    past_insights: int
    cost: Expected | None
    most_nanousd: int | None
    insights: Expected
    nanousd_per_insight: float | None
    affordable: int | None


def estimate(
    daydreams: int, budget: BudgetState, memory: MemoryState, most_each: int | None
) -> Estimate:
    """`most_each`: what is reserved for one daydream at most, by the plans of the stages."""
    most = None if most_each is None else daydreams * most_each
    cost = _cost(daydreams, budget, most)
    hypotheses_each = (
        memory.verdicts / budget.daydreams_paid
        if budget.daydreams_paid and memory.verdicts
        else 1.0
    )
    insights = _insights(
        round(daydreams * hypotheses_each), memory.insights, max(memory.verdicts, memory.insights)
    )
    free = [limit.free_nanousd for limit in budget.limits if limit.hard and limit.scope == "all"]
    each = cost.mean / daydreams if cost else most_each
    return Estimate(
        daydreams=daydreams,
        past_daydreams=budget.daydreams_paid,
        past_hypotheses=memory.verdicts,
        past_insights=memory.insights,
        cost=cost,
        most_nanousd=most,
        insights=insights,
        nanousd_per_insight=cost.mean / insights.mean if cost else None,
        affordable=int(min(free) / each) if free and each else None,
    )


def _cost(count: int, budget: BudgetState, most: int | None) -> Expected | None:
    past = budget.daydreams_paid
    if not past:
        return None
    ceiling = math.inf if most is None else most
    mean = budget.daydreams_nanousd / past
    if past == 1:  # one says nothing of the spread
        return Expected(mean=mean * count, low=0, high=mean * count if most is None else most)
    variance = max(0.0, (budget.daydreams_nanousd_squared - past * mean * mean) / (past - 1))
    half = Z95 * math.sqrt(variance * (count + count * count / past))
    return Expected(
        mean=mean * count, low=max(0.0, mean * count - half), high=min(ceiling, mean * count + half)
    )


def _insights(count: int, found: int, past: int) -> Expected:
    """Beta-binomial, its distribution summed up from 0."""
    a, b = found + 0.5, past - found + 0.5
    low, below = None, 0.0
    for k in range(count + 1):
        below += math.exp(_log_choose(count, k) + _log_beta(k + a, count - k + b) - _log_beta(a, b))
        if low is None and below >= TAIL:
            low = k
        if below >= 1 - TAIL:
            return Expected(mean=count * a / (a + b), low=low or 0, high=k)
    return Expected(mean=count * a / (a + b), low=low or 0, high=count)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
