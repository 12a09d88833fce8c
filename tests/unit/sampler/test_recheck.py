"""Dull pairs are drawn once more when they are due, in an epoch of their own, and each with the probability that it says."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from daydream_contracts.events import Decision, Judgement
from daydream_sampler.epoch import UNIFORM, Claim, Epoch, PortfolioRound, number_of
from daydream_sampler.proposal import turns_of
from daydream_sampler.simulation.draws import NOW
from daydream_sampler.strategies.recheck import DiscardedPair, DuePair, why_due
from daydream_sampler.strategies.registry import chosen
from daydream_sampler.strategy_history import DULL_MAX, StrategyHistory
from support.samples import verdict_on

AFTER = timedelta(days=90)
STRATEGIES = chosen(["recheck"])
DUE = tuple(DuePair(number=number, epoch=2, why="age") for number in (3, 7, 20))


def epoch(key: str = "k", due: tuple[DuePair, ...] = DUE, share: float = 0.5) -> Epoch:
    return Epoch(
        key=key,
        round=PortfolioRound(
            number=1, until=100, shares={UNIFORM: 1 - share, "recheck": share}, due=due
        ),
    ).cover(10)


def claimed(state: Epoch) -> tuple[Epoch, Claim]:
    return state.claim("a", NOW, turns_of(STRATEGIES, 10, 0)) or pytest.fail("no claim")


def test_each_pair_that_is_due_is_drawn_once_in_its_own_epoch_and_then_none_is_left() -> None:
    now, seen = epoch(share=1.0), list[Claim]()
    for _ in range(3):
        now, claim = claimed(now)
        seen.append(claim)
        now = now.done(claim)
    assert sorted(claim.number or 0 for claim in seen) == [3, 7, 20]
    assert [claim.probability for claim in seen] == pytest.approx([1 / 3, 1 / 2, 1])
    assert {(claim.strategy, claim.epoch, claim.why) for claim in seen} == {("recheck", 2, "age")}
    now, claim = claimed(now)
    assert (claim.strategy, claim.epoch) == (UNIFORM, 0)


def test_a_pair_that_is_due_is_drawn_as_often_as_it_says() -> None:
    drawn: Counter[int] = Counter()
    for key in range(3000):
        _, claim = claimed(epoch(f"{key:x}"))
        if claim.strategy == "recheck":
            assert claim.probability == pytest.approx(0.5 / 3)
            drawn[claim.number or 0] += 1
    assert all(abs(count - 500) < 5 * 500**0.5 for count in drawn.values())


def test_a_claim_that_is_due_survives_the_death_of_its_owner() -> None:
    now, claim = claimed(epoch(share=1.0))
    now, again = now.claim(
        "b", NOW + timedelta(minutes=1), turns_of(STRATEGIES, 10, 0)
    ) or pytest.fail("no claim")
    assert (again.number, again.epoch, again.claim_id) == (
        claim.number,
        claim.epoch,
        claim.claim_id,
    )
    assert Epoch.model_validate_json(now.model_dump_json()) == now


@pytest.mark.parametrize(
    ("days", "models", "around", "why"),
    [
        (91, ["writer"], [1, 2, 3, 4], "age"),
        (20, ["writer-2026"], [1, 2, 3, 4], ""),
        (20, ["another"], [1, 2, 3, 4], "models"),
        (20, ["writer"], [1, 2, 3, 50], "surroundings"),
        (20, ["writer"], [1, 2, 3, 49, 4], ""),
        (2, ["another"], [50, 51, 52, 53], ""),
    ],
)
def test_why_a_pair_is_due(days: int, models: list[str], around: list[int], why: str) -> None:
    dull = DiscardedPair(number=3, epoch=1, at=NOW, models=("writer", "judge"), facts=50)
    assert (
        why_due(
            dull,
            now=NOW + timedelta(days=days),
            after=AFTER,
            models=models,
            neighbours=[[1, 2, 3, 4], around],
        )
        == why
    )


def test_what_is_judged_dull_is_remembered_and_forgotten_when_it_is_not() -> None:
    yields = StrategyHistory()
    claim = Claim(
        claim_id="c",
        number=number_of(0, 1),
        chance=1.0,
        probability=0.5,
        owner="a",
        claimed_at=NOW,
        until=NOW,
    )
    judgement = Judgement(judge="a", model="judge", justification="", scores=None)
    dull = verdict_on(claim, promoted=False).model_copy(update={"judgements": (judgement,)})
    yields.add(1, dull.model_copy(update={"judgements": ()}))
    assert not yields.dull, "a gate is no judge"
    yields.add(2, dull)
    (known,) = yields.dull.values()
    assert (known.epoch, known.models) == (1, ("judge",))
    yields.add(3, dull.model_copy(update={"decision": Decision.PROMOTED}))
    assert not yields.dull


def test_the_memory_of_dull_pairs_fits_into_its_bucket() -> None:
    yields = StrategyHistory(
        dull={
            n: DiscardedPair(
                number=10**13 + n,
                epoch=12,
                at=NOW,
                models=("a-rather-long-name-of-a-model",) * 2,
                facts=10**7,
            )
            for n in range(DULL_MAX)
        }
    )
    assert len(yields.model_dump_json()) < 600_000
    assert StrategyHistory.model_validate_json(yields.model_dump_json()) == yields
