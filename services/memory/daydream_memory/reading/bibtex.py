"""BibTeX to passages: one for each entry that has an abstract."""

from __future__ import annotations

import logging

from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import LatexDecodingMiddleware

from daydream_memory.reading.about import about_of
from daydream_memory.reading.passages import Passage, UnreadableDocumentError

TEXTS = ("abstract", "annote", "note")


def read_bibtex(text: str) -> tuple[tuple[Passage, ...], str]:
    """The passages, and what was left out."""
    logging.getLogger("bibtexparser").setLevel(
        logging.ERROR
    )  # what it could not read is counted below
    library = parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    passages, without = [], len(library.failed_blocks)
    for entry in library.entries:
        fields = {one.key.lower(): " ".join(str(one.value).split()) for one in entry.fields}
        found = next((fields[name] for name in TEXTS if fields.get(name)), "")
        if found:
            passages.append(
                Passage(
                    found,
                    fields.get("title", "").replace("{", "").replace("}", "") or entry.key,
                    about_of(fields),
                )
            )
        else:
            without += 1
    if not passages:
        raise UnreadableDocumentError("no entry has an abstract")
    return tuple(
        passages
    ), f"{without} entries without an abstract were left out" if without else ""
