"""Facts, and pairs of them as they were drawn."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from daydream_contracts.events.base import ContractModel, Message, Payer, derive_id


class FactKind(StrEnum):
    """Where a fact comes from: people's documents, this system's own insights, or what the lab asks itself."""

    DOCUMENT = "document"
    INSIGHT = "insight"
    QUESTION = "question"


class Fact(ContractModel):
    """A snapshot of one fact as it was when it was drawn."""

    fact_id: str
    ordinal: int = Field(ge=0, description="dense number among the facts that can be drawn")
    text: str
    title: str = ""
    source: str = ""
    domain: str = ""
    kind: FactKind = FactKind.DOCUMENT
    depth: int = Field(
        default=0, ge=0, description="0 for documents; 1 + the deepest parent for insights"
    )
    place: int = Field(default=0, ge=0, description="its position among the facts of its document")
    tags: tuple[str, ...] = ()
    licence: str = Field(default="", description="as the document says it")
    written: str = Field(default="", description="when, as the document says it: a date or a year")
    team: str = Field(
        default="",
        description="whose it is; empty: everybody's. Facts of two teams are never drawn together",
    )
    clearance: str = Field(default="", description="what a model needs to see it; empty: nothing")


class PairSampled(Message):
    """Two facts were drawn, and a reservation that pays for the whole way was opened."""

    pair_id: str
    epoch: int = Field(ge=1)
    first: Fact
    second: Fact
    strategy: str
    draw_probability: float = Field(
        gt=0,
        le=1,
        description="with which the sampler proposed this pair at that moment, all its strategies together",
    )
    shares: dict[str, float] = Field(
        default_factory=dict, description="each strategy's share of the draws that was in force"
    )
    proposed: dict[str, float] = Field(
        default_factory=dict,
        description="with which probability each strategy alone would have proposed this pair",
    )
    drawn_mass_max: float = Field(
        default=0,
        ge=0,
        le=1,
        description="at most so much of the proposals was for pairs drawn already, which are proposed anew",
    )
    features: tuple[float, ...] = Field(
        default=(), description="what the learned strategy knew of the pair"
    )
    facts: int = Field(default=0, ge=0, description="how many facts were known when it was drawn")
    why: str = Field(
        default="", description="for a pair that is drawn once more: age, models or surroundings"
    )
    canary: Literal["", "bridge", "decoy"] = Field(
        default="",
        description="planted, to see what the critic does to it: a link that holds, or one that doesn't",
    )
    similarity: float = Field(ge=-1.001, le=1.001, description="cosine of the two embeddings")
    samples: int = Field(ge=1, description="hypotheses wanted from this pair, numbered 0…samples−1")
    plan: str = Field(
        default="full",
        description="which plan the reservation was opened for; near a cap a smaller one than `full`",
    )
    stages: tuple[str, ...] = Field(default=(), description="which stages the reservation pays for")
    reservation_id: str
    drawn_at: datetime

    @property
    def message_id(self) -> str:
        return self.pair_id

    @property
    def payer(self) -> Payer | None:
        return Payer(reservation_id=self.reservation_id, branch=None)


def pair_id_of(epoch: int, fact_id: str, other_id: str) -> str:
    """The id of a pair in an epoch; the order of the two facts does not matter."""
    return derive_id("pair", epoch, *sorted((fact_id, other_id)))
