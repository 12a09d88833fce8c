"""The keyed permutation: a permutation for every size, another one for every key."""

from __future__ import annotations

from collections import Counter

import pytest

from daydream_sampler.permutation import KeyedPermutation


def test_every_size_gives_a_permutation() -> None:
    for size in range(1, 301):
        permutation = KeyedPermutation(size, b"key")
        assert sorted(permutation[index] for index in range(size)) == list(range(size)), size


@pytest.mark.parametrize("size", [65_537, 1_000_003, 2**40 + 1, 499_999_500_000])
def test_large_sizes_have_no_collisions(size: int) -> None:
    permutation = KeyedPermutation(size, b"key")
    indices = [*range(1000), *range(size - 1000, size)]
    places = [permutation[index] for index in indices]
    assert len(set(places)) == len(indices)
    assert all(0 <= place < size for place in places)
    quarters = Counter(place * 4 // size for place in places)
    assert min(quarters.values()) > 400, "neighbours are spread over the whole range"


def test_another_key_gives_another_permutation() -> None:
    first, other = KeyedPermutation(100, b"one"), KeyedPermutation(100, b"other")
    same = sum(first[index] == other[index] for index in range(100))
    assert same < 10


def test_the_same_key_gives_the_same_permutation() -> None:
    assert [KeyedPermutation(50, b"k")[index] for index in range(50)] == [
        KeyedPermutation(50, b"k")[index] for index in range(50)
    ]


@pytest.mark.parametrize("index", [-1, 10, 11])
def test_an_index_outside_of_the_range_raises(index: int) -> None:
    with pytest.raises(IndexError):
        KeyedPermutation(10, b"k")[index]


def test_all_orders_of_three_items_are_about_equally_frequent() -> None:
    orders = Counter(
        tuple(KeyedPermutation(3, f"{seed}".encode())[index] for index in range(3))
        for seed in range(3000)
    )
    assert len(orders) == 6
    chi_square = sum((count - 500) ** 2 / 500 for count in orders.values())
    assert chi_square < 20.5  # five degrees of freedom: exceeded by chance once in a thousand
