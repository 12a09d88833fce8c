"""Decide which pairs pass the pre-screen, and whether it pays. Pure.

The worth of a screen is found by the arithmetic of second opinions: insights per dollar with it
against those without it. If the best m quarters of all ranked pairs pass, let r be the share of the
insights in them, e the share of the other pairs that pass all the same, and s the price of a rank
as a share of a daydream's cost. Then insights per dollar change by the factor

    (r + (1 − r) · e) ÷ (m/4 + (1 − m/4) · e + s)

r is measured: verdicts on ranked pairs, weighted by 1 ÷ their probability of passing, say how many
insights each quarter has. The factor is computed with the lower end of r's posterior (Beta, with a
prior of `PRIOR_INSIGHTS` spread evenly), so nothing is dropped before ranks have been shown to be
worth more than they cost.

Pairs of the floor always pass, and so does a share `EXPLORED` of the others: they measure what is
lost, and every pair has a known probability of passing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_contracts.events import ScreenRank
from daydream_contracts.rpc import ScreenState
from daydream_sampler.claim import UNIFORM
from daydream_sampler.strategies.stratified import STRATIFIED

QUARTERS = 4
HALF = 2
BATCH = 16  # pairs in a call; servers name at most 20 alternatives of a token
# These three were not tuned on data.
EXPLORED = 0.1
MEASURED = 0.25  # share of the pairs that are ranked while the screen does not pay
PRIOR_INSIGHTS = 8.0
LOWER_QUANTILE, LOW, HIGH = 0.1, 0.025, 0.975
POSTERIOR_DRAWS = 4000
ALWAYS_PASS = (UNIFORM, STRATIFIED)


@dataclass(frozen=True)
class ScreenRecord:
    """Pairs that were ranked and insights among them, by quarter, and the cost of a rank.

    `rank_share`: that cost as a share of a daydream's. `floor`: share of draws that always pass.
    """

    ranked: Sequence[float]
    insights: Sequence[float]
    rank_share: float
    floor: float

    def recall(self, quarters: int, quantile: float) -> float:
        """Return a quantile of the share of insights that is in the best quarters."""
        kept = sum(self.insights[:quarters]) + PRIOR_INSIGHTS * quarters / QUARTERS
        rest = sum(self.insights[quarters:]) + PRIOR_INSIGHTS * (1 - quarters / QUARTERS)
        draws = np.random.default_rng(0).beta(kept, rest, POSTERIOR_DRAWS)
        return float(np.quantile(draws, quantile))

    def factor(self, quarters: int) -> float:
        """Return by how much keeping these quarters changes insights per dollar, cautiously."""
        passing = self.floor + (1 - self.floor) * EXPLORED
        recall, kept = self.recall(quarters, LOWER_QUANTILE), quarters / QUARTERS
        return (recall + (1 - recall) * passing) / (kept + (1 - kept) * passing + self.rank_share)

    def kept_quarters(self) -> int:
        """Return how many quarters pass: all four until keeping fewer pays."""
        best = max(range(1, QUARTERS), key=self.factor)
        return best if self.factor(best) > 1 else QUARTERS

    def state(self, *, problem: str) -> ScreenState:
        """Return what it has shown, for people: what keeping these quarters, or half, loses."""
        kept = self.kept_quarters()
        shown = kept if kept < QUARTERS else HALF
        lost: dict[str, float] = {}
        if total := sum(self.insights):
            lost = {
                "lost_share": sum(self.insights[shown:]) / total,
                "lost_low": 1 - self.recall(shown, HIGH),
                "lost_high": 1 - self.recall(shown, LOW),
            }
        return ScreenState(
            on=True,
            kept_quarters=kept,
            ranked=tuple(self.ranked),
            insights=tuple(self.insights),
            problem=problem,
            **lost,
        )


def ranks_of(
    probabilities: Sequence[float], strategies: Sequence[str], kept: int, cost_nanousd: int
) -> list[ScreenRank]:
    """Return each pair's rank and its probability of passing. `kept`: quarters that pass."""
    order = sorted(range(len(probabilities)), key=lambda at: (-probabilities[at], at))
    quarters = {at: QUARTERS * place // len(order) for place, at in enumerate(order)}
    return [
        ScreenRank(
            quarter=quarters[at],
            pass_probability=(1.0 if quarters[at] < kept or strategy in ALWAYS_PASS else EXPLORED),
            cost_nanousd=-(-cost_nanousd // len(order)),
        )
        for at, strategy in enumerate(strategies)
    ]
