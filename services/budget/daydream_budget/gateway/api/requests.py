"""Check the bodies of requests, and nothing that only a provider can judge."""

from __future__ import annotations

import json
from typing import Any

from daydream_budget.gateway.refusals import CallRefusedError

BODY_BYTES_MAX = 8_000_000
TEXTS_MAX = 2048


def chat_body(raw: bytes) -> dict[str, Any]:
    """Return the body of a chat request. Raise CallRefusedError."""
    body = _json_object(raw)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise CallRefusedError.of_invalid_request("messages must be a list that is not empty")
    return body


def embedding_body(raw: bytes) -> dict[str, Any]:
    """Return the body of a request for embeddings, its input as a list. Raise CallRefusedError."""
    body = _json_object(raw)
    given = body.get("input")
    is_one = isinstance(given, str) or _is_token_ids(given)
    inputs = [given] if is_one else given
    if (
        not isinstance(inputs, list)
        or not 1 <= len(inputs) <= TEXTS_MAX
        or not (all(isinstance(text, str) for text in inputs) or all(map(_is_token_ids, inputs)))
    ):
        text = f"input must be a text, or a list of at most {TEXTS_MAX} texts, or ids of tokens"
        raise CallRefusedError.of_invalid_request(text)
    return {**body, "input": inputs}


def _is_token_ids(value: object) -> bool:
    """Return True for a text that the client has split into tokens itself."""
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)


def _json_object(raw: bytes) -> dict[str, Any]:
    if len(raw) > BODY_BYTES_MAX:
        text = f"the body has more than {BODY_BYTES_MAX} bytes"
        raise CallRefusedError(413, "too_long", text, "reject")
    try:
        body = json.loads(raw)
    except ValueError:
        raise CallRefusedError.of_invalid_request("the body is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("model"), str) or not body["model"]:
        raise CallRefusedError.of_invalid_request("the body must be an object with a model")
    return body
