"""Whether thresholds hold what they state: on simulated judges, the precision on fresh ideas of what lies above a threshold found on labelled ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.critic.panels import judged
from benchmarks.figures import mean_figure
from daydream_critic.stats.aggregation import model_from_agreement
from daydream_critic.stats.certified_threshold import CONFIDENCE, certify

TARGET = 0.5
LABELLED, FRESH = 400, 20_000
REPEATS = 10  # per seed


def measure(file: Path, *, quick: bool) -> None:
    """Print how often a found threshold keeps its target, how often the stated interval has the true precision, and how often one is found."""
    world = json.loads(file.read_text())
    kept, inside, found = [], [], []
    for panel in world["panels"]:
        for seed in world["seeds"][:4] if quick else world["seeds"]:
            rng = np.random.default_rng(seed)
            _, history = judged(panel, world["history_per_judge"], rng)
            weights = model_from_agreement((history - history.mean(axis=0)) / history.std(axis=0))
            fresh_quality, fresh = judged(panel, FRESH, rng)
            edge = np.quantile(fresh_quality, 1 - world["positive_rate"])

            def scored(scores: np.ndarray, of: np.ndarray = history, by=weights) -> np.ndarray:
                return by.scores((scores - of.mean(axis=0)) / of.std(axis=0)) + 1e-9 * np.arange(
                    len(scores)
                )

            fresh_scores = scored(fresh)
            for _ in range(REPEATS):
                quality, scores = judged(panel, LABELLED, rng)
                certified = certify(scored(scores), quality >= edge, TARGET)
                found.append(float(certified is not None))
                if certified is None:
                    kept.append(1.0)  # nothing was claimed
                else:
                    above = fresh_scores >= certified.threshold
                    precision = float((fresh_quality[above] >= edge).mean()) if above.any() else 1.0
                    kept.append(float(precision >= TARGET))
                    inside.append(float(certified.low <= precision <= certified.high))
    more = {"target": TARGET, "confidence": CONFIDENCE, "labelled": LABELLED}
    mean_figure("critic", "threshold_found", found, "share", **more)
    mean_figure("critic", "threshold_keeps_its_target", kept, "share", **more)
    mean_figure("critic", "threshold_interval_holds", inside, "share", **more)
