"""What a worker does with a document: bytes to facts, and what was left out."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterator
from dataclasses import replace

from daydream_contracts.rpc import LeftOutReport
from daydream_memory import reading
from daydream_memory.chunking import FactText, texts_of
from daydream_memory.reading import LeftOut, Passage, read_document
from daydream_memory.reading.allowance import FACTS_SHARE, stopped_at, used_up
from daydream_memory.sandbox.frames import (
    FACTS_PER_FRAME,
    LEFT_OUT_MAX,
    NOTE_CHARS_MAX,
    ReadEnd,
    ReadFact,
    ReadRequest,
    WorkerAnswer,
)

CHARS = "Plants grow towards the light, because growth is faster on the shaded side."
SAMPLES = {
    "a.txt": CHARS,
    "a.md": f"---\ntitle: a\n---\n# Plants\n\n{CHARS}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "a.html": f"<html><body><article><h1>Plants</h1><p>{CHARS}</p></article></body></html>",
    "a.csv": f"title,text\nPlants,{CHARS.replace(',', '')}\n",
    "a.jsonl": f'{{"title": "Plants", "text": "{CHARS}"}}\n',
    "a.bib": f"@article{{a, title = {{Plants}}, abstract = {{{CHARS}}}}}",
}
OTHER_ENCODING = "Растения тянутся к свету, потому что с теневой стороны рост быстрее.".encode(
    "cp1251"
)
CONTEXT_CHARS_MAX = 4000
SLICE_CHARS = 500_000


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
    list(read(OTHER_ENCODING, ReadRequest(source="b.txt")))


def read(data: bytes, request: ReadRequest) -> Iterator[WorkerAnswer]:
    """Yield the facts of a document in their order, then how reading ended.

    A long text gives its facts slice by slice. It ends before a limit, so that the report says how
    much became facts.
    """
    result = read_document(data, request.source, request.passwords, request.title)
    left_out = list(result.left_out)
    facts_before = done = 0
    for passages in _slices(result.passages) if result.status == "read" else ():
        if done and (reason := used_up(FACTS_SHARE)):
            whole = sum(len(passage.text) for passage in result.passages)
            left_out.insert(0, stopped_at("character", done, whole, reason))
            break
        done += sum(len(passage.text) for passage in passages)
        document = texts_of(
            replace(result, passages=passages, left_out=()),
            source=request.source,
            chars_max=request.chars_max,
            kind=request.kind,
        )
        left_out += document.left_out
        facts = [
            _read_fact(text, position) for position, text in enumerate(document.texts, facts_before)
        ]
        for start in range(0, len(facts), FACTS_PER_FRAME):
            yield WorkerAnswer(facts=tuple(facts[start : start + FACTS_PER_FRAME]))
        facts_before += len(facts)
    yield WorkerAnswer(
        end=ReadEnd(
            status=result.status,
            note=_clean(result.note, NOTE_CHARS_MAX),
            kind=result.kind[:100],
            left_out=tuple(_left_out(part) for part in left_out[:LEFT_OUT_MAX]),
        )
    )


def _slices(passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
    """Yield the passages in groups of about `SLICE_CHARS`. A longer one is cut at a line."""
    group: list[Passage] = []
    size = 0
    for passage in passages:
        for part in _cut(passage):
            group.append(part)
            size += len(part.text)
            if size >= SLICE_CHARS:
                yield tuple(group)
                group, size = [], 0
    if group:
        yield tuple(group)


def _cut(passage: Passage) -> Iterator[Passage]:
    text, start = passage.text, 0
    while len(text) - start > 2 * SLICE_CHARS:
        end = text.find("\n", start + SLICE_CHARS, start + 2 * SLICE_CHARS) + 1
        end = end or start + SLICE_CHARS
        yield replace(passage, text=text[start:end])
        start = end
    yield replace(passage, text=text[start:]) if start else passage


def _read_fact(fact: FactText, position: int) -> ReadFact:
    about = fact.passage.metadata
    return ReadFact(
        text=_clean(fact.text, 10_000),
        title=_clean(fact.title, CONTEXT_CHARS_MAX),
        domain=_clean(about.domain, 1000),
        position=position,
        tags=tuple(_clean(tag, 1000) for tag in about.tags[:200]),
        licence=_clean(about.licence, 1000),
        date=_clean(about.date, 200),
    )


def _left_out(part: LeftOut) -> LeftOutReport:
    return LeftOutReport(
        kind=part.kind[:100], count=max(0, part.count), text=_clean(part.text, NOTE_CHARS_MAX)
    )


def _clean(text: str, chars_max: int) -> str:
    """Return a text that UTF-8 can hold: JSON may name half of a surrogate pair."""
    text = text[:chars_max]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
