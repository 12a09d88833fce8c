"""The answer of a writer. Reasoning comes first, so that the finding follows from it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from daydream_contracts.events import LinkKind, ShortSynthesis, Synthesis
from daydream_contracts.text_limits import chars_max
from daydream_models.answer import AnswerModel


class SynthesisAnswer(AnswerModel):
    """The full answer. Short answers are read as this model too: they lack only optional fields."""

    reasoning: str = Field(max_length=chars_max(Synthesis, "reasoning"))
    link: LinkKind | Literal["none"]
    title: str = Field("", max_length=chars_max(Synthesis, "title"))
    hypothesis: str = Field("", max_length=chars_max(Synthesis, "hypothesis"))
    implication: str = Field("", max_length=chars_max(Synthesis, "implication"))
    if_false: str = Field("", max_length=chars_max(Synthesis, "if_false"))

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
    """The short answer, for small models and small budgets.

    Only its schema and its limits are used. The minima are there because small models otherwise end
    a text after two words.
    """

    reasoning: str = Field(min_length=0, max_length=chars_max(ShortSynthesis, "reasoning"))
    link: LinkKind | Literal["none"]
    title: str = Field(min_length=3, max_length=chars_max(ShortSynthesis, "title"))
    hypothesis: str = Field(min_length=60, max_length=chars_max(ShortSynthesis, "hypothesis"))
    implication: str = Field(min_length=40, max_length=chars_max(ShortSynthesis, "implication"))
