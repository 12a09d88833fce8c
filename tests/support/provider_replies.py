"""Answers for the tests of the provider side."""

from __future__ import annotations

import json
from typing import Any

from daydream_budget.gateway.providers.read_reply import read_reply
from daydream_budget.gateway.providers.reply import ProviderReply

USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def reply_to(status: int, body: Any, **headers: str) -> ProviderReply:
    """Read an answer; bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_reply(status, {key.replace("_", "-"): value for key, value in headers.items()}, raw)


def completion(
    content: Any = "yes", finish: str | None = "stop", *, message: Any = None, **fields: Any
) -> dict[str, Any]:
    """Return a completion in OpenAI's form."""
    full_message = {"role": "assistant", "content": content, **(message or {})}
    choice = {"index": 0, "finish_reason": finish, "message": full_message}
    return {"id": "c-1", "model": "m", "choices": [choice], "usage": USAGE, **fields}


def error(message: Any = "no", **fields: Any) -> dict[str, Any]:
    """Return an error in OpenAI's form."""
    return {"error": {"message": message, **fields}}
