"""What the critic has learned from verdicts: a projection of the VERDICTS stream.

It is the same in every replica at the same place in the stream. It holds, for each judge and
prompt, how often each score was given and what the answers cost; which judge gave which score to
the last hypotheses that several judges scored; the final log-odds of the last hypotheses, from
which the promotion threshold comes, and which of them others can be compared with; results of
comparisons and of canaries; and reviews and outcomes of promoted hypotheses (from the REVIEWS and
OUTCOMES streams). What these mean together is the business of `calibrated_history`.

Everything is bounded: old rows are dropped, and large counts are halved, which keeps their shape.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from daydream_contracts.events import (
    Decision,
    OutcomeRecorded,
    ReviewRecorded,
    TrialResult,
    VerdictReached,
)
from daydream_critic.history.records import (
    CanaryResult,
    ComparisonRow,
    JudgeStats,
    PlaceStats,
    PromotedHypothesis,
    ReferenceHypothesis,
    ReviewLabel,
    TrialLabel,
    canary_result_of,
    comparison_rows_of,
    history_key_of,
    reference_of,
    score_of,
    scores_by_key,
)
from daydream_critic.stats.bradley_terry import fit
from daydream_critic.stats.certified_threshold import CertifiedThreshold, certify
from daydream_critic.stats.quota_threshold import HISTORY_MAX, QuotaThreshold
from daydream_runtime.verdict_projection import Projection

ROLE = "critic"
ROWS_MAX = 500
COMPARISONS_MAX = 1000
CANARIES_MAX = 400
PROMOTED_MAX = 1000  # promoted hypotheses without a review
LABELS_MAX = 500
REFERENCES_MAX = 300


class CriticHistory(Projection):
    """The projection up to a place in the VERDICTS stream."""

    judges: dict[str, JudgeStats] = Field(default_factory=dict)
    rows: list[dict[str, float]] = Field(
        default_factory=list, description="scores by judge of hypotheses that several judges scored"
    )
    final_log_odds: list[float] = Field(default_factory=list)
    references: list[ReferenceHypothesis] = Field(default_factory=list)
    comparisons: list[ComparisonRow] = Field(default_factory=list)
    judged: int = 0
    cost_nanousd: int = Field(
        default=0, description="cost of the critic's own calls for judged hypotheses"
    )
    stopped: dict[str, int] = Field(
        default_factory=dict, description="number of hypotheses that each gate stopped"
    )
    examined: dict[str, int] = Field(
        default_factory=dict, description="number of examinations by the oracle per ending"
    )
    canaries_judged: int = Field(default=0, description="number of all canaries so far")
    canaries: list[CanaryResult] = Field(default_factory=list)
    promoted: dict[str, PromotedHypothesis] = Field(
        default_factory=dict, description="promoted hypotheses by verdict id"
    )
    labels: list[ReviewLabel] = Field(default_factory=list)
    places: dict[str, dict[int, PlaceStats]] = Field(
        default_factory=dict, description="scores by judge and by place in a call about several"
    )
    outcomes: list[TrialLabel] = Field(default_factory=list)
    reviews_sequence: int = Field(
        default=0, description="place up to which the REVIEWS stream was read"
    )
    outcomes_sequence: int = Field(
        default=0, description="place up to which the OUTCOMES stream was read"
    )

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        if verdict.hypothesis.pair.canary:
            self.canaries_judged += 1
            self.canaries = [*self.canaries, canary_result_of(verdict)][-CANARIES_MAX:]
            return
        self._count_ending(verdict)
        self._count_scores(verdict)
        self._count_log_odds(verdict)
        self.comparisons = [*self.comparisons, *comparison_rows_of(verdict)][-COMPARISONS_MAX:]

    def _count_ending(self, verdict: VerdictReached) -> None:
        if verdict.examination is not None:
            ending = "promoted" if verdict.decision is Decision.PROMOTED else verdict.reason
            self.examined[ending] = self.examined.get(ending, 0) + 1
        if verdict.judgements:
            self.judged += 1
            self.cost_nanousd += sum(call.cost_nanousd for call in verdict.calls)
        elif verdict.role == ROLE:
            self.stopped[verdict.reason] = self.stopped.get(verdict.reason, 0) + 1

    def _count_scores(self, verdict: VerdictReached) -> None:
        row = {}
        for judgement in verdict.judgements:
            score, key = score_of(judgement), history_key_of(judgement)
            if score is not None and judgement.call == 0:
                self.judges.setdefault(key, JudgeStats()).add(score, judgement.cost_nanousd)
                if judgement.place is not None:
                    places = self.places.setdefault(key, {})
                    places.setdefault(judgement.place, PlaceStats()).add(score)
                row[key] = score
        if len(row) > 1:
            self.rows = [*self.rows, row][-ROWS_MAX:]

    def _count_log_odds(self, verdict: VerdictReached) -> None:
        aggregation = verdict.aggregation
        if aggregation is None or aggregation.log_odds is None:
            return
        if verdict.round == 1:  # re-judged hypotheses were chosen, so they are no random sample
            self.final_log_odds = [*self.final_log_odds, aggregation.log_odds][-HISTORY_MAX:]
        reference = reference_of(verdict, aggregation)
        self.references = [*self.references, reference][-REFERENCES_MAX:]
        if verdict.decision is Decision.PROMOTED:
            self.promoted[verdict.verdict_id] = PromotedHypothesis(
                log_odds=reference.log_odds, scores=scores_by_key(verdict.judgements)
            )
            for oldest in list(self.promoted)[:-PROMOTED_MAX]:
                del self.promoted[oldest]

    def review(self, sequence: int, review: ReviewRecorded) -> None:
        """Count a review of a promoted hypothesis. The last one on a hypothesis holds; an undone
        one takes the label away.
        """
        self.reviews_sequence = max(self.reviews_sequence, sequence)
        promoted = self.promoted.get(review.verdict_id)
        if promoted is None:
            return
        labels = [label for label in self.labels if label.verdict_id != review.verdict_id]
        if review.accepted is not None:
            labels.append(
                ReviewLabel(
                    verdict_id=review.verdict_id,
                    log_odds=promoted.log_odds,
                    accepted=review.accepted,
                    scores=promoted.scores,
                )
            )
        self.labels = labels[-LABELS_MAX:]

    def count_outcome(self, sequence: int, outcome: OutcomeRecorded) -> None:
        """Count the outcome of a test. The last one on a hypothesis holds; an inconclusive one
        takes a former one away.
        """
        self.outcomes_sequence = max(self.outcomes_sequence, sequence)
        promoted = self.promoted.get(outcome.verdict_id)
        if promoted is None:
            return
        others = [label for label in self.outcomes if label.verdict_id != outcome.verdict_id]
        if outcome.result is not TrialResult.INCONCLUSIVE:
            others.append(
                TrialLabel(
                    verdict_id=outcome.verdict_id,
                    log_odds=promoted.log_odds,
                    confirmed=outcome.result is TrialResult.CONFIRMED,
                    scores=promoted.scores,
                )
            )
        self.outcomes = others[-LABELS_MAX:]

    @property
    def age(self) -> int:
        """Return the number of hypotheses that judges were asked about, canaries included."""
        return self.judged + self.canaries_judged

    def judge_stats(self, key: str) -> JudgeStats:
        """Return the statistics of a judge, empty for an unknown one."""
        return self.judges.get(key, JudgeStats())

    def quota_threshold(self, quota: float) -> QuotaThreshold:
        """Return the promotion threshold that lets a share `quota` of the hypotheses pass."""
        threshold = QuotaThreshold(quota)
        for log_odds in self.final_log_odds:
            threshold.add(log_odds)
        return threshold

    def certified_threshold(self, target: float) -> CertifiedThreshold | None:
        """Return the promotion threshold whose precision reviews and outcomes prove, if any.

        An outcome outranks a review of the same hypothesis.
        """
        truth = {label.verdict_id: (label.log_odds, label.accepted) for label in self.labels}
        truth |= {label.verdict_id: (label.log_odds, label.confirmed) for label in self.outcomes}
        log_odds = np.array([row[0] for row in truth.values()], float)
        return certify(log_odds, np.array([row[1] for row in truth.values()], bool), target)

    def canary_rate(
        self, *, bridges: bool, last: int = CANARIES_MAX, before: int = 0
    ) -> tuple[int, int]:
        """Return how many canaries of a kind would have been promoted, and of how many.

        Count the last `last` ones, without the very last `before`.
        """
        promoted = [canary.promoted for canary in self.canaries if canary.bridge == bridges]
        counted = promoted[: len(promoted) - before][-last:]
        return sum(counted), len(counted)

    def oracle_pass_rate(self, *, bridges: bool) -> tuple[int, int]:
        """Return how many canaries of a kind passed the oracle, and how many reached it."""
        promoted = [
            canary.promoted
            for canary in self.canaries
            if canary.bridge == bridges and canary.examined
        ]
        return sum(promoted), len(promoted)

    def nearest_references(self, threshold: float) -> list[ReferenceHypothesis]:
        """Return hypotheses that can be compared with, the nearest to the threshold first."""
        return sorted(self.references, key=lambda reference: abs(reference.log_odds - threshold))

    def position_bias(self, judge: str) -> float:
        """Return how much a judge favours the hypothesis shown first, in log-odds."""
        rows = [row for row in self.comparisons if row.judge == judge]
        if not rows:
            return 0.0
        verdict_ids = dict.fromkeys(name for row in rows for name in (row.first, row.second))
        indices = {verdict_id: index for index, verdict_id in enumerate(verdict_ids)}
        first = np.array([indices[row.first] for row in rows], np.int64)
        second = np.array([indices[row.second] for row in rows], np.int64)
        first_won = np.array([row.first_won for row in rows])
        return fit(first, second, first_won, len(indices)).position
