"""What judges and the oracle say of a hypothesis, and how it is weighed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from daydream_contracts.events.base import ContractModel


class Scores(ContractModel):
    """The essay's rubric, 1–10 each."""

    novelty: int = Field(ge=1, le=10)
    coherence: int = Field(ge=1, le=10)
    usefulness: int = Field(ge=1, le=10)

    @property
    def mean(self) -> float:
        """The mean of the three, 1–10."""
        return (self.novelty + self.coherence + self.usefulness) / 3


class Judgement(ContractModel):
    """One judge's word; `scores` is None when its answer could not be read even after a repair."""

    judge: str
    model: str
    justification: str
    scores: Scores | None
    self_judged: bool = Field(
        default=False,
        description="the judge is of the family of the model that wrote the hypothesis",
    )
    expected: float | None = Field(
        default=None,
        description="the mean of the three as an expectation over token probabilities, where the server gives them",
    )
    call: int = Field(
        default=0,
        ge=0,
        description="0 for the judge's first answer on this hypothesis, 1 for a second opinion, and so on",
    )
    prompt: str = Field(default="", description="digest of what the judge was asked with")
    cost_nanousd: int = Field(default=0, ge=0)


class Vote(ContractModel):
    """What one judge's answers came to: the mean place of its scores in its own history, and their weight in the log-odds."""

    judge: str
    calls: int = Field(ge=1)
    value: float = Field(description="mean deviate in the judge's own history")
    weight: float
    base: float = Field(default=0.0, description="the value that the judge gives to misses")
    scale: float = Field(default=1.0, gt=0, description="and the standard deviation of that")


class Comparison(ContractModel):
    """A judge said which of two hypotheses is better: this one, or one that was judged before and lies near the line."""

    judge: str
    other_verdict_id: str
    other_log_odds: float
    shown_first: bool = Field(description="whether this one stood first")
    won: bool = Field(description="whether this one was found better")


Rule = Literal[
    "score", "quota", "precision"
]  # absolute scores, while there is no history; the best few; what people's reviews show


class Aggregation(ContractModel):
    """How the judges' answers became a decision: the log-odds of a hit, and what they had to reach."""

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
    deferred_from: float | None = Field(
        default=None, description="from here on it is compared with others before it is decided"
    )
    deferred_to: float | None = Field(
        default=None, description="from here on it is promoted at once"
    )
    rating: float | None = Field(default=None, description="log-odds after comparisons")
    rating_error: float | None = None
    votes: tuple[Vote, ...] = ()


class NearestMatch(ContractModel):
    """The nearest thing that was already known."""

    what: Literal["fact", "insight", "hypothesis"]
    id: str
    text: str
    similarity: float


class Statement(ContractModel):
    """What a hypothesis is held against: something known, or what was made of one of its facts alone."""

    what: str = Field(
        description="fact, insight or publication; `alone` for what was made of one of its facts"
    )
    id: str = Field(description="of the fact, or whatever names the publication")
    text: str
    similarity: float | None = None


class Refutation(ContractModel):
    """One attempt to refute a hypothesis. `holds` is None where the answer could not be read."""

    model: str
    case: str = Field(description="the strongest case against it")
    holds: bool | None
    same_as: Statement | None = Field(default=None, description="what says the same already")
    prompt: str = Field(default="", description="digest of what was asked with")


class Examination(ContractModel):
    """What the oracle did: what it held the hypothesis against, in the order in which it was found, and its attempts. It passes with the first one
    that it withstands."""

    statements: tuple[Statement, ...] = ()
    attempts: tuple[Refutation, ...] = ()
    missing: tuple[str, ...] = Field(default=(), description="what could not be asked, and why")
    self_examined: bool = Field(
        default=False,
        description="the oracle is of the family of the model that wrote the hypothesis",
    )
