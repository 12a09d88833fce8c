"""The labelled passages: how many facts of junk there are, and how much content is lost.

`passages.jsonl` holds passages that were written for this, each with its kind: content, or the kind
of junk that it is. The halves alternate within each kind. Thresholds of the passage
filter were set on the half "tuning" only; figures are of the half "held-out".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daydream_memory.chunking import DocumentTexts, texts_of
from daydream_memory.reading import Passage, ReadResult

PASSAGES = Path(__file__).with_name("passages.jsonl")
CONTENT = "content"
CHARS_MAX = 900
Half = Literal["tuning", "held-out"]


@dataclass(frozen=True)
class LabelledPassage:
    """A passage and its label. `title` is the heading path above it."""

    id: str
    half: Half
    kind: str
    language: str
    title: str
    text: str

    @property
    def is_content(self) -> bool:
        """Whether it should become facts."""
        return self.kind == CONTENT


def labelled_passages(half: Half | None = None) -> list[LabelledPassage]:
    """Return the passages of a half, or all."""
    lines = PASSAGES.read_text("utf-8").splitlines()
    passages = [LabelledPassage(**json.loads(line)) for line in lines]
    return [passage for passage in passages if half in (None, passage.half)]


def facts_from(labelled: LabelledPassage) -> DocumentTexts:
    """Return what becomes of a passage that is alone in its document."""
    passage = Passage(labelled.text, labelled.title)
    return texts_of(
        ReadResult("read", "", (passage,)),
        source=f"{labelled.id}.md",
        chars_max=CHARS_MAX,
    )


def junk_facts(passages: list[LabelledPassage]) -> list[float]:
    """Return 1 for each fact of a junk passage, and 0 for each fact of content."""
    return [
        float(not passage.is_content) for passage in passages for _ in facts_from(passage).texts
    ]


def lost_content(passages: list[LabelledPassage]) -> list[float]:
    """Return for each passage of content which share of its letters and digits is in no fact."""
    return [_lost(passage) for passage in passages if passage.is_content]


def _lost(passage: LabelledPassage) -> float:
    kept = sum(_signs(fact.text) for fact in facts_from(passage).texts)
    return max(0.0, 1 - kept / _signs(passage.text))


def _signs(text: str) -> int:
    return sum(character.isalnum() for character in text)
