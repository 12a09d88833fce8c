"""arXiv: preprints by relevance, as an Atom feed."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from daydream_critic.oracle.catalogues.catalogue import (
    Catalogue,
    CatalogueAccess,
    CatalogueRequest,
    plain_text,
)
from daydream_critic.oracle.literature import Publication

ATOM = "{http://www.w3.org/2005/Atom}"
ERRORS = "/api/errors"  # an error is an entry with such an id


def _request(words: Sequence[str], limit: int, access: CatalogueAccess) -> CatalogueRequest:
    query = " OR ".join(f"all:{word}" for word in words)
    return CatalogueRequest(
        {"search_query": query, "max_results": str(limit), "sortBy": "relevance"}
    )


def _read(body: bytes) -> list[Publication]:
    try:
        feed = fromstring(body)
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(f"not an Atom feed: {error}") from error
    if feed.tag != f"{ATOM}feed":
        raise ValueError(f"not an Atom feed but {feed.tag}")
    publications = [_publication(entry) for entry in feed.iter(f"{ATOM}entry")]
    for publication in publications:
        if ERRORS in publication.name:
            raise ValueError(f"arXiv refused the query: {publication.text}")
    return publications


def _publication(entry: Element) -> Publication:
    texts = [plain_text(entry.findtext(f"{ATOM}{tag}") or "") for tag in ("id", "title", "summary")]
    return Publication(*texts)


ARXIV = Catalogue("arxiv", "https://export.arxiv.org/api/query", 3.0, _request, _read)
