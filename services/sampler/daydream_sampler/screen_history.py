"""What verdicts say of ranks: a part of the strategy history."""

from __future__ import annotations

from pydantic import BaseModel, Field

from daydream_contracts.events import ScreenRank
from daydream_sampler.screen_policy import QUARTERS


class ScreenStats(BaseModel):
    """Verdicts on ranked pairs by quarter, each weighted by 1 ÷ its probability of passing."""

    ranked: list[float] = Field(default_factory=lambda: [0.0] * QUARTERS)
    insights: list[float] = Field(default_factory=lambda: [0.0] * QUARTERS)
    cost_nanousd: float = 0.0

    def add(self, rank: ScreenRank, *, promoted: bool) -> None:
        """Count a verdict on a ranked pair."""
        weight = 1 / rank.pass_probability
        self.ranked[rank.quarter] += weight
        self.insights[rank.quarter] += weight * promoted
        self.cost_nanousd += weight * rank.cost_nanousd

    @property
    def nanousd_per_pair(self) -> float:
        """What the rank of a pair costs."""
        return self.cost_nanousd / max(1.0, sum(self.ranked))
