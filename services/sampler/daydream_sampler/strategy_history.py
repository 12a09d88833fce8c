"""What each strategy has found, as a projection of the VERDICTS stream.

Every replica has the same history, and nothing is counted twice. Each pair says with which
probability each strategy alone would have proposed it (p) and with which all of them together did
(P). Over all verdicts, whichever strategy drew, the mean of (p ÷ P) · yield estimates without bias
what the strategy would find alone (inverse propensity; Horvitz and Thompson, 1952). The interval is
that of a mean, from the sums of the values and of their squares.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from pydantic import BaseModel, Field

from daydream_contracts.events import Decision, VerdictReached
from daydream_contracts.rpc import StrategyYield
from daydream_runtime.verdict_projection import Projection
from daydream_sampler.pair_features import NAMES, closeness_of
from daydream_sampler.pair_numbers import pair_number
from daydream_sampler.regions import Region, region_of
from daydream_sampler.regression import Regression
from daydream_sampler.strategies.recheck import DiscardedPair

Z95 = 1.96
REGIONS_KEPT = 2000
DISCARDED_MAX = 2000  # a copy is stored in a bucket whose values have at most 1 MB


class StrategyStats(BaseModel):
    """The verdicts on a strategy's own draws, and sums of (p ÷ P) · yield over all verdicts."""

    draws: int = 0
    insights: int = 0
    cost_nanousd: int = 0
    weighted: float = 0.0
    weighted_squares: float = 0.0


class StrategyHistory(Projection):
    """The projection up to a position in the VERDICTS stream."""

    verdicts: int = 0
    strategies: dict[str, StrategyStats] = Field(default_factory=dict)
    gram: list[list[float]] = Field(default_factory=lambda: [[0.0] * len(NAMES) for _ in NAMES])
    moment: list[float] = Field(default_factory=lambda: [0.0] * len(NAMES))
    regions: dict[str, Region] = Field(default_factory=dict)
    discarded: dict[int, DiscardedPair] = Field(default_factory=dict)

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        """Count a verdict once. Skip one that is not final: another one will follow it."""
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        pair = verdict.hypothesis.pair
        if not verdict.final or pair.canary or verdict.round > 1:  # a rejudged pair is no new draw
            return
        self.verdicts += 1
        self._count_strategies(verdict)
        self._note_discarded(verdict)
        if len(pair.features) == len(NAMES):
            self._learn(verdict)

    @property
    def rate(self) -> float:
        """The share of verdicts that are promoted."""
        return sum(row.insights for row in self.strategies.values()) / max(1, self.verdicts)

    def _count_strategies(self, verdict: VerdictReached) -> None:
        pair = verdict.hypothesis.pair
        promoted = verdict.decision is Decision.PROMOTED
        own = self.strategies.setdefault(pair.strategy, StrategyStats())
        own.draws += 1
        own.insights += promoted
        own.cost_nanousd += verdict.cost_nanousd
        for name, proposed in (pair.proposed or {pair.strategy: pair.draw_probability}).items():
            weight = proposed / pair.draw_probability * promoted
            stats = self.strategies.setdefault(name, StrategyStats())
            stats.weighted += weight
            stats.weighted_squares += weight**2

    def _learn(self, verdict: VerdictReached) -> None:
        pair = verdict.hypothesis.pair
        promoted = float(verdict.decision is Decision.PROMOTED)
        regression, row = self.regression(), np.array(pair.features)
        region = region_of(pair.first.domain, pair.second.domain, closeness_of(pair.features))
        self._count_region(region, promoted - float(row @ regression.posterior()[0]))
        regression.add(row, promoted)
        self.gram, self.moment = regression.gram.tolist(), regression.moment.tolist()

    def _count_region(self, name: str, surprise: float) -> None:
        """Count a verdict for its region. Forget the region with the fewest of too many."""
        if not name:
            return
        region = self.regions.get(name, Region())
        self.regions[name] = Region(
            verdicts=region.verdicts + 1, surprise=region.surprise + surprise
        )
        if len(self.regions) > REGIONS_KEPT:
            self.regions.pop(min(self.regions, key=lambda key: (self.regions[key].verdicts, key)))

    def _note_discarded(self, verdict: VerdictReached) -> None:
        """Remember the pair if it was judged and discarded. Keep the latest pairs."""
        pair = verdict.hypothesis.pair
        number = pair_number(pair.first.ordinal, pair.second.ordinal)
        self.discarded.pop(number, None)
        if verdict.decision is Decision.DISCARDED and verdict.judgements:
            writers = {call.model for call in verdict.hypothesis.calls}
            judges = {judgement.model for judgement in verdict.judgements}
            self.discarded[number] = DiscardedPair(
                number=number,
                epoch=pair.epoch,
                at=verdict.reached_at,
                models=tuple(sorted(writers | judges)),
                facts=pair.facts,
            )
        if len(self.discarded) > DISCARDED_MAX:
            self.discarded.pop(next(iter(self.discarded)))

    def regression(self) -> Regression:
        """Return what the verdicts say of the features."""
        return Regression(np.array(self.gram), np.array(self.moment))

    def report(self, name: str, share: float) -> StrategyYield:
        """Return what a strategy has found, for people."""
        stats, count = self.strategies.get(name, StrategyStats()), self.verdicts
        report = StrategyYield(
            strategy=name,
            share=share,
            draws=stats.draws,
            insights=stats.insights,
            cost_nanousd=stats.cost_nanousd,
        )
        if count < 2:
            return report
        mean = stats.weighted / count
        error = Z95 * sqrt(max(0.0, stats.weighted_squares / count - mean**2) / count)
        return report.model_copy(
            update={"insights_per_draw": mean, "low": max(0.0, mean - error), "high": mean + error}
        )
