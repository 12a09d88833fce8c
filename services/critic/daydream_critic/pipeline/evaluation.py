"""The state of one hypothesis as it moves through the pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import numpy as np

from daydream_contracts.events import (
    Aggregation,
    Comparison,
    HypothesisProposed,
    Judgement,
    ModelCall,
    NearestMatch,
    Synthesis,
)
from daydream_contracts.rpc import NearestMatches
from daydream_critic.history.records import score_of, scores_by_judge
from daydream_critic.pipeline.decision_context import DecisionContext
from daydream_critic.pipeline.judges.interface import Opinion
from daydream_critic.pipeline.outcome import DecisionRecord, Outcome


@dataclass(frozen=True)
class Evaluation:
    """What is known of a hypothesis so far. Steps return changed copies.

    `record` is the decision of an earlier delivery. `matches` are similar known texts, None before
    the lookup. `context` is None if scores are taken as they are. The pipeline ends at the first
    step that sets `outcome`.
    """

    proposed: HypothesisProposed
    record: DecisionRecord | None = None
    matches: NearestMatches | None = None
    judgements: tuple[Judgement, ...] = ()
    calls: tuple[ModelCall, ...] = ()
    context: DecisionContext | None = None
    aggregation: Aggregation | None = None
    comparisons: tuple[Comparison, ...] = ()
    outcome: Outcome | None = None

    @property
    def synthesis(self) -> Synthesis:
        """Return the hypothesis itself. The first gates end every evaluation that has none."""
        if self.proposed.synthesis is None:
            raise ValueError("an abstention has no hypothesis")
        return self.proposed.synthesis

    @property
    def nearest(self) -> NearestMatch | None:
        """Return the most similar known text, or None if there is none or no lookup was made."""
        return None if self.matches is None else self.matches.nearest

    def with_opinion(self, opinion: Opinion) -> Evaluation:
        """Return a copy with one more judgement and its calls."""
        return replace(
            self,
            judgements=(*self.judgements, opinion.judgement),
            calls=(*self.calls, *opinion.calls),
        )

    def ended(self, outcome: Outcome | None) -> Evaluation:
        """Return a copy with this outcome."""
        return replace(self, outcome=outcome)

    @property
    def score(self) -> float | None:
        """Return the mean of all scores, 1 to 10, or None if no answer was readable."""
        scores = [score_of(judgement) for judgement in self.judgements]
        readable = [score for score in scores if score is not None]
        return sum(readable) / len(readable) if readable else None

    @property
    def spread(self) -> float | None:
        """Return the standard deviation of the judges' mean scores, or None for fewer than two."""
        means = [sum(scores) / len(scores) for scores in scores_by_judge(self.judgements).values()]
        return float(np.std(means, ddof=1)) if len(means) > 1 else None

    @property
    def lowest_score(self) -> int:
        """Return the lowest single score. Raise ValueError if no answer was readable."""
        return min(
            min(scores.novelty, scores.coherence, scores.usefulness)
            for judgement in self.judgements
            if (scores := judgement.scores) is not None
        )


Step = Callable[[Evaluation], Awaitable[Evaluation]]
