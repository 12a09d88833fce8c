"""From a claim to its pair: choose an anchor's partner, price the pair, and take it.

Data: the claim of the epoch → the neighbourhoods of its facts (a request to the memory) → the claim
with its pair, written into the epoch → the two facts → the pair is taken in the set of drawn pairs.
A crash leaves the claim, with or without its pair. The next holder of the claim continues there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daydream_contracts.access import are_isolated
from daydream_contracts.rpc import FindNeighbours, NeighbourQuery, PairAt, PairFound
from daydream_contracts.topology import MEMORY_NEIGHBOURHOODS, MEMORY_PAIR
from daydream_runtime.cas_state import CasState
from daydream_runtime.rpc import RpcClient
from daydream_sampler.candidates import NEAREST, CandidateSet, are_of_one_document
from daydream_sampler.claim import Claim
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.pair_probability import ProposalModel


@dataclass(frozen=True)
class PairChooser:
    """Choose and take the pair of a claim."""

    rpc: RpcClient
    epoch: CasState[Epoch]

    async def choose(self, proposal: ProposalModel, claim: Claim) -> Claim | None:
        """Return the claim with its pair, written into the epoch.

        Return None when its anchor has no partner left, or another replica has the claim or the
        pair.
        """
        if claim.proposed or not proposal.strategies:  # chosen before a crash, or nothing to choose
            return claim
        if claim.number is None:
            chosen = await self._with_partner(proposal, claim)
        else:
            low, high = ordinals_of(claim.number)
            query = proposal.candidates.query
            first, second = await self._look(proposal, query(low, high), query(high, low))
            chosen = proposal.price_claim(claim, claim.number, first, second)
        if chosen is None:
            return None
        return await self.epoch.change(lambda epoch: epoch.assign_pair(claim, chosen))

    async def _with_partner(self, proposal: ProposalModel, claim: Claim) -> Claim | None:
        ordinal = proposal.anchor_of(claim)
        (first,) = await self._look(proposal, proposal.candidates.query(ordinal))
        number = proposal.choose(claim, first)
        if number is None:
            return None
        (other,) = {*ordinals_of(number)} - {ordinal}
        (second,) = await self._look(proposal, proposal.candidates.query(other, ordinal))
        return proposal.price_claim(claim, number, first, second)

    async def _look(self, proposal: ProposalModel, *queries: NeighbourQuery) -> list[CandidateSet]:
        query = FindNeighbours(queries=queries, near=NEAREST)
        reply = await self.rpc.request(MEMORY_NEIGHBOURHOODS, query)
        return [proposal.candidates.read(neighbours, reply) for neighbours in reply.neighbourhoods]

    async def take(
        self,
        claim: Claim,
        drawn: DrawnPairs,
        may_see: Callable[[str], bool],
        *,
        same_document: bool,
    ) -> PairFound | None:
        """Return the pair that this claim now owns. `same_document`: its facts may be of one.

        Return None if another claim has it, or its facts may not be drawn or not be combined.
        """
        assert claim.number is not None
        pair = await self.rpc.request(MEMORY_PAIR, PairAt(ordinals=ordinals_of(claim.number)))
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
