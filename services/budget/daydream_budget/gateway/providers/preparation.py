"""Write a request in the dialect of its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.features import (
    DROPPABLE,
    GOES_WITH,
    MAXIMUM_NAMES,
    format_of,
)
from daydream_budget.gateway.providers.response_schemas import (
    schema_of,
    with_instruction,
    without_keywords,
)


def prepare(
    body: Mapping[str, Any],
    dialect: Dialect,
    *,
    reasoning_tokens: int = 0,
    call_cap: int | None = None,
    watch: bool = False,
) -> dict[str, Any]:
    """Return the request as this model takes it.

    `reasoning_tokens` are asked for besides the maximum of the answer itself. `call_cap` limits
    both together. `watch` reads the answer as a stream, so that it can be broken off.
    """
    prepared = {name: value for name, value in body.items() if _is_kept(name, dialect)}
    for name, others in GOES_WITH.items():
        if name not in prepared:
            for other in others:
                prepared.pop(other, None)
    if visible_maximum(body) is not None:
        maximum = requested_maximum(body, dialect, reasoning_tokens)
        prepared[dialect.maximum_name] = min(maximum, call_cap or maximum)
    if isinstance(prepared.get("top_logprobs"), int) and "top_logprobs" in dialect.caps:
        prepared["top_logprobs"] = min(prepared["top_logprobs"], dialect.caps["top_logprobs"])
    if isinstance(prepared.get("messages"), list):
        _write_format(prepared, dialect)
        prepared["messages"] = _with_roles(prepared["messages"], dialect)
    if watch and dialect.can_stream:
        prepared |= {"stream": True, "stream_options": {"include_usage": True}}
    return prepared


def visible_maximum(body: Mapping[str, Any]) -> int | None:
    """Return the tokens that a request allows for its answer; None: it sets no maximum."""
    values = [body.get(name) for name in MAXIMUM_NAMES]
    return next(
        (value for value in values if isinstance(value, int) and not isinstance(value, bool)), None
    )


def requested_maximum(body: Mapping[str, Any], dialect: Dialect, reasoning_tokens: int) -> int:
    """Return the tokens that a prepared request asks for, which its authorization has to cover."""
    visible = visible_maximum(body) or 0
    return min(visible + reasoning_tokens, dialect.caps.get("max_tokens", 10**9))


def _is_kept(name: str, dialect: Dialect) -> bool:
    if name in MAXIMUM_NAMES:
        return False  # set by its right name below
    return name not in (*DROPPABLE, "stream") or dialect.takes(name)


def _write_format(prepared: dict[str, Any], dialect: Dialect) -> None:
    """Ask for the best format that the model takes, and put into words what that leaves open."""
    asked = format_of(prepared)
    schema = schema_of(prepared)
    if asked == "json_schema" and dialect.best_format == "json_schema" and schema is not None:
        kept = without_keywords(schema, dialect.schema_keywords_refused)
        wanted = prepared["response_format"]
        described = {**wanted["json_schema"], "schema": kept}
        prepared["response_format"] = {**wanted, "json_schema": described}
    elif asked == "json_schema" or (
        asked == "json_object" and not dialect.takes("response_format:json_object")
    ):
        if dialect.takes("response_format:json_object"):
            prepared["response_format"] = {"type": "json_object"}
        else:
            del prepared["response_format"]
        prepared["messages"] = with_instruction(prepared["messages"], schema)


def _with_roles(messages: list[Any], dialect: Dialect) -> list[Any]:
    """Rename roles. What `system` said as a user is joined with the user's own next message."""
    written: list[Any] = []
    is_renamed = False
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            written.append(message)
            continue
        role = dialect.role_for(message["role"])
        if is_renamed and role == "user" and _is_text(message) and _is_text(written[-1]):
            joined = f"{written[-1]['content']}\n\n{message['content']}"
            written[-1] = {**message, "role": role, "content": joined}
        else:
            written.append({**message, "role": role})
        is_renamed = role == "user" and message["role"] != "user"
    return written


def _is_text(message: Any) -> bool:
    return isinstance(message, Mapping) and isinstance(message.get("content"), str)
