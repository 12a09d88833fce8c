"""Define the events of a judged hypothesis."""

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
    """Name the possible outcomes of a daydream. `deferred`: passed on to the oracle, not final."""

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
    reason: str = Field(description="short code; dashboards key on it")
    explanation: str
    final: bool
    judgements: tuple[Judgement, ...] = ()
    score: float | None = Field(default=None, description="mean score over the judges, 1–10")
    spread: float | None = Field(
        default=None,
        ge=0,
        description="standard deviation of the judges' mean scores, if there are several",
    )
    aggregation: Aggregation | None = None
    comparisons: tuple[Comparison, ...] = ()
    nearest: NearestMatch | None = None
    examination: Examination | None = None
    calls: tuple[ModelCall, ...] = Field(
        default=(), description="the critic's calls, including the oracle's"
    )
    cost_nanousd: int = Field(
        ge=0, description="cost of the whole daydream, including the synthesis"
    )
    saved_nanousd: int = Field(default=0, ge=0, description="saving by the batch API")
    reached_at: datetime

    @property
    def message_id(self) -> str:
        return self.verdict_id

    @property
    def payer(self) -> Payer | None:
        return self.hypothesis.payer


def verdict_id_of(hypothesis_id: str, role: str, round_: int) -> str:
    """Return the id of a role's verdict on a hypothesis in a round."""
    return derive_id("verdict", hypothesis_id, role, round_)


class CandidateNominated(Message):
    """The judges would promote a hypothesis, and the oracle examines it first.

    The verdict is deferred, and the oracle's takes its place.
    """

    verdict: VerdictReached

    @property
    def message_id(self) -> str:
        return derive_id("candidate", self.verdict.verdict_id)

    @property
    def payer(self) -> Payer | None:
        return self.verdict.payer
