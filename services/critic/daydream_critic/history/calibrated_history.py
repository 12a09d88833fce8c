"""All that is known of the judges now: past verdicts, labels, and the calibration on canaries.

It answers the questions of the panel and of the report. The history is a projection of streams,
and the calibrations come from a bucket, so every replica knows the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import NANOUSD_PER_USD
from daydream_critic.calibration.records import JudgeCalibration
from daydream_critic.calibration.skill import Skill, contradiction_of, skill_of
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import CanaryResult, deviate_of
from daydream_critic.stats.aggregation import AggregationModel
from daydream_critic.stats.panel_evidence import LabelledValues, PanelEvidence
from daydream_critic.stats.panel_posterior import LABELS_MIN, panel_posterior
from daydream_critic.stats.score_ranks import ScoreRanks

Array = NDArray[np.float64]
Scores = Mapping[str, Sequence[float]]
"""The scores of a hypothesis by the key of the judge's history, in the order of its calls."""


@dataclass(frozen=True)
class CalibratedHistory:
    """The history, and the calibrations by the key of the judge's history."""

    history: CriticHistory
    calibrations: Mapping[str, JudgeCalibration] = field(default_factory=dict)

    def score_ranks(self, key: str) -> ScoreRanks:
        """Return what a judge means by its scores.

        They are ranks among the scores that it gave to hypotheses and to decoys. Nearly all
        hypotheses are misses, as decoys are, so the first hypothesis has a rank already.
        """
        counts = dict(self.history.judge_stats(key).scores)
        if (calibration := self._calibration(key)) is not None:
            for score, count in calibration.decoy_counts.items():
                counts[score] = counts.get(score, 0) + count
        return ScoreRanks.of(counts) if counts else ScoreRanks({}, 0)

    def usd_per_answer(self, key: str) -> float:
        """Return the mean cost of an answer of a judge."""
        stats, calibration = self.history.judge_stats(key), self._calibration(key)
        answers, cost = stats.answers, stats.cost_nanousd
        if calibration is not None:
            answers, cost = answers + len(calibration.scores), cost + calibration.cost_nanousd
        return cost / NANOUSD_PER_USD / max(1, answers)

    def is_separated(self, keys: Sequence[str]) -> bool:
        """Return whether all these judges scored enough canaries of both kinds."""
        return min(self._canaries(keys).counts) >= LABELS_MIN

    def is_measured(self, keys: Sequence[str]) -> bool:
        """Return whether canaries have shown how good each of several judges is.

        Until then all judges are asked, because none is known to be worth more.
        """
        return len(keys) > 1 and self.is_separated(keys)

    def aggregation_model(self, keys: Sequence[str]) -> AggregationModel:
        """Return what is known of these judges together: one posterior of all evidence."""
        return panel_posterior(self._evidence(keys))

    def skill(self, key: str) -> Skill | None:
        """Return how well a judge tells bridges from decoys, or None without canaries."""
        canaries = self._canaries([key])
        return skill_of(canaries.values[:, 0], canaries.truth)

    def unreadable(self, key: str) -> tuple[int, int]:
        """Return how many answers about canaries could not be read, of how many."""
        calibration = self._calibration(key)
        return (calibration.unreadable, len(calibration.scores)) if calibration else (0, 0)

    def contradiction(self, keys: Sequence[str], names: Sequence[str]) -> str | None:
        """Return a sentence if canaries contradict what these judges agree on, else None."""
        canaries = self._canaries(keys)
        rows = self._values(keys, [_as_scores(row) for row in self.history.rows])
        return contradiction_of(names, rows, canaries.values, canaries.truth)

    def _calibration(self, key: str) -> JudgeCalibration | None:
        """Return the calibration of a judge, in want of one with this prompt one with another.

        Reduced plans ask for shorter answers, which is another prompt.
        """
        if key in self.calibrations:
            return self.calibrations[key]
        name, _, _ = key.rpartition(":")
        same = (row for row in self.calibrations.values() if row.judge == name)
        return next(same, None)

    def _evidence(self, keys: Sequence[str]) -> PanelEvidence:
        history = self.history
        tried = {label.verdict_id for label in history.outcomes}
        reviews = [label for label in history.labels if label.verdict_id not in tried]
        return PanelEvidence(
            unlabelled=self._rows(keys),
            canaries=self._canaries(keys),
            reviews=LabelledValues(
                self._values(keys, [label.scores for label in reviews]),
                np.array([label.accepted for label in reviews], bool),
            ),
            outcomes=LabelledValues(
                self._values(keys, [label.scores for label in history.outcomes]),
                np.array([label.confirmed for label in history.outcomes], bool),
            ),
        )

    def _rows(self, keys: Sequence[str]) -> Array:
        rows = [row for row in self.history.rows if all(key in row for key in keys)]
        return self._values(keys, [{key: [row[key]] for key in keys} for row in rows])

    def _canaries(self, keys: Sequence[str]) -> LabelledValues:
        """Return canaries that all these judges scored, in the calibration and between pairs."""
        calibrations = [self._calibration(key) for key in keys]
        calibrated = [
            calibration.readable for calibration in calibrations if calibration is not None
        ]
        names: list[str] = []
        if len(calibrated) == len(keys) and keys:
            names = sorted(set.intersection(*(set(scores) for scores in calibrated)))
        first = [
            {key: [scores[name]] for key, scores in zip(keys, calibrated, strict=True)}
            for name in names
        ]
        injected: list[CanaryResult] = [
            canary for canary in self.history.canaries if all(key in canary.scores for key in keys)
        ]
        scores: list[Scores] = [*first, *(canary.scores for canary in injected)]
        truth = [name.startswith("bridge") for name in names]
        truth += [canary.bridge for canary in injected]
        return LabelledValues(
            self._values(keys, scores),
            np.array(truth, bool),
            self._values(keys, scores, call=1),
        )

    def _values(self, keys: Sequence[str], scores: Sequence[Scores], call: int = 0) -> Array:
        """Return the deviates of one call of each judge, shape (n, judges), NaN for none."""
        ranks = [self.score_ranks(key) for key in keys]
        rows = [
            [
                deviate_of(rank, row.get(key, ()), call)
                for key, rank in zip(keys, ranks, strict=True)
            ]
            for row in scores
        ]
        values: Array = np.array(rows, float).reshape(len(rows), len(keys))
        return values


def _as_scores(row: Mapping[str, float]) -> Scores:
    return {key: [score] for key, score in row.items()}
