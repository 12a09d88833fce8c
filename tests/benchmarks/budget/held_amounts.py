"""What a reservation should hold: a simulation over quantiles and windows, on the trace's calls.

A stage of a daydream costs the sum of its calls. One in twenty daydreams goes to the oracle, which
costs ten calls: a stage that seldom runs. Each daydream holds, per stage, what the quantile of the
last costs says, and grows if it costs more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.budget import trace
from benchmarks.figures import figure
from daydream_budget.ledger.cost_history import (
    QUANTILE_PERCENT,
    SAMPLES_MAX,
    SAMPLES_MIN,
    usual_cost,
)

DAYDREAMS = 4_000
QUANTILES = (50, 75, 90, 95, 99)
WINDOWS = (16, 64, 256)
ORACLE_SHARE, ORACLE_CALLS = 0.05, 10


@dataclass
class Simulation:
    """One rule: the quantile in percent of the last `window` costs of a stage."""

    percent: int
    window: int
    reserved: int = 0
    settled: int = 0
    daydreams: int = 0
    grown: int = 0
    last_costs: dict[str, list[int]] = field(default_factory=dict)

    def add(self, costs: dict[str, int]) -> None:
        """Hold and spend one daydream, once enough are known."""
        held = {
            stage: usual_cost(earlier, self.percent)
            for stage, earlier in self.last_costs.items()
            if len(earlier) >= min(SAMPLES_MIN, self.window)
        }
        if len(held) == len(costs):
            self.daydreams += 1
            self.settled += sum(costs.values())
            self.reserved += sum(max(held[stage], cost) for stage, cost in costs.items())
            self.grown += sum(costs.values()) > sum(held.values())
        for stage, cost in costs.items():
            earlier = self.last_costs.setdefault(stage, [])
            earlier.append(cost)
            del earlier[: -self.window]


def measure(file: Path) -> None:
    """Print reserved ÷ settled, and the share of daydreams that cost more than they held."""
    for percent in QUANTILES:
        for window in WINDOWS:
            simulation = Simulation(percent, window)
            for costs in daydream_costs(file):
                simulation.add(costs)
            figure(
                "budget",
                "held_ratio",
                [simulation.reserved / simulation.settled],
                "ratio",
                quantile_percent=percent,
                window=window,
                grown_share=round(simulation.grown / simulation.daydreams, 4),
                chosen=str((percent, window) == (QUANTILE_PERCENT, SAMPLES_MAX)),
            )


def daydream_costs(file: Path) -> Iterator[dict[str, int]]:
    """Yield the cost of each stage of daydreams, the same for every rule."""
    chance = random.Random(1)
    calls = trace.shuffled(trace.read(file), 1)

    def cost_of(count: int) -> int:
        return sum(chance.choice(calls).cost for _ in range(count))

    for _ in range(DAYDREAMS):
        oracle_calls = ORACLE_CALLS if chance.random() < ORACLE_SHARE else 0
        yield {
            "synthesizer": cost_of(2),
            "critic": cost_of(3),
            "oracle": cost_of(oracle_calls),
        }
