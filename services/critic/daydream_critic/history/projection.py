"""What the critic has learned from verdicts: a fold of the VERDICTS stream, the same in every replica.

Of each judge, by name and prompt: how often it gave each score, and what its answers cost. Of the last hypotheses that several judges scored: who said what.
Of the last hypotheses of all: the log-odds they ended with, from which the line is drawn, and which of them can be compared with. What comparisons
said, and what people said of promoted ones (the REVIEWS stream).
Everything is bounded: of histories that grow too large half is forgotten, which keeps their shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from daydream_contracts.events import NANOUSD_PER_USD, Decision, ReviewRecorded, VerdictReached
from daydream_critic.history.records import (
    CanaryResult,
    ComparisonRow,
    JudgeStats,
    ReferenceHypothesis,
    ReviewLabel,
    canary_of,
    compared_of,
    deviate,
    key_of,
    score_of,
    seen_of,
)
from daydream_critic.stats.aggregation import LABELS_MIN as PLANTED_MIN
from daydream_critic.stats.aggregation import AggregationModel, panel_of, panel_of_labels
from daydream_critic.stats.bradley_terry import fit
from daydream_critic.stats.certified_threshold import CertifiedThreshold, promotes
from daydream_critic.stats.quota_threshold import SEEN_MAX, QuotaThreshold
from daydream_critic.stats.score_ranks import ScoreRanks
from daydream_runtime.projection import Projection

ROLE = "critic"
ROWS_MAX = 500
COMPARISONS_MAX = 1000
CANARIES_MAX = 400
PROMOTED_MAX = 1000  # that wait for a person's word
LABELS_MAX = 500
NEIGHBOURS_MAX = 300  # hypotheses that others may be compared with
WARM = 50  # scores of a judge from which they are read as ranks


class CriticHistory(Projection):
    """The fold up to a place in the VERDICTS stream."""

    judges: dict[str, JudgeStats] = Field(default_factory=dict)
    rows: list[dict[str, float]] = Field(default_factory=list)
    ended: list[float] = Field(default_factory=list)
    seen: list[ReferenceHypothesis] = Field(default_factory=list)
    compared: list[ComparisonRow] = Field(default_factory=list)
    judged: int = 0
    cost_nanousd: int = Field(
        default=0, description="of the critic's own calls for those that were judged"
    )
    stopped: dict[str, int] = Field(
        default_factory=dict, description="how many each free gate stopped"
    )
    examined: dict[str, int] = Field(
        default_factory=dict, description="how the oracle's examinations ended"
    )
    planted: int = Field(default=0, description="hypotheses in all")
    canaries: list[CanaryResult] = Field(default_factory=list)
    promoted: dict[str, float] = Field(default_factory=dict)
    labels: list[ReviewLabel] = Field(default_factory=list)
    reviewed: int = Field(default=0, description="up to where the REVIEWS stream was read")

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        if verdict.hypothesis.pair.canary:
            self.planted += 1
            self.canaries = [*self.canaries, canary_of(verdict)][-CANARIES_MAX:]
            return
        if verdict.examination is not None:
            ended = "promoted" if verdict.decision is Decision.PROMOTED else verdict.reason
            self.examined[ended] = self.examined.get(ended, 0) + 1
        if verdict.judgements:
            self.judged += 1
            self.cost_nanousd += sum(call.cost_nanousd for call in verdict.calls)
        elif verdict.role == ROLE:
            self.stopped[verdict.reason] = self.stopped.get(verdict.reason, 0) + 1
        row = {}
        for judgement in verdict.judgements:
            score = score_of(judgement)
            if score is not None and judgement.call == 0:
                self.judges.setdefault(key_of(judgement), JudgeStats()).add(
                    score, judgement.cost_nanousd
                )
                row[key_of(judgement)] = score
        if len(row) > 1:
            self.rows = [*self.rows, row][-ROWS_MAX:]
        if verdict.aggregation is not None and verdict.aggregation.log_odds is not None:
            if (
                verdict.round == 1
            ):  # what is judged anew was chosen: it says nothing of how hypotheses lie
                self.ended = [*self.ended, verdict.aggregation.log_odds][-SEEN_MAX:]
            self.seen = [*self.seen, seen_of(verdict, verdict.aggregation)][-NEIGHBOURS_MAX:]
            if verdict.decision is Decision.PROMOTED:
                self.promoted[verdict.verdict_id] = self.seen[-1].log_odds
                for oldest in list(self.promoted)[:-PROMOTED_MAX]:
                    del self.promoted[oldest]
        self.compared = [*self.compared, *compared_of(verdict)][-COMPARISONS_MAX:]

    def review(self, sequence: int, review: ReviewRecorded) -> None:
        """Count a person's word; the last one on a hypothesis is the one that holds."""
        self.reviewed = max(self.reviewed, sequence)
        log_odds = self.promoted.get(review.verdict_id)
        if log_odds is not None:
            others = [one for one in self.labels if one.verdict_id != review.verdict_id]
            self.labels = [
                *others,
                ReviewLabel(
                    verdict_id=review.verdict_id, log_odds=log_odds, accepted=review.accepted
                ),
            ][-LABELS_MAX:]

    def certified(self, target: float) -> CertifiedThreshold | None:
        """Where people's reviews show that promotion has the target precision."""
        return promotes(
            np.array([one.log_odds for one in self.labels]),
            np.array([one.accepted for one in self.labels], bool),
            target,
        )

    @property
    def age(self) -> int:
        """How many hypotheses judges were heard about, planted ones among them."""
        return self.judged + self.planted

    def record(self, key: str) -> JudgeStats:
        """What is kept of a judge."""
        return self.judges.get(key, JudgeStats())

    def separated(self, keys: Sequence[str]) -> bool:
        """Whether enough planted hypotheses were scored by all these judges."""
        return self._planted(keys)[1]

    def measured(self, keys: Sequence[str]) -> bool:
        """Whether planted hypotheses have shown how good each of these judges is; until then all are asked, for none is known to be worth more."""
        return len(keys) > 1 and self.warm(keys) and self.separated(keys)

    def _planted(self, keys: Sequence[str]) -> tuple[list[CanaryResult], bool]:
        """The planted hypotheses that all these judges scored, and whether there are enough of both kinds."""
        planted = [one for one in self.canaries if all(key in one.scores for key in keys)]
        bridges = sum(one.bridge for one in planted)
        return planted, min(bridges, len(planted) - bridges) >= PLANTED_MIN

    def warm(self, keys: Sequence[str]) -> bool:
        """Whether the scores of all these judges can be read as ranks."""
        return all(key in self.judges and self.judges[key].count >= WARM for key in keys)

    def ranks(self, key: str) -> ScoreRanks:
        """What a judge means by its scores."""
        return ScoreRanks.of(self.judges[key].scores) if key in self.judges else ScoreRanks({}, 0)

    def usd(self, key: str) -> float:
        """What an answer of a judge cost on average."""
        record = self.record(key)
        return record.cost_nanousd / NANOUSD_PER_USD / max(1, record.answers)

    def panel(self, keys: Sequence[str]) -> AggregationModel:
        """What is known of these judges together: from planted hypotheses if there are enough of them, else from what they have in common."""
        ranks = [self.ranks(key) for key in keys]
        planted, enough = self._planted(keys)
        if enough:
            first, again = (
                np.array(
                    [
                        [
                            deviate(rank, one.scores[key], at)
                            for key, rank in zip(keys, ranks, strict=True)
                        ]
                        for one in planted
                    ]
                )
                for at in (0, 1)
            )
            return panel_of_labels(first, np.array([one.bridge for one in planted], bool), again)
        rows = [
            [rank.of_score(row[key]) for key, rank in zip(keys, ranks, strict=True)]
            for row in self.rows
            if all(key in row for key in keys)
        ]
        values: NDArray[np.float64] = np.array(rows, float).reshape(len(rows), len(keys))
        return panel_of(values)

    def rate(self, *, bridges: bool, last: int = CANARIES_MAX, before: int = 0) -> tuple[int, int]:
        """How many of the last planted ones of a kind would have been promoted, and of how many, without the very last `before`."""
        kind = [one.promoted for one in self.canaries if one.bridge == bridges]
        some = kind[: len(kind) - before][-last:]
        return sum(some), len(some)

    def passed(self, *, bridges: bool) -> tuple[int, int]:
        """How many of the planted ones of a kind the oracle let through, and of how many that came to it."""
        kind = [one.promoted for one in self.canaries if one.bridge == bridges and one.examined]
        return sum(kind), len(kind)

    def near(self, line: float) -> list[ReferenceHypothesis]:
        """Those that can be compared with, the nearest to the line first."""
        return sorted(self.seen, key=lambda one: abs(one.log_odds - line))

    def position(self, judge: str) -> float:
        """How much this judge favours what it is shown first, in log-odds, from all its comparisons."""
        rows = [one for one in self.compared if one.judge == judge]
        names = {
            name: at
            for at, name in enumerate(
                dict.fromkeys(name for one in rows for name in (one.first, one.second))
            )
        }
        if not rows:
            return 0.0
        first, second = (
            np.array([names[name] for name in side], np.int64)
            for side in ([one.first for one in rows], [one.second for one in rows])
        )
        return fit(first, second, np.array([one.first_won for one in rows]), len(names)).position

    def line(self, quota: float) -> QuotaThreshold:
        """Where promotion begins."""
        line = QuotaThreshold(quota)
        for log_odds in self.ended:
            line.add(log_odds)
        return line
