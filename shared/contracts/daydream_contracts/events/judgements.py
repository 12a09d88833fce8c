"""Define the judgements of a hypothesis, their aggregation, and the oracle's examination."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from daydream_contracts.events.base import ContractModel


class Scores(ContractModel):
    """Hold the three scores that a rubric asks for, 1–10 each."""

    novelty: int = Field(ge=1, le=10)
    coherence: int = Field(ge=1, le=10)
    usefulness: int = Field(ge=1, le=10)

    @property
    def mean(self) -> float:
        """Return the mean of the three scores, 1–10."""
        return (self.novelty + self.coherence + self.usefulness) / 3


class Judgement(ContractModel):
    """One judge's answer. `scores` is None if it was unreadable, even after a repair."""

    judge: str
    model: str
    justification: str
    scores: Scores | None
    self_judged: bool = Field(
        default=False,
        description="the judge and the writer of the hypothesis belong to the same model family",
    )
    expected: float | None = Field(
        default=None,
        description="expected mean score over token probabilities, if the server returns them",
    )
    call: int = Field(
        default=0,
        ge=0,
        description="0 for the judge's first answer on this hypothesis, 1 for the second, …",
    )
    place: int | None = Field(
        default=None, ge=0, description="its place among the hypotheses of one call, if several"
    )
    prompt: str = Field(default="", description="digest of the prompt")
    cost_nanousd: int = Field(default=0, ge=0)
    filtered: str | None = Field(
        default=None, description="what the provider said, if its content filter refused"
    )


class Vote(ContractModel):
    """One judge's contribution: the mean rank of its scores in its history, and its weight."""

    judge: str
    calls: int = Field(ge=1)
    value: float = Field(description="mean deviate in the judge's own history")
    weight: float
    base: float = Field(default=0.0, description="mean value that the judge gives to misses")
    scale: float = Field(default=1.0, gt=0, description="standard deviation of that value")


class Comparison(ContractModel):
    """A judge's choice between this hypothesis and an earlier one near the threshold."""

    judge: str
    other_verdict_id: str
    other_log_odds: float
    shown_first: bool = Field(description="whether this hypothesis was shown first")
    won: bool = Field(description="whether the judge preferred this hypothesis")


# score: absolute scores, without a history; quota: the best few; precision: certified from reviews
Rule = Literal["score", "quota", "precision"]


class Aggregation(ContractModel):
    """How the judgements became a decision: the log-odds of a hit, and the thresholds."""

    rule: Rule
    log_odds: float | None = None
    prior: float | None = None
    deflection: float | None = Field(
        default=None,
        description="log-odds = prior + sum of weight × (value − base) ÷ scale − deflection ÷ 2",
    )
    threshold: float | None = Field(
        default=None, description="log-odds from which a hypothesis is promoted"
    )
    undecided_from: float | None = Field(
        default=None, description="log-odds from which a hypothesis is compared with others first"
    )
    undecided_to: float | None = Field(
        default=None, description="log-odds from which a hypothesis is promoted at once"
    )
    rating: float | None = Field(default=None, description="log-odds after comparisons")
    rating_error: float | None = None
    votes: tuple[Vote, ...] = ()


class NearestMatch(ContractModel):
    """The most similar fact, insight or hypothesis in memory."""

    kind: Literal["fact", "insight", "hypothesis"]
    id: str
    text: str
    similarity: float


class Statement(ContractModel):
    """A statement that the oracle compares a hypothesis with."""

    kind: str = Field(
        description="fact, insight or publication; `alone`: derived from one of its facts alone"
    )
    id: str = Field(description="id of the fact, or of the publication")
    text: str
    similarity: float | None = None


class Refutation(ContractModel):
    """One attempt to refute a hypothesis. `holds` is None if the answer is unreadable."""

    model: str
    case: str = Field(description="the strongest case against it")
    holds: bool | None
    same_as: Statement | None = Field(default=None, description="the statement that says the same")
    prompt: str = Field(default="", description="digest of the prompt")


class Examination(ContractModel):
    """The oracle's statements, in the order of retrieval, and its attempts to refute.

    A hypothesis passes with the first attempt that it withstands.
    """

    statements: tuple[Statement, ...] = ()
    attempts: tuple[Refutation, ...] = ()
    missing: tuple[str, ...] = Field(default=(), description="sources that did not answer, and why")
    self_examined: bool = Field(
        default=False,
        description="the oracle and the writer of the hypothesis belong to the same model family",
    )
