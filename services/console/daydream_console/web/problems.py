"""Errors of the API as problem documents (RFC 9457): what is wrong, and the fix.

`code` is stable. `fix` says what to do. `field` names the part of the request that is invalid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nats.errors
import nats.js.errors
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from daydream_console.error_fixes import OF_CLIENT_ERRORS, fix_of
from daydream_contracts.errors import ConfigurationError, DaydreamError, PermanentError

MEDIA_TYPE = "application/problem+json"
TEXT_CHARS_MAX = 2000
UNKNOWN = {"unknown-insight", "unknown-verdict", "unknown-fact", "unknown-key"}


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = Field(description="`urn:daydream:problem:` and the code")
    title: str
    status: int
    detail: str
    code: str
    fix: str = ""
    field: str = ""


class ProblemError(Exception):
    """Raise a problem from anywhere below a route."""

    def __init__(self, status: int, code: str, detail: str, fix: str = "", field: str = "") -> None:
        super().__init__(detail)
        self.problem = problem(status, code, detail, fix, field)


TITLES = {
    400: "Invalid request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Refused",
    413: "Body too large",
    415: "Unsupported media type",
    421: "Unknown host",
    429: "Too many requests",
    503: "Not available now",
}
FIXES = {
    404: "Check the address. The API is described at /api/v1/openapi.json",
    405: "Use one of the methods that the Allow header names",
}


def problem(status: int, code: str, detail: str, fix: str = "", field: str = "") -> Problem:
    """Return a problem with the title of its status. It always says what to do."""
    return Problem(
        type=f"urn:daydream:problem:{code}",
        title=TITLES.get(status, "Error"),
        status=status,
        detail=detail[:TEXT_CHARS_MAX],
        code=code,
        fix=(fix or fix_of(code) or OF_CLIENT_ERRORS)[:TEXT_CHARS_MAX],
        field=field,
    )


def problem_response(content: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return the response that carries a problem."""
    return Response(content.model_dump_json(), content.status, headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """Return the problem that an expected error means."""
    match error:
        case ProblemError():
            return error.problem
        case RequestValidationError():
            return _invalid(error)
        case PermanentError():
            status = 404 if error.reason in UNKNOWN else 409
            status = 400 if error.reason.startswith("invalid") else status
            return problem(status, error.reason, str(error))
        case ConfigurationError():
            return problem(409, "refused", error.problem, error.fix)
        case HTTPException():
            code = TITLES.get(error.status_code, "error").lower().replace(" ", "-")
            return problem(
                error.status_code, code, str(error.detail), FIXES.get(error.status_code, "")
            )
        case DaydreamError():
            return problem(503, "unavailable", str(error), "Try again. Nothing was changed")
    return problem(
        503,
        "nats-unavailable",
        "NATS did not confirm in time",
        "Try again in a moment. Sending the same request twice is harmless",
    )


EXPECTED: tuple[type[Exception], ...] = (
    ProblemError,
    RequestValidationError,
    HTTPException,
    DaydreamError,
    nats.errors.Error,
    nats.js.errors.Error,
    TimeoutError,
    ConnectionError,
)


def answer_problems(app: FastAPI, error_page: Callable[[Request, Problem], Response]) -> None:
    """Send expected errors as problem documents, or as a page to people who read pages."""

    async def handle(request: Request, error: Exception) -> Response:
        headers = getattr(error, "headers", None)
        content = problem_of(error)
        wants_page = "text/html" in request.headers.get("accept", "")
        if wants_page and not request.url.path.startswith("/api/"):
            return error_page(request, content)
        if content.status == 503:
            headers = {**(headers or {}), "Retry-After": "2"}
        return problem_response(content, headers)

    for kind in EXPECTED:
        app.add_exception_handler(kind, handle)


def _invalid(error: RequestValidationError) -> Problem:
    first: dict[str, Any] = dict(error.errors()[0]) if error.errors() else {}
    path = [str(part) for part in first.get("loc", ())]
    field = ".".join(path[1:] if path[:1] in (["body"], ["query"], ["path"]) else path)
    message = str(first.get("msg", "The request is invalid"))
    detail = f"{field}: {message}" if field else message
    return problem(400, "invalid", detail, "Correct this field and send it again", field)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of routes that can answer with these problems."""
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


READ_PROBLEMS = documented(400, 401, 403, 404, 405, 421, 429, 503)
WRITE_PROBLEMS = documented(400, 401, 403, 404, 405, 409, 413, 415, 421, 429, 503)
