"""What equal ranks would find that the panel does not, where judges share a prejudice.

Several judges have one error in common and are indifferent to the truth, or against it. One good
judge stands beside them. There is no label, no canary and no review: agreement is all that is
known. The figure is the AUC of equal ranks minus that of the panel, in the worst of all sets.

The same sets with canaries, as the product has them from the start, show what a calibration brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.critic.ordering import auc
from benchmarks.critic.panels import deviates, experience_of, keys_of
from benchmarks.figures import mean_figure
from daydream_critic.calibration.records import CanaryScore, JudgeCalibration
from daydream_critic.history.calibrated_history import CalibratedHistory

IDEAS, HISTORY, CANARIES = 3000, 500, 60
POSITIVE_RATE = 0.2
CENTRE, SPREAD = 6.5, 1.2
SEEDS, QUICK_SEEDS = 10, 3
FIRST_SEED = 1000  # constants were tuned with seeds below 100
Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class PrejudicedPanel:
    """How many judges share a prejudice, their skill, how far their errors agree, and the skill of
    the good judge.
    """

    prejudiced: int
    skill: float
    agreement: float
    good_skill: float

    def judged(self, quality: Array, rng: np.random.Generator) -> Array:
        """Return scores of these ideas, shape (ideas, judges). The good judge is last."""
        skills = np.array([self.skill] * self.prejudiced + [self.good_skill])
        own = rng.standard_normal((len(quality), len(skills)))
        common = rng.standard_normal((len(quality), 1))
        shared = self.agreement**0.5 * common + (1 - self.agreement) ** 0.5 * own
        noise = np.where(np.arange(len(skills)) < self.prejudiced, shared, own)
        signal = skills * quality[:, np.newaxis] + np.sqrt(1 - skills**2) * noise
        scores: Array = np.clip(np.round(CENTRE + SPREAD * signal), 1, 10)
        return scores


PANELS = tuple(
    PrejudicedPanel(*parameters)
    for parameters in product((2, 3, 4, 6), (-0.5, -0.3, -0.1, 0.0), (0.2, 0.5, 0.8), (0.4, 0.8))
)


def measure(*, quick: bool) -> None:
    """Print the worst gap without labels, and the mean gain that canaries bring."""
    seeds = range(FIRST_SEED, FIRST_SEED + (QUICK_SEEDS if quick else SEEDS))
    gaps = np.array([[gap_and_gain(panel, seed) for seed in seeds] for panel in PANELS])
    worst = int(np.argmax(gaps[:, :, 0].mean(axis=1)))
    mean_figure(
        "critic",
        "prejudice_gap",
        gaps[worst, :, 0].tolist(),
        "AUC",
        panels=len(PANELS),
        seeds=str(seeds),
        worst=str(PANELS[worst]),
    )
    mean_figure(
        "critic",
        "prejudice_gain_of_canaries",
        gaps[:, :, 1].mean(axis=1).tolist(),
        "AUC",
        panels=len(PANELS),
        seeds=str(seeds),
        worst=round(float(gaps[:, :, 1].mean(axis=1).min()), 4),
    )


def gap_and_gain(panel: PrejudicedPanel, seed: int) -> tuple[float, float]:
    """Return what the panel loses to equal ranks without labels, and gains on them by canaries."""
    rng = np.random.default_rng(seed)
    history = panel.judged(rng.standard_normal(HISTORY), rng)
    quality = rng.standard_normal(IDEAS)
    scores = panel.judged(quality, rng)
    truth = quality >= np.quantile(quality, 1 - POSITIVE_RATE)
    blind = experience_of(history)
    values = deviates(blind, scores)
    equal = auc(values.mean(axis=1), truth)
    ours = auc(blind.aggregation_model(keys_of(scores)).scores(values), truth)
    calibrated = CalibratedHistory(blind.history, _calibrations(panel, rng))
    model = calibrated.aggregation_model(keys_of(scores))
    return equal - ours, auc(model.scores(deviates(calibrated, scores)), truth) - equal


def _calibrations(panel: PrejudicedPanel, rng: np.random.Generator) -> dict[str, JudgeCalibration]:
    """Return how the judges score canaries: half of them good ideas, half of them ordinary ones."""
    edge = 0.84  # of the best fifth
    good = np.abs(rng.standard_normal(CANARIES)) * 0.5 + edge
    scores = panel.judged(np.concatenate([good, rng.standard_normal(CANARIES) - 0.5]), rng)
    names = [f"{kind}:{place}" for kind in ("bridge", "decoy") for place in range(CANARIES)]
    return {
        key: JudgeCalibration(
            judge=key.partition(":")[0],
            history_key=key,
            scores=tuple(
                CanaryScore(canary=name, score=score)
                for name, score in zip(names, column, strict=True)
            ),
        )
        for key, column in zip(keys_of(scores), scores.T.tolist(), strict=True)
    }
