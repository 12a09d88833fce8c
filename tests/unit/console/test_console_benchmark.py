"""The arithmetic of `make bench-console`: the slope of a growth, and how sure it is."""

from __future__ import annotations

import random

import pytest

from benchmarks.console import slope_per_h


def test_a_growth_of_two_megabytes_a_minute_is_a_hundred_and_twenty_an_hour() -> None:
    slope, half = slope_per_h([100.0 + 2 * minute for minute in range(60)])
    assert slope == pytest.approx(120)
    assert half == pytest.approx(0, abs=1e-6)


def test_the_interval_holds_the_true_slope_in_nineteen_of_twenty_cases() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        slope, half = slope_per_h(
            [100 + minute / 60 + chance.gauss(0, 0.3) for minute in range(60)]
        )
        held += abs(slope - 1) <= half
    assert 0.91 <= held / 400 <= 0.98
