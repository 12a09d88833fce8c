"""OpenAlex: works by relevance. Its abstracts are lists of positions by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from daydream_critic.oracle.catalogues.catalogue import (
    Catalogue,
    CatalogueAccess,
    CatalogueRequest,
    plain_text,
)
from daydream_critic.oracle.literature import Publication

FIELDS = "id,doi,display_name,abstract_inverted_index"


class OpenAlexWork(BaseModel):
    """A work, as far as it is read."""

    id: str
    doi: str | None = None
    display_name: str | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None


class OpenAlexAnswer(BaseModel):
    """A page of works."""

    results: list[OpenAlexWork] = Field(max_length=200)


def _request(words: Sequence[str], limit: int, access: CatalogueAccess) -> CatalogueRequest:
    params = {
        "search": " OR ".join(words),
        "per_page": str(limit),
        "select": FIELDS,
        "mailto": access.contact,
    }
    return CatalogueRequest(params | ({"api_key": access.key} if access.key else {}))


def _read(body: bytes) -> list[Publication]:
    works = OpenAlexAnswer.model_validate_json(body).results
    return [
        Publication(
            work.doi or work.id,
            plain_text(work.display_name),
            plain_text(_abstract(work.abstract_inverted_index or {})),
        )
        for work in works
        if work.display_name
    ]


def _abstract(positions_by_word: Mapping[str, Sequence[int]]) -> str:
    placed = [(at, word) for word, positions in positions_by_word.items() for at in positions]
    return " ".join(word for _, word in sorted(placed))


OPENALEX = Catalogue("openalex", "https://api.openalex.org/works", 0.2, _request, _read)
