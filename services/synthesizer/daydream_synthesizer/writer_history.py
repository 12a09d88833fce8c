"""Which of several models writes: Thompson sampling by insights per dollar, with a floor.

A writer's insights are Poisson with rate · dollars of its whole daydreams; the rate has a Gamma prior as strong as `PRIOR_INSIGHTS` insights around the
mean of all (the sampler's portfolio learns its strategies' shares by the same model). Each hypothesis draws once from the posteriors, and the writer whose
rate is the highest writes it. The draw is seeded with the hypothesis, so the same knowledge gives the same writer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import BaseModel, Field

from daydream_contracts.events import NANOUSD_PER_USD, Decision, VerdictReached
from daydream_runtime.projection import Projection

PRIOR_INSIGHTS = 2.0
COUNT_MAX = (
    2000  # hypotheses of a writer; beyond them half is forgotten, for models and memory change
)
SHARE_DRAWS = 400


class WriterStats(BaseModel):
    """What one writer has brought."""

    hypotheses: int = 0
    promoted: int = 0
    cost_nanousd: int = 0


class WriterHistory(Projection):
    """The fold of the VERDICTS stream."""

    writers: dict[str, WriterStats] = Field(default_factory=dict)

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        proposed = verdict.hypothesis
        if not verdict.final or proposed.pair.canary or verdict.round > 1 or not proposed.writer:
            return
        one = self.writers.setdefault(proposed.writer, WriterStats())
        one.hypotheses += 1
        one.promoted += verdict.decision is Decision.PROMOTED
        one.cost_nanousd += verdict.cost_nanousd
        if one.hypotheses > COUNT_MAX:
            half = {name: value // 2 for name, value in one.model_dump().items()}
            self.writers[proposed.writer] = WriterStats(**half)

    def of(self, writer: str) -> WriterStats:
        """What a writer has brought; nothing yet for a new one."""
        return self.writers.get(writer, WriterStats())


def choose(names: Sequence[str], yields: WriterHistory, *, floor: float, seed: str) -> str:
    """Who writes."""
    chance = random.Random(seed)
    if len(names) == 1 or chance.random() < floor:
        return chance.choice(names)
    tried = [yields.of(name) for name in names]
    exposure = _exposure(tried)
    mean = (sum(one.promoted for one in tried) + 0.5) / (sum(exposure) + 1)
    rates = [
        chance.gammavariate(one.promoted + PRIOR_INSIGHTS, 1 / (spent + PRIOR_INSIGHTS / mean))
        for one, spent in zip(tried, exposure, strict=True)
    ]
    return names[max(range(len(names)), key=rates.__getitem__)]


def shares(names: Sequence[str], yields: WriterHistory, *, floor: float) -> dict[str, float]:
    """With which probability each writes next, from so many draws."""
    drawn = [choose(names, yields, floor=floor, seed=f"share {at}") for at in range(SHARE_DRAWS)]
    return {name: drawn.count(name) / SHARE_DRAWS for name in names}


def _exposure(tried: Sequence[WriterStats]) -> list[float]:
    """What each has spent, in units of what a hypothesis of any costs; where nothing costs anything, hypotheses are what is spent."""
    hypotheses, dollars = (
        sum(one.hypotheses for one in tried),
        sum(one.cost_nanousd for one in tried) / NANOUSD_PER_USD,
    )
    if not dollars:
        return [float(one.hypotheses) for one in tried]
    return [one.cost_nanousd / NANOUSD_PER_USD * hypotheses / dollars for one in tried]
