"""The matrix in memory against the plain way of searching it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from daydream_memory.vectors import VectorTable


def unit_rows(count: int, dimension: int = 32, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def filled(count: int, step: int = 7) -> tuple[VectorTable, NDArray[np.float32]]:
    """A table that was filled in small steps."""
    table, rows = VectorTable(), unit_rows(count)
    for start in range(0, count, step):
        part = rows[start : start + step]
        table.append([f"id {start + at}" for at in range(len(part))], part)
    return table, rows


@pytest.mark.parametrize("count", [1, 2, 10, 1023, 1024, 1025, 3000])
@pytest.mark.parametrize("limit", [1, 5, 5000])
def test_the_nearest_rows_equal_those_of_a_brute_force_search(count: int, limit: int) -> None:
    table, rows = filled(count)
    query = unit_rows(1, seed=99)[0]
    matches = table.near(query, limit)
    cosines = rows @ query
    order = np.argsort(-cosines)[:limit]
    keys = [int(key.removeprefix("id ")) for key, _ in matches]
    assert len(set(keys)) == len(keys)
    # some processors round a cosine differently in blocks of other sizes: equal cosines may swap
    np.testing.assert_allclose(cosines[keys], cosines[order], atol=1e-6)
    np.testing.assert_allclose([cosine for _, cosine in matches], cosines[order], atol=1e-6)


def test_an_excluded_row_is_replaced_by_the_next() -> None:
    table, rows = filled(200)
    query = unit_rows(1, seed=99)[0]
    order = [f"id {row}" for row in np.argsort(-(rows @ query))]
    without = frozenset(order[:10:2])
    assert [key for key, _ in table.near(query, 5, without)] == [
        key for key in order if key not in without
    ][:5]
    assert [key for key, _ in table.near(query, 500, frozenset(["nobody"]))] == order


def test_an_empty_table_has_no_nearest_rows() -> None:
    assert VectorTable().near(unit_rows(1)[0], 3) == []
    assert len(VectorTable()) == 0


def test_rows_keep_their_numbers_while_the_table_grows() -> None:
    table, rows = filled(2500, step=1)
    for number in (0, 1023, 1024, 1536, 2499):
        assert table.row_of[f"id {number}"] == number
        np.testing.assert_array_equal(table.row(number), rows[number])


def test_random_cosines_are_those_of_pairs_of_different_rows() -> None:
    table, rows = filled(5)
    possible = {
        round(float(rows[first] @ rows[second]), 4) for first in range(5) for second in range(first)
    }
    matches = {round(float(cosine), 4) for cosine in table.random_cosines(500, seed=1)}
    assert matches == possible


def test_fewer_than_two_rows_have_no_pairs() -> None:
    assert filled(1)[0].random_cosines(10, seed=0).size == 0
    assert VectorTable().random_cosines(10, seed=0).size == 0


def test_random_cosines_are_the_same_for_the_same_seed() -> None:
    table, _ = filled(50)
    np.testing.assert_array_equal(
        table.random_cosines(20, seed=3), table.random_cosines(20, seed=3)
    )
    assert not np.array_equal(table.random_cosines(20, seed=3), table.random_cosines(20, seed=4))
