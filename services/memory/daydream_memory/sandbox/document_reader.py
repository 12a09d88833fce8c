"""What a worker does with a document: bytes to facts, and what was left out."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterator

from daydream_contracts.rpc import LeftOutReport
from daydream_memory import reading
from daydream_memory.chunking import DocumentFacts, facts_of
from daydream_memory.reading import LeftOut, read_document
from daydream_memory.sandbox.frames import (
    FACTS_PER_FRAME,
    LEFT_OUT_MAX,
    NOTE_CHARS_MAX,
    ReadEnd,
    ReadFact,
    ReadRequest,
    WorkerAnswer,
)
from daydream_memory.store import NewFact

CHARS = "Plants grow towards the light, because growth is faster on the shaded side."
SAMPLES = {
    "a.txt": CHARS,
    "a.md": f"---\ntitle: a\n---\n# Plants\n\n{CHARS}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "a.html": f"<html><body><article><h1>Plants</h1><p>{CHARS}</p></article></body></html>",
    "a.csv": f"title,text\nPlants,{CHARS.replace(',', '')}\n",
    "a.jsonl": f'{{"title": "Plants", "text": "{CHARS}"}}\n',
    "a.bib": f"@article{{a, title = {{Plants}}, abstract = {{{CHARS}}}}}",
}
CONTEXT_CHARS_MAX = 4000


def warm_up() -> None:
    """Load all readers, and read a sample of some kinds: libraries load more at their first use.

    A module of a format whose library is not installed is left out: its reader says so itself.
    """
    logging.disable(logging.CRITICAL)  # libraries quote the document in their warnings
    for module in pkgutil.iter_modules(reading.__path__, f"{reading.__name__}."):
        try:
            importlib.import_module(module.name)
        except ImportError:
            continue
    for source, text in SAMPLES.items():
        list(read(text.encode(), ReadRequest(source=source)))


def read(data: bytes, request: ReadRequest) -> Iterator[WorkerAnswer]:
    """Yield the facts of a document in their order, then how reading ended."""
    result = read_document(data, request.source)
    document = DocumentFacts((), result.left_out)
    if result.status == "read":
        document = facts_of(
            result,
            document_id="",
            source=request.source,
            chars_max=request.chars_max,
            kind=request.kind,
        )
    facts = document.facts
    for start in range(0, len(facts), FACTS_PER_FRAME):
        part = facts[start : start + FACTS_PER_FRAME]
        yield WorkerAnswer(facts=tuple(_read_fact(fact) for fact in part))
    yield WorkerAnswer(
        end=ReadEnd(
            status=result.status,
            note=_clean(result.note, NOTE_CHARS_MAX),
            kind=result.kind[:100],
            left_out=tuple(_left_out(part) for part in document.left_out[:LEFT_OUT_MAX]),
        )
    )


def _read_fact(fact: NewFact) -> ReadFact:
    return ReadFact(
        text=_clean(fact.text, 10_000),
        title=_clean(fact.title, CONTEXT_CHARS_MAX),
        domain=_clean(fact.domain, 1000),
        position=fact.position,
        tags=tuple(_clean(tag, 1000) for tag in fact.tags[:200]),
        licence=_clean(fact.licence, 1000),
        date=_clean(fact.date, 200),
    )


def _left_out(part: LeftOut) -> LeftOutReport:
    return LeftOutReport(
        kind=part.kind[:100], count=max(0, part.count), text=_clean(part.text, NOTE_CHARS_MAX)
    )


def _clean(text: str, chars_max: int) -> str:
    """Return a text that UTF-8 can hold: JSON may name half of a surrogate pair."""
    return text[:chars_max].encode("utf-8", "replace").decode()
