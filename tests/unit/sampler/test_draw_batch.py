"""A batch draws what single draws would, with the same probabilities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import numpy as np
import pytest

from daydream_contracts.events import FactKind
from daydream_contracts.rpc import FindNeighbours, Neighbourhoods
from daydream_runtime.cas_state import CasState
from daydream_runtime.rpc import RpcClient
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.draw_batch import Draw, DrawEnd, DrawnWith, claim_batch, end_batch
from daydream_sampler.epoch import CLAIM_LEASE, Epoch
from daydream_sampler.pair_choice import PairChooser
from daydream_sampler.pair_probability import ProposalModel, anchor_sources_of
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.simulation.draws import NOW, FactSpace, LocalPairs, draw
from daydream_sampler.strategies.importance import Importance
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.unseen import Unseen

FACTS = 12
SHARES = {UNIFORM: 0.3, "importance": 0.4, "unseen": 0.3}


class FakeMemory:
    """Answers about the neighbours of facts."""

    def __init__(self, space: FactSpace) -> None:
        self.space = space
        self.requests = 0

    async def request(self, _: object, request: FindNeighbours) -> Neighbourhoods:
        self.requests += 1
        return self.space.neighbourhoods(request.queries)


class FakeSharedEpoch:
    """An epoch that no other replica changes."""

    def __init__(self, epoch: Epoch) -> None:
        self.epoch = epoch

    async def change(self, change: Callable[[Epoch], tuple[Epoch, Any]]) -> Any:
        self.epoch, result = change(self.epoch)
        return result


def space() -> FactSpace:
    vectors = np.random.default_rng(3).standard_normal((FACTS, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sources = [f"source {ordinal}" for ordinal in range(FACTS)]
    return FactSpace(vectors, sources, [FactKind.DOCUMENT] * FACTS)


def strategies() -> dict[str, Strategy]:
    return {"importance": Importance(temperature=1.0), "unseen": Unseen()}


def single_draws(epoch: Epoch, count: int) -> list[Claim | None]:
    drawn, claims = LocalPairs(), list[Claim | None]()
    for _ in range(count):
        epoch, claim = draw(space(), epoch, strategies(), drawn)
        claims.append(claim)
    return claims


async def batched_draws(epoch: Epoch, count: int) -> tuple[list[Claim | None], int]:
    facts, drawn = FakeMemory(space()), LocalPairs()
    sources = anchor_sources_of(strategies(), FACTS, 0)
    before = epoch.extend(FACTS).start_arrivals(sources)
    after, draws = claim_batch(before, "a", NOW, sources, count)
    shared = FakeSharedEpoch(after)
    chooser = PairChooser(cast(RpcClient, facts), cast(CasState[Epoch], shared))
    same_document = facts.space.same_document_pairs
    proposal = ProposalModel(
        before, FACTS, [], strategies(), drawn, same_document_pairs=same_document
    )
    return await chooser.choose(proposal, draws), facts.requests


@pytest.mark.parametrize("key", [f"{number:x}" for number in range(6)])
async def test_a_batch_draws_the_pairs_and_probabilities_of_single_draws(key: str) -> None:
    epoch = Epoch(key=key, round=PortfolioRound(number=1, until=10**9, shares=SHARES))
    batch, requests = await batched_draws(epoch, 8)
    single = single_draws(epoch, 8)
    assert {claim.strategy for claim in batch if claim} > {UNIFORM}
    assert requests <= 2
    for batched, alone in zip(batch, single, strict=True):
        assert (batched is None) == (alone is None)
        if batched and alone:
            assert (batched.number, batched.strategy) == (alone.number, alone.strategy)
            assert batched.probability == pytest.approx(alone.probability, rel=1e-12)
            assert batched.proposed == pytest.approx(alone.proposed)
            rejected_max = alone.rejection_probability_max
            assert batched.rejection_probability_max == pytest.approx(rejected_max)


def claimed(count: int, pairs_max: int | None = None) -> tuple[Epoch, tuple[Draw, ...]]:
    epoch = Epoch(key="1", pairs_max=pairs_max).extend(FACTS)
    return claim_batch(epoch, "a", NOW, {}, count)


def test_a_batch_claims_no_more_than_the_goal() -> None:
    epoch, draws = claimed(8, pairs_max=3)
    assert len(draws) == len(epoch.claims) == 3


def test_a_batch_ends_with_its_round_of_the_portfolio() -> None:
    epoch = Epoch(key="1").extend(FACTS)
    last = epoch.model_copy(update={"round": PortfolioRound(until=epoch.drawn + 3)})
    assert len(claim_batch(last, "a", NOW, {}, 8)[1]) == 3
    assert len(claim_batch(epoch, "a", NOW, {}, 8)[1]) == 8, "without strategies, no rounds"


def test_a_batch_takes_its_own_unfinished_claims_first_and_each_once() -> None:
    epoch, draws = claimed(3)
    after, again = claim_batch(epoch, "a", NOW, {}, 5)
    ids = [draw.claim.claim_id for draw in again]
    assert ids[:3] == [draw.claim.claim_id for draw in draws]
    assert len(set(ids)) == len(after.claims) == 5
    _, of_another = claim_batch(epoch, "b", NOW + 2 * CLAIM_LEASE, {}, 3)
    assert [draw.claim.claim_id for draw in of_another] == ids[:3]


def test_each_draw_of_a_batch_ends_in_its_own_way_and_once() -> None:
    epoch, draws = claimed(5)
    ends = [(draw.claim, how) for draw, how in zip(draws, DrawEnd, strict=True)]
    now = NOW + timedelta(days=2)
    after = end_batch(epoch, ends, now)
    assert after == end_batch(after, ends, now)
    left = {claim.claim_id: claim for claim in after.claims}
    published, given_up, ranked_later, refused, renewed = (draw.claim.claim_id for draw in draws)
    assert after.drawn == 1
    assert left.keys() == {ranked_later, refused, renewed}
    assert left[ranked_later].waiting
    assert (left[refused].claimed_at, left[renewed].claimed_at) == (NOW, now)
    assert {published, given_up}.isdisjoint(left)


def test_only_the_replica_that_has_a_claim_gives_it_up() -> None:
    epoch, draws = claimed(2)
    given_up, published = (draw.claim for draw in draws)
    later = NOW + 2 * CLAIM_LEASE
    taken_over, _ = claim_batch(epoch, "b", later, {}, 2)
    ends = [(given_up, DrawEnd.GIVEN_UP), (published, DrawEnd.PUBLISHED)]
    after = end_batch(taken_over, ends, later)
    assert [claim.claim_id for claim in after.claims] == [given_up.claim_id]
    assert after.drawn == 1, "a pair that was published counts, whoever has the claim"


def test_pairs_of_earlier_draws_count_as_drawn_once() -> None:
    drawn = LocalPairs()
    drawn.add(0)  # facts 0 and 1
    both = DrawnWith(drawn, frozenset({0, 1}))  # and facts 0 and 2
    assert len(both) == 2
    assert 1 in both
    assert 2 not in both
    assert dict(both.draws) == {0: 2, 1: 1, 2: 1}
    assert both.draws.get(5, 0) == 0
