"""Read error bodies in the forms that providers use.

OpenAI nests an object under `error`. Gemini wraps that in a list. LM Studio, Ollama and xAI put a
string there. Mistral and vLLM have the fields at the top, with pydantic's list of problems as the
message. FastAPI calls that `detail`. OpenRouter and other gateways quote the upstream's error as
text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daydream_budget.gateway.providers.reply import shorten

STATUS_OF_CODE = {
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "overloaded": 529,
    "unavailable": 503,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "unauthenticated": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "content_filter": 400,
    "context_length_exceeded": 400,
    "api_error": 500,
    "server_error": 500,
    "internal": 500,
    "internal_server_error": 500,
    "timeout": 408,
}
QUOTED_DEPTH_MAX = 3  # a gateway behind a gateway behind a provider
# vLLM sends pydantic's problems as the text of a Python list
_LOCATION = re.compile(r"""['"]?loc['"]?\s*[:=]\s*[\[(]\s*['"]body['"]\s*,\s*['"](\w+)['"]""")


@dataclass(frozen=True)
class ErrorBody:
    """An error in the words of a provider. `status` is the one inside the body, if it names one."""

    message: str
    code: str = ""
    param: str = ""
    status: int | None = None


def read_error(body: object, *, is_failure: bool, depth: int = 0) -> ErrorBody | None:
    """Return the error that a JSON value is, or None.

    `is_failure`: the HTTP status says so already; then a bare `message` is an error too.
    """
    if isinstance(body, list):
        first = body[0] if body else None
        return read_error(first, is_failure=is_failure, depth=depth) if _is_error(first) else None
    if not isinstance(body, Mapping):
        return None
    inner = body.get("error") or body.get("errors")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    if isinstance(inner, Mapping):
        return _from_fields(inner, depth)
    if inner:
        return _from_fields({**body, "message": str(inner)}, depth)
    if body.get("object") == "error" or body.get("type") == "error" or "detail" in body:
        return _from_fields(body, depth)
    return _from_fields(body, depth) if is_failure and body.get("message") else None


def _is_error(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value.get("error"))


def _from_fields(fields: Mapping[str, Any], depth: int) -> ErrorBody:
    said = fields.get("message") or fields.get("detail") or fields.get("type") or ""
    message = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    codes = [fields.get(name) for name in ("code", "type", "status")]
    words = [code for code in codes if isinstance(code, str) and code and not code.isdigit()]
    numbers = [int(code) for code in codes if isinstance(code, int | str) and _is_status(code)]
    own = ErrorBody(
        shorten(message),
        shorten(words[0], 64) if words else str(numbers[0] if numbers else ""),
        shorten(_param(fields, message), 64),
        numbers[0] if numbers else _status_of(words),
    )
    quoted = _quoted(fields, message, depth)
    return _joined(own, quoted) if quoted else own


def _is_status(code: object) -> bool:
    text = str(code)
    return not isinstance(code, bool) and text.isdigit() and 400 <= int(text[:6]) < 600


def _status_of(words: list[str]) -> int | None:
    return next(
        (STATUS_OF_CODE[word.lower()] for word in words if word.lower() in STATUS_OF_CODE), None
    )


def _param(fields: Mapping[str, Any], message: str) -> str:
    param = fields.get("param")
    if isinstance(param, str) and param:
        return param
    for problems in (fields.get("detail"), fields.get("message")):
        nested = problems.get("detail") if isinstance(problems, Mapping) else problems
        for problem in nested if isinstance(nested, list) else ():
            location = problem.get("loc") if isinstance(problem, Mapping) else None
            if isinstance(location, list) and len(location) > 1 and location[0] == "body":
                return str(location[1])
    match = _LOCATION.search(message)
    return match[1] if match else ""


def _quoted(fields: Mapping[str, Any], message: str, depth: int) -> ErrorBody | None:
    """Read the error that a gateway quotes: OpenRouter in `metadata.raw`, others in the message."""
    if depth >= QUOTED_DEPTH_MAX:
        return None
    metadata = fields.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    for text in (raw, message[message.find("{") :] if "{" in message else ""):
        if isinstance(text, str) and text.lstrip().startswith("{"):
            try:
                quoted = json.JSONDecoder(strict=False).raw_decode(text.lstrip())[0]
            except (ValueError, RecursionError):
                continue
            error = read_error(quoted, is_failure=True, depth=depth + 1)
            if error:
                return error
    return None


def _joined(outer: ErrorBody, quoted: ErrorBody) -> ErrorBody:
    """Take the words of the quoted error, and the status of the outer one if it has one."""
    return ErrorBody(
        quoted.message or outer.message,
        quoted.code or outer.code,
        quoted.param or outer.param,
        outer.status or quoted.status,
    )
