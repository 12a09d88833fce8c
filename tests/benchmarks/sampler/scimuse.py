"""How many interesting ideas are among the first 500 draws of a portfolio that learns from each rating, against uniform draws.

The ideas stand for pairs with features; whoever draws learns the rating of what was drawn, nothing else, and draws nothing twice. The
product's parts do it: its regression, its choice by expectation, and its portfolio of uniform and learned with the uniform floor.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.figures import mean_figure
from benchmarks.sampler.worlds import Rated, read_rated
from daydream_sampler.claim import UNIFORM
from daydream_sampler.portfolio import ROUND_DRAWS, TEMPER, shares_of
from daydream_sampler.regression import Regression
from daydream_sampler.strategies.learned import weights_of_expected
from daydream_sampler.strategy_history import StrategyHistory, StrategyStats

DRAWS = 500
SEEDS = 100
FLOOR = 0.1
LEARNED = "learned"


def measure(file: Path, *, quick: bool) -> None:
    """Print the ratio with its interval. What uniform finds is not simulated: 500 draws of n have 500 × base rate on average, exactly."""
    rated = read_rated(file)
    expected = DRAWS * float(rated.interesting.mean())
    found = [hits(rated, seed) / expected for seed in range(10 if quick else SEEDS)]
    mean_figure(
        "sampler",
        f"scimuse_yield_ratio_{DRAWS}",
        found,
        "times",
        ideas=len(rated.interesting),
        expected_of_uniform=expected,
        draws=DRAWS,
    )


def hits(rated: Rated, seed: int) -> int:
    """The interesting ideas among the first draws."""
    rng = np.random.default_rng(seed)
    features = np.hstack([np.ones((len(rated.features), 1)), rated.features])
    regression = Regression.empty(features.shape[1])
    left = np.ones(len(features), bool)
    yields = StrategyHistory()
    brought = {name: StrategyStats() for name in (UNIFORM, LEARNED)}
    found = 0
    for draw in range(DRAWS):
        if draw % ROUND_DRAWS == 0:
            yields.strategies = brought
            shares = shares_of(
                [UNIFORM, LEARNED], yields, floor=FLOOR, seed=int(rng.integers(2**32))
            )
            expected = features @ regression.draw(int(rng.integers(2**32)), temper=TEMPER)
        name = UNIFORM if rng.random() < shares[UNIFORM] else LEARNED
        weights = np.where(left, 1.0, 0.0)
        if name == LEARNED:
            weights[left] = weights_of_expected(expected[left])
        idea = int(rng.choice(len(weights), p=weights / weights.sum()))
        left[idea] = False
        interesting = bool(rated.interesting[idea])
        found += interesting
        regression.add(features[idea], float(interesting))
        one = brought[name]
        brought[name] = one.model_copy(
            update={
                "draws": one.draws + 1,
                "insights": one.insights + interesting,
                "cost_nanousd": one.cost_nanousd + 1,
            }
        )
    return found
