"""Passages to facts: pieces of at most so many characters, cut where the text allows it (by `semchunk`).

The same text is the same fact wherever it stands: the id is made from the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from semchunk.semchunk import chunk

from daydream_contracts.events import FactKind, derive_id
from daydream_memory.fingerprint import fingerprint
from daydream_memory.reading import Passage
from daydream_memory.store import NewFact

CHARS_MIN = 40  # shorter pieces are headings, page numbers, crumbs
BLOCK_CHARS = 60_000
SPACES = re.compile(r"\s+")


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
    """The facts of a document in their order; `domain` is the one that it gives. A question is one fact, however short.
    A text in nearly the same words is the same fact (`sameness`); of another team, or behind another clearance, it is another one."""
    labels = (team, clearance) if team or clearance else ()
    if kind is FactKind.QUESTION:
        text = SPACES.sub(" ", " ".join(passage.text for passage in passages)).strip()[:chars_max]
        yield NewFact(
            fact_id=derive_id("question", text, *labels),
            text=text,
            source=source,
            domain=kind.value,
            kind=kind,
            document_id=document_id,
            team=team,
            clearance=clearance,
        )
        return
    place = 0
    for passage in passages:
        for text in _pieces(passage.text, chars_max):
            about = passage.about
            yield NewFact(
                fact_id=derive_id("fact", fingerprint(text), *labels),
                text=text,
                title=passage.title,
                source=source,
                domain=about.domain,
                place=place,
                document_id=document_id,
                tags=about.tags,
                licence=about.licence,
                written=about.written,
                team=team,
                clearance=clearance,
            )
            place += 1


def _pieces(text: str, chars_max: int) -> Iterator[str]:
    for block in _blocks(text):
        for piece in chunk(block, chunk_size=chars_max, token_counter=len, memoize=False):
            # JSON may hold half of a surrogate pair, which no encoding can write
            tidy = SPACES.sub(" ", str(piece)).strip().encode("utf-8", "replace").decode()
            if len(tidy) >= CHARS_MIN:
                yield tidy


def _blocks(text: str) -> Iterator[str]:
    """Large texts in parts, cut at a blank line, a line or a space, so that the chunker's work stays linear."""
    start = 0
    while len(text) - start > BLOCK_CHARS:
        end = start + BLOCK_CHARS
        cut = max(text.rfind("\n\n", start, end), start)
        if cut == start:
            cut = max(text.rfind("\n", start, end), text.rfind(" ", start, end), start)
        if cut == start:
            cut = end
        yield text[start:cut]
        start = cut
    yield text[start:]
