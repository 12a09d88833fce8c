"""BibTeX to passages: one for each entry with an abstract."""

from __future__ import annotations

import logging

from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import LatexDecodingMiddleware
from bibtexparser.model import Entry

from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.passages import (
    Passage,
    Passages,
    UnreadableDocumentError,
    left_out,
)

ABSTRACT_FIELDS = ("abstract", "annote", "note")


def read_bibtex(text: str) -> Passages:
    """Return the passages, and how many entries were left out."""
    # what the parser cannot read is counted below
    logging.getLogger("bibtexparser").setLevel(logging.ERROR)
    library = parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    read = [_passage(entry) for entry in library.entries]
    passages = tuple(passage for passage in read if passage is not None)
    if not passages:
        raise UnreadableDocumentError("no entry has an abstract")
    count = len(library.failed_blocks) + len(read) - len(passages)
    return passages, left_out(count, "entry without an abstract", "entries without an abstract")


def _passage(entry: Entry) -> Passage | None:
    fields = {item.key.lower(): " ".join(str(item.value).split()) for item in entry.fields}
    abstract = next((fields[name] for name in ABSTRACT_FIELDS if fields.get(name)), "")
    if not abstract:
        return None
    title = fields.get("title", "").replace("{", "").replace("}", "")
    return Passage(abstract, title or entry.key, metadata_of(fields))
