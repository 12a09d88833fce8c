"""What became of a hypothesis."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from daydream_contracts.events.base import Message, Payer, derive_id
from daydream_contracts.events.hypotheses import HypothesisProposed, ModelCall
from daydream_contracts.events.judgements import (
    Aggregation,
    Comparison,
    Examination,
    Judgement,
    NearestMatch,
)


class Decision(StrEnum):
    """What became of a hypothesis."""

    PROMOTED = "promoted"
    DEFERRED = "deferred"
    DISCARDED = "discarded"
    DUPLICATE = "duplicate"
    ABSTAINED = "abstained"
    REFUTED = "refuted"


class VerdictReached(Message):
    """A hypothesis was judged: the complete record of one daydream."""

    verdict_id: str
    hypothesis: HypothesisProposed
    role: str
    round: int = Field(ge=1)
    decision: Decision
    reason: str = Field(
        description="a short code, the same for all verdicts of this kind; dashboards key on it"
    )
    explanation: str
    final: bool
    judgements: tuple[Judgement, ...] = ()
    score: float | None = Field(default=None, description="mean over the judges, 1–10")
    spread: float | None = Field(
        default=None,
        ge=0,
        description="standard deviation of the judges' mean scores, where there are several",
    )
    aggregation: Aggregation | None = None
    comparisons: tuple[Comparison, ...] = ()
    nearest: NearestMatch | None = None
    examination: Examination | None = None
    calls: tuple[ModelCall, ...] = Field(
        default=(), description="the critic's own calls, those of the oracle included"
    )
    cost_nanousd: int = Field(
        ge=0, description="answered calls of the whole daydream, synthesis included"
    )
    saved_nanousd: int = Field(default=0, ge=0, description="what batches made them cheaper")
    reached_at: datetime

    @property
    def message_id(self) -> str:
        return self.verdict_id

    @property
    def payer(self) -> Payer | None:
        return self.hypothesis.payer


def verdict_id_of(hypothesis_id: str, role: str, round_: int) -> str:
    """The id of a role's verdict on a hypothesis in a round."""
    return derive_id("verdict", hypothesis_id, role, round_)


class CandidateNominated(Message):
    """The judges would promote a hypothesis: the oracle examines it first. The verdict is deferred, and the oracle's takes its place."""

    verdict: VerdictReached

    @property
    def message_id(self) -> str:
        return derive_id("candidate", self.verdict.verdict_id)

    @property
    def payer(self) -> Payer | None:
        return self.verdict.payer
