"""Notice a server that read only a part of the prompt.

Local servers cut a prompt to their context without a word. A token is seldom more than six bytes
of text. Runs of white space, which can be one token, count as one byte here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from daydream_budget.gateway.providers.reply import ProviderReply

BYTES_PER_TOKEN_MAX = 10
PROMPT_BYTES_MIN = 1000  # below this a ratio says little


def is_prompt_clipped(reply: ProviderReply, sent: Mapping[str, Any]) -> bool:
    """Return True if the usage counts far fewer tokens than the prompt has."""
    if reply.usage is None or reply.shape != "completion":
        return False
    bytes_min = max(PROMPT_BYTES_MIN, reply.usage.input_tokens * BYTES_PER_TOKEN_MAX + 1)
    texts = list(_texts(sent))
    if sum(map(_bytes, texts)) < bytes_min:  # the usual case, without reading the texts
        return False
    return sum(_bytes(" ".join(text.split())) for text in texts) >= bytes_min


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _texts(sent: Mapping[str, Any]) -> Iterator[str]:
    messages = sent.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, str):
            yield content
