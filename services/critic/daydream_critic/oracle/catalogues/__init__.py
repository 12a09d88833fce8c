"""Public catalogues of publications: OpenAlex, Crossref, arXiv and Semantic Scholar.

Data: hypothesis → at most twelve of its words → one request to one catalogue → publications. The
words leave the lab, so no catalogue is asked unless `DAYDREAM_ORACLE_LITERATURE` names it.
"""

from daydream_critic.oracle.catalogues import arxiv, crossref, openalex, semantic_scholar

CATALOGUES = {
    catalogue.name: catalogue
    for catalogue in (
        openalex.OPENALEX,
        crossref.CROSSREF,
        arxiv.ARXIV,
        semantic_scholar.SEMANTIC_SCHOLAR,
    )
}
__all__ = ["CATALOGUES"]
