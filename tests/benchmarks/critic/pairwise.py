"""Our fit against plain Elo on two LLM judges' verdicts on pairs of research ideas; the truth is a person's interest."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.critic.ordering import auc
from benchmarks.figures import mean_figure
from daydream_critic.stats.bradley_terry import fit

INTERESTING = 4  # of 5
VERDICTS = (5000, 10_000)
SHUFFLES = 40
ELO_K, ELO_SCALE = 32.0, 400.0


def measure(ratings: Path, *, quick: bool) -> None:
    """Print gain and position bias for each judge beside the ratings."""
    with ratings.open(newline="") as file:
        truth = np.array([int(row["interest"]) >= INTERESTING for row in csv.DictReader(file)])
    for path in sorted(ratings.parent.glob("verdicts_*.txt")):
        judge = path.stem.removeprefix("verdicts_")
        verdicts = np.loadtxt(path, delimiter=",", dtype=np.int64)
        whole = fit(verdicts[:, 0], verdicts[:, 1], verdicts[:, 2] == 1, len(truth))
        first = float((verdicts[:, 2] == 1).mean())
        for count in VERDICTS:
            gains, ours, biases = [], [], []
            for seed in range(5 if quick else SHUFFLES):
                some = verdicts[np.random.default_rng(seed).permutation(len(verdicts))[:count]]
                found = fit(some[:, 0], some[:, 1], some[:, 2] == 1, len(truth))
                mine = auc(found.strengths, truth)
                gains.append(mine - auc(elo(some, len(truth)), truth))
                ours.append(mine)
                biases.append(found.position)
            more = {
                "judge": judge,
                "verdicts": count,
                "position_of_all": round(whole.position, 3),
                "first_won": round(first, 3),
            }
            mean_figure("critic", f"pairwise_auc_gain_{count}_{judge}", gains, "AUC", **more)
            mean_figure("critic", f"pairwise_auc_{count}_{judge}", ours, "AUC", **more)
            mean_figure("critic", f"pairwise_position_{count}_{judge}", biases, "logits", **more)


def elo(verdicts: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Plain Elo, in the order of the verdicts."""
    ratings = [0.0] * count
    for first, second, winner in verdicts.tolist():
        expected = 1 / (1 + 10 ** ((ratings[second] - ratings[first]) / ELO_SCALE))
        change = ELO_K * ((winner == 1) - expected)
        ratings[first] += change
        ratings[second] -= change
    return np.array(ratings)
