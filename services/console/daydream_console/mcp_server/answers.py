"""What the tools of the MCP server answer: short objects that a model can read.

Texts come from documents and models. They are data: a client must not follow what they say.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from daydream_console.reviews import describe_review
from daydream_contracts.rpc import AncestryNode, InsightDetail, InsightSummary, SourceFact

NANOUSD_PER_USD = 1_000_000_000


class FactAnswer(BaseModel):
    """A fact with its source."""

    fact_id: str
    text: str
    source: str


class InsightAnswer(BaseModel):
    """An insight with what speaks for it, what it comes from, and what it cost."""

    insight_id: str
    verdict_id: str
    title: str
    hypothesis: str
    reasoning: str
    to_test: str
    if_false: str
    state: str
    reached_at: datetime
    worth: float | None = Field(description="probability of a hit, 0 to 1; null: not calibrated")
    score: float | None = Field(description="mean score of the judges, 1 to 10")
    kind: str
    strategy: str
    facts: list[FactAnswer]
    cost_usd: float


class InsightsAnswer(BaseModel):
    """A page of insights. `total`: how many match in all."""

    total: int
    insights: list[InsightAnswer]


class RelativeAnswer(BaseModel):
    """An ancestor (level below 0) or a descendant (above 0) of an insight."""

    fact_id: str
    title: str
    level: int
    source: str


class InsightDetailAnswer(InsightAnswer):
    """One insight with its judges, oracle, nearest match, ancestry and reviews."""

    decision: str
    explanation: str
    judges: list[str]
    oracle: list[str]
    nearest_match: str
    relatives: list[RelativeAnswer]
    reviews: list[str]
    outcomes: list[str]


class HitAnswer(FactAnswer):
    """A fact or insight that is close to a text."""

    kind: str
    similarity: float


class StatusAnswer(BaseModel):
    """What the system is doing, and why it stands still if it does."""

    diagnosis: str
    fix: str
    facts: int | None
    insights: int | None
    waiting_for_review: int | None
    spent_usd: float | None
    limits: list[str]
    dead_letters: int


def insight_answer(insight: InsightSummary) -> InsightAnswer:
    """Return an insight as an answer."""
    return InsightAnswer(
        insight_id=insight.insight_id,
        verdict_id=insight.verdict_id,
        title=insight.title,
        hypothesis=insight.hypothesis,
        reasoning=insight.reasoning,
        to_test=insight.implication,
        if_false=insight.if_false,
        state=insight.state.value,
        reached_at=insight.reached_at,
        worth=insight.worth,
        score=insight.score,
        kind=insight.kind.value if insight.kind else "",
        strategy=insight.strategy,
        facts=[_fact(fact) for fact in (insight.first, insight.second)],
        cost_usd=insight.cost_nanousd / NANOUSD_PER_USD,
    )


def detail_answer(detail: InsightDetail) -> InsightDetailAnswer:
    """Return an insight in full as an answer."""
    verdict, nearest = detail.verdict, detail.verdict.nearest
    attempts = verdict.examination.attempts if verdict.examination else ()
    return InsightDetailAnswer(
        **insight_answer(detail.summary).model_dump(),
        decision=verdict.decision.value,
        explanation=verdict.explanation,
        judges=[
            f"{judgement.judge}: {judgement.justification}" for judgement in verdict.judgements
        ],
        oracle=[f"{attempt.model}: {attempt.case}" for attempt in attempts],
        nearest_match=f"{nearest.similarity:.2f} {nearest.text}" if nearest else "",
        relatives=[_relative(node) for node in detail.ancestry.nodes if node.level],
        reviews=[
            f"{review.who} {describe_review(review)}: {review.note}" for review in detail.reviews
        ],
        outcomes=[
            f"{outcome.result.value} by {outcome.who}: {outcome.note}"
            for outcome in detail.outcomes
        ],
    )


def _fact(fact: SourceFact) -> FactAnswer:
    source = " · ".join(filter(None, (fact.title, fact.source)))
    return FactAnswer(fact_id=fact.fact_id, text=fact.text, source=source)


def _relative(node: AncestryNode) -> RelativeAnswer:
    return RelativeAnswer(
        fact_id=node.fact_id, title=node.title, level=node.level, source=node.source
    )
