"""In which form a stage asks its question: what is said, how long the answer may be, whether an unreadable one is repaired.

A stage has a form for each size of a plan (`money.plans.SIZES`); the pair says which size was paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daydream_shared.llm.prompt import Prompt
from daydream_shared.money.plans import FULL


@dataclass(frozen=True)
class Form:
    """`text_bytes_max` of what is filled in, besides `facts` times the bytes of the pair's facts."""

    prompt: Prompt
    output_tokens_max: int
    text_bytes_max: int = 0
    facts: int = 0
    repair: bool = True


Forms = Mapping[str, Form]


def form_of(forms: Forms, size: str) -> Form:
    """The form of a size; the full one for a size that this version doesn't know: it may have to grow its envelope."""
    return forms.get(size, forms[FULL])
