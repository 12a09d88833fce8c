"""Estimate cost and yield of daydreams."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace

import pytest

from daydream_console.estimate import SETTLED, estimate
from daydream_console.past_verdicts import PastVerdicts, count_in_force
from daydream_contracts.events import Aggregation, Decision, Rule, VerdictReached
from daydream_contracts.rpc import BudgetState, LimitState
from support.message_builders import AT, SYNTHESIS, hypothesis


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


def past(insights: int, n: int, daydreams: int = 0) -> PastVerdicts:
    """Return verdicts under one rule from the start. Each is a daydream, unless there are fewer."""
    costs = {str(number): 1 for number in range(daydreams or n)}
    return PastVerdicts("quota", n, n, insights, complete=True, nanousd=costs)


def test_the_cost_is_the_mean_and_its_interval_has_the_stated_coverage() -> None:
    generator = random.Random(7)
    inside = 0
    for _ in range(400):
        costs = [int(generator.lognormvariate(12, 0.5)) for _ in range(80)]
        result = estimate(50, budget(costs), past(1, 80), None)
        assert result.cost is not None
        assert result.cost.mean == pytest.approx(50 * statistics.mean(costs))
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
        promoted = sum(generator.random() < rate for _ in range(30))
        result = estimate(40, budget([1] * 30), past(promoted, 30), None).insights
        inside += result.low <= sum(generator.random() < rate for _ in range(40)) <= result.high
    assert 0.94 <= inside / 1000 <= 1


def test_without_past_daydreams_there_is_a_maximum_cost_and_a_wide_interval() -> None:
    result = estimate(100, budget([]), past(0, 0), 2_000)
    assert (result.cost, result.max_nanousd, result.nanousd_per_insight) == (None, 200_000, None)
    assert (result.insights.low, result.insights.high) == (0, 100)


def test_one_past_daydream_says_nothing_about_the_spread() -> None:
    result = estimate(10, budget([500]), past(0, 1), 2_000)
    assert result.cost is not None
    assert (result.cost.low, result.cost.mean, result.cost.high) == (0, 5_000, 20_000)


def test_each_of_several_hypotheses_per_pair_can_become_an_insight() -> None:
    assert estimate(10, budget([1] * 10), past(20, 40, 10), None).insights.mean == pytest.approx(
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
    assert estimate(100, budget([100, 100], limits=(limit,)), past(0, 2), None).affordable == 50


def test_a_million_daydreams_can_be_estimated() -> None:
    result = estimate(1_000_000, budget([1] * 100), past(3, 100), None).insights
    assert result.low < result.mean < result.high
    assert math.isfinite(result.high)


def verdict(
    number: int,
    rule: Rule | None,
    decision: Decision = Decision.DISCARDED,
    *,
    cost: int = 10,
    **pair: object,
) -> VerdictReached:
    proposed = hypothesis(number, SYNTHESIS)
    changed = proposed.pair.model_copy(
        update={"pair_id": f"pair {number}", "stages": ("critic", "oracle"), **pair}
    )
    return VerdictReached(
        verdict_id=f"v{number}",
        hypothesis=proposed.model_copy(update={"pair": changed}),
        role="critic",
        round=1,
        decision=decision,
        reason="r",
        explanation="",
        final=True,
        aggregation=Aggregation(rule=rule) if rule else None,
        cost_nanousd=cost,
        reached_at=AT,
    )


def test_only_verdicts_under_the_rule_in_force_count() -> None:
    older = [verdict(number, "score", Decision.PROMOTED, cost=99) for number in range(5)]
    newer = [verdict(10, None), verdict(11, "quota", Decision.PROMOTED), verdict(12, "quota")]
    counted = count_in_force([*newer, *older])
    assert (counted.rule, counted.verdicts, counted.insights) == ("quota", 3, 1)
    assert (counted.complete, counted.daydreams) == (False, 3)
    result = estimate(30, budget([99] * 5 + [10] * 3), counted, None)
    assert (result.rule, result.past_daydreams) == ("quota", 3)
    assert result.cost is not None
    assert result.cost.mean == 300, "the costs of another rule do not count either"
    assert result.insights.mean == pytest.approx(30 * 1.5 / 4)


def test_a_reduced_plan_has_a_history_of_its_own_and_changes_no_rule() -> None:
    rows = [verdict(3, "quota"), verdict(2, "score", plan="short"), verdict(1, "quota")]
    counted = count_in_force(rows)
    assert (counted.rule, counted.verdicts) == ("quota", 2)


def test_an_oracle_that_begins_to_examine_is_another_rule() -> None:
    counted = count_in_force([verdict(2, "quota"), verdict(1, "quota", stages=("critic",))])
    assert (counted.verdicts, counted.complete) == (1, False)


def test_a_rule_in_force_from_the_start_leaves_the_costs_to_the_ledger() -> None:
    counted = count_in_force([verdict(2, "quota"), verdict(1, "quota")])
    result = estimate(10, budget([50, 60, 70]), counted, None)
    assert result.past_daydreams == 3, "the ledger also has daydreams without a verdict"
    assert count_in_force([]).complete


def test_early_intervals_are_wider_and_means_the_same() -> None:
    """The quota still moves while it has seen few hypotheses."""
    paid = budget([10 + number for number in range(60)])
    early, settled = (
        estimate(200, paid, replace(past(3, 60), ruled=ruled), None)
        for ruled in (SETTLED - 1, SETTLED)
    )
    assert early.cost is not None
    assert settled.cost is not None
    for wide, narrow in ((early.cost, settled.cost), (early.insights, settled.insights)):
        assert wide.low < narrow.low <= narrow.mean == wide.mean <= narrow.high < wide.high
