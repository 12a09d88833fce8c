"""Ratings from comparisons, with a position term."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from daydream_critic.stats.bradley_terry import fit, rate_against

POSITION_TOLERANCE = 0.066  # four standard errors for 20,000 comparisons
Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Bools = NDArray[np.bool_]


def random_comparisons(
    hypotheses: int, comparisons: int, position: float, seed: int = 0
) -> tuple[Array, Indices, Indices, Bools]:
    """Return strengths, who was shown first, who second, and whether the first won."""
    rng = np.random.default_rng(seed)
    strengths = rng.standard_normal(hypotheses)
    first = rng.integers(0, hypotheses, comparisons)
    second = (first + rng.integers(1, hypotheses, comparisons)) % hypotheses
    difference = strengths[first] - strengths[second] + position
    return strengths, first, second, rng.random(comparisons) < 1 / (1 + np.exp(-difference))


@pytest.mark.parametrize("position", [0.0, 0.8, -1.5])
def test_strengths_and_position_bias_are_recovered(position: float) -> None:
    strengths, first, second, won = random_comparisons(40, 20_000, position)
    fitted = fit(first, second, won, 40)
    assert fitted.position == pytest.approx(position, abs=POSITION_TOLERANCE)
    assert np.corrcoef(fitted.strengths, strengths)[0, 1] > 0.99
    centred = fitted.strengths - fitted.strengths.mean() - strengths + strengths.mean()
    assert 0.7 < (centred / fitted.errors).std() < 1.4


def test_without_the_position_term_a_bias_is_taken_for_strength() -> None:
    """Some are shown first more often than others, as in comparisons in a fixed order."""
    strengths, first, second, _ = random_comparisons(30, 6000, 0.0)
    first, second = np.minimum(first, second), np.maximum(first, second)
    difference = strengths[first] - strengths[second] + 1.5
    won = np.random.default_rng(5).random(6000) < 1 / (1 + np.exp(-difference))
    with_term = fit(first, second, won, 30).strengths
    without_term = fit(first, second, won, 30, position=False).strengths
    correlation = np.corrcoef(with_term, strengths)[0, 1]
    assert correlation > 0.98
    assert np.corrcoef(without_term, strengths)[0, 1] + 0.05 < 0.98


def test_the_fit_is_the_exact_maximum() -> None:
    """The gradient is 0 there, so the result does not depend on the solver."""
    _, first, second, won = random_comparisons(200, 900, 0.5, seed=3)
    fitted = fit(first, second, won, 200, spread=1.0)
    rest = won - fitted.first_wins(first, second)
    gradient = np.bincount(first, rest, 200) - np.bincount(second, rest, 200) - fitted.strengths
    assert np.abs(gradient).max() < 1e-4


def test_a_hypothesis_without_comparisons_is_in_the_middle_with_a_large_error() -> None:
    fitted = fit(np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([True, True, True]), 3)
    assert fitted.strengths[2] == pytest.approx(0.0)
    assert fitted.strengths[0] > 0 > fitted.strengths[1]
    assert fitted.errors[2] == pytest.approx(fitted.spread)
    assert fitted.errors[0] < fitted.errors[2]


def test_the_rating_of_one_among_rated_ones_and_its_error_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    misses = []
    for _ in range(300):
        truth = rng.standard_normal()
        others, first = rng.standard_normal(20), rng.random(20) < 0.5
        difference = truth - others + np.where(first, 0.9, -0.9)
        won = rng.random(20) < 1 / (1 + np.exp(-difference))
        rating, error = rate_against(0.0, 1.0, others, first, won, 0.9)
        misses.append((rating - truth) / error)
    assert np.std(misses) == pytest.approx(1.0, abs=0.15)
    assert np.mean(misses) == pytest.approx(0.0, abs=0.15)


def test_two_orders_that_only_show_position_bias_move_nothing() -> None:
    first_wins = np.array([True, False])
    rating, error = rate_against(0.3, 1.0, np.array([0.3, 0.3]), first_wins, first_wins, 2.0)
    assert rating == pytest.approx(0.3)
    assert error < 1.0


def test_without_comparisons_the_rating_is_what_it_was() -> None:
    nothing = np.empty(0, bool)
    rated = rate_against(0.3, 1.0, np.empty(0), nothing, nothing, 2.0)
    assert rated == pytest.approx((0.3, 1.0))
