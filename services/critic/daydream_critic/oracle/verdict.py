"""Turn an examination into the verdict that replaces the judges' deferred one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from daydream_contracts.events import (
    Decision,
    Examination,
    ModelCall,
    NearestMatch,
    Statement,
    VerdictReached,
    verdict_id_of,
)
from daydream_critic.oracle.single_fact import SOURCE as SINGLE_FACT
from daydream_critic.pipeline.outcome import Outcome
from daydream_models.stage_plans import ORACLE


def verdict_after(
    deferred: VerdictReached, examination: Examination, calls: tuple[ModelCall, ...]
) -> VerdictReached:
    """Return the judges' verdict with the oracle's outcome, examination and calls."""
    outcome = _outcome_of(examination, judges_reason=deferred.reason)
    hypothesis_id = deferred.hypothesis.hypothesis_id
    return deferred.model_copy(
        update={
            "verdict_id": verdict_id_of(hypothesis_id, ORACLE, deferred.round),
            "role": ORACLE,
            "decision": outcome.decision,
            "final": True,
            "reason": outcome.reason,
            "explanation": f"{outcome.explanation}; the judges: {deferred.explanation}",
            "nearest": outcome.nearest or deferred.nearest,
            "examination": examination,
            "calls": (*deferred.calls, *calls),
            "cost_nanousd": deferred.cost_nanousd + sum(call.cost_nanousd for call in calls),
            "saved_nanousd": deferred.saved_nanousd + sum(call.saved_nanousd for call in calls),
            "reached_at": datetime.now(UTC),
        }
    )


def _outcome_of(examination: Examination, judges_reason: str) -> Outcome:
    """Return the outcome. A promoted hypothesis keeps the judges' reason."""
    readable = [attempt for attempt in examination.attempts if attempt.holds is not None]
    if not readable:
        explanation = "no answer of the oracle was readable, also after one repair"
        return Outcome(Decision.DISCARDED, "oracle-unreadable", explanation)
    if any(attempt.holds for attempt in readable):
        explanation = f"the oracle could not refute it: {_without_full_stop(readable[-1].case)}"
        return Outcome(Decision.PROMOTED, judges_reason, explanation)
    for attempt in readable:
        if attempt.same_as is not None:
            return _outcome_of_same(attempt.same_as)
    explanation = f"the oracle refuted it: {_without_full_stop(readable[0].case)}"
    return Outcome(Decision.REFUTED, "refuted", explanation)


def _outcome_of_same(same: Statement) -> Outcome:
    """Return the outcome for a statement that says the same."""
    text = _without_full_stop(same.text)
    if same.kind == SINGLE_FACT:
        explanation = f"one of its facts alone suggests the same: {text}"
        return Outcome(Decision.REFUTED, "one-fact", explanation)
    explanation = f"known already, as the {same.kind} {same.id}: {text}"
    outcome = Outcome(Decision.REFUTED, "prior-art", explanation)
    if same.kind not in ("fact", "insight"):
        return outcome
    similarity = same.similarity or 0.0
    nearest = NearestMatch(kind=same.kind, id=same.id, text=same.text, similarity=similarity)
    return replace(outcome, nearest=nearest)


def _without_full_stop(text: str) -> str:
    return text.rstrip(". ")
