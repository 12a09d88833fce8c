"""What the strategies have brought, as a fold of the verdicts: so every replica has the same, and nothing is counted twice.

Each pair says with which probability each strategy alone would have proposed it (p) and with which all of them together did (P).
Over all verdicts, whoever drew, the mean of (p ÷ P) · yield estimates without bias what the strategy would bring alone (inverse
propensity; Horvitz and Thompson, 1952). The interval is that of a mean, from the sums of the values and of their squares.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from pydantic import BaseModel, Field

from daydream_contracts.events import Decision, VerdictReached
from daydream_contracts.rpc import StrategyYield
from daydream_runtime.projection import Projection
from daydream_sampler.epoch import number_of
from daydream_sampler.features import NAMES, closeness_of
from daydream_sampler.regions import Region, region_of
from daydream_sampler.regression import Regression
from daydream_sampler.strategies.recheck import DiscardedPair

Z95 = 1.96
REGIONS_KEPT = 2000
DULL_MAX = 2000  # a copy is kept in a bucket whose values have at most 1 MB


class StrategyStats(BaseModel):
    """Of one strategy: the verdicts on its own draws, and sums of (p ÷ P) · yield over all verdicts."""

    draws: int = 0
    insights: int = 0
    cost_nanousd: int = 0
    weighted: float = 0.0
    weighted_squares: float = 0.0


class StrategyHistory(Projection):
    """The fold up to a place in the VERDICTS stream."""

    verdicts: int = 0
    strategies: dict[str, StrategyStats] = Field(default_factory=dict)
    gram: list[list[float]] = Field(default_factory=lambda: [[0.0] * len(NAMES) for _ in NAMES])
    moment: list[float] = Field(default_factory=lambda: [0.0] * len(NAMES))
    regions: dict[str, Region] = Field(default_factory=dict)
    dull: dict[int, DiscardedPair] = Field(default_factory=dict)

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        """Count a verdict, once: one at or before `sequence` was counted, and one that isn't final will be followed by another."""
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        pair = verdict.hypothesis.pair
        if not verdict.final or pair.canary or verdict.round > 1:  # judged anew it is no other draw
            return
        promoted = verdict.decision is Decision.PROMOTED
        self.verdicts += 1
        own = self.strategies.setdefault(pair.strategy, StrategyStats())
        own.draws += 1
        own.insights += promoted
        own.cost_nanousd += verdict.cost_nanousd
        for name, proposed in (pair.proposed or {pair.strategy: pair.draw_probability}).items():
            weight = proposed / pair.draw_probability * promoted
            brought = self.strategies.setdefault(name, StrategyStats())
            brought.weighted += weight
            brought.weighted_squares += weight**2
        self._note_dull(verdict)
        if len(pair.features) == len(NAMES):
            regression, known = self.regression(), np.array(pair.features)
            region = region_of(pair.first.domain, pair.second.domain, closeness_of(pair.features))
            self._count_region(region, promoted - float(known @ regression.posterior()[0]))
            regression.add(known, float(promoted))
            self.gram, self.moment = regression.gram.tolist(), regression.moment.tolist()

    @property
    def rate(self) -> float:
        """Promoted verdicts among all."""
        return sum(one.insights for one in self.strategies.values()) / max(1, self.verdicts)

    def _count_region(self, name: str, surprise: float) -> None:
        """Count a verdict for its region; of too many regions the least drawn one goes."""
        if not name:
            return
        one = self.regions.get(name, Region())
        self.regions[name] = Region(verdicts=one.verdicts + 1, surprise=one.surprise + surprise)
        if len(self.regions) > REGIONS_KEPT:
            self.regions.pop(min(self.regions, key=lambda key: (self.regions[key].verdicts, key)))

    def _note_dull(self, verdict: VerdictReached) -> None:
        """Remember the pair if it was judged and found dull: the last ones, each with its last verdict."""
        pair = verdict.hypothesis.pair
        number = number_of(pair.first.ordinal, pair.second.ordinal)
        self.dull.pop(number, None)
        if verdict.decision is Decision.DISCARDED and verdict.judgements:
            models = sorted(
                {
                    *(call.model for call in verdict.hypothesis.calls),
                    *(judgement.model for judgement in verdict.judgements),
                }
            )
            self.dull[number] = DiscardedPair(
                number=number,
                epoch=pair.epoch,
                at=verdict.reached_at,
                models=tuple(models),
                facts=pair.facts,
            )
        if len(self.dull) > DULL_MAX:
            self.dull.pop(next(iter(self.dull)))

    def regression(self) -> Regression:
        """What the verdicts say of the features."""
        return Regression(np.array(self.gram), np.array(self.moment))

    def of(self, name: str, share: float) -> StrategyYield:
        """What a strategy has brought, for people."""
        one, count = self.strategies.get(name, StrategyStats()), self.verdicts
        found = StrategyYield(
            strategy=name,
            share=share,
            draws=one.draws,
            insights=one.insights,
            cost_nanousd=one.cost_nanousd,
        )
        if count < 2:
            return found
        mean = one.weighted / count
        error = Z95 * sqrt(max(0.0, one.weighted_squares / count - mean**2) / count)
        return found.model_copy(
            update={"insights_per_draw": mean, "low": max(0.0, mean - error), "high": mean + error}
        )
