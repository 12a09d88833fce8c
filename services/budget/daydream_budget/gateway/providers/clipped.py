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
    prompt_bytes = sum(len(" ".join(text.split()).encode()) for text in _texts(sent))
    if prompt_bytes < PROMPT_BYTES_MIN:
        return False
    return reply.usage.input_tokens * BYTES_PER_TOKEN_MAX < prompt_bytes


def _texts(sent: Mapping[str, Any]) -> Iterator[str]:
    messages = sent.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, str):
            yield content
