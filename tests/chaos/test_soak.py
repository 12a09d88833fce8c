"""The system at its highest rate for some minutes: files, consumers, lag and money stay flat.

`make soak` does the same for an hour, and prints the figures, those of resident memory too. Memory
is no bound here: some services keep a part of each daydream.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.soak.measurements import open_files_of, slope
from benchmarks.soak.run import soak

pytestmark = pytest.mark.slow
MINUTES = float(os.environ.get("MINUTES") or 10)
LAG_SLOPE_PER_H = 600.0  # ten messages a minute: queues hold some hundreds


@pytest.mark.timeout(60 * MINUTES + 600)
@pytest.mark.fault(
    "F33", invariant="files, consumers, lag and the difference to the provider stay flat"
)
async def test_files_consumers_lag_and_money_stay_flat_at_the_highest_rate(tmp_path: Path) -> None:
    result = await soak(MINUTES, tmp_path)
    series, end = result.series, result.end
    assert end.budget is not None
    assert end.memory is not None
    assert end.sampler is not None
    assert series[-1].verdicts > series[0].verdicts
    # a slope of minutes is known within an interval only
    for process in series[0].open_files:
        assert slope(series, open_files_of(process)).low <= 0, process
    assert slope(series, lambda each: each.consumers).per_h == 0
    assert slope(series, lambda each: each.lag).low < LAG_SLOPE_PER_H
    assert min(each.spent - each.billed for each in series) >= 0
    assert end.budget.settled_nanousd == result.billed
    assert end.memory.verdicts == end.sampler.drawn
    assert end.dead_letters == 0
