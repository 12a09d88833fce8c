"""Semantic Scholar: papers by relevance."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from daydream_critic.oracle.catalogues.catalogue import (
    Catalogue,
    CatalogueAccess,
    CatalogueRequest,
    plain_text,
)
from daydream_critic.oracle.literature import Publication


class ScholarPaper(BaseModel):
    """A paper, as far as it is read. Nothing but its id is always there."""

    paper_id: str = Field(alias="paperId")
    title: str | None = None
    abstract: str | None = None
    external_ids: dict[str, str | int] | None = Field(None, alias="externalIds")


class ScholarAnswer(BaseModel):
    """A page of papers. Without a hit there is no `data`."""

    total: int
    data: list[ScholarPaper] = Field([], max_length=100)


def _request(words: Sequence[str], limit: int, access: CatalogueAccess) -> CatalogueRequest:
    params = {
        "query": " ".join(words),
        "limit": str(limit),
        "fields": "title,abstract,externalIds",
    }
    return CatalogueRequest(params, {"x-api-key": access.key} if access.key else {})


def _read(body: bytes) -> list[Publication]:
    return [
        Publication(_name(paper), plain_text(paper.title), plain_text(paper.abstract or ""))
        for paper in ScholarAnswer.model_validate_json(body).data
        if paper.title
    ]


def _name(paper: ScholarPaper) -> str:
    doi = (paper.external_ids or {}).get("DOI")
    return (
        f"https://doi.org/{doi}"
        if doi
        else f"https://www.semanticscholar.org/paper/{paper.paper_id}"
    )


SEMANTIC_SCHOLAR = Catalogue(
    "semantic-scholar",
    "https://api.semanticscholar.org/graph/v1/paper/search",
    3.0,
    _request,
    _read,
)
