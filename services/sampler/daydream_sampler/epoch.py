"""The state that all replicas share: uniform sampling without replacement from a cursor alone, the turns of the other strategies, and
the shares of all of them that are in force. Pure: states in, states out.

With dense ordinals, pair number t = j(j−1)/2 + i stands for the facts i < j. The pairs of the first N facts are therefore
the numbers below N(N−1)/2, and when facts are added the new pairs are the numbers that follow: a new block. A block is walked
in the order of a keyed permutation; among blocks one is chosen in proportion to the pairs left in it. So at every draw each
pair that is left has the same probability, 1 ÷ (pairs left), which is what the pair carries.

Uniform claims name their pair at once. Those of other strategies name an anchor; its partner is chosen afterwards from what the memory
says (`proposing`), and written into the claim before anything else happens with it.

States of a pair number: left → claimed (by a replica, for a lease) → drawn. A claim whose lease ran out is taken over by
whoever comes next, so a killed replica loses no pair and no pair is drawn twice.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import isqrt
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from daydream_sampler.cycles import Cycle
from daydream_sampler.permutation import KeyedPermutation
from daydream_sampler.strategies.interface import AnchorOrder
from daydream_sampler.strategies.recheck import DuePair

LEASE = timedelta(seconds=10)
UNIFORM = "uniform"
KEY = "uniform"  # of the state in its bucket, from when there was no other strategy
EPOCHS_APART = 1000  # the numbers between are those of single pairs that are drawn again
GROWTH = 64  # bounds the blocks: about 64 × ln(pairs), some hundreds for a million facts; below 130 facts each new one is covered at once


class PairBlock(BaseModel):
    """The pair numbers from `start` to `end`, of which `cursor` have been claimed."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    cursor: int = 0

    @property
    def left(self) -> int:
        return self.end - self.start - self.cursor


class AnchorSource(BaseModel):
    """A strategy that can draw: how it takes anchors, and how many there are."""

    model_config = ConfigDict(frozen=True)

    order: AnchorOrder
    available: int


class PortfolioRound(BaseModel):
    """What is in force until `until` pairs are drawn: each strategy's share of the draws, the coefficients of the learned one, the rates of regions, whether
    machine-made facts are drawn by others than uniform, and the dull pairs that are due once more and not claimed yet."""

    model_config = ConfigDict(frozen=True)

    number: int = 0
    until: int = 0
    shares: dict[str, float] = {}
    learned: tuple[float, ...] = ()
    regions: dict[str, float] = {}
    machine_made: bool = True
    due: tuple[DuePair, ...] = ()


class Claim(BaseModel):
    """A draw that a replica is making.

    `number` None: of its pair only the `anchor` is chosen yet (a place in its strategy's cycle). `chance`: with which its strategy took this
    anchor, or this pair where there is no anchor. `proposed`: with which probability each strategy alone would have proposed the pair;
    `probability`: all of them together, by `shares`.
    """

    model_config = ConfigDict(frozen=True)

    claim_id: str
    strategy: str = UNIFORM
    anchor: int | None = None
    number: int | None
    chance: float = 0.0
    probability: float = 0.0
    shares: dict[str, float] = {}
    proposed: dict[str, float] = {}
    features: tuple[float, ...] = ()
    drawn_mass_max: float = 0.0
    machine_made: bool = False
    epoch: int = 0  # of the pair, where it is another than that of all
    why: str = ""
    owner: str
    claimed_at: datetime
    until: datetime

    @model_validator(mode="before")
    @classmethod
    def _of_early_builds(cls, value: Any) -> Any:
        """They knew uniform claims only, without an id."""
        if isinstance(value, dict) and "claim_id" not in value:
            return {
                **value,
                "claim_id": f"{UNIFORM}:#{value.get('number')}",
                "chance": value.get("probability", 0.0),
            }
        return value


class Epoch(BaseModel):
    """The sampler's whole state, shared by its replicas."""

    model_config = ConfigDict(frozen=True)

    number: int = 1
    key: str
    memory: str = ""  # the generation of the memory whose ordinals these are
    blocks: tuple[PairBlock, ...] = ()
    cycles: dict[str, Cycle] = {}
    round: PortfolioRound = PortfolioRound()
    claims: tuple[Claim, ...] = ()
    claimed: int = 0
    drawn: int = 0
    machine_made: int = 0  # of the drawn pairs, those with a fact that this system made
    pairs_max: int | None = None

    @property
    def pairs_left(self) -> int:
        """Pairs that nobody has claimed."""
        return sum(block.left for block in self.blocks)

    @property
    def goal_reached(self) -> bool:
        """Whether everything that may be drawn is drawn or claimed."""
        return self.pairs_max is not None and self.drawn + len(self.claims) >= self.pairs_max

    def renewed(self, number: int, memory: str) -> Epoch:
        """The epoch over a memory whose ordinals mean other facts. What is drawn counts on towards the goal; the claims of the old one are void."""
        return Epoch(
            number=number,
            key=self.key,
            memory=memory,
            round=PortfolioRound(number=self.round.number),
            claimed=self.claimed,
            drawn=self.drawn,
            machine_made=self.machine_made,
            pairs_max=self.pairs_max,
        )

    def cover(self, facts: int) -> Epoch:
        """The epoch with a block for the pairs of new facts, once these are a `GROWTH`th of all. Blocks that are used up are dropped."""
        end = pairs_of(facts)
        covered = max((block.end for block in self.blocks), default=0)
        if end <= covered or (self.pairs_left and (end - covered) * GROWTH < covered):
            return self
        blocks = [block for block in self.blocks if block.left or block.end == covered]
        last = blocks[-1] if blocks else None
        if last is not None and last.cursor == 0:  # nothing of it was drawn yet: let it grow
            blocks[-1] = PairBlock(start=last.start, end=end)
        else:
            blocks.append(PairBlock(start=covered, end=end))
        return self.model_copy(update={"blocks": tuple(blocks)})

    def meet(self, turns: Mapping[str, AnchorSource]) -> Epoch:
        """The epoch in which each strategy of arrivals has begun: what comes from now on is new to it."""
        news = {
            name: Cycle(cursor=one.available)
            for name, one in turns.items()
            if one.order is AnchorOrder.ARRIVALS and name not in self.cycles
        }
        return self.model_copy(update={"cycles": {**self.cycles, **news}}) if news else self

    def claim(
        self, owner: str, now: datetime, turns: Mapping[str, AnchorSource] | None = None
    ) -> tuple[Epoch, Claim] | None:
        """Claim the next draw: one whose lease ran out, or a new one. None when there is nothing left or allowed."""
        if (
            self.pairs_max is not None and self.drawn >= self.pairs_max
        ):  # not even one that was begun under an earlier goal
            return None
        for old in self.claims:
            if old.until < now or old.owner == owner:
                again = old.model_copy(update={"owner": owner, "until": now + LEASE})
                return self._with_claims(
                    *(again if one is old else one for one in self.claims)
                ), again
        left = self.pairs_left
        if not left or self.goal_reached:
            return None
        shares = self.open_shares(turns or {})
        name = self._choose(shares)
        lease = {
            "strategy": name,
            "shares": shares,
            "owner": owner,
            "claimed_at": now,
            "until": now + LEASE,
        }
        if name == UNIFORM:
            after, number = self._next_uniform(left)
            claim = Claim(
                claim_id=f"{UNIFORM}:{self.claimed}",
                number=number,
                chance=1 / left,
                probability=1 / left,
                **lease,
            )
        elif (turns or {})[name].order is AnchorOrder.DUE:
            return self._claim_due(lease)
        else:
            order, cycle = (turns or {})[name].order, self.ready(name, (turns or {})[name])
            assert cycle is not None
            after = self.model_copy(update={"cycles": {**self.cycles, name: cycle.next()}})
            anchor = cycle.place(order, self.anchor_key(name))
            chance = cycle.probability(order, self.anchor_key(name), anchor)
            claim = Claim(
                claim_id=f"{name}:{self.claimed}",
                anchor=anchor,
                number=None,
                chance=chance,
                **lease,
            )
        return after._with_claims(*self.claims, claim).model_copy(
            update={"claimed": self.claimed + 1}
        ), claim

    def _claim_due(self, lease: dict[str, Any]) -> tuple[Epoch, Claim]:
        """One of the dull pairs that are due, all alike; the same state chooses the same."""
        due = self.round.due
        at = random.Random(f"{self.key}:{self.number}:due:{self.claimed}").randrange(len(due))
        one, chance = due[at], 1 / len(due)
        name, share = lease["strategy"], lease["shares"][lease["strategy"]]
        claim = Claim(
            claim_id=f"{name}:{self.claimed}",
            number=one.number,
            chance=chance,
            probability=share * chance,
            proposed={name: chance},
            epoch=one.epoch,
            why=one.why,
            **lease,
        )
        rest = self.round.model_copy(update={"due": (*due[:at], *due[at + 1 :])})
        return self._with_claims(*self.claims, claim).model_copy(
            update={"claimed": self.claimed + 1, "round": rest}
        ), claim

    def open_shares(self, turns: Mapping[str, AnchorSource]) -> dict[str, float]:
        """The shares of the strategies that have somebody whose turn it is, scaled to 1. Uniform always has."""
        found = {
            name: share
            for name, share in self.round.shares.items()
            if share and name in turns and self.open(name, turns[name])
        }
        rest = self.round.shares.get(UNIFORM, 0.0)
        total = sum(found.values()) + rest
        return {
            UNIFORM: rest / total if total else 1.0,
            **{name: share / total for name, share in found.items()},
        }

    def open(self, name: str, turns: AnchorSource) -> bool:
        """Whether a strategy has anything to propose."""
        return (
            bool(self.round.due)
            if turns.order is AnchorOrder.DUE
            else self.ready(name, turns) is not None
        )

    def ready(self, name: str, turns: AnchorSource) -> Cycle | None:
        """The strategy's cycle at its next turn; None when nobody has one."""
        start = Cycle(
            number=0, cursor=turns.available if turns.order is AnchorOrder.ARRIVALS else 0
        )
        return self.cycles.get(name, start).ready(turns.order, turns.available)

    def anchor_key(self, name: str) -> str:
        """The key of a strategy's permutations."""
        return f"{self.key}:{self.number}:{name}"

    def fix(self, claim: Claim, chosen: Claim) -> tuple[Epoch, Claim | None]:
        """Write down which pair a claim is for. None: the claim is gone (taken over), or another one has that pair."""
        if not any(
            one.claim_id == claim.claim_id and one.owner == claim.owner for one in self.claims
        ):
            return self, None
        if any(
            (one.number, one.epoch) == (chosen.number, chosen.epoch)
            and one.claim_id != claim.claim_id
            for one in self.claims
        ):
            return self, None
        return self._with_claims(
            *(chosen if one.claim_id == claim.claim_id else one for one in self.claims)
        ), chosen

    def drop(self, claim: Claim) -> Epoch:
        """Give a claim up: its anchor has no partner left, or its pair was drawn by another strategy."""
        return self._with_claims(*(one for one in self.claims if one.claim_id != claim.claim_id))

    def anew(self, claim: Claim, now: datetime) -> Epoch:
        """The ledger has just refused a claim, so it knows nothing of it: the claim may count as made now, before it grows too old to be paid for."""
        return self._with_claims(
            *(
                one.model_copy(update={"claimed_at": now})
                if one.claim_id == claim.claim_id
                else one
                for one in self.claims
            )
        )

    def uniform_probability(self, number: int) -> float:
        """With which the next uniform draw is this pair."""
        for block in self.blocks:
            if block.start <= number < block.end:
                permutation = KeyedPermutation(block.end - block.start, self._block_key(block))
                return (
                    0.0
                    if permutation.index(number - block.start) < block.cursor
                    else 1 / self.pairs_left
                )
        return 0.0

    def done(self, claim: Claim) -> Epoch:
        """The claimed pair was published. Doing it twice counts once."""
        rest = tuple(one for one in self.claims if one.claim_id != claim.claim_id)
        if len(rest) == len(self.claims):
            return self
        return self._with_claims(*rest).model_copy(
            update={"drawn": self.drawn + 1, "machine_made": self.machine_made + claim.machine_made}
        )

    def _with_claims(self, *claims: Claim) -> Epoch:
        return self.model_copy(update={"claims": claims})

    def _next_uniform(self, left: int) -> tuple[Epoch, int]:
        """The next pair of a block that is chosen in proportion to the pairs left in it; the same state chooses the same."""
        total = sum(block.cursor for block in self.blocks)
        ticket = random.Random(f"{self.key}:{self.number}:{total}:{left}").randrange(left)
        for at, block in enumerate(self.blocks):
            if ticket < block.left:
                number = (
                    block.start
                    + KeyedPermutation(block.end - block.start, self._block_key(block))[
                        block.cursor
                    ]
                )
                moved = block.model_copy(update={"cursor": block.cursor + 1})
                return self.model_copy(
                    update={"blocks": (*self.blocks[:at], moved, *self.blocks[at + 1 :])}
                ), number
            ticket -= block.left
        raise AssertionError("the blocks have fewer pairs than they say")

    def _choose(self, shares: Mapping[str, float]) -> str:
        """A strategy, by its share; the same state chooses the same."""
        ticket = random.Random(f"{self.key}:{self.number}:strategy:{self.claimed}").random()
        for name, share in shares.items():
            ticket -= share
            if ticket < 0:
                return name
        return UNIFORM

    def _block_key(self, block: PairBlock) -> bytes:
        return f"{self.key}:{self.number}:{block.start}".encode()[:64]


def pairs_of(facts: int) -> int:
    """The number of pairs of so many facts."""
    return facts * (facts - 1) // 2


def ordinals_of(number: int) -> tuple[int, int]:
    """The two ordinals i < j of pair number j(j−1)/2 + i."""
    high = (1 + isqrt(1 + 8 * number)) // 2
    return number - pairs_of(high), high


def number_of(one: int, other: int) -> int:
    """The number of the pair of two ordinals."""
    low, high = sorted((one, other))
    return pairs_of(high) + low
