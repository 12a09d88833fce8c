"""Ranks in a judge's own history, and the weights of a panel."""

from __future__ import annotations

import numpy as np
import pytest

from daydream_critic.panel import HISTORY_MIN, Ranks, panel_of


def test_a_score_stands_for_its_place_in_the_judges_own_history() -> None:
    generous = Ranks.of([7] * 80 + [8] * 10 + [6] * 10)
    assert generous.of_score(7) == pytest.approx(0.0, abs=1e-6)
    assert generous.of_score(8) == pytest.approx(-generous.of_score(6))
    assert generous.of_score(8) > 1.5
    scores = np.random.default_rng(0).integers(1, 11, 1000)
    found = Ranks.of(scores.tolist())
    assert np.mean([found.of_score(score) for score in scores]) == pytest.approx(0.0, abs=0.01)


def test_what_was_never_given_lies_between_its_neighbours_or_beyond_the_last() -> None:
    found = Ranks.of([4] * 30 + [8] * 30)
    assert found.of_score(4) < found.of_score(6) < found.of_score(8) < found.of_score(9)
    assert found.of_score(3) < found.of_score(4)


def test_without_a_history_a_score_is_what_it_says() -> None:
    assert Ranks.of([7] * (HISTORY_MIN - 1)).of_score(7.5) == 1.0
    assert Ranks.of([]).of_score(5.5) == 0.0


def judged(skills: list[float], shared: float, count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    known = np.array(skills)
    quality = rng.standard_normal(count)
    noise = shared**0.5 * rng.standard_normal((count, 1)) + (1 - shared) ** 0.5 * rng.standard_normal((count, len(skills)))
    return quality, known * quality[:, None] + np.sqrt(1 - known**2) * noise


def test_a_judge_of_noise_has_nearly_no_vote_without_any_label() -> None:
    _, values = judged([0.6, 0.6, 0.0], 0.0, 500)
    weights = panel_of(values).weights
    assert weights[2] < 0.12
    assert weights[:2].min() > 0.35


def test_equal_judges_have_equal_votes() -> None:
    _, values = judged([0.5] * 4, 0.2, 5000)
    assert panel_of(values).weights == pytest.approx(0.25, abs=0.06)


def test_labels_tell_who_knows_what_the_judges_have_in_common_without_knowing_it() -> None:
    """Two that share an error and one that shares nothing with them but the truth."""
    rng = np.random.default_rng(1)
    quality, error = rng.standard_normal((2, 4000))
    values = np.stack([0.3 * quality + error, 0.3 * quality + error + 0.3 * rng.standard_normal(4000), quality + rng.standard_normal(4000)], axis=1)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    truth = quality > 1
    blind, told = panel_of(values), panel_of(values, values[:2000], truth[:2000])
    assert told.weights[2] > blind.weights[2] + 0.1


def test_a_judge_that_gave_no_score_leaves_its_vote_to_the_others() -> None:
    _, values = judged([0.5, 0.5], 0.2, 500)
    panel = panel_of(values)
    found = panel.score(np.array([[1.0, 1.0], [1.0, np.nan], [np.nan, np.nan]]))
    assert found[:2] == pytest.approx(1.0)
    assert found[2] == 0.0


@pytest.mark.parametrize("shape", [(500, 1), (HISTORY_MIN - 1, 3)])
def test_where_nothing_can_be_learned_all_votes_are_equal(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).standard_normal(shape)
    assert panel_of(values).weights == pytest.approx(1 / shape[1])
