"""Measure search at 10⁵ and 10⁶ facts, and ingest against a plain loop over the same libraries."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import figure, percentile
from benchmarks.sampler.synthetic import clustered
from daydream_memory.ann_index import AnnIndex
from daydream_memory.chunking import texts_of
from daydream_memory.minilm_embedder import MiniLM
from daydream_memory.reading import read_document
from daydream_memory.sqlite.vector_index import INDEX_MIN_FACTS
from daydream_memory.vectors import VectorTable
from support.programs import Daydream, until

DIMENSION = 384  # of the bundled model
QUERIES = 300
DOCUMENTS = 2000
EMBEDDED = 60
PARAGRAPHS = 8
WORDS = 1500


def measure(*, quick: bool) -> None:
    """Print the figures."""
    for size in (10**5,) if quick else (10**5, 10**6):
        search(size)
    ingest(DOCUMENTS // 10 if quick else DOCUMENTS)
    ingest_whole(EMBEDDED // 2 if quick else EMBEDDED)


def search(size: int) -> None:
    """Search as the SQLite store does: exact below `INDEX_MIN_FACTS`, else with the index."""
    vectors = clustered(size, DIMENSION, seed=1)
    table = VectorTable()
    table.append([str(row) for row in range(size)], vectors)
    added_per_s = 0.0
    if size >= INDEX_MIN_FACTS:
        started = time.perf_counter()
        table.index = AnnIndex(DIMENSION)
        for start in range(0, size, 5000):
            table.index.add(vectors[start : start + 5000], threads=os.cpu_count() or 1)
        added_per_s = size / (time.perf_counter() - started)
    rng = np.random.default_rng(2)
    times, hits = [], 0
    for row in rng.integers(0, size, QUERIES):
        query = (
            vectors[row] + 0.3 * rng.standard_normal(DIMENSION).astype(np.float32) / DIMENSION**0.5
        )
        query /= np.linalg.norm(query)
        started = time.perf_counter()
        nearest = {int(key) for key, _ in table.near(query, 10)}
        times.append(1e3 * (time.perf_counter() - started))
        hits += len(nearest & set(np.argpartition(-(vectors @ query), 10)[:10].tolist()))
    details: dict[str, Any] = {
        "facts": size,
        "dimension": DIMENSION,
        "p99": round(percentile(times, 0.99), 3),
        "index_rows_per_s": round(added_per_s),
    }
    figure("sampler", f"search_ms_{size:.0e}", [percentile(times, 0.5)], "ms", **details)
    figure(
        "sampler",
        f"search_recall_at_10_{size:.0e}",
        [hits / (10 * QUERIES)],
        "share",
        facts=size,
        dimension=DIMENSION,
    )


def ingest(documents: int) -> None:
    """Ingest Markdown files until all are read, with the running system and with the libraries
    alone.

    Their embedding follows later.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = written(Path(folder) / "documents", documents)
        size = sum(file.stat().st_size for file in files)
        started = time.perf_counter()
        facts = len(plain(files))
        alone = time.perf_counter() - started
        with Daydream(Path(folder) / "user", None, HOME=os.environ["HOME"]).up() as daydream:
            started = time.perf_counter()
            reports = daydream.items("ingest", str(Path(folder) / "documents"))
            whole = time.perf_counter() - started
    assert sum(report["facts"] for report in reports) == facts
    details: dict[str, Any] = {"documents": documents, "mb": round(size / 1e6, 2), "facts": facts}
    figure(
        "sampler",
        "ingest_documents_per_s",
        [documents / whole],
        "documents/s",
        mb_per_s=round(size / 1e6 / whole, 3),
        **details,
    )
    figure(
        "sampler",
        "plain_loop_documents_per_s",
        [documents / alone],
        "documents/s",
        mb_per_s=round(size / 1e6 / alone, 3),
        **details,
    )


def ingest_whole(documents: int) -> None:
    """Ingest until every fact is active, which is nearly all embedding, with one thread in both."""
    with tempfile.TemporaryDirectory() as folder:
        files = written(Path(folder) / "documents", documents)
        started = time.perf_counter()
        texts = plain(files)
        asyncio.run(MiniLM(1).embed(texts))
        alone = time.perf_counter() - started
        with Daydream(Path(folder) / "user", None, HOME=os.environ["HOME"]).up() as daydream:
            started = time.perf_counter()
            daydream.items("ingest", str(Path(folder) / "documents"))
            until(
                lambda: daydream.json("status")["memory"]["facts_pending"] == 0, "all embedded", 600
            )
            whole = time.perf_counter() - started
    details: dict[str, Any] = {"documents": documents, "facts": len(texts)}
    figure(
        "sampler",
        "ingest_until_active_documents_per_s",
        [documents / whole],
        "documents/s",
        **details,
    )
    figure(
        "sampler",
        "plain_loop_until_embedded_documents_per_s",
        [documents / alone],
        "documents/s",
        **details,
    )


def plain(files: list[Path]) -> list[str]:
    """Read, parse and split with the libraries alone. Return the texts."""
    texts = []
    for file in files:
        reading = read_document(file.read_bytes(), str(file))
        texts += [fact.text for fact in texts_of(reading, source=str(file), chars_max=900).texts]
    return texts


def written(folder: Path, documents: int) -> list[Path]:
    """Write Markdown files of made-up words, all different."""
    chance = random.Random(0)
    words = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9)))
        for _ in range(WORDS)
    ]
    folder.mkdir()
    files = []
    for number in range(documents):
        paragraphs = [
            f"## Part {part}\n\n{' '.join(chance.choices(words, k=90))}.\n"
            for part in range(PARAGRAPHS)
        ]
        files.append(folder / f"{number}.md")
        files[-1].write_text(f"# Note {number}\n\n" + "\n".join(paragraphs))
    return files
