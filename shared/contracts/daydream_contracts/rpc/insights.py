"""Requests to the console for insights and verdicts, and its replies. Money is in nano-dollars."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from daydream_contracts.events import (
    ContractModel,
    Decision,
    FactKind,
    LinkKind,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
)

WORDS_CHARS_MAX = 500
INSIGHTS_MAX = 200  # a page must fit into one NATS message of 1 MB
FILTER_VALUES_MAX = 100
DEPTH_MAX = 1000
InsightSort = Literal["worth", "date", "score"]
FilterName = Annotated[str, Field(min_length=1, max_length=200)]
FilterNames = Annotated[tuple[FilterName, ...], Field(max_length=FILTER_VALUES_MAX)]


class InsightState(StrEnum):
    """Name what became of a hypothesis.

    `active`: it is a fact in use. `pending`: promoted, and waiting for a review or for the memory.
    `rejected`: the last review rejected it. `retracted`: it is a fact, and hidden.
    The others are decisions.
    """

    ACTIVE = "active"
    PENDING = "pending"
    REJECTED = "rejected"
    RETRACTED = "retracted"
    DISCARDED = "discarded"
    DUPLICATE = "duplicate"
    ABSTAINED = "abstained"
    REFUTED = "refuted"


class InsightQuery(ContractModel):
    """Find hypotheses that have a verdict: by default the insights, best first.

    An empty filter matches everything. `insight_ids` names verdicts, facts, hypotheses,
    pairs, reservations or traces.
    """

    since: AwareDatetime | None = Field(default=None, description="verdicts at or after this time")
    until: AwareDatetime | None = Field(default=None, description="verdicts before this time")
    words: str = Field(default="", max_length=WORDS_CHARS_MAX, description="all of these words")
    kinds: Annotated[tuple[LinkKind, ...], Field(max_length=FILTER_VALUES_MAX)] = ()
    strategies: FilterNames = ()
    models: FilterNames = Field(default=(), description="models that wrote the hypothesis")
    teams: FilterNames = ()
    depth: int | None = Field(
        default=None, ge=0, le=DEPTH_MAX, description="1: from documents alone; 2: from an insight"
    )
    reviewed: bool | None = None
    min_score: float | None = Field(default=None, ge=0, le=10, allow_inf_nan=False)
    min_worth: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    states: Annotated[tuple[InsightState, ...], Field(max_length=FILTER_VALUES_MAX)] = (
        InsightState.ACTIVE,
        InsightState.PENDING,
    )
    insight_ids: FilterNames = ()
    sort: InsightSort = "worth"
    descending: bool = True
    cursor: str = Field(default="", max_length=200, description="`next_cursor` of the last page")
    limit: int = Field(default=50, ge=1, le=INSIGHTS_MAX)


class SourceFact(ContractModel):
    """One of the two facts of an insight, with its passage and source."""

    fact_id: str
    text: str
    title: str = ""
    source: str = ""
    kind: FactKind = FactKind.DOCUMENT
    depth: int = 0
    position: int = 0


class JudgeOdds(ContractModel):
    """A judge's part in a verdict. `log_odds`: what its vote adds to the log-odds of a hit."""

    judge: str
    model: str = ""
    score: float | None = Field(default=None, description="mean of its scores, 1–10")
    log_odds: float | None = None


class InsightSummary(ContractModel):
    """A hypothesis with its last verdict, as a list shows it.

    `worth` is the probability of a hit: from the log-odds after comparisons, or before them. None
    while the judges have no history. `sequence` is that of the verdict in its stream; 0: it has
    left the stream.
    """

    verdict_id: str
    insight_id: str = Field(description="id of the fact that it is, or would become")
    state: InsightState
    active: bool = Field(description="whether it is a fact in use")
    decision: Decision
    reached_at: datetime
    title: str = ""
    hypothesis: str = ""
    reasoning: str = ""
    implication: str = ""
    if_false: str = ""
    kind: LinkKind | None = None
    strategy: str
    model: str = Field(description="model that wrote it")
    depth: int = Field(description="1 + the depth of its deepest fact")
    team: str = ""
    reason: str
    explanation: str = ""
    worth: float | None = None
    score: float | None = None
    spread: float | None = None
    judges: tuple[JudgeOdds, ...] = ()
    first: SourceFact
    second: SourceFact
    cost_nanousd: int
    review: ReviewRecorded | None = Field(default=None, description="the last review")
    outcome: OutcomeRecorded | None = Field(default=None, description="the last outcome")
    sequence: int = 0


class InsightPage(ContractModel):
    """A page of insights. `next_cursor` is empty on the last page.

    `complete` is False while the console still reads the streams: then older ones are missing.
    """

    insights: tuple[InsightSummary, ...]
    total: int
    next_cursor: str = ""
    complete: bool = True


class GetInsight(ContractModel):
    """Get one insight in full, by an id: of its verdict, fact, hypothesis, pair, or trace."""

    insight_id: str = Field(min_length=1, max_length=200)


class AncestryNode(ContractModel):
    """A fact in the ancestry of an insight. `level` is negative for ancestors, 0 for itself."""

    fact_id: str
    verdict_id: str = Field(default="", description="of an insight")
    title: str
    text: str = ""
    source: str = ""
    kind: FactKind
    state: InsightState | None = Field(default=None, description="of an insight")
    level: int


class AncestryEdge(ContractModel):
    """Say that one fact is a parent of another."""

    parent_id: str
    child_id: str


class Ancestry(ContractModel):
    """What an insight descends from, and what descends from it."""

    nodes: tuple[AncestryNode, ...] = ()
    edges: tuple[AncestryEdge, ...] = ()
    cut: bool = Field(default=False, description="there are more nodes than can be shown")


class VisibilityRecord(ContractModel):
    """A retraction or reinstatement of an insight."""

    active: bool
    who: str
    why: str = ""
    at: datetime


class InsightDetail(ContractModel):
    """One insight in full. `verdict` is the complete record of its daydream."""

    summary: InsightSummary
    verdict: VerdictReached
    verdict_ids: tuple[str, ...] = Field(description="all verdicts on it, the oldest first")
    reviews: tuple[ReviewRecorded, ...] = ()
    outcomes: tuple[OutcomeRecorded, ...] = ()
    visibility: tuple[VisibilityRecord, ...] = ()
    ancestry: Ancestry
    trace_id: str = ""
