"""What the synthesizer's model is asked to answer. Reasoning comes first, so that the finding follows from it."""

from __future__ import annotations

from typing import Any

from daydream_shared.messages import LinkKind, Synthesis
from pydantic import BaseModel, ConfigDict

CHARS_MAX = {"reasoning": 1500, "title": 90, "hypothesis": 900, "implication": 500}
CHARS_MAX_BRIEF = {"reasoning": 200, "title": 60, "hypothesis": 260, "implication": 160}
TOKENS_AROUND = 90  # keys, quotes, braces and the two short fields


class SynthesisAnswer(BaseModel):
    """The answer as it is read."""

    model_config = ConfigDict(extra="ignore")

    reasoning: str
    worthwhile: bool
    link: LinkKind
    title: str
    hypothesis: str
    implication: str

    def synthesis(self) -> Synthesis:
        """The finding, without the blanks around its texts."""
        return Synthesis(
            title=self.title.strip(), link=self.link, reasoning=self.reasoning.strip(), hypothesis=self.hypothesis.strip(), implication=self.implication.strip()
        )


def schema(*, brief: bool) -> dict[str, Any]:
    """The JSON schema of the answer. Every string has a maximum, so that the answer fits into `tokens_max`."""
    limits = CHARS_MAX_BRIEF if brief else CHARS_MAX
    text = {name: {"type": "string", "maxLength": limit} for name, limit in limits.items()}
    properties = {
        "reasoning": text["reasoning"],
        "worthwhile": {"type": "boolean"},
        "link": {"type": "string", "enum": [kind.value for kind in LinkKind]},
        "title": text["title"],
        "hypothesis": text["hypothesis"],
        "implication": text["implication"],
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def tokens_max(*, brief: bool) -> int:
    """Most tokens of an answer: in the worst case every character is a token."""
    return sum((CHARS_MAX_BRIEF if brief else CHARS_MAX).values()) + TOKENS_AROUND
