"""Hostile documents end within their limits, and what they say of other files is not followed."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from daydream_memory.sandbox import (
    ReadingPool,
    ReadOutcome,
    ReadRequest,
    SandboxLimits,
    file_with,
    reading_pool,
)
from support.hostile_documents import SENTENCE, SMALL, sound_pdf, sound_word_file

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[ReadingPool]:
    async with reading_pool(SandboxLimits(), 1) as started:
        yield started


async def read(pool: ReadingPool, name: str, data: bytes) -> ReadOutcome:
    with file_with(data) as document:
        return await pool.read(document, ReadRequest(source=f"/notes/{name}"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", SENTENCE.encode()),
        ("a.md", f"# Ice\n\n{SENTENCE}".encode()),
        ("a.html", f"<html><body><h1>Ice</h1><p>{SENTENCE}</p></body></html>".encode()),
        ("a.csv", f"title,text\nIce,{SENTENCE}\n".encode()),
        ("a.jsonl", f'{{"title": "Ice", "text": "{SENTENCE}"}}'.encode()),
        ("a.bib", f"@article{{a, title = {{Ice}}, abstract = {{{SENTENCE}}}}}".encode()),
        ("a.docx", sound_word_file()),
        ("a.pdf", sound_pdf()),
        ("latin.txt", f"Früh im Jahr, außerhalb. {SENTENCE}".encode("latin-1")),
    ],
)
async def test_each_kind_is_read_in_a_confined_process(
    pool: ReadingPool, name: str, data: bytes
) -> None:
    outcome = await read(pool, name, data)
    assert (outcome.stopped, outcome.end.status) == ("", "read")
    assert any(SENTENCE in fact.text for fact in outcome.facts)


@pytest.mark.parametrize("name", sorted(SMALL))
@pytest.mark.fault("F26", invariant="each kind of hostile document ends within its limits")
async def test_a_hostile_document_ends_within_its_limits(pool: ReadingPool, name: str) -> None:
    outcome = await read(pool, name, SMALL[name]())
    assert not outcome.stopped.startswith("reading stopped"), "by its reader, not by a limit"
    assert outcome.rss_mb <= 512
    assert not any("root:" in fact.text for fact in outcome.facts), "no file is included"
    assert len(outcome.facts) < 1000
