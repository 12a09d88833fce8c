"""What the judges said of a hypothesis, and how it is weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from daydream_contracts.events import Aggregation, Comparison, Judgement, ModelCall, Rule, Vote
from daydream_critic.history.records import means, score_of
from daydream_critic.stats.aggregation import Calls
from daydream_critic.stats.score_ranks import ScoreRanks
from daydream_critic.stats.sequential_plan import SequentialPlan


@dataclass
class Evaluation:
    """What the judges said of a hypothesis."""

    judgements: list[Judgement] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    comparisons: tuple[Comparison, ...] = ()

    @property
    def score(self) -> float | None:
        """The mean of all printed scores, 1 to 10; None where none could be read."""
        scores = [
            score for judgement in self.judgements if (score := score_of(judgement)) is not None
        ]
        return sum(scores) / len(scores) if scores else None

    @property
    def spread(self) -> float | None:
        """How far the judges are apart: the standard deviation of their mean scores; None where fewer than two gave any."""
        judges = [sum(scores) / len(scores) for scores in means(self.judgements).values()]
        return float(np.std(judges, ddof=1)) if len(judges) > 1 else None

    @property
    def least(self) -> int:
        """The lowest single score."""
        given = [judgement.scores for judgement in self.judgements if judgement.scores is not None]
        return min(min(one.novelty, one.coherence, one.usefulness) for one in given)


@dataclass
class DecisionContext:
    """The judges that may be asked about a hypothesis, and what their answers are weighed by."""

    names: Sequence[str]
    ranks: Sequence[ScoreRanks]
    cascade: SequentialPlan
    rule: Rule
    prior: float
    line: float
    deferred_from: float
    deferred_to: float

    def calls(self, hearing: Evaluation) -> Calls:
        """How often each has given a score."""
        scores = means(hearing.judgements)
        return tuple(len(scores.get(name, ())) for name in self.names)

    def next(self, hearing: Evaluation) -> int | None:
        """Whose answer is worth its price; None: nobody's."""
        log_odds = self.aggregation(hearing).log_odds
        assert log_odds is not None
        return self.cascade.next(self.calls(hearing), log_odds, self.line)

    def aggregation(self, hearing: Evaluation) -> Aggregation:
        """What was said, weighed."""
        scores, calls = means(hearing.judgements), self.calls(hearing)
        values = np.array(
            [
                np.mean([rank.of_score(score) for score in scores.get(name, [0.0])])
                for name, rank in zip(self.names, self.ranks, strict=True)
            ]
        )
        panel = self.cascade.panel
        evidence = panel.evidence(calls)
        votes = tuple(
            Vote(
                judge=name,
                calls=count,
                value=float(value),
                weight=float(weight),
                base=float(base),
                scale=float(scale),
            )
            for name, count, value, weight, base, scale in zip(
                self.names, calls, values, evidence.weights, panel.base, panel.scale, strict=True
            )
            if count
        )
        return Aggregation(
            rule=self.rule,
            log_odds=panel.log_odds(values, calls, self.prior),
            prior=self.prior,
            deflection=evidence.deflection,
            threshold=self.line,
            deferred_from=self.deferred_from,
            deferred_to=self.deferred_to,
            votes=votes,
        )


def is_deferred(aggregation: Aggregation) -> bool:
    """Whether it lies too near the line to be decided."""
    bounds = (aggregation.deferred_from, aggregation.log_odds, aggregation.deferred_to)
    low, at, high = bounds
    return low is not None and at is not None and high is not None and low < at <= high
