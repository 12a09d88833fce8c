"""Does `budget estimate` hold while the promotion rule changes? Simulated histories.

The product's own rule decides (`QuotaThreshold`): at first a threshold that the judges' separation
suggests, which promotes another share in each world; from 10 hypotheses on at most twice the quota;
from 50 on the best 5 %. In half of the worlds reviews prove a threshold at a random later moment,
and from then on everything above that is promoted. An oracle examines what would be promoted, which
costs more. At a random moment 200 further daydreams are estimated from the verdicts so far, and
then they happen. The value is the lower of the two coverages, of cost and of insights, over all
moments; `early` are those with fewer than 70 daydreams before them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from benchmarks.figures import figure
from daydream_console.estimate import estimate
from daydream_console.past_verdicts import count_in_force
from daydream_contracts.events import (
    Aggregation,
    Decision,
    HypothesisProposed,
    Rule,
    VerdictReached,
)
from daydream_contracts.rpc import BudgetState
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.stats.quota_threshold import QuotaThreshold
from support.message_builders import AT, SYNTHESIS, hypothesis

SEEDS, QUICK_SEEDS = 400, 100
AHEAD = 200
FIRST, LAST = 20, 600  # daydreams before the estimate
QUOTA, JUDGE = 0.05, "judge:1"
PROVEN_FROM, PROVEN_TO = 100, 1000  # hypotheses before reviews prove a threshold
PROVEN_SHARE, PROVEN_SHARES = 0.5, (0.02, 0.1)  # of the worlds; promoted there
EARLY = 70
ABSTAINS = 0.3
WRITER_NANOUSD, ORACLE_NANOUSD, COST_SPREAD = 600_000, 1_500_000, 0.3


@dataclass(frozen=True)
class SimulatedVerdict:
    """What became of a daydream, by which rule, and its cost."""

    rule: Rule | None
    promoted: bool
    cost_nanousd: int


def estimates(quick: bool) -> None:
    """Print the coverage of the 95 % intervals of cost and insights."""
    seeds = QUICK_SEEDS if quick else SEEDS
    moments = [moment_of(seed) for seed in range(seeds)]
    early = [moment_of(seed, last=EARLY) for seed in range(seeds)]
    cost, insights = coverages(moments)
    early_cost, early_insights = coverages(early)
    figure(
        "daydream",
        "estimate_coverage",
        [min(cost, insights)],
        "share",
        seeds=seeds,
        of_cost=cost,
        of_insights=insights,
        early_of_cost=early_cost,
        early_of_insights=early_insights,
    )


def coverages(moments: list[tuple[bool, bool]]) -> tuple[float, float]:
    """Return the shares of moments at which the intervals of cost and of insights held."""
    cost, insights = (sum(column) / len(moments) for column in zip(*moments, strict=True))
    return cost, insights


def moment_of(seed: int, last: int = LAST) -> tuple[bool, bool]:
    """Return whether the intervals of cost and insights contain what happened then."""
    rng = random.Random(seed)
    history = simulated(rng)
    before = [next(history) for _ in range(rng.randint(FIRST, last))]
    after = [next(history) for _ in range(AHEAD)]
    proposed = hypothesis(0, SYNTHESIS)
    verdicts = [as_verdict(proposed, number, row) for number, row in enumerate(before)]
    result = estimate(AHEAD, ledger_of(before), count_in_force(reversed(verdicts)), None)
    assert result.cost is not None
    cost = sum(row.cost_nanousd for row in after)
    promoted = sum(row.promoted for row in after)
    return (
        result.cost.low <= cost <= result.cost.high,
        result.insights.low <= promoted <= result.insights.high,
    )


def simulated(rng: random.Random) -> Iterator[SimulatedVerdict]:
    """Yield what becomes of one daydream after the other in a world with its own rates."""
    passes_oracle = rng.uniform(0.3, 0.9)
    model = CalibratedHistory(CriticHistory()).aggregation_model([JUDGE])
    quota = QuotaThreshold(QUOTA)
    middle, spread = quota.prior + rng.uniform(-1, 1), rng.uniform(0.5, 1.5)
    proven_at = rng.randint(PROVEN_FROM, PROVEN_TO) if rng.random() < PROVEN_SHARE else math.inf
    proven = NormalDist(middle, spread).inv_cdf(1 - rng.uniform(*PROVEN_SHARES))
    while True:
        cost = WRITER_NANOUSD * rng.lognormvariate(0, COST_SPREAD)
        if rng.random() < ABSTAINS:
            yield SimulatedVerdict(None, False, int(cost))
            continue
        log_odds = rng.gauss(middle, spread)
        rule: Rule = "precision" if quota.count >= proven_at else "quota"
        nominated = log_odds > (proven if rule == "precision" else quota.value(model))
        quota.add(log_odds)
        cost += ORACLE_NANOUSD * nominated * rng.lognormvariate(0, COST_SPREAD)
        yield SimulatedVerdict(rule, nominated and rng.random() < passes_oracle, int(cost))


def as_verdict(proposed: HypothesisProposed, number: int, row: SimulatedVerdict) -> VerdictReached:
    """Return it as the memory has it."""
    pair = proposed.pair.model_copy(update={"pair_id": str(number), "stages": ("oracle",)})
    return VerdictReached(
        verdict_id=str(number),
        role="critic",
        reason="",
        explanation="",
        hypothesis=proposed.model_copy(update={"pair": pair}),
        round=1,
        decision=Decision.PROMOTED if row.promoted else Decision.DISCARDED,
        final=True,
        aggregation=Aggregation(rule=row.rule) if row.rule else None,
        cost_nanousd=row.cost_nanousd,
        reached_at=AT,
    )


def ledger_of(rows: list[SimulatedVerdict]) -> BudgetState:
    """Return a ledger that paid for these daydreams."""
    costs = np.array([row.cost_nanousd for row in rows], dtype=object)
    none = dict.fromkeys(
        (
            "settled_nanousd",
            "authorized_nanousd",
            "reserved_nanousd",
            "reservations_open",
            "reservations_released",
            "attempts_authorized",
            "overruns",
            "last_sequence",
        ),
        0,
    )
    return BudgetState(
        **none,
        limits=(),
        spend=(),
        daydreams_paid=len(costs),
        daydreams_nanousd=int(costs.sum()),
        daydreams_nanousd_squared=int((costs * costs).sum()),
    )
