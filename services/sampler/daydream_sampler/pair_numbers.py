"""Number the pairs of facts, so that a cursor can walk through all of them.

With dense ordinals, pair number t = j(j−1)/2 + i stands for the facts i < j. The pairs of the first
N facts are therefore the numbers below N(N−1)/2. New facts add the numbers that follow.
"""

from __future__ import annotations

from math import isqrt

from pydantic import BaseModel, ConfigDict

from daydream_sampler.permutation import KeyedPermutation


def pair_count(facts: int) -> int:
    """Return how many pairs this many facts have."""
    return facts * (facts - 1) // 2


def pair_number(ordinal: int, other: int) -> int:
    """Return the number of the pair of two ordinals, whose order does not matter."""
    low, high = sorted((ordinal, other))
    return pair_count(high) + low


def ordinals_of(number: int) -> tuple[int, int]:
    """Return the two ordinals i < j of a pair number."""
    high = (1 + isqrt(1 + 8 * number)) // 2
    return number - pair_count(high), high


class PairBlock(BaseModel):
    """The pair numbers from `start` to `end` (exclusive), of which `cursor` have been claimed."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    cursor: int = 0

    @property
    def left(self) -> int:
        """How many of its pairs no claim has taken."""
        return self.end - self.start - self.cursor

    def permutation(self, key: str) -> KeyedPermutation:
        """Return the order in which its pairs are drawn, for the key of an epoch."""
        return KeyedPermutation(self.end - self.start, f"{key}:{self.start}".encode()[:64])
