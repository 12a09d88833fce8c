"""Define a fact as messages carry it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from daydream_contracts.events.base import ContractModel


class FactKind(StrEnum):
    """Name the origin of a fact: a document, an insight, or an open research question."""

    DOCUMENT = "document"
    INSIGHT = "insight"
    QUESTION = "question"


class Fact(ContractModel):
    """A snapshot of a fact at the time of the draw."""

    fact_id: str
    ordinal: int = Field(ge=0, description="dense number among the active facts")
    text: str
    title: str = ""
    source: str = ""
    domain: str = ""
    kind: FactKind = FactKind.DOCUMENT
    depth: int = Field(
        default=0, ge=0, description="0 for documents; 1 + the deepest parent for insights"
    )
    position: int = Field(default=0, ge=0, description="among the facts of its document, from 0")
    tags: tuple[str, ...] = ()
    licence: str = Field(default="", description="as stated in the document")
    date: str = Field(default="", description="date, or only the year, as stated in the document")
    team: str = Field(
        default="",
        description="team that owns it; empty: shared. Facts of two teams are never combined",
    )
    clearance: str = Field(
        default="", description="clearance that a model needs to see it; empty: none"
    )
