"""The panel's posterior compared with the best possible weighting, on simulated judges.

It is what the product runs: scores become ranks, reviews become labels, and `CalibratedHistory`
weighs them. No single step is replaced.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.critic.ordering import auc
from benchmarks.figures import mean_figure
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import JudgeStats, ReviewLabel

FILE = "simulated-judges.json"
HELD_OUT = 1000  # two constants of the posterior were chosen with the seeds of the file
FRESH = 60_000  # ideas that the best weighting is fitted on
SCALE = np.arange(1, 11)
Array = NDArray[np.float64]


def measure(file: Path, *, quick: bool) -> None:
    """Print the gap of each panel and of the worst one, and what means of scores and ranks lose."""
    world = json.loads(file.read_text())
    seeds = [seed + HELD_OUT for seed in world["seeds"]]
    seeds = seeds[:4] if quick else seeds
    worst: list[float] = [-1.0]
    for panel in world["panels"]:
        by_seed = np.array([gaps(world, panel, seed) for seed in seeds])
        ours, raw, ranked = by_seed.T
        details: dict[str, str | float] = {
            "seeds": str(seeds),
            "panel": panel["name"],
            "raw_mean_gap": round(float(raw.mean()), 4),
            "rank_mean_gap": round(float(ranked.mean()), 4),
        }
        mean_figure("critic", "panel_auc_gap_of_one", ours.tolist(), "AUC", **details)
        worst = max(worst, ours.tolist(), key=np.mean)
    panels = len(world["panels"])
    mean_figure("critic", "panel_auc_gap", worst, "AUC", seeds=str(seeds), panels=panels)


def gaps(world: dict[str, Any], panel: dict[str, Any], seed: int) -> tuple[float, float, float]:
    """Return what our model, mean scores and mean ranks lose to the best weighting."""
    rng = np.random.default_rng(seed)
    quality, scores = judged(panel, FRESH, rng)
    best = logistic(one_hot(scores), quality >= np.quantile(quality, 1 - world["positive_rate"]))
    _, history = judged(panel, world["history_per_judge"], rng)
    quality, scores = judged(panel, world["ideas"], rng)
    truth = quality >= np.quantile(quality, 1 - world["positive_rate"])
    labelled = world["labelled_ideas"]
    experience = experience_of(history, scores[:labelled], truth[:labelled])
    values = deviates(experience, scores)
    model = experience.aggregation_model(keys_of(scores))
    orderings = (one_hot(scores) @ best, model.scores(values), scores.mean(axis=1))
    ideal, ours, raw, ranked = (
        auc(ordering[labelled:], truth[labelled:]) for ordering in (*orderings, values.mean(axis=1))
    )
    return ideal - ours, ideal - raw, ideal - ranked


def keys_of(scores: Array) -> list[str]:
    """Return the keys of the judges' histories."""
    return [f"judge-{judge}:prompt" for judge in range(scores.shape[1])]


def experience_of(
    history: Array, reviewed: Array | None = None, truth: NDArray[np.bool_] | None = None
) -> CalibratedHistory:
    """Return what the critic knows after these scores, shape (ideas, judges), and reviews."""
    keys = keys_of(history)
    labels = []
    if reviewed is not None and truth is not None:
        labels = [
            ReviewLabel(
                verdict_id=str(idea),
                log_odds=0.0,
                accepted=bool(accepted),
                scores={key: [score] for key, score in zip(keys, row, strict=True)},
            )
            for idea, (row, accepted) in enumerate(zip(reviewed.tolist(), truth, strict=True))
        ]
    return CalibratedHistory(
        CriticHistory(
            judges={
                key: JudgeStats(scores=Counter(column), answers=len(column))
                for key, column in zip(keys, history.T.tolist(), strict=True)
            },
            rows=[dict(zip(keys, row, strict=True)) for row in history.tolist()],
            labels=labels,
        )
    )


def deviates(experience: CalibratedHistory, scores: Array) -> Array:
    """Return the deviate of each score, shape (ideas, judges)."""
    columns = []
    for key, column in zip(keys_of(scores), scores.T.tolist(), strict=True):
        ranks = experience.score_ranks(key)
        of_score = {score: ranks.of_score(score) for score in set(column)}
        columns.append([of_score[score] for score in column])
    return np.array(columns).T


def judged(panel: dict[str, Any], count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return qualities, shape (count,), and scores, shape (count, judges)."""
    judges, shared = panel["judges"], panel["noise_correlation"]
    skills, centres, spreads = (
        np.array([judge[name] for judge in judges]) for name in ("skill", "center", "spread")
    )
    quality = rng.standard_normal(count)
    common = shared**0.5 * rng.standard_normal((count, 1))
    noise = common + (1 - shared) ** 0.5 * rng.standard_normal((count, len(judges)))
    signal = skills * quality[:, np.newaxis] + np.sqrt(1 - skills**2) * noise
    return quality, np.clip(np.round(centres + spreads * signal), 1, 10)


def one_hot(scores: Array) -> Array:
    """Return one column per score of each judge, and a constant one."""
    columns = [(scores[:, [judge]] == SCALE).astype(float) for judge in range(scores.shape[1])]
    return np.concatenate([*columns, np.ones((len(scores), 1))], axis=1)


def logistic(features: Array, truth: NDArray[np.bool_]) -> Array:
    """Return the weights of a logistic regression, found by Newton's method, hardly penalised."""
    weights = np.zeros(features.shape[1])
    for _ in range(15):
        probability = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (truth - probability) - 1e-3 * weights
        variance = (probability * (1 - probability))[:, np.newaxis]
        curvature = (features * variance).T @ features + 1e-3 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, gradient)
    return weights
