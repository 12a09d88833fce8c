"""The state that all replicas of the sampler share. Pure: every method returns a new state.

It holds the cursors of uniform sampling without replacement, the anchor cycles of the other
strategies, the shares of all strategies that are in force, and the draws in progress.

The numbers of the pairs of new facts follow those of the old ones (`pair_numbers`): they are a new
block. A block is walked in the order of a keyed permutation. Among blocks one is chosen in
proportion to the pairs left in it. So at every draw each pair that is left has the same
probability, 1 ÷ (pairs left), and the pair carries it.

A uniform claim names its pair at once. A claim of another strategy names an anchor. Its partner is
chosen afterwards from what the memory answers (`pair_probability`), and written into the claim
before anything else happens with it.

States of a pair number: left → claimed (by a replica, for a lease) → drawn. Another replica takes
over a claim whose lease ran out and draws the same pair under the same ids, so it is not drawn
twice.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from daydream_sampler.anchor_cycles import AnchorSource, Cycle
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.pair_numbers import PairBlock, pair_count
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.strategies.interface import AnchorOrder

CLAIM_LEASE = timedelta(seconds=10)
KEY = "epoch.v1"  # of the state in its bucket
EPOCHS_APART = 1000  # the numbers between are those of single pairs that are drawn again
# Bounds the number of blocks: about 64 × ln(pairs), some hundreds for a million facts. Below 130
# facts each new fact is covered at once.
GROWTH = 64


class Epoch(BaseModel):
    """The sampler's whole state. An epoch lasts while ordinals mean the same facts."""

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
    generated: int = 0  # of the drawn pairs, those with a fact that this system wrote
    pairs_max: int | None = None

    @property
    def pairs_left(self) -> int:
        """Pairs that no claim has taken."""
        return sum(block.left for block in self.blocks)

    @property
    def goal_reached(self) -> bool:
        """Whether as many pairs are drawn or claimed as may be drawn."""
        return self.pairs_max is not None and self.drawn + len(self.claims) >= self.pairs_max

    @property
    def permutation_key(self) -> str:
        """The key from which all orders of this epoch derive."""
        return f"{self.key}:{self.number}"

    def renewed(self, number: int, memory: str) -> Epoch:
        """Return the epoch over a memory whose ordinals mean other facts.

        Drawn pairs still count towards the goal. The claims of the old epoch are void.
        """
        return Epoch(
            number=number,
            key=self.key,
            memory=memory,
            round=PortfolioRound(number=self.round.number),
            claimed=self.claimed,
            drawn=self.drawn,
            generated=self.generated,
            pairs_max=self.pairs_max,
        )

    def extend(self, facts: int) -> Epoch:
        """Add a block for the pairs of new facts once these are a `GROWTH`th of all pairs.

        Drop blocks that are used up.
        """
        end = pair_count(facts)
        covered = max((block.end for block in self.blocks), default=0)
        if end <= covered or (self.pairs_left and (end - covered) * GROWTH < covered):
            return self
        blocks = [block for block in self.blocks if block.left or block.end == covered]
        last = blocks[-1] if blocks else None
        if last is not None and last.cursor == 0:  # none of it was drawn yet: let it grow
            blocks[-1] = PairBlock(start=last.start, end=end)
        else:
            blocks.append(PairBlock(start=covered, end=end))
        return self.model_copy(update={"blocks": tuple(blocks)})

    def start_arrivals(self, sources: Mapping[str, AnchorSource]) -> Epoch:
        """Start each strategy of arrivals: the facts that come from now on are new to it."""
        started = {
            name: Cycle(cursor=source.available)
            for name, source in sources.items()
            if source.order is AnchorOrder.ARRIVALS and name not in self.cycles
        }
        return self.model_copy(update={"cycles": {**self.cycles, **started}}) if started else self

    def claim(
        self,
        owner: str,
        now: datetime,
        sources: Mapping[str, AnchorSource] | None = None,
        mine: Collection[str] = (),
    ) -> tuple[Epoch, Claim] | None:
        """Claim the next draw: one whose lease ran out, or a new one, but none of `mine`.

        Return None when no pair is left or the goal is reached.
        """
        if self.pairs_max is not None and self.drawn >= self.pairs_max:
            return None  # not even a draw that was begun under an earlier goal
        for claim in self.claims:
            if claim.claim_id not in mine and claim.is_open_to(owner, now):
                renewed = claim.model_copy(update={"owner": owner, "until": now + CLAIM_LEASE})
                return self.replacing(renewed), renewed
        if not self.pairs_left or self.goal_reached:
            return None
        return self._new_claim(owner, now, sources or {})

    def _new_claim(
        self, owner: str, now: datetime, sources: Mapping[str, AnchorSource]
    ) -> tuple[Epoch, Claim]:
        shares = self.open_shares(sources)
        name = self._choose(shares)
        lease = {
            "claim_id": f"{name}:{self.claimed}",
            "strategy": name,
            "shares": shares,
            "owner": owner,
            "claimed_at": now,
            "until": now + CLAIM_LEASE,
        }
        if name == UNIFORM:
            after, claim = self._claim_uniform(lease)
        elif sources[name].order is AnchorOrder.DUE:
            after, claim = self._claim_due(lease)
        else:
            after, claim = self._claim_anchor(lease, sources[name])
        update = {"claims": (*self.claims, claim), "claimed": self.claimed + 1}
        return after.model_copy(update=update), claim

    def _claim_uniform(self, lease: dict[str, Any]) -> tuple[Epoch, Claim]:
        """Claim a pair of a block that is chosen in proportion to the pairs left in it.

        The same state chooses the same pair.
        """
        left = self.pairs_left
        total = sum(block.cursor for block in self.blocks)
        ticket = random.Random(f"{self.permutation_key}:{total}:{left}").randrange(left)
        for at, block in enumerate(self.blocks):
            if ticket < block.left:
                number = block.start + block.permutation(self.permutation_key)[block.cursor]
                moved = block.model_copy(update={"cursor": block.cursor + 1})
                blocks = (*self.blocks[:at], moved, *self.blocks[at + 1 :])
                claim = Claim(number=number, chance=1 / left, probability=1 / left, **lease)
                return self.model_copy(update={"blocks": blocks}), claim
            ticket -= block.left
        raise AssertionError("the blocks have fewer pairs than they say")

    def _claim_due(self, lease: dict[str, Any]) -> tuple[Epoch, Claim]:
        """Claim one of the discarded pairs that are due, each with the same probability.

        The same state chooses the same pair.
        """
        due = self.round.due
        at = random.Random(f"{self.permutation_key}:due:{self.claimed}").randrange(len(due))
        pair, chance = due[at], 1 / len(due)
        name = lease["strategy"]
        claim = Claim(
            number=pair.number,
            chance=chance,
            probability=lease["shares"][name] * chance,
            proposed={name: chance},
            epoch=pair.epoch,
            why=pair.why,
            **lease,
        )
        rest = self.round.model_copy(update={"due": (*due[:at], *due[at + 1 :])})
        return self.model_copy(update={"round": rest}), claim

    def _claim_anchor(self, lease: dict[str, Any], source: AnchorSource) -> tuple[Epoch, Claim]:
        name = lease["strategy"]
        cycle = self.ready(name, source)
        assert cycle is not None
        key = self.anchor_key(name)
        anchor = cycle.place(source.order, key)
        chance = cycle.probability(source.order, key, anchor)
        claim = Claim(anchor=anchor, number=None, chance=chance, **lease)
        return self.model_copy(update={"cycles": {**self.cycles, name: cycle.next()}}), claim

    def open_shares(self, sources: Mapping[str, AnchorSource]) -> dict[str, float]:
        """Return the shares of the strategies that can draw now, scaled to 1."""
        shares = {
            name: share
            for name, share in self.round.shares.items()
            if share and name in sources and self.can_draw(name, sources[name])
        }
        rest = self.round.shares.get(UNIFORM, 0.0)
        total = sum(shares.values()) + rest
        return {
            UNIFORM: rest / total if total else 1.0,
            **{name: share / total for name, share in shares.items()},
        }

    def can_draw(self, name: str, source: AnchorSource) -> bool:
        """Return whether a strategy has a pair or an anchor to propose."""
        if source.order is AnchorOrder.DUE:
            return bool(self.round.due)
        return self.ready(name, source) is not None

    def ready(self, name: str, source: AnchorSource) -> Cycle | None:
        """Return the strategy's cycle with the cursor at its next anchor, or None without one."""
        cursor = source.available if source.order is AnchorOrder.ARRIVALS else 0
        cycle = self.cycles.get(name, Cycle(number=0, cursor=cursor))
        return cycle.ready(source.order, source.available)

    def anchor_key(self, name: str) -> str:
        """Return the key of a strategy's permutations."""
        return f"{self.permutation_key}:{name}"

    def assign_pair(
        self, claim: Claim, chosen: Claim, later: Collection[str] = ()
    ) -> tuple[Epoch, Claim | None]:
        """Write down which pair a claim is for.

        Return None when another replica took the claim over, or another claim has that pair,
        except for those that are `later` in the same batch.
        """
        pair, others = (chosen.number, chosen.epoch), {claim.claim_id, *later}
        held = [other for other in self.claims if other.claim_id == claim.claim_id]
        is_taken = any(
            other.claim_id not in others and (other.number, other.epoch) == pair
            for other in self.claims
        )
        if is_taken or not held or held[0].owner != claim.owner:
            return self, None
        return self.replacing(chosen), chosen

    def abandon_claim(self, claim: Claim) -> Epoch:
        """Give a claim up: its anchor has no partner left, or another strategy drew its pair."""
        rest = tuple(other for other in self.claims if other.claim_id != claim.claim_id)
        return self.model_copy(update={"claims": rest})

    def renew_claim(self, claim: Claim, now: datetime) -> Epoch:
        """Count a claim as made now.

        The ledger has just refused it, so the ledger has no record of it, and the claim must not
        grow too old to be paid for.
        """
        current = [other for other in self.claims if other.claim_id == claim.claim_id]
        return self.replacing(*(held.model_copy(update={"claimed_at": now}) for held in current))

    def complete(self, claim: Claim) -> Epoch:
        """Count the claimed pair as drawn: it was published. Idempotent."""
        rest = self.abandon_claim(claim)
        if len(rest.claims) == len(self.claims):
            return self
        update = {"drawn": self.drawn + 1, "generated": self.generated + claim.generated}
        return rest.model_copy(update=update)

    def uniform_probability(self, number: int) -> float:
        """Return the probability that the next uniform draw is this pair."""
        for block in self.blocks:
            if block.start <= number < block.end:
                place = block.permutation(self.permutation_key).index(number - block.start)
                return 0.0 if place < block.cursor else 1 / self.pairs_left
        return 0.0

    def replacing(self, *changed: Claim) -> Epoch:
        """Return the epoch with these claims in the place of those with the same ids."""
        by_id = {claim.claim_id: claim for claim in changed}
        claims = tuple(by_id.get(claim.claim_id, claim) for claim in self.claims)
        return self.model_copy(update={"claims": claims})

    def _choose(self, shares: Mapping[str, float]) -> str:
        """Choose a strategy by its share. The same state chooses the same."""
        ticket = random.Random(f"{self.permutation_key}:strategy:{self.claimed}").random()
        for name, share in shares.items():
            ticket -= share
            if ticket < 0:
                return name
        return UNIFORM
