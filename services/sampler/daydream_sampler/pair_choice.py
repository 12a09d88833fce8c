"""From claims to their pairs: choose the partners of anchors, price the pairs, and take them.

Data: the claims of a batch → the neighbourhoods of their facts (a request to the memory for the
anchors, and one for the partners) → the claims with their pairs, written into the epoch by one
change → the facts (`pair_facts`) → each pair is taken in the set of drawn pairs. A crash leaves the
claims, with or without their pairs. The next holder of a claim continues there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from daydream_contracts.access import are_isolated
from daydream_contracts.rpc import (
    NEIGHBOUR_QUERIES_MAX,
    FindNeighbours,
    Neighbour,
    Neighbourhoods,
    NeighbourQuery,
    PairFound,
)
from daydream_contracts.topology import MEMORY_NEIGHBOURHOODS
from daydream_runtime.cas_state import CasState
from daydream_runtime.rpc import RpcClient
from daydream_sampler.candidates import NEAREST, CandidateSet, are_of_one_document
from daydream_sampler.claim import Claim
from daydream_sampler.draw_batch import Draw, DrawnWith, assign_batch
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_facts import known
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.pair_probability import ProposalModel


@dataclass
class DrawInChoice:
    """A draw whose pair is being chosen. `replies`: what the memory said of its facts so far."""

    claim: Claim
    proposal: ProposalModel
    number: int | None
    replies: list[tuple[Sequence[Neighbour], Neighbourhoods]] = field(default_factory=list)

    @property
    def seen(self) -> list[CandidateSet]:
        """Return the candidates of its anchor, or of both its facts."""
        return [self.proposal.candidates.read(*reply) for reply in self.replies]

    def choose(self, proposal: ProposalModel) -> None:
        """Choose the partner of the anchor, now that the draws before it have their pairs."""
        self.proposal = proposal
        if self.number is None:
            self.number = proposal.choose(self.claim, self.seen[0])

    def first_queries(self) -> list[NeighbourQuery]:
        """Return what to ask about the anchor, or about both facts of a pair that is known."""
        query = self.proposal.candidates.query
        if self.number is None:
            return [query(self.proposal.anchor_of(self.claim))]
        low, high = ordinals_of(self.number)
        return [query(low, high), query(high, low)]

    def second_queries(self) -> list[NeighbourQuery]:
        """Return what to ask about the partner that was chosen."""
        if self.number is None or len(self.replies) > 1:
            return []
        anchor = self.proposal.anchor_of(self.claim)
        (other,) = {*ordinals_of(self.number)} - {anchor}
        return [self.proposal.candidates.query(other, anchor)]

    def priced(self) -> Claim | None:
        """Return the claim with its pair, or None if its anchor has no partner left."""
        if self.number is None:
            return None
        first, second = self.seen
        return self.proposal.price_claim(self.claim, self.number, first, second)


@dataclass(frozen=True)
class PairChooser:
    """Choose and take the pairs of claims."""

    rpc: RpcClient
    epoch: CasState[Epoch]

    async def choose(self, proposal: ProposalModel, draws: Sequence[Draw]) -> list[Claim | None]:
        """Return the claims with their pairs, written into the epoch, in their order.

        None stands for a claim whose anchor has no partner left, or that another replica has, or
        whose pair an earlier claim has.
        """
        chosen: list[Claim | None] = [draw.claim for draw in draws]
        # a claim was priced before a crash, or there is nothing to choose
        opened = [
            at for at, draw in enumerate(draws) if not draw.claim.proposed and proposal.strategies
        ]
        if not opened:
            return chosen
        for at, claim in zip(opened, await self._priced(proposal, draws, opened), strict=True):
            chosen[at] = claim
        open_draws = [draws[at] for at in opened]
        open_claims = [chosen[at] for at in opened]
        assigned = await self.epoch.change(
            lambda epoch: assign_batch(epoch, open_draws, open_claims)
        )
        for at, claim in zip(opened, assigned, strict=True):
            chosen[at] = claim
        return chosen

    async def _priced(
        self, proposal: ProposalModel, draws: Sequence[Draw], opened: Sequence[int]
    ) -> list[Claim | None]:
        """Choose the pairs one after the other: each draw sees those before it as drawn."""
        waiting = [
            DrawInChoice(
                draws[at].claim, replace(proposal, before=draws[at].before), draws[at].claim.number
            )
            for at in opened
        ]
        await self._look([(draw, draw.first_queries()) for draw in waiting])
        taken = {
            draw.claim.number
            for at, draw in enumerate(draws)
            if at not in opened and draw.claim.number is not None
        }
        for draw in waiting:
            before = DrawnWith(proposal.drawn, frozenset(taken))
            draw.choose(replace(draw.proposal, drawn=before))
            if draw.number is not None:
                taken.add(draw.number)
        await self._look([(draw, draw.second_queries()) for draw in waiting])
        return [draw.priced() for draw in waiting]

    async def _look(self, asked: Sequence[tuple[DrawInChoice, list[NeighbourQuery]]]) -> None:
        """Add to each draw what the memory knows of its facts."""
        queries = [(draw, query) for draw, own in asked for query in own]
        for start in range(0, len(queries), NEIGHBOUR_QUERIES_MAX):
            page = queries[start : start + NEIGHBOUR_QUERIES_MAX]
            request = FindNeighbours(queries=tuple(query for _, query in page), near=NEAREST)
            reply = await self.rpc.request(MEMORY_NEIGHBOURHOODS, request)
            for (draw, _), neighbours in zip(page, reply.neighbourhoods, strict=True):
                draw.replies.append((neighbours, reply))

    async def take(
        self,
        claim: Claim,
        facts: PairFound | None,
        drawn: DrawnPairs,
        may_see: Callable[[str], bool],
        *,
        same_document: bool,
    ) -> PairFound | None:
        """Return the pair that this claim now owns. `same_document`: its facts may be of one.

        Return None if another claim has it, or its facts may not be drawn or not be combined.
        Raise PermanentError if the memory does not know it.
        """
        assert claim.number is not None
        pair = known(claim, facts)
        is_open = (
            not pair.hidden
            and not are_isolated(pair.first.team, pair.second.team)
            and (same_document or not are_of_one_document(pair.first.source, pair.second.source))
            and may_see(pair.first.clearance)
            and may_see(pair.second.clearance)
        )
        if not is_open or not await drawn.take(claim.number, claim.claim_id, claim.epoch):
            return None
        return pair
