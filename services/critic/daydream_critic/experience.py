"""What the critic has learned from verdicts: a fold of the VERDICTS stream, the same in every replica.

Of each judge, by name and prompt: how often it gave each score, and what its answers cost. Of the last hypotheses that several judges scored: who said what.
Of the last hypotheses of all: the log-odds they ended with, from which the line is drawn, and which of them can be compared with. What comparisons
said, and what people said of promoted ones (the REVIEWS stream).
Everything is bounded: of histories that grow too large half is forgotten, which keeps their shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from daydream_critic.line import SEEN_MAX, Line
from daydream_critic.pairwise import fit
from daydream_critic.panel import Panel, panel_of
from daydream_critic.ranks import Ranks
from daydream_critic.thresholds import Certified, promotes
from daydream_shared.following import Fold
from daydream_shared.messages import NANOUSD_PER_USD, Decision, Judgement, ReviewRecorded, VerdictReached, Weighing

SCORES_MAX = 2000
ROWS_MAX = 500
COMPARISONS_MAX = 1000
PROMOTED_MAX = 1000  # that wait for a person's word
LABELS_MAX = 500
NEIGHBOURS_MAX = 300  # hypotheses that others may be compared with
WARM = 50  # scores of a judge from which they are read as ranks


class Record(BaseModel):
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
            self.scores = {score: half for score, count in self.scores.items() if (half := count // 2)}


class Seen(BaseModel):
    """A hypothesis that was judged, for comparison: its text is in memory. `clearances`: what a model needs to see it."""

    verdict_id: str
    hypothesis_id: str
    log_odds: float
    team: str = ""
    clearances: tuple[str, ...] = ()


class Label(BaseModel):
    """A person's word on a promoted hypothesis, and the log-odds with which it was promoted."""

    verdict_id: str
    log_odds: float
    accepted: bool


class Compared(BaseModel):
    """Which of two won, and who stood first."""

    judge: str
    first: str
    second: str
    first_won: bool


class Experience(Fold):
    """The fold up to a place in the VERDICTS stream."""

    judges: dict[str, Record] = Field(default_factory=dict)
    rows: list[dict[str, float]] = Field(default_factory=list)
    ended: list[float] = Field(default_factory=list)
    seen: list[Seen] = Field(default_factory=list)
    compared: list[Compared] = Field(default_factory=list)
    promoted: dict[str, float] = Field(default_factory=dict)
    labels: list[Label] = Field(default_factory=list)
    reviewed: int = Field(default=0, description="up to where the REVIEWS stream was read")

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        row = {}
        for judgement in verdict.judgements:
            score = score_of(judgement)
            if score is not None and judgement.call == 0:
                self.judges.setdefault(key_of(judgement), Record()).add(score, judgement.cost_nanousd)
                row[key_of(judgement)] = score
        if len(row) > 1:
            self.rows = [*self.rows, row][-ROWS_MAX:]
        if verdict.weighing is not None and verdict.weighing.log_odds is not None:
            self.ended = [*self.ended, verdict.weighing.log_odds][-SEEN_MAX:]
            self.seen = [*self.seen, _seen(verdict, verdict.weighing)][-NEIGHBOURS_MAX:]
            if verdict.decision is Decision.PROMOTED:
                self.promoted[verdict.verdict_id] = self.seen[-1].log_odds
                for oldest in list(self.promoted)[:-PROMOTED_MAX]:
                    del self.promoted[oldest]
        self.compared = [*self.compared, *_compared(verdict)][-COMPARISONS_MAX:]

    def review(self, sequence: int, review: ReviewRecorded) -> None:
        """Count a person's word; the last one on a hypothesis is the one that holds."""
        self.reviewed = max(self.reviewed, sequence)
        log_odds = self.promoted.get(review.verdict_id)
        if log_odds is not None:
            others = [one for one in self.labels if one.verdict_id != review.verdict_id]
            self.labels = [*others, Label(verdict_id=review.verdict_id, log_odds=log_odds, accepted=review.accepted)][-LABELS_MAX:]

    def certified(self, target: float) -> Certified | None:
        """Where people's reviews show that promotion has the target precision."""
        return promotes(np.array([one.log_odds for one in self.labels]), np.array([one.accepted for one in self.labels], bool), target)

    def warm(self, keys: Sequence[str]) -> bool:
        """Whether the scores of all these judges can be read as ranks."""
        return all(key in self.judges and self.judges[key].count >= WARM for key in keys)

    def ranks(self, key: str) -> Ranks:
        """What a judge means by its scores."""
        return Ranks.of(self.judges[key].scores) if key in self.judges else Ranks({}, 0)

    def usd(self, key: str) -> float:
        """What an answer of a judge cost on average."""
        record = self.judges.get(key, Record())
        return record.cost_nanousd / NANOUSD_PER_USD / max(1, record.answers)

    def panel(self, keys: Sequence[str]) -> Panel:
        """What is known of these judges together."""
        ranks = [self.ranks(key) for key in keys]
        rows = [[rank.of_score(row[key]) for key, rank in zip(keys, ranks, strict=True)] for row in self.rows if all(key in row for key in keys)]
        values: NDArray[np.float64] = np.array(rows, float).reshape(len(rows), len(keys))
        return panel_of(values)

    def near(self, line: float) -> list[Seen]:
        """Those that can be compared with, the nearest to the line first."""
        return sorted(self.seen, key=lambda one: abs(one.log_odds - line))

    def position(self, judge: str) -> float:
        """How much this judge favours what it is shown first, in log-odds, from all its comparisons."""
        rows = [one for one in self.compared if one.judge == judge]
        names = {name: at for at, name in enumerate(dict.fromkeys(name for one in rows for name in (one.first, one.second)))}
        if not rows:
            return 0.0
        first, second = (np.array([names[name] for name in side], np.int64) for side in ([one.first for one in rows], [one.second for one in rows]))
        return fit(first, second, np.array([one.first_won for one in rows]), len(names)).position

    def line(self, quota: float) -> Line:
        """Where promotion begins."""
        line = Line(quota)
        for log_odds in self.ended:
            line.add(log_odds)
        return line


def _seen(verdict: VerdictReached, weighing: Weighing) -> Seen:
    proposed, pair = verdict.hypothesis, verdict.hypothesis.pair
    ended = weighing.log_odds if weighing.placed is None else weighing.placed
    clearances = {fact.clearance for fact in (pair.first, pair.second) if fact.clearance}
    return Seen(
        verdict_id=verdict.verdict_id, hypothesis_id=proposed.hypothesis_id, log_odds=ended or 0.0, team=pair.first.team or pair.second.team,
        clearances=tuple(sorted(clearances)),
    )  # fmt: skip


def _compared(verdict: VerdictReached) -> list[Compared]:
    own = verdict.verdict_id
    return [
        Compared(
            judge=one.judge, first=own if one.shown_first else one.other_verdict_id, second=one.other_verdict_id if one.shown_first else own,
            first_won=one.won == one.shown_first,
        )
        for one in verdict.comparisons
    ]  # fmt: skip


def key_of(judgement: Judgement) -> str:
    """Under which a judge's history is kept: its name says model and rubric; another text of the prompt begins a new one."""
    return f"{judgement.judge}:{judgement.prompt[:12]}"


def score_of(judgement: Judgement) -> float | None:
    """One number of a judgement, 1 to 10."""
    return None if judgement.scores is None else round(judgement.scores.mean, 2)


def means(judgements: Sequence[Judgement]) -> dict[str, list[float]]:
    """The scores that each judge gave, in the order of its calls."""
    found: dict[str, list[float]] = defaultdict(list)
    for judgement in judgements:
        if (score := score_of(judgement)) is not None:
            found[judgement.judge].append(score)
    return dict(found)
