"""A score stands for its rank in the judge's own history."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from daydream_critic.stats.score_ranks import HISTORY_MIN, ScoreRanks


def test_a_score_stands_for_its_rank_in_the_judges_own_history() -> None:
    generous = ScoreRanks.of({7: 80, 8: 10, 6: 10})
    assert generous.of_score(7) == pytest.approx(0.0, abs=1e-6)
    assert generous.of_score(8) == pytest.approx(-generous.of_score(6))
    assert generous.of_score(8) > 1.5


def test_the_mean_deviate_of_a_history_is_zero() -> None:
    scores = np.random.default_rng(0).integers(1, 11, 1000).tolist()
    ranks = ScoreRanks.of(Counter(scores))
    mean = np.mean([ranks.of_score(score) for score in scores])
    assert mean == pytest.approx(0.0, abs=0.01)


def test_a_score_that_was_never_given_lies_between_its_neighbours_or_beyond_the_last() -> None:
    ranks = ScoreRanks.of({4: 30, 8: 30})
    assert ranks.of_score(4) < ranks.of_score(6) < ranks.of_score(8) < ranks.of_score(9)
    assert ranks.of_score(3) < ranks.of_score(4)


def test_without_a_history_a_score_is_its_distance_from_the_middle() -> None:
    assert ScoreRanks.of({7: HISTORY_MIN - 1}).of_score(7.5) == 1.0
    assert ScoreRanks.of({}).of_score(5.5) == 0.0
