"""The split of an export: components where there are some, else documents, else facts."""

from __future__ import annotations

import random

import pytest

from daydream_console.export.split import Units, split_of

SHARE = 0.1


def pairs(count: int, units: int, seed: int = 0) -> list[Units]:
    """Return rows of two units each, drawn evenly."""
    rng = random.Random(seed)
    names = [f"unit {number}" for number in range(units)]
    return [frozenset(rng.sample(names, 2)) for _ in range(count)]


def sides_of(rows: list[Units], seed: int = 0) -> dict[str, int]:
    split = split_of({"documents": rows}, SHARE, seed)
    sides = {"train": 0, "test": 0, "": 0}
    for row in rows:
        sides[split.side(row)] += 1
    return sides


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_are_all_connected_are_split_by_units_with_both_sides_usable(seed: int) -> None:
    sides = sides_of(pairs(400, 60), seed)
    assert 0.08 <= sides["test"] / (sides["test"] + sides["train"]) <= 0.12
    assert sides[""] < 0.45 * 400


def test_separate_groups_are_tested_whole_and_nothing_is_left_out() -> None:
    rows = [
        frozenset({f"{group} {unit}", f"{group} other"}) for group in range(50) for unit in "ab"
    ]
    split = split_of({"documents": rows}, SHARE, 0)
    assert split.unit == "groups of documents that share no row"
    sides = [split.side(row) for row in rows]
    assert "" not in sides
    assert 0.08 <= sides.count("test") / len(rows) <= 0.12


def test_too_few_documents_are_split_by_facts() -> None:
    documents = [frozenset({"a", "b"}) for _ in range(400)]
    split = split_of({"documents": documents, "facts": pairs(400, 60)}, SHARE, 0)
    assert (split.kind, split.unit) == ("facts", "facts")


def test_nothing_is_tested_where_nothing_can_be_or_shall_be() -> None:
    assert split_of({"documents": []}, SHARE, 0).tested == frozenset()
    rows = pairs(50, 10)
    assert split_of({"documents": rows}, 0, 0).tested == frozenset()


def test_no_unit_is_on_both_sides() -> None:
    rows = pairs(300, 40, seed=3)
    split = split_of({"documents": rows}, SHARE, 1)
    test = set().union(*(row for row in rows if split.side(row) == "test"))
    train = set().union(*(row for row in rows if split.side(row) == "train"))
    assert test
    assert not test & train
