"""Passages to facts: pieces up to a maximum length, cut where the text allows it (by `semchunk`).

The same text is the same fact in every document: its id derives from the `fingerprint` of the text,
and from its team and clearance if it has any. The id of a question derives from its exact words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from semchunk.semchunk import chunk

from daydream_contracts.events import FactKind
from daydream_memory.fact_fingerprint import fact_id_of
from daydream_memory.reading import Passage
from daydream_memory.store import NewFact

CHARS_MIN = 40  # shorter pieces are headings, page numbers and fragments
BLOCK_CHARS = 60_000
SPACES = re.compile(r"\s+")
PARAGRAPH, LINE, SPACE = "\n\n", "\n", " "


def facts_of(
    passages: Sequence[Passage],
    *,
    document_id: str,
    source: str,
    chars_max: int,
    kind: FactKind = FactKind.DOCUMENT,
    team: str = "",
    clearance: str = "",
) -> Iterator[NewFact]:
    """Yield the facts of a document in their order. A question is one fact, however short.

    `domain` is the one that the document names. A text of another team, or with another clearance,
    is another fact.
    """
    if kind is FactKind.QUESTION:
        text = SPACES.sub(" ", " ".join(passage.text for passage in passages)).strip()[:chars_max]
        yield NewFact(
            fact_id=fact_id_of(text, kind, team, clearance),
            text=text,
            source=source,
            domain=kind.value,
            kind=kind,
            document_id=document_id,
            team=team,
            clearance=clearance,
        )
        return
    pieces = ((passage, text) for passage in passages for text in _pieces(passage.text, chars_max))
    for position, (passage, text) in enumerate(pieces):
        yield NewFact(
            fact_id=fact_id_of(text, kind, team, clearance),
            text=text,
            title=passage.title,
            source=source,
            domain=passage.metadata.domain,
            position=position,
            document_id=document_id,
            tags=passage.metadata.tags,
            licence=passage.metadata.licence,
            date=passage.metadata.date,
            team=team,
            clearance=clearance,
        )


def _pieces(text: str, chars_max: int) -> Iterator[str]:
    for block in _blocks(text):
        for piece in chunk(block, chunk_size=chars_max, token_counter=len, memoize=False):
            # JSON may hold half of a surrogate pair, which no encoding can write
            tidy = SPACES.sub(" ", str(piece)).strip().encode("utf-8", "replace").decode()
            if len(tidy) >= CHARS_MIN:
                yield tidy


def _blocks(text: str) -> Iterator[str]:
    """Split a large text, so that the chunker's work stays linear."""
    start = 0
    while len(text) - start > BLOCK_CHARS:
        end = _cut(text, start, start + BLOCK_CHARS)
        yield text[start:end]
        start = end
    yield text[start:]


def _cut(text: str, start: int, end: int) -> int:
    """Return where to cut: at the last blank line, else at a line or a space, else at the end."""
    paragraph = text.rfind(PARAGRAPH, start, end)
    if paragraph > start:
        return paragraph
    line_or_space = max(text.rfind(LINE, start, end), text.rfind(SPACE, start, end))
    return line_or_space if line_or_space > start else end
