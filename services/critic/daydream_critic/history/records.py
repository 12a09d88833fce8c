"""Rows of the critic's history, and how they are read from a verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pydantic import BaseModel, Field

from daydream_contracts.events import Aggregation, Decision, Judgement, VerdictReached
from daydream_critic.stats.score_ranks import ScoreRanks

SCORES_MAX = 2000
VERSION_CHARS = 12  # of a prompt's digest, or of a judge's version


class JudgeStats(BaseModel):
    """Scores and cost of one judge with one prompt. Only first opinions count."""

    scores: dict[float, int] = Field(default_factory=dict)
    answers: int = 0
    cost_nanousd: int = 0

    @property
    def count(self) -> int:
        """Return the number of scores."""
        return sum(self.scores.values())

    def add(self, score: float, cost_nanousd: int) -> None:
        """Count an answer. Beyond `SCORES_MAX` all counts are halved, which keeps their shape."""
        self.scores[score] = self.scores.get(score, 0) + 1
        self.answers += 1
        self.cost_nanousd += cost_nanousd
        if self.count > SCORES_MAX:
            halves = {score: count // 2 for score, count in self.scores.items()}
            self.scores = {score: half for score, half in halves.items() if half}


class PlaceStats(BaseModel):
    """Scores in one place of calls about several hypotheses: their number, sum and squares."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, score: float) -> None:
        """Count a score."""
        self.count += 1
        self.total += score
        self.squares += score**2

    @property
    def mean(self) -> float:
        """Return the mean score."""
        return self.total / max(1, self.count)

    @property
    def error(self) -> float | None:
        """Return half of the 95 % interval of the mean, or None for fewer than two scores."""
        if self.count < 2:
            return None
        variance = max(0.0, self.squares / self.count - self.mean**2) / (self.count - 1)
        return 1.96 * float(variance**0.5)


class ReferenceHypothesis(BaseModel):
    """A judged hypothesis that others are compared with. Its text is in memory.

    `team` and `clearances` say who may see it.
    """

    verdict_id: str
    hypothesis_id: str
    log_odds: float
    team: str = ""
    clearances: tuple[str, ...] = ()


class PromotedHypothesis(BaseModel):
    """A promoted hypothesis that may still get a label: its log-odds and the scores it got."""

    log_odds: float
    scores: dict[str, list[float]] = Field(default_factory=dict)


class ReviewLabel(PromotedHypothesis):
    """A review of a promoted hypothesis."""

    verdict_id: str
    accepted: bool


class TrialLabel(PromotedHypothesis):
    """What came out when somebody tried the test of a promoted hypothesis."""

    verdict_id: str
    confirmed: bool


class CanaryResult(BaseModel):
    """How a canary was judged: the scores of each judge, in the order of its calls, and the
    decision.
    """

    bridge: bool
    promoted: bool
    examined: bool = Field(default=False, description="whether it reached the oracle")
    scores: dict[str, list[float]]


class ComparisonRow(BaseModel):
    """Which of two hypotheses won, and which was shown first."""

    judge: str
    first: str
    second: str
    first_won: bool


def history_key(judge: str, version: str) -> str:
    """Return the key of a judge's history.

    The name says model and rubric. Another prompt text (`version`: its digest) begins a new
    history.
    """
    return f"{judge}:{version[:VERSION_CHARS]}"


def history_key_of(judgement: Judgement) -> str:
    """Return the key of the history that a judgement belongs to."""
    return history_key(judgement.judge, judgement.prompt)


def score_of(judgement: Judgement) -> float | None:
    """Return the mean score of a judgement, 1 to 10, or None if the answer was unreadable.

    It is the expectation over token probabilities where the server gave them.
    """
    if judgement.scores is None:
        return None
    if judgement.expected is not None:
        return round(judgement.expected, 1)
    return round(judgement.scores.mean, 2)


def scores_by_judge(judgements: Sequence[Judgement]) -> dict[str, list[float]]:
    """Return the mean scores of each judge by name, in the order of its calls."""
    scores: dict[str, list[float]] = defaultdict(list)
    for judgement in judgements:
        if (score := score_of(judgement)) is not None:
            scores[judgement.judge].append(score)
    return dict(scores)


def scores_by_key(judgements: Sequence[Judgement]) -> dict[str, list[float]]:
    """Return the mean scores of each judge by the key of its history, in the order of its calls."""
    scores: dict[str, list[float]] = {}
    for judgement in judgements:
        if (score := score_of(judgement)) is not None:
            scores.setdefault(history_key_of(judgement), []).append(score)
    return scores


def deviate_of(ranks: ScoreRanks, scores: Sequence[float], call: int) -> float:
    """Return the deviate of the score of one call, or NaN if there was no such call."""
    return ranks.of_score(scores[call]) if call < len(scores) else float("nan")


def canary_result_of(verdict: VerdictReached) -> CanaryResult:
    """Return how a canary was judged."""
    return CanaryResult(
        bridge=verdict.hypothesis.pair.canary == "bridge",
        promoted=verdict.decision is Decision.PROMOTED,
        examined=verdict.examination is not None,
        scores=scores_by_key(verdict.judgements),
    )


def reference_of(verdict: VerdictReached, aggregation: Aggregation) -> ReferenceHypothesis:
    """Return a judged hypothesis with its final log-odds and who may see it."""
    proposed, pair = verdict.hypothesis, verdict.hypothesis.pair
    final = aggregation.log_odds if aggregation.rating is None else aggregation.rating
    clearances = {fact.clearance for fact in (pair.first, pair.second) if fact.clearance}
    return ReferenceHypothesis(
        verdict_id=verdict.verdict_id,
        hypothesis_id=proposed.hypothesis_id,
        log_odds=final or 0.0,
        team=pair.first.team or pair.second.team,
        clearances=tuple(sorted(clearances)),
    )


def comparison_rows_of(verdict: VerdictReached) -> list[ComparisonRow]:
    """Return the comparisons of a verdict as rows."""
    own = verdict.verdict_id
    return [
        ComparisonRow(
            judge=comparison.judge,
            first=own if comparison.shown_first else comparison.other_verdict_id,
            second=comparison.other_verdict_id if comparison.shown_first else own,
            first_won=comparison.won == comparison.shown_first,
        )
        for comparison in verdict.comparisons
    ]
