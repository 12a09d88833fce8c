"""Define the event of a drawn pair."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from daydream_contracts.events.base import ContractModel, Message, Payer, derive_id
from daydream_contracts.events.facts import Fact


class ScreenRank(ContractModel):
    """Where a cheap model ranked a pair among others before anything was written about it."""

    quarter: int = Field(ge=0, le=3, description="of the pairs ranked with it; 0 is the best")
    pass_probability: float = Field(
        gt=0, le=1, description="probability that a pair of this rank and strategy passed"
    )
    cost_nanousd: int = Field(ge=0, description="its part of the call that ranked it")


class PairSampled(Message):
    """A pair was drawn, and a reservation was opened that pays for the whole daydream."""

    pair_id: str
    epoch: int = Field(ge=1)
    first: Fact
    second: Fact
    strategy: str
    draw_probability: float = Field(
        gt=0,
        le=1,
        description="probability of this pair at that moment, over all strategies",
    )
    shares: dict[str, float] = Field(
        default_factory=dict, description="each strategy's share of the draws at that moment"
    )
    proposed: dict[str, float] = Field(
        default_factory=dict,
        description="probability of this pair under each strategy alone",
    )
    rejection_probability_max: float = Field(
        default=0,
        ge=0,
        le=1,
        description="upper bound of the probability that a proposal is rejected: its pair is drawn",
    )
    features: tuple[float, ...] = Field(
        default=(), description="features of the pair for the learned strategy"
    )
    facts: int = Field(
        default=0, ge=0, description="number of active facts at the time of the draw"
    )
    why: str = Field(
        default="", description="reason for a second draw of a pair: age, models or neighbourhood"
    )
    canary: Literal["", "bridge", "decoy"] = Field(
        default="",
        description="injected to measure the critic: bridge (should pass) or decoy (should not)",
    )
    screen: ScreenRank | None = Field(
        default=None, description="its rank in the pre-screen; None if it was not ranked"
    )
    similarity: float = Field(ge=-1.001, le=1.001, description="cosine of the two embeddings")
    samples: int = Field(ge=1, description="number of hypotheses to write, numbered 0…samples−1")
    plan: str = Field(
        default="full",
        description="plan of the reservation; reduced near a cap",
    )
    stages: tuple[str, ...] = Field(default=(), description="stages that the reservation pays for")
    reservation_id: str
    drawn_at: datetime

    @property
    def message_id(self) -> str:
        return self.pair_id

    @property
    def payer(self) -> Payer | None:
        return Payer(reservation_id=self.reservation_id, branch=None)


def pair_id_of(epoch: int, fact_id: str, other_id: str) -> str:
    """Return the id of a pair in an epoch. The order of the two facts does not matter."""
    return derive_id("pair", epoch, *sorted((fact_id, other_id)))
