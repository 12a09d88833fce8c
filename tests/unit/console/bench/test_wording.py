"""How figures of the benchmark are written."""

from __future__ import annotations

from daydream_console.bench.statistics import RATIO_MAX, BenchInterval
from daydream_console.bench.wording import dollars_with_interval


def test_a_cost_without_an_upper_end_is_shown_with_its_lower_end() -> None:
    assert dollars_with_interval(BenchInterval(1.5, 0.5, RATIO_MAX)) == "$1.50 ($0.50 to more)"
    assert dollars_with_interval(BenchInterval(1.5, 0.5, 3)) == "$1.50 ($0.50 to $3.00)"
