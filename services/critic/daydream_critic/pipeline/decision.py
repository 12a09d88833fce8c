"""Decide whether a judged hypothesis is promoted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from daydream_contracts.events import Aggregation, Decision
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.outcome import Outcome
from daydream_critic.settings import CriticSettings


async def aggregate(evaluation: Evaluation) -> Evaluation:
    """Add the aggregation of the judgements.

    Without a context the aggregation has no log-odds: scores are taken as they are.
    """
    if evaluation.context is None:
        return replace(evaluation, aggregation=Aggregation(rule="score"))
    return replace(evaluation, aggregation=evaluation.context.aggregate(evaluation.judgements))


@dataclass(frozen=True)
class PromotionRule:
    """Promotes by log-odds where there are any, else by the scores themselves."""

    settings: CriticSettings

    async def decide(self, evaluation: Evaluation) -> Evaluation:
        """End an evaluation that has an aggregation: promoted or discarded."""
        aggregation = evaluation.aggregation
        if aggregation is None:
            raise ValueError("the judgements are not aggregated yet")
        if evaluation.score is None:
            return evaluation.ended(_unjudged(evaluation))
        promoted, explanation = self._by_log_odds(evaluation, aggregation) or self._by_score(
            evaluation, evaluation.score
        )
        decision = Decision.PROMOTED if promoted else Decision.DISCARDED
        return evaluation.ended(
            Outcome(decision, aggregation.rule, explanation, evaluation.nearest)
        )

    def _by_log_odds(
        self, evaluation: Evaluation, aggregation: Aggregation
    ) -> tuple[bool, str] | None:
        log_odds, threshold = aggregation.log_odds, aggregation.threshold
        if log_odds is None or threshold is None:
            return None
        final = log_odds if aggregation.rating is None else aggregation.rating
        count = len(evaluation.comparisons)
        after = f" after {count} comparison{'' if count == 1 else 's'}" if count else ""
        if aggregation.rule == "quota":
            reason = f"which the best {self.settings.promote_quota:.0%} reach"
        else:
            reason = f"above which people accept {self.settings.target_precision:.0%}"
        return final > threshold, (
            f"log-odds {final:.2f}{after} (needed: {threshold:.2f}, {reason}),"
            f" mean score {evaluation.score:.1f}"
        )

    def _by_score(self, evaluation: Evaluation, score: float) -> tuple[bool, str]:
        lowest, needed = evaluation.lowest_score, self.settings.promote_score
        floor = self.settings.min_score
        return score >= needed and lowest >= floor, (
            f"mean score {score:.1f} (needed: {needed:g}), lowest score {lowest} (needed: {floor})"
        )


def _unjudged(evaluation: Evaluation) -> Outcome:
    """Return the outcome where no judge's answer has scores."""
    filters = [judgement.filtered for judgement in evaluation.judgements if judgement.filtered]
    reason = "filtered" if filters else "judge-unreadable"
    explanation = "no judge's answer was readable, also after one repair"
    if filters:
        explanation = f"the content filter of a judge's provider: {filters[0]}"
    return Outcome(Decision.DISCARDED, reason, explanation, evaluation.nearest)
