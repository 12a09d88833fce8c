"""Which strategy gets how many of the draws: Thompson sampling, in the form of probability matching, frozen for a round.

A strategy's share is the probability that it is the best one, by insights per dollar, given what all have brought; uniform always has
its floor. The insights of a strategy are Poisson with rate · dollars, the rate has a Gamma prior as strong as `PRIOR_INSIGHTS`
insights around the mean of all. Uniform's prior mean is half of that: wherever it was measured, those that look for closeness find
many times more (`make bench-sampler`), and what it finds beyond that counts from its floor on. Shares are computed by drawing from the
posteriors, so they are exact for the round in which they are in force, and every pair can carry them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np

from daydream_sampler.epoch import UNIFORM, Epoch, PortfolioRound
from daydream_sampler.regions import corrections_of
from daydream_sampler.strategies.recheck import DuePair
from daydream_sampler.strategy_history import StrategyHistory, StrategyStats

ROUND_DRAWS = 10
PRIOR_INSIGHTS = 2.0
UNIFORM_PRIOR = 0.5
POSTERIOR_DRAWS = 2000
TEMPER = 0.15  # of the posterior's spread: a full draw of eight or more coefficients explores more than a few hundred draws can pay back


def next_round(
    epoch: Epoch,
    names: Iterable[str],
    yields: StrategyHistory,
    *,
    floor: float,
    generated_share_max: float = 1.0,
    draws: int = ROUND_DRAWS,
    due: tuple[DuePair, ...] = (),
) -> PortfolioRound:
    """The round that begins now. The same epoch and yields give the same. Machine-made facts take part where the round can't put their share of
    all draws above `generated_share_max`."""
    number = epoch.round.number + 1
    seed = random.Random(f"{epoch.key}:{number}:round").getrandbits(32)
    shares = shares_of([UNIFORM, *names], yields, floor=floor, seed=seed)
    learned = yields.regression().draw(seed, temper=TEMPER)
    machine_made = epoch.machine_made + draws <= generated_share_max * (epoch.drawn + draws)
    return PortfolioRound(
        number=number,
        until=epoch.drawn + draws,
        shares=shares,
        learned=tuple(learned.tolist()),
        regions=corrections_of(yields.regions, yields.rate, seed, temper=TEMPER),
        machine_made=machine_made,
        due=due,
    )


def shares_of(
    names: list[str], yields: StrategyHistory, *, floor: float, seed: int
) -> dict[str, float]:
    """Each strategy's share, adding up to 1."""
    brought = [yields.strategies.get(name, StrategyStats()) for name in names]
    insights = np.array([one.insights for one in brought], float)
    exposure = np.array([one.cost_nanousd for one in brought], float)
    if not exposure.sum():  # nothing costs anything: then draws are what is spent
        exposure = np.array([one.draws for one in brought], float)
    unit = exposure.sum() / max(1, sum(one.draws for one in brought)) or 1.0
    exposure /= unit
    mean = (insights.sum() + 0.5) / (exposure.sum() + 1)
    prior = np.array([mean * UNIFORM_PRIOR if name == UNIFORM else mean for name in names])
    rng = np.random.default_rng(seed)
    rates = rng.gamma(
        insights + PRIOR_INSIGHTS,
        1 / (exposure + PRIOR_INSIGHTS / prior),
        (POSTERIOR_DRAWS, len(names)),
    )
    best = np.bincount(rates.argmax(axis=1), minlength=len(names)) / POSTERIOR_DRAWS
    return {
        name: float(floor * (name == UNIFORM) + (1 - floor) * share)
        for name, share in zip(names, best, strict=True)
    }
