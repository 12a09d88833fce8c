"""Whom to ask next, what an answer is worth, and where promotion begins."""

from __future__ import annotations

import math

import numpy as np
import pytest

from daydream_critic.stats.aggregation import AggregationModel
from daydream_critic.stats.quota_threshold import HISTORY_MAX, HISTORY_MIN, QuotaThreshold
from daydream_critic.stats.sequential_plan import (
    GRID,
    STATES_MAX,
    SequentialPlan,
    expected_worth,
    probability_of,
)


def panel(separations: tuple[float, ...] = (1.2, 2.5), repeats: float = 0.7) -> AggregationModel:
    judges = len(separations)
    return AggregationModel(
        np.array(separations),
        np.eye(judges),
        np.full(judges, repeats),
        np.zeros(judges),
        np.ones(judges),
    )


@pytest.mark.parametrize(
    ("log_odds", "line", "added"),
    [(-3.0, -1.0, 2.0), (-1.0, -1.0, 0.5), (0.6, -1.0, 3.0), (2.0, 0.0, 1.0)],
)
def test_what_a_state_will_be_worth_is_what_deciding_after_the_answer_gains(
    log_odds: float, line: float, added: float
) -> None:
    rng = np.random.default_rng(0)
    price = probability_of(line)
    hit = rng.random(400_000) < probability_of(log_odds)
    moved = (
        log_odds + np.where(hit, added / 2, -added / 2) + added**0.5 * rng.standard_normal(len(hit))
    )
    after = np.where(moved > line, hit - price, 0.0).mean()
    worth = np.maximum(1 / (1 + np.exp(-GRID)) - price, 0.0)
    assert np.interp(log_odds, GRID, expected_worth(worth, added)) == pytest.approx(
        after, abs=0.004
    )


def test_no_plan_of_calls_earns_more_than_the_cascade() -> None:
    """Against all plans that ask the first judge, and the second one where the first answer lies between two bounds."""
    judges, usd, usd_per_hit_max, line, prior = (
        panel((1.2, 2.5), 0.99),
        (0.002, 0.02),
        1.0,
        -0.6,
        -3.0,
    )
    rng = np.random.default_rng(0)
    hit = rng.random(100_000) < probability_of(prior)
    values = hit[:, None] * judges.separations + rng.standard_normal((len(hit), 2))

    def log_odds(calls: tuple[int, int]) -> np.ndarray:
        evidence = judges.weigh(calls)
        return prior + values @ evidence.weights - evidence.deflection / 2

    one, both = log_odds((1, 0)), log_odds((1, 1))
    price = probability_of(line)

    def earned(asked: np.ndarray) -> float:
        return float(
            (
                usd_per_hit_max * (np.where(asked, both, one) > line) * (hit - price)
                - usd[0]
                - usd[1] * asked
            ).mean()
        )

    cascade = SequentialPlan(judges, usd, (1, 1), usd_per_hit_max)
    assert cascade.next((0, 0), prior, line) == 0
    ours = earned(np.array([cascade.next((1, 0), float(at), line) == 1 for at in one]))
    bounds = np.arange(-8.0, 4.0, 0.25)
    assert (
        ours
        > max(earned((one > low) & (one < high)) for low in bounds for high in bounds if low < high)
        - 2e-4
    )
    assert ours > 1.2 * max(earned(one > 99.0), earned(one < 99.0), 1e-3)


def test_with_many_judges_those_that_tell_least_per_dollar_are_left_out_of_the_plan() -> None:
    judges = 14
    many = SequentialPlan(
        panel(tuple(np.linspace(0.5, 2.0, judges))), (0.001,) * judges, (5,) * judges, 10.0
    )
    asked, calls = [], (0,) * judges
    while (judge := many.next(calls, -1.0, -1.0)) is not None:
        calls = tuple(count + (at == judge) for at, count in enumerate(calls))
        asked.append(judge)
    assert sorted(asked) == list(range(4, judges)), f"no more than {STATES_MAX} states"


def test_the_first_to_be_asked_is_the_one_that_tells_most_per_dollar() -> None:
    assert SequentialPlan(panel(), (0.001, 0.1), (3, 3), 1.0).next((0, 0), -3.5, -0.5) == 0
    assert SequentialPlan(panel(), (0.1, 0.001), (3, 3), 1.0).next((0, 0), -3.5, -0.5) == 1


def test_a_clear_case_is_not_asked_about_again_and_one_near_the_line_is() -> None:
    cascade = SequentialPlan(panel(), (0.001, 0.02), (4, 2), 2.0)
    assert cascade.next((1, 0), -9.0, -0.5) is None
    assert cascade.next((1, 0), 9.0, -0.5) is None
    assert cascade.next((1, 0), -0.6, -0.5) is not None


def test_nothing_is_asked_for_that_costs_more_than_a_hit_is_worth() -> None:
    assert SequentialPlan(panel(), (0.5, 5.0), (4, 2), 0.1).next((1, 0), -0.5, -0.5) is None


def test_the_first_call_is_made_however_dear_and_nobody_is_asked_too_often() -> None:
    assert (
        SequentialPlan(panel((0.0, 0.0)), (0.5, 5.0), (1, 1), 0.001).next((0, 0), -3.0, -0.5) == 0
    )
    cascade = SequentialPlan(panel(), (1e-6, 1e-6), (2, 1), 1e9)
    calls, asked = (0, 0), 0
    while (judge := cascade.next(calls, -0.5, -0.5)) is not None:
        calls = tuple(count + (at == judge) for at, count in enumerate(calls))
        asked += 1
    assert calls == (2, 1)
    assert asked == 3


def test_free_judges_are_asked_as_often_as_they_may_be() -> None:
    assert SequentialPlan(panel(), (0.0, 0.0), (2, 2), 1.0).next((1, 1), -0.6, -0.5) is not None


def test_the_line_lets_its_quota_pass() -> None:
    line, judges = QuotaThreshold(0.1), panel()
    rng = np.random.default_rng(0)
    for value in rng.standard_normal(600):
        line.add(float(value))
    passed = [value > line.value(judges) for value in rng.standard_normal(5000)]
    assert np.mean(passed) == pytest.approx(0.1, abs=0.03)
    assert line.at(0.3, judges) < line.value(judges) < line.at(0.02, judges)


def test_the_line_forgets_what_is_long_past() -> None:
    line, judges = QuotaThreshold(0.5), panel()
    for value in [-100.0] * HISTORY_MAX + [5.0] * HISTORY_MAX:
        line.add(value)
    assert line.value(judges) == 5.0
    assert line.count == HISTORY_MAX


def test_before_anything_was_seen_the_line_is_where_judges_of_such_a_kind_would_put_it() -> None:
    line, judges = QuotaThreshold(0.05), panel()
    rng = np.random.default_rng(1)
    hit = rng.random(200_000) < 0.025
    deflection = judges.weigh((1, 1)).deflection
    ended = (
        line.prior
        + np.where(hit, 1, -1) * deflection / 2
        + math.sqrt(deflection) * rng.standard_normal(len(hit))
    )
    assert (ended > line.value(judges)).mean() == pytest.approx(0.05, abs=0.005)
    assert line.count < HISTORY_MIN
