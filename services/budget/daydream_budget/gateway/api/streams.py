"""Server-sent events, as OpenAI's API streams a chat answer."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from typing import Any

from daydream_budget.gateway.refusals import CallRefusedError

DONE = "[DONE]"


def event(content: Any) -> bytes:
    """Return one event."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def replayed(answer: Mapping[str, Any], *, usage: bool) -> Iterator[bytes]:
    """Yield a whole answer as a stream. A named call is paid for whole before it is sent."""
    common = {name: answer.get(name) for name in ("id", "created", "model")}
    common["object"] = "chat.completion.chunk"
    choices = []
    for choice in answer.get("choices", ()):
        delta = {key: value for key, value in choice["message"].items() if value is not None}
        for index, call in enumerate(delta.get("tool_calls") or ()):
            call.setdefault("index", index)
        choices.append(
            {
                "index": choice.get("index", 0),
                "delta": delta,
                "finish_reason": choice.get("finish_reason"),
                "logprobs": choice.get("logprobs"),
            }
        )
    yield event({**common, "choices": choices})
    if usage:
        yield event({**common, "choices": [], "usage": answer.get("usage")})
    yield event(DONE)


async def begun(events: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """Wait for the first event, so that a refusal comes before the headers are sent."""
    try:
        first = await anext(events)
    except StopAsyncIteration:
        raise CallRefusedError(502, "broke_off", "the stream was empty", "retry") from None
    return _all_of(first, events)


async def _all_of(first: bytes, events: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for following in events:
            yield following
    except CallRefusedError as refused:  # too late for a status; clients read it in the stream
        yield event(refused.body())
    finally:
        await events.aclose()
