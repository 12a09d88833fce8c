"""Does a hypothesis state the link of a bridge? Several votes of a judge decide.

How often it errs is measured on hypotheses that a person labelled, in words of the corpus' author.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field

from daydream_console.bench.corpus import PACKAGE, BenchCorpus, BenchPair, LabelledMatch
from daydream_console.bench.questions import Ask, BenchQuestion
from daydream_console.bench.statistics import MatchErrors
from daydream_contracts.text_limits import truncate
from daydream_models.answer import AnswerModel
from daydream_models.parsing import parse_object
from daydream_models.prompt import Prompt, load_prompt

TEMPERATURE = 0.7  # votes that repeat each other word for word are one vote
HYPOTHESIS_BYTES_MAX = 4000


class MatchAnswer(AnswerModel):
    """The judge's answer: the reason first."""

    reason: str = Field(max_length=240)
    same: Literal["yes", "no"]


@cache
def match_prompt() -> Prompt:
    """Return the bundled prompt."""
    placeholders = frozenset({"link", "hypothesis"})
    return load_prompt(PACKAGE, "match.v1.md", "", MatchAnswer.json_schema(), placeholders)


@dataclass(frozen=True)
class MatchingJudge:
    """Asks a model `votes` times. A vote that can't be read counts as no."""

    ask: Ask
    votes: int

    async def states_link(self, bridge: BenchPair, hypothesis: str) -> bool:
        """Return whether most votes say that the hypothesis states the bridge's link."""
        questions = [_question(bridge, hypothesis, vote) for vote in range(self.votes)]
        answers = await asyncio.gather(*(self.ask(question) for question in questions))
        return 2 * sum(map(_says_yes, answers)) > self.votes

    async def errors(self, corpus: BenchCorpus, labelled: int) -> MatchErrors:
        """Return how often it is right, on the first `labelled` of the labelled hypotheses."""
        rows = labelled_rows(corpus, labelled)
        answers = await asyncio.gather(
            *(self.states_link(corpus.bridge_by_name[row.bridge], row.hypothesis) for row in rows)
        )
        judged = list(zip(rows, answers, strict=True))
        same = [said for row, said in judged if row.same]
        other = [not said for row, said in judged if not row.same]
        return MatchErrors(len(same), sum(same), len(other), sum(other))


def labelled_rows(corpus: BenchCorpus, count: int) -> Sequence[LabelledMatch]:
    """Return the labelled hypotheses to ask about. They alternate between the two labels."""
    return corpus.matches[:count]


def _question(bridge: BenchPair, hypothesis: str, vote: int) -> BenchQuestion:
    prompt = match_prompt()
    shown = truncate(hypothesis, HYPOTHESIS_BYTES_MAX)
    return BenchQuestion(
        prompt,
        prompt.fill(link=bridge.link, hypothesis=shown),
        MatchAnswer.tokens_max(),
        TEMPERATURE,
        vote,
    )


def _says_yes(text: str) -> bool:
    answer = parse_object(text, MatchAnswer)
    return answer is not None and answer.same == "yes"
