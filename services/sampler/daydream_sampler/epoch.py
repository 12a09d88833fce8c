"""Uniform sampling without replacement over all pairs, from a cursor alone. Pure: states in, states out.

With dense ordinals, pair number t = j(j−1)/2 + i stands for the facts i < j. The pairs of the first N facts are therefore
the numbers below N(N−1)/2, and when facts are added the new pairs are the numbers that follow: a new block. A block is walked
in the order of a keyed permutation; among blocks one is chosen in proportion to the pairs left in it. So at every draw each
pair that is left has the same probability, 1 ÷ (pairs left), which is what the pair carries.

States of a pair number: left → claimed (by a replica, for a lease) → drawn. A claim whose lease ran out is taken over by
whoever comes next, so a killed replica loses no pair and no pair is drawn twice.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from math import isqrt

from pydantic import BaseModel, ConfigDict

from daydream_sampler.permutation import KeyedPermutation

LEASE = timedelta(seconds=10)
GROWTH = 64  # bounds the blocks: about 64 × ln(pairs), some hundreds for a million facts; below 130 facts each new one is covered at once


class Block(BaseModel):
    """The pair numbers from `start` to `end`, of which `cursor` have been claimed."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    cursor: int = 0

    @property
    def left(self) -> int:
        return self.end - self.start - self.cursor


class Claim(BaseModel):
    """A pair number that a replica is drawing."""

    model_config = ConfigDict(frozen=True)

    number: int
    probability: float
    owner: str
    claimed_at: datetime
    until: datetime


class Epoch(BaseModel):
    """The sampler's whole state, shared by its replicas."""

    model_config = ConfigDict(frozen=True)

    number: int = 1
    key: str
    blocks: tuple[Block, ...] = ()
    claims: tuple[Claim, ...] = ()
    drawn: int = 0
    drawn_max: int | None = None

    @property
    def pairs_left(self) -> int:
        """Pairs that nobody has claimed."""
        return sum(block.left for block in self.blocks)

    @property
    def goal_reached(self) -> bool:
        """Whether everything that may be drawn is drawn or claimed."""
        return self.drawn_max is not None and self.drawn + len(self.claims) >= self.drawn_max

    def cover(self, facts: int) -> Epoch:
        """The epoch with a block for the pairs of new facts, once these are a `GROWTH`th of all. Blocks that are used up are dropped."""
        end = pairs_of(facts)
        covered = max((block.end for block in self.blocks), default=0)
        if end <= covered or (self.pairs_left and (end - covered) * GROWTH < covered):
            return self
        blocks = [block for block in self.blocks if block.left or block.end == covered]
        last = blocks[-1] if blocks else None
        if last is not None and last.cursor == 0:  # nothing of it was drawn yet: let it grow
            blocks[-1] = Block(start=last.start, end=end)
        else:
            blocks.append(Block(start=covered, end=end))
        return self.model_copy(update={"blocks": tuple(blocks)})

    def claim(self, owner: str, now: datetime) -> tuple[Epoch, Claim] | None:
        """Claim the next pair: one whose lease ran out, or a new one. None when there is nothing left or allowed."""
        for old in self.claims:
            if old.until < now or old.owner == owner:
                again = old.model_copy(update={"owner": owner, "until": now + LEASE})
                return self._with_claims(*(again if one is old else one for one in self.claims)), again
        left = self.pairs_left
        if not left or self.goal_reached:
            return None
        at = self._choose(left)
        block = self.blocks[at]
        number = block.start + KeyedPermutation(block.end - block.start, self._block_key(block))[block.cursor]
        claim = Claim(number=number, probability=1 / left, owner=owner, claimed_at=now, until=now + LEASE)
        blocks = tuple(one.model_copy(update={"cursor": one.cursor + 1}) if index == at else one for index, one in enumerate(self.blocks))
        return self._with_claims(*self.claims, claim).model_copy(update={"blocks": blocks}), claim

    def done(self, claim: Claim) -> Epoch:
        """The claimed pair was published. Doing it twice counts once."""
        rest = tuple(one for one in self.claims if one.number != claim.number)
        drawn = self.drawn + len(self.claims) - len(rest)
        return self._with_claims(*rest).model_copy(update={"drawn": drawn})

    def _with_claims(self, *claims: Claim) -> Epoch:
        return self.model_copy(update={"claims": claims})

    def _choose(self, left: int) -> int:
        """The index of a block, in proportion to the pairs left; the same state chooses the same."""
        total = sum(block.cursor for block in self.blocks)
        ticket = random.Random(f"{self.key}:{self.number}:{total}:{left}").randrange(left)
        for index, block in enumerate(self.blocks):
            if ticket < block.left:
                return index
            ticket -= block.left
        raise AssertionError("the blocks have fewer pairs than they say")

    def _block_key(self, block: Block) -> bytes:
        return f"{self.key}:{self.number}:{block.start}".encode()[:64]


def pairs_of(facts: int) -> int:
    """The number of pairs of so many facts."""
    return facts * (facts - 1) // 2


def ordinals_of(number: int) -> tuple[int, int]:
    """The two ordinals i < j of pair number j(j−1)/2 + i."""
    high = (1 + isqrt(1 + 8 * number)) // 2
    return number - pairs_of(high), high
