"""Define the synthesizer's event, with the model calls that it took."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field, ValidationInfo, field_validator

from daydream_contracts.events.base import ContractModel, Message, Payer, derive_id
from daydream_contracts.events.pairs import PairSampled
from daydream_contracts.text_limits import chars_max, cut


class PromptRef(ContractModel):
    """Name a prompt:

    `digest` is the SHA-256 of its text and of the schema of the answer.
    """

    name: str
    digest: str


class ModelCall(ContractModel):
    """One answered model call, with its cost."""

    call_id: str
    model: str
    prompt: PromptRef
    input_tokens: int | None
    output_tokens: int | None
    cost_nanousd: int = Field(ge=0)
    saved_nanousd: int = Field(default=0, ge=0, description="saving by the batch API")
    repair: bool = False
    problem: str = Field(
        default="", description="what was wrong with the answer that a repair asks for again"
    )
    messages_digest: str = Field(default="", description="SHA-256 of the sent messages as JSON")
    answer: str = Field(default="", description="raw text, cut to 8,000 characters")


class LinkKind(StrEnum):
    """Name the kinds of links: the five questions of the essay's brainstorm, and a research
    question.

    `unspecified`: the hypothesis is prose, whose writer was not asked for the kind.
    """

    ANALOGY = "analogy"
    METAPHOR = "metaphor"
    SAME_PROBLEM = "same-problem"
    COMBINATION = "combination"
    CONTRADICTION = "contradiction"
    QUESTION = "question"
    UNSPECIFIED = "unspecified"


class Synthesis(ContractModel):
    """The link that the synthesizer proposes between two facts.

    What a judge may be shown derives from these maxima. A longer text is cut on construction, so
    that it never makes a message invalid; the raw answer stays in the call.
    """

    title: str = Field(max_length=90)
    link: LinkKind
    reasoning: str = Field(max_length=900)
    hypothesis: str = Field(max_length=600)
    implication: str = Field(max_length=350, description="one testable consequence")
    if_false: str = Field(
        default="",
        max_length=250,
        description="what one would observe if the hypothesis were false",
    )

    @field_validator("title", "reasoning", "hypothesis", "implication", "if_false", mode="before")
    @classmethod
    def _cut_to_maximum(cls, text: object, info: ValidationInfo) -> object:
        if not isinstance(text, str) or info.field_name is None:
            return text
        return cut(text, chars_max(cls, info.field_name))


class ShortSynthesis(Synthesis):
    """The limits of a synthesis under a short plan.

    It never travels; a short one is a Synthesis.
    """

    title: str = Field(max_length=60)
    reasoning: str = Field(max_length=200)
    hypothesis: str = Field(max_length=260)
    implication: str = Field(max_length=160)
    if_false: str = Field(default="", max_length=0)


class PromptExample(ContractModel):
    """An earlier finding that the writer was shown, labelled interesting or not."""

    verdict_id: str
    interesting: bool


class PairHypotheses(ContractModel):
    """All hypotheses of a pair that state a link, in the order of their samples, and which is this
    one.
    """

    syntheses: tuple[Synthesis, ...] = Field(min_length=2)
    place: int = Field(ge=0)


class HypothesisProposed(Message):
    """The synthesizer answered: with a link, with "no link", or unreadably; or a filter refused."""

    hypothesis_id: str
    pair: PairSampled
    sample: int = Field(ge=0)
    synthesis: Synthesis | None
    abstention: str | None = Field(default=None, description="why there is no worthwhile link")
    unreadable: str | None = Field(default=None, description="the raw answer, if it is unreadable")
    filtered: str | None = Field(
        default=None, description="what the provider said, if its content filter refused"
    )
    calls: tuple[ModelCall, ...] = ()
    writer: str = Field(
        default="", description="name of the model that wrote it, as in the settings"
    )
    examples: tuple[PromptExample, ...] = ()
    together: PairHypotheses | None = Field(
        default=None,
        description="the pair's hypotheses, if there are several: a judge may score them in one"
        " call",
    )
    round: int = Field(
        default=1,
        ge=1,
        description="1 as proposed; higher if judged again, with another reservation",
    )
    judges: tuple[str, ...] = Field(default=(), description="judges to use; empty: all")
    proposed_at: datetime

    @property
    def message_id(self) -> str:
        return (
            self.hypothesis_id
            if self.round == 1
            else derive_id("rejudged", self.hypothesis_id, self.round)
        )

    @property
    def payer(self) -> Payer | None:
        return Payer(
            reservation_id=self.pair.reservation_id, branch=self.sample if self.round == 1 else None
        )


def hypothesis_id_of(pair_id: str, prompt_digest: str, sample: int) -> str:
    """Return the id of the `sample`-th hypothesis of a pair under a prompt."""
    return derive_id("hypothesis", pair_id, prompt_digest, sample)


def insight_id_of(hypothesis_id: str) -> str:
    """Return the id of the fact that a promoted hypothesis becomes."""
    return derive_id("insight", hypothesis_id)
