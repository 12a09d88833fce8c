"""What the answers about one hypothesis are weighed by, fixed when its evaluation begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import Aggregation, Judgement, Rule, Vote
from daydream_critic.history.records import scores_by_judge
from daydream_critic.pipeline.judges.interface import Judge
from daydream_critic.stats.aggregation import AggregationModel, Calls
from daydream_critic.stats.score_ranks import ScoreRanks
from daydream_critic.stats.sequential_plan import SequentialPlan


@dataclass(frozen=True)
class DecisionContext:
    """The judges that may be asked, what is known of them, and the promotion threshold.

    `ranks` are in the order of `judges`. Between `undecided_from` and `undecided_to` a hypothesis
    is too near the threshold to be decided without comparisons.
    """

    judges: Sequence[Judge]
    ranks: Sequence[ScoreRanks]
    sequential_plan: SequentialPlan
    rule: Rule
    prior: float
    threshold: float
    undecided_from: float
    undecided_to: float

    @property
    def model(self) -> AggregationModel:
        """Return what is known of the judges together."""
        return self.sequential_plan.model

    def calls(self, judgements: Sequence[Judgement]) -> Calls:
        """Return how many scores each judge gave."""
        scores = scores_by_judge(judgements)
        return tuple(len(scores.get(judge.name, ())) for judge in self.judges)

    def values(self, judgements: Sequence[Judgement]) -> NDArray[np.float64]:
        """Return the mean deviate of each judge's scores, shape (judges,)."""
        scores = scores_by_judge(judgements)
        return np.array(
            [
                np.mean([ranks.of_score(score) for score in scores.get(judge.name, [0.0])])
                for judge, ranks in zip(self.judges, self.ranks, strict=True)
            ]
        )

    def log_odds(self, judgements: Sequence[Judgement]) -> float:
        """Return the log-odds of a hit after these judgements."""
        return self.model.log_odds(self.values(judgements), self.calls(judgements), self.prior)

    def aggregate(self, judgements: Sequence[Judgement]) -> Aggregation:
        """Return the log-odds with the votes that they come from."""
        return Aggregation(
            rule=self.rule,
            log_odds=self.log_odds(judgements),
            prior=self.prior,
            deflection=self.model.weigh(self.calls(judgements)).deflection,
            threshold=self.threshold,
            undecided_from=self.undecided_from,
            undecided_to=self.undecided_to,
            votes=self._votes(judgements),
        )

    def _votes(self, judgements: Sequence[Judgement]) -> tuple[Vote, ...]:
        calls, values = self.calls(judgements), self.values(judgements)
        weights = self.model.weigh(calls).weights
        return tuple(
            Vote(
                judge=judge.name,
                calls=calls[index],
                value=float(values[index]),
                weight=float(weights[index]),
                base=float(self.model.base[index]),
                scale=float(self.model.scale[index]),
            )
            for index, judge in enumerate(self.judges)
            if calls[index]
        )
