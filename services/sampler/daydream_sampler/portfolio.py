"""Split the draws among the strategies: a bandit, frozen for a round.

Thompson sampling in the form of probability matching: a strategy's share is the probability that it
is the best one, by insights per dollar, given the verdicts so far. The floor measures, whatever is
best: half of it is uniform over all pairs, half stratified, where that strategy runs. The insights
of a strategy are Poisson with rate · dollars. The rate has a Gamma prior as strong as
`PRIOR_INSIGHTS` insights around the mean of all. The prior mean of strategies that take partners at
random is a fifth of that: wherever it was measured, those that look for closeness find many times
more (`make bench-sampler`). What they find beyond that counts from their first draws on. From each
rate is taken what the judges promote by mistake (`judge_errors`), so that a strategy gains nothing
by decoys. Shares are computed by drawing from the posteriors, so they are exact for the round in
which they are in force, and every pair carries them.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from daydream_sampler.claim import UNIFORM
from daydream_sampler.epoch import Epoch
from daydream_sampler.judge_errors import JudgeErrors
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.regions import corrections_of
from daydream_sampler.strategies.recheck import DuePair
from daydream_sampler.strategies.stratified import STRATIFIED
from daydream_sampler.strategy_history import StrategyHistory, StrategyStats

ROUND_DRAWS = 10
PRIOR_INSIGHTS = 2.0
# Of strategies whose partners are at random, against the mean of all. 0.2 found 1.1 and 1.6 times
# as many as 0.5 on the first half of the works of MOOSE-Chem (`make bench-sampler`) and of the
# benchmark's notes (`make bench-daydream`).
RANDOM_PRIOR = 0.2
RANDOM_PARTNERS = (UNIFORM, STRATIFIED, "unseen", "reservoir")
POSTERIOR_DRAWS = 2000
# Of the posterior's spread: a full draw of eight or more coefficients explores more than a few
# hundred draws can pay back. Chosen on SciMuse's ratings, all of them.
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
    prior = np.array([mean * RANDOM_PRIOR if name in RANDOM_PARTNERS else mean for name in names])
    rng = np.random.default_rng(seed)
    scale = 1 / (exposure + PRIOR_INSIGHTS / prior)
    rates = rng.gamma(insights + PRIOR_INSIGHTS, scale, (POSTERIOR_DRAWS, len(names)))
    rates -= mistaken_rates(stats, exposure, history.judge_errors())
    best = np.bincount(rates.argmax(axis=1), minlength=len(names)) / POSTERIOR_DRAWS
    floors = floor_shares(names, floor)
    return {
        name: float(floors.get(name, 0.0) + (1 - floor) * share)
        for name, share in zip(names, best, strict=True)
    }


def floor_shares(names: Collection[str], floor: float) -> dict[str, float]:
    """Return who has the floor: uniform, and half of it the stratified strategy if it runs."""
    if STRATIFIED in names:
        return {UNIFORM: floor / 2, STRATIFIED: floor / 2}
    return {UNIFORM: floor}


def mistaken_rates(
    stats: Sequence[StrategyStats], exposure: NDArray[np.float64], errors: JudgeErrors
) -> NDArray[np.float64]:
    """Return how many bad hypotheses each strategy got promoted per unit of exposure.

    For a strategy without a draw, it is that of all. A judge that cannot tell gives 0.
    """
    judged = np.array([row.judged for row in stats], float)
    of_all = judged.sum() / max(1.0, exposure.sum())
    per_exposure = np.divide(judged, exposure, out=np.full(len(judged), of_all), where=exposure > 0)
    mistaken: NDArray[np.float64] = errors.bad_promoted * per_exposure
    return mistaken
