"""Choose which of several models writes: Thompson sampling by insights per dollar, with a floor.

A bandit: each model is an arm, and an insight is the reward. The insights of a writer are Poisson
with rate · dollars of its whole daydreams. The rate has a Gamma prior as strong as `PRIOR_INSIGHTS`
insights around the mean of all writers. (The sampler's portfolio learns the shares of its
strategies by the same model.) Each hypothesis draws once from the posteriors, and the writer with
the highest rate writes it. The hypothesis seeds the draw, so the same history gives the same
writer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import BaseModel, Field

from daydream_contracts.events import NANOUSD_PER_USD, Decision, VerdictReached
from daydream_models.promotion_rule import rule_of
from daydream_runtime.verdict_projection import Projection

PRIOR_INSIGHTS = 2.0
HYPOTHESES_MAX = 2000  # of one writer; above it counts are halved: models and memory change
SHARE_DRAWS = 400


class WriterStats(BaseModel):
    """The record of one writer."""

    hypotheses: int = 0
    promoted: int = 0
    cost_nanousd: int = 0

    def halved(self) -> WriterStats:
        """Return these numbers, halved."""
        return WriterStats(
            hypotheses=self.hypotheses // 2,
            promoted=self.promoted // 2,
            cost_nanousd=self.cost_nanousd // 2,
        )


class WriterHistory(Projection):
    """The projection of VERDICTS: the record of each writer under the rule in force.

    Another rule promotes another share, so the records begin again with it, for the choice and for
    the report alike. Only first-round, final verdicts count that are no canary and name their
    writer.
    """

    writers: dict[str, WriterStats] = Field(default_factory=dict)
    rule: str = Field(default="", description="what promotes now")

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        """Count a verdict. A sequence that was counted before has no effect."""
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        proposed = verdict.hypothesis
        if not verdict.final or proposed.pair.canary or verdict.round > 1 or not proposed.writer:
            return
        self._note_rule(rule_of(verdict))
        stats = self.writers.setdefault(proposed.writer, WriterStats())
        stats.hypotheses += 1
        stats.promoted += verdict.decision is Decision.PROMOTED
        stats.cost_nanousd += verdict.cost_nanousd
        if stats.hypotheses > HYPOTHESES_MAX:
            self.writers[proposed.writer] = stats.halved()

    def _note_rule(self, rule: str) -> None:
        """Begin new records when another rule promotes: it promotes another share."""
        if rule and self.rule and rule != self.rule:
            self.writers = {}
        self.rule = rule or self.rule

    def of(self, writer: str) -> WriterStats:
        """Return the record of a writer; an empty one for a new writer."""
        return self.writers.get(writer, WriterStats())


def choose(names: Sequence[str], history: WriterHistory, *, floor: float, seed: str) -> str:
    """Return the name of the writer. With probability `floor` all are equally likely."""
    rng = random.Random(seed)
    if len(names) == 1 or rng.random() < floor:
        return rng.choice(names)
    records = [history.of(name) for name in names]
    exposures = _exposures(records)
    mean = (sum(stats.promoted for stats in records) + 0.5) / (sum(exposures) + 1)
    rates = [
        rng.gammavariate(stats.promoted + PRIOR_INSIGHTS, 1 / (exposure + PRIOR_INSIGHTS / mean))
        for stats, exposure in zip(records, exposures, strict=True)
    ]
    return names[max(range(len(names)), key=rates.__getitem__)]


def shares(names: Sequence[str], history: WriterHistory, *, floor: float) -> dict[str, float]:
    """Return each writer's probability of being next, estimated from `SHARE_DRAWS` draws."""
    draws = [
        choose(names, history, floor=floor, seed=f"share {draw}") for draw in range(SHARE_DRAWS)
    ]
    return {name: draws.count(name) / SHARE_DRAWS for name in names}


def _exposures(records: Sequence[WriterStats]) -> list[float]:
    """Return the spend of each writer, in units of the mean cost of a hypothesis.

    Where nothing costs anything, it is the number of hypotheses.
    """
    hypotheses = sum(stats.hypotheses for stats in records)
    usd = sum(stats.cost_nanousd for stats in records) / NANOUSD_PER_USD
    if not usd:
        return [float(stats.hypotheses) for stats in records]
    return [stats.cost_nanousd / NANOUSD_PER_USD * hypotheses / usd for stats in records]
