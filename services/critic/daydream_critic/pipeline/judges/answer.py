"""The answer that a judge's model is asked for. The justification comes before the scores."""

from __future__ import annotations

from pydantic import Field

from daydream_contracts.events import Scores
from daydream_models.answer import AnswerModel
from daydream_models.parsing import parse_score

HYPOTHESES_MAX = 8  # in one call
RUBRIC = ("novelty", "coherence", "usefulness")


class JudgeAnswer(AnswerModel):
    """The full answer. Short answers are read as this model too."""

    justification: str = Field(max_length=500)
    novelty: int = Field(ge=1, le=10)
    coherence: int = Field(ge=1, le=10)
    usefulness: int = Field(ge=1, le=10)

    def scores(self) -> Scores:
        """Return the three scores."""
        return Scores(novelty=self.novelty, coherence=self.coherence, usefulness=self.usefulness)


class ShortJudgeAnswer(JudgeAnswer):
    """The answer that is asked for in reduced plans, and from models with short answers."""

    justification: str = Field(max_length=160)


class SeveralAnswer(AnswerModel):
    """The answer about several hypotheses of one pair, in their order."""

    verdicts: list[JudgeAnswer] = Field(max_length=HYPOTHESES_MAX)


def read_free_text(text: str) -> Scores | None:
    """Read the three scores from an evaluation in prose.

    Return None unless each score is there beyond doubt and is a whole number.
    """
    scores = {}
    for name in RUBRIC:
        score = parse_score(text, name)
        if score is None or score != int(score) or score < 1:
            return None
        scores[name] = int(score)
    return Scores(**scores)
