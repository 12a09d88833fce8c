"""Turn an evaluation that ended into the message that is published."""

from __future__ import annotations

from datetime import UTC, datetime

from daydream_contracts.events import (
    CandidateNominated,
    Decision,
    VerdictReached,
    verdict_id_of,
)
from daydream_critic.history.critic_history import ROLE
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_models.stage_plans import ORACLE


def verdict_or_nomination(evaluation: Evaluation) -> VerdictReached | CandidateNominated:
    """Return the verdict, or a nomination of what would be promoted if the pair pays for the
    oracle.

    A nomination holds the verdict as deferred and not final.
    """
    verdict = verdict_of(evaluation)
    if verdict.decision is not Decision.PROMOTED or ORACLE not in evaluation.proposed.pair.stages:
        return verdict
    deferred = verdict.model_copy(update={"decision": Decision.DEFERRED, "final": False})
    return CandidateNominated(verdict=deferred)


def verdict_of(evaluation: Evaluation) -> VerdictReached:
    """Return the verdict. Its id is derived from the hypothesis, the role and the round.

    Raise ValueError if the evaluation has not ended.
    """
    proposed, outcome, calls = evaluation.proposed, evaluation.outcome, evaluation.calls
    if outcome is None:
        raise ValueError("the evaluation has not ended")
    # In later rounds the synthesis is not counted again: it was in the cost of the first verdict.
    paid = (*proposed.calls, *calls) if proposed.round == 1 else calls
    return VerdictReached(
        verdict_id=verdict_id_of(proposed.hypothesis_id, ROLE, proposed.round),
        hypothesis=proposed,
        role=ROLE,
        round=proposed.round,
        decision=outcome.decision,
        reason=outcome.reason,
        explanation=outcome.explanation,
        final=True,
        judgements=evaluation.judgements,
        score=evaluation.score,
        spread=evaluation.spread,
        aggregation=evaluation.aggregation,
        comparisons=evaluation.comparisons,
        nearest=outcome.nearest,
        calls=calls,
        cost_nanousd=sum(call.cost_nanousd for call in paid),
        saved_nanousd=sum(call.saved_nanousd for call in paid),
        reached_at=datetime.now(UTC),
    )
