"""The answer of a writer.

The gist and the kind of link come first, so that "no link" costs no long text. The reasoning comes
before the finding, so that the finding follows from it.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from daydream_contracts.events import LinkKind, ShortSynthesis, Synthesis
from daydream_contracts.text_limits import chars_max
from daydream_models.answer import AnswerModel, ProseAnswer

NamedLink = Literal[
    LinkKind.ANALOGY,
    LinkKind.METAPHOR,
    LinkKind.SAME_PROBLEM,
    LinkKind.COMBINATION,
    LinkKind.CONTRADICTION,
    LinkKind.QUESTION,
]
GIST_CHARS_MAX = 100
FINDING_CHARS_MIN = 200  # a shorter last paragraph is not the finding alone


class SynthesisAnswer(AnswerModel):
    """The full answer. Short answers are read as this model too: they lack only optional fields."""

    gist: str = Field("", max_length=GIST_CHARS_MAX)
    link: NamedLink | Literal["none"]
    reasoning: str = Field("", max_length=chars_max(Synthesis, "reasoning"))
    title: str = Field("", max_length=chars_max(Synthesis, "title"))
    hypothesis: str = Field("", max_length=chars_max(Synthesis, "hypothesis"))
    implication: str = Field("", max_length=chars_max(Synthesis, "implication"))
    if_false: str = Field("", max_length=chars_max(Synthesis, "if_false"))

    @model_validator(mode="after")
    def _link_has_its_reasoning(self) -> SynthesisAnswer:
        """Refuse half an answer. Only an abstention may leave texts out."""
        if isinstance(self.link, LinkKind) and "reasoning" not in self.model_fields_set:
            raise ValueError("the reasoning is missing")
        return self

    def synthesis(self) -> Synthesis | None:
        """Return the finding with its texts stripped, or None if there is no worthwhile link."""
        if not isinstance(self.link, LinkKind):
            return None
        return Synthesis(
            title=self.title.strip(),
            link=self.link,
            reasoning=self.reasoning.strip(),
            hypothesis=self.hypothesis.strip(),
            implication=self.implication.strip(),
            if_false=self.if_false.strip(),
        )


class ShortSynthesisAnswer(AnswerModel):
    """The short answer, for small budgets. Only its schema and its limits are used.

    As in the full one, "no link" comes first, and leaves the texts after it empty.
    """

    gist: str = Field("", max_length=GIST_CHARS_MAX)
    link: NamedLink | Literal["none"]
    reasoning: str = Field("", max_length=chars_max(ShortSynthesis, "reasoning"))
    title: str = Field("", max_length=chars_max(ShortSynthesis, "title"))
    hypothesis: str = Field("", max_length=chars_max(ShortSynthesis, "hypothesis"))
    implication: str = Field("", max_length=chars_max(ShortSynthesis, "implication"))


class SmallModelSynthesisAnswer(AnswerModel):
    """The short answer of small models. Only its schema and its limits are used.

    The minima are there because small models otherwise end a text after two words. They hold for
    an abstention too, so it saves nothing; such models are free or nearly so.
    """

    reasoning: str = Field(min_length=0, max_length=chars_max(ShortSynthesis, "reasoning"))
    link: NamedLink | Literal["none"]
    title: str = Field(min_length=3, max_length=chars_max(ShortSynthesis, "title"))
    hypothesis: str = Field(min_length=60, max_length=chars_max(ShortSynthesis, "hypothesis"))
    implication: str = Field(min_length=40, max_length=chars_max(ShortSynthesis, "implication"))


class ProseSynthesis(ProseAnswer):
    """An answer in prose, as the essay's prompt asks for: thoughts first, the finding last."""

    def synthesis(self) -> Synthesis:
        """Return the answer as a finding: its last paragraphs, after what leads to them.

        The whole answer stays in the call, and a judge that takes prose sees it.
        """
        paragraphs = [part.strip() for part in re.split(r"\n\s*\n", self.text) if part.strip()]
        first = len(paragraphs) - 1
        while first > 0 and len("\n".join(paragraphs[first:])) < FINDING_CHARS_MIN:
            first -= 1
        finding = "\n".join(paragraphs[first:])
        return Synthesis(
            title=_title_of(finding),
            link=LinkKind.UNSPECIFIED,
            reasoning="\n\n".join(paragraphs[:first]),
            hypothesis=finding,
            implication="",
        )


def _title_of(finding: str) -> str:
    """Return the first line, or its first sentence, without the marks of Markdown."""
    line = re.sub(r"[*_#`>]+", "", finding).strip().split("\n", 1)[0]
    return re.split(r"(?<=[.!?:]) ", line, maxsplit=1)[0].strip(" :")
