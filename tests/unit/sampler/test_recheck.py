"""Discarded pairs are drawn again when they are due, in their own epoch, with the probability
stated.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from daydream_contracts.events import Decision, FactKind, Judgement
from daydream_contracts.rpc import FindNeighbours, Neighbour, Neighbourhoods
from daydream_runtime.rpc import RpcClient
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import pair_number
from daydream_sampler.pair_probability import anchor_sources_of
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.recheck_finder import RecheckFinder
from daydream_sampler.simulation.draws import NOW
from daydream_sampler.strategies.recheck import DiscardedPair, DuePair, why_due
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategy_history import DISCARDED_MAX, StrategyHistory
from support.message_builders import verdict_on

AFTER = timedelta(days=90)
STRATEGIES = load_strategies(["recheck"])
DUE = tuple(DuePair(number=number, epoch=2, why="age") for number in (3, 7, 20))


def epoch(key: str = "k", due: tuple[DuePair, ...] = DUE, share: float = 0.5) -> Epoch:
    return Epoch(
        key=key,
        round=PortfolioRound(
            number=1, until=100, shares={UNIFORM: 1 - share, "recheck": share}, due=due
        ),
    ).extend(10)


def claimed(state: Epoch) -> tuple[Epoch, Claim]:
    return state.claim("a", NOW, anchor_sources_of(STRATEGIES, 10, 0)) or pytest.fail("no claim")


def test_each_due_pair_is_drawn_once_in_its_own_epoch() -> None:
    now, seen = epoch(share=1.0), list[Claim]()
    for _ in range(3):
        now, claim = claimed(now)
        seen.append(claim)
        now = now.complete(claim)
    assert sorted(claim.number or 0 for claim in seen) == [3, 7, 20]
    assert [claim.probability for claim in seen] == pytest.approx([1 / 3, 1 / 2, 1])
    assert {(claim.strategy, claim.epoch, claim.why) for claim in seen} == {("recheck", 2, "age")}
    now, claim = claimed(now)
    assert (claim.strategy, claim.epoch) == (UNIFORM, 0)


def test_a_due_pair_is_drawn_with_the_probability_it_states() -> None:
    drawn: Counter[int] = Counter()
    for key in range(3000):
        _, claim = claimed(epoch(f"{key:x}"))
        if claim.strategy == "recheck":
            assert claim.probability == pytest.approx(0.5 / 3)
            drawn[claim.number or 0] += 1
    assert all(abs(count - 500) < 5 * 500**0.5 for count in drawn.values())


def test_another_replica_takes_over_the_claim_of_a_due_pair() -> None:
    now, claim = claimed(epoch(share=1.0))
    now, again = now.claim(
        "b", NOW + timedelta(minutes=1), anchor_sources_of(STRATEGIES, 10, 0)
    ) or pytest.fail("no claim")
    assert (again.number, again.epoch, again.claim_id) == (
        claim.number,
        claim.epoch,
        claim.claim_id,
    )
    assert Epoch.model_validate_json(now.model_dump_json()) == now


@pytest.mark.parametrize(
    ("days", "models", "ordinals", "why"),
    [
        (91, ["writer"], [1, 2, 3, 4], "age"),
        (20, ["writer-2026"], [1, 2, 3, 4], ""),
        (20, ["another"], [1, 2, 3, 4], "models"),
        (20, ["writer"], [1, 2, 3, 50], "neighbourhood"),
        (20, ["writer"], [1, 2, 3, 49, 4], ""),
        (2, ["another"], [50, 51, 52, 53], ""),
    ],
)
def test_why_a_pair_is_due(days: int, models: list[str], ordinals: list[int], why: str) -> None:
    pair = DiscardedPair(number=3, epoch=1, at=NOW, models=("writer", "judge"), facts=50)
    assert (
        why_due(
            pair,
            now=NOW + timedelta(days=days),
            after=AFTER,
            models=models,
            neighbours=[[1, 2, 3, 4], ordinals],
        )
        == why
    )


def test_a_judged_and_discarded_pair_is_remembered_until_it_is_promoted() -> None:
    history = StrategyHistory()
    claim = Claim(
        claim_id="c",
        number=pair_number(0, 1),
        chance=1.0,
        probability=0.5,
        owner="a",
        claimed_at=NOW,
        until=NOW,
    )
    judgement = Judgement(judge="a", model="judge", justification="", scores=None)
    discarded = verdict_on(claim, promoted=False).model_copy(update={"judgements": (judgement,)})
    history.add(1, discarded.model_copy(update={"judgements": ()}))
    assert not history.discarded, "a gate is no judge"
    history.add(2, discarded)
    (pair,) = history.discarded.values()
    assert (pair.epoch, pair.models) == (1, ("judge",))
    history.add(3, discarded.model_copy(update={"decision": Decision.PROMOTED}))
    assert not history.discarded


def test_the_history_of_discarded_pairs_fits_into_its_bucket() -> None:
    history = StrategyHistory(
        discarded={
            at: DiscardedPair(
                number=10**13 + at,
                epoch=12,
                at=NOW,
                models=("a-rather-long-name-of-a-model",) * 2,
                facts=10**7,
            )
            for at in range(DISCARDED_MAX)
        }
    )
    assert len(history.model_dump_json()) < 600_000
    assert StrategyHistory.model_validate_json(history.model_dump_json()) == history


class FakeNeighbours:
    """A memory whose facts have no neighbours. It counts the requests."""

    def __init__(self) -> None:
        self.requests = 0

    async def request(self, _: object, request: FindNeighbours) -> Neighbourhoods:
        self.requests += 1
        own = [
            Neighbour(
                ordinal=query.ordinal, similarity=1, source="", domain="", kind=FactKind.DOCUMENT
            )
            for query in request.queries
        ]
        return Neighbourhoods(
            neighbourhoods=tuple((fact,) for fact in own), unrelated_median=0, unrelated_spread=1
        )


@pytest.mark.parametrize(("age", "requests", "due"), [(AFTER / 20, 0, 0), (AFTER, 1, 8)])
async def test_the_memory_is_asked_once_about_all_pairs_of_a_round_that_may_be_due(
    age: timedelta, requests: int, due: int
) -> None:
    at = datetime.now(UTC) - age
    discarded = {
        number: DiscardedPair(number=number, epoch=1, at=at, facts=10) for number in range(20)
    }
    history = StrategyHistory().model_copy(update={"discarded": discarded})
    memory = FakeNeighbours()
    finder = RecheckFinder(cast(RpcClient, memory), AFTER)
    pairs = await finder.due(Epoch(key="k", number=1).extend(10), history, (), 10)
    assert (memory.requests, len(pairs)) == (requests, due)
