"""Estimate the cost of N daydreams and the number of insights, from past daydreams. Pure functions.

Cost: the mean of past daydreams, with a 95 % prediction interval for the sum of N more. It is
normal, from the mean and the spread: those that the ledger keeps, or after a change of the rule
those of the verdicts since then. The mean itself is uncertain too, so the
variance is s²·(N + N²/n). The upper end is never above what will be reserved.

Insights: with k promoted of n hypotheses, the yield is Beta(k + ½, n − k + ½) (Jeffreys' prior).
The number among N more is beta-binomial (Gelman et al., Bayesian Data Analysis, 3rd ed.,
appendix A). The interval is its 2.5 % and 97.5 % quantiles. SciPy has this distribution, but the
command needs nothing else of its 100 MB.

The first verdicts under a rule predict less than their number says. The promotion quota moves until
it has seen 50 hypotheses, and what it lets through decides what the oracle costs. So while the rule
has decided fewer than `SETTLED`, each past daydream counts as `EARLY_WEIGHT` of one (a power prior;
Ibrahim and Chen, 2000). Intervals widen, and means stay. With this weight both coverages are .95
after 20 to 70 daydreams (`make bench-daydream`: `estimate_coverage`).

Both assume that daydreams are alike, so only those under the rule now in force are counted
(`past_verdicts`). After a change of model or facts, the past predicts less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from daydream_console.past_verdicts import PastVerdicts
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import BudgetState

Z95 = 1.959964
TAIL = 0.025
SETTLED = 100
EARLY_WEIGHT = 0.4
PAST_MIN = 40  # with fewer daydreams under a rule, the cost of those before it says more


class Expected(ContractModel):
    """A mean and a 95 % interval."""

    mean: float
    low: float
    high: float


class Estimate(ContractModel):
    """An estimate; amounts in nano-dollars.

    `cost` is None without past daydreams. `max_nanousd` is the sum of the largest reservations, or
    None until the stages have published their plans. `affordable` is the number of daydreams that
    the caps leave room for, at the mean cost. `rule` is what promotes now; empty without verdicts.
    """

    daydreams: int
    rule: str
    past_daydreams: int
    past_hypotheses: int
    past_insights: int
    cost: Expected | None
    max_nanousd: int | None
    insights: Expected
    nanousd_per_insight: float | None
    affordable: int | None


@dataclass(frozen=True)
class PaidDaydreams:
    """How many daydreams were paid for, the sum of their costs, and that of the squares."""

    count: int
    nanousd: int
    nanousd_squared: int

    @property
    def mean(self) -> float:
        return self.nanousd / self.count


def estimate(
    daydreams: int, budget: BudgetState, past: PastVerdicts, reserved_nanousd: int | None
) -> Estimate:
    """Estimate from the state of the ledger and the verdicts under the rule in force.

    `reserved_nanousd` is the largest reservation for one daydream.
    """
    max_nanousd = None if reserved_nanousd is None else daydreams * reserved_nanousd
    paid = _paid(budget, past)
    weight = 1.0 if past.ruled >= SETTLED else EARLY_WEIGHT
    cost = _cost(daydreams, paid, max_nanousd, weight)
    if cost and not past.complete and past.daydreams < PAST_MIN:
        cost = _covering(cost, _cost(daydreams, _lifetime(budget), max_nanousd, weight))
    hypotheses_per_daydream = past.verdicts / past.daydreams if past.daydreams else 1.0
    hypotheses = round(daydreams * hypotheses_per_daydream)
    insights = _insights(hypotheses, past.insights, past.verdicts, weight)
    free = [limit.free_nanousd for limit in budget.limits if limit.hard and limit.scope == "all"]
    cost_per_daydream = cost.mean / daydreams if cost else reserved_nanousd
    return Estimate(
        daydreams=daydreams,
        rule=past.rule,
        past_daydreams=paid.count,
        past_hypotheses=past.verdicts,
        past_insights=past.insights,
        cost=cost,
        max_nanousd=max_nanousd,
        insights=insights,
        nanousd_per_insight=cost.mean / insights.mean if cost else None,
        affordable=int(min(free) / cost_per_daydream) if free and cost_per_daydream else None,
    )


def _paid(budget: BudgetState, past: PastVerdicts) -> PaidDaydreams:
    """Return the ledger's sums; after a change of the rule, those of the verdicts since then."""
    if past.complete:
        return _lifetime(budget)
    costs = past.nanousd.values()
    return PaidDaydreams(len(costs), sum(costs), sum(cost * cost for cost in costs))


def _lifetime(budget: BudgetState) -> PaidDaydreams:
    return PaidDaydreams(
        budget.daydreams_paid, budget.daydreams_nanousd, budget.daydreams_nanousd_squared
    )


def _covering(cost: Expected, other: Expected | None) -> Expected:
    """Return a cost whose interval also covers the other one's."""
    if other is None:
        return cost
    return cost.model_copy(
        update={"low": min(cost.low, other.low), "high": max(cost.high, other.high)}
    )


def _cost(
    number: int, paid: PaidDaydreams, max_nanousd: int | None, weight: float
) -> Expected | None:
    if not paid.count:
        return None
    total = paid.mean * number
    if paid.count == 1:  # one daydream says nothing about the spread
        return Expected(mean=total, low=0, high=total if max_nanousd is None else max_nanousd)
    ceiling = math.inf if max_nanousd is None else max_nanousd
    squares = paid.nanousd_squared - paid.count * paid.mean**2
    variance = max(0.0, squares / (paid.count - 1))
    half = Z95 * math.sqrt(variance * (number + number * number / (weight * paid.count)))
    return Expected(mean=total, low=max(0.0, total - half), high=min(ceiling, total + half))


def _insights(number: int, promoted: int, past: int, weight: float) -> Expected:
    """Sum the beta-binomial distribution up from 0 to its two quantiles."""
    a, b = weight * promoted + 0.5, weight * (past - promoted) + 0.5
    mean = number * (promoted + 0.5) / (past + 1)
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
