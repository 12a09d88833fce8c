"""Bradley–Terry with a position term."""

from __future__ import annotations

import numpy as np
import pytest

from daydream_critic.stats.bradley_terry import fit, rate_against

POSITION_TOLERANCE = 0.066  # four standard errors for 20,000 comparisons


def verdicts(count: int, many: int, position: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    strengths = rng.standard_normal(count)
    first = rng.integers(0, count, many)
    second = (first + rng.integers(1, count, many)) % count
    won = rng.random(many) < 1 / (1 + np.exp(-(strengths[first] - strengths[second] + position)))
    return strengths, first, second, won


@pytest.mark.parametrize("position", [0.0, 0.8, -1.5])
def test_strengths_and_the_favour_of_a_position_are_found(position: float) -> None:
    strengths, first, second, won = verdicts(40, 20_000, position)
    found = fit(first, second, won, 40)
    assert found.position == pytest.approx(position, abs=POSITION_TOLERANCE)
    assert np.corrcoef(found.strengths, strengths)[0, 1] > 0.99
    errors = (
        found.strengths - found.strengths.mean() - strengths + strengths.mean()
    ) / found.errors
    assert 0.7 < errors.std() < 1.4


def test_without_the_term_a_bias_is_taken_for_strength() -> None:
    """Where some were shown first more often than others, as in a comparison in a fixed order."""
    strengths, first, second, _ = verdicts(30, 6000, 0.0)
    first, second = np.minimum(first, second), np.maximum(first, second)
    won = np.random.default_rng(5).random(6000) < 1 / (
        1 + np.exp(-(strengths[first] - strengths[second] + 1.5))
    )
    with_term = np.corrcoef(fit(first, second, won, 30).strengths, strengths)[0, 1]
    without = np.corrcoef(fit(first, second, won, 30, position=False).strengths, strengths)[0, 1]
    assert with_term > 0.98 > without + 0.05


def test_the_maximum_is_found_exactly() -> None:
    """Against the gradient, which is 0 there: nothing depends on the solver."""
    _, first, second, won = verdicts(200, 900, 0.5, seed=3)
    found = fit(first, second, won, 200, spread=1.0)
    rest = won - found.first_wins(first, second)
    gradient = np.bincount(first, rest, 200) - np.bincount(second, rest, 200) - found.strengths
    assert np.abs(gradient).max() < 1e-4


def test_who_was_never_compared_is_in_the_middle_and_little_is_known_of_them() -> None:
    found = fit(np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([True, True, True]), 3)
    assert found.strengths[2] == pytest.approx(0.0)
    assert found.strengths[0] > 0 > found.strengths[1]
    assert found.errors[2] == pytest.approx(found.spread)
    assert found.errors[0] < found.errors[2]


def test_the_place_of_one_among_known_others_is_found_and_its_error_too() -> None:
    rng = np.random.default_rng(0)
    misses = []
    for _ in range(300):
        truth = rng.standard_normal()
        others, first = rng.standard_normal(20), rng.random(20) < 0.5
        won = rng.random(20) < 1 / (1 + np.exp(-(truth - others + np.where(first, 0.9, -0.9))))
        place, error = rate_against(0.0, 1.0, others, first, won, 0.9)
        misses.append((place - truth) / error)
    assert np.std(misses) == pytest.approx(1.0, abs=0.15)
    assert np.mean(misses) == pytest.approx(0.0, abs=0.15)


def test_both_orders_that_only_show_the_favour_for_a_position_move_nothing() -> None:
    place, error = rate_against(
        0.3, 1.0, np.array([0.3, 0.3]), np.array([True, False]), np.array([True, False]), 2.0
    )
    assert place == pytest.approx(0.3)
    assert error < 1.0
    assert rate_against(
        0.3, 1.0, np.empty(0), np.empty(0, bool), np.empty(0, bool), 2.0
    ) == pytest.approx((0.3, 1.0))
