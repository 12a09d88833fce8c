"""Split the draws among the strategies: a bandit, frozen for a round.

Thompson sampling in the form of probability matching: a strategy's share is the probability that it
is the best one, by insights per dollar, given the verdicts so far. Uniform always has its floor.
The insights of a strategy are Poisson with rate · dollars. The rate has a Gamma prior as strong as
`PRIOR_INSIGHTS` insights around the mean of all. Uniform's prior mean is half of that: wherever it
was measured, strategies that look for closeness find many times more (`make bench-sampler`). What
uniform finds beyond that counts from its floor on. Shares are computed by drawing from the
posteriors, so they are exact for the round in which they are in force, and every pair carries them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np

from daydream_sampler.claim import UNIFORM
from daydream_sampler.epoch import Epoch
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.regions import corrections_of
from daydream_sampler.strategies.recheck import DuePair
from daydream_sampler.strategy_history import StrategyHistory, StrategyStats

ROUND_DRAWS = 10
PRIOR_INSIGHTS = 2.0
UNIFORM_PRIOR = 0.5
POSTERIOR_DRAWS = 2000
# Of the posterior's spread: a full draw of eight or more coefficients explores more than a few
# hundred draws can pay back.
TEMPER = 0.15


def next_round(
    epoch: Epoch,
    names: Iterable[str],
    history: StrategyHistory,
    *,
    floor: float,
    generated_share_max: float = 1.0,
    draws: int = ROUND_DRAWS,
    due: tuple[DuePair, ...] = (),
) -> PortfolioRound:
    """Return the round that begins now. The same epoch and history give the same round.

    Generated facts take part while the round can't put their share of all draws above
    `generated_share_max`.
    """
    number = epoch.round.number + 1
    seed = random.Random(f"{epoch.key}:{number}:round").getrandbits(32)
    shares = shares_of([UNIFORM, *names], history, floor=floor, seed=seed)
    learned = history.regression().draw(seed, temper=TEMPER)
    generated_max = generated_share_max * (epoch.drawn + draws)
    return PortfolioRound(
        number=number,
        until=epoch.drawn + draws,
        shares=shares,
        learned=tuple(learned.tolist()),
        regions=corrections_of(history.regions, history.rate, seed, temper=TEMPER),
        generated=epoch.generated + draws <= generated_max,
        due=due,
    )


def shares_of(
    names: list[str], history: StrategyHistory, *, floor: float, seed: int
) -> dict[str, float]:
    """Return each strategy's share of the draws. The shares add up to 1."""
    stats = [history.strategies.get(name, StrategyStats()) for name in names]
    insights = np.array([row.insights for row in stats], float)
    exposure = np.array([row.cost_nanousd for row in stats], float)
    if not exposure.sum():  # free models: then draws are what is spent
        exposure = np.array([row.draws for row in stats], float)
    exposure /= exposure.sum() / max(1, sum(row.draws for row in stats)) or 1.0
    mean = (insights.sum() + 0.5) / (exposure.sum() + 1)
    prior = np.array([mean * UNIFORM_PRIOR if name == UNIFORM else mean for name in names])
    rng = np.random.default_rng(seed)
    scale = 1 / (exposure + PRIOR_INSIGHTS / prior)
    rates = rng.gamma(insights + PRIOR_INSIGHTS, scale, (POSTERIOR_DRAWS, len(names)))
    best = np.bincount(rates.argmax(axis=1), minlength=len(names)) / POSTERIOR_DRAWS
    return {
        name: float(floor * (name == UNIFORM) + (1 - floor) * share)
        for name, share in zip(names, best, strict=True)
    }
