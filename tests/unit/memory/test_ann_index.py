"""The index is a cache: without it, or with a wrong one, searches find the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daydream_memory.ann_index import AnnIndex
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.store import DocumentRecord, NewFact
from daydream_memory.vectors import VectorTable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
COUNT = 3000


def clustered(seed: int = 0, count: int = COUNT) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((60, 32))[rng.integers(0, 60, count)] + rng.standard_normal(
        (count, 32)
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def table(matrix: NDArray[np.float32]) -> VectorTable:
    made = VectorTable()
    made.append([str(row) for row in range(len(matrix))], matrix)
    return made


def test_an_index_finds_nearly_the_same_rows_with_exact_cosines() -> None:
    matrix = clustered()
    exact, quick = table(matrix), table(matrix)
    quick.index = AnnIndex(32)
    quick.index.add(matrix[:2500])  # the last 500 are not in it yet
    quick.hide(["7", "2800"], hidden=True)
    exact.hide(["7", "2800"], hidden=True)
    same = 0
    for row in range(0, COUNT, 30):
        wanted = exact.near(matrix[row], 10, frozenset({str(row)}))
        matches = quick.near(matrix[row], 10, frozenset({str(row)}))
        assert {"7", "2800", str(row)}.isdisjoint(key for key, _ in matches)
        assert all(
            abs(cosine - float(matrix[int(key)] @ matrix[row])) < 1e-6 for key, cosine in matches
        )
        same += len({key for key, _ in wanted} & {key for key, _ in matches})
    assert same >= 0.99 * 1000


def test_the_rest_is_searched_if_all_proposed_rows_are_hidden() -> None:
    matrix = clustered()
    quick = table(matrix)
    quick.index = AnnIndex(32)
    quick.index.add(matrix)
    nearest = [key for key, _ in quick.near(matrix[0], 100)]
    quick.hide(nearest, hidden=True)
    matches = quick.near(matrix[0], 10)
    assert len(matches) == 10
    assert {key for key, _ in matches}.isdisjoint(nearest)


def test_an_index_is_stored_and_a_broken_or_foreign_one_is_rebuilt(
    tmp_path: Path,
) -> None:
    matrix, file = clustered(), tmp_path / "vectors.usearch"
    index = AnnIndex(32)
    index.add(matrix[:1000])
    index.save(file)
    assert AnnIndex.load(file, matrix).size == 1000
    assert AnnIndex.load(file, clustered(seed=1)).size == 0
    assert AnnIndex.load(file, matrix[:500]).size == 0
    file.write_bytes(b"not an index")
    assert AnnIndex.load(file, matrix).size == 0
    assert AnnIndex.load(tmp_path / "none", matrix).size == 0


async def test_a_store_builds_its_index_in_steps_and_loads_the_stored_one(tmp_path: Path) -> None:
    matrix = clustered(count=1500)
    store = open_sqlite_store(tmp_path, "model", index_min_facts=1000)
    assert not await store.maintenance.tend(), "so few need none"
    facts = [NewFact(str(row), f"text {row}") for row in range(len(matrix))]
    await store.documents.add(DocumentRecord("doc", "/doc.md", "read", "", NOW, NOW), facts)
    await store.facts.activate({fact.fact_id: row for fact, row in zip(facts, matrix, strict=True)})
    assert not await store.maintenance.tend(), "one step is enough for so few"
    before = [fact.fact_id for fact, _ in await store.facts.find_nearest(matrix[3], 5)]
    await store.close()
    assert (tmp_path / "vectors.usearch").exists()
    again = open_sqlite_store(tmp_path, "model", index_min_facts=1000)
    await again.maintenance.tend()
    assert [fact.fact_id for fact, _ in await again.facts.find_nearest(matrix[3], 5)] == before
    await again.close()
