"""The maximum cost of a request, for bodies of any OpenAI client.

Text, tools and the schema of the answer count one token per byte where no exact tokenizer is known
(`pricing.bounds`). Parts whose tokens cannot be bounded (pictures, sound, files) are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.pricing.bounds import (
    TOKENS_PER_MESSAGE,
    call_bound_nanousd,
    prompt_tokens_bound,
)
from daydream_budget.pricing.tariff import Price
from daydream_budget.pricing.tokens import Counter

BOUNDED_TEXT_KEYS = ("tools", "functions", "response_format", "tool_choice", "prediction")
CHOICES_MAX = 16


@dataclass(frozen=True)
class CallBound:
    """The maximum of a call: tokens, and nano-dollars for them.

    `listed_nanousd` is what they cost by the price list. `nanousd` covers what bills taught, too.
    """

    input_tokens: int
    output_tokens: int
    nanousd: int
    prompt_bytes: int
    listed_nanousd: int


def chat_bound(
    body: Mapping[str, Any],
    output_tokens: int,
    price: Price,
    lifetime_s: float,
    counter: Counter | None = None,
) -> CallBound:
    """Return the bound of a chat call. `output_tokens` includes thought. Raise CallRefusedError."""
    contents = list(_texts(body["messages"]))
    further = {key: body[key] for key in BOUNDED_TEXT_KEYS if body.get(key)}
    other_bytes = len(json.dumps(further, ensure_ascii=False).encode()) if further else 0
    choices = body.get("n") or 1
    if not isinstance(choices, int) or not 1 <= choices <= CHOICES_MAX:
        raise CallRefusedError.of_invalid_request(f"n must be between 1 and {CHOICES_MAX}")
    input_tokens = prompt_tokens_bound(contents, other_bytes, counter)
    prompt_bytes = sum(len(text.encode()) for text in contents) + other_bytes
    return _bound(price, input_tokens, choices * output_tokens, lifetime_s, prompt_bytes)


def embedding_bound(
    inputs: Sequence[str | list[int]],
    price: Price,
    lifetime_s: float,
    counter: Counter | None = None,
) -> CallBound:
    """Return the bound of a call for embeddings, which has no output.

    An input is a text, or the ids of its tokens; a server may put its own around both.
    """
    texts = [text for text in inputs if isinstance(text, str)]
    token_ids = sum(len(ids) + TOKENS_PER_MESSAGE for ids in inputs if not isinstance(ids, str))
    prompt_bytes = sum(len(text.encode()) for text in texts)
    input_tokens = prompt_tokens_bound(texts, token_ids, counter)
    return _bound(price, input_tokens, 0, lifetime_s, prompt_bytes)


def _bound(
    price: Price, input_tokens: int, output_tokens: int, lifetime_s: float, prompt_bytes: int
) -> CallBound:
    now = datetime.now(UTC)
    span = (now, now + timedelta(seconds=lifetime_s))
    nanousd = call_bound_nanousd(price, input_tokens, output_tokens, span=span)
    return CallBound(input_tokens, output_tokens, nanousd, prompt_bytes, nanousd)


def _texts(messages: list[Any]) -> Iterator[str]:
    """Yield one text per message: its content, and all else in it as JSON."""
    for message in messages:
        if not isinstance(message, dict):
            raise CallRefusedError.of_invalid_request("a message must be an object")
        content = message.get("content")
        rest = {key: value for key, value in message.items() if key not in ("role", "content")}
        text = json.dumps(rest, ensure_ascii=False) if rest else ""
        yield text + (content if isinstance(content, str) else _text_of_parts(content))


def _text_of_parts(content: object) -> str:
    if content is None:
        return ""
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        if not isinstance(part, dict) or part.get("type") not in ("text", "refusal"):
            text = "this gateway bounds the cost of text only; leave out pictures, sound and files"
            raise CallRefusedError.of_invalid_request(text)
    return json.dumps(parts, ensure_ascii=False)
