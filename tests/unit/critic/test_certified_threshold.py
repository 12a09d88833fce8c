"""The promotion threshold that labelled examples prove."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from daydream_critic.stats.certified_threshold import at_least, certify, interval


def labelled_scores(
    count: int, separation: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores and truth. One in five is a hit."""
    rng = np.random.default_rng(seed)
    truth = rng.random(count) < 0.2
    return separation * truth + rng.standard_normal(count), truth


@pytest.mark.parametrize(
    ("count", "hits", "share", "exact"),
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
def test_the_binomial_tail_is_exact(count: int, hits: int, share: float, exact: float) -> None:
    assert at_least(count, hits, share) == pytest.approx(exact)


def test_the_interval_of_a_share_is_that_of_the_textbook() -> None:
    assert interval(5, 10, 0.95) == pytest.approx((0.18709, 0.81291), abs=1e-5)
    assert interval(0, 20, 0.95) == pytest.approx((0.0, 0.16843), abs=1e-5)
    assert interval(20, 20, 0.95) == pytest.approx((0.83157, 1.0), abs=1e-5)


def test_the_precision_above_a_threshold_is_rarely_lower_than_promised() -> None:
    fresh, truth = labelled_scores(100_000, 2.0, 999)
    broken = certified_count = 0
    for seed in range(100):
        certified = certify(*labelled_scores(300, 2.0, seed), 0.6)
        if certified is not None:
            certified_count += 1
            broken += int(truth[fresh >= certified.threshold].mean() < 0.6)
            assert certified.low <= certified.share <= certified.high
    assert certified_count > 75
    assert broken <= 19, "at most a tenth, and three standard deviations of chance"


@pytest.mark.parametrize("count", [0, 3, 20])
def test_a_handful_of_examples_proves_nothing(count: int) -> None:
    assert certify(*labelled_scores(count, 2.0, 0), 0.9) is None


def test_judges_of_noise_prove_nothing() -> None:
    certified = [certify(*labelled_scores(300, 0.0, seed), 0.6) for seed in range(50)]
    assert sum(threshold is not None for threshold in certified) <= 5


def test_equal_scores_are_never_divided() -> None:
    scores, truth = np.repeat([7.0, 6.0], 100), np.repeat([True, False], 100)
    certified = certify(scores, truth, 0.8)
    assert certified is not None
    assert certified.threshold in (7.0, 6.0)
    assert certified.examples in (100, 200)
