"""Ranks in a judge's own history, and what the judges say together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from daydream_critic.stats.aggregation import (
    LABELS_MIN,
    AggregationModel,
    model_from_agreement,
    model_from_labels,
)
from daydream_critic.stats.score_ranks import HISTORY_MIN, ScoreRanks


def test_a_score_stands_for_its_place_in_the_judges_own_history() -> None:
    generous = ScoreRanks.of({7: 80, 8: 10, 6: 10})
    assert generous.of_score(7) == pytest.approx(0.0, abs=1e-6)
    assert generous.of_score(8) == pytest.approx(-generous.of_score(6))
    assert generous.of_score(8) > 1.5
    scores = np.random.default_rng(0).integers(1, 11, 1000)
    found = ScoreRanks.of(Counter(scores.tolist()))
    assert np.mean([found.of_score(score) for score in scores]) == pytest.approx(0.0, abs=0.01)


def test_what_was_never_given_lies_between_its_neighbours_or_beyond_the_last() -> None:
    found = ScoreRanks.of({4: 30, 8: 30})
    assert found.of_score(4) < found.of_score(6) < found.of_score(8) < found.of_score(9)
    assert found.of_score(3) < found.of_score(4)


def test_without_a_history_a_score_is_what_it_says() -> None:
    assert ScoreRanks.of({7: HISTORY_MIN - 1}).of_score(7.5) == 1.0
    assert ScoreRanks.of({}).of_score(5.5) == 0.0


def judged(skills: list[float], shared: float, count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    known = np.array(skills)
    quality = rng.standard_normal(count)
    noise = shared**0.5 * rng.standard_normal((count, 1)) + (
        1 - shared
    ) ** 0.5 * rng.standard_normal((count, len(skills)))
    return quality, known * quality[:, None] + np.sqrt(1 - known**2) * noise


def votes(panel: AggregationModel) -> np.ndarray:
    weights = panel.weigh((1,) * len(panel.separations)).weights
    return weights / np.abs(weights).sum()


def test_a_judge_of_noise_has_nearly_no_vote_without_any_label() -> None:
    _, values = judged([0.6, 0.6, 0.0], 0.0, 500)
    weights = votes(model_from_agreement(values))
    assert weights[2] < 0.12
    assert weights[:2].min() > 0.35


def test_equal_judges_have_equal_votes() -> None:
    _, values = judged([0.5] * 4, 0.2, 5000)
    assert votes(model_from_agreement(values)) == pytest.approx(0.25, abs=0.06)


def test_labels_tell_who_knows_what_the_judges_have_in_common_without_knowing_it() -> None:
    """Two that share an error and one that shares nothing with them but the truth."""
    rng = np.random.default_rng(1)
    quality, error = rng.standard_normal((2, 4000))
    values = np.stack(
        [
            0.3 * quality + error,
            0.3 * quality + error + 0.3 * rng.standard_normal(4000),
            quality + rng.standard_normal(4000),
        ],
        axis=1,
    )
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    truth = quality > 1
    blind, told = (
        model_from_agreement(values),
        model_from_agreement(values, values[:2000], truth[:2000]),
    )
    assert votes(told)[2] > votes(blind)[2] + 0.1


@pytest.mark.parametrize("shape", [(500, 1), (HISTORY_MIN - 1, 3)])
def test_where_nothing_can_be_learned_all_votes_are_equal(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).standard_normal(shape)
    assert votes(model_from_agreement(values)) == pytest.approx(1 / shape[1])


def labelled(count: int, separations: tuple[float, ...], repeats: float, seed: int = 0):
    """Scores of judges whose errors are independent, with second calls, over as many hits as misses."""
    rng = np.random.default_rng(seed)
    truth = np.arange(2 * count) < count
    shared, one, two = rng.standard_normal((3, 2 * count, len(separations)))
    signal = truth[:, None] * np.array(separations) + repeats**0.5 * shared
    fresh = (1 - repeats) ** 0.5
    return 5 + 2 * (signal + fresh * one), truth, 5 + 2 * (signal + fresh * two)


def test_labels_give_separation_base_scale_and_how_much_a_second_call_repeats() -> None:
    values, truth, again = labelled(20_000, (0.8, 2.0), 0.7)
    panel = model_from_labels(values, truth, again)
    assert panel.separations == pytest.approx([0.8, 2.0], abs=0.05)
    assert panel.repeats == pytest.approx(0.7, abs=0.02)
    assert panel.base == pytest.approx(5.0, abs=0.05)
    assert panel.scale == pytest.approx(2.0, abs=0.05)
    assert panel.correlations[0, 1] == pytest.approx(0.0, abs=0.03)


def test_log_odds_are_what_they_say() -> None:
    """Of those with the same log-odds, so many are hits."""
    values, truth, again = labelled(40_000, (1.0, 1.5), 0.6)
    panel = model_from_labels(values, truth, again)
    means, calls = np.stack([values[:, 0], (values[:, 1] + again[:, 1]) / 2], axis=1), (1, 2)
    found = np.array([panel.log_odds(row, calls, 0.0) for row in means])
    for low in (-2.0, -1.0, 0.0, 1.0):
        near = (found > low) & (found < low + 1)
        chance = 1 / (1 + np.exp(-found[near]))
        assert truth[near].mean() == pytest.approx(chance.mean(), abs=0.03)


def test_a_few_labels_do_not_make_one_judge_much_better_than_another() -> None:
    values, truth, again = labelled(LABELS_MIN, (1.5, 1.5, 1.5, 1.5), 0.6, seed=4)
    measured = values[truth].mean(axis=0) - values[~truth].mean(axis=0)
    found = model_from_labels(values, truth, again)
    assert np.ptp(found.separations) < 0.6 * np.ptp(measured / found.scale)


def test_who_was_not_asked_says_nothing_and_more_calls_tell_more() -> None:
    panel = model_from_agreement(judged([0.6, 0.6], 0.1, 500)[1])
    assert panel.scores(np.array([[np.nan, np.nan]]))[0] == 0.0
    both, one = panel.scores(np.array([[1.0, 1.0], [1.0, np.nan]]))
    assert both > one
    worth = [
        panel.weigh(calls).deflection for calls in ((0, 0), (1, 0), (2, 0), (8, 0), (1, 1), (8, 8))
    ]
    assert worth == sorted(worth)
