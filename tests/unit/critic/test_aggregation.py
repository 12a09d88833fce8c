"""What the judges say together: weights, log-odds, and what labels and agreement tell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from daydream_critic.stats.aggregation import AggregationModel
from daydream_critic.stats.panel_evidence import LabelledValues, PanelEvidence
from daydream_critic.stats.panel_posterior import LABELS_MIN, panel_posterior, with_predicted

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


def correlated_values(
    skills: list[float], shared: float, count: int, seed: int = 0
) -> tuple[Array, Array]:
    """Return qualities, and values of judges with these skills and a shared error."""
    rng = np.random.default_rng(seed)
    known = np.array(skills)
    quality = rng.standard_normal(count)
    own_noise = rng.standard_normal((count, 1)), rng.standard_normal((count, len(skills)))
    noise = shared**0.5 * own_noise[0] + (1 - shared) ** 0.5 * own_noise[1]
    return quality, known * quality[:, None] + np.sqrt(1 - known**2) * noise


def vote_shares(model: AggregationModel) -> Array:
    weights = model.weigh((1,) * len(model.separations)).weights
    shares: Array = weights / np.abs(weights).sum()
    return shares


def from_agreement(values: Array) -> AggregationModel:
    return panel_posterior(PanelEvidence.of(values))


def from_canaries(values: Array, truth: Bools, again: Array | None = None) -> AggregationModel:
    nothing = np.zeros((0, values.shape[1]))
    return panel_posterior(PanelEvidence.of(nothing, canaries=LabelledValues(values, truth, again)))


@pytest.mark.parametrize("shape", [(500, 1), (3, 3), (500, 3)])
def test_without_labels_all_votes_are_equal_whatever_the_judges_agree_on(
    shape: tuple[int, int],
) -> None:
    values = np.random.default_rng(0).standard_normal(shape)
    values[:, 0] = values[:, -1]  # the first and the last are always of one mind
    assert vote_shares(from_agreement(values)) == pytest.approx(1 / shape[1])


def test_a_few_reviews_show_that_a_judge_of_noise_deserves_little_weight() -> None:
    quality, values = correlated_values([0.6, 0.6, 0.0], 0.0, 600)
    reviewed = LabelledValues(values[:100], quality[:100] > 0.84)
    model = panel_posterior(PanelEvidence.of(values, reviews=reviewed))
    assert vote_shares(model)[2] < 0.2
    assert vote_shares(model)[:2].min() > 0.35


def test_labels_find_the_one_good_judge_among_many_with_one_prejudice() -> None:
    """Two judges share an error. The third shares nothing with them but the truth."""
    rng = np.random.default_rng(1)
    quality, error = rng.standard_normal((2, 4000))
    first = -0.2 * quality + error
    second = -0.2 * quality + error + 0.3 * rng.standard_normal(4000)
    third = quality + rng.standard_normal(4000)
    values = np.stack([first, second, third], axis=1)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    truth = quality > 1
    chosen = np.concatenate([np.flatnonzero(truth)[:40], np.flatnonzero(~truth)[:40]])
    labels = LabelledValues(values[chosen], truth[chosen])
    models = [
        panel_posterior(PanelEvidence.of(values, **{kind: labels}))
        for kind in ("canaries", "reviews", "outcomes")
    ]
    assert vote_shares(from_agreement(values))[2] == pytest.approx(1 / 3)
    assert min(vote_shares(model)[2] for model in models) > 0.5
    _, reviews, outcomes = (model.weigh((1, 1, 1)).weights[2] for model in models)
    assert outcomes > reviews, "a test that was made weighs more than an opinion"


def test_what_was_not_asked_is_predicted_from_what_was() -> None:
    correlations = np.array([[1.0, 0.5], [0.5, 1.0]])
    values = np.array([[2.0, np.nan], [np.nan, np.nan], [1.0, 3.0]])
    assert with_predicted(values, correlations).tolist() == [[2.0, 1.0], [0.0, 0.0], [1.0, 3.0]]


def labelled_values(
    count: int, separations: tuple[float, ...], repeats: float, seed: int = 0
) -> tuple[Array, Bools, Array]:
    """Return values, truth and second values of judges with independent errors.

    There are `count` hits and as many misses.
    """
    rng = np.random.default_rng(seed)
    truth = np.arange(2 * count) < count
    shared, first, second = rng.standard_normal((3, 2 * count, len(separations)))
    signal = truth[:, None] * np.array(separations) + repeats**0.5 * shared
    own = (1 - repeats) ** 0.5
    return 5 + 2 * (signal + own * first), truth, 5 + 2 * (signal + own * second)


def test_labels_give_separation_base_scale_and_how_much_a_second_call_repeats() -> None:
    model = from_canaries(*labelled_values(20_000, (0.8, 2.0), 0.7))
    assert model.separations == pytest.approx([0.8, 2.0], abs=0.1)
    assert model.repeats == pytest.approx(0.7, abs=0.02)
    assert model.base == pytest.approx(5.0, abs=0.05)
    assert model.scale == pytest.approx(2.0, abs=0.05)
    assert model.correlations[0, 1] == pytest.approx(0.0, abs=0.03)


def test_log_odds_are_calibrated() -> None:
    """Among hypotheses with similar log-odds, the share of hits is the probability."""
    values, truth, again = labelled_values(40_000, (1.0, 1.5), 0.6)
    model = from_canaries(values, truth, again)
    means = np.stack([values[:, 0], (values[:, 1] + again[:, 1]) / 2], axis=1)
    log_odds = np.array([model.log_odds(row, (1, 2), 0.0) for row in means])
    for low in (-2.0, -1.0, 0.0, 1.0):
        near = (log_odds > low) & (log_odds < low + 1)
        probability = 1 / (1 + np.exp(-log_odds[near]))
        assert truth[near].mean() == pytest.approx(probability.mean(), abs=0.03)


def test_a_few_labels_do_not_make_one_judge_much_better_than_another() -> None:
    values, truth, again = labelled_values(LABELS_MIN, (1.5, 1.5, 1.5, 1.5), 0.6, seed=4)
    measured = values[truth].mean(axis=0) - values[~truth].mean(axis=0)
    model = from_canaries(values, truth, again)
    assert np.ptp(model.separations) < 0.6 * np.ptp(measured / model.scale)


def test_a_judge_that_was_not_asked_has_no_vote_and_more_calls_tell_more() -> None:
    model = from_agreement(correlated_values([0.6, 0.6], 0.1, 500)[1])
    assert model.scores(np.array([[np.nan, np.nan]]))[0] == 0.0
    both, single = model.scores(np.array([[1.0, 1.0], [1.0, np.nan]]))
    assert both > single
    calls_by_worth = [(0, 0), (1, 0), (2, 0), (8, 0), (1, 1), (8, 8)]
    deflections = [model.weigh(calls).deflection for calls in calls_by_worth]
    assert deflections == sorted(deflections)
