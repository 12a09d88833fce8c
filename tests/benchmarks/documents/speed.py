"""How fast documents become facts, compared with a plain loop over the same libraries.

The loop parses each document with the library that its reader uses, takes all text, cuts it with
semchunk, and embeds each piece with the bundled model. It decides about nothing: it embeds menus
and reference lists too. Both go over the same documents in turns, so that the load of the machine
is the same for both.

`ingest_ratio_to_loop` is of all that an ingest costs, in processor time. `reading_ratio_to_loop` is
of the part before the vectors, where the loop is faster because it does less.
`pool_ratio_to_loop` is of that part too, in time by the clock: the documents go through the pool of
confined processes, as the memory reads them, and through the loop in one process.
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from pypdfium2 import PdfDocument
from semchunk.semchunk import chunk

from benchmarks.documents.corpus import WORD_NAMESPACE, documents
from benchmarks.documents.labelled import CHARS_MAX
from benchmarks.figures import figure
from daydream_memory.chunking import texts_of
from daydream_memory.minilm_embedder import MiniLM
from daydream_memory.reading import read_document
from daydream_memory.sandbox import (
    ReadingPool,
    ReadRequest,
    SandboxLimits,
    file_with,
    reading_pool,
)

DOCUMENTS, QUICK_DOCUMENTS = 12, 4
ROUNDS, QUICK_ROUNDS = 7, 3
EMBEDDED_DOCUMENTS, EMBEDDED_SECTIONS, EMBEDDED_ROUNDS = 1, 3, 3
SEED = 0
EMBED_BATCH = 16
POOL_PROCESSES = 2  # as the memory has
MARKDOWN = MarkdownIt("commonmark").enable("table")
Texts = Callable[[Mapping[str, bytes]], list[str]]


def measure(*, quick: bool) -> None:
    """Print rates, and ratios to the loop: with embedding, and of reading alone."""
    corpus = documents(QUICK_DOCUMENTS if quick else DOCUMENTS, SEED)
    rounds = QUICK_ROUNDS if quick else ROUNDS
    ours, plain = _in_turns(corpus, rounds, lambda texts: None)
    megabytes = sum(map(len, corpus.values())) / 1e6
    _rate("documents_read_per_s", len(corpus), ours, "documents per CPU second")
    _rate("megabytes_read_per_s", megabytes, ours, "MB per CPU second")
    _rate("loop_megabytes_read_per_s", megabytes, plain, "MB per CPU second")
    _ratio("reading_ratio_to_loop", ours, plain)
    through_pool, plain = asyncio.run(_by_the_clock(corpus, rounds))
    _rate("pool_megabytes_read_per_s", megabytes, through_pool, "MB per second")
    _ratio("pool_ratio_to_loop", through_pool, plain)
    few = documents(EMBEDDED_DOCUMENTS, SEED, EMBEDDED_SECTIONS)
    ours, plain = _in_turns(few, EMBEDDED_ROUNDS, _embed)
    megabytes = sum(map(len, few.values())) / 1e6
    _rate("documents_per_s", len(few), ours, "documents per CPU second")
    _rate("megabytes_per_s", megabytes, ours, "MB per CPU second")
    _ratio("ingest_ratio_to_loop", ours, plain)


def _in_turns(
    corpus: Mapping[str, bytes], rounds: int, use: Callable[[list[str]], None]
) -> tuple[list[float], list[float]]:
    """Return the CPU seconds of each round, of the ingest and of the loop."""
    ours, plain = [], []
    for number in range(rounds + 1):
        seconds = [_cpu_s(made_by, corpus, use) for made_by in (ingest, loop)]
        if number:  # the first round imports modules and fills caches
            ours.append(seconds[0])
            plain.append(seconds[1])
    return ours, plain


async def _by_the_clock(
    corpus: Mapping[str, bytes], rounds: int
) -> tuple[list[float], list[float]]:
    """Return the seconds of each round, of the pool of processes and of the loop."""
    pooled, plain = [], []
    async with reading_pool(SandboxLimits(), POOL_PROCESSES, strict=True) as pool:
        for number in range(rounds + 1):
            started = time.perf_counter()
            await asyncio.gather(*(_read(pool, name, data) for name, data in corpus.items()))
            between = time.perf_counter()
            loop(corpus)
            if number:
                pooled.append(between - started)
                plain.append(time.perf_counter() - between)
    return pooled, plain


async def _read(pool: ReadingPool, name: str, data: bytes) -> None:
    with file_with(data) as document:
        outcome = await pool.read(document, ReadRequest(source=name))
    assert outcome.facts, name


def _rate(name: str, amount: float, seconds: list[float], unit: str) -> None:
    figure("documents", name, [amount / each for each in seconds], unit, seed=SEED)


def _ratio(name: str, ours: list[float], plain: list[float]) -> None:
    ratios = [loop_s / seconds for loop_s, seconds in zip(plain, ours, strict=True)]
    figure("documents", name, ratios, "ratio", seed=SEED)


def _embed(texts: list[str]) -> None:
    model = MiniLM(1)  # a new one has no vectors of the round before

    async def embed() -> None:
        for start in range(0, len(texts), EMBED_BATCH):
            await model.embed(texts[start : start + EMBED_BATCH])

    asyncio.run(embed())


def _cpu_s(made_by: Texts, corpus: Mapping[str, bytes], use: Callable[[list[str]], None]) -> float:
    started = time.process_time()
    use(made_by(corpus))
    return time.process_time() - started


def ingest(corpus: Mapping[str, bytes]) -> list[str]:
    """Return the texts of the facts, made as the memory makes them."""
    return [
        fact.text
        for name, data in corpus.items()
        for fact in texts_of(read_document(data, name), source=name, chars_max=CHARS_MAX).texts
    ]


def loop(corpus: Mapping[str, bytes]) -> list[str]:
    """Parse and cut the documents with the libraries alone. Return the pieces."""
    return [
        str(piece)
        for name, data in corpus.items()
        for text in PARSERS[PurePath(name).suffix](data)
        for piece in chunk(text, chunk_size=CHARS_MAX, token_counter=len, memoize=False)
    ]


def _parse_markdown(data: bytes) -> list[str]:
    tokens = MARKDOWN.parse(data.decode())
    return ["\n\n".join(token.content for token in tokens if token.content)]


def _parse_page(data: bytes) -> list[str]:
    page: Any = lxml_html.fromstring(data)
    return [str(page.text_content())]


def _parse_text(data: bytes) -> list[str]:
    return [data.decode()]


def _parse_table(data: bytes) -> list[str]:
    return [" ".join(row) for row in csv.reader(io.StringIO(data.decode()))]


def _parse_word(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root: Any = etree.fromstring(archive.read("word/document.xml"))
    paragraphs = root.iter(f"{{{WORD_NAMESPACE}}}p")
    return ["\n\n".join("".join(paragraph.itertext()) for paragraph in paragraphs)]


def _parse_pdf(data: bytes) -> list[str]:
    with PdfDocument(data) as pages:
        return [str(page.get_textpage().get_text_range()) for page in pages]


PARSERS: dict[str, Callable[[bytes], list[str]]] = {
    ".md": _parse_markdown,
    ".html": _parse_page,
    ".txt": _parse_text,
    ".csv": _parse_table,
    ".docx": _parse_word,
    ".pdf": _parse_pdf,
}
