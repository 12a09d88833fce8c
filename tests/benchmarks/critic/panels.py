"""The panel's arithmetic against the best possible weighting, on simulated judges with known faults."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.critic.ordering import auc
from benchmarks.figures import mean_figure
from daydream_critic.stats.aggregation import model_from_agreement
from daydream_critic.stats.score_ranks import ScoreRanks

FILE = "simulated-judges.json"
FRESH = 60_000  # ideas that the best weighting is fitted on
SCALE = np.arange(1, 11)
Array = NDArray[np.float64]


def measure(file: Path, *, quick: bool) -> None:
    """Print the gap of each panel, and of the worst one; and what means of scores and of ranks lose."""
    world = json.loads(file.read_text())
    seeds = world["seeds"][:4] if quick else world["seeds"]
    worst: tuple[float, list[float]] = (-1.0, [])
    for panel in world["panels"]:
        found = np.array([gaps(world, panel, seed) for seed in seeds])
        more: dict[str, str | float] = {"seeds": str(seeds), "panel": panel["name"]}
        more |= {
            "raw_mean_gap": round(float(found[:, 1].mean()), 4),
            "rank_mean_gap": round(float(found[:, 2].mean()), 4),
        }
        mean_figure("critic", "panel_auc_gap_of_one", found[:, 0].tolist(), "AUC", **more)
        if found[:, 0].mean() > worst[0]:
            worst = float(found[:, 0].mean()), found[:, 0].tolist()
    mean_figure(
        "critic", "panel_auc_gap", worst[1], "AUC", seeds=str(seeds), panels=len(world["panels"])
    )


def gaps(world: dict[str, Any], panel: dict[str, Any], seed: int) -> tuple[float, float, float]:
    """What our panel, the mean of printed scores, and the mean of ranks lose against the best weighting."""
    rng = np.random.default_rng(seed)
    quality, scores = judged(panel, FRESH, rng)
    best = logistic(one_hot(scores), quality >= np.quantile(quality, 1 - world["positive_rate"]))
    _, history = judged(panel, world["history_per_judge"], rng)
    quality, scores = judged(panel, world["ideas"], rng)
    truth = quality >= np.quantile(quality, 1 - world["positive_rate"])
    ranks = [
        ScoreRanks.of(Counter(history[:, judge].tolist())) for judge in range(history.shape[1])
    ]

    def deviates(printed: Array) -> Array:
        return np.array(
            [[ranks[judge].of_score(score) for judge, score in enumerate(row)] for row in printed]
        )

    labelled = world["labelled_ideas"]
    values = deviates(scores)
    ours = model_from_agreement(deviates(history), values[:labelled], truth[:labelled]).scores(
        values
    )
    ideal = auc((one_hot(scores) @ best)[labelled:], truth[labelled:])
    rest = (ours, scores.mean(axis=1), values.mean(axis=1))
    one, raw, ranked = (ideal - auc(score[labelled:], truth[labelled:]) for score in rest)
    return one, raw, ranked


def judged(panel: dict[str, Any], count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Qualities, shape (count,), and printed scores, shape (count, judges)."""
    judges, shared = panel["judges"], panel["noise_correlation"]
    skills, centres, spreads = (
        np.array([judge[name] for judge in judges]) for name in ("skill", "center", "spread")
    )
    quality = rng.standard_normal(count)
    noise = shared**0.5 * rng.standard_normal((count, 1)) + (
        1 - shared
    ) ** 0.5 * rng.standard_normal((count, len(judges)))
    signal = skills * quality[:, np.newaxis] + np.sqrt(1 - skills**2) * noise
    return quality, np.clip(np.round(centres + spreads * signal), 1, 10)


def one_hot(scores: Array) -> Array:
    """A column for each score of each judge, and a constant one."""
    columns = [(scores[:, [judge]] == SCALE).astype(float) for judge in range(scores.shape[1])]
    return np.concatenate([*columns, np.ones((len(scores), 1))], axis=1)


def logistic(features: Array, truth: NDArray[np.bool_]) -> Array:
    """Logistic regression by Newton's method, hardly penalised."""
    weights = np.zeros(features.shape[1])
    for _ in range(15):
        chance = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (truth - chance) - 1e-3 * weights
        curvature = (
            features * (chance * (1 - chance))[:, np.newaxis]
        ).T @ features + 1e-3 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, gradient)
    return weights
