"""What the critic has learned from verdicts: a fold of the VERDICTS stream, the same in every replica.

Of each judge, by name and prompt: how often it gave each score, and what its answers cost. Of the last hypotheses that several judges scored: who said what.
Of the last hypotheses of all: the log-odds they ended with, from which the line is drawn. Everything is bounded: of histories that grow too large half is
forgotten, which keeps their shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from daydream_critic.line import SEEN_MAX, Line
from daydream_critic.panel import Panel, panel_of
from daydream_critic.ranks import Ranks
from daydream_shared.following import Fold
from daydream_shared.messages import NANOUSD_PER_USD, Judgement, VerdictReached

SCORES_MAX = 2000
ROWS_MAX = 500
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


class Experience(Fold):
    """The fold up to a place in the VERDICTS stream."""

    judges: dict[str, Record] = Field(default_factory=dict)
    rows: list[dict[str, float]] = Field(default_factory=list)
    ended: list[float] = Field(default_factory=list)

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

    def line(self, quota: float) -> Line:
        """Where promotion begins."""
        line = Line(quota)
        for log_odds in self.ended:
            line.add(log_odds)
        return line


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
