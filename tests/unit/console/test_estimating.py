"""What so many daydreams will cost and find."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from daydream_console.estimate import estimate
from daydream_contracts.rpc import BudgetState, LimitState, MemoryState


def budget(costs: list[int], **more: object) -> BudgetState:
    none = dict.fromkeys(
        (
            "settled_nanousd",
            "authorized_nanousd",
            "reserved_nanousd",
            "reservations_open",
            "reservations_released",
            "attempts_authorized",
            "overruns",
        ),
        0,
    )
    sums = {
        "daydreams_paid": len(costs),
        "daydreams_nanousd": sum(costs),
        "daydreams_nanousd_squared": sum(cost * cost for cost in costs),
    }
    return BudgetState.model_validate(
        {**none, **sums, "limits": (), "spend": (), "last_sequence": 0, **more}
    )


def memory(insights: int, n: int) -> MemoryState:
    return MemoryState(
        facts=9,
        facts_pending=0,
        documents=1,
        verdicts=n,
        daydreams_judged=n,
        decisions={},
        insights=insights,
        embedding_model="m",
    )


def test_the_cost_is_the_mean_with_an_interval_that_holds_what_it_says() -> None:
    chance = random.Random(7)
    inside = 0
    for _ in range(400):
        past = [int(chance.lognormvariate(12, 0.5)) for _ in range(80)]
        found = estimate(50, budget(past), memory(1, 80), None)
        assert found.cost is not None
        assert found.cost.mean == pytest.approx(50 * statistics.mean(past))
        inside += (
            found.cost.low
            <= sum(int(chance.lognormvariate(12, 0.5)) for _ in range(50))
            <= found.cost.high
        )
    assert 0.92 <= inside / 400 <= 0.98


def test_insights_are_beta_binomial_and_their_interval_holds_what_it_says() -> None:
    chance = random.Random(3)
    inside = 0
    for _ in range(1000):
        rate = chance.betavariate(
            0.5, 0.5
        )  # drawn from the prior, so the interval must hold on average
        past = sum(chance.random() < rate for _ in range(30))
        found = estimate(40, budget([1] * 30), memory(past, 30), None).insights
        inside += found.low <= sum(chance.random() < rate for _ in range(40)) <= found.high
    assert 0.94 <= inside / 1000 <= 1


def test_without_a_past_there_is_no_cost_but_a_bound_and_a_wide_interval() -> None:
    found = estimate(100, budget([]), memory(0, 0), 2_000)
    assert (found.cost, found.most_nanousd, found.nanousd_per_insight) == (None, 200_000, None)
    assert (found.insights.low, found.insights.high) == (0, 100)


def test_one_past_daydream_says_nothing_of_the_spread() -> None:
    found = estimate(10, budget([500]), memory(0, 1), 2_000)
    assert found.cost is not None
    assert (found.cost.low, found.cost.mean, found.cost.high) == (0, 5_000, 20_000)


def test_several_hypotheses_of_a_pair_each_may_become_an_insight() -> None:
    assert estimate(10, budget([1] * 10), memory(20, 40), None).insights.mean == pytest.approx(
        40 * 20.5 / 41
    )


def test_what_the_caps_leave_room_for() -> None:
    limit = LimitState(
        window="day",
        cap_nanousd=10_000,
        settled_nanousd=4_000,
        authorized_nanousd=0,
        reserved_nanousd=1_000,
        renews_at=None,
    )
    assert estimate(100, budget([100, 100], limits=(limit,)), memory(0, 2), None).affordable == 50


def test_a_million_daydreams_are_no_trouble() -> None:
    found = estimate(1_000_000, budget([1] * 100), memory(3, 100), None).insights
    assert found.low < found.mean < found.high
    assert math.isfinite(found.high)
