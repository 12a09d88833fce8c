"""Thresholds that labelled examples can show."""

from __future__ import annotations

import numpy as np
import pytest

from daydream_critic.stats.certified_threshold import at_least, certify, interval


def labelled(count: int, separation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(count) < 0.2
    return separation * truth + rng.standard_normal(count), truth


@pytest.mark.parametrize(
    ("count", "hits", "share", "known"),
    [
        (10, 10, 0.5, 0.5**10),
        (3, 2, 0.5, 0.5),
        (5, 0, 0.3, 1.0),
        (2, 1, 0.1, 0.19),
        (4, 5, 0.9, 0.0),
        (2000, 10, 0.9, 1.0),
        (2000, 1990, 0.1, 0.0),
    ],
)
def test_the_tail_of_the_binomial_is_exact(
    count: int, hits: int, share: float, known: float
) -> None:
    assert at_least(count, hits, share) == pytest.approx(known)


def test_the_interval_of_a_share_is_the_textbooks() -> None:
    assert interval(5, 10, 0.95) == pytest.approx((0.18709, 0.81291), abs=1e-5)
    assert interval(0, 20, 0.95) == pytest.approx((0.0, 0.16843), abs=1e-5)
    assert interval(20, 20, 0.95) == pytest.approx((0.83157, 1.0), abs=1e-5)


def test_a_threshold_is_rarely_found_above_which_the_precision_is_lower_than_promised() -> None:
    fresh, truth = labelled(100_000, 2.0, 999)
    broken = found = 0
    for seed in range(200):
        certified = certify(*labelled(300, 2.0, seed), 0.6)
        if certified is not None:
            found += 1
            broken += truth[fresh >= certified.threshold].mean() < 0.6
            assert certified.low <= certified.share <= certified.high
    assert found > 150
    assert broken <= 30, "at most a tenth, and three standard deviations of chance"


@pytest.mark.parametrize("count", [0, 3, 20])
def test_a_handful_of_examples_shows_nothing(count: int) -> None:
    scores, truth = labelled(count, 2.0, 0)
    assert certify(scores, truth, 0.9) is None


def test_judges_that_know_nothing_promise_nothing() -> None:
    assert sum(certify(*labelled(300, 0.0, seed), 0.6) is not None for seed in range(50)) <= 5


def test_equal_scores_are_never_divided() -> None:
    scores, truth = np.repeat([7.0, 6.0], 100), np.repeat([True, False], 100)
    certified = certify(scores, truth, 0.8)
    assert certified is not None
    assert certified.threshold in (7.0, 6.0)
    assert certified.examples in (100, 200)
