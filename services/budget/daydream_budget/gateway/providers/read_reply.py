"""Read the bytes that a provider sent into a `ProviderReply`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from types import SimpleNamespace
from typing import Any

from daydream_budget.gateway.providers.completions import is_completion, read_completion
from daydream_budget.gateway.providers.error_bodies import ErrorBody, read_error
from daydream_budget.gateway.providers.reply import ProviderReply, Shape, shorten
from daydream_budget.gateway.providers.retry_after import retry_after_s, retry_in_words_s
from daydream_budget.gateway.providers.runaway import is_runaway
from daydream_budget.pricing.usage import TokenUsage, embedding_usage, reported_usage

OK = range(200, 300)
BUSY = (429, 503, 529)
STATUS_WITHOUT_CODE = 502  # of an error inside a 200 that names none
REPORTED_USD_MAX = 10_000.0  # more for one call is no price
NANOUSD_PER_USD = 10**9
ID_CHARS_MAX = 128
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def read_reply(status: int, headers: Mapping[str, str], raw: bytes) -> ProviderReply:
    """Read an answer. Headers have names in lower case. Never raises."""
    text = raw.decode("utf-8", errors="replace").strip()
    wait_s = retry_after_s(headers, is_busy=status in BUSY)
    if text[:1] == "<":
        return _unreadable(status, "html", text, wait_s)
    body = _json(text)
    if body is None:
        return _unreadable(status, "text", text, wait_s)
    if status in OK and isinstance(body, Mapping) and is_completion(body):
        return completion_reply(body)
    if status in OK and isinstance(body, Mapping) and _has_vectors(body):
        return _embeddings(body)
    error = read_error(body, is_failure=status not in OK)
    if error is None:
        reply = _unreadable(status, "other", text, wait_s)
        return replace(reply, body=body, usage=_usage(body)) if isinstance(body, dict) else reply
    return _error(status, error, headers)


def _unreadable(status: int, shape: Shape, text: str, wait_s: float | None) -> ProviderReply:
    if shape == "html":
        text = _TAG.sub(" ", text)
    status = 200 if status in OK else status
    return ProviderReply(status, shape, message=shorten(text), retry_after_s=wait_s)


def _error(status: int, error: ErrorBody, headers: Mapping[str, str]) -> ProviderReply:
    in_200 = status in OK
    real_status = (error.status or STATUS_WITHOUT_CODE) if in_200 else status
    wait_s = retry_after_s(headers, is_busy=real_status in BUSY)
    return ProviderReply(
        real_status,
        "error",
        code=error.code,
        message=error.message,
        param=error.param,
        retry_after_s=wait_s if wait_s is not None else retry_in_words_s(error.message),
        is_error_in_200=in_200 and error.status is None,
    )


def completion_reply(body: Mapping[str, Any]) -> ProviderReply:
    """Read a completion whose choices have messages, and whose texts UTF-8 can hold."""
    form, parts = read_completion(body)
    failure = read_error({"error": parts.failure or body.get("error")}, is_failure=True)
    usage = _usage(body)
    return ProviderReply(
        200,
        "completion",
        code=failure.code if failure else "",
        message=failure.message if failure else "",
        finish="error" if failure else parts.finish,
        text=parts.text,
        text_source=parts.text_source,
        thought=parts.thought,
        thought_source=parts.thought_source,
        has_tool_calls=parts.has_tool_calls,
        refusal=parts.refusal,
        usage=usage,
        reported_cost_nanousd=_reported_cost_nanousd(body.get("usage")),
        model=_short_text(body.get("model")),
        service_tier=_short_text(body.get("service_tier")),
        provider_id=_short_text(body.get("id")),
        is_runaway=parts.finish == "length" and is_runaway(parts.text),
        body=form,
    )


def _embeddings(body: Mapping[str, Any]) -> ProviderReply:
    report = body.get("usage")
    usage = embedding_usage(_as_object(report)) if isinstance(report, Mapping) else None
    return ProviderReply(
        200,
        "embeddings",
        usage=usage,
        reported_cost_nanousd=_reported_cost_nanousd(report),
        model=_short_text(body.get("model")),
        provider_id=_short_text(body.get("id")),
        body=body,
    )


def _has_vectors(body: Mapping[str, Any]) -> bool:
    rows = body.get("data")
    return (
        isinstance(rows, list)
        and bool(rows)
        and all(
            isinstance(row, Mapping) and isinstance(row.get("embedding"), list | str)
            for row in rows
        )
    )


def read_bill(chunk: Mapping[str, Any]) -> tuple[TokenUsage | None, int | None]:
    """Return the usage, and the cost if it is named, that a chunk of a stream reports."""
    return _usage(chunk), _reported_cost_nanousd(chunk.get("usage"))


def _usage(body: Mapping[str, Any]) -> TokenUsage | None:
    report = body.get("usage")
    if not isinstance(report, Mapping):
        return None
    return reported_usage(_as_object(report), _short_text(body.get("service_tier")))


def _as_object(value: Any) -> Any:
    """Return a mapping as an object with attributes, as the pricing reads usage."""
    if not isinstance(value, Mapping):
        return value
    return SimpleNamespace(**{str(name): _as_object(part) for name, part in value.items()})


def _reported_cost_nanousd(report: object) -> int | None:
    """Read the price that OpenRouter names in `usage.cost`, in dollars."""
    cost = report.get("cost") if isinstance(report, Mapping) else None
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        return None
    if not 0 <= cost <= REPORTED_USD_MAX or not isfinite(cost):
        return None
    return round(cost * NANOUSD_PER_USD)


def _json(text: str) -> object:
    """Parse JSON; None for what is none, for endless nesting and for numbers without end."""
    try:
        body: object = json.loads(text)
        if "\\ud" in text.lower():  # half a character, which no UTF-8 can hold
            body = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return body


def _short_text(value: object) -> str:
    return shorten(value, ID_CHARS_MAX) if isinstance(value, str) else ""
