"""Our fit compared with plain Elo, on two language models' verdicts on pairs of research ideas.

The truth is a person's interest.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.critic.ordering import auc
from benchmarks.figures import mean_figure
from daydream_critic.stats.bradley_terry import BradleyTerryFit, fit

INTERESTING = 4  # of 5
VERDICTS = (5000, 10_000)
SHUFFLES = 40
QUICK_SHUFFLES = 5
RESAMPLES = 400
ELO_K, ELO_SCALE = 32.0, 400.0
FIRST_WON = 1


def measure(ratings: Path, *, quick: bool) -> None:
    """Print gain and position bias of each judge whose verdicts are next to the ratings."""
    with ratings.open(newline="") as file:
        truth = np.array([int(row["interest"]) >= INTERESTING for row in csv.DictReader(file)])
    shuffles = QUICK_SHUFFLES if quick else SHUFFLES
    for path in sorted(ratings.parent.glob("verdicts_*.txt")):
        judge = path.stem.removeprefix("verdicts_")
        verdicts = np.loadtxt(path, delimiter=",", dtype=np.int64)
        for count in VERDICTS:
            print_figures(judge, verdicts, truth, count, shuffles)


def print_figures(
    judge: str,
    verdicts: NDArray[np.int64],
    truth: NDArray[np.bool_],
    count: int,
    shuffles: int,
) -> None:
    """Print the figures of one judge from `count` verdicts in random order."""
    gains, areas, biases = [], [], []
    over_ideas: list[float] = []
    for seed in range(shuffles):
        drawn = verdicts[np.random.default_rng(seed).permutation(len(verdicts))[:count]]
        fitted = fit_verdicts(drawn, len(truth))
        area = auc(fitted.strengths, truth)
        ratings = elo(drawn, len(truth))
        gains.append(area - auc(ratings, truth))
        if seed == 0:
            over_ideas = gains_over_ideas(fitted.strengths, ratings, truth)
        areas.append(area)
        biases.append(fitted.position)
    details: dict[str, str | float] = {
        "judge": judge,
        "verdicts": count,
        "position_of_all": round(fit_verdicts(verdicts, len(truth)).position, 3),
        "first_won": round(float((verdicts[:, 2] == FIRST_WON).mean()), 3),
    }
    mean_figure(
        "critic",
        f"pairwise_auc_gain_{count}_{judge}",
        gains,
        "AUC",
        gain_over_ideas_low=round(float(np.quantile(over_ideas, 0.025)), 4),
        gain_over_ideas_high=round(float(np.quantile(over_ideas, 0.975)), 4),
        **details,
    )
    mean_figure("critic", f"pairwise_auc_{count}_{judge}", areas, "AUC", **details)
    mean_figure("critic", f"pairwise_position_{count}_{judge}", biases, "logits", **details)


def gains_over_ideas(
    strengths: NDArray[np.float64], ratings: NDArray[np.float64], truth: NDArray[np.bool_]
) -> list[float]:
    """Return the gain over Elo for ideas that are drawn with replacement.

    Shuffles of the verdicts say how much the order matters. Only this says how far the gain would
    hold for other ideas.
    """
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(RESAMPLES):
        ideas = rng.integers(0, len(truth), len(truth))
        area = auc(strengths[ideas], truth[ideas])
        gains.append(area - auc(ratings[ideas], truth[ideas]))
    return gains


def fit_verdicts(verdicts: NDArray[np.int64], count: int) -> BradleyTerryFit:
    """Fit strengths to verdicts, shape (m, 3): first, second, winner."""
    return fit(verdicts[:, 0], verdicts[:, 1], verdicts[:, 2] == FIRST_WON, count)


def elo(verdicts: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return plain Elo ratings, computed in the order of the verdicts."""
    ratings = [0.0] * count
    for first, second, winner in verdicts.tolist():
        expected = 1 / (1 + 10 ** ((ratings[second] - ratings[first]) / ELO_SCALE))
        change = ELO_K * ((winner == FIRST_WON) - expected)
        ratings[first] += change
        ratings[second] -= change
    return np.array(ratings)
