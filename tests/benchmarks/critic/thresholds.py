"""Whether certified thresholds hold what they state, on simulated judges.

A threshold is found on labelled ideas. The precision above it is measured on fresh ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.critic.panels import HELD_OUT, judged
from benchmarks.figures import mean_figure
from daydream_critic.stats.aggregation import AggregationModel
from daydream_critic.stats.certified_threshold import CONFIDENCE, CertifiedThreshold, certify
from daydream_critic.stats.panel_evidence import PanelEvidence
from daydream_critic.stats.panel_posterior import panel_posterior

TARGET = 0.5
LABELLED, FRESH = 400, 20_000
REPEATS = 10  # per seed
Array = NDArray[np.float64]


@dataclass
class Record:
    """Per attempt: was a threshold found, did it keep its target, did its interval hold."""

    certified: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)

    def add(self, certified: CertifiedThreshold | None, scores: Array, truth: Array) -> None:
        """Count an attempt. `scores` and `truth` are those of the fresh ideas."""
        self.certified.append(float(certified is not None))
        if certified is None:
            self.kept.append(1.0)  # nothing was claimed
            return
        above = scores >= certified.threshold
        precision = float(truth[above].mean()) if above.any() else 1.0
        self.kept.append(float(precision >= TARGET))
        self.inside.append(float(certified.low <= precision <= certified.high))


@dataclass(frozen=True)
class Scorer:
    """Scores ideas by what the judges have in common in a history."""

    history: Array
    model: AggregationModel

    @classmethod
    def of(cls, history: Array) -> Scorer:
        """Learn from a history, shape (ideas, judges)."""
        standard = (history - history.mean(axis=0)) / history.std(axis=0)
        return cls(history, panel_posterior(PanelEvidence.of(standard)))

    def score(self, printed: Array) -> Array:
        """Return log-odds, made different by their order."""
        standard = (printed - self.history.mean(axis=0)) / self.history.std(axis=0)
        log_odds: Array = self.model.scores(standard) + 1e-9 * np.arange(len(printed))
        return log_odds


def measure(file: Path, *, quick: bool) -> None:
    """Print how often a threshold is found, keeps its target, and has a right interval."""
    world = json.loads(file.read_text())
    seeds = [seed + HELD_OUT for seed in world["seeds"]]
    seeds = seeds[:4] if quick else seeds
    record = Record()
    for panel in world["panels"]:
        for seed in seeds:
            for certified, scores, truth in attempts(world, panel, seed):
                record.add(certified, scores, truth)
    details: dict[str, Any] = {
        "target": TARGET,
        "confidence": CONFIDENCE,
        "labelled": LABELLED,
        "seeds": str(seeds),
    }
    mean_figure("critic", "threshold_found", record.certified, "share", **details)
    mean_figure("critic", "threshold_keeps_its_target", record.kept, "share", **details)
    mean_figure("critic", "threshold_interval_holds", record.inside, "share", **details)


def attempts(
    world: dict[str, Any], panel: dict[str, Any], seed: int
) -> Iterator[tuple[CertifiedThreshold | None, Array, Array]]:
    """Yield thresholds on labelled ideas, each with scores and truth of the fresh ideas."""
    rng = np.random.default_rng(seed)
    _, history = judged(panel, world["history_per_judge"], rng)
    scorer = Scorer.of(history)
    fresh_quality, fresh = judged(panel, FRESH, rng)
    edge = np.quantile(fresh_quality, 1 - world["positive_rate"])
    fresh_scores = scorer.score(fresh)
    for _ in range(REPEATS):
        quality, printed = judged(panel, LABELLED, rng)
        certified = certify(scorer.score(printed), quality >= edge, TARGET)
        yield certified, fresh_scores, fresh_quality >= edge
