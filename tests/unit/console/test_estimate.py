"""Estimate cost and yield of daydreams."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from daydream_console.estimate import estimate
from daydream_contracts.rpc import BudgetState, LimitState, MemoryState


def budget(costs: list[int], **fields: object) -> BudgetState:
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
        {**none, **sums, "limits": (), "spend": (), "last_sequence": 0, **fields}
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


def test_the_cost_is_the_mean_and_its_interval_has_the_stated_coverage() -> None:
    generator = random.Random(7)
    inside = 0
    for _ in range(400):
        past = [int(generator.lognormvariate(12, 0.5)) for _ in range(80)]
        result = estimate(50, budget(past), memory(1, 80), None)
        assert result.cost is not None
        assert result.cost.mean == pytest.approx(50 * statistics.mean(past))
        inside += (
            result.cost.low
            <= sum(int(generator.lognormvariate(12, 0.5)) for _ in range(50))
            <= result.cost.high
        )
    assert 0.92 <= inside / 400 <= 0.98


def test_the_interval_of_insights_has_the_stated_coverage() -> None:
    generator = random.Random(3)
    inside = 0
    for _ in range(1000):
        rate = generator.betavariate(
            0.5, 0.5
        )  # drawn from the prior, so the interval must hold on average
        past = sum(generator.random() < rate for _ in range(30))
        result = estimate(40, budget([1] * 30), memory(past, 30), None).insights
        inside += result.low <= sum(generator.random() < rate for _ in range(40)) <= result.high
    assert 0.94 <= inside / 1000 <= 1


def test_without_past_daydreams_there_is_a_maximum_cost_and_a_wide_interval() -> None:
    result = estimate(100, budget([]), memory(0, 0), 2_000)
    assert (result.cost, result.max_nanousd, result.nanousd_per_insight) == (None, 200_000, None)
    assert (result.insights.low, result.insights.high) == (0, 100)


def test_one_past_daydream_says_nothing_about_the_spread() -> None:
    result = estimate(10, budget([500]), memory(0, 1), 2_000)
    assert result.cost is not None
    assert (result.cost.low, result.cost.mean, result.cost.high) == (0, 5_000, 20_000)


def test_each_of_several_hypotheses_per_pair_can_become_an_insight() -> None:
    assert estimate(10, budget([1] * 10), memory(20, 40), None).insights.mean == pytest.approx(
        40 * 20.5 / 41
    )


def test_the_caps_bound_the_number_of_affordable_daydreams() -> None:
    limit = LimitState(
        window="day",
        cap_nanousd=10_000,
        settled_nanousd=4_000,
        authorized_nanousd=0,
        reserved_nanousd=1_000,
        renews_at=None,
    )
    assert estimate(100, budget([100, 100], limits=(limit,)), memory(0, 2), None).affordable == 50


def test_a_million_daydreams_can_be_estimated() -> None:
    result = estimate(1_000_000, budget([1] * 100), memory(3, 100), None).insights
    assert result.low < result.mean < result.high
    assert math.isfinite(result.high)
