"""The precision of the first promoted hypotheses, against the plain rule: mean score of 7 or more.

Scripted judges give 7 to nearly everything, as real ones do. The whole critic judges, from its
first verdict on: the judges are calibrated on canaries, scores become ranks, the quota decides, and
each verdict is added to the history. The plain rule sees the same scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import mean_figure
from daydream_contracts.events import Decision, VerdictReached
from daydream_critic.calibration.records import JudgeCalibration
from daydream_critic.history.critic_history import CriticHistory
from support.critic import (
    FakeJudgeModel,
    calibrations_of,
    judge_hypothesis,
    make_critic,
    model_judge,
    written_by,
)

PROMOTED = 50
HIT_RATE = 0.05
CANARIES = 62
MODELS = ("gpt-4.1", "claude-haiku")
SEPARATIONS = (1.6, 1.2)  # d′ of each judge
CENTRE, SPREAD = 7.1, 0.45
SHARED = 0.3  # of the judges' errors
PLAIN_SCORE = 7.0
SEEDS, QUICK_SEEDS = 20, 3
FIRST_SEED = 1000  # constants were tuned with seeds below 100
HYPOTHESES_MAX = 3000
Array = NDArray[np.float64]


def first_promoted(quick: bool) -> None:
    """Print the ratio of the two precisions, and both."""
    seeds = range(FIRST_SEED, FIRST_SEED + (QUICK_SEEDS if quick else SEEDS))
    rows = np.array([precisions(seed) for seed in seeds])
    ours, plain, sevens = rows.mean(axis=0)
    mean_figure(
        "daydream",
        "first50_precision_ratio",
        (rows[:, 0] / rows[:, 1]).tolist(),
        "times",
        precision=round(float(ours), 4),
        plain=round(float(plain), 4),
        hit_rate=HIT_RATE,
        scores_of_seven=round(float(sevens), 3),
        promoted=PROMOTED,
        seeds=str(seeds),
    )


def precisions(seed: int) -> tuple[float, float, float]:
    """Return the precision of the first promoted, that of the plain rule, and the share of 7s."""
    rng = np.random.default_rng(seed)
    hits = rng.random(HYPOTHESES_MAX) < HIT_RATE
    scores = scores_of(hits, rng)
    passed = np.flatnonzero(scores.mean(axis=1) >= PLAIN_SCORE)[:PROMOTED]
    promoted = _promoted(scores, _calibrations(rng))
    ours = float(hits[promoted].mean())
    return ours, max(float(hits[passed].mean()), 1 / PROMOTED), float((scores == 7).mean())


def scores_of(hits: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Return what each judge says of hypotheses, shape (n, judges)."""
    own = rng.standard_normal((len(hits), len(SEPARATIONS)))
    errors = SHARED**0.5 * rng.standard_normal((len(hits), 1)) + (1 - SHARED) ** 0.5 * own
    signal = hits[:, np.newaxis] * np.array(SEPARATIONS) + errors
    scores: Array = np.clip(np.round(CENTRE + SPREAD * signal), 1, 10)
    return scores


def _promoted(scores: Array, calibrations: dict[str, JudgeCalibration]) -> list[int]:
    """Return the places of the first promoted hypotheses."""
    models = [FakeJudgeModel([], name) for name in MODELS]
    history = CriticHistory()
    critic = make_critic(
        [model_judge(model) for model in models], history, calibrations=calibrations
    )
    promoted: list[int] = []
    for place, row in enumerate(scores.tolist()):
        for model, score in zip(models, row, strict=True):
            model.scores = [int(score)]
            model.requests.clear()
        verdict = judge_hypothesis(critic, written_by("qwen3"))
        if not isinstance(verdict, VerdictReached):
            raise TypeError("nothing is nominated without an oracle")
        history.add(place + 1, verdict)
        if verdict.decision is Decision.PROMOTED:
            promoted.append(place)
        if len(promoted) == PROMOTED:
            break
    return promoted


def _calibrations(rng: np.random.Generator) -> dict[str, JudgeCalibration]:
    kinds = np.arange(2 * CANARIES) < CANARIES
    scores = scores_of(kinds, rng)
    calibrations: dict[str, JudgeCalibration] = {}
    for name, column in zip(MODELS, scores.T, strict=True):
        judge = model_judge(FakeJudgeModel([], name))
        bridges, decoys = _floats(column[kinds]), _floats(column[~kinds])
        calibrations |= calibrations_of([judge], bridges=bridges, decoys=decoys)
    return calibrations


def _floats(column: Array) -> Sequence[float]:
    return [float(score) for score in column]
