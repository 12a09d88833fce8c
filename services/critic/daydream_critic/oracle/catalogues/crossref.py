"""Crossref: works by relevance. Few have an abstract, and those hold JATS markup."""

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


class CrossrefWork(BaseModel):
    """A work, as far as it is read."""

    doi: str = Field(alias="DOI")
    title: list[str] = []
    abstract: str = ""


class CrossrefPage(BaseModel):
    """The works of an answer."""

    items: list[CrossrefWork] = Field(max_length=1000)


class CrossrefAnswer(BaseModel):
    """An answer of the REST interface."""

    message: CrossrefPage


def _request(words: Sequence[str], limit: int, access: CatalogueAccess) -> CatalogueRequest:
    params = {
        "query.bibliographic": " ".join(words),
        "rows": str(limit),
        "select": "DOI,title,abstract",
        "mailto": access.contact,
    }
    headers = {"Crossref-Plus-API-Token": f"Bearer {access.key}"} if access.key else {}
    return CatalogueRequest(params, headers)


def _read(body: bytes) -> list[Publication]:
    works = CrossrefAnswer.model_validate_json(body).message.items
    return [
        Publication(
            f"https://doi.org/{work.doi}", plain_text(work.title[0]), plain_text(work.abstract)
        )
        for work in works
        if work.title
    ]


CROSSREF = Catalogue("crossref", "https://api.crossref.org/works", 0.2, _request, _read)
