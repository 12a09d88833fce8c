"""What is kept of verdicts to learn from, one by one (`experience` adds them up)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pydantic import BaseModel, Field

from daydream_contracts.events import Aggregation, Decision, Judgement, VerdictReached
from daydream_critic.stats.score_ranks import ScoreRanks

SCORES_MAX = 2000


class JudgeStats(BaseModel):
    """Of one judge with one prompt."""

    scores: dict[float, int] = Field(default_factory=dict)
    answers: int = 0
    cost_nanousd: int = 0

    @property
    def count(self) -> int:
        return sum(self.scores.values())

    def add(self, score: float, cost_nanousd: int) -> None:
        """Count an answer."""
        self.scores[score] = self.scores.get(score, 0) + 1
        self.answers += 1
        self.cost_nanousd += cost_nanousd
        if self.count > SCORES_MAX:
            self.scores = {
                score: half for score, count in self.scores.items() if (half := count // 2)
            }


class ReferenceHypothesis(BaseModel):
    """A hypothesis that was judged, for comparison: its text is in memory. `clearances`: what a model needs to see it."""

    verdict_id: str
    hypothesis_id: str
    log_odds: float
    team: str = ""
    clearances: tuple[str, ...] = ()


class ReviewLabel(BaseModel):
    """A person's word on a promoted hypothesis, and the log-odds with which it was promoted."""

    verdict_id: str
    log_odds: float
    accepted: bool


class CanaryResult(BaseModel):
    """What became of a planted hypothesis: the scores that each judge gave it, in the order of its calls, and whether it would have been promoted."""

    bridge: bool
    promoted: bool
    examined: bool = Field(default=False, description="whether it came to the oracle")
    scores: dict[str, list[float]]


class ComparisonRow(BaseModel):
    """Which of two won, and who stood first."""

    judge: str
    first: str
    second: str
    first_won: bool


def deviate(rank: ScoreRanks, scores: Sequence[float], at: int) -> float:
    """What the `at`-th of a judge's scores stands for; NaN where it gave fewer."""
    return rank.of_score(scores[at]) if at < len(scores) else float("nan")


def canary_of(verdict: VerdictReached) -> CanaryResult:
    """What became of a planted hypothesis."""
    scores: dict[str, list[float]] = {}
    for judgement in verdict.judgements:
        if (score := score_of(judgement)) is not None:
            scores.setdefault(key_of(judgement), []).append(score)
    bridge = verdict.hypothesis.pair.canary == "bridge"
    return CanaryResult(
        bridge=bridge,
        promoted=verdict.decision is Decision.PROMOTED,
        examined=verdict.examination is not None,
        scores=scores,
    )


def seen_of(verdict: VerdictReached, aggregation: Aggregation) -> ReferenceHypothesis:
    """A judged hypothesis at the place where it ended, with who may see it."""
    proposed, pair = verdict.hypothesis, verdict.hypothesis.pair
    ended = aggregation.log_odds if aggregation.rating is None else aggregation.rating
    clearances = {fact.clearance for fact in (pair.first, pair.second) if fact.clearance}
    return ReferenceHypothesis(
        verdict_id=verdict.verdict_id,
        hypothesis_id=proposed.hypothesis_id,
        log_odds=ended or 0.0,
        team=pair.first.team or pair.second.team,
        clearances=tuple(sorted(clearances)),
    )


def compared_of(verdict: VerdictReached) -> list[ComparisonRow]:
    """The comparisons of a verdict as rows of who stood first and who won."""
    own = verdict.verdict_id
    return [
        ComparisonRow(
            judge=one.judge,
            first=own if one.shown_first else one.other_verdict_id,
            second=one.other_verdict_id if one.shown_first else own,
            first_won=one.won == one.shown_first,
        )
        for one in verdict.comparisons
    ]


def key_of(judgement: Judgement) -> str:
    """Under which a judge's history is kept: its name says model and rubric; another text of the prompt begins a new one."""
    return f"{judgement.judge}:{judgement.prompt[:12]}"


def score_of(judgement: Judgement) -> float | None:
    """One number of a judgement, 1 to 10: expected, where token probabilities are known, else as it was said."""
    if judgement.scores is None:
        return None
    return (
        round(judgement.scores.mean, 2)
        if judgement.expected is None
        else round(judgement.expected, 1)
    )


def means(judgements: Sequence[Judgement]) -> dict[str, list[float]]:
    """The scores that each judge gave, in the order of its calls."""
    found: dict[str, list[float]] = defaultdict(list)
    for judgement in judgements:
        if (score := score_of(judgement)) is not None:
            found[judgement.judge].append(score)
    return dict(found)
