"""The promotion threshold that lets a quota pass."""

from __future__ import annotations

import math

import numpy as np
import pytest

from daydream_critic.stats.aggregation import AggregationModel
from daydream_critic.stats.quota_threshold import HISTORY_MAX, HISTORY_MIN, QuotaThreshold

JUDGES = AggregationModel(np.array([1.2, 2.5]), np.eye(2), np.full(2, 0.7), np.zeros(2), np.ones(2))


def test_the_threshold_lets_its_quota_pass() -> None:
    threshold = QuotaThreshold(0.1)
    rng = np.random.default_rng(0)
    for log_odds in rng.standard_normal(600):
        threshold.add(float(log_odds))
    passed = [log_odds > threshold.value(JUDGES) for log_odds in rng.standard_normal(5000)]
    assert np.mean(passed) == pytest.approx(0.1, abs=0.03)
    assert threshold.at(0.3, JUDGES) < threshold.value(JUDGES) < threshold.at(0.02, JUDGES)


def test_the_threshold_forgets_old_hypotheses() -> None:
    threshold = QuotaThreshold(0.5)
    for log_odds in [-100.0] * HISTORY_MAX + [5.0] * HISTORY_MAX:
        threshold.add(log_odds)
    assert threshold.value(JUDGES) == 5.0
    assert threshold.count == HISTORY_MAX


def test_without_a_history_the_threshold_is_where_these_judges_would_put_it() -> None:
    threshold = QuotaThreshold(0.05)
    rng = np.random.default_rng(1)
    hit = rng.random(200_000) < 0.025
    deflection = JUDGES.weigh((1, 1)).deflection
    noise = math.sqrt(deflection) * rng.standard_normal(len(hit))
    final_log_odds = threshold.prior + np.where(hit, 1, -1) * deflection / 2 + noise
    passed = (final_log_odds > threshold.value(JUDGES)).mean()
    assert passed == pytest.approx(0.05, abs=0.005)
    assert threshold.count < HISTORY_MIN
