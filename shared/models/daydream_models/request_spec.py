"""In which form a stage asks its question: what is said, how long the answer may be, whether an unreadable one is repaired.

A stage has a form for each size of a plan (`money.plans.SIZES`); the pair says which size was paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daydream_models.prompt import Prompt
from daydream_models.reservations import FULL


@dataclass(frozen=True)
class RequestSpec:
    """`text_bytes_max` of what is filled in, besides `facts` times the bytes of the pair's facts."""

    prompt: Prompt
    output_tokens_max: int
    text_bytes_max: int = 0
    facts: int = 0
    repair: bool = True


RequestSpecs = Mapping[str, RequestSpec]


def request_spec_of(forms: RequestSpecs, size: str) -> RequestSpec:
    """The form of a size; the full one for a size that this version doesn't know: it may have to grow its reservation."""
    return forms.get(size, forms[FULL])
