"""A keyed permutation of 0…n−1 that needs no table: a Feistel network with cycle walking.

A Feistel network is a permutation whatever its round function is. Four rounds of a keyed
pseudo-random function look like a random permutation (Luby and Rackoff, 1988); six leave
a margin on small domains. Cycle walking (Black and Rogaway, 2002) restricts it to n: apply it again
until the value is below n. That takes fewer than four steps on average, since the network's domain
is smaller than four times n.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

ROUNDS = 6


@dataclass(frozen=True)
class KeyedPermutation:
    """A permutation of range(size), fixed by `key` (at most 64 bytes)."""

    size: int
    key: bytes

    def __getitem__(self, index: int) -> int:
        """Return the value at `index`. Raise IndexError outside of range(size)."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self._walk(index, forward=True)

    def index(self, value: int) -> int:
        """Return the index of `value`, the inverse of `self[index]`.

        Raise IndexError outside of range(size).
        """
        if not 0 <= value < self.size:
            raise IndexError(value)
        return self._walk(value, forward=False)

    def _walk(self, value: int, *, forward: bool) -> int:
        """Apply the network until the value is in range(size)."""
        half_bits = max(1, ((self.size - 1).bit_length() + 1) // 2)
        mask = (1 << half_bits) - 1
        while True:
            left, right = value >> half_bits, value & mask
            for step in range(ROUNDS):
                if forward:
                    left, right = right, left ^ (self._round(right, step) & mask)
                else:
                    back = ROUNDS - 1 - step
                    left, right = right ^ (self._round(left, back) & mask), left
            value = left << half_bits | right
            if value < self.size:
                return value

    def _round(self, half: int, step: int) -> int:
        person = step.to_bytes(2, "big")
        digest = blake2b(half.to_bytes(16, "big"), key=self.key, digest_size=16, person=person)
        return int.from_bytes(digest.digest(), "big")
