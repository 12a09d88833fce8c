"""What a provider answered, whatever its dialect, in one flat record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from daydream_budget.pricing.usage import TokenUsage

Shape = Literal[
    "completion",
    "embeddings",
    "error",  # an error body of any known form
    "html",
    "text",  # no JSON, or JSON that was cut off
    "other",  # JSON that is neither an answer nor an error
    "not-sent",  # there was no connection
    "too-slow",  # the wall-clock limit passed
    "broke-off",  # the connection ended before the answer did
]
TextSource = Literal["", "content", "chunks", "reasoning"]
MESSAGE_CHARS_MAX = 500


@dataclass(frozen=True)
class ProviderReply:
    """One answer of a provider. Every text and number in it is bounded.

    `status` is the HTTP status, or that of an error inside a 200; 0 if nothing came. `message` is
    the provider's own wording of an error. `param` is the parameter that an error names. `text` is
    the answer. `thought` is the reasoning that came with it, from the field `thought_source`.
    `usage` is None if the server reports none, or one that can't be true. `body` is the answer in
    OpenAI's form, or for another shape whatever JSON object came.
    """

    status: int
    shape: Shape
    code: str = ""
    message: str = ""
    param: str = ""
    finish: str = ""
    text: str = ""
    text_source: TextSource = ""
    thought: str = ""
    thought_source: str = ""
    has_tool_calls: bool = False
    refusal: str = ""
    usage: TokenUsage | None = None
    reported_cost_nanousd: int | None = None
    retry_after_s: float | None = None
    model: str = ""
    service_tier: str = ""
    provider_id: str = ""
    is_error_in_200: bool = False
    is_prompt_clipped: bool = False
    is_runaway: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)

    def is_200(self, shape: Shape) -> bool:
        """Return True for a 200 of this shape."""
        return self.status == 200 and self.shape == shape


def shorten(text: str, limit: int = MESSAGE_CHARS_MAX) -> str:
    """Return a text in one line, cut to a limit."""
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
