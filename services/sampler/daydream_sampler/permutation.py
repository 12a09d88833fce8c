"""A keyed permutation of 0…n−1 that needs no table: a Feistel network with cycle walking.

Feistel networks are permutations whatever their round function is; four rounds of a keyed pseudo-random function give one that can't be told
from a random one (Luby and Rackoff, 1988), six leave a margin on small domains. Cycle walking (Black and Rogaway, 2002)
restricts it to n: apply it again until the value is below n, which takes less than four steps on average, since the
network's domain is less than four times n.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

ROUNDS = 6


@dataclass(frozen=True)
class KeyedPermutation:
    """A permutation of range(size), fixed by `key`."""

    size: int
    key: bytes

    def __getitem__(self, index: int) -> int:
        """Where `index` goes. IndexError outside of range(size)."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        half_bits = max(1, ((self.size - 1).bit_length() + 1) // 2)
        value = index
        while True:
            value = self._network(value, half_bits)
            if value < self.size:
                return value

    def _network(self, value: int, half_bits: int) -> int:
        mask = (1 << half_bits) - 1
        left, right = value >> half_bits, value & mask
        for round_ in range(ROUNDS):
            digest = blake2b(right.to_bytes(16, "big"), key=self.key, digest_size=16, person=round_.to_bytes(2, "big")).digest()
            left, right = right, left ^ (int.from_bytes(digest, "big") & mask)
        return left << half_bits | right
