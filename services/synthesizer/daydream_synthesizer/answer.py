"""What the synthesizer's model is asked to answer. Reasoning comes first, so that the finding follows from it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from daydream_contracts.events import LinkKind, Synthesis

CHARS_MAX = {"reasoning": 900, "title": 90, "hypothesis": 600, "implication": 350, "if_false": 250}
CHARS_MAX_BRIEF = {"reasoning": 200, "title": 60, "hypothesis": 260, "implication": 160}
CHARS_MIN_BRIEF = {
    "reasoning": 0,
    "title": 3,
    "hypothesis": 60,
    "implication": 40,
}  # small models end a text after two words otherwise
TOKENS_AROUND = 80  # keys, quotes, braces and the kind of link
NO_LINK = "none"


class SynthesisAnswer(BaseModel):
    """The answer as it is read."""

    model_config = ConfigDict(extra="ignore")

    reasoning: str
    link: LinkKind | Literal["none"]
    title: str = ""
    hypothesis: str = ""
    implication: str = ""
    if_false: str = ""

    def synthesis(self) -> Synthesis | None:
        """The finding, without the blanks around its texts; None: there is no worthwhile link."""
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


def schema(*, brief: bool) -> dict[str, Any]:
    """The JSON schema of the answer. Every string has a maximum, so that the answer fits into `tokens_max`."""
    limits = CHARS_MAX_BRIEF if brief else CHARS_MAX
    text: dict[str, dict[str, Any]] = {
        name: {"type": "string", "maxLength": limit} for name, limit in limits.items()
    }
    if brief:
        text = {name: {**one, "minLength": CHARS_MIN_BRIEF[name]} for name, one in text.items()}
    properties = {
        "reasoning": text["reasoning"],
        "link": {"type": "string", "enum": [*(kind.value for kind in LinkKind), NO_LINK]},
        "title": text["title"],
        "hypothesis": text["hypothesis"],
        "implication": text["implication"],
    }
    if not brief:
        properties["if_false"] = text["if_false"]
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def tokens_max(*, brief: bool) -> int:
    """Most tokens of an answer: in the worst case every character is a token."""
    return sum((CHARS_MAX_BRIEF if brief else CHARS_MAX).values()) + TOKENS_AROUND
