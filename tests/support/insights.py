"""Verdicts and promotions for tests of the console."""

from __future__ import annotations

from datetime import datetime

from daydream_contracts.events import (
    Aggregation,
    Decision,
    Fact,
    FactKind,
    InsightPromoted,
    Judgement,
    LinkKind,
    Scores,
    VerdictReached,
    Vote,
    derive_id,
    insight_id_of,
    verdict_id_of,
)
from support.message_builders import AT, SYNTHESIS, hypothesis

JUDGEMENT = Judgement(
    judge="first",
    model="priced-1",
    justification="It is new and can be tested.",
    scores=Scores(novelty=7, coherence=6, usefulness=8),
)
VOTE = Vote(judge="first", calls=1, value=0.9, weight=1.2, base=0.1)


def verdict(
    number: int,
    *,
    title: str = SYNTHESIS.title,
    decision: Decision = Decision.PROMOTED,
    score: float | None = 7.0,
    log_odds: float | None = None,
    kind: LinkKind = LinkKind.ANALOGY,
    strategy: str = "uniform",
    team: str = "",
    depth: int = 0,
    first: Fact | None = None,
    second: Fact | None = None,
    at: datetime = AT,
) -> VerdictReached:
    """Return a final verdict. `depth` is that of its deeper fact."""
    proposed = hypothesis(number, SYNTHESIS.model_copy(update={"title": title, "link": kind}))
    pair = proposed.pair
    pair = pair.model_copy(
        update={
            "strategy": strategy,
            "first": first or pair.first.model_copy(update={"team": team, "depth": depth}),
            "second": second or pair.second,
        }
    )
    aggregation = Aggregation(rule="quota", log_odds=log_odds, threshold=0.5, votes=(VOTE,))
    return VerdictReached(
        verdict_id=verdict_id_of(proposed.hypothesis_id, "judge", 1),
        hypothesis=proposed.model_copy(update={"pair": pair}),
        role="judge",
        round=1,
        decision=decision,
        reason="threshold",
        explanation="It is above the promotion threshold.",
        final=True,
        judgements=(JUDGEMENT,),
        score=score,
        aggregation=None if log_odds is None else aggregation,
        cost_nanousd=1_000_000,
        reached_at=at,
    )


def insight_fact(verdict: VerdictReached) -> Fact:
    """Return the fact that a promoted hypothesis becomes."""
    synthesis = verdict.hypothesis.synthesis
    assert synthesis is not None
    return Fact(
        fact_id=insight_id_of(verdict.hypothesis.hypothesis_id),
        ordinal=10_000,
        text=synthesis.hypothesis,
        title=synthesis.title,
        source=f"daydream {verdict.verdict_id}",
        kind=FactKind.INSIGHT,
        depth=1,
    )


def promotion(verdict: VerdictReached) -> InsightPromoted:
    """Return the event by which the memory tells of a new insight."""
    fact = insight_fact(verdict)
    return InsightPromoted(
        insight_id=fact.fact_id,
        fact=fact,
        verdict=verdict,
        ancestry=(derive_id("ancestor"),),
        promoted_at=verdict.reached_at,
    )
