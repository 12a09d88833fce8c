"""How fast documents become facts, compared with a plain loop over the same libraries.

The loop parses each document with the library that its reader uses, takes all text, and cuts it
with semchunk. It decides about nothing. Both go over the same documents in turns, so that the load
of the machine is the same for both.
"""

from __future__ import annotations

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
from semchunk.semchunk import chunk

from benchmarks.documents.corpus import WORD_NAMESPACE, documents
from benchmarks.documents.labelled import CHARS_MAX
from benchmarks.figures import figure
from daydream_memory.chunking import facts_of
from daydream_memory.reading import read_document

DOCUMENTS, QUICK_DOCUMENTS = 12, 4
ROUNDS, QUICK_ROUNDS = 7, 3
SEED = 0
MARKDOWN = MarkdownIt("commonmark").enable("table")


def measure(*, quick: bool) -> None:
    """Print documents and megabytes per second, and the ratio to the loop, for CPU time."""
    corpus = documents(QUICK_DOCUMENTS if quick else DOCUMENTS, SEED)
    megabytes = sum(map(len, corpus.values())) / 1e6
    ingest(corpus), loop(corpus)  # imports and caches
    ours, plain = [], []
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        ours.append(_cpu_s(ingest, corpus))
        plain.append(_cpu_s(loop, corpus))
    per_second = [len(corpus) / seconds for seconds in ours]
    figure("documents", "documents_per_s", per_second, "documents per CPU second", seed=SEED)
    rates = [megabytes / seconds for seconds in ours]
    figure("documents", "megabytes_per_s", rates, "MB per CPU second", seed=SEED)
    figure(
        "documents",
        "loop_megabytes_per_s",
        [megabytes / seconds for seconds in plain],
        "MB per CPU second",
        seed=SEED,
    )
    ratios = [loop_s / seconds for loop_s, seconds in zip(plain, ours, strict=True)]
    figure("documents", "ingest_ratio_to_loop", ratios, "ratio", seed=SEED)


def ingest(corpus: Mapping[str, bytes]) -> int:
    """Read the documents as the memory does. Return the number of facts."""
    return sum(
        len(
            facts_of(
                read_document(data, name), document_id=name, source=name, chars_max=CHARS_MAX
            ).facts
        )
        for name, data in corpus.items()
    )


def loop(corpus: Mapping[str, bytes]) -> int:
    """Parse and cut the documents with the libraries alone. Return the number of pieces."""
    pieces = 0
    for name, data in corpus.items():
        for text in PARSERS[PurePath(name).suffix](data):
            pieces += len(chunk(text, chunk_size=CHARS_MAX, token_counter=len, memoize=False))
    return pieces


def _cpu_s(work: Callable[[Mapping[str, bytes]], int], corpus: Mapping[str, bytes]) -> float:
    started = time.process_time()
    assert work(corpus) > 0
    return time.process_time() - started


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


PARSERS: dict[str, Callable[[bytes], list[str]]] = {
    ".md": _parse_markdown,
    ".html": _parse_page,
    ".txt": _parse_text,
    ".csv": _parse_table,
    ".docx": _parse_word,
}
