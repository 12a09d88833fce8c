"""The slope of a soak's measurements."""

from __future__ import annotations

import random

import pytest

from benchmarks.soak.trend import HOUR_S, slope_of

TIMES = [5.0 * at for at in range(100)]


def test_a_constant_value_has_the_slope_zero() -> None:
    slope = slope_of(TIMES, [41.0] * 100)
    assert (slope.low, slope.per_h, slope.high) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_leak_is_seen_through_noise_and_outliers(seed: int) -> None:
    chance = random.Random(seed)
    leak = [80 + 60 * at / HOUR_S + chance.gauss(0, 0.1) for at in TIMES]
    for at in chance.sample(range(100), 10):
        leak[at] += 200  # a snapshot, for a moment
    slope = slope_of(TIMES, leak)
    assert slope.low < 60 < slope.high
    assert slope.low > 50


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_is_no_leak(seed: int) -> None:
    chance = random.Random(seed)
    slope = slope_of(TIMES, [80 + chance.gauss(0, 1) for _ in TIMES])
    assert slope.low < 0 < slope.high


def test_a_few_measurements_have_no_slope() -> None:
    with pytest.raises(ValueError, match="too few"):
        slope_of([0.0, 5.0], [1.0, 2.0])
