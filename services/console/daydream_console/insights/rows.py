"""Rows of the index: what a verdict becomes, and how a row becomes a summary again."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from daydream_console.insights.worth import judges_of, worth_of, worth_order
from daydream_contracts.events import Fact, OutcomeRecorded, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import InsightState, InsightSummary, JudgeOdds, SourceFact
from daydream_models.promotion_rule import rule_of

COLUMNS = (
    "hypothesis_id",
    "insight_id",
    "verdict_id",
    "round",
    "sequence",
    "drawn_at",
    "reached_at",
    "state",
    "active",
    "decision",
    "rule",
    "final",
    "score",
    "worth",
    "worth_order",
    "score_order",
    "kind",
    "strategy",
    "model",
    "cost_nanousd",
    "depth",
    "team",
    "first_id",
    "second_id",
    "pair_id",
    "reservation_id",
    "trace_id",
    "body",
)
SUMMARY_COLUMNS = (
    "verdict_id",
    "insight_id",
    "decision",
    "kind",
    "strategy",
    "model",
    "depth",
    "team",
    "worth",
    "score",
    "sequence",
)
JUDGES = TypeAdapter(tuple[JudgeOdds, ...])
NO_SCORE = -1.0


def row_of(
    verdict: VerdictReached, insight_id: str, sequence: int, trace_id: str
) -> dict[str, Any]:
    """Return the columns of a verdict. Its state is that of its decision until reviews are seen."""
    hypothesis, pair = verdict.hypothesis, verdict.hypothesis.pair
    synthesis = hypothesis.synthesis
    return {
        "hypothesis_id": hypothesis.hypothesis_id,
        "insight_id": insight_id,
        "verdict_id": verdict.verdict_id,
        "round": verdict.round,
        "sequence": sequence,
        "drawn_at": pair.drawn_at.timestamp(),
        "reached_at": verdict.reached_at.timestamp(),
        "state": verdict.decision.value,
        "active": False,
        "decision": verdict.decision.value,
        "rule": rule_of(verdict),
        "final": verdict.final,
        "score": verdict.score,
        "worth": worth_of(verdict),
        "worth_order": worth_order(verdict),
        "score_order": NO_SCORE if verdict.score is None else verdict.score,
        "kind": synthesis.link.value if synthesis else None,
        "strategy": pair.strategy,
        "model": _model(verdict),
        "cost_nanousd": verdict.cost_nanousd,
        "depth": 1 + max(pair.first.depth, pair.second.depth),
        "team": pair.first.team or pair.second.team,
        "first_id": pair.first.fact_id,
        "second_id": pair.second.fact_id,
        "pair_id": pair.pair_id,
        "reservation_id": pair.reservation_id or "",
        "trace_id": trace_id,
        "body": _body(verdict),
    }


def _model(verdict: VerdictReached) -> str:
    models = [call.model for call in verdict.hypothesis.calls]
    return models[-1] if models else verdict.hypothesis.writer


def _body(verdict: VerdictReached) -> str:
    synthesis = verdict.hypothesis.synthesis
    texts = synthesis.model_dump(mode="json", exclude={"link"}) if synthesis else {}
    return json.dumps(
        {
            **texts,
            "reached_at": verdict.reached_at.isoformat(),
            "reason": verdict.reason,
            "explanation": verdict.explanation,
            "spread": verdict.spread,
            "cost_nanousd": verdict.cost_nanousd,
            "judges": JUDGES.dump_python(judges_of(verdict), mode="json"),
        }
    )


def source_of(fact: Fact) -> SourceFact:
    """Return what the index stores of a fact."""
    return SourceFact(**fact.model_dump(include=set(SourceFact.model_fields)))


def words_of(verdict: VerdictReached) -> tuple[str, ...]:
    """Return the searched texts, in the order of the columns of the word index."""
    synthesis, pair = verdict.hypothesis.synthesis, verdict.hypothesis.pair
    facts = (pair.first, pair.second)
    fact_words = " ".join(f"{fact.title} {fact.source} {fact.text}" for fact in facts)
    if synthesis is None:
        return "", verdict.hypothesis.abstention or "", "", "", "", fact_words
    return (
        synthesis.title,
        synthesis.hypothesis,
        synthesis.reasoning,
        synthesis.implication,
        synthesis.if_false,
        fact_words,
    )


def summary_of(
    row: dict[str, Any], review: ReviewRecorded | None, outcome: OutcomeRecorded | None
) -> InsightSummary:
    """Return the summary of a row that is joined with the bodies of its two facts."""
    columns = {name: row[name] for name in SUMMARY_COLUMNS}
    return InsightSummary(
        **columns,
        **json.loads(row["body"]),
        state=InsightState(row["state"]),
        active=bool(row["active"]),
        first=SourceFact.model_validate_json(row["first_fact"]),
        second=SourceFact.model_validate_json(row["second_fact"]),
        review=review,
        outcome=outcome,
    )
