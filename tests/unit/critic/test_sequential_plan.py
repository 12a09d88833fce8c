"""Which judge to ask next, and what an answer is worth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from daydream_critic.stats.aggregation import AggregationModel, Calls
from daydream_critic.stats.sequential_plan import (
    GRID,
    STATES_MAX,
    SequentialPlan,
    expected_worth,
    probability_of,
)

Array = NDArray[np.float64]


def judges(separations: tuple[float, ...] = (1.2, 2.5), repeats: float = 0.7) -> AggregationModel:
    """Return judges with independent errors."""
    count = len(separations)
    return AggregationModel(
        np.array(separations),
        np.eye(count),
        np.full(count, repeats),
        np.zeros(count),
        np.ones(count),
    )


def ask_until_stop(plan: SequentialPlan, count: int, log_odds: float, threshold: float) -> Calls:
    """Return the calls of each judge when every answer leaves the log-odds as they are."""
    calls = (0,) * count
    while (judge := plan.next(calls, log_odds, threshold)) is not None:
        calls = (*calls[:judge], calls[judge] + 1, *calls[judge + 1 :])
    return calls


@pytest.mark.parametrize(
    ("log_odds", "threshold", "added"),
    [(-3.0, -1.0, 2.0), (-1.0, -1.0, 0.5), (0.6, -1.0, 3.0), (2.0, 0.0, 1.0)],
)
def test_the_expected_worth_of_a_state_is_what_deciding_after_the_answer_gains(
    log_odds: float, threshold: float, added: float
) -> None:
    rng = np.random.default_rng(0)
    price = probability_of(threshold)
    hit = rng.random(400_000) < probability_of(log_odds)
    noise = added**0.5 * rng.standard_normal(len(hit))
    moved = log_odds + np.where(hit, added / 2, -added / 2) + noise
    gained = np.where(moved > threshold, hit - price, 0.0).mean()
    worth = np.maximum(1 / (1 + np.exp(-GRID)) - price, 0.0)
    expected = np.interp(log_odds, GRID, expected_worth(worth, added))
    assert expected == pytest.approx(gained, abs=0.004)


def test_no_fixed_rule_earns_more_than_the_plan() -> None:
    """Compare with all rules that ask the first judge, and the second one between two bounds."""
    model, usd, usd_per_hit_max = judges((1.2, 2.5), 0.99), (0.002, 0.02), 1.0
    threshold, prior = -0.6, -3.0
    rng = np.random.default_rng(0)
    hit = rng.random(100_000) < probability_of(prior)
    values = hit[:, None] * model.separations + rng.standard_normal((len(hit), 2))

    def log_odds(calls: tuple[int, int]) -> Array:
        weighed = model.weigh(calls)
        result: Array = prior + values @ weighed.weights - weighed.deflection / 2
        return result

    first, both = log_odds((1, 0)), log_odds((1, 1))

    def earned(asks_second: NDArray[np.bool_]) -> float:
        promoted = np.where(asks_second, both, first) > threshold
        gain = usd_per_hit_max * promoted * (hit - probability_of(threshold))
        return float((gain - usd[0] - usd[1] * asks_second).mean())

    plan = SequentialPlan(model, usd, (1, 1), usd_per_hit_max)
    assert plan.next((0, 0), prior, threshold) == 0
    by_plan = earned(np.array([plan.next((1, 0), float(at), threshold) == 1 for at in first]))
    bounds = np.arange(-8.0, 4.0, 0.25)
    by_rules = [
        earned((first > low) & (first < high)) for low in bounds for high in bounds if low < high
    ]
    assert by_plan > max(by_rules) - 2e-4
    assert by_plan > 1.2 * max(earned(first > 99.0), earned(first < 99.0), 1e-3)


def test_with_many_judges_those_that_tell_least_per_dollar_are_left_out() -> None:
    model = judges(tuple(np.linspace(0.5, 2.0, 14)))
    plan = SequentialPlan(model, (0.001,) * 14, (5,) * 14, 10.0)
    calls = ask_until_stop(plan, 14, -1.0, -1.0)
    assert calls == (0,) * 4 + (1,) * 10, f"no more than {STATES_MAX} states"


def test_the_first_judge_is_the_one_that_tells_most_per_dollar() -> None:
    assert SequentialPlan(judges(), (0.001, 0.1), (3, 3), 1.0).next((0, 0), -3.5, -0.5) == 0
    assert SequentialPlan(judges(), (0.1, 0.001), (3, 3), 1.0).next((0, 0), -3.5, -0.5) == 1


def test_a_clear_case_gets_no_further_opinion_and_one_near_the_threshold_does() -> None:
    plan = SequentialPlan(judges(), (0.001, 0.02), (4, 2), 2.0)
    assert plan.next((1, 0), -9.0, -0.5) is None
    assert plan.next((1, 0), 9.0, -0.5) is None
    assert plan.next((1, 0), -0.6, -0.5) is not None


def test_an_opinion_that_costs_more_than_a_hit_is_worth_is_not_bought() -> None:
    assert SequentialPlan(judges(), (0.5, 5.0), (4, 2), 0.1).next((1, 0), -0.5, -0.5) is None


def test_the_first_call_is_made_at_any_price() -> None:
    plan = SequentialPlan(judges((0.0, 0.0)), (0.5, 5.0), (1, 1), 0.001)
    assert plan.next((0, 0), -3.0, -0.5) == 0


def test_no_judge_is_asked_more_often_than_allowed() -> None:
    plan = SequentialPlan(judges(), (1e-6, 1e-6), (2, 1), 1e9)
    assert ask_until_stop(plan, 2, -0.5, -0.5) == (2, 1)


def test_free_judges_are_asked_as_often_as_allowed() -> None:
    plan = SequentialPlan(judges(), (0.0, 0.0), (2, 2), 1.0)
    assert plan.next((1, 1), -0.6, -0.5) is not None
